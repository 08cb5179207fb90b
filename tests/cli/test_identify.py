"""``crystalsym identify`` without network weights: its output, its warnings, its refusals."""

from __future__ import annotations

import json

import matplotlib
import numpy as np
import pytest
from PIL import Image

from crystalsym import crystals, spacegroups
from crystalsym.cli import _identify as identify
from crystalsym.cli._identify import load_pipeline  # before a fixture replaces it
from crystalsym.identification import _identifying
from crystalsym.measurement import read_pattern


def answers(run, *args):
    code, out, err = run("identify", "--json", *args)
    assert code == 0
    assert not err
    return json.loads(out)["inputs"]


def test_table(run, write_cif):
    cif = write_cif()
    code, out, err = run("identify", cif, "--top", 3)
    assert code == 0
    assert not err
    lines = out.splitlines()
    assert lines[0] == cif
    assert "symmetry finder    221 Pm-3m, cubic (symprec 0.1 Å)" in lines[1]
    assert "diffraction class" in lines[2]
    assert lines[3].split() == ["rank", "number", "symbol", "crystal", "system", "probability"]
    ranks = [line.split() for line in lines[4:7]]
    assert [row[0] for row in ranks] == ["1", "2", "3"]
    for row in ranks:
        assert row[2] == spacegroups.symbol(int(row[1]))
        assert row[3] == spacegroups.crystal_system(int(row[1]))
    assert not "".join(lines[7:]).strip()


def test_table_says_when_the_model_does_not_know_the_group(run, write_cif):
    tetragonal = write_cif(c=5.5)
    _, out, _ = run("identify", tetragonal)
    assert "123 P4/mmm, tetragonal (symprec 0.1 Å, unknown to the model)" in out


def test_json_of_structures(run, write_cif, pipeline):
    cifs = [write_cif(), write_cif("Po", 3.35, 4.0, "Po", "Po", 0.4)]
    code, out, err = run("identify", "--json", "--top", 4, *cifs)
    assert (code, err) == (0, [])
    found = json.loads(out)
    assert found["errors"] == []
    expected = pipeline.predict_proba(cifs)
    assert [entry["path"] for entry in found["inputs"]] == cifs
    for entry, probabilities in zip(found["inputs"], expected, strict=True):
        assert set(entry) == {"path", "symmetry_finder", "predictions", "diffraction_class"}
        assert len(entry["predictions"]) == 4
        order = np.argsort(-probabilities)[:4]
        classes = pipeline[-1].classes_
        assert [p["number"] for p in entry["predictions"]] == classes[order].tolist()
        for p, k in zip(entry["predictions"], order, strict=True):
            assert set(p) == {"number", "symbol", "crystal_system", "probability"}
            assert p["symbol"] == spacegroups.symbol(p["number"])
            assert p["crystal_system"] == spacegroups.crystal_system(p["number"])
            assert p["probability"] == pytest.approx(probabilities[k], abs=2e-6)
    assert found["inputs"][0]["symmetry_finder"]["number"] == 221
    assert found["inputs"][0]["symmetry_finder"]["symbol"] == "Pm-3m"


def test_prediction_sets_when_asked_for(run, write_cif):
    cif = write_cif()
    (entry,) = answers(run, cif, "--coverage", 0.9, "--top", 2)
    groups = [p["number"] for p in entry["predictions"]]
    assert entry["prediction_set"] == {"coverage": 0.9, "groups": groups}
    _, out, _ = run("identify", cif, "--coverage", 0.9)
    (line,) = [line for line in out.splitlines() if "prediction set" in line]
    names = ", ".join(f"{group} {spacegroups.symbol(group)}" for group in groups)
    assert line == f"  prediction set     90 %: {names}"
    code, out, err = run("identify", cif, "--coverage", 0.99)
    assert (code, out, err) == (2, "", ["crystalsym: error: too few validation rows"])


