"""``crystalsym identify`` of a camera's images: zones, their order, refusals, pages."""

from __future__ import annotations

import json

import numpy as np
import pytest

from crystalsym import DiffractionSimulator, pretrained
from crystalsym.datasets import example_crystals
from crystalsym.measurement import CameraImages
from crystalsym.measurement._zone_symbols import parse_zones

pytestmark = pytest.mark.skipif(not pretrained.available(), reason="no model is in this tree")
Q_MAX, SIZE = 1.457, 320
SCALE = 2 * Q_MAX / (SIZE - 1)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Camera images of rutile as files, by zone."""
    import tifffile

    folder = tmp_path_factory.mktemp("camera")
    found = {}
    for zones in (["100", "1-10", "001"], ["101", "011", "110"]):
        spots = DiffractionSimulator(views=parse_zones(zones), output="spots").transform(
            [example_crystals()["TiO2-rutile"]]
        )
        camera = CameraImages(SIZE, Q_MAX, spot_sigma=1.1, background=0.01, rotate=True)
        for zone, image in zip(zones, camera.render(spots)[0], strict=True):
            found[zone] = folder / f"{zone}.tif"
            tifffile.imwrite(found[zone], image.image.astype(np.uint16))
    noise = np.random.default_rng(0).poisson(10.0, (SIZE, SIZE)).astype(np.uint16)
    found["noise"] = folder / "noise.tif"
    tifffile.imwrite(found["noise"], noise)
    return found


def of(files, *zones):
    return [*(files[zone] for zone in zones), "--q-per-pixel", SCALE]


def test_zones_put_the_images_into_their_order(run, files):
    code, out, _ = run(
        "identify", *of(files, "001", "100", "1-10"), "--zones", "001", "100", "1-10"
    )
    assert code == 0
    assert "zones              [100] [1-10] [001] (as given)" in out
    assert out.split("probability\n")[1].split()[1] == "136"


def test_other_zones_are_answered_by_a_list(run, files, tmp_path):
    page = tmp_path / "out.html"
    code, out, _ = run("identify", *of(files, "101", "011", "110"), "--zones", "101", "011",
                       "110", "--json", "--report", page)  # fmt: skip
    assert code == 0
    (found,) = json.loads(out)["inputs"]
    assert found["zones"] == "[101] [011] [110]"
    assert found["zones_given"] is True
    assert found["model"] == "230-zones"
    np.testing.assert_allclose(sorted(found["cell"][:3]), [2.96, 4.59, 4.59], rtol=0.01)
    assert found["laue_class"] == "4/mmm"
    assert "Evidence as text" in page.read_text(encoding="utf-8")


def test_without_zones_the_assumption_is_said(run, files):
    code, out, errors = run("identify", *of(files, "100", "1-10", "001"), "--camera")
    assert code == 0
    assert "(assumed, as their lattices share rows)" in out
    assert any("zones [100] [1-10] [001] were assumed" in line for line in errors)


def test_an_order_is_taken(run, files):
    named = run("identify", *of(files, "001", "100", "1-10"), "--camera", "--order", "zxy")[1]
    plain = run("identify", *of(files, "100", "1-10", "001"), "--camera")[1]
    assert named.splitlines()[1:] == plain.splitlines()[1:]


def test_a_refused_image_is_named_and_stands_on_the_page(run, files, tmp_path):
    page = tmp_path / "out.html"
    code, out, errors = run("identify", *of(files, "100", "noise", "001"), "--camera",
                            "--report", page)  # fmt: skip
    assert (code, out) == (2, "")
    assert errors == [f"crystalsym: error: {files['noise']}: too few spots (0)"]
    assert "Refused: too few spots (0)" in page.read_text(encoding="utf-8")


def test_a_model_of_patterns_does_not_know_other_zones(run, files):
    code, _, errors = run("identify", *of(files, "101", "011", "110"), "--zones", "101", "011",
                          "110", "--model", "72")  # fmt: skip
    assert code == 2
    assert "'72' knows patterns along the symmetry directions" in errors[0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--zones", "100", "010", "110"], "lie in one plane"),
        (["--zones", "100", "010", "what"], "'what' is no zone axis"),
        (["--camera", "--order", "xxx"], "invalid choice"),
        (["--camera", "--report", "out.txt"], "out.txt: the name of a report ends in .html"),
        (["--camera", "--report", "nowhere/out.html"], "does not exist"),
        (["--camera", "--camera-length", "500"], "a scale follows from camera_length"),
    ],
)
def test_options_that_do_not_fit_are_one_line(run, files, options, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    three = of(files, "100", "1-10", "001")
    code, _, errors = run(
        "identify", *(three[:3] if "--camera-length" in options else three), *options
    )
    assert code == 2
    assert said in " ".join(errors)


def test_a_page_of_structures_and_what_failed(run, write_cif, broken, tmp_path):
    page = tmp_path / "out.html"
    code, out, _ = run("identify", write_cif(), broken, "--report", page)
    assert code == 1
    assert out
    text = page.read_text(encoding="utf-8")
    assert "CsCl.cif" in text
    assert "Not answered:" in text
    assert "broken.cif" in text
    assert "Patterns, and what the network saw" in text
