"""How an electron beam meets a crystal: thickness, tilt, its cones, fixed or drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np

# Degrees.
LARGEST_TILT, LARGEST_PRECESSION, LARGEST_CONVERGENCE = 2.0, 5.0, 2.0
_QUANTITIES = ("thickness", "tilt", "azimuth")


@dataclass(frozen=True)
class ElectronBeam:
    """What decides a dynamical pattern besides the crystal and its view.

    ``thickness`` (Å) and ``tilt`` (degrees) are numbers, ranges, distributions, or tuples of one
    number for each view once they are drawn; None is the thickness of a block of cells, and any
    azimuth.
    """

    thickness: Any = None
    tilt: Any = 0.0
    azimuth: Any = None
    precession: float = 0.0
    convergence: float = 0.0
    absorption: float = 0.0
    b_iso: float = 0.0
    bandwidth: float | None = None
    slice_thickness: float = 1.0

    def drawn(self, seed: int, number: int, n_views: int) -> ElectronBeam:
        """The same with one thickness, tilt and azimuth for each view of a crystal.

        The seed and the crystal's number fix the draw, whatever others there are.
        """
        values: dict[str, Any] = {}
        for which, name in enumerate(_QUANTITIES):
            rng = np.random.default_rng((seed, number, which))
            value = getattr(self, name)
            if value is None and name == "azimuth":
                value = (0.0, 360.0)
            values[name] = _draw(name, value, rng, n_views)
        return replace(self, **values)

    @property
    def is_drawn(self) -> bool:
        """Whether patterns depend on a random state."""
        tilted = not (_is_number(self.tilt) and self.tilt == 0)
        return (
            not (self.thickness is None or _is_number(self.thickness))
            or not _is_number(self.tilt)
            or (tilted and not _is_number(self.azimuth))
        )


def electron_beam(simulator: Any) -> ElectronBeam:
    """Check and gather a simulator's parameters of the dynamical engines."""
    if simulator.thickness is not None:
        _check("thickness", simulator.thickness, above=True)
    _check("tilt", simulator.tilt, most=LARGEST_TILT)
    if simulator.azimuth is not None and not _is_number(simulator.azimuth):
        raise ValueError(
            f"azimuth must be None (drawn) or a number of degrees, got {simulator.azimuth!r}"
        )
    for name, most in (
        ("precession", LARGEST_PRECESSION),
        ("convergence", LARGEST_CONVERGENCE),
        ("absorption", 1.0),
        ("b_iso", np.inf),
    ):
        value = getattr(simulator, name)
        if not _is_number(value) or not 0 <= value <= most:
            bound = "" if most == np.inf else f" to {most:g}"
            raise ValueError(f"{name} must be a number from 0{bound}, got {value!r}")
    for name in ("bandwidth", "slice_thickness"):
        value = getattr(simulator, name)
        if value is None and name == "bandwidth":
            continue
        if not _is_number(value) or not value > 0:
            raise ValueError(f"{name} must be a positive number, got {value!r}")
    return ElectronBeam(
        **{
            name: getattr(simulator, name)
            for name in (
                "thickness", "tilt", "azimuth", "precession", "convergence", "absorption", "b_iso",
                "bandwidth", "slice_thickness",
            )
        }
    )  # fmt: skip


def describe_distribution(value: Any) -> str:
    """A distribution in words: SciPy's name and arguments where it is one of SciPy's."""
    known = getattr(value, "dist", None)
    if known is None:
        return repr(value)
    given = [repr(a) for a in value.args] + [f"{k}={v!r}" for k, v in value.kwds.items()]
    return f"{known.name}({', '.join(given)})"


def is_range(value: Any) -> bool:
    """Whether a value is (low, high)."""
    return isinstance(value, (tuple, list)) and len(value) == 2 and all(map(_is_number, value))


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _check(name: str, value: Any, most: float = np.inf, above: bool = False) -> None:
    if hasattr(value, "rvs"):
        return
    bounds = tuple(value) if is_range(value) else (value, value)
    if not (
        all(map(_is_number, bounds))
        and (bounds[0] > 0 if above else bounds[0] >= 0)
        and bounds[0] <= bounds[1] <= most
    ):
        least = "above 0" if above else "from 0"
        bound = "" if most == np.inf else f" to {most:g}"
        raise ValueError(
            f"{name} must be a number {least}{bound}, a range (low, high) of two, or a distribution"
            f" with a method rvs, got {value!r}"
        )


def _draw(name: str, value: Any, rng: np.random.Generator, n: int) -> tuple[float, ...] | None:
    if value is None:
        return None
    if _is_number(value):
        return (float(value),) * n
    if is_range(value):
        low, high = value
        return tuple(rng.uniform(low, high, n).tolist())
    drawn = np.asarray(value.rvs(size=n, random_state=rng), dtype=float)
    most = LARGEST_TILT if name == "tilt" else np.inf
    wrong = ~((drawn > 0) if name == "thickness" else (drawn >= 0)) | ~(drawn <= most)
    if wrong.any():
        raise ValueError(f"the distribution of {name} gave {drawn[wrong][0]:g}, out of range")
    return tuple(drawn.tolist())
