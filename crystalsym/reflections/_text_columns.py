"""Columns of numbers in a text, taken out all at once.

A text is an array of bytes; lines and words are arrays of where they begin and end. No line
becomes an object of its own, so that memory stays within some times the text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Places = NDArray[np.integer]

_NEWLINE, _RETURN = 10, 13
_BLANKS = np.zeros(256, dtype=bool)
_BLANKS[[9, 10, 11, 12, 13, 32]] = True
_COMMA = ord(",")
_NUMERIC = np.zeros(256, dtype=bool)
_NUMERIC[list(b" 0123456789+-.eE\0")] = True
_OPEN = ord("(")
_IN_BRACKETS = np.zeros(256, dtype=bool)
_IN_BRACKETS[list(b"0123456789()\0")] = True
_WIDEST = 40  # characters of a number; longer ones are none
_PIECE = 1 << 20  # bytes looked at at a time
_AT_ONCE = 1 << 16  # rows whose characters are laid out at a time


@dataclass(frozen=True)
class Lines:
    """Where the lines of a text begin and end, and their numbers from 1."""

    text: Bytes
    start: Places
    end: Places
    number: Places

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, rows: slice | NDArray) -> Lines:
        return Lines(self.text, self.start[rows], self.end[rows], self.number[rows])

    def line(self, row: int) -> str:
        """The characters of one line."""
        return as_text(self.text[self.start[row] : self.end[row]])

    def shown(self, row: int) -> str:
        """How messages name a line: its number and its beginning."""
        return f"line {self.number[row]} {self.line(row)[:80].rstrip()!r}"


def as_text(part: Bytes | bytes) -> str:
    """Bytes as characters, whatever they are."""
    return bytes(part).decode("utf-8", errors="replace")


def lines_of(data: bytes, begin: int = 0, end: int | None = None) -> Lines:
    """The lines of a part of a text that are not blank, numbered in the whole of it."""
    end = len(data) if end is None else end
    text = np.frombuffer(data or b"\n", dtype=np.uint8)
    breaks = _places_of(text, lambda part: part == _NEWLINE, begin, end)
    if not len(breaks) and b"\r" in data[begin:end]:  # old Macintosh
        breaks = _places_of(text, lambda part: part == _RETURN, begin, end)
    kind = breaks.dtype
    start = np.concatenate([np.array([begin], kind), breaks + 1])
    stop = np.append(breaks, kind.type(end))
    filled = np.flatnonzero(stop > start).astype(kind)
    start, stop = start[filled], stop[filled]
    # Blanks at the end: few on most lines, so that a few rounds do; then line by line.
    for _ in range(_WIDEST):
        blank = (stop > start) & _BLANKS[text[stop - 1]]
        if not blank.any():
            break
        stop -= blank
    for row in np.flatnonzero((stop > start) & _BLANKS[text[stop - 1]]):
        stop[row] = start[row] + len(data[start[row] : stop[row]].rstrip())
    kept = stop > start
    number = filled[kept] + data.count(b"\n", 0, begin) + 1
    return Lines(text, start[kept], stop[kept], number)


def fixed_fields(lines: Lines, widths: Sequence[int]) -> list[NDArray[np.bytes_]]:
    """The characters of columns of these widths, one after the other, of each line."""
    out = [np.empty(len(lines), dtype=f"S{width}") for width in widths]
    total = sum(widths)
    for part in _parts(len(lines)):
        start = lines.start[part]
        letters = _gathered(lines.text, start, np.minimum(start + total, lines.end[part]), total)
        begin = 0
        for column, width in zip(out, widths, strict=True):
            field = np.ascontiguousarray(letters[:, begin : begin + width])
            column[part] = field.view(f"S{width}")[:, 0]
            begin += width
    return out


def is_blank(words: NDArray[np.bytes_]) -> NDArray[np.bool_]:
    """Which words are nothing but blanks."""
    return _letters(words).max(axis=1, initial=0) <= 32


@dataclass(frozen=True)
class Words:
    """Where the words of some lines begin and end, and which are the first of a line."""

    text: Bytes
    start: Places
    end: Places
    first: Places  # of each line, and at last their number

    @property
    def counts(self) -> Places:
        """Words on each line."""
        return np.diff(self.first)

    def column(self, column: int) -> NDArray[np.bytes_]:
        """The word at this place on each line; every line needs to have so many."""
        return self.at(self.first[:-1] + column)

    def every(self, column: int, n_columns: int) -> NDArray[np.bytes_]:
        """The word at this place of each row, rows following each other whatever the lines."""
        return self.at(np.arange(column, len(self.start), n_columns))

    def at(self, places: Places) -> NDArray[np.bytes_]:
        """These words; what is longer than any number is cut to a length that none has."""
        start, end = self.start[places], self.end[places]
        width = int(min(max((end - start).max(initial=1), 1), _WIDEST + 1))
        out = np.empty(len(places), dtype=f"S{width}")
        for part in _parts(len(places)):
            stop = np.minimum(end[part], start[part] + width)
            letters = _gathered(self.text, start[part], stop, width)
            out[part] = letters.view(f"S{width}")[:, 0]
        return out


def words_of(lines: Lines, commas: bool = False) -> Words:
    """The words of lines, with blanks (and commas) between them."""
    if not len(lines):
        none = np.zeros(0, dtype=np.int32)
        return Words(lines.text, none, none, np.zeros(1, dtype=np.int32))
    begin, end = int(lines.start[0]), int(lines.end[-1])

    def filled(part: Bytes) -> Any:
        inside = ~_BLANKS[part]
        return inside & (part != _COMMA) if commas else inside

    kind = lines.start.dtype
    places = _edges_of(lines.text, filled, begin, end)
    start, stop = places[::2], places[1::2]
    first = np.searchsorted(start, lines.start).astype(kind)
    # Lines that were taken out in between have words, too: keep those of our lines alone.
    last = np.searchsorted(start, lines.end).astype(kind)
    if np.any(first[1:] != last[:-1]):
        kept = np.zeros(len(start) + 1, dtype=np.int32)
        np.add.at(kept, first, 1)
        np.add.at(kept, last, -1)
        inside = np.cumsum(kept)[:-1] > 0
        start, stop = start[inside], stop[inside]
        first = np.searchsorted(start, lines.start).astype(kind)
    return Words(lines.text, start, stop, np.append(first, kind.type(len(start))))


def numbers(words: NDArray[np.bytes_]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Words as numbers, and which of them are none; blanks around them do not matter."""
    letters = _letters(words)
    wrong = np.zeros(len(words), dtype=bool)
    for part in _parts(len(words)):
        wrong[part] = ~_NUMERIC[letters[part]].all(axis=1)
    if letters.shape[1] > _WIDEST:
        wrong |= letters[:, _WIDEST] != 0
    if not wrong.any():
        try:
            return words.astype(np.float64), wrong
        except ValueError:
            filled = letters > 32
            begins = filled[:, 0] + (filled[:, 1:] & ~filled[:, :-1]).sum(axis=1)
            wrong |= begins != 1
    values = np.full(len(words), np.nan)
    for row in np.flatnonzero(~wrong):
        try:
            values[row] = float(words[row])
        except ValueError:
            wrong[row] = True
    return values, wrong


