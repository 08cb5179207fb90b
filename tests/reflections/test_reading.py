"""Reflection lists of every format: the numbers are those written, nothing else is used."""

from __future__ import annotations

import shutil

import gemmi
import numpy as np
import pytest

from crystalsym import ReflectionList, as_reflection_list, read_reflections
from crystalsym.diffraction import Coverage
from crystalsym.reflections import ReflectionFileError
from tests.support import reflection_files as made

CELL, HKL, INTENSITY, SIGMA = made.CELL, made.HKL, made.INTENSITY, made.SIGMA


def read(tmp_path, sample, **keywords):
    return read_reflections(sample.write(tmp_path), **keywords)


def text(tmp_path, content, name="x.hkl", **beside):
    for other, data in beside.items():
        (tmp_path / other.replace("__", ".")).write_text(data)
    (tmp_path / name).write_text(content)
    return tmp_path / name


@pytest.mark.parametrize("form", made.FORMATS)
def test_every_format_gives_the_numbers_written(form, tmp_path):
    found = read(tmp_path, made.FORMATS[form](made.TRUE))
    assert np.array_equal(found.hkl, HKL)
    exact = not form.startswith(made.ROUNDED)
    assert np.allclose(found.intensity, INTENSITY, rtol=1e-9 if exact else 1e-3, atol=1e-3)
    assert found.cell == pytest.approx(CELL, rel=1e-6)
    assert found.source["hkl"].startswith(("x", "XDS", "INTEGRATE"))
    assert found.source["cell"]
    assert found.wavelength == pytest.approx(made.WAVELENGTH, abs=1e-6) or form == "Tonto"
    assert found.radiation == (None if form == "Tonto" else "xray")
    if "digits" in form:
        assert found.sigma is None
    elif exact or "MTZ" in form:
        assert np.allclose(found.sigma, SIGMA)
    else:
        assert (found.sigma > 0).all()


@pytest.mark.parametrize(
    "form", ["HKLF 4, .ins", "PETS2", "XDS_ASCII", "INTEGRATE", "MTZ, unmerged"]
)
def test_batches_are_kept(form, tmp_path):
    assert np.array_equal(read(tmp_path, made.FORMATS[form](None)).batch, made.BATCH)


@pytest.mark.parametrize("form", made.FORMATS)
def test_what_a_file_says_of_symmetry_and_atoms_is_shown_and_never_used(form, tmp_path):
    lists = []
    for place, said in enumerate((made.TRUE, made.FALSE, None)):
        folder = tmp_path / str(place)
        folder.mkdir()
        lists.append(read(folder, made.FORMATS[form](said)))
    true, false, none = lists
    assert true.carried
    assert true.carried != false.carried
    for other in (false, none):
        for name in ("hkl", "intensity", "sigma", "batch", "cell", "wavelength", "radiation",
                     "coverage", "notes"):  # fmt: skip
            one, two = getattr(true, name), getattr(other, name)
            assert np.array_equal(one, two) if isinstance(one, np.ndarray) else one == two


def test_the_format_is_told_by_the_content(tmp_path):
    for form, sample in ((form, make(None)) for form, make in made.FORMATS.items()):
        if sample.beside:
            continue
        path = tmp_path / "anything.dat"
        path.write_bytes(sample.data)
        assert len(read_reflections(path)) == len(HKL), form


# SHELX


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("   0   0   416156.17  331.15", (0, 0, 4, 16156.17, 331.15)),
        ("   0   0   2737339.017287.40   1", (0, 0, 2, 737339.0, 17287.4)),
        ("  15  -3  -41027.406 133.733", (15, -3, -4, 1027.406, 133.733)),
        ("   0   0   3-5.76448 28.3280   1", (0, 0, 3, -5.76448, 28.328)),
        ("   0   0  -3 126898. 668.187   5", (0, 0, -3, 126898, 668.187)),
        ("-100-200 300 1.2E+03    12.5", (-100, -200, 300, 1200, 12.5)),
        ("  -6  -5  -5   199.36   24.47", (-6, -5, -5, 199.36, 24.47)),
        ("   1   2   3   12345     250", (1, 2, 3, 123.45, 2.5)),
        ("   1   2   3  12.345       0.5678", (1, 2, 3, 12.345, 0.5678)),
        ("   1   2   3      123.4567      0.5678", (1, 2, 3, 123.4567, 0.5678)),
        ("   1   2   3   42.16    5.88    \r", (1, 2, 3, 42.16, 5.88)),
    ],
)
def test_columns_that_touch_or_have_other_widths(line, wanted, tmp_path):
    found = read_reflections(text(tmp_path, f"{line}\n"), cell=CELL)
    assert (*found.hkl[0].tolist(), found.intensity[0], found.sigma[0]) == pytest.approx(wanted)


