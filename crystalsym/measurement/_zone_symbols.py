"""Zone axes as text, such as [1-10]."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np


def parse_zones(zones: Any) -> np.ndarray:
    """Read three zone axes.

    Parameters
    ----------
    zones : sequence of three, of strings such as "1-10" or "1 -1 0", or of three whole numbers

    Returns
    -------
    ndarray of int, shape (3, 3)

    Raises
    ------
    ValueError
        If they are no zone axes, or lie in one plane; names the one that is wrong.

    Examples
    --------
    >>> parse_zones(["100", "1-10", [0, 0, 1]]).tolist()
    [[1, 0, 0], [1, -1, 0], [0, 0, 1]]
    """
    if isinstance(zones, str) or not hasattr(zones, "__len__") or len(zones) != 3:
        raise ValueError(f"zones={zones!r}: three zone axes are needed, such as 100 010 001")
    found = np.array([_one_zone(zone) for zone in zones])
    if round(np.linalg.det(found)) == 0:
        shown = " ".join(zone_text(zone) for zone in found)
        raise ValueError(f"zones {shown} lie in one plane: they tell no cell")
    return found


def zone_text(zone: Iterable[int]) -> str:
    """Write a zone axis, "[1-10]".

    Examples
    --------
    >>> zone_text((1, -1, 0))
    '[1-10]'
    """
    indices = [int(index) for index in zone]
    return f"[{('' if max(map(abs, indices)) < 10 else ' ').join(map(str, indices))}]"


def _one_zone(zone: Any) -> list[int]:
    wrong = f"{zone!r} is no zone axis: three whole numbers, such as 1-10 or '1 -1 0'"
    if isinstance(zone, str):
        text = zone.strip().strip("[]")
        spaced = re.fullmatch(r"([-+]?\d+)[\s,]+([-+]?\d+)[\s,]+([-+]?\d+)", text)
        close = re.fullmatch(r"([-+]?\d)([-+]?\d)([-+]?\d)", text)
        match = spaced or close
        if match is None:
            raise ValueError(wrong)
        zone = [int(part) for part in match.groups()]
    values = np.asarray(zone)
    if values.shape != (3,) or values.dtype.kind not in "iuf" or np.any(values != np.round(values)):
        raise ValueError(wrong)
    indices = [int(value) for value in values]
    divisor = math.gcd(*indices)
    if divisor == 0:
        raise ValueError(f"{zone!r} is no zone axis: all its indices are 0")
    return [index // divisor for index in indices]
