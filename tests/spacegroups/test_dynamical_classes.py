"""Which groups dynamical zero layers tell apart: counts, pairs known by hand, and real patterns."""

from __future__ import annotations

import numpy as np
import pytest

from crystalsym import spacegroups
from crystalsym.spacegroups import dynamical_class, dynamical_classes


def test_counts():
    assert len(dynamical_classes("zone-axes")) == 136
    assert len(dynamical_classes()) == 183
    assert len(dynamical_classes(further=[(1, 2, 3)])) == 198


@pytest.mark.parametrize("views", ["zone-axes", "symmetry-directions"])
def test_classes_part_the_groups(views):
    classes = dynamical_classes(views)
    assert sorted(n for members in classes for n in members) == list(range(1, 231))
    for members in classes:
        assert all(dynamical_class(n, views) == members for n in members)


def test_a_further_zone_only_splits():
    finer = dynamical_classes(further=[(1, 2, 3)])
    for members in finer:
        assert set(members) <= set(dynamical_class(members[0]))


@pytest.mark.parametrize("number", range(1, 231))
def test_enantiomorphs_stay_tied(number):
    partner = spacegroups.enantiomorph(number)
    if partner is not None:
        for views in ("zone-axes", "symmetry-directions"):
            assert partner in dynamical_class(number, views, further=[(1, 2, 3), (2, 1, 5)])


@pytest.mark.parametrize("pair", [(16, 47), (97, 139), (177, 191)])
def test_222_422_and_622_project_to_their_centrosymmetric_parents(pair):
    one, parent = pair
    assert parent in dynamical_class(one)
    assert parent not in dynamical_class(one, further=[(1, 2, 3)])


@pytest.mark.parametrize("pair", [(216, 225), (215, 221), (217, 229), (227, 228)])
def test_cubic_pairs_part_along_the_diagonals(pair):
    one, other = pair
    assert other in dynamical_class(one, "zone-axes")
    assert other not in dynamical_class(one)


@pytest.mark.parametrize(
    "pair", [(1, 2), (5, 12), (9, 15), (33, 62), (156, 164), (160, 166), (107, 139), (186, 194)]
)
def test_pairs_that_friedels_law_ties_part(pair):
    one, other = pair
    assert spacegroups.diffraction_class(one) == spacegroups.diffraction_class(other)
    assert other not in dynamical_class(one)


def test_a_general_zone_tells_every_center_of_inversion():
    """In projection an inversion is a twofold axis, whatever the direction."""
    for members in dynamical_classes(further=[(1, 2, 3)]):
        assert len({spacegroups.is_centrosymmetric(n) for n in members}) == 1
    mixed = [
        members
        for members in dynamical_classes()
        if len({spacegroups.is_centrosymmetric(n) for n in members}) == 2
    ]
    assert (16, 47) in mixed
    assert len(mixed) == 7


def test_the_72_part_along_the_symmetry_directions():
    trained = set(spacegroups.label_set("72"))
    for number in trained:
        assert set(dynamical_class(number)) & trained == {number}


def test_screws_other_than_twofold_do_not_show():
    """3_1 along c: 001 and 002 are reached by way of other beams, seen across the axis."""
    assert dynamical_class(143) == (143, 144, 145)
    # The twofold part of 4_1 and 6_3 does.
    assert dynamical_class(75) != dynamical_class(76) == (76, 78)
    assert 173 not in dynamical_class(168)


def test_orthorhombic_axes_may_have_any_names():
    from crystalsym.spacegroups import _dynamical_classes as module

    operations = module._operations(62)
    zones = module._PRINCIPAL
    named = b"".join(module._of_layer(module._renamed(operations, (1, 2, 0)), z) for z in zones)
    plain = b"".join(module._of_layer(operations, z) for z in zones)
    assert named != plain  # Pnma is not Pbnm
    assert module._signature(62, "zone-axes", ())[1] <= min(named, plain)


@pytest.mark.parametrize("number", [16, 33, 76, 150, 160, 186, 198, 216])
def test_signatures_are_those_of_computed_patterns(number):
    """Spots that are said to be dark or equal are, and no others, in a crystal of the group."""
    from support.random_crystals import random_crystal

    from crystalsym.diffraction import ProjectedPotential
    from crystalsym.spacegroups import _dynamical_classes as module

    # One orbit alone of a polar group has a mirror plane or a center.
    crystal = random_crystal(number, np.random.default_rng(number), n_orbits=2)
    system = spacegroups.crystal_system(number)
    for zone in (*module._OF_SYSTEMS.get(system, module._PRINCIPAL), (1, 2, 3)):
        potential = ProjectedPotential(crystal, zone, 0.0251, q_max=0.8, bandwidth=1.0)
        intensity = potential.of_layer(potential.intensities(200.0))
        _, lookup = module._layer(zone)
        of_layer = potential.layer_indices @ potential.basis_hkl
        first = np.frombuffer(module._of_layer(module._operations(number), zone), np.int32)
        inside = (np.abs(of_layer) <= 6).all(axis=1) & of_layer.any(axis=1)
        which = first[lookup[tuple((of_layer[inside] + 6).T)]]
        found = intensity[inside]
        assert (found[which < 0] < 1e-8).all()
        bright = which >= 0
        assert (found[bright] > 1e-9).mean() > 0.95
        for orbit in np.unique(which[bright]):
            equal = found[which == orbit]
            assert np.allclose(equal, equal[0], rtol=1e-2, atol=1e-6)
        # Spots that the symmetry does not make equal are not, Friedel mates among them.
        means = np.array([found[which == orbit].mean() for orbit in np.unique(which[bright])])
        strong = np.sort(means[means > 1e-4])
        assert (np.diff(strong) > 1e-7).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0,), "space-group numbers run from 1 to 230"),
        ((1, "powder"), "views are 'symmetry-directions' or 'zone-axes'"),
        ((1, "zone-axes", [(0, 0, 0)]), r"cannot be \[0, 0, 0\]"),
        ((1, "zone-axes", [(0.5, 0, 1)]), "further zone axes are integers"),
        ((1, "zone-axes", [1, 2]), "further zone axes are integers"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        dynamical_class(*arguments)
