"""Lines that tell how a training goes."""

from __future__ import annotations

import sys
import time
from typing import Any


class Progress:
    """Print a line for each epoch and, within epochs, the pace.

    Parameters
    ----------
    verbose : int
        0 prints nothing, 1 a line per epoch and one each minute, 2 one every five seconds. On a
        terminal the line within an epoch is rewritten in place each second.
    epochs : int
        Epochs of the whole training.
    """

    def __init__(self, verbose: int, epochs: int):
        self._verbose = int(verbose)
        self._epochs = epochs
        self._in_place = sys.stdout.isatty()
        self._interval = 1.0 if self._in_place else (60.0 if self._verbose == 1 else 5.0)

    def resume(self, epoch: int, step: int) -> None:
        """The training goes on from a checkpoint."""
        if self._verbose:
            self._print(f"going on from the checkpoint at epoch {epoch + 1}, step {step}")

    def begin(self, epoch: int, step: int, n_steps: int, batch_size: int) -> None:
        """An epoch begins, or goes on at a step."""
        self._epoch, self._first, self._n_steps = epoch + 1, step, n_steps
        self._batch_size = batch_size
        self._started = self._printed = time.perf_counter()

    def step(self, step: int, loss: float) -> None:
        """A step is done."""
        now = time.perf_counter()
        if not self._verbose or now - self._printed < self._interval:
            return
        self._printed = now
        pace = (step - self._first) / (now - self._started)
        self._print(
            f"epoch {self._epoch}/{self._epochs} step {step}/{self._n_steps} loss {loss:.4f} "
            f"{pace:.2f} steps/s ({pace * self._batch_size:.0f} samples/s)",
            end="\r" if self._in_place else "\n",
        )

    def end(self, entry: dict[str, Any]) -> None:
        """An epoch is done."""
        if not self._verbose:
            return
        figures = " ".join(
            f"{name} {entry[name]:.4f}"
            for name in ("loss", "val_loss", "val_accuracy", "val_top5")
            if name in entry
        )
        pace = (self._n_steps - self._first) / max(time.perf_counter() - self._started, 1e-9)
        self._print(
            f"epoch {self._epoch}/{self._epochs} {figures} learning_rate "
            f"{entry['learning_rate']:.2e} {entry['seconds']:.0f} s {pace:.2f} steps/s"
        )

    def _print(self, text: str, end: str = "\n") -> None:
        print(f"{text:<79}" if self._in_place else text, end=end, flush=True)
