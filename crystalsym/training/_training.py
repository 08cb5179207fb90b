"""Training a pipeline from a file of crystals and one TOML file.

The file has the tables ``[data]``, ``[simulate]``, ``[shape]``, ``[augment]`` and ``[classify]``.
``[simulate]``, ``[shape]`` and ``[classify]`` hold the parameters of the pipeline's steps,
``[augment]`` those of :func:`crystalsym.learning.learning_rows`. A file without any of these
four gets ``RECIPE``. What stands in ``[card]`` is kept with the model. ``[degrade]`` has the
parameters of :class:`crystalsym.measurement.CameraDegradation`, ``[start]`` the ``model`` whose
weights the training goes on from. See ``benchmarks/train-72.toml``.
"""

from __future__ import annotations

import copy
import json
import os
import sys
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crystalsym.bundles import find_model
from crystalsym.evaluation import evaluate
from crystalsym.learning._learning_rows import learning_rows
from crystalsym.pretrained._recipe import RECIPE, build_pipeline
from crystalsym.training._data import (
    DATA_DEFAULTS,
    TrainingData,
    file_digest,
    load_data,
    of_a_card,
)

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

__all__ = [
    "DATA_DEFAULTS",
    "RECIPE",
    "TrainingConfig",
    "TrainingData",
    "evaluate",
    "load_data",
    "refit",
    "train",
]

REFITTED = (
    "the figures are those of a training of the same settings without the held-out crystals;"
    " these weights have learned from those, too, and from all but a few that calibrate them"
)
# Settings that say how fast, how loud and where.
WITHOUT_EFFECT = (
    "structures", "n_jobs", "verbose", "memory", "distribution", "checkpoint_dir",
    "checkpoint_interval", "resume",
)  # fmt: skip
TABLES = ("data", "simulate", "shape", "augment", "classify", "card")
# Those that trainings need not have, and older ones do not.
LATER_TABLES = ("degrade", "start")


