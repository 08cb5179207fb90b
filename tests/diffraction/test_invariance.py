"""Equivalent descriptions of a crystal give the same patterns, in all 230 groups."""

from __future__ import annotations

import numpy as np
import pytest
from support.crystals import cell_of, lattice_of
from support.random_crystals import disguised, primitive, random_crystal

from crystalsym import Crystal, DiffractionSimulator
from crystalsym.crystals import standardize

# Random atoms lie close together, so the symmetry finder gets a tight tolerance.
SIMULATOR = DiffractionSimulator("zone-axes", image_size=64, symprec=0.005)
TOLERANCE = 1e-3


def descriptions(crystal: Crystal, rng: np.random.Generator) -> list[Crystal]:
    """The crystal in other cells, origins, orders and orientations."""
    return [
        crystal,
        disguised(crystal, rng),
        disguised(crystal, rng, index=2),
        disguised(primitive(crystal), rng),
        # Its Friedel image diffracts the same.
        crystal.replace(frac_coords=-crystal.frac_coords),
    ]


def assert_same_patterns(crystals: list[Crystal]) -> None:
    patterns = SIMULATOR.transform(crystals)
    difference = np.abs(patterns[1:] - patterns[0]).max(axis=(1, 2, 3))
    assert difference.max() < TOLERANCE, difference


def crystal_of_group(number: int, rng: np.random.Generator) -> Crystal:
    # One orbit is enough in big cells, but for Fm-3c, where a single one has translations more.
    return random_crystal(number, rng, n_orbits=1 if number > 194 and number != 226 else 2)


@pytest.mark.parametrize("number", range(1, 231))
def test_every_group(number):
    rng = np.random.default_rng([7, number])
    crystal = crystal_of_group(number, rng)
    again = standardize(crystal, SIMULATOR.symprec).replace(standard=False)
    assert_same_patterns([*descriptions(crystal, rng), again])


@pytest.mark.parametrize("number", [1, 2, 5, 9, 14, 43, 61, 88, 122, 146, 167, 199, 205, 230])
def test_standardizing_again_keeps_the_cell(number):
    crystal = random_crystal(number, np.random.default_rng(number))
    once = standardize(crystal, SIMULATOR.symprec)
    twice = standardize(once.replace(standard=False), SIMULATOR.symprec)
    assert cell_of(twice.lattice) == pytest.approx(cell_of(once.lattice), abs=1e-6)
    assert len(twice) == len(once)


# Metrics that are more symmetric than the crystal, from its own a, b, c, α, β, γ.
ACCIDENTS = {
    "triclinic": {
        "equal edges": lambda a, b, c, al, be, ga: (a, a, a, al, be, ga),
        "rhombohedron": lambda a, b, c, al, be, ga: (a, a, a, al, al, al),
        "upright": lambda a, b, c, al, be, ga: (a, b, c, 90, 90, 90),
        "one oblique angle": lambda a, b, c, al, be, ga: (a, b, c, 90, be, 90),
        "cube": lambda a, b, c, al, be, ga: (a, a, a, 90, 90, 90),
        "hexagonal": lambda a, b, c, al, be, ga: (a, a, c, 90, 90, 120),
    },
    "monoclinic": {
        "a = c": lambda a, b, c, al, be, ga: (a, b, a, 90, be, 90),
        "a = b": lambda a, b, c, al, be, ga: (a, a, c, 90, be, 90),
        "upright": lambda a, b, c, al, be, ga: (a, b, c, 90, 90, 90),
        "upright, a = c": lambda a, b, c, al, be, ga: (a, b, a, 90, 90, 90),
        "cube": lambda a, b, c, al, be, ga: (a, a, a, 90, 90, 90),
        "hexagonal": lambda a, b, c, al, be, ga: (a, b, a, 90, 120, 90),
    },
    "orthorhombic": {
        "a = b": lambda a, b, c, al, be, ga: (a, a, c, 90, 90, 90),
        "b = c": lambda a, b, c, al, be, ga: (a, b, b, 90, 90, 90),
        "cube": lambda a, b, c, al, be, ga: (a, a, a, 90, 90, 90),
        "hexagonal": lambda a, b, c, al, be, ga: (a, a * 3**0.5, c, 90, 90, 90),
    },
    "rhombohedral": {
        "cube": lambda a, b, c, al, be, ga: (a, a, a * 6**0.5, 90, 90, 120),
        "face-centered cube": lambda a, b, c, al, be, ga: (a, a, a * 24**0.5, 90, 90, 120),
    },
}
GROUPS = {
    "triclinic": range(1, 3),
    "monoclinic": range(3, 16),
    "orthorhombic": range(16, 75),
    "rhombohedral": (146, 148, 155, 160, 161, 166, 167),
}


@pytest.mark.parametrize(
    ("number", "accident"),
    [
        pytest.param(number, accident, id=f"{number}-{name}")
        for system, numbers in GROUPS.items()
        for number in numbers
        for name, accident in ACCIDENTS[system].items()
    ],
)
def test_accidental_metrics(number, accident):
    rng = np.random.default_rng([8, number])
    crystal = random_crystal(number, rng)
    crystal = crystal.replace(lattice=lattice_of(*accident(*cell_of(crystal.lattice))))
    assert_same_patterns(descriptions(crystal, rng)[:4])


def test_mixed_occupancy():
    rng = np.random.default_rng(1)
    for number in (14, 62, 88, 167, 205):
        plain = random_crystal(number, rng, n_orbits=1)
        n = len(plain)
        crystal = Crystal(
            plain.lattice,
            np.concatenate([plain.frac_coords] * 2),
            [26] * n + [28] * n,
            [0.25] * n + [0.75] * n,
        )
        shift, order = rng.uniform(size=3), rng.permutation(2 * n)
        moved = Crystal(
            crystal.lattice,
            (crystal.frac_coords + shift)[order],
            crystal.atomic_numbers[order],
            crystal.occupancies[order],
        )
        assert_same_patterns([crystal, moved])


def test_the_comparison_would_notice():
    """Two settings of one crystal that the convention has to choose between do differ."""
    crystal = random_crystal(87, np.random.default_rng(0))
    swapped = Crystal(
        crystal.lattice, crystal.frac_coords[:, [1, 0, 2]] * [1, 1, -1], crystal.atomic_numbers
    )
    as_they_are = DiffractionSimulator(image_size=64, standardize=False)
    assert np.abs(np.subtract(*as_they_are.transform([crystal, swapped]))).max() > 0.05
    assert_same_patterns([crystal, swapped])
