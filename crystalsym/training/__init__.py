"""Training a pipeline from a table of crystals and one TOML file."""

from __future__ import annotations

from crystalsym.training._data import DATA_DEFAULTS, TrainingData, load_data
from crystalsym.training._training import RECIPE, TrainingConfig, evaluate, refit, train

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
