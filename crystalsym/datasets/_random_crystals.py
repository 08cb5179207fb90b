"""Random crystals of any space group: training data for groups that nature rarely uses."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from crystalsym import spacegroups
from crystalsym.crystals import Crystal, SymmetryError, space_group_number
from crystalsym.crystals._random_cells import random_cell
from crystalsym.crystals._standardization import conventional_setting
from crystalsym.crystals._wyckoff import (
    centering_vectors,
    lattice_rotations,
    standard_operations,
    wyckoff_positions,
)
from crystalsym.datasets._packing import Sites, larger_group, pick, place
from crystalsym.datasets._table import CrystalTable
from crystalsym.spacegroups._facts import check_number

# In how many of a thousand inorganic compounds each element occurs, from hydrogen on.
ELEMENT_WEIGHTS = (
    "70 0 122 8 40 60 76 520 74 0 85 118 51 84 108 99 43 0 55 56 18 51 59 44 78 81 64 55 66 45 34"
    " 37 27 41 21 0 31 48 33 26 37 33 5 16 17 20 27 21 29 41 39 30 20 1 28 56 38 22 20 22 4 20 17"
    " 11 15 16 15 15 12 7 11 18 23 31 10 8 14 17 17 15 20 20 33 0 0 0 0 0 2 7 2 17 3 3"
)
# Shortest distances as parts of the sum of covalent radii, Å; hydrogen counts as larger than it
# is, and large metals as smaller.
CONTACT = (0.82, 1.0)
RADII = (0.55, 1.7)
# Mean and spread of the logarithm of the volume per atom, Å³.
DENSITY = (2.7, 0.25)
# Atoms this close to where another group wants them count as being there, Å.
NEAR_SYMMETRY = 0.2
TRIALS = 16
ATTEMPTS = 400
CHUNK = 250


def random_crystals(
    groups: Sequence[int] | np.ndarray,
    random_state: int | np.random.RandomState | None = None,
    *,
    n_sites: tuple[int, int] = (2, 8),
    n_elements: tuple[int, int] = (2, 5),
    elements: Sequence[int] | None = None,
    max_atoms: int = 80,
    volume_per_atom: tuple[float, float] = (8.0, 30.0),
    check: bool = False,
    n_jobs: int | None = None,
) -> CrystalTable:
    """Random crystals, each in the standard cell of the space group asked for.

    Every crystal has a random cell, and elements on randomly chosen Wyckoff positions with random
    free coordinates, packed as closely as atoms are. Draws whose atoms obey a larger group of the
    same crystal system's lattice, or nearly so, are dropped; a cell that happens to be close to
    one of higher symmetry goes unnoticed unless ``check`` is set.

    Parameters
    ----------
    groups : sequence of int
        Space group of each crystal.
    random_state : int, RandomState instance or None, default=None
    n_sites : tuple of int, default=(2, 8)
        Fewest and most occupied Wyckoff positions. Fewer are used where no more fit, more where
        so few would always have a larger group.
    n_elements : tuple of int, default=(2, 5)
        Fewest and most elements, at most one per occupied position.
    elements : sequence of int, optional
        Atomic numbers to choose from; by default all up to plutonium, weighted by how common
        they are.
    max_atoms : int, default=80
        Most atoms in the conventional cell, where the group can do with so few.
    volume_per_atom : tuple of float, default=(8.0, 30.0)
        Bounds in Å³.
    check : bool, default=False
        Have the symmetry finder confirm every crystal at 0.01 and 0.1 Å, and draw again what
        fails.
    n_jobs : int, optional
        Parallel jobs; the crystals do not depend on it.

    Returns
    -------
    CrystalTable
        With ``space_group`` set and ``standard=True``.

    Raises
    ------
    ValueError
        If a group, an element or a range is none.

    Examples
    --------
    >>> from crystalsym.datasets import random_crystals
    >>> table = random_crystals([14, 62, 227, 196], random_state=0)
    >>> table.space_group.tolist(), table.standard
    ([14, 62, 227, 196], True)
    >>> from crystalsym.crystals import space_group_number
    >>> [space_group_number(crystal) for crystal in table]
    [14, 62, 227, 196]
    """
    from sklearn.utils import check_random_state

    numbers = np.array([check_number(group) for group in groups], dtype=np.int64)
    recipe = _Recipe(
        _range("n_sites", n_sites, 1),
        _range("n_elements", n_elements, 1),
        _weights(elements),
        int(_range("max_atoms", (1, max_atoms), 1)[1]),
        _range("volume_per_atom", volume_per_atom, 0),
        bool(check),
    )
    seed = int(check_random_state(random_state).randint(2**31 - 1))
    parts = Parallel(n_jobs=n_jobs)(
        delayed(_draw_part)(numbers[start : start + CHUNK], recipe, [seed, start])
        for start in range(0, len(numbers), CHUNK)
    )
    return table_of([crystal for part in parts for crystal in part], numbers)


def table_of(drawn: Sequence[tuple], numbers: np.ndarray) -> CrystalTable:
    """Put lattices, coordinates and atomic numbers of standard cells into a table."""
    counts = [len(atoms) for _, _, atoms in drawn]
    return CrystalTable(
        np.array([lattice for lattice, _, _ in drawn]).reshape(-1, 3, 3),
        np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]),
        np.concatenate([np.empty((0, 3)), *(coords for _, coords, _ in drawn)]).astype(np.float32),
        np.concatenate([np.empty(0), *(atoms for _, _, atoms in drawn)]).astype(np.uint8),
        space_group=numbers,
        standard=True,
    )


class _Recipe(NamedTuple):
    n_sites: tuple[int, int]
    n_elements: tuple[int, int]
    weights: np.ndarray  # by atomic number
    max_atoms: int
    volume_per_atom: tuple[float, float]
    check: bool


def _range(name: str, bounds: Any, least: float) -> tuple[Any, Any]:
    low, high = bounds
    if not least <= low <= high or high <= 0:
        raise ValueError(f"{name}: no range of numbers from {least} on: {bounds!r}")
    return low, high


def _weights(elements: Sequence[int] | None) -> np.ndarray:
    weights = np.array([0.0, *map(float, ELEMENT_WEIGHTS.split())])
    if elements is None:
        return weights
    chosen = np.asarray(elements)
    if chosen.size == 0 or chosen.min() < 1 or chosen.max() >= len(weights):
        raise ValueError(f"elements: needs atomic numbers from 1 to 94, got {elements!r}")
    allowed = np.zeros(len(weights))
    allowed[chosen] = np.maximum(weights[chosen], 1.0)
    return allowed


def _draw_part(numbers: np.ndarray, recipe: _Recipe, seed: list[int]) -> list[tuple]:
    rng = np.random.default_rng(seed)
    # Threads would take longer to start than these small products take.
    with threadpool_limits(1, user_api="blas"):
        return [_draw(int(number), recipe, rng) for number in numbers]


def _draw(number: int, recipe: _Recipe, rng: np.random.Generator) -> tuple:
    """Lattice, coordinates and atomic numbers of one crystal."""
    sites, radii = _sites(number), _radii()
    needed = _telling_multiplicity(number)
    low, high = recipe.volume_per_atom
    symmetric = 0
    for _ in range(ATTEMPTS):
        # What turns out too symmetric needs less special positions, and more of them.
        boldness, more = min(symmetric / 4, 4.0), symmetric // 8
        wanted = min(int(rng.integers(*recipe.n_sites, endpoint=True)) + more, 27)
        n_elements = int(rng.integers(*recipe.n_elements, endpoint=True))
        largest = max(recipe.max_atoms, needed + 8 * more)
        limit = max(largest * 4.0 ** -rng.random(), needed)
        uniforms = rng.random(wanted)
        picks = pick(*sites[:2], needed, wanted, limit, boldness, uniforms)
        if len(picks) < recipe.n_sites[0]:
            picks = pick(*sites[:2], needed, wanted, largest, boldness, uniforms)
        picks = picks[np.argsort(sites.dimensions[picks], kind="stable")]
        atoms = rng.permutation(_elements(recipe.weights, n_elements, len(picks), rng))
        cell = random_cell(number, rng)
        aim = min(max(rng.lognormal(*DENSITY), low), high)
        contact = rng.uniform(*CONTACT)
        uniforms = rng.random((len(picks), TRIALS, 3))
        coords, volume = place(
            picks, sites, uniforms, cell @ cell.T, contact * radii[atoms], aim, high
        )
        if volume > high:
            continue
        atoms = np.repeat(atoms, sites.multiplicities[picks])
        lattice = cell * (max(volume, low) * len(atoms)) ** (1 / 3)
        rarest = np.argsort(np.bincount(atoms)[atoms] * 100 + atoms, kind="stable")
        if larger_group(
            coords[rarest], atoms[rarest], lattice @ lattice.T, *_foreign(number), NEAR_SYMMETRY
        ):
            symmetric += 1
            continue
        lattice, coords = conventional_setting(number, lattice, coords, atoms, np.ones(len(atoms)))
        if recipe.check and not _confirmed(number, lattice, coords, atoms):
            continue
        return lattice, coords, atoms
    raise ValueError(
        f"no crystal of space group {number} in {ATTEMPTS} attempts; allow more sites, elements,"
        " atoms or volume"
    )


def _elements(
    weights: np.ndarray, n_elements: int, n_sites: int, rng: np.random.Generator
) -> np.ndarray:
    """Atomic numbers of the occupied positions."""
    kinds = min(n_elements, n_sites, int(np.count_nonzero(weights)))
    with np.errstate(divide="ignore"):
        # The smallest of exponential variates are a weighted draw without replacement.
        chosen = np.argpartition(rng.exponential(size=len(weights)) / weights, kinds - 1)[:kinds]
    return chosen[np.r_[:kinds, rng.integers(kinds, size=n_sites - kinds)]]


def _confirmed(number: int, lattice, coords, atoms) -> bool:
    crystal = Crystal(lattice, coords, atoms)
    try:
        found = (space_group_number(crystal, symprec, fallback=False) for symprec in (0.01, 0.1))
        return all(group == number for group in found)
    except SymmetryError:
        return False


@cache
def _radii() -> np.ndarray:
    import gemmi

    return np.clip([gemmi.Element(z).covalent_r for z in range(99)], *RADII)


@cache
def _sites(number: int) -> Sites:
    positions = wyckoff_positions(number)
    directions = np.zeros((len(positions), 3, 3))
    for row, position in zip(directions, positions, strict=True):
        row[: position.dimension] = position.directions
    multiplicities = np.array([p.multiplicity for p in positions])
    return Sites(
        multiplicities,
        np.array([p.dimension for p in positions]),
        np.array([p.origin for p in positions]),
        directions,
        np.concatenate([[0], np.cumsum(multiplicities)]),
        np.concatenate([p.rotations for p in positions]).astype(float),
        np.concatenate([p.translations for p in positions]),
    )


@cache
def _foreign(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Identity and one rotation of the lattice of each coset of the group's; the centering."""
    own = np.unique(standard_operations(number)[0], axis=0)
    known = {turn.tobytes() for turn in own}
    chosen = [np.eye(3)]
    for turn in lattice_rotations(spacegroups.crystal_system(number)):
        if turn.tobytes() not in known:
            chosen.append(turn)
            known.update(np.ascontiguousarray(g @ turn).tobytes() for g in own)
    return np.array(chosen), centering_vectors(number)


@cache
def _telling_multiplicity(number: int) -> int:
    """The multiplicity that one position at least must have for the group to show.

    All positions of smaller multiplicity together, with atoms of different kinds, have a larger
    group.
    """
    rng = np.random.default_rng(number)
    cell = random_cell(number, rng)
    positions = wyckoff_positions(number)
    coords: list[np.ndarray] = []
    kinds: list[np.ndarray] = []
    for position in positions:
        for _ in range(2 if position.dimension else 1):
            coords.append(position.orbit(rng.random(position.dimension)))
            kinds.append(np.full(position.multiplicity, len(kinds)))
    for multiplicity in sorted({p.multiplicity for p in positions}):
        used = [n for n, orbit in enumerate(coords) if len(orbit) <= multiplicity]
        args = np.concatenate([coords[n] for n in used]), np.concatenate([kinds[n] for n in used])
        if not larger_group(*args, cell @ cell.T, *_foreign(number), 1e-4):
            return multiplicity
    raise ArithmeticError(f"no positions show space group {number}")  # pragma: no cover
