"""The systems of the paper's comparison, and the one place where they are trained.

``systems.toml`` says what each is: how its patterns are made, its network, and the budget of
multiplications that all have in common. A system is trained once for all configurations of a
size, in ``OUTPUT/SIZE/systems``; a finished training is taken up, a cut one goes on from its
checkpoint. The folder's name holds a digest of all settings, so that changed ones train anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from budget import passes_within
from samples import PARTS, Sample, draw
from sklearn.preprocessing import FunctionTransformer
from task import Task

from crystalsym import DiffractionSimulator, PatternShaper, SpaceGroupClassifier, SpotMerger
from crystalsym import networks, spacegroups
from crystalsym.training._data import file_digest

CONFIG = Path(__file__).with_name("systems.toml")
SHAPERS = {"PatternShaper": PatternShaper, "SpotMerger": SpotMerger}
# Settings of a training that its result depends on.
COMMON = (
    "learning_crystals", "validation_crystals", "scoring_crystals", "validation_part",
)  # fmt: skip
TRAINING = ("budget", "classify", "rates", "rate_budget")


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
    system = System(task, name, groups)
    return system.fitted(seed)


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
