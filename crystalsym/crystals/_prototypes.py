"""What a crystal's structure is apart from its elements and sizes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from crystalsym import spacegroups
from crystalsym.crystals._coercion import as_crystal
from crystalsym.crystals._symmetry import find_symmetry


class Prototype(NamedTuple):
    """A space group and the sites that are occupied in it."""

    space_group: int
    """Of an enantiomorphic pair the lower number."""

    sites: tuple[tuple[int, ...], ...]
    """For every kind of atom the sorted multiplicities of its sites in the conventional cell."""


def prototype(crystal: Any, symprec: float = 0.1, finder: str = "mixed") -> Prototype:
    """Find the prototype of a crystal.

    It depends on neither the elements nor the choice of cell, axes or origin. Two crystals of
    one Wyckoff sequence have the same; the converse does not hold, because sites of one
    multiplicity are not told apart.

    Parameters
    ----------
    crystal : Crystal or anything :func:`crystalsym.as_crystal` reads
    symprec : float, default=0.1
        Distance tolerance of the symmetry finder in Å.
    finder : {"mixed", "spglib", "moyo"}, default="mixed"
        As in :func:`crystalsym.crystals.standardize`.

    Returns
    -------
    Prototype

    Raises
    ------
    SymmetryError
        If no symmetry is found.

    Examples
    --------
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.crystals import prototype
    >>> prototype(example_crystals()["SrTiO3-tausonite"])
    Prototype(space_group=221, sites=((1,), (1,), (3,)))
    """
    found = find_symmetry(as_crystal(crystal), symprec, finder)
    _, first, sizes = np.unique(found.orbits, return_index=True, return_counts=True)
    multiplicities = sizes * len(found.kinds) // len(found.site_kinds)
    kinds = found.site_kinds[first]
    sites = (tuple(sorted(multiplicities[kinds == kind].tolist())) for kind in np.unique(kinds))
    group = min(found.number, spacegroups.enantiomorph(found.number) or found.number)
    return Prototype(group, tuple(sorted(sites)))
