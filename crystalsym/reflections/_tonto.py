"""Tonto's blocks: ``reflection_data= { keys= { h= k= l= f_exp= f_sigma= } data= { ... } }``."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crystalsym.reflections._found import Found
from crystalsym.reflections._text_columns import lines_of, numbers, stacked, whole, words_of

_KEYS = re.compile(rb"keys=\s*\{([^{}]*)\}", re.I)
_DATA = re.compile(rb"data=\s*\{", re.I)
_NUMBER = rb"[-+]?\d{1,9}\.?\d{0,12}"
_GAP = rb"\s{0,40}\{?\s{0,40}"


def is_tonto(data: bytes) -> bool:
    """Does a text hold a Tonto block of reflections?"""
    return b"reflection_data=" in data


def read_tonto(data: bytes) -> Found:
    """Read the first block of reflections.

    Raises
    ------
    ValueError
        If it is none; names the line.
    """
    keys = _KEYS.search(data, data.find(b"reflection_data="))
    begin = _DATA.search(data, keys.end()) if keys else None
    if keys is None or begin is None:
        raise ValueError("reflection_data= { needs keys= { h= k= l= ... } and data= { ... }")
    end = data.find(b"}", begin.end())
    lines = lines_of(data, begin.end(), len(data) if end < 0 else end)
    if not len(lines):
        raise ValueError("data= { } holds no reflections")
    names = [name.strip("=").lower() for name in keys[1].decode("ascii", "replace").split()]
    amplitudes = "i_exp" not in names
    wanted = ["h", "k", "l", "f_exp" if amplitudes else "i_exp"]
    sigma = "f_sigma" if amplitudes else "i_sigma"
    wanted += [sigma] if sigma in names else []
    if missing := [name for name in wanted if name not in names]:
        raise ValueError(f"keys= {{ {' '.join(names)} }} lacks {missing[0]}=")
    words = words_of(lines)
    wrong = words.counts != len(names)
    if wrong.any():
        raise ValueError(f"{lines.shown(int(np.argmax(wrong)))} is not {len(names)} numbers")
    columns: list[NDArray[Any]] = []
    for name in wanted:
        values, bad = numbers(words.column(names.index(name)))
        if len(columns) < 3:
            bad = bad | ~whole(values)
        if bad.any():
            raise ValueError(f"{lines.shown(int(np.argmax(bad)))}: {name} is no number")
        columns.append(values if len(columns) >= 3 else values.astype(np.int32))
    found = Found(
        "Tonto block", stacked(columns[:3]), columns[3], columns[4] if len(wanted) == 5 else None,
        amplitudes=amplitudes,
    )  # fmt: skip
    _read_cell(found, data[: begin.start()] + data[max(end, begin.end()) :])
    return found


def _read_cell(found: Found, rest: bytes) -> None:
    three = rb"\s{1,40}".join([rb"(" + _NUMBER + rb")"] * 3)
    angles = re.search(rb"angles=" + _GAP + three, rest, re.I)
    edges = re.search(
        rb"dimensions=" + _GAP + three + rb"\s{0,40}\}?\s{0,40}(\w{0,20})", rest, re.I
    )
    if angles and edges:
        unit = 1.0 if edges[4].lower().startswith(b"angstrom") else 0.529177210903
        lengths = [float(edges[place]) * unit for place in (1, 2, 3)]
        found.about.set_cell(
            [*lengths, *(float(angles[place]) for place in (1, 2, 3))], "unit_cell"
        )
    if symbol := re.search(rb"(?:hall|HM)_symbol=\s*[\"']?([^\"'\n}]+)", rest, re.I):
        found.about.carried["symbol"] = symbol[1].decode("ascii", "replace").strip()
