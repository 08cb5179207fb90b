"""Image files of patterns: what is written comes back, and what cannot be read is named."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin, TiffImagePlugin

from crystalsym.measurement import (
    Pattern,
    read_pattern,
    read_patterns,
    resample_pattern,
    write_pattern,
)

FIXTURES = Path(__file__).parent.parent / "fixtures"


def spots(size: int = 65, beam: float = 0.0) -> np.ndarray:
    """A few spots of very different strength around an optional direct beam."""
    image = np.zeros((size, size))
    middle = size // 2
    image[middle, middle] = beam
    for dx, dy, strength in [(20, 0, 1.0), (0, 20, 0.01), (-20, 0, 1e-4), (15, -15, 3e-5)]:
        image[middle + dy, middle + dx] = strength
    return image


def tiff_with(path, pixels, description=None, resolution=None):
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    if description is not None:
        tags[270] = description
    if resolution is not None:
        tags[282] = tags[283] = resolution
        tags[296] = 1
    Image.fromarray(pixels).save(path, tiffinfo=tags)
    return path


@pytest.mark.parametrize("suffix", [".tif", ".tiff", ".png", ".TIF"])
def test_what_is_written_comes_back(tmp_path, suffix):
    image = spots(beam=300.0)
    metadata = {"view": "[100]", "radiation": "xray", "wavelength": 0.035, "cell": [1, 2.5]}
    path = write_pattern(tmp_path / f"x{suffix}", image, 0.01143, metadata)
    pattern = read_pattern(path)
    assert pattern.bit_depth == 16
    assert pattern.path == path
    assert pattern.q_per_pixel == pytest.approx(0.01143, rel=1e-12)
    assert pattern.center == (32, 32)
    assert pattern.metadata == metadata
    assert pattern.image.dtype == np.float32
    clipped = np.minimum(image, 1.0)
    np.testing.assert_allclose(pattern.image / 65535, clipped, atol=0.5001 / 65535)
    assert (pattern.image[image > 0] > 0).all()  # the weakest spot, 3e-5, is still there


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    exponent=st.floats(-20, 20),
    q_per_pixel=st.floats(1e-6, 1e3),
    suffix=st.sampled_from([".tif", ".png"]),
)
def test_any_image_survives_up_to_its_sixteen_bits(
    tmp_path_factory, seed, height, width, exponent, q_per_pixel, suffix
):
    image = np.random.default_rng(seed).random((height, width)) * 10**exponent
    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    pattern = read_pattern(write_pattern(path, image, q_per_pixel, beam_radius=0))
    assert pattern.q_per_pixel == q_per_pixel
    assert pattern.image.shape == image.shape
    strongest = np.unravel_index(image.argmax(), image.shape)
    if strongest != ((height - 1) / 2, (width - 1) / 2):  # else it counts as the beam
        np.testing.assert_allclose(pattern.image, image / image.max() * 65535, atol=0.5001)


def test_flank_of_the_beam_does_not_set_the_scale(tmp_path):
    y, x = np.indices((64, 64)) - 31.5
    beam = 1e6 * np.exp(-(x**2 + y**2) / 2)
    spot = np.exp(-((x - 20) ** 2 + (y - 0.5) ** 2) / 2)
    path = write_pattern(tmp_path / "x.tif", beam + spot, 0.01)
    image = read_pattern(path).image
    assert image[32, 51] == image[32, 52] == 65535 == image[31, 28]
    assert image[32, 54] == pytest.approx(65535 * np.exp(-(2.5**2 - 0.5**2) / 2), abs=1)


def test_beam_disc_follows_the_center(tmp_path):
    image = np.full((64, 64), 0.1)
    image[10, 20] = 50.0  # the beam, off the middle
    image[40, 40] = 1.0
    pattern = read_pattern(write_pattern(tmp_path / "x.tif", image, 0.01, center=(20, 10)))
    assert pattern.center == (20, 10)
    assert pattern.image[40, 40] == pattern.image[10, 20] == 65535
    assert pattern.image[0, 0] == pytest.approx(6553.5, abs=0.5)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_dark_image_and_lone_beam(tmp_path, value):
    image = np.zeros((32, 32))
    image[15, 15] = value
    pattern = read_pattern(write_pattern(tmp_path / "x.tif", image, 0.01))
    assert pattern.image.max() == 65535 * value


def test_files_are_plain_sixteen_bit_images_for_others(tmp_path):
    with Image.open(write_pattern(tmp_path / "x.tif", spots(), 0.02, {"a": 1})) as file:
        assert file.mode == "I;16"
        assert json.loads(file.tag_v2[270])["q_per_pixel"] == 0.02
        assert float(file.tag_v2[282]) == pytest.approx(50)  # pixels per 1/Å, as ImageJ has it
        assert file.tag_v2[296] == 1
    with Image.open(write_pattern(tmp_path / "x.png", spots(), 0.02, {"a": 1})) as file:
        assert np.asarray(file).max() == 65535
        assert json.loads(file.text["Description"])["metadata"] == {"a": 1}


def test_metadata_may_hold_numpy_and_paths(tmp_path):
    given = {"n": np.int64(3), "v": np.arange(3), "p": tmp_path, "é": "Å"}
    pattern = read_pattern(write_pattern(tmp_path / "x.tif", spots(), 0.02, given))
    assert pattern.metadata == {"n": 3, "v": [0, 1, 2], "p": str(tmp_path), "é": "Å"}


@pytest.mark.parametrize(
    ("image", "q_per_pixel", "name", "reason"),
    [
        (spots(), 0.01, "x.jpg", "are written to .tif, .tiff, .png"),
        (np.zeros((2, 3, 3)), 0.01, "x.tif", r"shape \(H, W\), not \(2, 3, 3\)"),
        (np.zeros((0, 3)), 0.01, "x.tif", "shape"),
        (np.full((8, 8), np.nan), 0.01, "x.tif", "finite and not negative"),
        (np.full((8, 8), -1.0), 0.01, "x.tif", "finite and not negative"),
        (spots(), 0.0, "x.tif", "q_per_pixel must be a positive number, not 0.0"),
        (spots(), None, "x.tif", "q_per_pixel must be a positive number"),
        (spots(), np.inf, "x.tif", "q_per_pixel must be a positive number"),
    ],
)
def test_write_refuses(tmp_path, image, q_per_pixel, name, reason):
    with pytest.raises(ValueError, match=rf"{name}.*{reason}"):
        write_pattern(tmp_path / name, image, q_per_pixel)
    assert not (tmp_path / name).exists()


def test_write_refuses_metadata_that_json_cannot_hold(tmp_path):
    with pytest.raises(TypeError, match="metadata"):
        write_pattern(tmp_path / "x.tif", spots(), 0.01, {"f": object()})


def broken_file(tmp_path, kind):
    path = tmp_path / "x.png"
    if kind == "folder":
        path.mkdir()
    elif kind == "text":
        path.write_text("not an image")
    elif kind == "empty":
        path.touch()
    elif kind in ("cut", "cut tiff"):
        path = path.with_suffix(".png" if kind == "cut" else ".tif")
        noise = np.random.default_rng(0).random((64, 64))
        write_pattern(path, noise, 0.01)
        path.write_bytes(path.read_bytes()[:3000])
    elif kind == "pages":
        path = path.with_suffix(".tif")
        page = Image.fromarray(np.zeros((8, 8), np.uint16))
        page.save(path, save_all=True, append_images=[page])
    elif kind == "nan":
        path = path.with_suffix(".tif")
        Image.fromarray(np.full((8, 8), np.nan, np.float32)).save(path)
    elif kind == "suffix":
        path = path.with_suffix(".jpg")
        path.touch()
    elif kind == "q":
        path = tiff_with(tmp_path / "x.tif", np.eye(8, dtype=np.uint16), '{"q_per_pixel": -1}')
    elif kind == "center":
        path = tiff_with(tmp_path / "x.tif", np.eye(8, dtype=np.uint16), '{"center": "left"}')
    return path


@pytest.mark.parametrize(
    ("kind", "error", "reason"),
    [
        ("missing", FileNotFoundError, "no such file"),
        ("folder", ValueError, "is a folder"),
        ("text", ValueError, "not a readable TIFF or PNG image"),
        ("empty", ValueError, "not a readable TIFF or PNG image"),
        ("cut", ValueError, "cannot be read"),
        ("cut tiff", ValueError, "read"),
        ("pages", ValueError, "holds 2 images; give one pattern per file"),
        ("nan", ValueError, "holds NaN or infinite values"),
        ("suffix", ValueError, "images are read from .tif, .tiff, .png, .npy files"),
        ("q", ValueError, "q_per_pixel in its metadata must be a positive number"),
        ("center", ValueError, "center in its metadata"),
    ],
)
def test_read_names_the_file_and_the_reason(tmp_path, kind, error, reason):
    path = broken_file(tmp_path, kind)
    with pytest.raises(error, match=reason) as caught:
        read_pattern(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "LA"])
def test_eight_bit_and_color_images_become_gray(tmp_path, mode):
    gray = np.zeros((16, 16), np.uint8)
    gray[4, 10] = 255
    Image.fromarray(gray).convert(mode).save(tmp_path / "x.png")
    pattern = read_pattern(tmp_path / "x.png")
    assert pattern.bit_depth == 8
    assert pattern.q_per_pixel is None
    assert pattern.center is None
    assert pattern.beam == (7.5, 7.5)
    assert np.argwhere(pattern.image).tolist() == [[4, 10]]


@pytest.mark.parametrize("dtype", [np.uint16, ">u2", np.int32, np.float32])
def test_deep_images_keep_their_values(tmp_path, dtype):
    values = (np.arange(64).reshape(8, 8) * 1000).astype(dtype)
    path = tiff_with(tmp_path / "x.tif", values)
    pattern = read_pattern(path)
    assert pattern.bit_depth == (16 if np.dtype(dtype).itemsize == 2 else 32)
    np.testing.assert_array_equal(pattern.image, values.astype(np.float32))


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_compressed_images(tmp_path, compression, dtype):
    values = np.random.default_rng(0).integers(0, 256, (70, 90)).astype(dtype)
    Image.fromarray(values).save(tmp_path / "x.tif", compression=compression)
    pattern = read_pattern(tmp_path / "x.tif")
    np.testing.assert_array_equal(pattern.image, values)
    assert pattern.bit_depth == 8 * values.dtype.itemsize


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("samples", [3, 4])
def test_color_tiff_becomes_gray(tmp_path, planar, dtype, samples):
    values = np.random.default_rng(0).integers(0, 256, (16, 20, samples)).astype(dtype)
    given = values if planar == "contig" else np.moveaxis(values, -1, 0)
    tifffile.imwrite(tmp_path / "x.tif", given, photometric="rgb", planarconfig=planar)
    pattern = read_pattern(tmp_path / "x.tif")
    np.testing.assert_allclose(pattern.image, values[..., :3] @ [0.299, 0.587, 0.114], rtol=1e-6)
    assert pattern.bit_depth == 8 * np.dtype(dtype).itemsize


def test_palette_tiff_becomes_gray(tmp_path):
    gray = np.zeros((16, 16), np.uint8)
    gray[4, 10] = 255
    Image.fromarray(gray).convert("P").save(tmp_path / "x.tif")
    assert np.argwhere(read_pattern(tmp_path / "x.tif").image).tolist() == [[4, 10]]


def test_files_of_the_first_version_keep_their_scale():
    """Written by version 0.1.0, whose TIFF came from Pillow."""
    for suffix in (".tif", ".png"):
        pattern = read_pattern(FIXTURES / f"pattern_0_1_0{suffix}")
        assert pattern.q_per_pixel == 0.01143
        assert pattern.center == (10.25, 12.0)
        assert pattern.metadata == {"view": "[100]", "stream": "x"}
        assert pattern.bit_depth == 16
        assert pattern.image.shape == (20, 24)
        assert pattern.image[3, 5] == 65535
        assert pattern.image[15, 7] == 655
        assert pattern.image.sum() == 65535 + 655


def test_small_copies_for_viewers_do_not_count(tmp_path):
    values = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    with tifffile.TiffWriter(tmp_path / "x.tif") as file:
        file.write(values)
        file.write(values[::4, ::4], subfiletype=1)
    np.testing.assert_array_equal(read_pattern(tmp_path / "x.tif").image, values)


def test_stacks_of_imagej_are_several_images(tmp_path):
    tifffile.imwrite(tmp_path / "x.tif", np.zeros((3, 8, 8), np.uint16), imagej=True)
    with pytest.raises(ValueError, match="holds 3 images; give one pattern per file"):
        read_pattern(tmp_path / "x.tif")


def test_a_header_that_claims_too_much_is_refused(tmp_path):
    tiff_with(tmp_path / "x.tif", np.eye(8, dtype=np.uint16))
    content = (tmp_path / "x.tif").read_bytes()
    for tag in (256, 257):  # width and height
        was = struct.pack("<HHII", tag, 4, 1, 8), struct.pack("<HHIHH", tag, 3, 1, 8, 0)
        assert sum(content.count(each) for each in was) == 1
        for each in was:
            content = content.replace(each, struct.pack("<HHII", tag, 4, 1, 10**6))
    (tmp_path / "x.tif").write_bytes(content)
    with pytest.raises(ValueError, match="claims to hold 1000000 x 1000000 pixels"):
        read_pattern(tmp_path / "x.tif")


def test_tifffile_reports_nothing_by_itself(tmp_path, capfd):
    path = write_pattern(tmp_path / "x.tif", np.random.default_rng(0).random((64, 64)), 0.01)
    for length in (20, 300, 3000):
        short = tmp_path / f"{length}.tif"
        short.write_bytes(path.read_bytes()[:length])
        with pytest.raises(ValueError, match=rf"{length}\.tif"):
            read_pattern(short)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64, bool])
def test_arrays_are_images(tmp_path, dtype):
    values = (np.arange(48).reshape(6, 8) % 7).astype(dtype)
    np.save(tmp_path / "x.npy", values)
    pattern = read_pattern(tmp_path / "x.npy")
    np.testing.assert_array_equal(pattern.image, values)
    assert pattern.image.dtype == np.float32
    assert pattern.q_per_pixel is None
    assert pattern.bit_depth == {1: 8, 2: 16}.get(np.dtype(dtype).itemsize, 32)
    np.save(tmp_path / "xyz.npy", np.stack([values, values, values]))
    assert [p.image.shape for p in read_patterns(tmp_path / "xyz.npy")] == [(6, 8)] * 3
    with pytest.raises(ValueError, match=r"xyz\.npy: holds 3 images"):
        read_pattern(tmp_path / "xyz.npy")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.zeros(4), r"array of shape \(4,\); an image is \(H, W\)"),
        (np.zeros((1, 3, 4, 4)), "array of shape"),
        (np.zeros((0, 4)), "array of shape"),
        (np.zeros((4, 4), complex), "must be real numbers, not complex128"),
        (np.full((4, 4), np.nan), "holds NaN or infinite values"),
        (np.array([{"a": 1}]), "not a readable NumPy array"),
        (None, "not a readable NumPy array"),
    ],
)
def test_arrays_that_are_no_images(tmp_path, values, reason):
    path = tmp_path / "x.npy"
    path.write_bytes(b"no array") if values is None else np.save(path, values, allow_pickle=True)
    with pytest.raises(ValueError, match=rf"x\.npy: .*{reason}"):
        read_pattern(path)


def test_sixteen_bit_white_is_zero(tmp_path):
    values = np.zeros((8, 8), np.uint16)
    values[2, 5] = 40000
    path = tiff_with(tmp_path / "x.tif", 65535 - values)
    content = path.read_bytes()
    one = struct.pack("<HHIHH", 262, 3, 1, 1, 0)
    assert content.count(one) == 1
    path.write_bytes(content.replace(one, struct.pack("<HHIHH", 262, 3, 1, 0, 0)))
    np.testing.assert_array_equal(read_pattern(path).image, values)


def test_negative_values_become_zero(tmp_path):
    tiff_with(tmp_path / "x.tif", np.linspace(-1, 1, 64, dtype=np.float32).reshape(8, 8))
    image = read_pattern(tmp_path / "x.tif").image
    assert image.min() == 0
    assert image.max() == 1


@pytest.mark.parametrize(
    ("description", "resolution", "expected"),
    [
        ("ImageJ=1.53\nunit=1/nm\n", 20.0, 0.005),
        ("ImageJ=1.53\nunit=nm^-1\n", 20.0, 0.005),
        ("ImageJ=1.53\nunit=1/A\n", 20.0, 0.05),
        ("ImageJ=1.53\nunit=\\u00C5^-1\n", 20.0, 0.05),
        ("ImageJ=1.53\nunit=micron\n", 20.0, None),
        ("ImageJ=1.53\nunit=1/nm\n", None, None),
        ('{"q_per_pixel": 0.02}', None, 0.02),
        ("[1, 2]", None, None),
        ("taken on a rainy day", 20.0, None),
    ],
)
def test_scales_of_other_programs(tmp_path, description, resolution, expected):
    path = tiff_with(tmp_path / "x.tif", np.eye(8, dtype=np.uint16), description, resolution)
    assert read_pattern(path).q_per_pixel == (expected and pytest.approx(expected))


def test_png_with_foreign_text(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_text("Description", "a holiday")
    Image.fromarray(np.eye(8, dtype=np.uint16)).save(tmp_path / "x.png", pnginfo=info)
    assert read_pattern(tmp_path / "x.png").q_per_pixel is None


@pytest.mark.parametrize("size", [64, 65])
def test_resampling_to_the_same_geometry_changes_nothing(size):
    image = np.random.default_rng(0).random((size, size)).astype(np.float32)
    pattern = Pattern(image, q_per_pixel=1.457 / ((size - 1) / 2))
    np.testing.assert_array_equal(resample_pattern(pattern, 1.457, size), image)
    unknown = Pattern(image)  # taken to reach q_max
    np.testing.assert_array_equal(resample_pattern(unknown, 0.3, size), image)


@settings(max_examples=40, deadline=None)
@given(
    q=st.tuples(st.floats(-0.8, 0.8), st.floats(-0.8, 0.8)),
    shape=st.tuples(st.integers(150, 260), st.integers(150, 260)),
    shift=st.tuples(st.floats(-4, 4), st.floats(-4, 4)),
    size=st.sampled_from([64, 101, 256]),
)
def test_spots_keep_their_place_in_q(q, shape, shift, size):
    height, width = shape
    pitch = 2.0 / (min(shape) - 12)  # at least 1.0 1/Å to every side
    center = ((width - 1) / 2 + shift[0], (height - 1) / 2 + shift[1])
    y, x = np.indices(shape)
    spot = (x - center[0] - q[0] / pitch) ** 2 + (y - center[1] - q[1] / pitch) ** 2
    pattern = Pattern(np.exp(-spot / 4.5).astype(np.float32), pitch, center)
    target = resample_pattern(pattern, 1.0, size)
    assert target.shape == (size, size)
    assert target.dtype == np.float32
    step = 1.0 / ((size - 1) / 2)
    rows, columns = np.indices(target.shape) - (size - 1) / 2
    found = np.array([(columns * target).sum(), (rows * target).sum()]) / target.sum() * step
    np.testing.assert_allclose(found, q, atol=0.2 * step)


def test_what_lies_beyond_the_pattern_is_dark():
    pattern = Pattern(np.ones((51, 51), np.float32), q_per_pixel=0.01)
    target = resample_pattern(pattern, 1.0, 101)
    assert target[50, 50] == 1
    assert target[50, 20] == target[90, 50] == 0


def test_narrow_spots_survive_a_coarser_grid():
    rng = np.random.default_rng(0)
    for x, y in rng.integers(100, 924, (20, 2)):
        image = np.zeros((1024, 1024), np.float32)
        image[y, x] = 1
        assert resample_pattern(Pattern(image), 1.0, 128).max() > 5e-3


@pytest.mark.parametrize(("q_max", "size"), [(0, 64), (np.nan, 64), (1.0, 1)])
def test_resampling_refuses_impossible_targets(q_max, size):
    with pytest.raises(ValueError, match="must be"):
        resample_pattern(Pattern(np.ones((8, 8), np.float32)), q_max, size)
