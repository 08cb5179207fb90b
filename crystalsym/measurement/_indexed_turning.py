"""How images of known zones are turned and ordered for models of patterns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crystalsym.diffraction._zone_layers import spanning_reflections
from crystalsym.measurement._pattern_turning import Turning
from crystalsym.measurement._zone_indexing import ZoneIndexing
from crystalsym.measurement._zone_symbols import zone_text


def indexed_turning(bases: Sequence[np.ndarray], indexing: ZoneIndexing) -> Turning:
    """Turn indexed images as patterns simulated along their zones.

    Zones that are the lattice's symmetry directions, or become them by rotations of the lattice,
    come in the order of these; others as they are given.

    Parameters
    ----------
    bases : sequence of three ndarray of shape (2, 2)
    indexing : ZoneIndexing

    Returns
    -------
    Turning
        Its ``zones`` name the directions in their order.
    """
    directions = indexing.directions
    if directions is not None:
        order, targets, along = directions
    else:
        reciprocal = np.linalg.inv(indexing.lattice).T
        order, targets = (0, 1, 2), indexing.zones
        along = [_along_x(reciprocal, zone) for zone in targets]
    rows = []
    for image, hkl in zip(order, along, strict=True):
        solved, *_ = np.linalg.lstsq(
            indexing.hkl[image].T.astype(float), np.asarray(hkl, dtype=float), rcond=None
        )
        rows.append(solved @ bases[image])
    zones = " ".join(zone_text(zone) for zone in targets)
    return Turning(tuple(rows), order, zones, indexing.misfit)


def _along_x(reciprocal: np.ndarray, zone: np.ndarray) -> np.ndarray:
    u, v, w = map(int, zone)
    return spanning_reflections(reciprocal, (u, v, w))[0]
