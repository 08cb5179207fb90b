"""Checkpoints of a running training: one file, replaced atomically, without pickle."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

FORMAT = "crystalsym-checkpoint"
VERSION = 2  # 1 did not know the rows


class CheckpointError(ValueError):
    """A checkpoint cannot be read, or belongs to another training."""


@dataclass
class TrainingState:
    """Where a training stands.

    Attributes
    ----------
    seed : int
        Fixes initial weights, held-out rows and the order of samples in every epoch.
    epoch, step : int
        Epoch and step within it that come next.
    loss_sum : float
        Sum of the losses of the steps done in this epoch.
    history : list of dict
        One entry for each finished epoch.
    best_loss : float or None
        Lowest validation loss so far.
    stale : int
        Epochs since the validation loss last fell.
    seconds : float
        Time spent in this epoch.
    finished : bool
    variables, optimizer, best : list of ndarray
        Model variables (states of random generators included), optimizer variables, and the model
        variables of the best epoch (empty if none are kept).
    """

    seed: int
    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    best_loss: float | None = None
    stale: int = 0
    seconds: float = 0.0
    finished: bool = False
    variables: list[np.ndarray] = field(default_factory=list)
    optimizer: list[np.ndarray] = field(default_factory=list)
    best: list[np.ndarray] = field(default_factory=list)


_ARRAYS = ("variables", "optimizer", "best")
_SCALARS = (
    "seed", "epoch", "step", "loss_sum", "history", "best_loss", "stale", "seconds", "finished"
)  # fmt: skip


def fingerprint(parts: dict[str, Any]) -> dict[str, str]:
    """Reduce what a training depends on to short strings, array contents to hashes."""
    prints = {}
    for name, value in parts.items():
        if isinstance(value, np.ndarray):
            digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()[:16]
            value = f"{value.dtype}{list(value.shape)} {digest}"
        prints[name] = str(value)
    return prints


class CheckpointFile:
    """The checkpoint of one training in a directory.

    Parameters
    ----------
    directory : path-like
        Made if missing; holds ``checkpoint.npz``, and ``progress.json`` for people to read.
    parts : dict
        What the training depends on; a checkpoint of others is refused.
    """

    def __init__(self, directory: str | os.PathLike[str], parts: dict[str, Any]):
        self.path = Path(directory) / "checkpoint.npz"
        self._progress = Path(directory) / "progress.json"
        self._fingerprint = fingerprint(parts)

    def write(self, state: TrainingState) -> None:
        """Write the state; a kill at any moment leaves the old file or the new one."""
        scalars = {name: getattr(state, name) for name in _SCALARS}
        header = {
            "format": FORMAT,
            "version": VERSION,
            "fingerprint": self._fingerprint,
            "counts": {name: len(getattr(state, name)) for name in _ARRAYS},
            **scalars,
        }
        arrays = {
            f"{name}_{i:04d}": array
            for name in _ARRAYS
            for i, array in enumerate(getattr(state, name))
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f"checkpoint.{os.getpid()}.tmp")
        try:
            with open(temporary, "wb") as file:
                np.savez(file, header=np.array(json.dumps(header)), **arrays)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)
        finally:
            temporary.unlink(missing_ok=True)
        temporary = self._progress.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps({**scalars, "fingerprint": self._fingerprint}, indent=1))
        os.replace(temporary, self._progress)

    def read(self) -> TrainingState | None:
        """Return the stored state, or None if there is none yet.

        Raises
        ------
        CheckpointError
            If the file is damaged, or was written by a training with other parameters or data.
        """
        if not self.path.exists():
            return None
        try:
            with np.load(self.path, allow_pickle=False) as stored:
                header = json.loads(str(stored["header"]))
                if header["format"] != FORMAT or header["version"] != VERSION:
                    raise CheckpointError(
                        f"{self.path} is not a checkpoint that this version of crystalsym goes on "
                        "from; delete it or train with resume=False"
                    )
                self._compare(header["fingerprint"])
                state = TrainingState(**{name: header[name] for name in _SCALARS})
                for name in _ARRAYS:
                    count = header["counts"][name]
                    setattr(state, name, [stored[f"{name}_{i:04d}"] for i in range(count)])
        except CheckpointError:
            raise
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise CheckpointError(
                f"{self.path} is not a readable checkpoint ({error}); delete it or train with "
                "resume=False"
            ) from error
        return state

    def _compare(self, theirs: dict[str, str]) -> None:
        ours = self._fingerprint
        names = sorted(n for n in ours.keys() | theirs.keys() if ours.get(n) != theirs.get(n))
        if names:
            details = "; ".join(f"{n}: {theirs.get(n)} there, {ours.get(n)} here" for n in names)
            raise CheckpointError(
                f"{self.path} belongs to another training ({details}); use another "
                "checkpoint_dir for each training (every fold of a cross-validation is one), or "
                "resume=False to overwrite it"
            )