def test_narrow_free_columns_that_mostly_look_fixed(tmp_path):
    lines = [f"{h:3d}{k:3d}  3    12.34     0.56" for h in range(1, 9) for k in range(8)]
    found = read_reflections(
        text(tmp_path, "\n".join([*lines, "-10 -2 -3    12.34     0.56"])), CELL
    )
    assert found.hkl[-1].tolist() == [-10, -2, -3]
    assert found.source["hkl"] == "x.hkl (free columns)"


def test_a_damaged_line_does_not_turn_a_list_into_free_columns(tmp_path):
    lines = ["   1   2   3   42.16    5.88   1"] * 20 + ["   1   2          12    5.88   1"]
    with pytest.raises(ReflectionFileError, match=r"line 21 .* is not three indices of 4"):
        read_reflections(text(tmp_path, "\n".join(lines)), CELL)


def test_the_line_of_zeros_ends_a_list_and_the_rest_is_noted(tmp_path):
    tail = "TITL x\nCELL 1.54184 4 5 6 90 90 90\nHKLF 4\nEND\n   9   9   9    1.00    1.00\n"
    found = read_reflections(text(tmp_path, "   1   0   0    5.00    1.00" + made.END + tail))
    assert len(found) == 1
    assert found.cell == (4, 5, 6, 90, 90, 90)
    assert found.notes == (
        "what stands after the line 0 0 0 (from line 3) is not read as reflections",
    )


@pytest.mark.parametrize(
    "tail",
    [
        "",
        "\x1a",
        "\n   0   0   0\n\x1a",
        "\n\n \n",
        "   0   0   0",
        "\n_exptl_crystal_size_max 1\n",
    ],
)
def test_the_end_may_be_missing_or_short(tail, tmp_path):
    path = text(tmp_path, "\n   1   0   0    5.00    1.00\n" + tail)
    assert len(read_reflections(path, cell=CELL)) == 1


def test_fortran_reads_digits_without_a_point_as_hundredths(tmp_path):
    found = read_reflections(text(tmp_path, "   1   2   3   12345     250\n"), cell=CELL)
    assert found.notes == ("2 numbers without a decimal point are read as hundredths, as F8.2 is",)


def test_components_of_a_twin(tmp_path):
    single = [f"{h:4d}   1   2   50.00    1.00   1" for h in range(60)]
    pairs = [
        f"{h:4d}   2   2   70.00    1.00  -2\n{h:4d}   3   2   70.00    1.00   1" for h in range(9)
    ]
    second = [f"{h:4d}   4   2   30.00    1.00   2" for h in range(20)]
    path = text(tmp_path, "\n".join([*single, *pairs, *second]) + made.END)
    found = read_reflections(path, cell=CELL)
    assert found.hkl[:, 1].tolist() == [1] * 60
    assert "HKLF 5 of 2 components: component 1 is kept, without 9 reflections" in found.notes[0]
    assert "38 of 98 rows are left out" in found.notes[0]
    overlapping = read_reflections(text(tmp_path, "\n".join(pairs) + made.END), cell=CELL)
    assert overlapping.hkl[:, 1].tolist() == [3] * 9
    assert "with the intensity of all their components" in overlapping.notes[0]


def test_negative_batches_without_partners_are_flags(tmp_path):
    lines = [
        f"{h:4d}   1   2   {50 + h:5.2f}    1.00  {-1 if h % 5 else 1:2d}" for h in range(1, 20)
    ]
    found = read_reflections(text(tmp_path, "\n".join(lines) + made.END), cell=CELL)
    assert len(found) == 19
    assert "R free" in found.notes[0]