def test_diffraction_class_has_the_probability_of_its_groups(run, write_cif, pipeline):
    cif = write_cif()
    (entry,) = answers(run, cif)
    found = entry["diffraction_class"]
    inside = np.isin(pipeline[-1].classes_, found["groups"])
    expected = pipeline.predict_proba([cif])[0][inside].sum()
    assert found["probability"] == pytest.approx(expected, abs=2e-6)
    _, out, _ = run("identify", cif)
    assert f"diffraction class  {100 * expected:.2f} %: " in out


def test_symprec_belongs_to_the_whole_answer(run, write_cif):
    cif = write_cif("almost", x=0.505)
    coarse = answers(run, cif, "--symprec", 0.1)[0]
    fine = answers(run, cif, "--symprec", 0.001)[0]
    assert coarse["symmetry_finder"]["number"] == 221
    assert fine["symmetry_finder"]["number"] == 160
    assert coarse["predictions"] != fine["predictions"]  # of a cube, and of what is nearly one
    assert answers(run, cif)[0]["predictions"] == coarse["predictions"]


def test_more_groups_asked_for_than_there_are(run, write_cif):
    entry = answers(run, write_cif(), "--top", 100)[0]
    assert len(entry["predictions"]) == 10
    assert sum(p["probability"] for p in entry["predictions"]) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("form", ["tiff", "png"])
def test_images_rank_as_the_structure_they_show(run, simulated, form):
    images, cif = simulated("--format", form, a=5.0, c=7.0, x=0.3)
    (of_images,) = answers(run, *images)
    (of_structure,) = answers(run, cif)
    assert of_images["path"] == images
    assert of_images["symmetry_finder"] is None
    assert of_images["diffraction_class"]["groups"] == of_structure["diffraction_class"]["groups"]
    for a, b in zip(of_images["predictions"], of_structure["predictions"], strict=True):
        assert a["number"] == b["number"]
        assert a["probability"] == pytest.approx(b["probability"], abs=2e-3)


def test_images_of_another_size_and_range(run, simulated):
    options = ("--image-size", 400, "--q-max", 1.9)
    images, cif = simulated(*options, a=5.0, c=7.0, x=0.3)
    (of_images,) = answers(run, *images)
    (of_structure,) = answers(run, cif)
    first, second = (entry["predictions"][0] for entry in (of_images, of_structure))
    assert first["number"] == second["number"]
    assert first["probability"] == pytest.approx(second["probability"], abs=0.1)


def eight_bit(images, tmp_path):
    paths = []
    for name, file in zip("xyz", images, strict=True):
        with Image.open(file) as image:
            gray = (np.asarray(image) / 257).astype(np.uint8)
        Image.fromarray(gray).save(tmp_path / f"{name}.png")
        paths.append(str(tmp_path / f"{name}.png"))
    return paths


def test_eight_bit_images_without_scale_are_taken_with_a_warning(run, simulated, tmp_path):
    """Eight bits of linear gray rank as well as sixteen."""
    paths = eight_bit(simulated()[0], tmp_path)
    code, out, err = run("identify", *paths)
    assert code == 0
    assert " ".join(paths) in out
    assert "symmetry finder" not in out
    assert len(err) == 1
    assert "no q scale in the file" in err[0]
    assert "1.457 1/Å" in err[0]
    for path in paths:
        assert path in err[0]


@pytest.mark.parametrize("bits", [8, 16])
def test_logarithmic_gray_is_noticed(run, simulated, tmp_path, bits):
    paths = []
    for name, file in zip("xyz", simulated(a=5.0, c=7.0, x=0.3)[0], strict=True):
        with Image.open(file) as image:
            gray = np.log1p(np.asarray(image, dtype=float)) / np.log(65536) * (2**bits - 1)
        Image.fromarray(gray.astype(f"u{bits // 8}")).save(tmp_path / f"{name}.png")
        paths.append(str(tmp_path / f"{name}.png"))
    code, _, err = run("identify", *paths, "--q-per-pixel", 0.01143)
    assert (code, len(err)) == (0, 1)
    assert ", ".join(paths) in err[0]
    assert "the gray looks logarithmic, strong spots being flatter than weak ones" in err[0]


