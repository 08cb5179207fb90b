"""The one call of a symmetry finder: what is asked of it and what is kept of its answer.

Finders work through most crystals in half a millisecond. spglib takes twenty times as long for
cubic ones, because it tells their Wyckoff letters by comparing all pairs of up to 192 operations.
moyo does not, but on crystals that are distorted by about the tolerance the two disagree (1 % of
the Materials Project). So ``"mixed"`` asks moyo about cubic lattices alone, and believes it where
its answer is the same at a fiftieth of the tolerance and at twice the tolerance. Neither lets
other threads run meanwhile.
"""

from __future__ import annotations

import inspect
import logging
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from crystalsym.crystals._close_atoms import runs
from crystalsym.crystals._crystal import Crystal
from crystalsym.crystals._notes import warn_of

# More than the distance between atoms makes no sense.
LARGEST_TOLERANCE = 5.0
FINDERS = ("spglib", "moyo", "mixed")
# pymatgen and the Materials Project use this angle tolerance for their labels.
ANGLE_TOLERANCE = 5.0
# Two entries closer than this (fractional) share one site.
SHARED_SITE = 1e-4
# Tried in turn, in Å, where a larger tolerance finds nothing: split atoms are often this close.
SMALLER = (0.05, 0.02, 0.01)
# A cell of so many sites that nearly repeats itself takes spglib half a minute and more.
MANY_SITES = 500
# An answer of moyo that holds at both of these times the tolerance is certain. At the first the
# crystal is as good as ideal, so that the idealized cells agree as well.
CERTAIN = (0.02, 2.0)
FIRST_CUBIC = 195
# How far from a cubic lattice (relative, and in cosines) one is that may be taken for cubic.
NEARLY_CUBIC = 0.02


class SymmetryError(ValueError):
    """The symmetry finder could not make sense of a crystal."""


