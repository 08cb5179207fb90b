"""``crystalsym simulate`` and ``crystalsym shape``: the files they write."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.pipeline import Pipeline

from crystalsym import DiffractionSimulator, PatternShaper
from crystalsym.measurement import read_pattern


@pytest.mark.parametrize(("form", "suffix"), [("tiff", ".tif"), ("png", ".png")])
def test_writes_three_calibrated_images(run, write_cif, tmp_path, form, suffix):
    cif = write_cif("NaCl", 5.0)
    folder = tmp_path / "new" / "folder"
    code, out, err = run("simulate", cif, "--output", folder, "--format", form)
    assert (code, err) == (0, [])
    paths = [Path(line) for line in out.splitlines()]
    assert paths == [folder / f"NaCl_{s}{suffix}" for s in "xyz"]
    raw = DiffractionSimulator(views="symmetry-directions").transform([cif])[0]
    for path, image, stream in zip(paths, raw, "xyz", strict=True):
        pattern = read_pattern(path)
        assert pattern.bit_depth == 16
        assert pattern.q_per_pixel == pytest.approx(1.457 / 127.5)
        assert pattern.center == (127.5, 127.5)
        assert pattern.metadata["stream"] == stream
        assert pattern.metadata["source"] == "NaCl.cif"
        assert pattern.metadata["views"] == "symmetry-directions"
        shown = np.corrcoef(np.minimum(image, 0.3).ravel(), pattern.image.ravel())[0, 1]
        assert shown > 0.5


def test_options_reach_the_simulator(run, write_cif, tmp_path):
    options = ("--image-size", 100, "--q-max", 0.99, "--views", "cartesian",
               "--radiation", "electron")  # fmt: skip
    code, out, _ = run("simulate", write_cif(), "-o", tmp_path, *options)
    assert code == 0
    pattern = read_pattern(out.split()[0])
    assert pattern.image.shape == (100, 100)
    assert pattern.q_per_pixel == pytest.approx(0.02)
    assert pattern.metadata["views"] == "cartesian"
    assert pattern.metadata["radiation"] == "electron"


def test_crystals_of_one_name_do_not_overwrite_each_other(run, write_cif, tmp_path):
    first = Path(write_cif("a"))
    second = tmp_path / "other" / "a.cif"
    second.parent.mkdir()
    second.write_text(first.read_text())
    code, out, _ = run("simulate", first, second, "-o", tmp_path / "out")
    assert code == 0
    names = [Path(line).name for line in out.split()]
    assert names == [f"{stem}_{s}.tif" for stem in ("a", "a-2") for s in "xyz"]


def test_goes_on_after_a_broken_file(run, write_cif, broken, tmp_path):
    code, out, err = run("simulate", broken, write_cif(), "-o", tmp_path / "out")
    assert (code, len(out.split()), len(err)) == (1, 3, 1)
    assert broken in err[0]
    code, out, err = run("simulate", broken, write_cif(), "-o", tmp_path / "out2", "--strict")
    assert (code, out, len(err)) == (2, "", 1)
    assert not (tmp_path / "out2").exists()


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["x.tif", "-o", "out"], "x.tif"),
        (["x.tif", "y.tif", "z.tif", "-o", "out"], "x.tif: patterns are simulated from structures"),
        (["-o", "out"], "give structure files, or --examples"),
        (["a.cif", "--examples", "-o", "out"], "give structure files, or --examples"),
        (["a.cif"], "the following arguments are required: -o/--output"),
        (["a.cif", "-o", "out", "--image-size", "4"], "image_size must be an integer of at least"),
        (["a.cif", "-o", "out", "--q-max", "0"], "--q-max: '0' is not a positive number"),
        (["a.cif", "-o", "out", "--format", "bmp"], "--format: invalid choice: 'bmp'"),
        (["a.cif", "-o", "a.cif"], "a.cif: no such folder can be made"),
    ],
)
def test_bad_calls(run, write_cif, tmp_path, monkeypatch, args, reason):
    monkeypatch.chdir(tmp_path)
    write_cif("a")
    code, out, err = run("simulate", *args)
    assert (code, out, len(err)) == (2, "", 1)
    assert reason in err[0]


@pytest.mark.parametrize("from_images", [False, True])
def test_shape_writes_what_the_network_sees(run, simulated, tmp_path, from_images, pipeline):
    images, cif = simulated()
    folder = tmp_path / "shaped"
    files = images if from_images else [cif]
    code, out, err = run("shape", *files, "-o", folder)
    assert (code, err) == (0, [])
    paths = out.split()
    stem = "CsCl_x" if from_images else "CsCl"
    assert [Path(path).name for path in paths] == [f"{stem}_shaped_{s}.png" for s in "xyz"]
    expected = pipeline[:2].transform([cif])[0]
    for path, image in zip(paths, expected, strict=True):
        with Image.open(path) as file:
            assert file.mode == "RGB"
            assert file.size == (256, 256)
            red = np.asarray(file)[::4, ::4, 0] / 255
        assert np.abs(red - np.maximum(image[..., 0], 0.16 * image[..., 1])).max() < 0.05


def test_shaped_pictures_are_large_enough_to_see(run, write_cif, tmp_path, pipeline, monkeypatch):
    """Those of the bundled models were pictures of 13 x 13 pixels."""
    sizes = {}
    for size, options in ((13, ()), (224, ()), (13, ("--scale", 1)), (13, ("--scale", 3))):
        small = Pipeline(
            [pipeline.steps[0], ("shape", PatternShaper("spots", image_size=size)), ("x", None)]
        )
        monkeypatch.setattr("crystalsym.cli._shape.load_pipeline", lambda name, p=small: p)
        code, out, _ = run("shape", write_cif(), "-o", tmp_path / "shaped", *options)
        assert code == 0
        with Image.open(out.split()[0]) as file:
            sizes[size, *options] = file.size[0]
            blocks = np.asarray(file).reshape(size, file.size[0] // size, size, -1, 3)
        assert (blocks == blocks[:, :1, :, :1]).all()
    assert list(sizes.values()) == [260, 224, 13, 39]


def test_shape_of_a_broken_file(run, broken, tmp_path):
    code, out, err = run("shape", broken, "-o", tmp_path / "out")
    assert (code, out, len(err)) == (2, "", 1)
