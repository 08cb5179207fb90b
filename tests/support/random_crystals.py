"""Random crystals of any space group, atoms on general positions, in gemmi's reference setting."""

from __future__ import annotations

import warnings

import gemmi
import numpy as np

from crystalsym.crystals import Crystal

ELEMENTS = (8, 14, 26, 38)


def random_lattice(number: int, volume: float, rng: np.random.Generator) -> np.ndarray:
    """A lattice of the group's system with no accidental symmetry, rows in Å."""
    system = gemmi.find_spacegroup_by_number(number).crystal_system_str()
    a, b, c = 1.0, *(1 + rng.uniform(0.1, 0.35, 2) * [1, 1.7])
    alpha = beta = gamma = 90.0
    if system == "triclinic":
        alpha, beta, gamma = rng.uniform(75, 88, 3)
    elif system == "monoclinic":
        beta = rng.uniform(93, 105)
    elif system in ("tetragonal", "trigonal", "hexagonal"):
        b = a
        if system != "tetragonal":
            gamma = 120.0
    elif system == "cubic":
        b = c = a
    cell = gemmi.UnitCell(a, b, c, alpha, beta, gamma)
    scale = (volume / cell.volume) ** (1 / 3)
    return np.array(cell.orth.mat.tolist()).T * scale


def random_crystal(
    number: int, rng: np.random.Generator, n_orbits: int = 2, shortest: float = 0.7
) -> Crystal:
    """Orbits of general positions with no two atoms closer than ``shortest`` Å."""
    operations = gemmi.find_spacegroup_by_number(number).operations()
    n_atoms = n_orbits * len(operations)
    for volume_per_atom in np.linspace(12, 60, 400):
        lattice = random_lattice(number, volume_per_atom * n_atoms, rng)
        coords = np.concatenate(
            [_orbit(operations, rng.uniform(0.02, 0.98, 3)) for _ in range(n_orbits)]
        )
        if shortest_distance(lattice, coords) > shortest:
            break
    else:
        raise RuntimeError(f"no roomy crystal of group {number} found")
    numbers = np.repeat(ELEMENTS[:n_orbits], len(operations))
    return Crystal(lattice, coords, numbers, name=f"random {number}")


def _orbit(operations: gemmi.GroupOps, point: np.ndarray) -> np.ndarray:
    images = np.array([op.apply_to_xyz(point.tolist()) for op in operations])
    return images - np.floor(images)


def shortest_distance(lattice: np.ndarray, coords: np.ndarray) -> float:
    """Shortest distance between two atoms, images in the neighboring cells included."""
    delta = coords[:, None] - coords[None]
    delta -= np.round(delta)
    distances = np.linalg.norm(delta @ lattice, axis=-1)
    np.fill_diagonal(distances, np.linalg.norm(lattice, axis=1).min())
    return float(distances.min())


def disguised(crystal: Crystal, rng: np.random.Generator, index: int = 1) -> Crystal:
    """The same crystal in another cell, order, origin and orientation.

    ``index`` is the number of primitive cells the new cell holds for each old cell.
    """
    transform = np.eye(3, dtype=int)
    for _ in range(4):
        i, j = rng.permutation(3)[:2]
        transform[i] += int(rng.integers(-1, 2)) * transform[j]
    if index > 1:
        transform[int(rng.integers(3))] *= index
    lattice = transform @ crystal.lattice
    # Every atom's images that fall into the new cell.
    reach = int(np.abs(transform).sum(axis=0).max())
    span = np.arange(-reach, reach + 1)
    shifts = np.stack(np.meshgrid(span, span, span, indexing="ij"), -1).reshape(-1, 3)
    inverse = np.linalg.inv(transform)
    corners = shifts @ inverse
    inside = np.all((corners > -1e-9) & (corners < 1 - 1e-9), axis=1)
    cells = shifts[inside]
    assert len(cells) == index
    coords = (crystal.frac_coords[:, None] + cells[None]).reshape(-1, 3) @ inverse
    numbers = np.repeat(crystal.atomic_numbers, index)
    coords = coords + rng.uniform(0, 1, 3)
    coords -= np.floor(coords)
    order = rng.permutation(len(coords))
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    if np.linalg.det(q) < 0:
        q[0] *= -1
    return Crystal(lattice @ q.T, coords[order], numbers[order], name=crystal.name)


def primitive(crystal: Crystal) -> Crystal:
    """A primitive cell, by spglib."""
    import spglib

    cell = (crystal.lattice, crystal.frac_coords, crystal.atomic_numbers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on spglib's own future
        lattice, coords, numbers = spglib.find_primitive(cell, symprec=1e-3)
    return Crystal(lattice, coords, numbers, name=crystal.name)
