"""Zero layers of reciprocal space of averaged reflections, as three patterns."""

from __future__ import annotations

import numpy as np

from crystalsym.crystals._metric_settings import allowed_by_centering
from crystalsym.diffraction import Coverage, SpotPatterns
from crystalsym.diffraction._zone_layers import OF_FAMILIES, bases_in_image
from crystalsym.reflections._equivalents import MergedReflections

ZONES = {
    **dict.fromkeys(("-1", "2/m", "mmm"), ((1, 0, 0), (0, 1, 0), (0, 0, 1))),
    **dict.fromkeys(
        ("4/m", "4/mmm", "-3", "-3m1", "-31m", "6/m", "6/mmm"), ((1, 0, 0), (1, -1, 0), (0, 0, 1))
    ),
    **dict.fromkeys(("m-3", "m-3m"), ((1, 1, 1), (1, -1, 0), (0, 0, 1))),
}
"""Zone axes of the three patterns: the symmetry directions of each Laue class."""
# Places that a centering forbids are dark; beyond these indices nobody looks.
REACH = 12


def sections(merged: MergedReflections, change: np.ndarray | None = None) -> SpotPatterns:
    """Cut three zero layers along the symmetry directions of the Laue class.

    Equivalents that were not measured get the intensity of those that were. Places that the
    centering forbids count as measured and dark, as far as the list reaches.

    Parameters
    ----------
    merged : MergedReflections
    change : ndarray of int, shape (3, 3), optional
        From its setting to another one that is open.

    Returns
    -------
    SpotPatterns
        One row of three patterns, one of each Friedel pair.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.reflections import merge_equivalents, sections
    >>> merged = merge_equivalents(np.array([[0, 1, 2], [1, 2, 0]]), np.array([3.0, 4.0]), None,
    ...     np.eye(3, dtype=int)[None], lattice=np.eye(3) * 5)
    >>> patterns = sections(merged)
    >>> [len(patterns[0].pattern(0, view)) for view in range(3)]
    [2, 0, 2]
    """
    change = np.eye(3, dtype=int) if change is None else np.asarray(change)
    lattice = change @ merged.lattice
    reciprocal = np.linalg.inv(lattice).T
    hkl, rows = merged.expanded()
    hkl = np.round(hkl @ change.T).astype(np.int64)
    intensity, sigma = merged.intensity[rows], merged.sigma[rows]
    reach = np.linalg.norm(hkl @ reciprocal, axis=1)
    q_low, q_high = float(reach.min()) * (1 - 1e-6), float(reach.max()) * (1 + 1e-6)
    zones = np.array([ZONES[merged.laue]], dtype=np.int16)
    bases = np.array([[OF_FAMILIES[zone] for zone in ZONES[merged.laue]]], dtype=np.int16)
    parts = []
    for view in range(3):
        inside = np.flatnonzero(hkl @ zones[0, view].astype(np.int64) == 0)
        indices = _in_plane(hkl[inside], bases[0, view])
        values, errors = intensity[inside], sigma[inside]
        dark = _dark(merged, change, bases[0, view], reciprocal, q_low, q_high)
        if len(dark):
            level = float(np.median(merged.sigma))
            indices = np.concatenate([indices, dark])
            values = np.concatenate([values, np.zeros(len(dark))])
            errors = np.concatenate([errors, np.full(len(dark), level)])
        below = (indices[:, 1] < 0) | ((indices[:, 1] == 0) & (indices[:, 0] < 0))
        indices = np.where(below[:, None], -indices, indices)
        parts.append((indices, values, errors))
    basis = bases_in_image(bases, reciprocal[None])
    indices = np.concatenate([part[0] for part in parts])
    counts = [len(part[0]) for part in parts]
    return SpotPatterns(
        q=np.concatenate([part[0] @ basis[0, view] for view, part in enumerate(parts)]).reshape(
            -1, 2
        ),
        intensity=np.concatenate([part[1] for part in parts]),
        sigma=np.concatenate([part[2] for part in parts]),
        starts=np.concatenate([[0], np.cumsum(counts)]),
        q_min=np.full((1, 3), q_low),
        q_max=np.full((1, 3), q_high),
        indices=indices.astype(np.int16).reshape(-1, 2),
        basis=basis,
        basis_hkl=bases,
        zone=zones,
        coverage=np.full((1, 3), int(merged.coverage), dtype=np.int8),
        halved=True,
    )


def _in_plane(hkl: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Indices in the plane lattice that two reflections span, int of shape (n, 2)."""
    solved, *_ = np.linalg.lstsq(basis.T.astype(float), hkl.T.astype(float), rcond=None)
    return np.round(solved.T).astype(np.int64)


def _dark(
    merged: MergedReflections,
    change: np.ndarray,
    basis: np.ndarray,
    reciprocal: np.ndarray,
    q_low: float,
    q_high: float,
) -> np.ndarray:
    """Indices in a plane of what the centering forbids and the list would have shown."""
    if merged.centering == "P" or merged.coverage == Coverage.WHOLE:
        return np.empty((0, 2), dtype=np.int64)
    i, j = np.mgrid[-REACH : REACH + 1, 0 : REACH + 1].reshape(2, -1)
    half = (j > 0) | (i > 0)
    plane = np.stack([i, j], axis=1)[half]
    hkl = plane @ basis.astype(np.int64)
    back = np.round(hkl @ np.linalg.inv(change).T).astype(np.int64)
    q = np.linalg.norm(hkl @ reciprocal, axis=1)
    wanted = ~allowed_by_centering(back, merged.centering) & (q >= q_low) & (q <= q_high)
    return plane[wanted]
