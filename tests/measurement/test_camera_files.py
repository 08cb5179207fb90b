"""Files of cameras: what was written comes back, what is missing is said."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest
import tifffile

from crystalsym.measurement import read_pattern, read_patterns

VALUES = np.arange(3 * 20 * 24, dtype=np.uint16).reshape(3, 20, 24)


def images(path, **options):
    return np.array([pattern.image for pattern in read_patterns(path, **options)])


def test_pages_of_a_tiff_file(tmp_path):
    with tifffile.TiffWriter(tmp_path / "x.tif") as file:
        for page in VALUES:
            file.write(page)
    np.testing.assert_array_equal(images(tmp_path / "x.tif"), VALUES)


def test_pages_of_several_sizes_are_refused(tmp_path):
    with tifffile.TiffWriter(tmp_path / "x.tif") as file:
        file.write(VALUES[0])
        file.write(VALUES[0, :10])
    with pytest.raises(ValueError, match="holds 2 images; give one pattern per file"):
        read_patterns(tmp_path / "x.tif")


@pytest.mark.parametrize("names", [("stack",), ("x", "y", "z")])
def test_npz(tmp_path, names):
    arrays = {"stack": VALUES} if len(names) == 1 else dict(zip(names, VALUES, strict=True))
    np.savez(tmp_path / "x.npz", **arrays)
    np.testing.assert_array_equal(images(tmp_path / "x.npz"), VALUES)


def test_npz_of_something_else(tmp_path):
    np.savez(tmp_path / "x.npz", lattice=np.eye(3), numbers=np.arange(3))
    with pytest.raises(ValueError, match="holds lattice, numbers; images are one array, or three"):
        read_patterns(tmp_path / "x.npz")


def test_mrc(tmp_path):
    mrcfile = pytest.importorskip("mrcfile")
    with mrcfile.new(tmp_path / "x.mrc") as file:
        file.set_data(VALUES.astype(np.int16))
    np.testing.assert_array_equal(images(tmp_path / "x.mrc"), VALUES)


def test_cbf_with_the_header_of_a_detector(tmp_path):
    fabio = pytest.importorskip("fabio")
    header = {
        "_array_data.header_contents": "# Pixel_size 172e-6 m x 172e-6 m\r\n# Detector_distance"
        " 0.20000 m\r\n# Wavelength 0.5 A\r\n# Beam_xy (11.5, 9.0) pixels\r\n"
    }
    data = VALUES[0].astype(np.int32)
    fabio.cbfimage.CbfImage(data=data, header=header).write(str(tmp_path / "x.cbf"))
    pattern = read_pattern(tmp_path / "x.cbf")
    np.testing.assert_array_equal(pattern.image, data)
    assert pattern.q_per_pixel == pytest.approx(0.172 / 200 / 0.5)
    assert pattern.center == (11.5, 9.0)


@pytest.mark.parametrize("marked", [False, True])
def test_hdf5(tmp_path, marked):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["entry/data/images"] = VALUES
        file["entry/dark"] = VALUES[0]
        if marked:
            file.attrs["default"], file["entry"].attrs["default"] = "entry", "data"
            file["entry/data"].attrs["signal"] = "images"
    if not marked:
        with pytest.raises(ValueError, match=r"which dataset holds the images.*/entry/dark"):
            read_patterns(tmp_path / "x.h5")
    named = {} if marked else {"dataset": "/entry/data/images"}
    np.testing.assert_array_equal(images(tmp_path / "x.h5", **named), VALUES)
    with pytest.raises(ValueError, match="has no dataset '/nowhere'"):
        read_patterns(tmp_path / "x.h5", "/nowhere")


def test_missing_library_is_named_with_what_installs_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mrcfile", None)
    (tmp_path / "x.mrc").write_bytes(b"")
    with pytest.raises(ImportError, match=r"read by mrcfile: pip install '\.\[io\]'"):
        read_patterns(tmp_path / "x.mrc")


def test_what_rosettasciio_reads_where_it_is_installed(tmp_path, monkeypatch):
    plugin = types.ModuleType("rsciio_fake")
    plugin.file_reader = lambda path: [
        {"data": VALUES[0], "axes": [{"units": "1/nm", "scale": 0.2}] * 2}
    ]
    rsciio = types.ModuleType("rsciio")
    rsciio.IO_PLUGINS = [{"file_extensions": ["dm3", "dm4"], "api": "rsciio_fake"}]
    monkeypatch.setitem(sys.modules, "rsciio", rsciio)
    monkeypatch.setitem(sys.modules, "rsciio_fake", plugin)
    (tmp_path / "x.dm4").write_bytes(b"")
    pattern = read_pattern(tmp_path / "x.dm4")
    np.testing.assert_array_equal(pattern.image, VALUES[0])
    assert pattern.q_per_pixel == pytest.approx(0.02)


def test_damaged_files_are_errors_that_name_them(tmp_path):
    pytest.importorskip("h5py")
    for name in ("x.h5", "x.npz"):
        (tmp_path / name).write_bytes(b"nothing of the kind")
        with pytest.raises(ValueError, match=rf"{name}: cannot be read as images"):
            read_patterns(tmp_path / name)
