"""Reflection lists: what a measurement of a crystal gives, one row a measurement."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crystalsym.diffraction import Coverage

Cell = tuple[float, float, float, float, float, float]
Radiation = Literal["xray", "electron", "neutron"]

RADIATIONS = ("xray", "electron", "neutron")
_PER_ROW = ("hkl", "intensity", "sigma", "batch")
_MOST = 32767  # of an index: no crystal has more, a misread column has
_NINES = (9999, 9999.9, 9999.99, 99999, 99999.9, 99999.99, 999999)
_GREATEST = 1e100  # of an intensity, so that sums of squares stay finite


@dataclass(frozen=True, eq=False, repr=False)
class ReflectionList:
    """Hold the measured reflections of one crystal.

    It has ``len`` and takes rows by index, slice, index array and mask (a single index gives a
    list of one row), and pickles.

    Parameters
    ----------
    hkl : array-like of int, shape (n, 3)
        Indices, every measurement a row. Repeats are allowed, (0, 0, 0) is not.
    intensity : array-like of shape (n,)
        Squares of structure factors on any scale. Negative ones are normal.
    sigma : array-like of shape (n,), optional
        Their standard uncertainties, above 0.
    cell : sequence of 6 floats, gemmi.UnitCell or pymatgen Lattice, optional
        a, b, c in Å and alpha, beta, gamma in degrees that the indices belong to.
    wavelength : float, optional
        In Å.
    radiation : {"xray", "electron", "neutron"}, optional
    coverage : Coverage, default=Coverage.LISTED
        ``LISTED``: every reflection that was measured has a row. ``OBSERVED``: those in which
        nothing was seen were left out.
    batch : array-like of int, shape (n,), optional
        Batch, run or frame of each row.
    carried : mapping, optional
        What a file said about symmetry and atoms. It is shown and never used.
    notes : sequence of str, optional
        What reading had to assume, drop or convert.
    source : mapping of str to str, optional
        Where each thing came from.
    name : str, default=""
        Name for messages, the stem of a file read.

    Raises
    ------
    ValueError
        If something is impossible; names the item, the row and what would be right.

    Examples
    --------
    >>> from crystalsym.reflections import ReflectionList
    >>> measured = ReflectionList(
    ...     [[1, 1, 1], [2, 0, 0], [-2, 0, 0]], [80.0, 100.0, 98.0], [1.0, 2.0, 2.0],
    ...     cell=(5.64, 5.64, 5.64, 90, 90, 90), name="salt")
    >>> measured
    ReflectionList('salt', 3 reflections, cell=(5.64, 5.64, 5.64, 90.0, 90.0, 90.0), d_min=2.82)
    >>> len(measured[1:]), measured[measured.intensity > 90].hkl.tolist()
    (2, [[2, 0, 0], [-2, 0, 0]])
    """

    hkl: NDArray[np.int32]
    intensity: NDArray[np.float64]
    sigma: NDArray[np.float64] | None = None
    cell: Cell | None = None
    wavelength: float | None = None
    radiation: Radiation | None = None
    coverage: Coverage = Coverage.LISTED
    batch: NDArray[np.int32] | None = None
    carried: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    source: Mapping[str, str] = field(default_factory=dict)
    name: str = ""

    def __post_init__(self) -> None:
        hkl = as_indices(self.hkl)
        n = len(hkl)
        checked = {
            "hkl": hkl,
            "intensity": _column(self.intensity, "intensity", n),
            "sigma": None if self.sigma is None else _column(self.sigma, "sigma", n),
            "batch": None if self.batch is None else _batches(self.batch, n),
            "cell": None if self.cell is None else as_cell(self.cell),
            "wavelength": None if self.wavelength is None else as_wavelength(self.wavelength),
            "coverage": _coverage(self.coverage),
            "carried": dict(self.carried),
            "notes": tuple(str(note) for note in self.notes),
            "source": {str(key): str(value) for key, value in self.source.items()},
            "name": str(self.name),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        _refuse_rows(~np.any(hkl, axis=1), "hkl is (0, 0, 0), which is the direct beam, not a spot")
        if self.sigma is not None:
            _refuse_rows(self.sigma <= 0, "sigma is not above 0")
        if self.radiation is not None and self.radiation not in RADIATIONS:
            raise ValueError(f"radiation={self.radiation!r}: needs one of {', '.join(RADIATIONS)}")

    @classmethod
    def from_arrays(
        cls,
        hkl: ArrayLike,
        intensity: ArrayLike,
        sigma: ArrayLike | None = None,
        cell: Any = None,
        *,
        amplitudes: bool = False,
        batch: ArrayLike | None = None,
        notes: Sequence[str] = (),
        **others: Any,
    ) -> ReflectionList:
        """Make a list of arrays, without the rows that hold no measurement.

        Left out, and counted in ``notes``, are rows of (0, 0, 0), of intensities or uncertainties
        that are NaN, of uncertainties that are 0 or negative (-1 beside -1: not measured), and of
        uncertainties of 9999 or the like that intensities do not exceed. Uncertainties that are 0
        in every row are taken for none given.

        Parameters
        ----------
        hkl : array-like of int, shape (n, 3)
        intensity : array-like of shape (n,)
        sigma : array-like of shape (n,), optional
        cell : sequence of 6 floats, gemmi.UnitCell or pymatgen Lattice, optional
        amplitudes : bool, default=False
            ``intensity`` and ``sigma`` are those of |F|: they are squared, negative ones (which
            nobody can have measured) to negative intensities.
        batch : array-like of int, shape (n,), optional
        notes : sequence of str, optional
        **others
            The other parameters of :class:`ReflectionList`.

        Returns
        -------
        ReflectionList

        Examples
        --------
        >>> from crystalsym.reflections import ReflectionList
        >>> measured = ReflectionList.from_arrays(
        ...     [[1, 0, 0], [0, 1, 0], [0, 0, 1]], [5.0, -1.0, 7.0], [0.5, -1.0, 0.6])
        >>> len(measured), measured.notes
        (2, ('1 row of -1 -1 (not measured) is left out',))
        """
        hkl = as_indices(hkl)
        n = len(hkl)
        values = _floats(intensity, "intensity", n)
        errors = None if sigma is None else _floats(sigma, "sigma", n)
        said = list(notes)
        batches = None if batch is None else _batches(batch, n)
        if errors is not None and n and not np.any(errors[~np.isnan(errors)]):
            said.append("the uncertainties are all 0 or not given: taken for unknown")
            errors = None
        kept = np.ones(n, dtype=bool)
        for rows, what in _unmeasured(hkl, values, errors):
            count = int(np.count_nonzero(kept & rows))
            if count:
                said.append(
                    f"{count} {'row' if count == 1 else 'rows'} of {what}"
                    f" {'is' if count == 1 else 'are'} left out"
                )
            kept &= ~rows
        if not kept.all():
            hkl, values = hkl[kept], values[kept]
            errors = None if errors is None else errors[kept]
            batches = None if batches is None else batches[kept]
        if amplitudes:
            # The error of a square is 2 F dF; F^2 of a weak F keeps dF^2, which 2 F dF forgets.
            if errors is not None:
                errors = 2 * np.abs(values) * errors + errors**2
            values = values * np.abs(values)
        return cls(hkl, values, errors, cell, batch=batches, notes=tuple(said), **others)

    def __len__(self) -> int:
        return len(self.hkl)

    def __repr__(self) -> str:
        parts = [repr(self.name)] if self.name else []
        parts.append(f"{len(self)} reflection{'' if len(self) == 1 else 's'}")
        if self.cell is not None:
            parts.append(f"cell={self.cell}")
            if len(self):
                parts.append(f"d_min={self.d_min:.3g}")
        if self.coverage is not Coverage.LISTED:
            parts.append(self.coverage.name)
        return f"ReflectionList({', '.join(parts)})"

    def __getitem__(self, rows: Any) -> ReflectionList:
        if isinstance(rows, (int, np.integer)):
            place = int(rows)
            if not -len(self) <= place < len(self):
                raise IndexError(f"row {place} of a list of {len(self)} reflections")
            rows = [place]
        taken = {name: getattr(self, name) for name in _PER_ROW}
        parts: dict[str, Any] = {
            name: None if one is None else one[rows] for name, one in taken.items()
        }
        return replace(self, **parts)

    def __getstate__(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @cached_property
    def q(self) -> NDArray[np.float64]:
        """Give |q| = 1/d of each row, 1/Å."""
        return lengths_of(self.hkl, self.known_cell())

    @property
    def d_min(self) -> float:
        """Give the smallest spacing d reached, Å."""
        if not len(self):
            raise ValueError(f"{self.name or 'the list'} holds no reflections, so it has no d_min")
        return float(1 / self.q.max())

    def known_cell(self) -> Cell:
        """Give the cell of a list that has one.

        Returns
        -------
        tuple of 6 floats

        Raises
        ------
        ValueError
            If it is not known.
        """
        if self.cell is None:
            raise ValueError(
                f"{self.name or 'the list'} has no cell: give cell=(a, b, c, alpha, beta, gamma)"
            )
        return self.cell


def lengths_of(hkl: NDArray[np.integer], cell: Cell) -> NDArray[np.float64]:
    """|q| = 1/d of reflections, 1/Å."""
    metric = np.linalg.inv(metric_tensor(cell))
    h = hkl.astype(float)
    return np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", h, metric, h), 0))


def metric_tensor(cell: Cell) -> NDArray[np.float64]:
    """Scalar products of the cell's vectors, Å^2."""
    a, b, c = cell[:3]
    ca, cb, cc = (math.cos(math.radians(angle)) for angle in cell[3:])
    return np.array(
        [[a * a, a * b * cc, a * c * cb], [a * b * cc, b * b, b * c * ca],
         [a * c * cb, b * c * ca, c * c]]
    )  # fmt: skip


