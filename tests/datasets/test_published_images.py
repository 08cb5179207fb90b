"""The authors' image folders: read as they are stored, and refused by name where they are not."""

from __future__ import annotations

import shutil
import warnings

import numpy as np
import pytest
from PIL import Image
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import cross_val_score

from crystalsym import PatternShaper, SpaceGroupClassifier
from crystalsym.classification import CheckpointError
from crystalsym.datasets import load_published
from crystalsym.learning import PatternRows

SIZE = 32
# Numbers sort otherwise than their names do.
CRYSTALS = {"mp-7": 9, "mp-10": 9, "mp-1": 107, "mp-20": 225, "mp-3": 225}
IN_ORDER = ["mp-10", "mp-7", "mp-1", "mp-20", "mp-3"]
AXES = "xyz"


def gray(number, axis):
    """A few spots on black, other ones for every crystal and axis."""
    rng = np.random.default_rng([number, AXES.index(axis)])
    image = np.zeros((SIZE, SIZE), np.uint8)
    for row, column in rng.integers(2, SIZE - 4, (6, 2)):
        image[row : row + 2, column : column + 2] = rng.integers(100, 256)
    return image


def in_color(number, axis):
    image = np.repeat(gray(number, axis)[..., None], 3, axis=2)
    image[10:14, 4:28, AXES.index(axis)] = 255
    return image


def write(folder, image_of, crystals=CRYSTALS):
    for name, group in crystals.items():
        for axis in AXES:
            place = folder / str(group) / axis
            place.mkdir(parents=True, exist_ok=True)
            image = Image.fromarray(image_of(int(name.removeprefix("mp-")), axis))
            image.save(place / f"{name}_{axis}.jpg", quality=95)
    return folder


def stored(folder, name, axis):
    """As Pillow reads it."""
    with Image.open(folder / str(CRYSTALS[name]) / axis / f"{name}_{axis}.jpg") as image:
        return np.asarray(image)


@pytest.fixture
def raw(tmp_path):
    return write(tmp_path / "raw", gray)


@pytest.fixture
def shaped(tmp_path):
    return write(tmp_path / "shaped", in_color)


def test_gray_images(raw):
    images = load_published(raw)
    assert (images.shape, images.dtype, images.ndim) == ((5, 3, SIZE, SIZE), np.uint8, 4)
    assert images.names.tolist() == IN_ORDER
    assert images.space_group.tolist() == [9, 9, 107, 225, 225]
    for row, name in enumerate(IN_ORDER):
        for i, axis in enumerate(AXES):
            np.testing.assert_array_equal(images[row][i], stored(raw, name, axis))
    assert np.abs(images[1, ...].astype(int) - [gray(7, axis) for axis in AXES]).max() < 40
    assert "5 crystals, gray, 32 pixels" in repr(images)


def test_color_images(shaped):
    images = load_published(shaped)
    assert images.shape == (5, 3, SIZE, SIZE, 3)
    np.testing.assert_array_equal(images[2][1], stored(shaped, "mp-1", "y"))
    # The lines are in the axis' own channel.
    assert images[:][:, 0, 12, 16, 0].min() > 200
    assert images[:][:, 2, 12, 16, 2].min() > 200


def test_rows_are_taken_as_those_of_an_array(raw):
    images = load_published(raw)
    everything = np.asarray(images)
    assert everything.shape == images.shape
    for index in ([3, 0], np.array([1, 1]), slice(1, None, 2), np.arange(5) > 2, -1, np.int64(2)):
        np.testing.assert_array_equal(images[index], everything[index])
    np.testing.assert_array_equal(images[[]], everything[:0])
    np.testing.assert_array_equal(np.stack(list(images)), everything)
    assert np.asarray(images, dtype=float).dtype == float
    for index in (5, -6, [0, 7], (0, 1)):
        with pytest.raises(IndexError):
            images[index]
    dummy = cross_val_score(DummyClassifier(), images, [0, 1, 0, 1, 0], cv=2, error_score="raise")
    assert len(dummy) == 2


def test_images_stay_in_their_files_until_asked_for(raw, monkeypatch):
    reads = []
    opened = Image.open
    monkeypatch.setattr(Image, "open", lambda path, **k: (reads.append(path), opened(path, **k))[1])
    images = load_published(raw)
    reads.clear()
    images[[2, 4]]
    assert len(reads) == 6


