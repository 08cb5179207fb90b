"""Name the views of patterns: zones for crystals whose cell is known."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crystalsym.crystals import Crystal, as_structure, standardize
from crystalsym.diffraction import SpotPatterns, resolve_views

_TITLES = {
    "zone-axes": ("[100]", "[010]", "[001]"),
    "symmetry-directions": ("[100] or [111]", "[010] or [1-10]", "[001]"),
    "cartesian": ("beam along x", "beam along y", "beam along z"),
    "rotations": ("45° about x", "45° about y", "45° about z"),
    "rotation-pairs": tuple(f"{angle}° about {axis}" for axis in "xyz" for angle in (-45, 45)),
}


def view_titles(
    views: Any, n_views: int = 3, lattice: NDArray[np.float64] | None = None
) -> tuple[str, ...]:
    """Name the views of a simulator: by their zones, of a named family, or simply numbered.

    Parameters
    ----------
    views : str or array-like
        As in :class:`crystalsym.DiffractionSimulator`.
    n_views : int, default=3
        How many there are, if they are a named family.
    lattice : ndarray of shape (3, 3), optional
        Vectors of the crystal's standard cell, on which ``"symmetry-directions"`` depend.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> import numpy as np
    >>> view_titles("symmetry-directions")
    ('[100] or [111]', '[010] or [1-10]', '[001]')
    >>> view_titles("symmetry-directions", lattice=np.diag([4.0, 4.0, 4.0]))
    ('[111]', '[1-10]', '[001]')
    """
    if isinstance(views, str):
        if views == "symmetry-directions" and lattice is not None and n_views == 3:
            return tuple(_zone_text(view.zone) for view in resolve_views(views, lattice))
        if len(_TITLES.get(views, ())) == n_views:
            return _TITLES[views]
        return tuple(f"view {i + 1}" for i in range(n_views))
    if np.ndim(views) == 2:
        return tuple(_zone_text(np.rint(zone).astype(int)) for zone in np.asarray(views))
    return tuple(f"view {i + 1}" for i in range(len(views)))


def titles_of(simulator: Any, structure: Any) -> tuple[str, ...]:
    """Name the views of one structure as a simulator shows them.

    Parameters
    ----------
    simulator : DiffractionSimulator
    structure : object
        Anything :func:`crystalsym.crystals.as_structure` reads.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> from crystalsym import DiffractionSimulator
    >>> from crystalsym.datasets import example_crystals
    >>> titles_of(DiffractionSimulator(), example_crystals()["ZnO-zincite"])
    ('[100]', '[1-10]', '[001]')
    """
    lattice = None
    n_views = len(_TITLES.get(simulator.views, "xyz")) if isinstance(simulator.views, str) else 3
    if isinstance(simulator.views, str) and simulator.views == "symmetry-directions":
        known = as_structure(structure)
        if simulator.standardize and isinstance(known, Crystal):
            known = standardize(known, simulator.symprec, simulator.idealize)
        lattice = known.lattice
    return view_titles(simulator.views, n_views, lattice)


def zone_titles(patterns: SpotPatterns) -> list[tuple[str, ...]]:
    """Name the views of each crystal by the zones that its spots know, or number them.

    Parameters
    ----------
    patterns : SpotPatterns

    Returns
    -------
    list of tuple of str
    """
    n, n_views = patterns.shape
    numbered = [f"view {view + 1}" for view in range(n_views)]
    if patterns.zone is None:
        return [tuple(numbered)] * n
    return [
        tuple(_zone_text(z) if np.any(z) else other for z, other in zip(row, numbered, strict=True))
        for row in patterns.zone
    ]


def _zone_text(zone: Any) -> str:
    return "[" + "".join(str(int(index)) for index in zone) + "]"
