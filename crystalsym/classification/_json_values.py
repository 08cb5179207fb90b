"""Plain JSON values of parameters."""

from __future__ import annotations

from typing import Any

import numpy as np


def plain(value: Any, name: str) -> Any:
    """Return a JSON value for a parameter: numpy scalars and tuples become plain.

    Raises
    ------
    ValueError
        If the value cannot be written as JSON.

    Examples
    --------
    >>> plain({"blocks": (3, np.int64(6))}, "architecture_options")
    {'blocks': [3, 6]}
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError(f"{name} cannot be saved: its keys must be strings")
        return {key: plain(item, f"{name}[{key!r}]") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, name) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(f"{name} cannot be saved: {value!r} is not a JSON value")
