"""DiffractionSimulator as a transformer: input, output, errors, streaming, parallel work."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from support.crystals import NACL
from support.random_crystals import random_crystal

from crystalsym import Crystal, DiffractionSimulator
from crystalsym.crystals import standardize
from crystalsym.datasets import CrystalTable, example_crystals

SMALL = {"image_size": 32, "symprec": 0.01}
CRYSTALS = [random_crystal(n, np.random.default_rng(n)) for n in (2, 14, 62, 136, 166, 194, 225)]
BROKEN = Crystal(np.eye(3) * 4, [[0, 0, 0], [0, 0, 0.001]], [26, 26], name="doubled iron")


@pytest.fixture(scope="module")
def patterns():
    return DiffractionSimulator(**SMALL).transform(CRYSTALS)


def test_shape_type_and_scale(patterns):
    assert patterns.shape == (7, 3, 32, 32)
    assert patterns.dtype == np.float32
    assert np.allclose(patterns.max(axis=(2, 3)), 1)
    assert patterns.min() >= 0


def test_every_crystal_is_simulated_on_its_own(patterns):
    simulator = DiffractionSimulator(**SMALL)
    for crystal, expected in zip(CRYSTALS, patterns, strict=True):
        assert np.array_equal(simulator.transform([crystal])[0], expected)


def test_whatever_is_a_crystal_will_do():
    ase = pytest.importorskip("ase")
    pymatgen = pytest.importorskip("pymatgen.core")
    path = example_crystals()["NaCl"]
    lattice, coords, numbers = NACL.lattice, NACL.frac_coords, NACL.atomic_numbers
    inputs = [
        NACL,
        pymatgen.Structure(lattice, numbers, coords),
        ase.Atoms(numbers=numbers, cell=lattice, scaled_positions=coords, pbc=True),
        (lattice, coords, numbers),
    ]
    patterns = DiffractionSimulator(**SMALL).transform(inputs)
    assert np.abs(patterns - patterns[0]).max() < 1e-5
    by_path = DiffractionSimulator(**SMALL).transform([path, str(path)])
    assert np.array_equal(by_path[0], by_path[1])


def test_sequences_of_any_kind_will_do(patterns):
    simulator = DiffractionSimulator(**SMALL)
    as_array = np.empty(len(CRYSTALS), dtype=object)
    as_array[:] = CRYSTALS
    for sequence in (tuple(CRYSTALS), as_array, CrystalTable.from_crystals(CRYSTALS)):
        assert np.abs(simulator.transform(sequence) - patterns).max() < 1e-3


def test_no_crystals_no_patterns():
    assert DiffractionSimulator(**SMALL).transform([]).shape == (0, 3, 32, 32)


def test_jobs_do_not_change_the_result(patterns):
    assert np.array_equal(DiffractionSimulator(n_jobs=2, **SMALL).transform(CRYSTALS), patterns)


def test_jobs_keep_the_order_of_many():
    crystals = [NACL.replace(lattice=np.eye(3) * a) for a in np.linspace(3, 6, 70)]
    one = DiffractionSimulator(image_size=16).transform(crystals)
    two = DiffractionSimulator(image_size=16, n_jobs=2).transform(crystals)
    assert np.array_equal(one, two)


# --- errors -----------------------------------------------------------------------------------


def singles():
    pymatgen = pytest.importorskip("pymatgen.core")
    ase = pytest.importorskip("ase")
    path = example_crystals()["NaCl"]
    structure = pymatgen.Structure(np.eye(3) * 3, ["Fe"], [[0, 0, 0]])
    return [NACL, structure, ase.Atoms("Fe", cell=[3, 3, 3], pbc=True), path, str(path)]


@pytest.mark.parametrize("index", range(5))
def test_lone_structure_is_refused_with_advice(index):
    single = singles()[index]
    for call in ("fit", "transform", "fit_transform"):
        with pytest.raises(TypeError, match=r"single .*put it in a list, \[structure\]"):
            getattr(DiffractionSimulator(**SMALL), call)(single)
    with pytest.raises(TypeError, match=r"single .*put it in a list"):
        next(DiffractionSimulator(**SMALL).iter_transform(single))


def test_generators_are_for_iter_transform():
    with pytest.raises(TypeError, match="must come as a list, got generator"):
        DiffractionSimulator(**SMALL).transform(crystal for crystal in CRYSTALS)


def test_error_names_the_item(tmp_path):
    simulator = DiffractionSimulator(**SMALL)
    with pytest.raises(ValueError, match=r"structure 2: doubled iron: no symmetry found"):
        simulator.transform([*CRYSTALS[:2], BROKEN])
    with pytest.raises(FileNotFoundError, match=r"structure 1: .*none\.cif: no such file"):
        simulator.transform([NACL, tmp_path / "none.cif"])
    with pytest.raises(TypeError, match="structure 0: cannot read a crystal from int"):
        simulator.transform([5])
    # ... also behind the first chunk, and with jobs.
    with pytest.raises(ValueError, match="structure 40: doubled iron"):
        DiffractionSimulator(image_size=16).transform([NACL] * 40 + [BROKEN])
    with pytest.raises(ValueError, match="structure 40: doubled iron"):
        DiffractionSimulator(image_size=16, n_jobs=2).transform([NACL] * 40 + [BROKEN])


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_failures_can_become_nan(patterns, n_jobs):
    simulator = DiffractionSimulator(on_error="nan", n_jobs=n_jobs, **SMALL)
    with pytest.warns(UserWarning, match="structure 3: doubled iron.*its row is NaN"):
        result = simulator.transform([*CRYSTALS[:3], BROKEN, *CRYSTALS[3:]])
    assert np.isnan(result[3]).all()
    assert np.array_equal(np.delete(result, 3, axis=0), patterns)


def test_failures_cannot_become_nan_among_integers():
    simulator = DiffractionSimulator(on_error="nan", dtype="uint16", **SMALL)
    with pytest.raises(ValueError, match='on_error="nan" needs a float dtype'):
        simulator.transform([NACL, BROKEN])


def test_skipping_is_for_iter_transform():
    with pytest.raises(ValueError, match='on_error="skip" would lose'):
        DiffractionSimulator(on_error="skip", **SMALL).transform(CRYSTALS)


# --- iter_transform ---------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_batches_together_are_the_whole(patterns, batch_size):
    simulator = DiffractionSimulator(**SMALL)
    batches = list(simulator.iter_transform(CRYSTALS, batch_size))
    assert all(len(batch) <= batch_size for batch in batches)
    assert len(batches) == -(-len(CRYSTALS) // batch_size)
    assert np.array_equal(np.concatenate(batches), patterns)


def test_generator_is_read_as_needed(patterns):
    read = []

    def structures():
        for index, crystal in enumerate(CRYSTALS):
            read.append(index)
            yield crystal

    batches = DiffractionSimulator(**SMALL).iter_transform(structures(), batch_size=2)
    assert np.array_equal(next(batches), patterns[:2])
    assert len(read) <= 3
    assert np.array_equal(np.concatenate(list(batches)), patterns[2:])


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_what_was_left_out_shows_in_the_index(patterns, n_jobs):
    simulator = DiffractionSimulator(on_error="skip", n_jobs=n_jobs, **SMALL)
    structures = [BROKEN, *CRYSTALS[:3], BROKEN, *CRYSTALS[3:], BROKEN, BROKEN]
    with pytest.warns(UserWarning, match="left out") as caught:
        batches = list(simulator.iter_transform(structures, batch_size=2, return_index=True))
    messages = [str(warning.message) for warning in caught if "left out" in str(warning.message)]
    assert [message.split(":")[0] for message in messages] == [
        f"structure {index}" for index in (0, 4, 9, 10)
    ]
    index = np.concatenate([index for index, _ in batches])
    assert index.tolist() == [1, 2, 3, 5, 6, 7, 8]
    assert np.array_equal(np.concatenate([batch for _, batch in batches]), patterns)


def test_nan_rows_keep_their_place_in_batches():
    simulator = DiffractionSimulator(on_error="nan", **SMALL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pairs = list(simulator.iter_transform([NACL, BROKEN, NACL], 2, return_index=True))
    assert [index.tolist() for index, _ in pairs] == [[0, 1], [2]]
    assert np.isnan(pairs[0][1][1]).all()


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, True])
def test_impossible_batch_size_is_refused(batch_size):
    with pytest.raises(ValueError, match="batch_size must be a positive integer"):
        next(DiffractionSimulator(**SMALL).iter_transform(CRYSTALS, batch_size))


# --- parameters -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_integer_types_hold_their_full_range(patterns, dtype):
    whole = DiffractionSimulator(dtype=dtype, **SMALL).transform(CRYSTALS)
    top = np.iinfo(dtype).max
    assert whole.dtype == dtype
    assert (whole.max(axis=(2, 3)) == top).all()
    assert np.abs(whole - patterns.astype(float) * top).max() <= 0.51


def test_double_precision(patterns):
    double = DiffractionSimulator(dtype="float64", **SMALL).transform(CRYSTALS)
    assert double.dtype == np.float64
    assert np.allclose(double, patterns, atol=1e-6)


def test_normalization_is_by_pattern():
    linear = DiffractionSimulator(normalize=False, **SMALL).transform(CRYSTALS)
    scaled = DiffractionSimulator(**SMALL).transform(CRYSTALS)
    assert np.allclose(linear / linear.max(axis=(2, 3), keepdims=True), scaled, atol=1e-6)


def test_views_as_arrays_and_lists():
    zones = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]]
    by_list = DiffractionSimulator(views=zones, **SMALL).transform(CRYSTALS)
    assert by_list.shape == (7, 4, 32, 32)
    by_array = DiffractionSimulator(views=np.array(zones), **SMALL).transform(CRYSTALS)
    assert np.array_equal(by_list, by_array)
    expected = DiffractionSimulator("zone-axes", **SMALL).transform(CRYSTALS)
    assert np.array_equal(by_list[:, :3], expected)
    matrices = DiffractionSimulator(views=np.stack([np.eye(3)] * 2), **SMALL).transform(CRYSTALS)
    assert matrices.shape == (7, 2, 32, 32)


def test_crystals_may_stay_as_distorted_as_they_were(patterns):
    given = DiffractionSimulator(**SMALL, idealize=False)
    assert np.allclose(given.transform(CRYSTALS), patterns, atol=1e-4)
    moves = np.random.default_rng(0).normal(scale=0.002, size=NACL.frac_coords.shape)
    shaken = NACL.replace(frac_coords=NACL.frac_coords + moves)
    own = DiffractionSimulator(image_size=32, idealize=False).transform([shaken])
    ideal = DiffractionSimulator(image_size=32).transform([shaken])
    assert np.allclose(ideal, DiffractionSimulator(image_size=32).transform([NACL]), atol=1e-4)
    standard = standardize(shaken, idealize=False)
    assert np.array_equal(own, DiffractionSimulator(image_size=32).transform([standard]))
    assert np.abs(own - ideal).max() > 1e-3


def test_pixel_size_overrules_q_max():
    simulator = DiffractionSimulator(pixel_size=0.4, q_max=99.0)
    assert simulator.q_per_pixel == pytest.approx(0.4 / 1000 / 0.035)
    assert DiffractionSimulator(q_max=1.0, image_size=101).q_per_pixel == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"engine": "magic"}, "engine must be one of.*'magic'"),
        ({"ewald": "round"}, "ewald must be one of.*'round'"),
        ({"radiation": "neutron"}, "radiation must be one of.*'neutron'"),
        ({"polarization": "left"}, "polarization must be one of.*'left'"),
        ({"on_error": "pass"}, "on_error must be one of.*'pass'"),
        ({"dtype": "int8"}, "dtype must be one of.*'int8'"),
        ({"image_size": 4}, "image_size must be an integer of at least 8"),
        ({"image_size": 64.0}, "image_size must be an integer of at least 8"),
        ({"wavelength": 0}, "wavelength must be a positive number"),
        ({"q_max": -1}, "q_max must be a positive number"),
        ({"q_max": float("inf")}, "q_max must be a positive number"),
        ({"detector_distance": "far"}, "detector_distance must be a positive number"),
        ({"spot_sigma": 0}, "spot_sigma must be a positive number"),
        ({"symprec": None}, "symprec must be a positive number"),
        ({"pixel_size": -0.1}, "pixel_size must be a positive number"),
        ({"thickness": 0}, "thickness must be a positive number"),
        ({"fluence": 0}, "fluence must be a positive number"),
        ({"cells": 0}, "cells must be one or three positive integers"),
        ({"cells": (1, 2)}, "cells must be one or three positive integers"),
        ({"center": 12}, r"center must be \(column, row\)"),
        ({"dtype": "uint16", "normalize": False}, "needs normalize=True"),
        ({"views": "front"}, "views must be one of.*'front'"),
        ({"views": [[1, 1]]}, "views of shape"),
    ],
)
def test_impossible_parameters_are_refused(parameters, message):
    simulator = DiffractionSimulator(**parameters)
    for call in (simulator.fit, simulator.transform):
        with pytest.raises(ValueError, match=message):
            call([NACL])


def test_constructor_only_stores():
    parameters = {"views": 5, "wavelength": "x", "cells": None, "memory": object(), "dtype": 1}
    assert DiffractionSimulator(**parameters).get_params().items() >= parameters.items()


def test_clone_pickle_and_set_params(patterns):
    simulator = DiffractionSimulator(views=np.array([[1, 0, 0], [1, 1, 1]]), **SMALL)
    expected = simulator.transform(CRYSTALS)
    for copy in (clone(simulator), pickle.loads(pickle.dumps(simulator))):
        assert np.array_equal(copy.get_params()["views"], simulator.views)
        assert np.array_equal(copy.transform(CRYSTALS), expected)
    assert np.array_equal(
        clone(simulator).set_params(views="symmetry-directions").transform(CRYSTALS), patterns
    )


def test_fit_returns_itself_and_is_not_needed(patterns):
    simulator = DiffractionSimulator(**SMALL)
    assert simulator.fit(CRYSTALS) is simulator
    assert np.array_equal(simulator.fit_transform(CRYSTALS), patterns)


def test_progress_is_shown_on_request(capsys):
    DiffractionSimulator(verbose=1, **SMALL).transform(CRYSTALS)
    assert "simulating: 100% 7/7" in capsys.readouterr().err
    DiffractionSimulator(**SMALL).transform(CRYSTALS)
    assert capsys.readouterr().err == ""


def test_crystals_survive_simulation():
    crystal = CRYSTALS[1]
    before = crystal.digest()
    DiffractionSimulator(**SMALL).transform([crystal])
    assert crystal.digest() == before


def test_same_input_same_output(patterns):
    assert np.array_equal(DiffractionSimulator(**SMALL).transform(CRYSTALS), patterns)


@pytest.mark.parametrize("image_size", [64, 128, 256, 511])
def test_presets_of_other_sizes_show_the_same_field(image_size):
    """Regression: 128 pixels of 256 were a corner of the pattern."""
    published = DiffractionSimulator.from_preset("tiong2020")
    other = DiffractionSimulator.from_preset("tiong2020", image_size=image_size)
    assert other.detector().beam == ((image_size - 1) / 2,) * 2
    assert other.detector().q_edge == pytest.approx(published.detector().q_edge)
    assert published.pixel_size == 0.4
    own = DiffractionSimulator.from_preset("tiong2020", image_size=image_size, pixel_size=0.3)
    assert own.pixel_size == 0.3
    assert DiffractionSimulator.from_preset("tiong2020", q_max=1.0).detector().q_edge == (
        pytest.approx(1.0)
    )