def test_hklf_in_the_instructions(tmp_path):
    ins = "CELL 0.71073 4 5 6 90 90 90\nHKLF 4 1 0 1 0 1 0 0 0 0 -1\n"
    path = text(tmp_path, "   1   2   3    5.00    1.00" + made.END, x__ins=ins)
    found = read_reflections(path)
    assert found.hkl.tolist() == [[2, 1, -3]]
    assert "changed by the matrix of HKLF" in found.notes[0]
    given = read_reflections(path, cell=(5, 4, 6, 90, 90, 90))
    assert given.hkl.tolist() == [[1, 2, 3]]
    assert "is not applied" in given.notes[0]
    (tmp_path / "x.ins").write_text("CELL 0.71073 4 5 6 90 90 90\nHKLF 3\n")
    assert read_reflections(path).intensity.tolist() == [25]


@pytest.mark.parametrize("length", [0, 100])
def test_hklf_in_the_instructions_of_a_cif(length, tmp_path):
    ins = "REM what was tried before\n" * length + "HKLF 4 1 0 1 0 1 0 0 0 0 -1\nEND\n"
    content = made.cif_head(None) + "_shelx_res_file\n;\n" + ins + ";\n_shelx_hkl_file\n;\n"
    path = text(tmp_path, content + "   1   2   3    5.00    1.00" + made.END + ";\n", "x.cif")
    assert read_reflections(path).hkl.tolist() == [[2, 1, -3]]


# Cells


def test_the_cell_given_wins_and_a_difference_is_noted(tmp_path):
    sample = made.FORMATS["HKLF 4, .ins"](None)
    found = read(tmp_path, sample, cell=(8, 9, 10, 90, 90, 90))
    assert found.cell == (8, 9, 10, 90, 90, 90)
    assert found.source["cell"] == "given"
    assert found.notes == ("the cell given differs from that of x.ins: 7.5 9.25 11 90 102.5 90",)
    assert read(tmp_path, sample, cell=(7.51, 9.25, 11, 90, 102.5, 90)).notes == ()


def test_the_file_comes_before_what_is_beside_it(tmp_path):
    sample = made.FORMATS["CIF, F squared"](None)
    (tmp_path / "x.ins").write_text("CELL 0.71073 4 5 6 90 90 90\n")
    assert read(tmp_path, sample).cell == CELL


def test_the_only_cell_in_a_folder_is_used_and_noted(tmp_path):
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    path = text(tmp_path, "   1   0   0    5.00    1.00\n", other__ins=f"CELL 1 {made.CELL_TEXT}\n")
    found = read_reflections(path)
    assert found.cell == CELL
    assert found.notes == ("the cell is that of other.ins, the only one beside the list",)
    (tmp_path / "third.ins").write_text("CELL 0.71073 4 5 6 90 90 90\n")
    with pytest.raises(
        ReflectionFileError, match=r"the cell is not known.* x\.ins, x\.res, x\.cif"
    ):
        read_reflections(path)
    (tmp_path / "x.res").write_text("CELL 0.71073 4 5 7 90 90 90\n")
    assert read_reflections(path).cell == (4, 5, 7, 90, 90, 90)


def test_without_any_cell_it_says_what_was_looked_for(tmp_path):
    path = text(tmp_path, "   1   0   0    5.00    1.00\n")
    with pytest.raises(
        ReflectionFileError, match=r"x\.hkl: the cell is not known.*give cell=\(a, b"
    ):
        read_reflections(path)


# CIF


def test_several_lists_are_named_and_chosen(tmp_path):
    one = made.cif_head(None) + made.loop(["F_squared_meas"], "{i}")
    other = one.replace("data_x", "data_y").replace("_length_a 7.5", "_length_a 8.5")
    path = text(tmp_path, one + other, "x.cif")
    with pytest.raises(ReflectionFileError, match="2 lists of reflections, in the blocks 'x', 'y'"):
        read_reflections(path)
    assert read_reflections(path, block="y").cell[0] == 8.5
    assert read_reflections(path, block=1).cell[0] == 7.5
    with pytest.raises(ReflectionFileError, match="block='z': none of the blocks"):
        read_reflections(path, block="z")
    with pytest.raises(ValueError, match="block=1 is for CIF and MTZ files, not for HKLF 4"):
        read_reflections(text(tmp_path, "   1   0   0    5.00    1.00\n"), CELL, block=1)


