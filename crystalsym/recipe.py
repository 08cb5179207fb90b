"""How the bundled weights for 72 groups were trained, and what a training does by itself."""

from __future__ import annotations

from typing import Any

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
