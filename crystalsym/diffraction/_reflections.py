"""Structure factors of a crystal as a table: the simulator's physics in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from crystalsym.crystals import as_crystal
from crystalsym.scattering import structure_factors


@dataclass(frozen=True)
class ReflectionTable:
    """Hold the reflections of one crystal, by rising |q|.

    Parameters
    ----------
    hkl : ndarray of int, shape (n, 3)
    structure_factor : ndarray of complex128, shape (n,)
        In electrons (X-rays) or Å (electrons).
    q : ndarray of float64, shape (n,)
        |q| = 1/d in 1/Å.

    Attributes
    ----------
    hkl : ndarray of int, shape (n, 3)
    structure_factor : ndarray of complex128, shape (n,)
        In electrons (X-rays) or Å (electrons).
    q, d : ndarray of float64, shape (n,)
        |q| = 1/d in 1/Å and the spacing d in Å (infinite for 000).

    Examples
    --------
    >>> from crystalsym import standardize
    >>> from crystalsym.diffraction import reflections
    >>> from crystalsym.datasets import example_crystals
    >>> table = reflections(standardize(example_crystals()["Si"]), q_max=0.4)
    >>> strongest = table.intensity[1:].argmax() + 1                      # 000 comes first
    >>> sorted(abs(table.hkl[strongest]).tolist()), round(float(table.d[strongest]), 2)
    ([1, 1, 1], 3.14)
    """

    hkl: np.ndarray
    structure_factor: np.ndarray
    q: np.ndarray

    def __len__(self) -> int:
        return len(self.q)

    @property
    def d(self) -> np.ndarray:
        """Spacing in Å, infinite for 000, shape (n,)."""
        with np.errstate(divide="ignore"):
            return 1 / self.q

    @property
    def intensity(self) -> np.ndarray:
        """|F|², shape (n,)."""
        return np.abs(self.structure_factor) ** 2

    @property
    def phase(self) -> np.ndarray:
        """Phase of F in degrees, shape (n,)."""
        return np.degrees(np.angle(self.structure_factor))

    def to_frame(self):
        """Return a pandas DataFrame with columns h, k, l, d, q, F, intensity, phase."""
        import pandas

        return pandas.DataFrame(
            {
                "h": self.hkl[:, 0],
                "k": self.hkl[:, 1],
                "l": self.hkl[:, 2],
                "d": self.d,
                "q": self.q,
                "F": np.abs(self.structure_factor),
                "intensity": self.intensity,
                "phase": self.phase,
            }
        )


def reflections(crystal: Any, q_max: float = 1.457, *, radiation: str = "xray") -> ReflectionTable:
    """List all reflections up to a resolution, in the crystal's own cell.

    Parameters
    ----------
    crystal : Crystal or anything :func:`crystalsym.crystals.as_crystal` reads
        Used as it is; standardize it first for conventional indices.
    q_max : float, default=1.457
        Largest |q| = 1/d, 1/Å.
    radiation : {"xray", "electron"}, default="xray"

    Returns
    -------
    ReflectionTable
        Both mates of every Friedel pair, 000 first.

    Raises
    ------
    ValueError
        If ``q_max`` is not positive.

    Notes
    -----
    F(hkl) = Σ occupancy f(q) exp(2πi(hx + ky + lz)), without temperature factors or anomalous
    scattering.

    Examples
    --------
    >>> from crystalsym.diffraction import reflections
    >>> from crystalsym.crystals import Crystal
    >>> cu = Crystal([[3.615, 0, 0], [0, 3.615, 0], [0, 0, 3.615]],
    ...              [[0, 0, 0], [0, .5, .5], [.5, 0, .5], [.5, .5, 0]], [29] * 4)
    >>> table = reflections(cu, q_max=0.5)
    >>> present = table.intensity > 1e-6
    >>> sorted({tuple(sorted(map(abs, hkl))) for hkl in table.hkl[present].tolist()})
    [(0, 0, 0), (1, 1, 1)]
    """
    crystal = as_crystal(crystal)
    if not np.isfinite(q_max) or q_max <= 0:
        raise ValueError(f"q_max must be positive and finite, got {q_max!r}")
    bounds = np.floor(q_max * np.linalg.norm(crystal.lattice, axis=1) + 1e-9).astype(int)
    grid = np.stack(
        np.meshgrid(*(np.arange(-n, n + 1) for n in bounds), indexing="ij"), axis=-1
    ).reshape(-1, 3)
    q = np.linalg.norm(grid @ crystal.reciprocal, axis=1)
    inside = q <= q_max
    grid, q = grid[inside], q[inside]
    order = np.argsort(q.round(9), kind="stable")
    hkl, q = grid[order], q[order]
    content = (crystal.frac_coords, crystal.atomic_numbers, crystal.occupancies)
    return ReflectionTable(hkl, structure_factors(hkl, q, *content, radiation), q)