def test_the_measurement_comes_before_what_was_made_of_it(tmp_path):
    content = made.cif_head(None) + made.loop(["F_squared_meas"], "1.0")
    content += "_shelx_hkl_file\n;\n" + made.rows(made.HKLF4) + made.END + ";\n"
    found = read_reflections(text(tmp_path, content, "x.cif"))
    assert np.array_equal(found.intensity, INTENSITY)
    assert found.notes == ("the _refln loop of the same block is not read",)


def test_a_broken_cif_still_gives_its_list(tmp_path):
    content = made.cif_head(None) + "_publ_author 'it's broken\n_oops\n" + "_shelx_hkl_file\n;\n"
    path = text(tmp_path, content + made.rows(made.HKLF4), "x.cif")  # no end, either
    found = read_reflections(path)
    assert np.array_equal(found.intensity, INTENSITY)
    assert found.cell == CELL
    assert "CIF syntax is broken" in found.notes[0]


def test_values_not_given_and_rows_rejected(tmp_path):
    lines = "1 0 0 5 1 o\n0 1 0 ? 1 o\n0 0 1 . . o\n1 1 0 3 1 x\n1 0 1 2 1 <\n"
    tags = ["index_h", "index_k", "index_l", "F_squared_meas", "F_squared_sigma", "observed_status"]
    content = made.cif_head(None) + "loop_\n" + "".join(f"_refln_{tag}\n" for tag in tags) + lines
    found = read_reflections(text(tmp_path, content, "x.cif"))
    assert found.intensity.tolist() == [5, 2]
    assert found.notes == (
        "1 row of status x (unreliable) is left out", "2 rows of unknown intensity are left out",
    )  # fmt: skip


def test_rows_that_run_over_lines(tmp_path):
    content = made.cif_head(None) + "loop_ _refln_index_h _refln_index_k\n_refln_index_l\n"
    content += "_refln_F_squared_meas\n# what\n1 0\n0 5.5 0 1 0\n2.5\n"
    found = read_reflections(text(tmp_path, content, "x.cif"))
    assert found.hkl.tolist() == [[1, 0, 0], [0, 1, 0]]
    assert found.intensity.tolist() == [5.5, 2.5]


# Coverage


def test_lists_of_shelxl_lack_what_the_group_forbids(tmp_path):
    found = read(tmp_path, made.FORMATS["FCF, LIST 4"](None))
    assert found.coverage is Coverage.OBSERVED
    assert "a SHELXL list (LIST 4)" in found.notes[-1]
    listed = read(tmp_path, made.FORMATS["FCF, LIST 4"](None), coverage=Coverage.LISTED)
    assert listed.coverage is Coverage.LISTED


def measured(cut):
    draw = np.random.default_rng(3)
    hkl = np.array([[h, k, l] for h in range(10) for k in range(10) for l in range(1, 11)])  # noqa: E741
    true = draw.exponential(100, len(hkl)) * (draw.random(len(hkl)) > 0.2)
    sigma = 2 + 0.03 * true
    intensity = true + draw.normal(0, sigma)
    kept = intensity > cut * sigma
    return as_rows(hkl[kept], intensity[kept], sigma[kept])


def as_rows(hkl, intensity, sigma):
    lines = zip(hkl.tolist(), intensity.tolist(), sigma.tolist(), strict=True)
    return "\n".join("{:4d}{:4d}{:4d}{:8.2f}{:8.2f}".format(*h, i, s) for h, i, s in lines)


@pytest.mark.parametrize(("cut", "words"), [(0, "negative ones were"), (2, "weak ones were")])
def test_lists_of_observed_reflections_are_told(cut, words, tmp_path):
    found = read_reflections(text(tmp_path, measured(cut)), cell=CELL)
    assert found.coverage is Coverage.OBSERVED
    assert words in found.notes[-1]


