"""What a training says of itself while it goes on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from crystalsym._progress import progress_bar, say

if TYPE_CHECKING:
    from tqdm import tqdm

# Seconds between two lines within an epoch, where standard error is a log.
LOG_INTERVALS = {1: 60.0, 2: 5.0}


class Progress:
    """Show a bar of each epoch's steps and print a line at its end, on standard error.

    Parameters
    ----------
    verbose : int
        0 shows nothing. Where standard error is no terminal there are lines within an epoch
        instead of the bar: 1 prints one each minute, 2 one every five seconds.
    epochs : int
        Epochs of the whole training.
    """

    def __init__(self, verbose: int, epochs: int):
        self._verbose = int(verbose)
        self._epochs = epochs
        self._bar: tqdm | None = None

    def resume(self, epoch: int, step: int) -> None:
        """Say that the training goes on from a checkpoint."""
        if self._verbose:
            say(f"going on from the checkpoint at epoch {epoch + 1}, step {step}")

    def begin(self, epoch: int, step: int, n_steps: int, batch_size: int) -> None:
        """Begin an epoch, or go on with it at a step."""
        self._epoch, self._first, self._n_steps = epoch + 1, step, n_steps
        self._started = time.perf_counter()
        if self._verbose:
            self._bar = progress_bar(
                n_steps, f"epoch {self._epoch}/{self._epochs}, steps of {batch_size} rows", "steps",
                initial=step, leave=False, log_interval=LOG_INTERVALS[min(self._verbose, 2)],
            )  # fmt: skip

    def step(self, step: int, loss: float) -> None:
        """Count a step."""
        if self._bar is not None:
            self._bar.set_postfix_str(f"loss {loss:.4f}", refresh=False)
            self._bar.update(step - self._bar.n)

    def close(self) -> None:
        """End the bar of the epoch, however this ended."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def end(self, entry: dict[str, Any]) -> None:
        """Print the figures of an epoch."""
        if not self._verbose:
            return
        figures = " ".join(
            f"{name} {entry[name]:.4f}"
            for name in ("loss", "val_loss", "val_accuracy", "val_top5")
            if name in entry
        )
        pace = (self._n_steps - self._first) / max(time.perf_counter() - self._started, 1e-9)
        say(
            f"epoch {self._epoch}/{self._epochs} {figures} learning_rate "
            f"{entry['learning_rate']:.2e} {entry['seconds']:.0f} s {pace:.2f} steps/s"
        )
