"""The classifier's parameters: those of publications, and their check when ``fit`` begins."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from crystalsym import networks
from crystalsym.classification._building import PRECISIONS
from crystalsym.classification._distributing import DISTRIBUTIONS
from crystalsym.classification._objectives import LEARNING_RATE_SCHEDULES

PRESETS: dict[str, dict[str, Any]] = {
    # The network and its training in npj Comput. Mater. 6, 196 (2020), whose ten validation groups
    # took turns every 100 epochs.
    "tiong2020": {
        "architecture": "msdn",
        "optimizer": "adam",
        "learning_rate": 1e-5,
        "weight_decay": 1e-7,
        "learning_rate_schedule": "constant",
        "warmup_fraction": 0.0,
        "epochs": 1000,
        "batch_size": 64,
        "validation_fraction": 0.1,
        "validation_rotation": 100,
    },
    # The training of the networks that it is compared with: choose an architecture.
    "tiong2020-benchmarks": {
        "architecture": "vgg",
        "optimizer": "adam",
        "learning_rate": 1e-4,
        "weight_decay": 1e-6,
        "learning_rate_schedule": "constant",
        "warmup_fraction": 0.0,
        "epochs": 1000,
        "batch_size": 64,
        "validation_fraction": 0.1,
    },
    # Nat. Commun. 9, 2775 (2018), rate, batches and epochs as in the code its authors published.
    "ziletti2018": {
        "architecture": "ziletti",
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "weight_decay": 0.0,
        "learning_rate_schedule": "constant",
        "warmup_fraction": 0.0,
        "epochs": 5,
        "batch_size": 32,
        "validation_fraction": 0.1,
    },
}

# They concern a run and not its result, and are no part of a saved classifier.
RUN_PARAMETERS = (
    "checkpoint_dir", "checkpoint_interval", "distribution", "resume", "verbose", "warm_start"
)  # fmt: skip

_MAY_BE_NONE = (
    "checkpoint_interval", "weight_decay", "validation_fraction", "validation_rotation"
)  # fmt: skip


def _number(name: str, value: Any, low: float, high: float, whole: bool, text: str) -> None:
    kind = numbers.Integral if whole else numbers.Real
    if isinstance(value, bool) or not isinstance(value, kind) or not low <= float(value) <= high:
        raise ValueError(f"{name} must be {text}, got {value!r}")


def check_parameters(estimator: Any) -> None:
    """Raise ValueError naming the first parameter that cannot be right."""
    p = estimator
    if not callable(p.architecture):
        networks.get(p.architecture)
    if p.architecture_options is not None and not isinstance(p.architecture_options, dict):
        raise ValueError(
            f"architecture_options must be a dict or None, got {p.architecture_options!r}"
        )
    inf = float("inf")
    tiny = 5e-324
    for name, low, high, whole, text in (
        ("epochs", 1, inf, True, "an integer >= 1"),
        ("batch_size", 1, inf, True, "an integer >= 1"),
        ("learning_rate", tiny, inf, False, "a number > 0"),
        ("weight_decay", 0, inf, False, "a number >= 0"),
        ("warmup_fraction", 0, 1, False, "a number from 0 to 1"),
        ("label_smoothing", 0, 0.999, False, "a number from 0 to below 1"),
        ("validation_fraction", 0, 0.999, False, "a number from 0 to below 1"),
        ("validation_rotation", 1, inf, True, "a number of epochs >= 1, or None"),
        ("n_iter_no_change", 1, inf, True, "an integer >= 1"),
        ("tol", 0, inf, False, "a number >= 0"),
        ("verbose", 0, inf, not isinstance(p.verbose, bool), "an integer >= 0"),
        ("checkpoint_interval", 0, inf, False, "a number of seconds >= 0, or None"),
    ):
        value = getattr(p, name)
        if value is None and name in _MAY_BE_NONE:
            continue
        if name == "verbose" and isinstance(value, bool):
            continue
        _number(name, value, low, high, whole, text)
    if not isinstance(p.optimizer, str):
        raise ValueError(f"optimizer must be the name of a Keras optimizer, got {p.optimizer!r}")
    if p.learning_rate_schedule not in LEARNING_RATE_SCHEDULES:
        raise ValueError(
            f"learning_rate_schedule must be one of {', '.join(LEARNING_RATE_SCHEDULES)}, got "
            f"{p.learning_rate_schedule!r}"
        )
    if not isinstance(p.calibrate, bool | np.bool_):
        raise ValueError(f"calibrate must be True or False, got {p.calibrate!r}")
    if p.distribution not in DISTRIBUTIONS:
        raise ValueError(f"distribution must be 'data' or None, got {p.distribution!r}")
    if p.precision is not None and p.precision not in PRECISIONS:
        raise ValueError(
            f"precision must be None or one of {', '.join(PRECISIONS)}, got {p.precision!r}"
        )
    if not (
        p.class_weight is None or p.class_weight == "balanced" or isinstance(p.class_weight, dict)
    ):
        raise ValueError(f"class_weight must be None, 'balanced' or a dict, got {p.class_weight!r}")
    if p.early_stopping and not p.validation_fraction:
        raise ValueError("early_stopping=True needs a validation_fraction > 0")
    if p.validation_rotation is not None:
        if not 0 < (p.validation_fraction or 0) <= 0.5:
            raise ValueError(
                "validation_rotation needs a validation_fraction above 0 and up to 0.5, the part "
                f"of the rows that is held out in turn; got {p.validation_fraction!r}"
            )
        if p.early_stopping:
            raise ValueError(
                "early_stopping=True compares the losses of the same validation rows: "
                f"validation_rotation must be None, got {p.validation_rotation!r}"
            )