def test_whole_measurements_and_strong_crystals_are_listed(tmp_path):
    assert read_reflections(text(tmp_path, measured(-9)), CELL).coverage is Coverage.LISTED
    assert read_reflections(text(tmp_path, measured(8)), CELL).coverage is Coverage.LISTED


def test_a_file_that_counts_its_observed_reflections(tmp_path):
    head = made.cif_head(None) + f"_reflns_number_gt {len(HKL)}\n_reflns_number_total 999\n"
    path = text(tmp_path, head + made.loop(["F_squared_meas"], "{i}"), "x.cif")
    assert read_reflections(path).coverage is Coverage.OBSERVED


@pytest.mark.parametrize(
    "row",
    [
        "{h} {k} {l} {i} {s} # seen twice",
        "'{h}' \"{k}\" {l} '{i}' {s}",
        "\n# by hand\n{h} {k} {l} {i} {s}",
    ],
)
def test_comments_and_quotation_marks_in_loops(row, tmp_path):
    names = ("index_h", "index_k", "index_l", "F_squared_meas", "F_squared_sigma")
    tags = "".join(f"_refln_{name}\n" for name in names)
    text = made.cif_head(None) + "loop_\n" + tags + made.rows(row) + "\n#END\n"
    (tmp_path / "x.cif").write_text(text)
    found = read_reflections(tmp_path / "x.cif")
    assert np.array_equal(found.hkl, HKL)
    assert np.array_equal(found.sigma, made.SIGMA)


def test_marks_without_an_end(tmp_path):
    tags = "_refln_index_h\n_refln_index_k\n_refln_index_l\n_refln_F_squared_meas\n"
    (tmp_path / "x.cif").write_text("data_x\nloop_\n" + tags + "1 0 0 5\n" + " 'a" * 300_000)
    with pytest.raises(ReflectionFileError, match=r"no whole number|values a row"):
        read_reflections(tmp_path / "x.cif", CELL)


# Modulated crystals

M = [1 if n % 3 else 0 for n in range(len(HKL))]


def _with_order(head: str, join: str = " ") -> str:
    given = zip(HKL.tolist(), M, made.INTENSITY.tolist(), made.SIGMA.tolist(), strict=True)
    return head + "\n".join(
        join.join(str(one) for one in (*hkl, m, f"{i:.2f}", f"{s:.2f}")) for hkl, m, i, s in given
    )


@pytest.mark.parametrize(
    "head",
    ["h k l m I sigma\n",
     made.cif_head(None) + "loop_\n" + "".join(f"_refln_{tag}\n" for tag in (
         "index_h", "index_k", "index_l", "index_m_1", "F_squared_meas", "F_squared_sigma"))],
)  # fmt: skip
def test_satellites_are_left_out(head, tmp_path):
    (tmp_path / "x.hkl").write_text(_with_order(head))
    found = read_reflections(tmp_path / "x.hkl", CELL)
    main = np.array(M) == 0
    assert np.array_equal(found.hkl, HKL[main])
    assert np.array_equal(found.intensity, made.INTENSITY[main])
    count = len(HKL) - main.sum()
    assert f"{count} rows of order m other than 0 (satellites of a modulated crystal)" in str(
        found.notes
    )


def test_a_fourth_index_without_a_name_is_no_intensity(tmp_path):
    (tmp_path / "x.hkl").write_text(_with_order(""))
    with pytest.raises(ReflectionFileError, match=r"line 1 .* fourth column can be an index m"):
        read_reflections(tmp_path / "x.hkl", CELL)
    (tmp_path / "x.hkl").write_text(_with_order("h k l mult I sigma\n"))
    assert np.array_equal(read_reflections(tmp_path / "x.hkl", CELL).intensity, made.INTENSITY)


# XDS and MTZ


def test_misfits_of_xds_are_left_out(tmp_path):
    found = read(tmp_path, made.FORMATS["XDS_ASCII"](None))
    assert found.notes == ("1 row of negative uncertainty (misfits) is left out",)