def _letters(words: NDArray[np.bytes_]) -> Bytes:
    return np.ascontiguousarray(words).view(np.uint8).reshape(len(words), words.dtype.itemsize)


def without_digits(words: NDArray[np.bytes_]) -> NDArray[np.bytes_]:
    """Words without digits of uncertainty: ``12.3(4)`` becomes ``12.3``."""
    letters = _letters(words)
    if not (letters == _OPEN).any():
        return words
    cut: Any = np.logical_or.accumulate(letters == _OPEN, axis=1)
    good = (~cut | _IN_BRACKETS[letters]).all(axis=1)
    kept = np.where(cut & good[:, None], np.uint8(0), letters)
    return kept.view(words.dtype)[:, 0]


def whole(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which numbers are whole and may be an index."""
    return (np.abs(values) <= 99999) & (values == np.round(values))


def stacked(columns: Sequence[NDArray[Any]]) -> NDArray[np.int32]:
    """Three columns of whole numbers as indices."""
    out = np.empty((len(columns[0]), len(columns)), dtype=np.int32)
    for place, column in enumerate(columns):
        out[:, place] = column
    return out


def _places_of(text: Bytes, test: Callable[[Bytes], Any], begin: int, end: int) -> Places:
    """Where a test holds in a part of a text; piece by piece, as places take more than text."""
    pieces = [slice(at, min(at + _PIECE, end)) for at in range(begin, end, _PIECE)]
    counts = [int(np.count_nonzero(test(text[piece]))) for piece in pieces]
    out = np.empty(sum(counts), dtype=np.int32)  # texts are shorter than 2 GB
    at = 0
    for piece, count in zip(pieces, counts, strict=True):
        out[at : at + count] = np.flatnonzero(test(text[piece])) + piece.start
        at += count
    return out


def _edges_of(text: Bytes, test: Callable[[Bytes], Any], begin: int, end: int) -> Places:
    """Where a test begins and ends to hold, by turns."""

    def edge(part: Bytes) -> Any:
        place = (part.__array_interface__["data"][0] - origin) // text.itemsize
        inside = test(part)
        before = bool(test(text[place - 1 : place])[0]) if place > begin else False
        return np.diff(inside, prepend=before)

    origin = text.__array_interface__["data"][0]
    places = _places_of(text, edge, begin, end)
    return np.append(places, np.int32(end)) if len(places) % 2 else places


def _parts(n: int) -> list[slice]:
    return [slice(begin, min(begin + _AT_ONCE, n)) for begin in range(0, n, _AT_ONCE)]


def _gathered(text: Bytes, start: Places, end: Places, width: int) -> Bytes:
    """Characters from start to end of each, filled up by zeros."""
    places = start[:, None] + np.arange(width, dtype=start.dtype)
    letters = text[np.minimum(places, max(len(text) - 1, 0))]
    letters[places >= end[:, None]] = 0
    return letters
