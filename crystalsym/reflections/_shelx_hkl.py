"""SHELX reflection files, HKLF 4 and 5: columns 3I4, 2F8, I4, and what comes after them."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crystalsym.reflections._found import Found, Misread
from crystalsym.reflections._shelx_instructions import read_instructions
from crystalsym.reflections._text_columns import (
    Lines,
    as_text,
    fixed_fields,
    is_blank,
    lines_of,
    numbers,
    stacked,
    whole,
)

# h = k = l = 0 ends a list. What follows is for people, or instructions.
_END = re.compile(rb"^[ \t]*[+-]?0+[ \t]+[+-]?0+[ \t]+[+-]?0+(?![0-9.])[^\n]*", re.M)
_SAMPLE = 1000  # lines that tell that a long file is of another format
# Files without that line may go on with instructions or CIF items all the same.
_TAIL = re.compile(rb"^[ \t]*(?:TITL|CELL|REM |_[A-Za-z])", re.M)


def read_shelx_hkl(data: bytes, begin: int = 0, end: int | None = None) -> Found | Misread:
    """Read fixed columns, or say what is wrong with them."""
    end = len(data) if end is None else end
    lines, tail, ended = reflection_lines(data, begin, end)
    if not len(lines):
        return Misread("no reflections before the line 0 0 0 that ends a list", 0.0)
    if len(lines) > 2 * _SAMPLE:
        sample = _columns(lines[:_SAMPLE])
        if isinstance(sample, Misread) and sample.part < 0.5:
            return sample
    found = _columns(lines)
    if isinstance(found, Found):
        read_tail(found, data, tail, end, ended)
    return found


def reflection_lines(data: bytes, begin: int, end: int) -> tuple[Lines, int, bool]:
    """The lines up to the end of a list, where the rest begins, and whether 0 0 0 ended it."""
    stop, tail, ended = end, end, False
    if terminator := _END.search(data, begin, end):
        stop, tail, ended = terminator.start(), terminator.end(), True
    if instructions := _TAIL.search(data, begin, stop):
        stop = tail = instructions.start()
        ended = False
    return lines_of(data, begin, stop), tail, ended


def _columns(lines: Lines) -> Found | Misread:
    *fields, batches = fixed_fields(lines, (4, 4, 4, 8, 8, 4))
    columns, wrong, implied = [], np.zeros(len(lines), dtype=bool), 0
    for place, words in enumerate(fields):
        values, bad = numbers(words)
        if place < 3:
            bad = bad | ~whole(values)
        else:
            # Fortran's F8.2 takes digits without a point for hundredths.
            pointless = ~bad & _without_point(words)
            implied += int(pointless.sum())
            values = np.where(pointless, values / 100, values)
        columns.append(values)
        wrong |= bad
    batch, odd = _batch(batches, fields[-1])
    wrong |= _cut([*fields, batches]) | odd
    if wrong.any():
        return Misread(
            f"{lines.shown(int(np.argmax(wrong)))} is not three indices of 4 columns, intensity"
            " and uncertainty of 8",
            1 - float(np.mean(wrong)),
        )
    found = Found("HKLF 4", stacked(columns[:3]), columns[3], columns[4], batch)
    if implied:
        found.notes.append(
            f"{implied} numbers without a decimal point are read as hundredths, as F8.2 is"
        )
    return found


def _cut(fields: list[NDArray[np.bytes_]]) -> Any:
    """Rows where a number goes on beyond its columns: numbers end where their columns end."""
    letters = [words.view(np.uint8).reshape(len(words), -1) > 32 for words in fields]
    return np.any(
        [left[:, -1] & right[:, 0] & ~right[:, -1] for left, right in pairwise(letters)],
        axis=0,
    )


def _without_point(words: NDArray[np.bytes_]) -> Any:
    letters = words.view(np.uint8).reshape(len(words), -1)
    return ~np.isin(letters, list(b".eE")).any(axis=1)


def _batch(
    words: NDArray[np.bytes_], sigma: NDArray[np.bytes_]
) -> tuple[NDArray[np.int32] | None, Any]:
    """Batch numbers, and rows where a number goes on that began in the columns before."""
    empty = is_blank(words)
    nothing = np.zeros(len(words), dtype=bool)
    if empty.all():
        return None, nothing
    values, bad = numbers(np.where(empty, b"0", words))
    bad |= ~whole(values)
    if bad.any():  # something else stands there
        touching = [one.view(np.uint8).reshape(len(one), -1) > 32 for one in (sigma, words)]
        return None, bad & touching[0][:, -1] & touching[1][:, 0]
    return values.astype(np.int32), nothing


def read_tail(found: Found, data: bytes, tail: int, end: int, ended: bool) -> None:
    """Note what stands after a list, and take a cell from it."""
    rest = data[tail:end].strip()
    if not rest:
        return
    after = "after the line 0 0 0" if ended else "after the reflections"
    line = data.count(b"\n", 0, data.find(rest[:1], tail)) + 1
    found.notes.append(f"what stands {after} (from line {line}) is not read as reflections")
    if re.search(rb"^[ \t]*CELL\b", rest, re.M | re.I):
        found.about = read_instructions(as_text(rest), f"CELL {after}")


def untwinned(found: Found, hklf5: bool) -> None:
    """Sort out the rows of a list of several components (HKLF 5), or of flagged reflections.

    In HKLF 5 negative batch numbers say that the row shares its intensity with the next one.
    The component with most rows is kept, without what it shares if enough stands alone.
    """
    batch = found.batch
    if batch is None or not (hklf5 or (batch < 0).any()):
        return
    shared_with_next = batch < 0
    if not hklf5:
        same = np.zeros(len(batch), dtype=bool)
        same[:-1] = found.intensity[:-1] == found.intensity[1:]
        if np.mean(same[shared_with_next]) < 0.9:
            count = int(shared_with_next.sum())
            found.notes.append(
                f"{count} negative batch numbers (reflections set aside for R free) are read as"
                " positive"
            )
            found.batch = np.abs(batch)
            return
    found.format = "HKLF 5"
    shared = shared_with_next.copy()
    shared[1:] |= shared_with_next[:-1]
    component = np.abs(batch)
    kinds, counts = np.unique(component, return_counts=True)
    main = kinds[np.argmax(counts)]
    kept = component == main
    alone = kept & ~shared
    words = f"HKLF 5 of {len(kinds)} components: component {main} is kept"
    if alone.sum() >= max(50, 0.2 * kept.sum()):
        words += f", without {int(kept.sum() - alone.sum())} reflections that overlap with others"
        kept = alone
    elif shared.any():
        words += ", overlapping reflections with the intensity of all their components"
    found.notes.append(f"{words}; {int((~kept).sum())} of {len(kept)} rows are left out")
    found.keep(kept)