def test_arrays_are_images(run, simulated, tmp_path):
    files, _ = simulated(a=5.0, c=7.0, x=0.3)
    arrays = [read_pattern(file).image for file in files]
    scale = ("--q-per-pixel", read_pattern(files[0]).q_per_pixel)
    for name, array in zip("xyz", arrays, strict=True):
        np.save(tmp_path / f"{name}.npy", array)
    np.save(tmp_path / "all.npy", np.stack(arrays))
    (expected,) = answers(run, *files)
    (one,) = answers(run, *[tmp_path / f"{name}.npy" for name in "xyz"], *scale)
    (three,) = answers(run, tmp_path / "all.npy", *scale)
    assert one["predictions"] == three["predictions"] == expected["predictions"]
    assert three["path"] == [str(tmp_path / "all.npy")]
    np.save(tmp_path / "two.npy", np.stack(arrays[:2]))
    code, _, err = run("identify", tmp_path / "two.npy")
    assert (code, len(err)) == (2, 1)
    assert "two.npy: holds 2 images; three are needed, of the zone axes x, y and z" in err[0]


def test_q_per_pixel_overrides_what_files_tell(run, simulated, tmp_path, pipeline):
    images, _ = simulated()
    paths = eight_bit(images, tmp_path)
    q = pipeline[0].q_per_pixel
    code, _, err = run("identify", *paths, "--q-per-pixel", q)
    assert (code, err) == (0, [])
    code, _, err = run("identify", *images, "--q-per-pixel", q / 2)
    assert code == 0
    assert "reaches q = 0.729 1/Å, the model expects 1.457 1/Å" in err[0]


def test_warns_of_images_in_the_wrong_order_and_of_other_views(run, simulated):
    (x, y, z), _ = simulated("--views", "rotations")
    code, _, err = run("identify", y, x, z)
    assert code == 0
    assert [line.rsplit(": ", 1)[1] for line in err[:2]] == [
        "is pattern y by its metadata, but given as x",
        "is pattern x by its metadata, but given as y",
    ]
    assert "views 'rotations', the model expects 'symmetry-directions'" in err[2]


def test_plot_of_structures(run, write_cif, tmp_path):
    files = [write_cif(), write_cif("b", 5.0)]
    code, out, err = run("identify", *files, "--plot", tmp_path / "out.png")
    assert (code, err) == (0, [])
    assert "rank" in out
    with Image.open(tmp_path / "out.png") as image:
        assert image.width > 1200
        assert image.height > 1200
        assert len(np.unique(np.asarray(image.convert("L")))) > 50