def as_cell(cell: Any) -> Cell:
    """Six floats of a cell in any form.

    Raises
    ------
    ValueError
        If they are no cell; says why.
    """
    values = getattr(cell, "parameters", cell)
    try:
        six = tuple(float(value) for value in values)
    except (TypeError, ValueError):
        six = ()
    if len(six) != 6:
        raise ValueError(f"cell={cell!r}: needs the six numbers a, b, c, alpha, beta, gamma")
    shown = " ".join(f"{value:g}" for value in six)
    if not all(0.1 <= length <= 1e5 for length in six[:3]):
        raise ValueError(f"cell {shown}: the lengths need to be between 0.1 and 100000 Å")
    if not all(0 < angle < 180 for angle in six[3:]):
        raise ValueError(f"cell {shown}: the angles need to be between 0 and 180 degrees")
    ca, cb, cc = (math.cos(math.radians(angle)) for angle in six[3:])
    if 1 - ca * ca - cb * cb - cc * cc + 2 * ca * cb * cc < 1e-8:
        raise ValueError(f"cell {shown}: these angles do not close to a cell that has a volume")
    return six


def as_wavelength(value: Any) -> float:
    """A wavelength in Å.

    Raises
    ------
    ValueError
        If it is none.
    """
    number = float(value)
    if not 0.001 <= number <= 100:
        raise ValueError(f"wavelength={value!r}: needs to be between 0.001 and 100 Å")
    return number


