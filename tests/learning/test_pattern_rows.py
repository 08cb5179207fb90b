"""PatternRows: rows of a pipeline's output, made when they are asked for, changed if asked to."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from support.random_crystals import random_crystal

from crystalsym import DiffractionSimulator, PatternShaper
from crystalsym.crystals import space_group_number, standardize
from crystalsym.datasets import CrystalTable, example_crystals
from crystalsym.learning import Augmentation, LatticePatterns, PatternRows
from crystalsym.learning._augmentation import Changes
from crystalsym.learning._pattern_rows import CHUNK_OF_IMAGES
from crystalsym.measurement import CameraDegradation

N = 2 * CHUNK_OF_IMAGES + 5
CRYSTALS = [random_crystal(2, np.random.default_rng(seed)) for seed in range(N)]
IMAGES = [DiffractionSimulator(image_size=32, symprec=0.01), PatternShaper("spots", image_size=16)]
SPOTS = [DiffractionSimulator(output="spots", symprec=0.01), PatternShaper(dtype="float16")]
EITHER = pytest.mark.parametrize("steps", [IMAGES, SPOTS], ids=["images", "spots"])


def whole(steps):
    return steps[1].transform(steps[0].transform(CRYSTALS))


@pytest.fixture(scope="module")
def table():
    crystals = [standardize(path) for path in example_crystals().values()]
    groups = [space_group_number(crystal) for crystal in crystals]
    return CrystalTable.from_crystals(crystals, groups, standard=True)


@EITHER
def test_stands_in_for_the_array(steps):
    lazy, array = PatternRows(steps, CRYSTALS), whole(steps)
    assert (lazy.shape, lazy.dtype, lazy.ndim) == (array.shape, array.dtype, array.ndim)
    assert len(lazy) == len(array)
    assert lazy.made_by == array.made_by


@EITHER
@pytest.mark.parametrize(
    "index",
    [
        [0, 5, 2],
        np.array([36, 0, 36]),
        np.arange(N)[::-1],
        slice(3, 30, 4),
        slice(None),
        np.arange(N) % 3 == 0,
        [-1, 4],
        7,
        np.int64(-1),
    ],
    ids=["list", "repeats", "backwards", "slice", "all", "mask", "negative", "one", "last"],
)
def test_rows_are_those_of_the_array(steps, index):
    np.testing.assert_array_equal(PatternRows(steps, CRYSTALS)[index], whole(steps)[index])


@EITHER
def test_threads_change_nothing(steps):
    np.testing.assert_array_equal(PatternRows(steps, CRYSTALS, n_jobs=2)[:], whole(steps))


def test_nothing_but_the_rows_asked_for_is_made():
    seen = []

    class Watched(list):
        def __getitem__(self, index):
            seen.append(index)
            return super().__getitem__(index)

    watched = PatternRows(IMAGES, Watched(CRYSTALS))
    seen.clear()
    watched[[3, 9]]
    assert seen == [3, 9]


def test_pipelines_and_tables_will_do():
    table = CrystalTable.from_crystals(CRYSTALS)
    assert np.abs(PatternRows(make_pipeline(*IMAGES), table)[:6] - whole(IMAGES)[:6]).max() < 2e-2


def test_bytes_stay_bytes():
    steps = [IMAGES[0], PatternShaper("spots", image_size=16, dtype="uint8")]
    assert PatternRows(steps, CRYSTALS)[:20].dtype == np.uint8


def test_no_structures_are_refused():
    with pytest.raises(ValueError, match="no structures"):
        PatternRows(IMAGES, [])


def test_the_digest_knows_crystals_and_transformers(table):
    one = PatternRows(SPOTS, table).digest()
    assert PatternRows(SPOTS, table).digest() == one
    assert PatternRows(SPOTS, table[::-1]).digest() != one
    assert PatternRows([SPOTS[0], PatternShaper()], table).digest() == one  # as bits, not as shown
    assert PatternRows([SPOTS[0], PatternShaper(threshold=1e-3)], table).digest() != one
    other = [DiffractionSimulator(output="spots", symprec=0.01, radiation="electron"), SPOTS[1]]
    assert PatternRows(other, table).digest() != one
    assert PatternRows(SPOTS, table, Augmentation()).digest() != one
    assert PatternRows(SPOTS, list(table)).digest() != one


@pytest.mark.parametrize("views", ["zone-axes", "symmetry-directions"])
def test_images_give_the_same_pictures_as_spots(table, views):
    shaper = PatternShaper()
    drawn = DiffractionSimulator(views, image_size=512, spot_sigma=0.6)
    listed = DiffractionSimulator(views, output="spots")
    crystals = list(table)
    differ = np.abs(
        shaper.transform(listed.transform(crystals)) - shaper.transform(drawn.transform(crystals))
    ).max(axis=(2, 3, 4))
    # The direct beam is cut a little differently.
    assert (differ < 0.01).mean() > 0.97, np.argwhere(differ > 0.01)


def test_former_names_still_make_rows(table, tmp_path):
    from crystalsym.learning import PatternStore, RenderedPatterns

    with pytest.warns(DeprecationWarning, match="use PatternRows"):
        rendered = RenderedPatterns(IMAGES, CRYSTALS)
    with pytest.warns(DeprecationWarning, match="store=folder"):
        stored = PatternStore(rendered, tmp_path)
    np.testing.assert_array_equal(stored[[1, 4]], rendered[[1, 4]])
    assert stored.n_stored == 2
    steps = [DiffractionSimulator(), PatternShaper(center=None)]
    with pytest.warns(DeprecationWarning, match="spots"):
        direct = LatticePatterns(steps, table)
    assert direct.shape == (len(table), 3, 13, 13, 2)
    assert direct.dtype == np.float16


# Changes


def changing(table, how, **kwargs):
    return PatternRows(SPOTS, table, how, store="memory", **kwargs)


def test_an_epochs_changes_are_its_own(table):
    how = Augmentation(changed=0.5, dimmed=0.5, permuted=0.5, zone_axes=0.5)
    patterns = changing(table, how, random_state=3)
    clean = patterns[:]
    patterns.set_epoch(0)
    first = patterns[:]
    patterns.set_epoch(1)
    second = patterns[:]
    assert (first != second).any(axis=(1, 2, 3, 4)).mean() > 0.5
    patterns.set_epoch(0)
    np.testing.assert_array_equal(patterns[::-1][::-1], first)
    patterns.set_epoch(None)
    np.testing.assert_array_equal(patterns[:], clean)
    again = changing(table, how, random_state=3, n_jobs=2)
    again.set_epoch(0)
    np.testing.assert_array_equal(again[[5, 1]], first[[5, 1]])


def test_every_second_pattern_is_seen_from_behind(table):
    patterns = changing(table, Augmentation(changed=0.0))
    clean = patterns[:]
    patterns.set_epoch(0)
    mirrored = lopsided = 0
    for row, image in enumerate(patterns[:]):
        for view in range(3):
            behind = clean[row, view, :, ::-1]
            if np.array_equal(clean[row, view], behind):
                np.testing.assert_array_equal(image[view], behind)
                continue
            lopsided += 1
            as_it_is = np.array_equal(image[view], clean[row, view])
            assert as_it_is or np.array_equal(image[view], behind)
            mirrored += not as_it_is
    assert lopsided > 20
    assert 0.25 * lopsided < mirrored < 0.75 * lopsided


def test_dimmed_patterns_lose_their_faintest_spots(table):
    how = Augmentation(changed=1.0, exchanged=0.0, scale=0.0, dimmed=1.0, mirrored=False)
    changes = Changes.drawn(how, table, [0, 0])
    clean = SPOTS[0].transform(table)
    dimmed = changes.dim(clean, np.arange(len(table)))
    lost = (dimmed.intensity == 0) & (clean.intensity > 0)
    assert 1e-5 <= clean.intensity[lost].max() < 1e-3  # each pattern's strongest is 1
    assert len(set((clean.pattern_of_spot[lost] // 3).tolist())) > 0.2 * len(table)
    np.testing.assert_array_equal(dimmed.intensity[~lost], clean.intensity[~lost])
    # Every crystal has a limit of its own, below which nothing is left.
    for row in range(len(table)):
        for view in range(3):
            left = dimmed.pattern(row, view).intensity
            assert (left[left > 0] >= changes.faintest[row] * left.max(initial=0) * 0.999).all()


def test_permuted_axes_are_a_low_crystals_own_layers(table):
    low = np.flatnonzero(np.isin(table.space_group, [62]))[:1]
    patterns = changing(
        table.take(low),
        Augmentation(changed=1.0, exchanged=0.0, scale=0.0, permuted=1.0, mirrored=False),
    )
    clean = patterns[0][..., 0]
    found = set()
    for epoch in range(12):
        patterns.set_epoch(epoch)
        permuted = patterns[0][..., 0]
        brightness = [float(view.astype(float).sum()) for view in permuted]
        wanted = [float(view.astype(float).sum()) for view in clean]
        order = tuple(int(np.argmin(np.abs(np.array(wanted) - b))) for b in brightness)
        assert sorted(order) == [0, 1, 2]
        found.add(order)
    assert len(found) > 2


def test_changed_crystals_keep_their_absences(table):
    """Exchanging elements moves no atom: what is absent by symmetry stays absent."""
    rutile = [i for i, group in enumerate(table.space_group) if group == 136][:1]
    patterns = changing(table.take(rutile), Augmentation(changed=1.0))
    seen = []
    for epoch in range(5):
        patterns.set_epoch(epoch)
        hk0 = patterns[0][2, :, :, 0]
        assert (hk0[6, [5, 7]] == 0).all()  # h00 with h odd: the n glide
        assert hk0[6, 8] > 0
        seen.append(float(hk0[6, 8]))
    assert len(set(seen)) > 1


def test_changes_need_spots_of_standard_cells(table):
    raw = CrystalTable.from_crystals([table[0]])
    with pytest.raises(ValueError, match="standardized"):
        PatternRows(SPOTS, raw, Augmentation())
    with pytest.raises(ValueError, match='output="spots"'):
        PatternRows(IMAGES, table, Augmentation())


# Stores


@pytest.mark.parametrize("kind", ["memory", "folder"])
def test_rows_are_made_once(table, tmp_path, kind, monkeypatch):
    rows = PatternRows(SPOTS, table, store="memory" if kind == "memory" else tmp_path)
    expected = PatternRows(SPOTS, table)[:]
    np.testing.assert_array_equal(rows[[5, 2, 5]], expected[[5, 2, 5]])
    assert rows.n_stored == 2
    asked = []
    make = PatternRows._make
    monkeypatch.setattr(PatternRows, "_make", lambda s, r: asked.extend(r) or make(s, r))
    np.testing.assert_array_equal(rows[:8], expected[:8])
    assert sorted(asked) == [0, 1, 3, 4, 6, 7]


def test_rows_on_disk_survive(table, tmp_path):
    PatternRows(SPOTS, table, store=tmp_path)[:8]
    again = PatternRows(SPOTS, table, store=tmp_path)
    assert again.n_stored == 8
    np.testing.assert_array_equal(again[:8], PatternRows(SPOTS, table)[:8])


def test_rows_of_other_parameters_or_crystals_are_discarded(table, tmp_path):
    def stored(steps=SPOTS, crystals=table):
        return PatternRows(steps, crystals, store=tmp_path)

    stored()[:8]
    assert stored([SPOTS[0], PatternShaper(intensity="root", dtype="float16")]).n_stored == 0
    stored()[:8]
    assert stored(crystals=table[::-1]).n_stored == 0
    stored()[:8]
    assert stored([DiffractionSimulator("zone-axes", output="spots"), SPOTS[1]]).n_stored == 0


def test_a_broken_description_starts_anew(table, tmp_path):
    PatternRows(SPOTS, table, store=tmp_path)[:8]
    (tmp_path / "store.json").write_text("{", encoding="utf-8")
    assert PatternRows(SPOTS, table, store=tmp_path).n_stored == 0


def test_degraded_rows_are_drawn_anew_for_every_epoch(table):
    degradation = CameraDegradation(shares={"perfect": 0.0})
    X = PatternRows(SPOTS, table, random_state=3, degradation=degradation, store="memory")
    plain = X[:8]
    X.set_epoch(0)
    first = X[:8]
    X.set_epoch(1)
    assert not np.array_equal(X[:8], first)
    assert not np.array_equal(plain, first)
    X.set_epoch(0)
    np.testing.assert_array_equal(X[[5, 2]], first[[5, 2]])
    X.set_epoch(None)  # one draw, kept
    np.testing.assert_array_equal(X[:8], plain)
    spots = SPOTS[0].transform(table.take(np.arange(8)))
    seen = degradation.degrade(spots, (3, 0), np.arange(8))
    np.testing.assert_array_equal(plain, SPOTS[1].transform(seen))


def test_degraded_and_changed_go_together(table):
    def rows(**how):
        found = PatternRows(SPOTS, table, Augmentation(changed=1.0, scale=0.05), **how)
        found.set_epoch(2)
        return found

    degraded = rows(degradation=CameraDegradation(shares={"perfect": 1.0}))
    np.testing.assert_array_equal(degraded[:6], rows()[:6])
    assert degraded.digest() != rows().digest()
    assert [step["step"] for step in degraded.made_by] == [
        "DiffractionSimulator", "CameraDegradation", "PatternShaper",
    ]  # fmt: skip


def test_images_are_not_degraded(table):
    with pytest.raises(ValueError, match='degradation needs a simulator with output="spots"'):
        PatternRows(IMAGES, table, degradation=CameraDegradation())
