"""How good a ranking of space groups is: figures, and the same as scikit-learn scorers.

Beside them: how sure a figure is, and how much a network's feature maps repeat one another.
"""

from __future__ import annotations

from crystalsym.metrics._figures import (
    calibration_error,
    crystal_system_accuracy,
    diffraction_class_accuracy,
    macro_accuracy,
    summary,
    top_k_accuracy,
)
from crystalsym.metrics._intervals import accuracy_interval
from crystalsym.metrics._map_redundancy import MapRedundancy, map_redundancy
from crystalsym.metrics._scorers import (
    Scorer,
    crystal_system_scorer,
    diffraction_class_scorer,
    macro_scorer,
    summary_scorer,
    top_k_scorer,
)
from crystalsym.metrics._set_figures import mean_set_size, set_coverage

__all__ = [
    "MapRedundancy",
    "Scorer",
    "accuracy_interval",
    "calibration_error",
    "crystal_system_accuracy",
    "crystal_system_scorer",
    "diffraction_class_accuracy",
    "diffraction_class_scorer",
    "macro_accuracy",
    "macro_scorer",
    "map_redundancy",
    "mean_set_size",
    "set_coverage",
    "summary",
    "summary_scorer",
    "top_k_accuracy",
    "top_k_scorer",
]
