"""Who says what group a crystal has: trained systems, and bundled or saved models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from task import Task

from crystalsym import load_pretrained
from crystalsym.pretrained import available, load_pipeline

HERE = Path(__file__).resolve().parent


class Verdict(NamedTuple):
    """The most probable group, and its probability."""

    space_group: int
    probability: float


Judge = Callable[[Sequence[Any]], list[Verdict]]


def system_judge(task: Task, name: str, seed: int = 0) -> Judge:
    """Have a system of the comparison say it, trained first if it is not."""
    from systems import fitted

    system = fitted(task, name, seed)

    def judge(crystals: Sequence[Any]) -> list[Verdict]:
        return _verdicts(system.classifier, system.patterns(crystals))

    return judge


def model_judge(name: str) -> Judge:
    """Have a bundled model say it, or one saved in a folder beside this one.

    Raises
    ------
    ValueError
        If there is neither.
    """
    folder = HERE / name
    if name in available():
        pipeline = load_pretrained(name)
    elif folder.is_dir():
        pipeline = load_pipeline(folder)
    else:
        known = ", ".join(available())
        raise ValueError(f"model: there is no bundled model {name!r} ({known}), nor {folder}")

    def judge(crystals: Sequence[Any]) -> list[Verdict]:
        return _verdicts(pipeline, list(crystals))

    return judge


def _verdicts(estimator: Any, rows: Any) -> list[Verdict]:
    probabilities = estimator.predict_proba(rows)
    best = probabilities.argmax(axis=1)
    return [
        Verdict(int(estimator.classes_[column]), float(probabilities[row, column]))
        for row, column in enumerate(best)
    ]


def right(verdicts: list[Verdict], labels: Sequence[int]) -> np.ndarray:
    """Say which verdicts are right."""
    return np.array([one.space_group for one in verdicts]) == np.asarray(labels)
