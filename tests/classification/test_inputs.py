from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from crystalsym.classification._image_rows import (
    ImageRows,
    check_labels,
    check_row_shape,
    check_weights,
)

from .conftest import make_classifier


class Structure:
    """Stands for a crystal structure passed by mistake."""


def test_streams_are_split_and_contiguous():
    X = np.random.default_rng(0).random((5, 3, 8, 8, 2))
    rows = ImageRows(X)
    assert (len(rows), rows.shape, rows.n_streams) == (5, (3, 8, 8, 2), 3)
    assert (rows.image_size, rows.channels) == (8, 2)
    batch = rows.batch(np.array([4, 0]))
    assert len(batch) == 3
    for s, stream in enumerate(batch):
        assert stream.dtype == np.float32
        assert stream.flags.c_contiguous
        np.testing.assert_array_equal(stream, X[[4, 0], s].astype(np.float32))


def test_merged_images_are_one_stream():
    rows = ImageRows(np.zeros((4, 8, 8, 3), np.float32))
    assert (rows.n_streams, rows.shape) == (1, (8, 8, 3))
    (batch,) = rows.batch(np.arange(2))
    assert batch.shape == (2, 8, 8, 3)


@given(hnp.arrays(np.uint8, (2, 1, 8, 8, 1)))
def test_bytes_become_fractions(X):
    (batch,) = ImageRows(X).batch(np.arange(2))
    np.testing.assert_allclose(batch, X[:, 0] / 255.0, rtol=1e-6)
    assert batch.max() <= 1.0


@given(st.sampled_from([np.float16, np.float32, np.float64]))
def test_any_float_is_taken(dtype):
    X = np.linspace(0, 1, 128).reshape(1, 1, 8, 8, 2).astype(dtype)
    (batch,) = ImageRows(X).batch(np.arange(1))
    assert batch.dtype == np.float32


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((5, 3, 64, 64), np.uint8), "looks like raw patterns.*PatternShaper"),
        (np.zeros((5, 3, 64, 64), np.float32), "looks like raw patterns"),
        (np.zeros((5, 10)), r"X must hold shaped patterns.*got an array of shape \(5, 10\)"),
        (np.zeros((0, 3, 8, 8, 1)), r"0 sample\(s\)"),
        (np.zeros((5, 3, 8, 9, 1)), "must be square, got 8 x 9"),
        (np.zeros((5, 3, 8, 8, 1), np.uint16), "got uint16; raw patterns are shaped first"),
        (np.zeros((5, 3, 8, 8, 1), bool), "got bool"),
        ([Structure(), Structure()], "got a list of Structure"),
        ([np.zeros((3, 8, 8, 1)), np.zeros((3, 9, 9, 1))], "rows differ in shape"),
        ([], "got an array of shape"),
    ],
)
def test_refused_images(X, message):
    with pytest.raises(ValueError, match=message):
        ImageRows(X)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "row 7 of X contains NaN"),
        (1.5, r"row 7 of X has values from 0 to 1.5"),
        (-0.1, r"row 7 of X has values from -0.1 to 0"),
        (np.inf, "row 7 of X has values"),
    ],
)
def test_bad_row_is_named(value, message):
    X = np.zeros((10, 3, 8, 8, 1))
    X[7, 1, 2, 3] = value
    rows = ImageRows(X)
    rows.batch(np.arange(7))
    with pytest.raises(ValueError, match=message):
        rows.batch(np.array([2, 7, 8]))


def test_lazy_rows_of_wrong_shape():
    class Wrong:
        shape, dtype = (4, 3, 8, 8, 1), np.dtype("f4")

        def __len__(self):
            return 4

        def __getitem__(self, index):
            return np.zeros((len(index), 3, 8, 8, 2), np.float32)

    with pytest.raises(ValueError, match=r"gave rows of shape \(2, 3, 8, 8, 2\) where"):
        ImageRows(Wrong()).batch(np.arange(2))


def test_memmap_is_not_read_as_a_whole(tmp_path):
    X = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.uint8, (6, 3, 8, 8, 1))
    X[3] = 255
    rows = ImageRows(X)
    assert rows.batch(np.array([3]))[0].min() == 1.0
    assert rows._rows is X


def test_row_shape_of_another_size():
    rows = ImageRows(np.zeros((2, 3, 8, 8, 1)))
    check_row_shape(rows, (3, 8, 8, 1))
    with pytest.raises(ValueError, match=r"takes images of shape \(3, 64, 64, 2\)"):
        check_row_shape(rows, (3, 64, 64, 2))
    with pytest.raises(ValueError, match=r"such images are made by PatternShaper\(image_size=64\)"):
        check_row_shape(rows, (3, 64, 64, 2), {"descriptor": "PatternShaper(image_size=64)"})


def test_labels():
    classes, codes = check_labels([225.0, 1.0, 225.0], 3)
    assert classes.dtype == np.int64
    assert classes.tolist() == [1, 225]
    assert codes.tolist() == [1, 0, 1]
    assert check_labels(["cubic", "hexagonal"], 2)[0].tolist() == ["cubic", "hexagonal"]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed"),
        ([1, 2], "3 rows, 2 labels"),
        ([1.5, 2.0, 3.1], "Unknown label type"),
        ([7, 7, 7], "only one class"),
        ([[1, 2], [1, 2], [1, 2]], "1d array"),
        ([1, np.nan, 2], "NaN"),
    ],
)
def test_refused_labels(y, message):
    with pytest.raises(ValueError, match=message):
        check_labels(y, 3)


def test_weights():
    assert check_weights(None, 3) is None
    assert check_weights([1, 0, 2], 3).tolist() == [1.0, 0.0, 2.0]
    assert check_weights(2.0, 2).tolist() == [2.0, 2.0]


@pytest.mark.parametrize("weights", [[1, 2], [1, -1, 1], [0, 0, 0], [1, np.nan, 1]])
def test_refused_weights(weights):
    with pytest.raises(ValueError, match="sample_weight must"):
        check_weights(weights, 3)


@pytest.mark.parametrize("strange", [231, 0, -5])
def test_labels_that_are_no_space_groups_are_taken_with_a_warning(strange):
    with pytest.warns(UserWarning, match=rf"no space-group numbers \(1 to 230\): {strange}$"):
        classes, _ = check_labels([strange, 225, 62], 3)
    assert strange in classes


@pytest.mark.parametrize(
    "labels", [[1, 230], ["a", "b"], [1.0, 230.0], np.array([62, 3], np.uint8)]
)
def test_other_labels_bring_no_warning(labels):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_labels(labels, 2)


def test_fit_warns_of_a_label_beyond_the_last_group(images):
    X, _ = images
    with pytest.warns(UserWarning, match=r"no space-group numbers \(1 to 230\): 231"):
        make_classifier(epochs=1).fit(X[:8], [225, 231] * 4)