def test_gray_images_stored_in_color(tmp_path):
    folder = write(tmp_path, lambda number, axis: np.repeat(gray(number, axis)[..., None], 3, 2))
    images = load_published(folder)
    assert images.shape == (5, 3, SIZE, SIZE)
    np.testing.assert_array_equal(images[0][0], stored(folder, "mp-10", "x")[..., 1])


def test_shaped_images_without_lines_do_not_hide_the_color(tmp_path):
    def few_lines(number, axis):
        image = in_color(number, axis)
        return image if number == 3 else np.repeat(image[..., :1] * 0 + 9, 3, axis=2)

    assert load_published(write(tmp_path, few_lines)).shape[-1] == 3


@pytest.mark.parametrize("size", [16, 20, 32, 45])
def test_size_by_nearest_neighbor(raw, size):
    images, resized = load_published(raw), load_published(raw, image_size=size)
    assert resized.shape == (5, 3, size, size)
    places = [int((k + 0.5) * SIZE / size) for k in range(size)]
    np.testing.assert_array_equal(resized[:], images[:][:, :, places][..., places])


def test_what_does_not_belong_there_does_not_count(raw):
    for name in (".DS_Store", "9/.DS_Store", "9/x/._mp-7_x.jpg", "labels.txt"):
        (raw / name).write_text("of no matter")
    assert len(load_published(raw)) == 5


def rename(folder, old, new):
    (folder / old).rename(folder / new)


def truncate(folder, name):
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: len(data) // 2])


def save(folder, name, size, mode):
    Image.new(mode, size).save(folder / name, "JPEG")


FAULTS = {
    "missing": (lambda f: (f / "9/y/mp-7_y.jpg").unlink(), r"9/y/mp-7_y.jpg: is missing", 4),
    "no axis": (lambda f: shutil.rmtree(f / "107/z"), r"107/z/mp-1_z.jpg: is missing", 4),
    "twice in a group": (
        lambda f: shutil.copy(f / "9/x/mp-7_x.jpg", f / "9/x/mp-7_x.jpeg"),
        r"mp-7_x.jpg: mp-7 is there twice, as .*mp-7_x.jpeg as well",
        4,
    ),
    "twice in two groups": (
        lambda f: shutil.copytree(f / "9", f / "15"),
        r"9/x/mp-10_x.jpg: mp-10 is there twice, as .*15/x/mp-10_x.jpg as well",
        3,
    ),
    "class": (
        lambda f: rename(f, "107", "P4bm"),
        "P4bm: a folder must be named by a space-group number, 1 to 230",
        4,
    ),
    "class beyond": (lambda f: rename(f, "107", "231"), "231: a folder must be named by a", 4),
    "other axis": (lambda f: rename(f, "107/z", "107/w"), "107/w: a group's folders must be", 4),
    "name": (
        lambda f: rename(f, "9/z/mp-7_z.jpg", "9/z/mp-7_x.jpg"),
        r"mp-7_x.jpg: lies among the images of z, but is not named <name>_z.jpg",
        4,
    ),
    "kind": (lambda f: (f / "9/x/notes.txt").write_text(""), "notes.txt: is no .jpg file", 5),
    "no image": (
        lambda f: (f / "9/x/mp-7_x.jpg").write_text("no image"),
        "mp-7_x.jpg: is no readable JPEG image",
        4,
    ),
    "no JPEG": (
        lambda f: Image.new("L", (SIZE, SIZE)).save(f / "9/x/mp-7_x.jpg", "PNG"),
        "mp-7_x.jpg: is no readable JPEG image",
        4,
    ),
    "size": (
        lambda f: save(f, "225/y/mp-3_y.jpg", (20, 20), "L"),
        "mp-3_y.jpg: has 20 x 20 pixels, others 32 x 32",
        4,
    ),
    "oblong": (
        lambda f: save(f, "225/y/mp-3_y.jpg", (20, 32), "L"),
        "mp-3_y.jpg: has 32 x 20 pixels, and images must be square",
        4,
    ),
    "mode": (
        lambda f: save(f, "225/y/mp-3_y.jpg", (SIZE, SIZE), "CMYK"),
        "mp-3_y.jpg: is an image of the mode CMYK",
        4,
    ),
}


