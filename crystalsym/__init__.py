"""Space groups of crystals from their diffraction patterns."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

# Where each public name lives. Loaded on first use: importing crystalsym costs no Keras.
_HOMES = {
    "DiffractionSimulator": "crystalsym.simulation",
    "PatternShaper": "crystalsym.shaping",
    "SpotMerger": "crystalsym.merging",
    "SpaceGroupClassifier": "crystalsym.classification",
    "Crystal": "crystalsym.structures",
    "as_crystal": "crystalsym.structures",
    "standardize": "crystalsym.structures",
    "space_group_number": "crystalsym.structures",
    "reflections": "crystalsym.structure_factors",
    "load_pretrained": "crystalsym.pretrained",
}
_MODULES = (
    "classification",
    "datasets",
    "geometry",
    "merging",
    "models",
    "patterns",
    "plotting",
    "pretrained",
    "scattering",
    "shaping",
    "simulation",
    "spacegroups",
    "spots",
    "streams",
    "structure_factors",
    "structures",
    "training",
)

__all__ = ["__version__", *_HOMES, *_MODULES]

if TYPE_CHECKING:
    from crystalsym.classification import SpaceGroupClassifier
    from crystalsym.merging import SpotMerger
    from crystalsym.pretrained import load_pretrained
    from crystalsym.structure_factors import reflections
    from crystalsym.shaping import PatternShaper
    from crystalsym.simulation import DiffractionSimulator
    from crystalsym.structures import Crystal, as_crystal, space_group_number, standardize


def __getattr__(name: str):
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    if name in _MODULES:
        return importlib.import_module(f"crystalsym.{name}")
    raise AttributeError(f"module 'crystalsym' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