@dataclass(frozen=True, eq=False)
class Symmetry:
    """What a finder says of a crystal.

    "Kinds" label what sites hold: atomic numbers, or numbers from 1 that stand for
    ``contents``.
    """

    number: int
    """Space group."""

    lattice: np.ndarray
    """Rows: the finder's idealized conventional cell."""

    coords: np.ndarray
    """Fractional coordinates of the sites of that cell."""

    kinds: np.ndarray
    """What they hold."""

    parents: np.ndarray
    """For each of them what it has in common with the given sites it stands for."""

    sites: np.ndarray
    """Fractional coordinates of the sites as given; entries on one place are one site."""

    site_kinds: np.ndarray
    site_parents: np.ndarray

    contents: list[tuple[tuple[int, float], ...]] | None
    """Atomic numbers and occupancies for each kind; None if all sites are whole atoms."""

    orbits: np.ndarray
    """For each given site the first one that symmetry makes equal to it."""

    change: np.ndarray
    """Given fractional coordinates x become ``change @ x + shift`` in the conventional cell."""

    shift: np.ndarray

    rotations: np.ndarray
    translations: np.ndarray

    notes: tuple[str, ...] = ()
    """What was taken otherwise than asked for."""

    def atoms(self, coords: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Positions, atomic numbers and occupancies, for the conventional sites at ``coords``."""
        if self.contents is None:
            return coords, self.kinds, np.ones(len(self.kinds))
        held = [self.contents[kind - 1] for kind in self.kinds]
        atoms = [atom for content in held for atom in content]
        numbers, occupancies = zip(*atoms, strict=True)
        rows = np.repeat(coords, [len(content) for content in held], axis=0)
        return rows, np.array(numbers), np.array(occupancies)


def find_symmetry(
    crystal: Crystal, symprec: float = 0.1, finder: str = "mixed", fallback: bool = True
) -> Symmetry:
    """Ask a symmetry finder about a crystal, once for each tolerance and finder.

    The last answer stays with the crystal object. With ``fallback``, smaller tolerances are tried
    where nothing is found, and the one that served is named in a warning.

    Raises
    ------
    SymmetryError
        If no symmetry is found.
    ValueError
        If there is no such finder, or the tolerance is none.
    ModuleNotFoundError
        If the finder is not installed.
    """
    if not 0 < symprec <= LARGEST_TOLERANCE:  # spglib crashes on some others, NaN among them
        raise ValueError(
            f"symprec must be a positive number of Å up to {LARGEST_TOLERANCE:g}, got {symprec!r}"
        )
    asked = (float(symprec), finder, fallback)
    known = crystal.__dict__.get("_symmetry")
    if known is not None and known[0] == asked:
        return known[1]
    if finder not in FINDERS:
        raise ValueError(f"finder must be one of {FINDERS}, got {finder!r}")
    if len(crystal) >= MANY_SITES:
        _warn(
            crystal,
            f"with {len(crystal)} atoms in the cell, finding its symmetry may take minutes; a"
            " smaller cell, if there is one, is quicker",
        )
    sites, kinds, contents = crystal.frac_coords, crystal.atomic_numbers, None
    if not (crystal.occupancies == 1).all():
        sites, kinds, contents = _merged_sites(crystal)
    found = _ASK[finder](crystal.lattice, sites, kinds, float(symprec))
    if isinstance(found, str):
        reason = f" ({found})" if found else ""
        for smaller in (s for s in SMALLER if fallback and s < symprec):
            found = _ASK[finder](crystal.lattice, sites, kinds, smaller)
            if not isinstance(found, str):
                note = f"no symmetry found within {symprec:g} Å, {smaller:g} Å is used"
                found["notes"] = (note,)
                _warn(crystal, note)
                break
    if isinstance(found, str):
        raise SymmetryError(
            f"{crystal.name or crystal.formula}: no symmetry found within {symprec} Å{reason};"
            " do atoms overlap, or is the tolerance larger than the distances between them?"
        )
    symmetry = Symmetry(sites=sites, site_kinds=np.asarray(kinds), contents=contents, **found)
    crystal.__dict__["_symmetry"] = (asked, symmetry)
    return symmetry


def _ask_spglib(lattice, sites, kinds, symprec) -> dict[str, Any] | str:
    """The answer as fields of :class:`Symmetry`, or what was wrong."""
    get_dataset, options, failure = _spglib()
    try:
        dataset = get_dataset((lattice, sites, kinds), symprec, ANGLE_TOLERANCE, **options)
    except failure as error:
        return str(error)
    if dataset is None:
        return ""
    return {
        "number": int(dataset.number),
        "lattice": np.asarray(dataset.std_lattice, dtype=float),
        "coords": dataset.std_positions,
        "kinds": dataset.std_types,
        "parents": dataset.std_mapping_to_primitive,
        "site_parents": dataset.mapping_to_primitive,
        "orbits": dataset.crystallographic_orbits,
        "change": np.asarray(dataset.transformation_matrix, dtype=float),
        "shift": dataset.origin_shift,
        "rotations": dataset.rotations,
        "translations": dataset.translations,
    }


@cache
def _spglib() -> tuple[Callable[..., Any], dict[str, Any], type[Exception]]:
    os.environ.setdefault("SPGLIB_WARNING", "OFF")  # its C code writes to standard error
    import spglib

    get_dataset = spglib.get_symmetry_dataset
    # Without it, 2.7 and later warn of deprecation at every call, and silencing that by
    # warnings.catch_warnings is neither fast nor safe in threads.
    throws = "_throw" in inspect.signature(get_dataset).parameters
    return get_dataset, {"_throw": True} if throws else {}, spglib.SpglibError


def _ask_moyo(lattice, sites, kinds, symprec) -> dict[str, Any] | str:
    answer = _moyo(lattice, sites, kinds, symprec)
    return answer if isinstance(answer, str) else _moyo_fields(answer, kinds)


def _moyo(lattice, sites, kinds, symprec) -> Any:
    """Its dataset, or what was wrong."""
    moyopy, setting = _moyopy()
    cell = moyopy.Cell(lattice.tolist(), sites.tolist(), kinds.tolist())
    try:
        # No tolerance of angles: with one, large cells have taken all memory (version 0.21).
        return moyopy.MoyoDataset(cell, symprec=symprec, setting=setting)
    except ValueError as error:
        return str(error)


def _moyo_fields(dataset: Any, kinds: np.ndarray) -> dict[str, Any]:
    cell = dataset.std_cell
    change = np.linalg.inv(dataset.std_linear)
    kinds_found = np.array(cell.numbers)
    operations = dataset.operations
    return {
        "number": int(dataset.number),
        "lattice": np.array(cell.basis),
        "coords": np.array(cell.positions),
        "kinds": kinds_found,
        # moyo does not tell which site became which; places and kinds do.
        "parents": kinds_found,
        "site_parents": np.asarray(kinds),
        "orbits": np.array(dataset.orbits),
        "change": change,
        "shift": -change @ dataset.std_origin_shift,
        "rotations": np.array(operations.rotations),
        "translations": np.array(operations.translations),
    }


@cache
def _moyopy() -> tuple[Any, Any]:
    try:
        import moyopy
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "this symmetry finder needs moyopy: pip install moyopy, or choose finder='spglib'"
        ) from error

    # It tells of supercells whose own operations are fewer; here only the group matters.
    logging.getLogger("moyo").setLevel(logging.ERROR)
    return moyopy, moyopy.Setting.spglib()


def _ask_both(lattice, sites, kinds, symprec) -> dict[str, Any] | str:
    if nearly_cubic(lattice):
        tight = _moyo(lattice, sites, kinds, CERTAIN[0] * symprec)
        if not isinstance(tight, str) and tight.number >= FIRST_CUBIC:
            loose = _moyo(lattice, sites, kinds, CERTAIN[1] * symprec)
            if (
                not isinstance(loose, str)
                and loose.number == tight.number
                and len(loose.prim_std_cell.numbers) == len(tight.prim_std_cell.numbers)
            ):
                return _moyo_fields(tight, kinds)
    return _ask_spglib(lattice, sites, kinds, symprec)


_ASK = {"spglib": _ask_spglib, "moyo": _ask_moyo, "mixed": _ask_both}


def nearly_cubic(lattice: np.ndarray) -> bool:
    """Tell whether a lattice is close to a primitive, face- or body-centered cubic one.

    Its metric has to be enough: a supercell that is no cube is not recognized.

    Examples
    --------
    >>> from crystalsym.crystals._symmetry import nearly_cubic
    >>> nearly_cubic(np.array([[0, 2, 2], [2, 0, 2], [2, 2, 0]])), nearly_cubic(np.diag([3, 3, 4]))
    (True, False)
    """
    (aa, ab, ac), (_, bb, bc), (_, _, cc) = (lattice @ lattice.T).tolist()
    largest = max(aa, bb, cc)
    if largest - min(aa, bb, cc) > 2 * NEARLY_CUBIC * largest:
        return False
    cosines = sorted((ab / math.sqrt(aa * bb), ac / math.sqrt(aa * cc), bc / math.sqrt(bb * cc)))
    # Three axes of equal length, or the primitive vectors of either centering, up to their signs.
    for kind in _CUBIC_COSINES:
        if max(abs(x - y) for x, y in zip(cosines, kind, strict=True)) < NEARLY_CUBIC:
            return True
    return False


_CUBIC_COSINES = (
    (0.0, 0.0, 0.0),
    (0.5, 0.5, 0.5),
    (-0.5, -0.5, 0.5),
    (0.0, 0.5, 0.5),
    (-0.5, 0.0, 0.5),
    (-0.5, -0.5, 0.0),
    (-1 / 3, -1 / 3, -1 / 3),
    (-1 / 3, 1 / 3, 1 / 3),
)


def _warn(crystal: Crystal, note: str) -> None:
    warn_of(crystal.name or crystal.formula, [note], stacklevel=2)


def _merged_sites(crystal: Crystal):
    """Sites with their contents as type labels, since finders know no occupancy."""
    first = _first_on_site(crystal.frac_coords)
    groups = runs(first)
    sites = first[[group[0] for group in groups]]
    contents = [
        tuple(
            sorted(
                (int(crystal.atomic_numbers[i]), round(float(crystal.occupancies[i]), 6))
                for i in group
            )
        )
        for group in groups
    ]
    kinds = {content: kind for kind, content in enumerate(sorted(set(contents)), start=1)}
    types = np.array([kinds[content] for content in contents])
    return crystal.frac_coords[sites], types, list(kinds)


def _first_on_site(coords: np.ndarray) -> np.ndarray:
    """For each entry the first one within ``SHARED_SITE`` of it along each axis."""
    from scipy.spatial import cKDTree

    wrapped = coords - np.floor(coords)
    wrapped[wrapped >= 1] = 0  # of a rounding error below zero
    pairs = cKDTree(wrapped, boxsize=1).query_pairs(SHARED_SITE, p=np.inf, output_type="ndarray")
    first = np.arange(len(coords))
    np.minimum.at(first, pairs.max(axis=1), pairs.min(axis=1))
    return first
