"""SpotPatterns: lists of spots behave as arrays do, and are what the images show."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import KFold
from sklearn.utils import _safe_indexing

from crystalsym import DiffractionSimulator, standardize
from crystalsym.datasets import CrystalTable, example_crystals
from crystalsym.diffraction import Coverage, SpotPatterns, find_spots, reflections

PATHS = list(example_crystals().values())[::9]
CRYSTALS = [standardize(path) for path in PATHS]


@pytest.fixture(scope="module")
def spots():
    return DiffractionSimulator(output="spots", dtype="float64").transform(CRYSTALS)


def same(one: SpotPatterns, other: SpotPatterns) -> bool:
    names = ("q", "intensity", "starts", "q_min", "q_max", "indices", "basis", "zone", "coverage")
    return all(np.array_equal(getattr(one, n), getattr(other, n)) for n in names)


@pytest.mark.parametrize(
    "index",
    [[3, 0, 3], slice(2, 6), slice(None, None, 2), slice(5, 2), [], [-1], np.arange(9) % 2 == 0],
    ids=str,
)
def test_rows_are_taken_as_from_arrays(spots, index):
    part = spots[index]
    rows = np.arange(len(spots))[index]
    assert len(part) == len(rows)
    for at, row in enumerate(rows):
        for view in range(3):
            one, other = part.pattern(at, view), spots.pattern(int(row), view)
            np.testing.assert_array_equal(one.q, other.q)
            np.testing.assert_array_equal(one.hkl, other.hkl)
            assert one.zone == other.zone


def test_scikit_learn_splits_them(spots):
    for train, test in KFold(3).split(spots):
        assert len(_safe_indexing(spots, train)) + len(spots[test]) == len(spots)


def test_parts_join_to_the_whole(spots):
    assert same(SpotPatterns.concatenate([spots[:2], spots[2:3], spots[3:]]), spots)
    half = SpotPatterns.concatenate([spots[:2].with_mates(), spots[2:]])
    assert not half.halved
    assert half.n_spots == 2 * spots.n_spots
    with pytest.raises(ValueError, match="no patterns"):
        SpotPatterns.concatenate([])


def test_pickles(spots):
    again = pickle.loads(pickle.dumps(spots))
    assert same(again, spots)
    assert again.made_by == spots.made_by


def test_indices_give_places_and_reflections(spots):
    owner = spots.pattern_of_spot
    basis = spots.basis.reshape(-1, 2, 2)[owner]
    np.testing.assert_allclose(np.einsum("sg,sgi->si", spots.indices, basis), spots.q, atol=1e-12)
    zone = spots.zone.reshape(-1, 3)[owner]
    assert (np.einsum("si,si->s", spots.hkl, zone) == 0).all()


def test_intensities_are_those_of_the_table_of_reflections(spots):
    for row, crystal in enumerate(CRYSTALS):
        table = {tuple(h): i for h, i in zip(*_hkl_and_intensity(crystal), strict=True)}
        for view in range(3):
            pattern = spots.pattern(row, view)
            expected = np.array([table[tuple(h)] for h in pattern.hkl.tolist()])
            np.testing.assert_allclose(
                pattern.intensity, expected / expected.max(), rtol=2e-5, atol=1e-9
            )
            lengths = np.linalg.norm(pattern.hkl @ crystal.reciprocal, axis=1)
            np.testing.assert_allclose(np.hypot(*pattern.q.T), lengths, rtol=1e-9)
            in_zone = [h for h in table if not np.dot(h, pattern.zone) and any(h)]
            assert len(in_zone) == len(pattern)


def _hkl_and_intensity(crystal):
    table = reflections(crystal, 1.457)
    return table.hkl.tolist(), table.intensity


@pytest.mark.parametrize("views", ["zone-axes", "symmetry-directions", [[1, 1, 0], [2, -1, 1]]])
def test_spots_lie_where_the_image_shows_them(views):
    crystal = CRYSTALS[:1]
    simulator = DiffractionSimulator(views, image_size=512, q_max=1.0, spot_sigma=1.0)
    images = simulator.transform(crystal)
    listed = DiffractionSimulator(views, output="spots", q_max=1.0).transform(crystal)
    for view, image in enumerate(images[0]):
        found = find_spots(image, threshold=1e-3)
        places = (np.stack([found.columns, found.rows], axis=1) - 255.5) * simulator.q_per_pixel
        away = np.hypot(*places.T)
        places = places[(away > 0.02) & (away < 0.98)]
        pattern = listed.pattern(0, view)
        distance = np.abs(places[:, None] - pattern.q[None]).max(axis=2).min(axis=1)
        assert len(places) > 5
        assert distance.max() < 0.3 * simulator.q_per_pixel


def test_the_ewald_sphere_gives_spots_too():
    simulator = DiffractionSimulator(
        "rotations", output="spots", ewald="sphere", pixel_size=0.4, image_size=256
    )
    patterns = simulator.transform(CRYSTALS[:2])
    assert patterns.shape == (2, 3)
    assert not patterns.halved
    assert patterns.hkl is None
    assert patterns.n_spots > 0
    assert patterns.intensity.max() == 1


def test_tables_and_lists_and_jobs_agree(spots):
    simulator = DiffractionSimulator(output="spots", dtype="float64")
    table = CrystalTable.from_crystals(CRYSTALS, standard=True)
    alike = simulator.transform(table)  # whose coordinates are float32
    np.testing.assert_array_equal(alike.indices, spots.indices)
    np.testing.assert_allclose(alike.intensity, spots.intensity, atol=1e-5)
    assert same(simulator.set_params(n_jobs=2).transform(PATHS), spots)


def test_kept_spots_are_the_same(spots, tmp_path):
    simulator = DiffractionSimulator(output="spots", dtype="float64", memory=tmp_path)
    for _ in range(2):
        kept = simulator.transform(CRYSTALS)
        np.testing.assert_allclose(kept.intensity, spots.intensity, rtol=1e-12)
        np.testing.assert_array_equal(kept.indices, spots.indices)


def test_missing_rows(spots):
    simulator = DiffractionSimulator(output="spots", dtype="float64", on_error="nan")
    with pytest.warns(UserWarning, match="structure 1"):
        patterns = simulator.transform([CRYSTALS[0], "nowhere.cif", CRYSTALS[1]])
    np.testing.assert_array_equal(patterns.missing, [False, True, False])
    assert len(patterns[1].pattern(0, 0)) == 0
    np.testing.assert_array_equal(patterns[[0, 2]].intensity, spots[:2].intensity)
    simulator.set_params(on_error="skip")
    with pytest.warns(UserWarning, match="left out"):
        parts = list(simulator.iter_transform(["nowhere.cif", CRYSTALS[0]], return_index=True))
    np.testing.assert_array_equal(parts[0][0], [1])
    assert len(simulator.set_params(on_error="raise").transform([])) == 0
    with pytest.raises(FileNotFoundError, match=r"structure 0.*nowhere"):
        simulator.transform(["nowhere.cif"])


def test_a_hidden_center(spots):
    hidden = DiffractionSimulator(output="spots", dtype="float64", q_min=0.3).transform(CRYSTALS)
    kept = np.hypot(*spots.q.T) > 0.3
    np.testing.assert_array_equal(hidden.indices, spots.indices[kept])
    assert (hidden.q_min == 0.3).all()
    image = DiffractionSimulator(q_min=0.3, image_size=64).transform(CRYSTALS[:1])
    assert image[0, 0, 31:33, 31:33].max() == 0
    assert image.max() == 1


@given(st.lists(st.integers(0, 5), min_size=6, max_size=6), st.data())
def test_any_rows_of_any_lists(counts, data):
    n_spots = sum(counts)
    patterns = SpotPatterns(
        q=np.arange(2.0 * n_spots).reshape(-1, 2),
        intensity=np.arange(float(n_spots)),
        starts=np.concatenate([[0], np.cumsum(counts)]),
        q_min=np.zeros((3, 2)),
        q_max=np.ones((3, 2)),
        sigma=np.arange(float(n_spots)),
    )
    rows = data.draw(st.lists(st.integers(-3, 2), max_size=6))
    part = patterns[rows] if rows else patterns[np.array([], int)]
    for at, row in enumerate(rows):
        for view in range(2):
            start, stop = patterns.starts[(row % 3) * 2 + view : (row % 3) * 2 + view + 2]
            np.testing.assert_array_equal(
                part.pattern(at, view).intensity, np.arange(float(start), float(stop))
            )


def test_what_was_not_measured_is_not_absent():
    coverage = np.array([[Coverage.WHOLE, Coverage.LISTED, Coverage.OBSERVED]])
    mask = np.zeros((1, 3, 11, 11), dtype=bool)
    mask[0, 0, 5, 10] = True  # row 5, column 10: at +x
    patterns = SpotPatterns(
        q=np.empty((0, 2)), intensity=np.empty(0), starts=np.zeros(4, int),
        q_min=np.full((1, 3), 0.1), q_max=np.full((1, 3), 1.0), coverage=coverage, mask=mask,
    )  # fmt: skip
    np.testing.assert_array_equal(patterns.complete, [[True, False, False]])
    seen = patterns.seen(0, 0, [[0.05, 0], [0.5, 0], [1.0, 0], [-1.0, 0], [0, 1.1]])
    np.testing.assert_array_equal(seen, [False, True, False, True, False])
    assert patterns.pattern(0, 2).coverage is Coverage.OBSERVED


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"q": np.zeros((3, 2))}, "q must have shape"),
        ({"starts": np.array([0, 1])}, "starts must"),
        ({"starts": np.array([0, 2, 1])}, "starts must rise"),
        ({"q_max": np.ones(2)}, r"\(n, n_views\)"),
        ({"sigma": np.ones(1)}, "sigma must have shape"),
        ({"mask": np.zeros((1, 1, 4, 4), bool)}, "mask must"),
    ],
)
def test_shapes_that_disagree_are_named(changes, message):
    good = {
        "q": np.zeros((2, 2)), "intensity": np.zeros(2), "starts": np.array([0, 1, 2]),
        "q_min": np.zeros((2, 1)), "q_max": np.ones((2, 1)),
    }  # fmt: skip
    SpotPatterns(**good)
    with pytest.raises(ValueError, match=message):
        SpotPatterns(**{**good, **changes})


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"engine": "lattice"}, 'needs engine="bragg"'),
        ({"dtype": "uint8"}, "float dtype"),
        ({"center": (3, 3)}, "center"),
        ({"output": "lists"}, "output must be one of"),
        ({"q_min": -1}, "q_min"),
    ],
)
def test_parameters_without_a_meaning_for_spots_are_refused(parameters, message):
    simulator = DiffractionSimulator(**{"output": "spots", **parameters})
    with pytest.raises(ValueError, match=message):
        simulator.fit()


def test_only_rows_are_indexed(spots):
    with pytest.raises(IndexError, match="rows alone"):
        spots[0, 1]
    with pytest.raises(IndexError, match="row 99"):
        spots[99]
