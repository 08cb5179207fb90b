"""XDS files: XDS_ASCII.HKL (CORRECT, XSCALE) and INTEGRATE.HKL."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crystalsym.reflections._found import Found
from crystalsym.reflections._text_columns import (
    as_text,
    lines_of,
    numbers,
    stacked,
    whole,
    words_of,
)


def is_xds(head: bytes) -> bool:
    """Does a text begin as XDS's files of reflections do?"""
    return head.startswith((b"!FORMAT=XDS_ASCII", b"!OUTPUT_FILE=INTEGRATE.HKL"))


def read_xds(data: bytes) -> Found:
    """Read reflections; misfits, whose uncertainty is negative, are left out.

    Raises
    ------
    ValueError
        If the header or a line is wrong; names it.
    """
    place = data.find(b"!END_OF_HEADER")
    if place < 0:
        raise ValueError("an XDS file needs the line !END_OF_HEADER before its reflections")
    header = as_text(data[:place])
    begin = data.find(b"\n", place) + 1 or len(data)
    end = data.find(b"!END_OF_DATA", begin)
    lines = lines_of(data, begin, len(data) if end < 0 else end)
    items = {
        name: int(number)
        for name, number in re.findall(r"!ITEM_(\S{1,30}?)=[ \t]{0,9}(\d{1,3})", header)
    }
    raw = "INTEGRATE.HKL" in header.partition("\n")[0]
    if raw and not items:
        names = re.search(r"^!(H,K,L,[\s\S]*?)\n!(?![ ,A-Z0-9]*,)", header, re.M)
        listed = re.sub(r"[!\s]", "", names[1] if names else "H,K,L,IOBS,SIGMA").split(",")
        items = {name: number for number, name in enumerate(listed, 1)}
        items["SIGMA(IOBS)"] = items.get("SIGMA", 5)
    wanted = ["H", "K", "L", "IOBS", "SIGMA(IOBS)"]
    if missing := [name for name in wanted if not items.get(name)]:
        raise ValueError(f"the header does not say where {missing[0]} stands (!ITEM_{missing[0]}=)")
    if not len(lines):
        raise ValueError("no reflections after !END_OF_HEADER")
    words = words_of(lines)
    wrong = words.counts < max(items[name] for name in wanted)
    if wrong.any():
        raise ValueError(f"{lines.shown(int(np.argmax(wrong)))} has too few items")
    columns: list[NDArray[Any]] = []
    for name in wanted:
        values, bad = numbers(words.column(items[name] - 1))
        if len(columns) < 3:
            bad = bad | ~whole(values)
        if bad.any():
            raise ValueError(f"{lines.shown(int(np.argmax(bad)))}: {name} is no number")
        columns.append(values if len(columns) >= 3 else values.astype(np.int32))
    found = Found(
        "INTEGRATE.HKL" if raw else "XDS_ASCII", stacked(columns[:3]), columns[3], columns[4]
    )
    frame = items.get("ZD") or items.get("ZCAL")
    if frame and words.counts.min() >= frame:
        frames, bad = numbers(words.column(frame - 1))
        if not bad.any() and np.abs(frames).max() < 1e6:
            found.batch = np.floor(frames).astype(np.int32)
    if found.sigma is not None:
        found.leave_out(found.sigma < 0, "negative uncertainty (misfits)")
    _read_header(found, header)
    if raw:
        found.notes.append("intensities of INTEGRATE.HKL are not scaled to each other")
    return found


def _read_header(found: Found, header: str) -> None:
    if cell := re.search(r"!UNIT_CELL_CONSTANTS?=([^\n]{0,200})", header):
        found.about.set_cell(cell[1].split()[:6], "!UNIT_CELL_CONSTANTS")
    if wavelength := re.search(r"!X-RAY_WAVELENGTH=([^\n]{0,60})", header):
        found.about.set_wavelength("".join(wavelength[1].split()[:1]) or 0, "!X-RAY_WAVELENGTH")
    if group := re.search(r"!SPACE_GROUP_NUMBER=[ \t]{0,9}(\d{1,3})", header):
        found.about.carried["number"] = group[1]