def test_columns_of_an_mtz_file(tmp_path):
    found = read(tmp_path, made.mtz(None))
    assert found.source["hkl"] == "x.mtz (MTZ, intensity IMEAN)"
    assert found.notes == ("other columns of the file, not read: FP",)
    amplitudes = read(tmp_path, made.mtz(None), block="FP")
    assert np.allclose(amplitudes.intensity, np.abs(INTENSITY), rtol=1e-5)
    with pytest.raises(ReflectionFileError, match="column SIGFP of type Q holds no measured"):
        read(tmp_path, made.mtz(None), block="SIGFP")


def test_unmerged_reflections_have_their_own_indices(tmp_path):
    mtz = gemmi.read_mtz_file(str(made.mtz(made.TRUE, "unmerged").write(tmp_path)))
    assert mtz.switch_to_original_hkl()
    assert mtz.switch_to_asu_hkl()
    assert not np.array_equal(mtz.array[:, :3], HKL)
    mtz.write_to_file(str(tmp_path / "asu.mtz"))
    found = read_reflections(tmp_path / "asu.mtz")
    assert np.array_equal(found.hkl, HKL)
    assert not any("M/ISYM" in note for note in found.notes)


@pytest.mark.parametrize("group", ["P 1", "P 4 2 2", "F d -3 m"])
def test_operations_that_do_not_fit_move_no_indices(group, tmp_path):
    mtz = gemmi.read_mtz_file(str(made.mtz(made.TRUE, "moved").write(tmp_path)))
    stored = mtz.array[:, :3].astype(int)
    mtz.spacegroup = gemmi.SpaceGroup(group)
    mtz.write_to_file(str(tmp_path / "x.mtz"))
    data = (tmp_path / "x.mtz").read_bytes()  # their number may be wrong, too
    (tmp_path / "x.mtz").write_bytes(data.replace(b"SYMINF   1 ", b"SYMINF  64 "))
    found = read_reflections(tmp_path / "x.mtz")
    assert np.array_equal(found.hkl, stored)
    assert any("M/ISYM does not fit the operations" in note for note in found.notes)


def test_an_mtz_object_stays_as_it_was(tmp_path):
    mtz = gemmi.read_mtz_file(str(made.mtz(made.TRUE, "moved").write(tmp_path)))
    before = mtz.array.copy()
    assert np.array_equal(as_reflection_list(mtz).hkl, HKL)
    assert np.array_equal(mtz.array, before, equal_nan=True)
    assert mtz.switch_to_original_hkl()
    assert np.array_equal(as_reflection_list(mtz).hkl, HKL)
    assert mtz.switch_to_asu_hkl()


def test_a_header_that_asks_for_all_memory_is_refused(tmp_path):
    data = made.mtz(None).data
    place = data.index(b"NCOL")
    bad = data[: place + 5] + b"   99    999999999" + data[place + 23 :]
    (tmp_path / "x.mtz").write_bytes(bad)
    with pytest.raises(ReflectionFileError, match="cannot hold 999999999 rows of 99 columns"):
        read_reflections(tmp_path / "x.mtz")


# What is wrong is named

