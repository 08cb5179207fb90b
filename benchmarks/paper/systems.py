"""The systems of the paper's comparison, and the one place where they are trained.

``systems.toml`` says what each is: how its patterns are made, its network, and the budget of
multiplications that all have in common. A system is trained once for all configurations of a
size, in ``OUTPUT/SIZE/systems``; a finished training is taken up, a cut one goes on from its
checkpoint. The folder's name holds a digest of all settings, so that changed ones train anew.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from budget import passes_within
from files import one_at_a_time, read_json, write_json, written_whole
from patterns import kept, made, transformers
from rates import choose
from samples import Sample, draw
from task import Task

from crystalsym import SpaceGroupClassifier, networks, spacegroups
from crystalsym.training import TrainingData
from crystalsym.training._data import file_digest

CONFIG = Path(__file__).with_name("systems.toml")
SAMPLING = ("learning_crystals", "validation_crystals", "scoring_crystals", "validation_part")
TRAINING = ("budget", "classify", "rates", "rate_budget", "rate_extensions")
_DATA: dict[tuple[str, Path | None], TrainingData] = {}


@dataclass(frozen=True)
class Fitted:
    """Hold a trained system.

    Attributes
    ----------
    name : str
    seed : int
    transformers : list
        From crystals to what the classifier takes, in this order.
    classifier : SpaceGroupClassifier
    learning_rate : float
    passes, crystals : int
        It learned from so many crystals so many times.
    multiplications : int
        Of one crystal, forwards.
    seconds : float
        Of the training.
    """

    name: str
    seed: int
    transformers: list[Any]
    classifier: SpaceGroupClassifier
    learning_rate: float
    passes: int
    crystals: int
    multiplications: int
    seconds: float

    @property
    def spent(self) -> int:
        """Multiplications of the forward passes of its training."""
        return self.passes * self.crystals * self.multiplications

    def patterns(self, crystals: Any) -> np.ndarray:
        """Make of crystals what the classifier takes."""
        return made(self.transformers, crystals)


@dataclass(frozen=True)
class Scored:
    """Hold a system's answers for the scoring crystals.

    Attributes
    ----------
    probabilities : ndarray (n, n_classes)
    labels : ndarray (n,)
    classes : ndarray (n_classes,)
        The group of each column.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    classes: np.ndarray


def fitted(task: Task, name: str, seed: int = 0, groups: str = "72") -> Fitted:
    """Train a system, or take up its training.

    Parameters
    ----------
    task : Task
        Of any configuration: it names the size, the table and where systems are kept.
    name : str
        One of ``systems.toml``.
    seed : int, default=0
        Of the initial weights and of the order of the crystals.
    groups : str, default="72"
        Label set: crystals of these groups are learned from.

    Returns
    -------
    Fitted

    Raises
    ------
    ValueError
        If there is no such system.
    """
    return System(task, name, groups).fitted(seed)


def scored(task: Task, name: str, seed: int = 0, groups: str = "72") -> Scored:
    """Ask a trained system for the groups of the scoring crystals, or take up its answers.

    Parameters
    ----------
    task, name, seed, groups
        As :func:`fitted` takes them.

    Returns
    -------
    Scored
    """
    return System(task, name, groups).scored(seed)


def system_settings(size: str) -> dict[str, Any]:
    """Read the settings of all systems at one size."""
    content = tomllib.loads(CONFIG.read_text(encoding="utf-8"))
    return _merged(content["settings"], content[size])