@dataclass(frozen=True)
class TrainingConfig:
    """Hold what one training consists of.

    Parameters
    ----------
    name : str
    data : dict
        ``DATA_DEFAULTS`` and what differs from them.
    simulate, shape, classify : dict
        Parameters of the pipeline's steps.
    augment : dict
        Parameters of :func:`crystalsym.learning.learning_rows`.
    card : dict
        Kept with the model.
    degrade : dict
        Parameters of :class:`crystalsym.measurement.CameraDegradation`; patterns are as
        simulated where there are none.
    start : dict
        ``model``: the weights to go on from, by the name of a bundled model or a folder.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from crystalsym.training import TrainingConfig
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "mine.toml"
    ...     _ = path.write_text('[data]\\nstructures = "mine.npz"\\n[classify]\\nepochs = 20')
    ...     config = TrainingConfig.read(path)
    >>> config.name, config.data["groups"], config.pipeline()["classify"].epochs
    ('mine', '72', 20)
    """

    name: str
    data: dict[str, Any] = field(default_factory=dict)
    simulate: dict[str, Any] = field(default_factory=dict)
    shape: dict[str, Any] = field(default_factory=dict)
    augment: dict[str, Any] = field(default_factory=dict)
    classify: dict[str, Any] = field(default_factory=dict)
    card: dict[str, Any] = field(default_factory=dict)
    degrade: dict[str, Any] = field(default_factory=dict)
    start: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(
        cls, path: str | os.PathLike[str], structures: str | os.PathLike[str] | None = None
    ) -> TrainingConfig:
        """Read a TOML file; one of ``[data]`` alone, or empty, gets ``RECIPE``.

        Parameters
        ----------
        path : path-like
        structures : path-like, optional
            Table of crystals, instead of the one that the file names.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is no such file, it is no TOML, it holds an unknown table or key, or no
            table of crystals is named.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such file")
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{path}: not a TOML file ({error})") from error
        known = (*TABLES, *LATER_TABLES)
        unknown = set(content) - {"name", *known}
        if unknown:
            raise ValueError(f"{path}: unknown entry {sorted(unknown)[0]!r}; known are {known}")
        if set(content.get("start", {})) - {"model"}:
            raise ValueError(f"{path}: [start] has model = '<name or folder>' and nothing else")
        data = dict(content.get("data", {}))
        if structures is not None:
            data["structures"] = os.fspath(structures)
        stray = set(data) - set(DATA_DEFAULTS)
        if stray:
            raise ValueError(f"{path}: [data] has no {sorted(stray)[0]!r}")
        if "structures" not in data:
            raise ValueError(
                f"{path}: [data] needs structures = '<file>.npz', or the command --structures"
            )
        if not RECIPE.keys() & content.keys():
            content = {**content, **copy.deepcopy(RECIPE)}
            for name in ("symprec", "idealize"):  # new crystals are to be as those learned from
                content["simulate"][name] = {**DATA_DEFAULTS, **data}[name]
        return cls(
            content.get("name", path.stem),
            {**DATA_DEFAULTS, **data},
            *(content.get(table, {}) for table in (*TABLES[1:], *LATER_TABLES)),
        )

    def pipeline(self) -> Pipeline:
        """Build the unfitted pipeline."""
        return build_pipeline(self.simulate, self.shape, self.classify)


def train(
    config: TrainingConfig,
    output: str | os.PathLike,
    *,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> dict[str, Any]:
    """Train, evaluate on the held-out crystals, and write everything to a folder.

    Interrupted at any moment and called again, it goes on from the last checkpoint with the same
    order of samples.

    Parameters
    ----------
    config : TrainingConfig
    output : path-like
        Folder for ``checkpoints``, ``model`` (for :func:`crystalsym.pretrained.load_pipeline`)
        and ``figures.json``.
    n_jobs : int, optional
        Jobs for standardizing the crystals.
    verbose : int, default=0

    Returns
    -------
    dict
        The held-out figures and how they came about.

    Raises
    ------
    ValueError
        If a training with other settings or crystals has begun in that folder.
    """
    from crystalsym.pretrained import save_pipeline

    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    _claim(output, config)
    data = load_data(config, output / "data", n_jobs, verbose)
    if len(data.test) == 0:
        raise ValueError(
            f"none of the {len(data.train)} crystals is held out: groups of fewer than [data]"
            f" min_training = {config.data['min_training']} are learned from alone; take more"
            " crystals, a smaller min_training or a larger test_fraction"
        )
    _say(verbose, f"{len(data.train)} crystals to learn from, {len(data.test)} held out")
    pipeline, history = _fitted(config, data, data.train, output, n_jobs, verbose)
    figures = evaluate(pipeline, data.crystals.take(data.test), data.labels[data.test])
    result = {
        "name": config.name,
        "held_out": figures,
        **history,
        "config": _portable(config),
        # By this an evaluation knows the table whose crystals the weights have learned from.
        "crystals": {"sha256": file_digest(config.data["structures"])},
    }
    card = {**_card(config, figures), "training": result}
    save_pipeline(pipeline, output / "model", metadata=card, dtype="float16")
    (output / "figures.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    _say(verbose, f"held out: top-1 {figures['top1']:.4f}, top-5 {figures['top5']:.4f}")
    return result


def refit(
    config: TrainingConfig,
    output: str | os.PathLike,
    *,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> dict[str, Any]:
    """Train anew on all crystals, after :func:`train` has measured the held-out ones.

    The held-out figures stay those of the former training; the card says that these weights have
    learned from the held-out crystals since. It may be interrupted as that may.

    Parameters
    ----------
    config : TrainingConfig
        As it was given to :func:`train`.
    output : path-like
        Folder of that training; adds ``refitted``, a pipeline, and its checkpoints.
    n_jobs : int, optional
        Jobs for standardizing the crystals.
    verbose : int, default=0

    Returns
    -------
    dict
        The former figures, and how the new weights came about as ``refitted``.

    Raises
    ------
    FileNotFoundError
        If no finished training is there.
    ValueError
        If it had other settings or crystals.
    """
    from crystalsym.pretrained import save_pipeline

    output = Path(output)
    file = output / "figures.json"
    if not file.is_file():
        raise FileNotFoundError(f"{file}: train first, so that there are held-out figures")
    former = json.loads(file.read_text(encoding="utf-8"))
    if _of_the_result(former["config"]) != _of_the_result(_portable(config)):
        raise ValueError(f"{file}: is of a training with other settings than these")
    _claim(output, config)
    data = load_data(config, output / "data", n_jobs, verbose)
    _say(verbose, f"{len(data.labels)} crystals to learn from, none held out")
    everything = np.arange(len(data.labels))
    folder = output / "all"
    pipeline, history = _fitted(config, data, everything, folder, n_jobs, verbose)
    table = {"sha256": file_digest(config.data["structures"])}
    result = {**former, "crystals": table, "refitted": history}
    card = {**_card(config, former["held_out"]), "refitted": REFITTED, "training": result}
    save_pipeline(pipeline, output / "refitted", metadata=card, dtype="float16")
    _say(verbose, "refitted; the figures stay those of the training before")
    return result


def _fitted(
    config: TrainingConfig,
    data: TrainingData,
    chosen: np.ndarray,
    folder: Path,
    n_jobs: int | None,
    verbose: int,
) -> tuple[Any, dict[str, Any]]:
    """The pipeline after learning from the rows chosen, and how it went."""
    pipeline = config.pipeline()
    if config.start:
        from crystalsym.pretrained import load_pipeline

        classifier = load_pipeline(find_model(config.start["model"]))[-1]
        classifier.set_params(**{**config.classify, "warm_start": True})
        pipeline.steps[-1] = (pipeline.steps[-1][0], classifier)
    pipeline[-1].set_params(checkpoint_dir=str(folder / "checkpoints"), verbose=verbose)
    start = time.monotonic()
    learning, labels = learning_rows(
        pipeline,
        data.crystals.take(chosen),
        data.labels[chosen],
        config.augment,
        folder / "patterns",
        int(config.data["split_seed"]),
        n_jobs,
        data.kin[chosen],
        config.degrade,
    )
    pipeline[-1].fit(learning, labels)
    history = {
        "learning_crystals": len(chosen),
        "of_which_validation": pipeline[-1].n_calibration_,
        "parameters": pipeline[-1].n_parameters_,
        "seconds_since_last_start": round(time.monotonic() - start),
        "history": pipeline[-1].history_,
    }
    pipeline[-1].set_params(checkpoint_dir=None, verbose=0, warm_start=False)
    return pipeline, history


def _claim(output: Path, config: TrainingConfig) -> None:
    """Note in a folder whose training it holds; refuse if it is another's."""
    digest = file_digest(config.data["structures"])
    ours = {**_of_the_result(_portable(config)), "crystals": {"sha256": digest}}
    file = output / "settings.json"
    if not file.is_file():
        partial = file.with_suffix(".partial")  # a cut leaves no half file
        partial.write_text(json.dumps(ours, indent=1) + "\n", encoding="utf-8")
        os.replace(partial, file)
        return
    stored = json.loads(file.read_text(encoding="utf-8"))
    theirs = {**_of_the_result(stored), "crystals": stored.get("crystals")}
    for name in {**theirs, **ours}:
        if ours.get(name) != theirs.get(name):
            raise ValueError(
                f"{output}: holds a training with other settings, {theirs.get(name)} for "
                f"{name} instead of {ours.get(name)}; use another folder"
            )


def _of_the_result(tables: dict[str, Any]) -> dict[str, Any]:
    """Settings without those that change no figure, as JSON gives them back."""
    tables = {**tables, "data": of_a_card(tables["data"])}
    kept = {
        table: {key: value for key, value in entries.items() if key not in WITHOUT_EFFECT}
        for table, entries in tables.items()
    }
    return json.loads(json.dumps(kept))


def _card(config: TrainingConfig, figures: dict[str, Any]) -> dict[str, Any]:
    headline = {key: round(figures[key], 4) for key in ("top1", "top5", "macro")}
    return {"name": config.name, **config.card, **headline}


def _portable(config: TrainingConfig) -> dict[str, Any]:
    """The configuration without where on this machine things lay."""
    tables = {table: dict(getattr(config, table)) for table in TABLES[:-1]}
    tables |= {table: dict(own) for table in LATER_TABLES if (own := getattr(config, table))}
    tables["data"] = {**DATA_DEFAULTS, **tables["data"]}
    tables["data"]["structures"] = Path(tables["data"]["structures"]).name
    return tables


def _say(verbose: int, message: str) -> None:
    if verbose:
        print(message, file=sys.stderr, flush=True)
