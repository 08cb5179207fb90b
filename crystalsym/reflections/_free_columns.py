"""Free columns: h k l, intensity or amplitude, uncertainty, between blanks or commas."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crystalsym.reflections._found import SATELLITES, Found, Misread
from crystalsym.reflections._shelx_hkl import read_tail, reflection_lines
from crystalsym.reflections._text_columns import Lines, Words, numbers, stacked, whole, words_of

_INTENSITY = re.compile(
    r"i|int\w*|i_?(obs|net|mean|exp|meas)|f\w*(2|sq\w*|squared\w*)|intensity\w*"
)
_AMPLITUDE = re.compile(r"f|f_?(o|obs|meas|exp|p)")
_SIGMA = re.compile(r"s|sig\w*|e_?s_?d\w*|su|err\w*|s_?u|u?sigma\w*|sd")
_ORDER = re.compile(r"m_?\d?")  # of the satellites of a modulated crystal
_GREATEST_COUNT = 48  # of equivalent reflections
_NUMBERS_BEGIN = tuple("0123456789+-.")
_MOST_HEADER = 60  # lines before the reflections
_COMMENTS = b"#!"


def read_free_columns(data: bytes, as_many: bool = False) -> Found | Misread:
    """Read columns of any width (as many on each line), or say what is wrong with them."""
    lines, tail, ended = reflection_lines(data, 0, len(data))
    lines, header = _without_header(lines)
    if not len(lines):
        return Misread("no line with three indices and an intensity", 0.0)
    commas = b"," in bytes(lines.text[lines.start[0] : lines.end[0]])
    words = words_of(lines, commas)
    names = _names(header, int(words.counts[0]))
    places, amplitudes = _places(names)
    counts = words.counts
    n_columns = 5 if places[4] is not None and counts.min() >= 5 else 4
    if names is None and counts.max() >= 5:
        n_columns = 5
    needed = max(place + 1 for place in places[:n_columns] if place is not None)
    wrong = counts < needed
    if as_many:
        wrong |= counts != np.bincount(counts).argmax()
    if commas:
        wrong |= _comma_counts(lines) != counts - 1
    what = f"is not h k l, intensity{' and uncertainty' if n_columns == 5 else ''}"
    if wrong.any():
        return Misread(f"{lines.shown(int(np.argmax(wrong)))} {what}", 1 - float(wrong.mean()))
    columns: list[NDArray[Any]] = []
    pointed = []
    for place in places[:n_columns]:
        raw = words.column(place or 0)
        values, bad = numbers(raw)
        if len(columns) < 3:
            bad = bad | ~whole(values)
            pointed.append(np.char.find(raw, b".") >= 0)
            values = np.where(bad, 0, values).astype(np.int32)
        columns.append(values)
        wrong |= bad
    # A number in a place where the others have whole ones stands in the wrong column.
    if not all(one.all() for one in pointed):
        wrong |= np.any(pointed, axis=0)
    if wrong.any():
        return Misread(f"{lines.shown(int(np.argmax(wrong)))} {what}", 1 - float(wrong.mean()))
    satellites = np.zeros(len(lines), dtype=bool)
    if names is None and counts.min() >= 6 and _is_count(words):
        return Misread(
            f"{lines.shown(0)}: the fourth column can be an index m, a multiplicity or the"
            " intensity; name the columns in a line before them, such as h k l m I sigma or"
            " h k l multiplicity I sigma",
            1.0,
        )
    found = Found(
        "free columns", stacked(columns[:3]), columns[3], columns[4] if n_columns == 5 else None,
        amplitudes=amplitudes,
    )  # fmt: skip
    for place in [place for place, name in enumerate(names or []) if _ORDER.fullmatch(name)]:
        order, bad = numbers(words.column(place))
        if bad.any():
            return Misread(f"{lines.shown(int(np.argmax(bad)))} has no index m", 0.9)
        satellites |= order != 0
    found.leave_out(satellites, SATELLITES)
    if names is None:
        found.notes.append(
            "columns without names are taken for h k l, intensity"
            + (" and uncertainty" if n_columns == 5 else "; no uncertainties")
        )
    read_tail(found, data, tail, len(data), ended)
    return found


def _is_count(words: Words) -> bool:
    """Are the fourth words small whole numbers, and intensity and uncertainty after them?"""
    raw = words.column(3)
    values, bad = numbers(raw)
    if bad.any() or np.any(np.char.find(raw, b".") >= 0) or np.abs(values).max() > _GREATEST_COUNT:
        return False
    return all(bool(np.any(np.char.find(words.column(place), b".") >= 0)) for place in (4, 5))


def _without_header(lines: Lines) -> tuple[Lines, list[str]]:
    """The lines from the first that begins with a number, and those before it.

    Comments in between are left out, too.
    """
    header = []
    begin = 0
    for row in range(min(len(lines), _MOST_HEADER)):
        line = lines.line(row)[:2000]
        begin = row
        if line.lstrip()[:1] in _NUMBERS_BEGIN:
            break
        header.append(line)
        begin = row + 1
    lines = lines[begin:]
    first = lines.text[lines.start]
    comment = (first == _COMMENTS[0]) | (first == _COMMENTS[1])
    return (lines[~comment] if comment.any() else lines), header


def _names(header: list[str], n_columns: int) -> list[str] | None:
    """Names of columns, if one of the lines before them has h, k and l."""
    for line in reversed(header):
        names = [
            re.sub(r"\W+", "_", name.replace("^", "").replace("**", "")).strip("_").lower()
            for name in re.split(r"[\s,;]+", line.strip(" \t#!;,"))
        ]
        names = [re.sub(r"^index_", "", name) for name in names]
        if {"h", "k", "l"} <= set(names) and len(names) <= n_columns:
            return names
    return None


def _places(names: list[str] | None) -> tuple[list[int | None], bool]:
    """Where h, k, l, intensity and uncertainty stand, and whether it is an amplitude."""
    if names is None:
        return [0, 1, 2, 3, 4], False
    hkl: list[int | None] = [names.index(name) for name in "hkl"]
    others = [place for place in range(len(names)) if place not in hkl]
    for pattern, amplitude in ((_INTENSITY, False), (_AMPLITUDE, True)):
        for place in others:
            if pattern.fullmatch(names[place]):
                after = [one for one in others if one > place and _SIGMA.fullmatch(names[one])]
                return [*hkl, place, after[0] if after else None], amplitude
    last = max(place for place in hkl if place is not None)
    return [*hkl, last + 1, last + 2], False


def _comma_counts(lines: Lines) -> NDArray[np.integer]:
    places = np.flatnonzero(lines.text == ord(","))
    return np.searchsorted(places, lines.end) - np.searchsorted(places, lines.start)
