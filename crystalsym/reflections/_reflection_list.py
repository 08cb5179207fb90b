"""A list of measured reflections, and what is known about how it was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from crystalsym.diffraction import Coverage

RADIATIONS = ("xray", "electron", "neutron")


@dataclass(frozen=True, eq=False)
class ReflectionList:
    """Hold measured reflections of one crystal.

    It has ``len`` and takes rows by slice, mask and index array.

    Parameters
    ----------
    hkl : array-like of int, shape (n, 3)
        Every measurement is a row; a reflection may be listed several times.
    intensity : array-like of shape (n,)
        Proportional to |F|², on any scale; may be negative.
    sigma : array-like of shape (n,), optional
        Standard uncertainties, above 0.
    cell : sequence of 6 numbers, optional
        a, b, c in Å and alpha, beta, gamma in degrees, of the indices.
    wavelength : float, optional
        Å.
    radiation : {"xray", "electron", "neutron"}, optional
    coverage : Coverage, default=Coverage.LISTED
        ``LISTED``: every place that was measured is listed. ``OBSERVED``: places where nothing
        was observed were left out.
    batch : array-like of int, shape (n,), optional
        Batch, run or frame of each measurement.
    carried : mapping, default={}
        What a file says of symmetry and atoms: shown, never used.
    notes : tuple of str, default=()
        What reading had to assume, convert or leave out.
    source : mapping, default={}
        Where each came from, such as ``{"hkl": "x.hkl", "cell": "x.ins"}``.

    Raises
    ------
    ValueError
        If shapes disagree, there is no reflection, a value is not finite, a sigma not positive, an
        index not whole, or a cell impossible.

    Examples
    --------
    >>> from crystalsym.reflections import ReflectionList
    >>> measured = ReflectionList([[1, 0, 0], [0, 2, 0]], [10.0, 3.0], [0.5, 0.4],
    ...                           cell=(4, 5, 6, 90, 90, 90))
    >>> len(measured), measured.q.round(2).tolist(), round(measured.d_min, 2)
    (2, [0.25, 0.4], 2.5)
    """

    hkl: np.ndarray
    intensity: np.ndarray
    sigma: np.ndarray | None = None
    cell: tuple[float, ...] | None = None
    wavelength: float | None = None
    radiation: str | None = None
    coverage: Coverage = Coverage.LISTED
    batch: np.ndarray | None = None
    carried: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    source: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        hkl = _whole(self.hkl)
        n = len(hkl)
        if n == 0:
            raise ValueError("a reflection list needs at least one reflection")
        intensity = _finite(self.intensity, "intensity", n, hkl)
        sigma = self.sigma
        if sigma is not None:
            sigma = _finite(sigma, "sigma", n, hkl)
            if (sigma <= 0).any():
                row = int(np.flatnonzero(sigma <= 0)[0])
                raise ValueError(
                    f"sigma of reflection {tuple(hkl[row].tolist())} (row {row}) is {sigma[row]:g};"
                    " uncertainties must be positive"
                )
        kept = hkl.any(axis=1)
        notes = tuple(self.notes)
        if not kept.any():
            raise ValueError("a reflection list needs a reflection other than 0 0 0")
        values: dict[str, Any] = {"hkl": hkl, "intensity": intensity, "sigma": sigma}
        if self.batch is not None:
            batch = np.asarray(self.batch)
            if batch.shape != (n,):
                raise ValueError(f"batch must have one number for each of {n} reflections")
            values["batch"] = batch.astype(np.int32)
        if not kept.all():
            notes = (*notes, f"{(~kept).sum()} rows of 0 0 0 left out")
            values = {k: None if v is None else v[kept] for k, v in values.items()}
        values["notes"] = notes
        if self.cell is not None:
            values["cell"] = checked_cell(self.cell)
        if self.radiation is not None and self.radiation not in RADIATIONS:
            raise ValueError(f"radiation must be one of {RADIATIONS}, got {self.radiation!r}")
        if self.wavelength is not None and not (
            math.isfinite(self.wavelength) and self.wavelength > 0
        ):
            raise ValueError(f"wavelength must be positive, got {self.wavelength!r}")
        values["coverage"] = Coverage(self.coverage)
        if values["coverage"] == Coverage.WHOLE:
            raise ValueError("a reflection list is LISTED or OBSERVED, it has no dark places")
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.intensity)

    def __getitem__(self, rows: Any) -> ReflectionList:
        if isinstance(rows, (int, np.integer)):
            rows = [int(rows)]
        kept = {
            name: None if (value := getattr(self, name)) is None else value[rows]
            for name in ("hkl", "intensity", "sigma", "batch")
        }
        return replace(self, **kept)

    def __repr__(self) -> str:
        name = f"{self.name}: " if self.name else ""
        cell = "no cell" if self.cell is None else " ".join(f"{x:g}" for x in self.cell)
        return f"ReflectionList({name}{len(self)} reflections, {cell})"

    @property
    def name(self) -> str | None:
        """Name of the file without its ending; None if there is none."""
        path = self.source.get("path")
        return Path(path).stem if path else None

    @property
    def reciprocal(self) -> np.ndarray:
        """Reciprocal vectors as rows, 1/Å, shape (3, 3).

        Raises
        ------
        ValueError
            If the cell is unknown.
        """
        if self.cell is None:
            raise ValueError("the cell of the reflection list is unknown: give cell=(a, b, c, ...)")
        return np.linalg.inv(lattice_of(self.cell)).T

    @property
    def q(self) -> np.ndarray:
        """|q| = 1/d of each reflection, 1/Å."""
        return np.linalg.norm(self.hkl @ self.reciprocal, axis=1)

    @property
    def d_min(self) -> float:
        """Smallest plane distance, Å."""
        return float(1 / self.q.max())


def lattice_of(cell: ArrayLike) -> np.ndarray:
    """Lattice vectors as rows, a along x and b in the xy plane, of six cell parameters."""
    a, b, c, alpha, beta, gamma = (float(value) for value in np.asarray(cell, dtype=float))
    cosines = np.cos(np.radians([alpha, beta, gamma]))
    sine = math.sin(math.radians(gamma))
    x = cosines[1]
    y = (cosines[0] - cosines[1] * cosines[2]) / sine
    return np.array(
        [
            [a, 0, 0],
            [b * cosines[2], b * sine, 0],
            [c * x, c * y, c * math.sqrt(max(1 - x * x - y * y, 0))],
        ]
    )


def cell_of(lattice: np.ndarray) -> tuple[float, ...]:
    """Six cell parameters of lattice vectors."""
    metric = lattice @ lattice.T
    edges = np.sqrt(np.diag(metric))
    pairs = ((1, 2), (0, 2), (0, 1))
    cosines = [np.clip(metric[i, j] / (edges[i] * edges[j]), -1, 1) for i, j in pairs]
    return (*map(float, edges), *map(float, np.degrees(np.arccos(cosines))))


def checked_cell(cell: Any) -> tuple[float, ...]:
    """Return six cell parameters as floats.

    Raises
    ------
    ValueError
        If they are not six, or of no cell.
    """
    try:
        values = tuple(float(value) for value in cell)
    except (TypeError, ValueError):
        values = ()
    if len(values) != 6:
        raise ValueError(f"a cell is six numbers a, b, c, alpha, beta, gamma; got {cell!r}")
    edges, angles = values[:3], values[3:]
    if not all(math.isfinite(x) and 0.5 < x < 5000 for x in edges):
        raise ValueError(f"cell edges must lie between 0.5 and 5000 Å, got {edges}")
    if not all(math.isfinite(x) and 5 < x < 175 for x in angles):
        raise ValueError(f"cell angles must lie between 5 and 175 degrees, got {angles}")
    if np.linalg.det(lattice_of(values)) < 1e-3 * math.prod(edges):
        raise ValueError(f"angles {angles} span no cell")
    return values


def _whole(hkl: Any) -> np.ndarray:
    values = np.asarray(hkl)
    if values.ndim != 2 or values.shape[1] != 3:
        raise ValueError(f"hkl must have shape (n, 3), got {values.shape}")
    if values.dtype.kind == "f":
        broken = ~(np.isfinite(values).all(axis=1) & (values == np.round(values)).all(axis=1))
        if broken.any():
            row = int(np.flatnonzero(broken)[0])
            raise ValueError(
                f"indices must be whole numbers, row {row} is {values[row].tolist()}: a list of"
                " satellites or of another cell?"
            )
    elif values.dtype.kind not in "iu":
        raise ValueError(f"hkl must be integers, got {values.dtype}")
    if len(values) and np.abs(values).max() > 1000:
        raise ValueError(f"index {int(np.abs(values).max())} is beyond 1000")
    return values.astype(np.int32)


def _finite(values: Any, name: str, n: int, hkl: np.ndarray) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (n,):
        raise ValueError(f"{name} must have shape ({n},), got {array.shape}")
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array))[0])
        raise ValueError(f"{name} of reflection {tuple(hkl[row].tolist())} (row {row}) is no number")
    return array
