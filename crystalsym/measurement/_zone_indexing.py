"""Three plane lattices of known zones -> the cell, and which reflections their vectors are.

Of the cells that fit the cheapest is taken; rotations of its lattice count for it, and so do spots
that agree along the rows that two images share.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from crystalsym.crystals._cell_parameters import cell_of
from crystalsym.diffraction._zone_axes import symmetry_zones
from crystalsym.diffraction._zone_layers import OF_FAMILIES
from crystalsym.measurement._zone_cells import FittingCell, fitting_cells, shared_rows
from crystalsym.measurement._zone_symbols import parse_zones
from crystalsym.reflections._lattice_symmetry import lattice_rotations, primitive_basis

# Standard deviation of a row's length in parts of it, of good images and of distorted ones.
PRECISIONS = (0.0003, 0.001, 0.003)
# What each doubling of the number of the lattice's rotations is worth, in units of half a squared
# deviation.
ROTATIONS_WORTH = 4.0
# What rows shared by two images are worth whose spots agree, and how much is agreement.
AGREEMENT_WORTH, AGREEMENT, FEWEST_SHARED = 4.0, 0.12, 3
# A second cell is told of if it costs so little more.
CLOSE = 1.0
# A lattice has rotations that change its metric by less than this, or so many standard deviations.
SYMMETRIC, WIDE = 0.012, 6.0


@dataclass(frozen=True, eq=False)
class ZoneIndexing:
    """Hold the cell that three plane lattices of known zones belong to.

    Attributes
    ----------
    zones : ndarray of int, shape (3, 3)
        As they were given.
    lattice : ndarray of shape (3, 3)
        Vectors of the cell as rows, Å; right-handed, a along x.
    hkl : ndarray of int, shape (3, 2, 3)
        Reflections that the two vectors of each image's lattice are.
    centering : str
        What the three planes leave out together, in these axes; "R-" is the reverse setting.
    misfit : float
        Root mean square disagreement of shared rows, in parts of their lengths.
    disagreement : float
        How the spots' amplitudes differ along shared rows, 0 to 1; NaN where too few were measured.
    alternatives : tuple of tuple of float
        Other cells that fit about as well.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.measurement import index_zones
    >>> found = index_zones([np.diag([0.16, 0.25]), np.diag([0.1, 0.25]), np.diag([0.1, 0.16])],
    ...                     [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    >>> [round(length, 2) for length in found.cell], found.centering
    ([10.0, 6.25, 4.0, 90.0, 90.0, 90.0], 'P')
    """

    zones: np.ndarray
    lattice: np.ndarray
    hkl: np.ndarray
    centering: str
    misfit: float
    disagreement: float = math.nan
    alternatives: tuple[tuple[float, ...], ...] = ()

    @property
    def cell(self) -> tuple[float, float, float, float, float, float]:
        """a, b, c in Å and alpha, beta, gamma in degrees."""
        return cell_of(self.lattice)

    @cached_property
    def turns(self) -> list[np.ndarray]:
        """Rotations of the lattice in these axes, u' = W u and h' = h W; the identity is first."""
        change = primitive_basis(self.lattice, self.centering).T
        turns = lattice_rotations(change.T @ self.lattice, SYMMETRIC)
        return [change @ turn @ np.linalg.inv(change) for turn in turns]

    @cached_property
    def directions(
        self,
    ) -> tuple[tuple[int, ...], np.ndarray, list[np.ndarray]] | None:
        """Which images are the lattice's symmetry directions, or become them by its rotations.

        The number of the image along each, the directions, and for each the reflection along +x
        in the axes of the zones; None if the zones are others.
        """
        wanted = symmetry_zones(self.lattice[None])[0].astype(int)
        order, along = [], []
        for target in wanted:
            fits = [
                (image, turn)
                for image, zone in enumerate(self.zones)
                for turn in self.turns
                if np.abs(np.cross(turn @ zone, target)).max() < 1e-3
            ]
            if not fits:
                return None
            image, turn = fits[0]
            first, _ = OF_FAMILIES[int(target[0]), int(target[1]), int(target[2])]
            order.append(image)
            along.append(np.array(first) @ turn)
        return (tuple(order), wanted, along) if sorted(order) == [0, 1, 2] else None


def index_zones(
    bases: Sequence[np.ndarray], zones: Any, row_profiles: Any = None
) -> ZoneIndexing | None:
    """Index three plane lattices of known zone axes.

    Parameters
    ----------
    bases : sequence of three ndarray of shape (2, 2)
        Vectors of each image's lattice as rows, 1/Å; turned and mirrored as they may be.
    zones : sequence of three
        Strings such as "1-10" or "1 -1 0", or three whole numbers each.
    row_profiles : callable, optional
        ``row_profiles(image, step)`` gives the intensities of the points step, 2 step ... of an
        image, NaN where not measured; ``step`` are whole numbers in its basis. Rows that two
        images share then have to agree.

    Returns
    -------
    ZoneIndexing or None
        None if no cell fits.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.measurement import index_zones
    >>> bases = [np.diag([0.2, 0.3]), np.diag([0.25, 0.3]), np.diag([0.2, 0.25])]
    >>> found = index_zones(bases, ["001", "100", "0-10"])
    >>> [round(length, 2) for length in found.cell[:3]]
    [5.0, 3.33, 4.0]
    """
    zones = parse_zones(zones)
    bases = [np.asarray(basis, dtype=float) for basis in bases]
    shared = shared_rows(zones)
    for precision in PRECISIONS:
        found = fitting_cells(bases, zones, shared, precision)
        if found:
            break
    else:
        return None
    for one in found:
        n_rotations = len(lattice_rotations(_reduced(one), WIDE * precision))
        one.cost -= ROTATIONS_WORTH * math.log2(n_rotations)
        if row_profiles is not None:
            differ = _disagreements(one, shared, row_profiles)
            one.cost -= sum(AGREEMENT_WORTH * (1 - min(d / AGREEMENT, 4.0) / 2) for d in differ)
            one.disagreement = float(np.mean(differ)) if differ else math.nan
    found.sort(key=lambda one: one.cost)
    best = found[0]
    others = tuple(cell_of(one.lattice) for one in found[1:] if one.cost < best.cost + CLOSE)
    return ZoneIndexing(
        zones, best.lattice, best.hkl, best.centering, best.misfit, best.disagreement, others
    )


def _reduced(one: FittingCell) -> np.ndarray:
    return primitive_basis(one.lattice, one.centering) @ one.lattice


def _disagreements(one: FittingCell, shared: list[np.ndarray], row_profiles: Any) -> list[float]:
    """How the spots of shared rows differ, of each row of which enough were measured."""
    found = []
    for (i, j), row in (((0, 1), shared[0][0]), ((0, 2), shared[0][1]), ((1, 2), shared[1][1])):
        profiles = [_profile(one.hkl[image], row, image, row_profiles) for image in (i, j)]
        value = _disagreement(*profiles)
        if value is not None:
            found.append(value)
    return found


def _profile(hkl: np.ndarray, row: np.ndarray, image: int, row_profiles: Any) -> dict[int, float]:
    """Intensities along a row by their order."""
    solved, *_ = np.linalg.lstsq(hkl.T.astype(float), row.astype(float), rcond=None)
    multiple = next(
        (m for m in range(1, 13) if np.abs(m * solved - np.round(m * solved)).max() < 1e-6), None
    )
    if multiple is None:
        return {}
    values = row_profiles(image, np.round(multiple * solved).astype(int))
    return {multiple * (k + 1): float(v) for k, v in enumerate(values) if np.isfinite(v)}


def _disagreement(one: dict[int, float], two: dict[int, float]) -> float | None:
    """How amplitudes of a row differ in two images, 0 to 1; None if few were measured."""
    common = sorted(set(one) & set(two))
    if len(common) < FEWEST_SHARED:
        return None
    a, b = (np.sqrt(np.maximum([side[k] for k in common], 0)) for side in (one, two))
    if a.sum() <= 0 or b.sum() <= 0:
        return None
    a, b = a / a.sum(), b / b.sum()
    return float(np.abs(a - b).sum() / 2)
