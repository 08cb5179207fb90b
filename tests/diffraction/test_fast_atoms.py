"""Engine "atoms" by non-uniform Fourier transforms: against the direct sum."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from support.crystals import NACL, turned

from crystalsym import DiffractionSimulator
from crystalsym.crystals import Cluster
from crystalsym.crystals.defects import CrystalBlock, ThermalDisplacements, Vacancies
from crystalsym.diffraction import Detector
from crystalsym.diffraction._atom_sum import atoms_pattern
from crystalsym.diffraction._fast_atom_sum import fast_atoms_pattern

SMALL = {"image_size": 32, "standardize": False, "normalize": False, "dtype": "float64"}


@pytest.fixture
def _finufft():
    pytest.importorskip("finufft", reason="finufft is not installed (pip install '.[nufft]')")


def cluster_of(n_atoms: int, extent: float = 30.0) -> Cluster:
    rng = np.random.default_rng(3)
    return Cluster(
        rng.uniform(-extent, extent, (n_atoms, 3)) * [1, 0.5, 1.5],
        rng.choice([1, 8, 29, 92], n_atoms),
        rng.choice([1.0, 0.5], n_atoms),
    )


@pytest.mark.usefixtures("_finufft")
@pytest.mark.parametrize("ewald", ["flat", "sphere"])
@pytest.mark.parametrize("radiation", ["xray", "electron"])
@pytest.mark.parametrize("detector", [
    Detector.for_q_max(32, 1.457, 1000.0, 0.035),
    Detector.for_q_max(33, 1.2, 50.0, 0.05),
    Detector.for_q_max(32, 1.0, 100.0, 0.3, center=(4.3, 20.9)),
])  # fmt: skip
def test_equals_the_direct_sum(ewald, radiation, detector):
    cluster, rotation = cluster_of(800), turned(np.random.default_rng(1))
    fast = fast_atoms_pattern(cluster, rotation, detector, ewald, radiation)
    direct = atoms_pattern(cluster, rotation, detector, ewald, radiation)
    assert np.abs(fast - direct).max() < 1e-5 * direct.max()


@pytest.mark.usefixtures("_finufft")
@pytest.mark.parametrize("ewald", ["flat", "sphere"])
def test_blocks_with_sharp_reflections(ewald):
    """Atoms on lattice points, where errors of all atoms might add up."""
    whole = CrystalBlock(9, standardize=False).transform([NACL])
    blocks = [*whole, *Vacancies(0.1, random_state=0).transform(whole)]
    blocks += ThermalDisplacements(0.1, random_state=0).transform(blocks)
    simulator = DiffractionSimulator(engine="atoms", ewald=ewald, **SMALL)
    direct = simulator.transform(blocks)
    fast = simulator.set_params(summation="nufft").transform(blocks)
    strongest = direct.max(axis=(2, 3), keepdims=True)
    assert (np.abs(fast - direct) / strongest).max() < 1e-5


@pytest.mark.usefixtures("_finufft")
def test_blocks_wider_than_the_period_of_the_pixels():
    """Pixels 1/25 apart repeat after 25 Å; the cluster is 90 Å wide."""
    cluster, detector = cluster_of(500, 45.0), Detector.for_q_max(33, 0.64, 1000.0, 0.035)
    fast = fast_atoms_pattern(cluster, np.eye(3), detector, "sphere")
    direct = atoms_pattern(cluster, np.eye(3), detector, "sphere")
    assert np.abs(fast - direct).max() < 1e-5 * direct.max()


@pytest.mark.usefixtures("_finufft")
def test_origin_does_not_matter():
    cluster = cluster_of(200)
    moved = cluster.replace(positions=cluster.positions + np.array([1e4, -3e3, 2e3]))
    simulator = DiffractionSimulator("cartesian", engine="atoms", summation="nufft", **SMALL)
    first, second = simulator.transform([cluster, moved])
    assert np.abs(first - second).max() < 1e-6 * first.max()
    assert np.array_equal(first, simulator.transform([cluster])[0])


def test_one_atom_shows_its_factor():
    pytest.importorskip("finufft", reason="finufft is not installed (pip install '.[nufft]')")
    from crystalsym.scattering import scattering_factors

    detector = Detector.for_q_max(16, 1.0, 100.0, 0.05)
    pattern = fast_atoms_pattern(Cluster([[5.0, 6, 7]], [29]), np.eye(3), detector, "sphere")
    q = np.linalg.norm(detector.scattering_vectors("sphere"), axis=-1)
    expected = scattering_factors([29], q.ravel()).reshape(16, 16) ** 2
    assert np.abs(pattern - expected).max() < 1e-5 * expected.max()


@pytest.mark.usefixtures("_finufft")
@pytest.mark.parametrize("radiation", ["xray", "electron"])
@pytest.mark.parametrize("wavelength", [0.035, 0.3])
def test_a_few_atoms_with_wide_and_narrow_electron_clouds(radiation, wavelength):
    rng = np.random.default_rng(0)
    detector = Detector.for_q_max(24, 1.0, 100.0, wavelength)
    cluster = Cluster(rng.uniform(-10, 10, (6, 3)), [55, 1, 3, 37, 92, 8])
    fast = fast_atoms_pattern(cluster, np.eye(3), detector, "sphere", radiation)
    direct = atoms_pattern(cluster, np.eye(3), detector, "sphere", radiation)
    assert np.abs(fast - direct).max() < 1e-5 * direct.max()


@pytest.mark.usefixtures("_finufft")
@pytest.mark.parametrize("constant", ["LARGEST", "GRID_BYTES", "ATOMS"])
def test_grids_too_large_and_atoms_in_parts_give_the_same(constant, monkeypatch):
    cluster, detector = cluster_of(300), Detector.for_q_max(32, 1.2, 100.0, 0.035)
    whole = fast_atoms_pattern(cluster, np.eye(3), detector, "sphere")
    monkeypatch.setattr(f"crystalsym.diffraction._sphere_sum.{constant}", 64)
    other = fast_atoms_pattern(cluster, np.eye(3), detector, "sphere")
    assert np.abs(whole - other).max() < 1e-5 * whole.max()
    assert not np.array_equal(whole, other)


def test_without_finufft_it_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "finufft", None)
    simulator = DiffractionSimulator(engine="atoms", summation="nufft", **SMALL)
    with pytest.raises(ImportError, match=r"\(pip install finufft\); summation=\"direct\" is"):
        simulator.fit()
    assert simulator.set_params(summation="direct").fit() is simulator


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"engine": "lattice", "summation": "nufft"}, "is for engine=\"atoms\", not 'lattice'"),
        ({"engine": "atoms", "summation": "fast"}, "summation must be one of"),
    ],
)
def test_bad_parameters_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        DiffractionSimulator(**parameters).fit()