@pytest.mark.parametrize(("fault", "message", "left"), FAULTS.values(), ids=FAULTS)
def test_faults_are_named_or_skipped(raw, fault, message, left):
    fault(raw)
    with pytest.raises(ValueError, match=message):
        load_published(raw)
    with pytest.warns(UserWarning, match=f"{left} crystals kept, .*{message}") as caught:
        images = load_published(raw, on_error="skip")
    assert caught[0].filename == __file__
    assert len(images) == left
    assert images[:].shape[0] == left


def test_a_truncated_image_is_found_where_it_is_read(raw):
    truncate(raw, "9/y/mp-7_y.jpg")
    images = load_published(raw)
    images[[0, 2, 3, 4]]
    with pytest.raises(ValueError, match=r"mp-7_y.jpg: is no readable JPEG image \(.*truncated"):
        images[1]
    with pytest.warns(UserWarning, match=r"4 crystals kept.*mp-7_y.jpg"):
        kept = load_published(raw, on_error="skip")
    assert "mp-7" not in kept.names


def test_gray_and_color_do_not_mix(shaped, raw):
    shutil.copy(raw / "9/x/mp-7_x.jpg", shaped / "9/x/mp-7_x.jpg")
    with pytest.raises(ValueError, match=r"mp-7_x.jpg: is gray, and others are in color"):
        load_published(shaped)


def test_without_faults_nothing_is_said(raw):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(load_published(raw, on_error="skip")) == 5


def test_what_is_no_such_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere: no such folder"):
        load_published(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"holds no images named <group>/<x\|y\|z>/<name>_<axis>"):
        load_published(tmp_path)
    (tmp_path / "9" / "x").mkdir(parents=True)
    (tmp_path / "9" / "x" / "a_x.jpg").write_text("no image")
    with pytest.raises(ValueError, match=r"no images to keep .*a_y.jpg: is missing"):
        load_published(tmp_path, on_error="skip")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"on_error": "ignore"}, "on_error must be one of"),
        ({"image_size": 0}, "image_size must be a positive integer or None, got 0"),
        ({"image_size": 1.5}, "image_size must be a positive integer or None, got 1.5"),
        ({"image_size": True}, "image_size must be a positive integer or None, got True"),
    ],
)
def test_bad_parameters(raw, parameters, message):
    with pytest.raises(ValueError, match=message):
        load_published(raw, **parameters)


def test_from_folder_to_space_group(raw, tmp_path):
    """Raw images through the published shaping into a classifier, at once and row by row."""
    images = load_published(raw)
    shaper = PatternShaper.from_preset("tiong2020", image_size=24, dtype="uint8")
    X = shaper.fit_transform(images)
    assert X.shape == (5, 3, 24, 24, 3)
    rows = PatternRows([shaper], images)
    np.testing.assert_array_equal(rows[[4, 1]], X[[4, 1]])
    settings = {
        "architecture_options": {"width": 4, "features": 4, "embedding": 4},
        "epochs": 1, "batch_size": 5, "validation_fraction": 0, "random_state": 0,
    }  # fmt: skip
    at_once = SpaceGroupClassifier("strided", **settings).fit(X, images.space_group)
    by_row = SpaceGroupClassifier("strided", checkpoint_dir=tmp_path / "c", **settings)
    by_row.fit(rows, images.space_group)
    assert by_row.classes_.tolist() == [9, 107, 225]
    np.testing.assert_allclose(by_row.predict_proba(rows), at_once.predict_proba(X), atol=1e-5)
    # Other images of the same number are another training.
    (raw / "9/x/mp-7_x.jpg").write_bytes((raw / "225/x/mp-3_x.jpg").read_bytes())
    with pytest.raises(CheckpointError, match="rows"):
        by_row.fit(PatternRows([shaper], load_published(raw)), images.space_group)


def test_shaped_images_are_what_a_classifier_takes(shaped):
    images = load_published(shaped, image_size=16)
    classifier = SpaceGroupClassifier(
        "msdn", {"growth": 4, "bottleneck": 4, "blocks": (1, 1)}, epochs=1, batch_size=4,
        validation_fraction=0, random_state=0,
    )  # fmt: skip
    classifier.fit(images, images.space_group)
    assert classifier.input_shape_ == (3, 16, 16, 3)
    np.testing.assert_allclose(
        classifier.predict_proba(images), classifier.predict_proba(images[:]), atol=1e-6
    )
