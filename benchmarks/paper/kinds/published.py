"""How far the published network and its settings get in some minutes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from files import read_json
from samples import draw
from scores import top_k_rows
from systems import Scored, system_settings
from task import Outcome, Task

from crystalsym import networks
from crystalsym.learning import PatternRows
from crystalsym.plotting import TopKDisplay
from crystalsym.training import TrainingConfig

CONFIG = Path(__file__).resolve().parents[1] / "tiong2020.toml"


class TimeIsUp(Exception):
    """The training has had its minutes."""


class TimedRows(PatternRows):
    """Patterns that are made until the time is up.

    ``ends_at`` is that time, of ``time.monotonic``. A training has one step at least.
    """

    ends_at = float("inf")
    checkpoint: Path

    def __getitem__(self, index: Any) -> np.ndarray:
        if time.monotonic() > self.ends_at and self.checkpoint.is_file():
            raise TimeIsUp
        return super().__getitem__(index)


def make(task: Task) -> Outcome:
    """Train within the minutes of the settings, and score what has come of it."""
    data = task.crystals("72")
    config = TrainingConfig.read(CONFIG, task.structures or "none.npz")
    tables = [
        {**getattr(config, name), **task.settings.get(name, {})}
        for name in ("simulate", "shape", "classify")
    ]
    pipeline = TrainingConfig(task.name, config.data, *tables[:2], {}, tables[2]).pipeline()
    checkpoints = task.folder / "checkpoints"
    rows = TimedRows(
        pipeline[:-1], data.crystals.take(data.train), n_jobs=task.n_jobs,
        validation_groups=data.kin[data.train],
    )  # fmt: skip
    rows.checkpoint = checkpoints / "checkpoint.npz"
    # A step takes long: each leaves its state behind.
    pipeline[-1].set_params(
        checkpoint_dir=checkpoints, checkpoint_interval=0.0, verbose=task.verbose
    )
    left = 60 * task.settings["minutes"] - trained(checkpoints)["seconds"]
    if left > 0:
        rows.ends_at = time.monotonic() + left
        with _until_the_time_is_up(task):
            pipeline[-1].fit(rows, data.labels[data.train])
    progress = trained(checkpoints)
    classes = np.unique(data.labels[data.train])
    network = _network(pipeline[-1], rows.shape, len(classes), rows.checkpoint)
    wanted = {**system_settings(task.size), **task.settings}
    sample = draw(data, wanted)["scoring"]
    patterns = PatternRows(pipeline[:-1], data.crystals.take(sample.rows), n_jobs=task.n_jobs)
    scored = Scored(_probabilities(network, patterns), sample.labels, classes)
    return _outcome(task, progress, pipeline[-1], scored, networks.multiplications(network))


@contextmanager
def _until_the_time_is_up(task: Task) -> Iterator[None]:
    try:
        yield
    except TimeIsUp:
        task.say("the time is up")


def trained(checkpoints: Path) -> dict[str, Any]:
    """Read how long a training has lasted and how far it is.

    Returns
    -------
    dict
        ``seconds``, finished ``epochs``, and ``step`` within the one that has begun.
    """
    state = read_json(checkpoints / "progress.json")
    if state is None:
        return {"seconds": 0.0, "epochs": 0, "step": 0}
    seconds = state["seconds"] + sum(entry["seconds"] for entry in state["history"])
    return {"seconds": seconds, "epochs": state["epoch"], "step": state["step"]}


def _network(classifier: Any, shape: tuple[int, ...], n_classes: int, checkpoint: Path) -> Any:
    """Build the network with the weights of a checkpoint."""
    _, n_streams, size, _, channels = shape
    options = classifier.architecture_options or {}
    network = networks.get(classifier.architecture)(
        n_classes, image_size=size, channels=channels, n_streams=n_streams, **options
    )
    with np.load(checkpoint) as file:
        values = [file[name] for name in sorted(file) if name.startswith("variables_")]
    if [value.shape for value in values] != [tuple(one.shape) for one in network.variables]:
        raise ValueError(f"{checkpoint}: holds other variables than {classifier.architecture} has")
    for variable, value in zip(network.variables, values, strict=True):
        variable.assign(value)
    return network


def _probabilities(network: Any, patterns: PatternRows, batch: int = 32) -> np.ndarray:
    """Softmax of the streams' summed logits."""
    import keras

    parts = []
    for start in range(0, len(patterns), batch):
        images = patterns[np.arange(start, min(start + batch, len(patterns)))]
        if images.dtype == np.uint8:
            images = images.astype(np.float32) / 255
        logits = network(list(np.moveaxis(images, 1, 0)), training=False)
        total = sum(logits[1:], start=logits[0])
        parts.append(keras.ops.convert_to_numpy(keras.ops.softmax(total)))
    return np.concatenate(parts)


def _outcome(
    task: Task, progress: dict[str, Any], classifier: Any, scored: Scored, multiplications: int
) -> Outcome:
    steps = progress["step"]
    shown = steps * classifier.batch_size
    most = int(np.bincount(scored.labels).argmax())
    chance = float((scored.labels == most).mean())
    about = {
        "epochs": progress["epochs"], "steps_of_epoch": steps, "batch_size": classifier.batch_size,
        "seconds": progress["seconds"], "multiplications": multiplications,
        "most_common": most, "chance": chance,
    }  # fmt: skip
    rows = [{**row, **about} for row in top_k_rows(scored)]
    accuracies = [row["accuracy"] for row in rows]
    limits = [(row["low"], row["high"]) for row in rows]
    n = len(scored.labels)
    display = TopKDisplay(
        {"published settings": accuracies}, {"published settings": limits}, n_crystals=n,
        note=f"after {progress['seconds'] / 60:.1f} minutes",
    ).plot()  # fmt: skip
    display.ax_.axhline(100 * chance, color="black", lw=0.8, ls=":")
    many = f"{progress['epochs']} passes and " if progress["epochs"] else ""
    paragraph = (
        f"The published network and settings (a crystal costs {multiplications / 1e6:,.0f} million "
        f"multiplications; Adam, rate {classifier.learning_rate:g}, batches of "
        f"{classifier.batch_size}) were trained for {progress['seconds'] / 60:.1f} minutes: "
        f"{many}{steps:,} steps, {shown:,} crystals of the pass begun. "
        f"Then {100 * accuracies[0]:.1f} % of {n:,} held-out crystals are right, "
        f"and {100 * accuracies[-1]:.1f} % among the first five; answering the most common group, "
        f"{most}, is right for {100 * chance:.1f} %. The paper has {task.paper['top1']} ± "
        f"{task.paper['top1_spread']} % and about {task.paper['top5']} % after a training whose "
        "length is not known here. Nothing is extrapolated; run again with more minutes, the "
        "training goes on."
    )
    return Outcome(paragraph, {"published": display.figure_}, {"published": rows})