class System:
    """Train one system, with a learning rate chosen for it, and keep what comes of it.

    Parameters
    ----------
    task : Task
    name : str
    groups : str, default="72"

    Attributes
    ----------
    settings : dict
        Those of all systems at the task's size.
    folder : Path
        Of this system.
    """

    def __init__(self, task: Task, name: str, groups: str = "72"):
        self.task, self.name, self.groups = task, name, groups
        self.settings = system_settings(task.size)
        if name not in self.settings["systems"]:
            known = ", ".join(sorted(self.settings["systems"]))
            raise ValueError(f"{CONFIG.name} has no system {name!r}; there are: {known}")
        self.definition = self.settings["systems"][name]
        of_network = self.settings["networks"].get(self.definition["network"], {})
        self.options = of_network | self.definition.get("options", {})
        self.home = task.folder.parent / "systems"
        table = "random" if task.structures is None else file_digest(task.structures)
        self._sampling = {"table": table, "groups": groups, **self._of(SAMPLING)}
        self._patterns = self.settings["patterns"][self.definition["patterns"]]
        parts = [self._sampling, self._patterns, self.definition, self.options, self._of(TRAINING)]
        self.folder = self.home / f"{name}-{_digest(parts)}"

    def fitted(self, seed: int) -> Fitted:
        """Train, or take up a finished training."""
        folder = self.folder / f"seed-{seed}"
        found = read_json(folder / "fitted.json")
        if found is None:
            rate = self.rate()["chosen"]
            with one_at_a_time(self.folder):
                found = read_json(folder / "fitted.json") or self._finished(folder, rate, seed)
        classifier = SpaceGroupClassifier.load(folder / "model.zip")
        return Fitted(self.name, seed, self.transformers(), classifier, **found)

    def scored(self, seed: int) -> Scored:
        """Answer for the scoring crystals, or take up the answers."""
        path = self.folder / f"seed-{seed}" / "scored.npz"
        if not path.is_file():
            classifier = self.fitted(seed).classifier
            answers = {
                "probabilities": classifier.predict_proba(self.rows("scoring")),
                "labels": self.samples["scoring"].labels,
                "classes": classifier.classes_,
            }
            with written_whole(path) as partial, open(partial, "wb") as file:
                np.savez(file, **answers)
        with np.load(path) as file:
            return Scored(**file)

    def rate(self) -> dict[str, Any]:
        """Choose the learning rate on the validation crystals, or take up the choice.

        Returns
        -------
        dict
            ``chosen``, and ``losses``, a list of rate and validation loss, None where the
            training diverged.
        """
        with one_at_a_time(self.folder):
            return self._chosen_rate(self.folder / "rates.json")

    def _chosen_rate(self, path: Path) -> dict[str, Any]:
        found = read_json(path) or {"losses": []}
        if "chosen" in found:
            return found
        losses = {rate: math.nan if loss is None else loss for rate, loss in found["losses"]}

        def loss_of(rate: float) -> float:
            loss = self._validation_loss(rate)
            losses[rate] = loss
            write_json(path, {"losses": _plain(losses)})
            return loss

        chosen = choose(losses, self.settings["rates"], loss_of, self.settings["rate_extensions"])
        found = {"losses": _plain(losses), "chosen": chosen}
        write_json(path, found)
        return found

    def passes(self, budget: float) -> tuple[int, int]:
        """Passes and crystals that a budget pays for."""
        return passes_within(budget, self.multiplications, len(self.samples["learning"].rows))

    @cached_property
    def multiplications(self) -> int:
        """Multiplications of one crystal, forwards."""
        path = self.folder / "multiplications.json"
        found = read_json(path)
        if found is None:
            found = self._multiplications()
            write_json(path, found)
        return found

    @cached_property
    def samples(self) -> dict[str, Sample]:
        """The crystals learned from, chosen by and scored on."""
        path = self.home / "samples" / f"{_digest(self._sampling)}.npz"
        if not path.is_file():
            drawn = draw(_data(self.task), self._of(SAMPLING), self._wanted())
            arrays = {
                f"{part}.{what}": getattr(sample, what)
                for part, sample in drawn.items()
                for what in ("rows", "labels")
            }
            with written_whole(path) as partial, open(partial, "wb") as file:
                np.savez(file, **arrays)
        with np.load(path) as file:
            parts = {name.split(".")[0] for name in file}
            return {part: Sample(file[f"{part}.rows"], file[f"{part}.labels"]) for part in parts}

    def rows(self, part: str) -> np.ndarray:
        """Patterns of a sample's crystals."""
        chosen = self.samples[part].rows
        return self._kept(part, lambda: _data(self.task).crystals.take(chosen))

    def patterns_of(self, name: str, crystals: Any) -> np.ndarray:
        """Patterns of other crystals, kept by that name."""
        return self._kept(name, lambda: crystals)

    def _kept(self, what: str, crystals: Callable[[], Any]) -> np.ndarray:
        steps = self.transformers()
        streams = steps[:-1] if self.definition.get("one_image") else steps
        digest = _digest([self._sampling, self._patterns])
        name = f"{self.definition['patterns']}-{digest}-{what}.npy"
        patterns = kept(self.home / "patterns" / name, streams, crystals)
        return steps[-1].transform(patterns) if len(streams) < len(steps) else patterns

    def transformers(self) -> list[Any]:
        """From crystals to patterns."""
        one_image = bool(self.definition.get("one_image"))
        return transformers(self._patterns, one_image, self.task.n_jobs)

    def _finished(self, folder: Path, rate: float, seed: int) -> dict[str, Any]:
        """Train, save the classifier, and tell how it went."""
        passes, crystals = self.passes(self.settings["budget"])
        self.task.say(
            f"{self.name}, seed {seed}: {passes} passes over {crystals:,} crystals at {rate:g}"
        )
        classifier = self._trained(folder, rate, passes, crystals, seed)
        classifier.save(folder / "model.zip")
        found = {
            "learning_rate": rate,
            "passes": passes,
            "crystals": crystals,
            "multiplications": self.multiplications,
            "seconds": sum(entry["seconds"] for entry in classifier.history_),
        }
        write_json(folder / "fitted.json", found)
        return found

    def _validation_loss(self, rate: float) -> float:
        passes, crystals = self.passes(self.settings["budget"] * self.settings["rate_budget"])
        folder = self.folder / f"rate-{rate:g}"
        try:
            classifier = self._trained(folder, rate, passes, crystals, seed=0)
        except FloatingPointError:
            loss = math.nan
        else:
            probabilities = classifier.predict_proba(self.rows("validation"))
            loss = cross_entropy(
                self.samples["validation"].labels, probabilities, classifier.classes_
            )
        shutil.rmtree(folder, ignore_errors=True)
        self.task.say(f"{self.name}: learning rate {rate:g}, validation loss {loss:.4f}")
        return loss

    def _trained(
        self, folder: Path, rate: float, passes: int, crystals: int, seed: int
    ) -> SpaceGroupClassifier:
        classifier = SpaceGroupClassifier(
            self.definition["network"],
            self.options,
            epochs=passes,
            learning_rate=rate,
            validation_fraction=0.0,
            checkpoint_dir=folder / "checkpoints",
            random_state=seed,
            **self.settings["classify"],
        )
        sample = self.samples["learning"]
        classifier.fit(self.rows("learning")[:crystals], sample.labels[:crystals])
        shutil.rmtree(folder / "checkpoints")
        return classifier.set_params(checkpoint_dir=None)

    def _multiplications(self) -> int:
        # Of a network that was not fitted: building one is all that is needed.
        *streams, _, size, channels = self.rows("learning").shape[1:]
        build = networks.get(self.definition["network"])
        n_classes = len(np.unique(self.samples["learning"].labels))
        return networks.multiplications(
            build(n_classes, size, channels, streams[0] if streams else 1, **self.options)
        )

    def _wanted(self) -> tuple[int, ...] | None:
        return None if self.groups == "72" else spacegroups.label_set(self.groups)

    def _of(self, names: tuple[str, ...]) -> dict[str, Any]:
        return {name: self.settings[name] for name in names}