def test_plot_of_images_as_pdf(run, simulated, tmp_path):
    code, _, err = run("identify", *simulated()[0], "--plot", tmp_path / "out.pdf", "--top", 20)
    assert (code, err) == (0, [])
    assert (tmp_path / "out.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("suffix", [".png", ".pdf"])
def test_plot_of_many_is_several_pages(run, write_cif, tmp_path, suffix):
    """24 crystals made one picture 16,402 pixels high."""
    files = [write_cif(name, 4 + 0.1 * i) for i, name in enumerate("abcdef")]
    code, _, err = run("identify", *files, "--plot", tmp_path / f"out{suffix}")
    assert code == 0
    if suffix == ".pdf":
        assert err == []
        assert (tmp_path / "out.pdf").read_bytes().count(b"/Type /Page ") == 2
        return
    written = sorted(path.name for path in tmp_path.glob("out*"))
    assert written == ["out-1.png", "out-2.png"]
    assert len(err) == 1
    assert f"6 inputs do not fit: see {tmp_path}/out-1.png to {tmp_path}/out-2.png" in err[0]
    for name in written:
        with Image.open(tmp_path / name) as image:
            assert max(image.size) < 3000


def test_plot_names_the_zones_and_what_the_model_does_not_know(run, write_cif, tmp_path):
    files = [write_cif(), write_cif("tetragonal", c=5.5)]
    code, _, err = run("identify", *files, "--plot", tmp_path / "out.svg")
    assert (code, err) == (0, [])
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        run("identify", *files, "--plot", tmp_path / "out.svg")
    text = (tmp_path / "out.svg").read_text()
    assert text.count("not among this model") == 1
    assert text.count("[111]") == text.count("[100]") == 1
    assert " or " not in text


def test_plot_shows_only_so_many(run, write_cif, tmp_path, monkeypatch):
    from crystalsym.cli import _report as report

    monkeypatch.setattr(report, "_MOST_BLOCKS", 1)
    files = [write_cif(), write_cif("b", 5.0)]
    code, _, err = run("identify", *files, "--plot", tmp_path / "out.svg")
    assert code == 0
    assert "shows the first 1 of 2 inputs" in err[0]


def test_one_broken_structure_does_not_stop_the_others(run, write_cif, broken, tmp_path):
    good, missing = write_cif(), str(tmp_path / "missing.cif")
    code, out, err = run("identify", broken, good, missing, "--json")
    assert code == 1
    assert len(err) == 2
    assert err[0].startswith(f"crystalsym: error: {broken}: no readable crystal structure")
    assert err[1] == f"crystalsym: error: {missing}: no such file"
    found = json.loads(out)
    assert [entry["path"] for entry in found["inputs"]] == [good]
    assert [entry["path"] for entry in found["errors"]] == [broken, missing]
    assert all(entry["error"].startswith(entry["path"]) for entry in found["errors"])


def test_structure_that_fails_only_in_simulation(run, write_cif, pipeline, monkeypatch):
    good, bad = write_cif(), write_cif("bad", 5.0)
    original = type(pipeline[0]).transform

    def transform(self, X):
        if any(crystal.name == bad for crystal in X):
            raise ValueError("structure 3: trouble") from ValueError("atoms overlap\n somewhere")
        return original(self, X)

    monkeypatch.setattr(type(pipeline[0]), "transform", transform)
    code, out, err = run("identify", bad, good)
    assert code == 1
    assert err == [f"crystalsym: error: {bad}: atoms overlap somewhere"]
    assert good in out
    code, out, err = run("identify", bad)
    assert (code, out, len(err)) == (2, "", 1)


def test_failing_symmetry_finder_is_a_warning(run, write_cif, monkeypatch):
    def fail(*given):
        raise crystals.SymmetryError("no symmetry found")

    monkeypatch.setattr(_identifying, "space_group_number", fail)
    cif = write_cif()
    code, out, err = run("identify", cif)
    assert code == 0
    assert "symmetry finder    none" in out
    assert err == [f"crystalsym: warning: {cif}: symmetry finder: no symmetry found"]
    _, out, _ = run("identify", cif, "--json")
    assert json.loads(out)["inputs"][0]["symmetry_finder"] is None


def test_strict_stops_at_the_first(run, write_cif, broken):
    code, out, err = run("identify", broken, write_cif(), "--strict")
    assert (code, out, len(err)) == (2, "", 1)
    assert broken in err[0]


BAD_CALLS = {
    "missing structure": (["no.cif"], "no.cif: no such file"),
    "missing image": (["x.tif", "y.tif", "no.tif"], "no.tif: no such file"),
    "one image": (["x.tif"], "x.tif: three images are needed"),
    "four images": (["x.tif"] * 4, "not 4"),
    "mixture": (["x.tif", "y.tif", "a.cif"], "x.tif is an image but a.cif is not"),
    "wrong format": (["x.jpg", "y.jpg", "z.jpg"], "x.jpg: images must be 16-bit TIFF or PNG"),
    "DigitalMicrograph": (["x.dm3", "y.dm3", "z.dm3"], "x.dm3: DigitalMicrograph images are not"),
    "MRC": (["x.mrc"], "x.mrc: MRC images are not read; convert them to 16-bit TIFF files of"),
    "two arrays": (["x.npy", "y.npy"], "x.npy, y.npy: three images are needed"),
    "broken array": (["notes.npy"], "notes.npy: not a readable NumPy array"),
    "array and structure": (["x.npy", "a.cif"], "x.npy is an image but a.cif is not"),
    "broken image": (["x.tif", "y.tif", "text.tif"], "text.tif: not a readable TIFF or PNG"),
    "dark image": (["x.tif", "y.tif", "dark.tif"], "dark.tif: holds no pattern"),
    "folder": (["folder"], "folder: the folder holds no structure files"),
    "unknown kind": (["notes.txt"], "notes.txt: no readable crystal structure"),
    "figure of unknown kind": (["a.cif", "--plot", "a.doc"], "a.doc: a figure's file name ends"),
    "figure in no folder": (["a.cif", "--plot", "no/a.png"], "no/a.png: the folder no does not"),
    "files and examples": (["a.cif", "--examples"], "a.cif: give either FILES or --examples"),
    "top": (["a.cif", "--top", "0"], "argument --top: '0' is not a whole number of at least 1"),
    "top text": (["a.cif", "--top", "x"], "argument --top: 'x' is not a whole number"),
    "q": (["a.cif", "--q-per-pixel", "-1"], "argument --q-per-pixel: '-1' is not a positive"),
    "symprec": (["a.cif", "--symprec", "nan"], "argument --symprec: 'nan' is not a positive"),
    "coverage": (["a.cif", "--coverage", "1"], "argument --coverage: '1' is not a number between"),
    "option": (["a.cif", "--nonsense"], "unrecognized arguments: --nonsense"),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_bad_input_is_one_line_and_exit_code_two(run, tmp_path, monkeypatch, write_cif, name):
    monkeypatch.chdir(tmp_path)
    write_cif("a")
    for file in ("x.tif", "y.tif"):
        Image.fromarray(np.eye(64, dtype=np.uint16)).save(file)
    Image.fromarray(np.zeros((64, 64), np.uint16)).save("dark.tif")
    (tmp_path / "text.tif").write_text("text")
    for file in ("notes.txt", "notes.npy"):
        (tmp_path / file).write_text("text")
    (tmp_path / "folder").mkdir()
    args, reason = BAD_CALLS[name]
    code, out, err = run("identify", *args)
    assert code == 2
    assert out == ""
    errors = [line for line in err if "warning" not in line]
    assert len(errors) == 1
    assert errors[0].startswith("crystalsym")
    assert reason in errors[0]


def test_image_that_is_dark_where_the_model_looks(run, tmp_path):
    image = np.zeros((64, 64), np.uint16)
    image[0, 0] = 1000
    path = tmp_path / "x.tif"
    Image.fromarray(image).save(path)
    code, _, err = run("identify", path, path, path, "--q-per-pixel", 10)
    assert code == 2
    assert "is dark where the model looks" in err[-1]


def test_q_per_pixel_has_no_effect_on_structures(run, write_cif):
    code, _, err = run("identify", write_cif(), "--q-per-pixel", 0.01)
    assert code == 0
    assert err == [
        "crystalsym: warning: --q-per-pixel is for images and has no effect on structures"
    ]


@pytest.mark.parametrize(
    "problem", [ValueError("no model 'x'; there are: 72"), OSError("weights.npz: gone")]
)
def test_unknown_model(run, write_cif, monkeypatch, problem):
    def load(name):
        raise problem

    monkeypatch.setattr("crystalsym.bundles.find_model", load)
    monkeypatch.setattr(identify, "load_pipeline", load_pipeline)
    code, out, err = run("identify", write_cif(), "--model", "x")
    assert (code, out, err) == (2, "", [f"crystalsym: error: {problem}"])
