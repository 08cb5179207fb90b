"""How the bundled weights for 72 groups were trained, and what a training does by itself."""

from __future__ import annotations

import copy
from typing import Any

from crystalsym.pretrained._steps import SpaceGroupPipeline

# What served best in benchmarks/descriptors and benchmarks/search.py.
RECIPE: dict[str, dict[str, Any]] = {
    "simulate": {
        "views": "symmetry-directions",
        "image_size": 256,
        "q_max": 1.457,
        "spot_sigma": 0.5,
        "symprec": 0.1,
    },
    "shape": {"scheme": "lattice", "intensity": "log", "threshold": 1e-5, "image_size": 13},
    "augment": {
        "changed": 0.6,
        "exchanged": 0.7,
        "scale": 0.01,
        "zone_axes": 0.1,
        "dimmed": 0.15,
        "permuted": 0.1,
    },
    "classify": {
        "architecture": "msmlp",
        "architecture_options": {"width": 2048, "joint": 4096},
        "epochs": 100,
        "batch_size": 512,
        "learning_rate": 4e-3,
        "weight_decay": 2e-2,
        "learning_rate_schedule": "cosine",
        "validation_fraction": 0.03,
        "random_state": 0,
    },
}


def recommended_pipeline() -> SpaceGroupPipeline:
    """Return an unfitted pipeline with the settings that served best.

    The classes' own defaults are the paper's. What the comparisons in ``benchmarks`` found better
    is put together here: views along symmetry directions, weak spots kept on a logarithmic scale,
    patterns redrawn in the indices of their own lattice, and a network for these.

    Returns
    -------
    SpaceGroupPipeline
        Steps ``"simulate"``, ``"shape"`` and ``"classify"``, those of ``load_pretrained("72")``
        before it was fitted. Change them by ``set_params``.

    Notes
    -----
    ``fit`` learns from the crystals as they are; ``crystalsym train`` also changes them at random,
    by ``RECIPE["augment"]``.

    Examples
    --------
    >>> from crystalsym import recommended_pipeline
    >>> pipeline = recommended_pipeline().set_params(classify__epochs=20)
    >>> pipeline["simulate"].views, pipeline["shape"].scheme, pipeline["classify"].epochs
    ('symmetry-directions', 'lattice', 20)
    """
    return build_pipeline(*(RECIPE[name] for name in ("simulate", "shape", "classify")))


def build_pipeline(
    simulate: dict[str, Any], shape: dict[str, Any], classify: dict[str, Any]
) -> SpaceGroupPipeline:
    """Return the unfitted pipeline of these parameters of its three steps."""
    from crystalsym.classification import SpaceGroupClassifier
    from crystalsym.diffraction import DiffractionSimulator
    from crystalsym.shaping import PatternShaper

    steps = {
        "simulate": (DiffractionSimulator, simulate),
        "shape": (PatternShaper, shape),
        "classify": (SpaceGroupClassifier, classify),
    }
    return SpaceGroupPipeline(
        [(name, step(**copy.deepcopy(table))) for name, (step, table) in steps.items()]
    )