def cross_entropy(labels: np.ndarray, probabilities: np.ndarray, classes: np.ndarray) -> float:
    """Average the negative logarithm of the true group's probability.

    Parameters
    ----------
    labels : ndarray (n,)
        A group that has no column counts as one of the least probability there is.
    probabilities : ndarray (n, n_classes)
    classes : ndarray (n_classes,)

    Examples
    --------
    >>> probabilities = np.array([[0.5, 0.5], [0.25, 0.75]])
    >>> round(cross_entropy(np.array([2, 2]), probabilities, np.array([2, 14])), 4)  # 1.5 ln 2
    1.0397
    """
    hit = classes == labels[:, None]
    true = np.where(hit.any(axis=1), (probabilities * hit).sum(axis=1), 0.0)
    return float(-np.log(np.maximum(true, np.finfo(np.float32).tiny)).mean())


def _data(task: Task) -> TrainingData:
    """The crystals of the 72 groups, read once."""
    key = (task.size, task.structures)
    if key not in _DATA:
        _DATA[key] = task.crystals("72")
    return _DATA[key]


def _plain(losses: dict[float, float]) -> list[list[float | None]]:
    """As JSON, which knows no NaN."""
    return [[rate, loss if math.isfinite(loss) else None] for rate, loss in sorted(losses.items())]


def _merged(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    """Put tables on top of tables, to any depth."""
    both = {
        name: _merged(base[name], value)
        if isinstance(value, dict) and isinstance(base.get(name), dict)
        else value
        for name, value in top.items()
    }
    return {**base, **both}


def _digest(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:10]
