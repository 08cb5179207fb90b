"""Parameters of a pipeline's steps as they are saved: plain values that concern the result."""

from __future__ import annotations

import re
from typing import Any

from crystalsym.classification._json_values import plain

# They concern a run. A memory from elsewhere would make joblib unpickle what lies in it.
RUN_PARAMETERS = ("memory", "n_jobs", "verbose")
MAX_ITEMS = 1000
# Names such as "zone-axes"; never a path.
_WORD = re.compile(r"[A-Za-z0-9_+.-]{0,64}")


def step_parameters(estimator: Any) -> dict[str, Any]:
    """Return the parameters that a saved step is rebuilt from, as JSON values.

    Raises
    ------
    ValueError
        If one cannot be written as JSON.
    """
    return {
        name: plain(value, name)
        for name, value in estimator.get_params(deep=False).items()
        if name not in RUN_PARAMETERS
    }


def check_step_parameters(stored: dict[str, Any], cls: type) -> None:
    """Check the parameters of a saved step before its class is called with them.

    Raises
    ------
    ValueError
        If one is unknown, concerns the run, or is neither a number, a word nor a list of these.
    """
    known = cls._get_param_names()  # type: ignore[attr-defined]
    for name, value in stored.items():
        if name in RUN_PARAMETERS:
            raise ValueError(f"{name!r} belongs to a run and has no place in a saved pipeline")
        if name not in known:
            raise ValueError(f"{cls.__name__} has no parameter {name!r}; it has {', '.join(known)}")
        if not _is_plain(value, depth=3):
            raise ValueError(f"{name!r} is neither a number, a word nor a list of these")


def _is_plain(value: Any, depth: int) -> bool:
    if isinstance(value, str):
        return _WORD.fullmatch(value) is not None
    if isinstance(value, list):
        few = len(value) <= MAX_ITEMS and depth > 0
        return few and all(_is_plain(item, depth - 1) for item in value)
    return value is None or isinstance(value, bool | int | float)
