"""Damaged files: an error that names the file, or a list; nothing else, soon, in little memory.

The suite tries few; ``CRYSTALSYM_FUZZ=10000 pytest tests/reflections/test_fuzz.py`` tries as many.
"""

from __future__ import annotations

import os
import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crystalsym import ReflectionList, read_reflections
from crystalsym.reflections import ReflectionFileError
from tests.support import reflection_files as made

EXAMPLES = int(os.environ.get("CRYSTALSYM_FUZZ", "300"))
SAMPLES = {form: make(made.TRUE) for form, make in made.FORMATS.items()}
# Pieces that mean something in one format or another.
PIECES = [
    b"", b" ", b"\n", b"\r\n", b"\t", b"\0", b"\xff", b"0", b"-", b"+", b".", b"e", b"9" * 30,
    b"1e308", b"1e-400",
    b"nan", b"inf", b"1_0", b"?", b"'", b'"', b";", b"\n;\n", b"#", b"{", b"}", b"=",
    b",", b"loop_\n", b"data_\n", b"data_y\n", b"_refln_index_h\n", b"_refln_F_squared_meas\n",
    b"save_x\n",
    b"_shelx_hkl_file\n;\n", b"_cell_length_a 0\n", b"!END_OF_HEADER\n", b"!ITEM_H=0\n",
    b"!ITEM_IOBS=999\n", b"MTZ ", b"\x7f\xff\xff\xff", b"NCOL 9 999999999 0", b"   0   0   0\n",
    b"CELL 1 0 0 0 0 0 0\n", b"CELL 1 5 5 5 120 120 120\n", b"HKLF 4 1 0 0 0 0 0 0 0 0 0 0\n",
    b"HKLF 3\n", b"HKLF 5\n", b"-1.00   -1.00", b"TITL x\n", b"keys= {", b"data= {", b" " * 500,
]  # fmt: skip

edits = st.lists(
    st.tuples(
        st.sampled_from(["put", "over", "cut", "end", "repeat", "swap", "byte"]),
        st.floats(0, 1, exclude_max=True),
        st.one_of(st.integers(0, 12), st.integers(0, 400)),
        st.sampled_from(PIECES),
        st.integers(0, 255),
    ),
    min_size=1,
    max_size=6,
)


def damaged(data: bytes, changes) -> bytes:
    """A file after some accidents."""
    for kind, where, length, piece, byte in changes:
        place = int(where * (len(data) + 1))
        head, part, tail = data[:place], data[place : place + length], data[place + length :]
        if kind == "put":
            data = head + piece + part + tail
        elif kind == "over":
            data = head + piece + data[place + len(piece) :]
        elif kind == "cut":
            data = head + tail
        elif kind == "end":
            data = head
        elif kind == "repeat":
            data = head + part * 3 + tail
        elif kind == "swap":
            data = tail + part + head
        else:
            data = head + bytes([byte]) + data[place + 1 :]
    return data


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@settings(
    max_examples=EXAMPLES, deadline=None, database=None, derandomize=EXAMPLES <= 300,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(st.sampled_from(sorted(SAMPLES)), edits, st.booleans(), st.booleans())
def test_damaged_files_are_refused_or_read(folder, form, changes, beside_too, with_cell):
    sample = SAMPLES[form]
    for old in folder.iterdir():
        old.unlink()
    path = folder / sample.name
    path.write_bytes(damaged(sample.data, changes))
    for name, data in sample.beside.items():
        (folder / name).write_bytes(damaged(data, changes) if beside_too else data)
    found, refused = attempt(path, made.CELL if with_cell else None)
    if found is None:
        assert refused.startswith(str(path))
        return
    assert isinstance(found, ReflectionList)
    assert len(found)
    assert np.isfinite(found.q).all()
    assert found.d_min > 0


def attempt(path, cell):
    """A list, or why there is none; any other exception is a failure."""
    try:
        return read_reflections(path, cell), ""
    except ReflectionFileError as error:
        return None, str(error)


@pytest.mark.parametrize("form", ["HKLF 4, tail", "CIF, F squared", "free columns", "XDS_ASCII"])
@pytest.mark.parametrize("damage", ["none", "last line"])
def test_memory_stays_below_ten_times_the_file(form, damage, tmp_path):
    sample = SAMPLES[form]
    lines = sample.data.split(b"\n")
    body = [line for line in lines if re.match(rb" *-?[12] +[012] +-?\d+ +-?\d", line)][:35]
    place = lines.index(body[0])
    lines[place:place] = body * 1500
    if damage == "last line":
        lines[place + len(body) * 1500 - 1] = b"   1   1   x    5.00    1.00"
    path = tmp_path / sample.name
    path.write_bytes(b"\n".join(lines))
    size = path.stat().st_size
    tracemalloc.start()
    found, refused = attempt(path, made.CELL)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    if damage == "none":
        assert len(found) > 50_000
    else:
        assert found is None
        assert "1   1   x    5.00    1.00" in refused
    assert peak < 10 * size + 10e6