LOOP = "data_x\nloop_\n_refln_index_h\n_refln_index_k\n_refln_index_l\n"
GOOD, BAD = "   1   0   0    5.00    1.00\n", "   1   1   0    5.0x    1.00\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "x.hkl: the file is empty"),
        (GOOD + BAD + GOOD,
         r"line 2 '   1   1   0    5\.0x    1\.00' is not three indices of 4 columns"),
        (GOOD + "   1   1 0.5    5.00    1.00\n" + GOOD,
         "line 2 .* is not three indices"),
        ("1 0 0 5.0 1.0\n1 1 0 5.0\n", "line 2 '1 1 0 5.0' is not h k l, intensity and"),
        ("1 0 0 5.0 1.0\n1 1 zero 5.0 1.0\n", "line 2 '1 1 zero 5.0 1.0' is not h k l"),
        ("1,0,0,5.0,1.0\n1,1,,5.0,1.0,3\n", "line 2 '1,1,,5.0,1.0,3' is not h k l"),
        ("1,0,0,5.0,1.0\n1,,1,0,5.0,1.0\n", "line 2 '1,,1,0,5.0,1.0' is not h k l"),
        ("1 0 0 5.0 1.0\n1 0 12. 5.0 1.0\n", r"line 2 '1 0 12\. 5\.0 1\.0' is not h k l"),
        ("1 0 0 nan 1.0\n", r"line 1 '1 0 0 nan 1\.0'"),
        ("1 0 0 1_0 1.0\n", "line 1 '1 0 0 1_0 1.0'"),
        ("once upon a time\n", "no line with three indices and an intensity"),
        ("TITL x\nCELL 1 4 5 6 90 90 90\n", "holds SHELX instructions, no refl"),
        ("data_x\n_cell_length_a 4\n", "a CIF file without reflections"),
        (LOOP + "_refln_F_calc\n1 0 0 5\n",
         "block 'x': the loop with _refln_index_h, .* has no measured values"),
        (LOOP + "_refln_F_meas\n1 0 0 5\n1 0\n",
         "line 8 '1 0': the loop of _refln_index_h needs 4 values a row"),
        (LOOP + "_refln_F_meas\n1 0 0 5\n1 0 a 5\n",
         "line 8 '1 0 a 5': _refln_index_l is no whole number"),
        ("!FORMAT=XDS_ASCII\n!END_OF_HEADER\n1 0 0 5 1\n", "header does not say where H stands"),
        ("reflection_data= {\n keys= { h= k= l= f_exp= }\n data= {\n1 0 0 5\n1 0 5\n}\n}\n",
         "line 5 '1 0 5' is not 4 numbers"),
        ("   1   0   0   -1.00   -1.00\n", "no measured reflections .*1 row of -1 -1"),
        ("\x1f\x8bzzzz", "is compressed"),
        ("MTZ " + "\0" * 100, "an MTZ file whose header lies outside of it"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(content, message, tmp_path):
    (tmp_path / "x.hkl").write_bytes(content.encode("latin-1"))
    with pytest.raises(ReflectionFileError, match=message) as error:
        read_reflections(tmp_path / "x.hkl", cell=CELL)
    assert str(error.value).startswith(f"{tmp_path / 'x.hkl'}: ")


def test_wrong_arguments_are_not_the_file_s_fault(tmp_path):
    path = text(tmp_path, "   1   0   0    5.00    1.00\n")
    for keywords, message in (
        ({"cell": (1, 2)}, "needs the six numbers"),
        ({"cell": CELL, "wavelength": -1}, "wavelength=-1"),
        ({"cell": CELL, "radiation": "light"}, "radiation='light': needs one of"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            read_reflections(path, **keywords)
        assert not isinstance(error.value, ReflectionFileError)
    with pytest.raises(FileNotFoundError, match=r"nowhere\.hkl: no such file"):
        read_reflections(tmp_path / "nowhere.hkl")
    with pytest.raises(ReflectionFileError, match="is no file"):
        read_reflections(tmp_path)


# Anything that holds reflections


def test_lists_of_objects(tmp_path):
    path = made.mtz(None).write(tmp_path)
    mtz = gemmi.read_mtz_file(str(path))
    block = gemmi.cif.read_string(made.FORMATS["mmCIF"](None).data.decode())[0]
    small = made.FORMATS["CIF, F squared"](None).data.decode()
    as_refln = gemmi.as_refln_blocks(
        gemmi.cif.read_string(made.FORMATS["mmCIF"](None).data.decode())
    )
    arrays = {"hkl": HKL, "intensity": INTENSITY, "sigma": SIGMA}
    blocks = (block, gemmi.cif.read_string(small)[0], as_refln[0])
    for obj in (path, str(path), mtz, *blocks, (HKL, INTENSITY, SIGMA), arrays):
        found = as_reflection_list(obj)
        assert np.array_equal(found.hkl, HKL)
        assert np.allclose(found.intensity, INTENSITY, rtol=1e-5)
        given = as_reflection_list(obj, (9, 9, 9, 90, 90, 90))
        assert given.cell == (9, 9, 9, 90, 90, 90)
    made_one = ReflectionList(HKL, INTENSITY)
    assert as_reflection_list(made_one) is made_one
    assert as_reflection_list(made_one, CELL).cell == CELL
    with pytest.raises(TypeError, match="cannot read reflections from int"):
        as_reflection_list(3)