def as_indices(hkl: Any) -> NDArray[np.int32]:
    """Indices as whole numbers of shape (n, 3).

    Raises
    ------
    ValueError
        If they are none; names the row.
    """
    array = np.asarray(hkl)
    if array.size == 0:
        array = np.zeros((0, 3), dtype=np.int32)
    if array.ndim != 2 or array.shape[1] != 3:
        raise ValueError(f"hkl has shape {array.shape}: needs (n, 3)")
    if array.dtype.kind not in "iu":
        array = array.astype(float)
        _refuse_rows(~np.isfinite(array).all(axis=1), "hkl is not finite")
        _refuse_rows((array != np.round(array)).any(axis=1), "hkl is not made of whole numbers")
    _refuse_rows((np.abs(array) > _MOST).any(axis=1), f"an index is beyond {_MOST}")
    return array.astype(np.int32, copy=False)


def _unmeasured(
    hkl: NDArray[np.int32], values: NDArray[np.float64], errors: NDArray[np.float64] | None
) -> Iterable[tuple[Any, str]]:
    """Rows without a measurement, kind by kind, and what they are called."""
    yield ~np.any(hkl, axis=1), "0 0 0"
    yield np.isnan(values), "unknown intensity"
    if errors is None:
        return
    yield np.isnan(errors), "unknown uncertainty"
    yield (values == -1) & (errors == -1), "-1 -1 (not measured)"
    yield errors == 0, "uncertainty 0"
    yield errors < 0, "negative uncertainty (rejected)"
    nines = errors >= 9999
    nines[nines] = np.isin(errors[nines], _NINES)
    yield nines & (values <= errors), "uncertainty 9999 (not measured)"


def _refuse_rows(wrong: Any, what: str) -> None:
    if wrong.any():
        rows = np.flatnonzero(wrong)
        more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
        raise ValueError(f"row {rows[0]}{more}: {what}")


def _floats(values: ArrayLike, name: str, n: int) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (n,):
        raise ValueError(f"{name} has shape {array.shape}: needs ({n},), one for each row of hkl")
    return array


def _column(values: ArrayLike, name: str, n: int) -> NDArray[np.float64]:
    array = _floats(values, name, n)
    _refuse_rows(~np.isfinite(array), f"{name} is not finite")
    _refuse_rows(np.abs(array) > _GREATEST, f"{name} is beyond {_GREATEST:g}")
    return array


def _batches(values: ArrayLike, n: int) -> NDArray[np.int32]:
    array = np.asarray(values)
    if array.shape != (n,):
        raise ValueError(f"batch has shape {array.shape}: needs ({n},), one for each row of hkl")
    if array.size and array.dtype.kind not in "iu":
        raise ValueError(f"batch is of {array.dtype}: needs whole numbers")
    _refuse_rows(np.abs(array.astype(np.int64)) >= 2**31, "batch is beyond 2147483647")
    return array.astype(np.int32)


def _coverage(value: Any) -> Coverage:
    coverage = Coverage(value)
    if coverage is Coverage.WHOLE:
        raise ValueError(
            "coverage=WHOLE: a list is LISTED (each place measured has a row) or OBSERVED"
            " (places where nothing was seen were left out)"
        )
    return coverage
