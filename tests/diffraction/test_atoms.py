"""Engine "atoms": against sums written out, the engine "lattice" and real Condor."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.crystals import NACL, turned
from support.random_crystals import random_crystal
from support.reference import condor_cases, condor_simulator, fixture, shared_arrays

from crystalsym import Crystal, DiffractionSimulator
from crystalsym.crystals import Cluster
from crystalsym.diffraction import Detector
from crystalsym.diffraction._atom_sum import BLOCK, atoms_pattern
from crystalsym.scattering import scattering_factors

ELECTRON_RADIUS = 2.8179403205e-5  # Å
TOLERANCE, ZINC_TOLERANCE = 1e-5, 5e-4  # as for the engine "lattice"
SMALL = {"image_size": 32, "standardize": False, "normalize": False, "dtype": "float64"}


def random_cluster(n_atoms: int, seed: int = 0) -> Cluster:
    rng = np.random.default_rng(seed)
    return Cluster(
        rng.uniform(-20, 20, (n_atoms, 3)),
        rng.choice([1, 8, 29, 92], n_atoms),
        rng.choice([1.0, 0.5], n_atoms),
        lattice=np.eye(3) * 4,
    )


def written_out(cluster, rotation, detector, ewald, radiation):
    """Σ w f exp(-2πi q·r) in double precision, without blocks or polynomials."""
    q = detector.scattering_vectors(ewald).reshape(-1, 3)
    factors = scattering_factors(cluster.atomic_numbers, np.linalg.norm(q, axis=1), radiation)
    phases = np.exp(-2j * np.pi * (cluster.positions @ rotation.T) @ q.T)
    amplitude = (cluster.occupancies[:, None] * factors * phases).sum(axis=0)
    return np.abs(amplitude.reshape(detector.size, detector.size)) ** 2


@pytest.mark.parametrize("ewald", ["flat", "sphere"])
@pytest.mark.parametrize("radiation", ["xray", "electron"])
@pytest.mark.parametrize("n_atoms", [1, 63, 64, 65, 500])
def test_sum_over_the_atoms(ewald, radiation, n_atoms):
    cluster = random_cluster(n_atoms)
    rotation = turned(np.random.default_rng(1))
    detector = Detector.for_q_max(33, 1.5, 100.0, 0.05, center=(14.0, 18.5))
    pattern = atoms_pattern(cluster, rotation, detector, ewald, radiation)
    expected = written_out(cluster, rotation, detector, ewald, radiation)
    assert np.abs(pattern - expected).max() < 3e-6 * expected.max()


def test_many_blocks_of_one_element():
    cells = (9, 8, 8)
    crystal = NACL.replace(atomic_numbers=[14] * 8)
    assert np.prod(cells) * 8 > 4 * BLOCK
    simulator = DiffractionSimulator(views=[[2, 1, 0]], cells=cells, **SMALL)
    exact = simulator.set_params(engine="lattice").transform([crystal])
    summed = simulator.set_params(engine="atoms").transform([crystal])
    assert np.abs(summed - exact).max() < 1e-6 * exact.max()


def test_two_atoms_interfere_as_they_must():
    """I = r_e² Ω (f₁² + f₂² + 2 f₁ f₂ cos 2πq·d)."""
    distance = np.array([0.7, -0.3, 1.1])
    cluster = Cluster(np.array([3.0, 1.0, 2.0]) + np.array([np.zeros(3), distance]), [6, 8])
    simulator = DiffractionSimulator("cartesian", engine="atoms", ewald="sphere", **SMALL)
    detector = simulator.detector()
    rotation = np.roll(np.eye(3), -1, axis=0)  # the beam along x
    q = detector.scattering_vectors("sphere") @ rotation
    carbon, oxygen = scattering_factors([6, 8], np.linalg.norm(q, axis=-1).ravel()).reshape(
        2, 32, 32
    )
    expected = carbon**2 + oxygen**2 + 2 * carbon * oxygen * np.cos(2 * np.pi * q @ distance)
    expected *= ELECTRON_RADIUS**2 * detector.solid_angle("sphere")
    pattern = simulator.transform([cluster])[0, 0]
    assert np.allclose(pattern, expected, rtol=1e-5, atol=1e-6 * expected.max())


@settings(max_examples=10)
@given(
    st.integers(0, 1000),
    st.tuples(*[st.integers(1, 4)] * 3),
    st.sampled_from(["zone-axes", "cartesian", "rotations"]),
    st.sampled_from(["flat", "sphere"]),
    st.sampled_from(["xray", "electron"]),
    st.booleans(),
)
def test_block_of_cells_equals_engine_lattice(seed, cells, views, ewald, radiation, standardize):
    rng = np.random.default_rng(seed)
    crystal = random_crystal(int(rng.choice([1, 14, 62, 148, 194])), rng)
    common = {**SMALL, "standardize": standardize, "symprec": 0.01, "cells": cells}
    simulator = DiffractionSimulator(views, ewald=ewald, radiation=radiation, **common)
    exact = simulator.set_params(engine="lattice").transform([crystal])
    summed = simulator.set_params(engine="atoms").transform([crystal])
    assert np.abs(summed - exact).max() < 2e-6 * exact.max()
    # The same block brought as a cluster; it is never standardized.
    if not standardize:
        brought = simulator.transform([Cluster.from_crystal(crystal, cells)])
        assert np.array_equal(brought, summed)


def test_origin_and_order_do_not_matter():
    cluster = random_cluster(100)
    order = np.random.default_rng(2).permutation(100)
    moved = cluster[order].replace(positions=cluster.positions[order] + [1e4, -3e3, 2e3])
    simulator = DiffractionSimulator(engine="atoms", **SMALL)
    first, second = simulator.transform([cluster, moved])
    assert np.abs(first - second).max() < 1e-5 * first.max()


def test_occupancy_weights_the_factor():
    whole = Cluster([[0, 0, 0], [1, 2, 3]], [29, 79], lattice=np.eye(3))
    halves = Cluster([[0, 0, 0], [1, 2, 3], [1, 2, 3]], [29, 79, 79], [1, 0.5, 0.5], np.eye(3))
    half = whole.replace(occupancies=[1, 0.5])
    simulator = DiffractionSimulator(engine="atoms", **SMALL)
    one, two, weak = simulator.transform([whole, halves, half])
    assert np.allclose(one, two, rtol=1e-5)
    assert np.abs(one - weak).max() > 0.1 * one.max()


@pytest.mark.parametrize("engine", ["bragg", "lattice", "atoms"])
@pytest.mark.parametrize("radiation", ["xray", "electron"])
def test_partial_occupancy_in_every_engine(engine, radiation):
    """(Cu¼Au¾) on one site scatters like f = f_Cu/4 + 3 f_Au/4."""
    common = {**SMALL, "cells": 3, "views": [[0, 0, 1]], "radiation": radiation}
    simulator = DiffractionSimulator(engine=engine, **common)

    def amplitude(numbers, occupancies=None):
        sites = np.zeros((len(numbers), 3))
        crystal = Crystal(np.eye(3) * 4, sites, numbers, occupancies)
        return np.sqrt(simulator.transform([crystal]))

    mixed = amplitude([29, 79], [0.25, 0.75])
    parts = 0.25 * amplitude([29]) + 0.75 * amplitude([79])
    # Weak spots end a little earlier than strong ones.
    assert np.abs(mixed - parts).max() < 1e-3 * parts.max()


@pytest.mark.parametrize("engine", ["bragg", "lattice", "atoms"])
def test_ions_and_deuterium_are_elements(engine):
    from pymatgen.core import Lattice, Structure

    sites = [[0, 0, 0], [0.5, 0.5, 0.5], [0.3, 0.2, 0.1]]
    simulator = DiffractionSimulator(engine=engine, image_size=32, cells=2)
    ions, plain = (
        Structure(Lattice.orthorhombic(3, 4, 5), species, sites)
        for species in (["Na+", "Cl-", "D"], ["Na", "Cl", "H"])
    )
    first, second = simulator.transform([ions, plain])
    assert np.array_equal(first, second)


def test_vacancies_leave_bragg_peaks_and_add_diffuse_scattering():
    block = Cluster.from_crystal(NACL, 6)
    rng = np.random.default_rng(3)
    defective = block[np.sort(rng.permutation(len(block))[: len(block) * 9 // 10])]
    simulator = DiffractionSimulator([[0, 0, 1]], engine="atoms", **{**SMALL, "image_size": 128})
    perfect, holey = simulator.transform([block, defective])[:, 0]
    # The direct beam holds the square of the atoms that are left; between spots it gets brighter.
    beam = np.unravel_index(perfect.argmax(), perfect.shape)
    assert holey[beam] / perfect[beam] == pytest.approx(0.9**2, abs=0.02)
    dark = perfect < 1e-5 * perfect.max()
    assert dark.sum() > 1000
    assert holey[dark].mean() > 5 * perfect[dark].mean()


def check_case(arrays, case, structure):
    simulator = condor_simulator(arrays, case, "atoms")
    pattern = simulator.transform([structure])[0, 0]
    expected = arrays[f"{case['key']}/I"]
    allowed = ZINC_TOLERANCE if 30 in structure.atomic_numbers else TOLERANCE
    assert np.abs(pattern - expected).max() < allowed * expected.max()


@pytest.mark.parametrize("case", condor_cases(fixture("condor.npz")), ids=lambda case: case["key"])
def test_condor_fixture(case):
    arrays = fixture("condor.npz")
    parts = (arrays[f"{case['crystal']}/{key}"] for key in ("lattice_A", "frac", "Zcell"))
    check_case(arrays, case, Crystal(*parts))


def test_all_condor_cases_of_the_full_reference():
    """The clusters are those Condor was given."""
    arrays = shared_arrays("reference/condor.npz")
    cases = condor_cases(arrays)
    assert len(cases) == 98
    for case in cases:
        name = case["crystal"]
        check_case(arrays, case, Cluster(arrays[f"{name}/pos_A"], arrays[f"{name}/Z"]))


def test_views_of_a_cluster():
    loose = random_cluster(20).replace(lattice=None)
    simulator = DiffractionSimulator(engine="atoms", **SMALL)
    for views in ("zone-axes", [[0, 0, 1]]):
        with pytest.raises(ValueError, match=r"structure 0: a cluster without a lattice has no"):
            simulator.set_params(views=views).transform([loose])
    lattice = np.diag([4.0, 5, 6]) @ turned(np.random.default_rng(4))
    held = loose.replace(lattice=lattice)
    by_zone = simulator.set_params(views="zone-axes").transform([held])
    for axis, pattern in enumerate(by_zone[0]):
        along = lattice / np.linalg.norm(lattice, axis=1, keepdims=True)
        rows = along[[(axis + 1) % 3, (axis + 2) % 3, axis]]
        matrix = simulator.set_params(views=[rows]).transform([loose])[0, 0]
        assert np.allclose(pattern, matrix, rtol=1e-6, atol=1e-6 * pattern.max())


@pytest.mark.parametrize("engine", ["bragg", "lattice"])
def test_periodic_engines_refuse_clusters(engine):
    with pytest.raises(TypeError, match=r"structure 1: a Cluster is finite.*engine=\"atoms\""):
        DiffractionSimulator(engine=engine, image_size=32).transform([NACL, random_cluster(3)])


def test_a_single_cluster_is_refused_with_advice():
    from pymatgen.core import Molecule

    simulator = DiffractionSimulator("cartesian", engine="atoms", image_size=32)
    for lone in (random_cluster(3), Molecule(["C"], [[0, 0, 0]])):
        with pytest.raises(TypeError, match="put it in a list"):
            simulator.transform(lone)


def test_crystals_and_clusters_mix_and_are_cached(tmp_path):
    simulator = DiffractionSimulator(engine="atoms", image_size=32, cells=2)
    mixed = [NACL, random_cluster(30), random_cluster(31)]
    plain = simulator.transform(mixed)
    cached = simulator.set_params(memory=str(tmp_path))
    assert np.array_equal(cached.transform(mixed), plain)
    assert np.array_equal(cached.transform(mixed), plain)
    assert np.array_equal(simulator.set_params(memory=None, n_jobs=2).transform(mixed), plain)


def test_broken_row_becomes_nan():
    simulator = DiffractionSimulator(engine="atoms", image_size=32, on_error="nan")
    with pytest.warns(UserWarning, match="structure 0: a cluster without a lattice"):
        patterns = simulator.transform([random_cluster(3).replace(lattice=None), random_cluster(3)])
    assert np.isnan(patterns[0]).all()
    assert np.isfinite(patterns[1]).all()
