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
    "SimilarityClassifier": "crystalsym.classification",
    "Crystal": "crystalsym.structures",
    "Cluster": "crystalsym.structures",
    "as_crystal": "crystalsym.structures",
    "standardize": "crystalsym.structures",
    "space_group_number": "crystalsym.structures",
    "reflections": "crystalsym.structure_factors",
    "load_pretrained": "crystalsym.pretrained",
    "recommended_pipeline": "crystalsym.recipe",
}
_MODULES = (
    "classification",
    "datasets",
    "featurizers",
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
    "metrics",
    "splits",
    "stores",
    "streams",
    "structure_factors",
    "structures",
    "training",
)

__all__ = ["__version__", *_HOMES, *_MODULES]

if TYPE_CHECKING:
    from crystalsym.classification import SimilarityClassifier as SimilarityClassifier
    from crystalsym.classification import SpaceGroupClassifier as SpaceGroupClassifier
    from crystalsym.merging import SpotMerger as SpotMerger
    from crystalsym.pretrained import load_pretrained as load_pretrained
    from crystalsym.recipe import recommended_pipeline as recommended_pipeline
    from crystalsym.shaping import PatternShaper as PatternShaper
    from crystalsym.simulation import DiffractionSimulator as DiffractionSimulator
    from crystalsym.structure_factors import reflections as reflections
    from crystalsym.structures import Cluster as Cluster
    from crystalsym.structures import Crystal as Crystal
    from crystalsym.structures import as_crystal as as_crystal
    from crystalsym.structures import space_group_number as space_group_number
    from crystalsym.structures import standardize as standardize


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
