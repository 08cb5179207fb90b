"""Patterns as lists of spots: what every source of patterns gives and every shaping takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from enum import IntEnum
from typing import Any

import numpy as np


class Coverage(IntEnum):
    """Say what a pattern tells of a place in its field where it lists no spot.

    Examples
    --------
    >>> from crystalsym.diffraction import Coverage
    >>> [(kind.name, int(kind)) for kind in Coverage]
    [('LISTED', 0), ('WHOLE', 1), ('OBSERVED', 2)]
    """

    LISTED = 0
    """Nothing: only the places listed were measured."""
    WHOLE = 1
    """It is dark, as in simulations and whole images."""
    OBSERVED = 2
    """It was measured and not recorded, because nothing was observed there."""


@dataclass(frozen=True)
class SpotPattern:
    """Hold one pattern of one crystal.

    Attributes
    ----------
    q : ndarray of shape (n_spots, 2)
        Places in 1/Å, image frame: +x, +y.
    intensity : ndarray of shape (n_spots,)
    sigma : ndarray of shape (n_spots,) or None
    indices : ndarray of int, shape (n_spots, 2) or None
        In the pattern's plane lattice.
    hkl : ndarray of int, shape (n_spots, 3) or None
    zone : tuple of int or None
        [uvw] along the beam.
    q_min, q_max : float
        The field seen, 1/Å.
    coverage : Coverage

    Examples
    --------
    >>> from crystalsym import DiffractionSimulator
    >>> from crystalsym.datasets import example_crystals
    >>> spots = DiffractionSimulator(output="spots").transform([example_crystals()["NaCl"]])
    >>> pattern = spots.pattern(0, 2)
    >>> pattern.zone, pattern.coverage.name
    ((0, 0, 1), 'WHOLE')
    """

    q: np.ndarray
    intensity: np.ndarray
    sigma: np.ndarray | None
    indices: np.ndarray | None
    hkl: np.ndarray | None
    zone: tuple[int, int, int] | None
    q_min: float
    q_max: float
    coverage: Coverage

    def __len__(self) -> int:
        return len(self.intensity)


@dataclass(frozen=True, eq=False)
class SpotPatterns:
    """Hold patterns of n crystals as spots, in flat arrays.

    It has ``len``, takes rows by index, slice and mask as arrays do (a single index gives
    one row), and pickles; :meth:`concatenate` joins several. Rows of crystals that could not be
    simulated hold no spot and a field of NaN.

    Parameters
    ----------
    q : ndarray of shape (n_spots, 2)
        Places in 1/Å, image frame.
    intensity : ndarray of shape (n_spots,)
        Linear.
    starts : ndarray of int, shape (n n_views + 1,)
        Pattern p = row n_views + view owns the spots ``starts[p]`` to ``starts[p + 1]``.
    q_min, q_max : ndarray of shape (n, n_views)
        The field seen, 1/Å; NaN in rows that are missing.
    sigma : ndarray of shape (n_spots,), optional
        Standard uncertainties of the intensities.
    indices : ndarray of int, shape (n_spots, 2), optional
        Indices in the plane lattice of the pattern.
    basis : ndarray of shape (n, n_views, 2, 2), optional
        Vectors of that lattice, 1/Å: q = indices @ basis.
    basis_hkl : ndarray of int, shape (n, n_views, 2, 3), optional
        The reflections that those vectors are.
    zone : ndarray of int, shape (n, n_views, 3), optional
        [uvw] along the beam; zeros where it is none.
    coverage : ndarray of int, shape (n, n_views), optional
        Values of :class:`Coverage`; whole by default.
    mask : ndarray of bool, shape (n, n_views, size, size), optional
        True where the field was hidden, on a square from -q_max to q_max (beam stops, gaps).
    orbit : ndarray of int, shape (n_spots,), optional
        Number of the set of symmetry-equivalents that each spot belongs to, within its crystal.
    halved : bool, default=False
        Every spot stands for its Friedel mate at -q as well.
    made_by : tuple of dict, default=()
        The steps that made the patterns, as far as they are known.

    Raises
    ------
    ValueError
        If shapes disagree.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.diffraction import SpotPatterns
    >>> patterns = SpotPatterns(
    ...     q=np.array([[0.2, 0.0], [0.0, 0.3]]), intensity=np.array([5.0, 2.0]),
    ...     starts=np.array([0, 2, 2]), q_min=np.zeros((2, 1)), q_max=np.ones((2, 1)))
    >>> len(patterns), patterns.shape, patterns[0].n_spots, len(patterns[1].pattern(0, 0))
    (2, (2, 1), 2, 0)
    """

    q: np.ndarray
    intensity: np.ndarray
    starts: np.ndarray
    q_min: np.ndarray
    q_max: np.ndarray
    sigma: np.ndarray | None = None
    indices: np.ndarray | None = None
    basis: np.ndarray | None = None
    basis_hkl: np.ndarray | None = None
    zone: np.ndarray | None = None
    coverage: np.ndarray | None = None
    mask: np.ndarray | None = None
    orbit: np.ndarray | None = None
    halved: bool = False
    made_by: tuple[dict[str, Any], ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        n_spots = len(self.intensity)
        shape = np.shape(self.q_max)
        if len(shape) != 2 or np.shape(self.q_min) != shape:
            raise ValueError(
                f"q_min and q_max must both have shape (n, n_views), got {np.shape(self.q_min)}"
                f" and {shape}"
            )
        if self.coverage is None:
            whole = np.full(shape, Coverage.WHOLE, dtype=np.int8)
            object.__setattr__(self, "coverage", whole)
        expected = {
            "q": (n_spots, 2), "starts": (shape[0] * shape[1] + 1,), "sigma": (n_spots,),
            "indices": (n_spots, 2), "orbit": (n_spots,), "basis": (*shape, 2, 2),
            "basis_hkl": (*shape, 2, 3), "zone": (*shape, 3), "coverage": shape,
        }  # fmt: skip
        for name, wanted in expected.items():
            value = getattr(self, name)
            if value is not None and np.shape(value) != wanted:
                raise ValueError(
                    f"{name} must have shape {wanted} for {n_spots} spots of {shape[0]} crystals"
                    f" in {shape[1]} views, got {np.shape(value)}"
                )
        if self.mask is not None and np.shape(self.mask)[:2] != shape:
            raise ValueError(f"mask must have shape (*{shape}, size, size)")
        if self.starts[0] != 0 or self.starts[-1] != n_spots or np.any(np.diff(self.starts) < 0):
            raise ValueError(f"starts must rise from 0 to the number of spots, {n_spots}")

    def __len__(self) -> int:
        return len(self.q_max)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n_views)."""
        return self.q_max.shape  # type: ignore[return-value]

    @property
    def ndim(self) -> int:
        return 2

    @property
    def dtype(self) -> np.dtype:
        """The intensities' type."""
        return self.intensity.dtype

    @property
    def n_views(self) -> int:
        """Patterns of each crystal."""
        return self.q_max.shape[1]

    @property
    def n_spots(self) -> int:
        """Spots in all patterns together."""
        return len(self.intensity)

    @property
    def complete(self) -> np.ndarray:
        """Whether a place without a spot is dark, bool of shape (n, n_views)."""
        return np.asarray(self.coverage) == Coverage.WHOLE

    @property
    def missing(self) -> np.ndarray:
        """Rows of crystals that could not be simulated, bool of shape (n,)."""
        return np.isnan(self.q_max).any(axis=1)

    @property
    def hkl(self) -> np.ndarray | None:
        """Reflection of each spot, int of shape (n_spots, 3), where it is known."""
        if self.indices is None or self.basis_hkl is None:
            return None
        basis = self.basis_hkl.reshape(-1, 2, 3)[self.pattern_of_spot]
        return np.einsum("sg,sgi->si", self.indices.astype(np.int64), basis.astype(np.int64))

    @property
    def pattern_of_spot(self) -> np.ndarray:
        """Number of the pattern each spot is in, shape (n_spots,)."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def __getitem__(self, index: Any) -> SpotPatterns:
        if isinstance(index, tuple):  # scikit-learn asks arrays for X[rows, ...]
            if any(part is not Ellipsis and part != slice(None) for part in index[1:]):
                raise IndexError("SpotPatterns are indexed by rows alone; see pattern(row, view)")
            index = index[0]
        if isinstance(index, (int, np.integer)):
            if not -len(self) <= index < len(self):
                raise IndexError(f"row {index} of {len(self)} patterns")
            index = [int(index)]
        if isinstance(index, slice) and index.step in (None, 1):
            first, last, _ = index.indices(len(self))
            return self._part(first, max(first, last))
        return self._rows(np.arange(len(self))[index])

    def _part(self, first: int, last: int) -> SpotPatterns:
        """Rows one after the other; the spots are not copied."""
        starts = self.starts[first * self.n_views : last * self.n_views + 1]
        spots = slice(int(starts[0]), int(starts[-1]))
        return self._selected(slice(first, last), spots, starts - starts[0])

    def _rows(self, rows: np.ndarray) -> SpotPatterns:
        patterns = (rows[:, None] * self.n_views + np.arange(self.n_views)).ravel()
        counts = np.diff(self.starts)[patterns]
        starts = np.concatenate([[0], np.cumsum(counts)])
        spots = np.repeat(self.starts[:-1][patterns] - starts[:-1], counts) + np.arange(starts[-1])
        return self._selected(rows, spots, starts)

    def _selected(self, rows: Any, spots: Any, starts: np.ndarray) -> SpotPatterns:
        def of(name: str, which: Any) -> Any:
            value = getattr(self, name)
            return None if value is None else value[which]

        return replace(
            self,
            starts=starts,
            **{name: of(name, spots) for name in _OF_SPOTS},
            **{name: of(name, rows) for name in _OF_PATTERNS},
        )

    def pattern(self, row: int, view: int) -> SpotPattern:
        """Take out one pattern.

        Parameters
        ----------
        row, view : int

        Returns
        -------
        SpotPattern
            Both mates of each Friedel pair, if one stood for both.
        """
        one = self[row].with_mates()
        part = slice(int(one.starts[view]), int(one.starts[view + 1]))
        zone = None if one.zone is None else tuple(int(i) for i in one.zone[0, view])
        return SpotPattern(
            one.q[part],
            one.intensity[part],
            None if one.sigma is None else one.sigma[part],
            None if one.indices is None else one.indices[part],
            None if one.hkl is None else one.hkl[part],
            zone if zone and any(zone) else None,  # type: ignore[arg-type]
            float(one.q_min[0, view]),
            float(one.q_max[0, view]),
            Coverage(int(one.coverage[0, view])),  # type: ignore[index]
        )

    def with_mates(self) -> SpotPatterns:
        """List both mates of every Friedel pair, each spot before its mate at -q.

        Examples
        --------
        >>> from crystalsym import DiffractionSimulator
        >>> from crystalsym.datasets import example_crystals
        >>> simulator = DiffractionSimulator(output="spots")
        >>> half = simulator.transform([example_crystals()["NaCl"]])
        >>> half.with_mates().n_spots == 2 * half.n_spots
        True
        """
        if not self.halved:
            return self
        doubled: dict[str, Any] = {"halved": False, "starts": 2 * self.starts}
        for name in _OF_SPOTS:
            value = getattr(self, name)
            if value is not None:
                mate = -value if name in ("q", "indices") else value
                doubled[name] = np.stack([value, mate], axis=1).reshape(-1, *value.shape[1:])
        return replace(self, **doubled)

    def without_center(self, q_min: float) -> SpotPatterns:
        """Leave out the spots close to the beam, where the field then has a hole.

        Parameters
        ----------
        q_min : float
            Largest |q| that is left out, 1/Å.
        """
        kept = np.hypot(self.q[:, 0], self.q[:, 1]) > q_min
        fields_seen = np.maximum(self.q_min, q_min)
        if kept.all():
            return replace(self, q_min=fields_seen)
        starts = np.concatenate([[0], np.cumsum(kept)])[self.starts]
        values: dict[str, Any] = {name: getattr(self, name) for name in _OF_SPOTS}
        remaining: dict[str, Any] = {
            name: None if value is None else value[kept] for name, value in values.items()
        }
        return replace(self, q_min=fields_seen, starts=starts, **remaining)

    def seen(self, row: int, view: int, q: Any) -> np.ndarray:
        """Tell which places lie within a pattern's field and behind no mask.

        Parameters
        ----------
        row, view : int
        q : array-like of shape (m, 2)
            Places in 1/Å.

        Returns
        -------
        ndarray of bool, shape (m,)
        """
        q = np.asarray(q, dtype=np.float64)
        length = np.hypot(q[:, 0], q[:, 1])
        inside = (length >= self.q_min[row, view]) & (length <= self.q_max[row, view])
        if self.mask is not None:
            mask = self.mask[row, view]
            middle = (len(mask) - 1) / 2
            place = np.round(q / self.q_max[row, view] * middle + middle).astype(int)
            column, line = np.clip(place, 0, len(mask) - 1).T
            inside &= ~mask[line, column]
        return inside

    @classmethod
    def concatenate(cls, parts: Sequence[SpotPatterns]) -> SpotPatterns:
        """Put patterns one after the other.

        Parameters
        ----------
        parts : sequence of SpotPatterns
            Of the same number of views. What some of them lack (sigma, indices, ...) the result
            lacks.

        Raises
        ------
        ValueError
            If there are none, or their numbers of views differ.
        """
        parts = list(parts)
        if not parts:
            raise ValueError("no patterns to concatenate")
        if len({part.n_views for part in parts}) > 1:
            raise ValueError("patterns of different numbers of views do not go together")
        if len(parts) == 1:
            return parts[0]
        if len({part.halved for part in parts}) > 1:
            parts = [part.with_mates() for part in parts]
        joined: dict[str, Any] = {}
        for name in _OF_SPOTS + _OF_PATTERNS:
            values = [getattr(part, name) for part in parts]
            known = all(value is not None for value in values)
            joined[name] = np.concatenate(values) if known else None
        ends = np.cumsum([0] + [part.n_spots for part in parts])
        starts = [part.starts[:-1] + end for part, end in zip(parts, ends, strict=False)]
        same = all(part.made_by == parts[0].made_by for part in parts)
        return cls(
            starts=np.concatenate([*starts, ends[-1:]]),
            halved=parts[0].halved,
            made_by=parts[0].made_by if same else (),
            **joined,
        )

    @classmethod
    def absent(cls, n: int, n_views: int, dtype: Any = np.float32) -> SpotPatterns:
        """Make rows of crystals that could not be simulated.

        Parameters
        ----------
        n, n_views : int
        dtype : dtype, default=float32
            Of the intensities.
        """
        nowhere = np.full((n, n_views), np.nan)
        return cls(
            q=np.empty((0, 2), dtype),
            intensity=np.empty(0, dtype),
            starts=np.zeros(n * n_views + 1, dtype=np.int64),
            q_min=nowhere,
            q_max=nowhere,
            indices=np.empty((0, 2), np.int16),
            basis=np.zeros((n, n_views, 2, 2)),
            basis_hkl=np.zeros((n, n_views, 2, 3), np.int16),
            zone=np.zeros((n, n_views, 3), np.int16),
            halved=True,
        )

    def __repr__(self) -> str:
        n, n_views = self.shape
        return f"SpotPatterns({n} crystals, {n_views} views, {self.n_spots} spots)"


_OF_SPOTS = ("q", "intensity", "sigma", "indices", "orbit")
_OF_PATTERNS = ("q_min", "q_max", "basis", "basis_hkl", "zone", "coverage", "mask")
assert {*_OF_SPOTS, *_OF_PATTERNS, "starts", "halved", "made_by"} == {
    f.name for f in fields(SpotPatterns)
}
