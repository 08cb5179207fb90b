"""Loops of reflections in CIF files: which items are the intensities, and their values."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crystalsym.reflections._cif_scan import Loop
from crystalsym.reflections._found import SATELLITES, Found
from crystalsym.reflections._text_columns import (
    Lines,
    lines_of,
    numbers,
    stacked,
    whole,
    without_digits,
    words_of,
)

# (value, its uncertainty in any spelling, is it an amplitude), the first that there is.
_MEASURED: tuple[tuple[str, tuple[str, ...], bool], ...] = (
    ("F_squared_meas", ("F_squared_sigma", "F_squared_meas_su", "F_squared_meas_sigma"), False),
    ("intensity_meas", ("intensity_sigma", "intensity_meas_su", "intensity_meas_sigma"), False),
    ("intensity_net", ("intensity_u", "intensity_sigma", "intensity_net_su"), False),
    ("F_meas", ("F_sigma", "F_meas_su", "F_meas_sigma"), True),
    ("F_meas_au", ("F_meas_sigma_au", "F_meas_au_su"), True),
    ("f2", ("sig", "sigma"), False),
)
_PAIR = (  # Friedel mates in columns of their own
    ("pdbx_I_plus", "pdbx_I_plus_sigma", "pdbx_I_minus", "pdbx_I_minus_sigma", False),
    ("pdbx_F_plus", "pdbx_F_plus_sigma", "pdbx_F_minus", "pdbx_F_minus_sigma", True),
)
_ORDER = re.compile(r"_index_m(_\d+)?$")  # of the satellites of a modulated crystal
# Marks mean something at the beginning of a word, and end before a blank. Bounded, so that marks
# without an end cost no more than their line.
_MARKED = re.compile(rb"(?<!\S)(?:#[^\n]*|'[^\n]{0,200}?'(?!\S)|\"[^\n]{0,200}?\"(?!\S))")
_STATUS = ("observed_status", "include_status", "status")
_BATCH = ("zone_axis_id", "scale_group_code", "frame_id", "image_id")


def preferred(loops: Sequence[Loop]) -> list[Loop]:
    """Loops that hold measured values, those most like the measurement first."""
    order = {"hkl_oxdiff": 0, "diffrn_refln": 1, "refln": 2}
    useful = [loop for loop in loops if _chosen(loop) or _pair(loop)]
    return sorted(useful, key=lambda loop: order.get(loop.family, 3))


def read_loop(data: bytes, loop: Loop) -> Found:
    """Read one loop of reflections.

    Raises
    ------
    ValueError
        If its values are none; names the line or the item.
    """
    table = _Table(data, loop)
    hkl = stacked([table.indices(letter) for letter in "hkl"])
    found = Found(f"_{loop.family} loop", hkl=hkl)
    chosen, pair = _chosen(loop), _pair(loop)
    if chosen is not None:
        value, sigma, found.amplitudes = chosen
        found.intensity = table.values(value)
        found.sigma = table.values(sigma) if sigma else None
        found.format += f", {table.tag(value)}"
    elif pair is not None:
        *names, found.amplitudes = pair
        found.hkl = np.concatenate([hkl, -hkl])
        found.intensity = np.concatenate([table.values(names[0]), table.values(names[2])])
        if table.has(names[1]) and table.has(names[3]):
            found.sigma = np.concatenate([table.values(names[1]), table.values(names[3])])
        found.format += f", {table.tag(names[0])} and {table.tag(names[2])}"
    else:
        raise ValueError(f"the loop of {loop.tags[0]} has no measured intensities or amplitudes")
    if chosen is not None:
        _read_batch(found, table)
        _leave_out_rows(found, table)
    return found


class _Table:
    """The values of a loop, row after row, whatever the lines."""

    def __init__(self, data: bytes, loop: Loop) -> None:
        self.loop = loop
        lines = lines_of(_plain(data, loop.begin, loop.end), loop.begin, loop.end)
        comment = lines.text[lines.start] == ord("#") if len(lines) else np.zeros(0, dtype=bool)
        self.lines: Lines = lines[~comment] if comment.any() else lines
        if not len(self.lines):
            raise ValueError(f"the loop of {loop.tags[0]} is empty")
        self.words = words_of(self.lines)
        n_words, n_tags = len(self.words.start), len(loop.tags)
        if loop.has_texts or n_words % n_tags:
            odd = self.words.counts != n_tags
            raise ValueError(
                f"{self.lines.shown(int(np.argmax(odd)))}: the loop of {loop.tags[0]} needs"
                f" {n_tags} values a row"
            )

    def tag(self, name: str) -> str:
        return f"_{self.loop.family}_{name}"

    def has(self, name: str) -> bool:
        return _tag(self.loop, name) in self.loop.tags

    def raw(self, name: str) -> NDArray[np.bytes_]:
        place = self.loop.tags.index(_tag(self.loop, name))
        return self.words.every(place, len(self.loop.tags))

    def indices(self, letter: str) -> NDArray[np.int32]:
        name = f"index_{letter}" if self.loop.family != "hkl_oxdiff" else letter
        if not self.has(name):
            raise ValueError(f"the loop of {self.loop.tags[0]} lacks {_tag(self.loop, name)}")
        values, bad = numbers(self.raw(name))
        self._refuse(bad | ~whole(values), name, "is no whole number")
        return values.astype(np.int32)

    def values(self, name: str) -> NDArray[np.float64]:
        """Numbers, NaN where they are not given; digits of uncertainty do not matter."""
        words = self.raw(name)
        words = without_digits(words)
        unknown = (words == b"?") | (words == b".")
        if unknown.any():
            words = np.where(unknown, b"0", words)
        values, bad = numbers(words)
        self._refuse(bad, name, "is no number")
        values[unknown] = np.nan
        return values

    def _refuse(self, wrong: NDArray[np.bool_], name: str, what: str) -> None:
        if not wrong.any():
            return
        word = int(np.argmax(wrong)) * len(self.loop.tags)
        line = int(np.searchsorted(self.words.first, word, side="right")) - 1
        raise ValueError(
            f"{self.lines.shown(min(line, len(self.lines) - 1))}: {_tag(self.loop, name)} {what}"
        )


def _plain(data: bytes, begin: int, end: int) -> bytes:
    """Blanks for comments and quotation marks around single words, so that no place changes."""
    if not any(data.find(mark, begin, end) >= 0 for mark in (b"'", b'"', b" #", b"\t#")):
        return data
    plain = _MARKED.sub(_without_marks, data[begin:end])
    return data[:begin] + plain + data[end:]


def _without_marks(found: re.Match[bytes]) -> bytes:
    word = found[0]
    if word[:1] == b"#":
        return b" " * len(word)
    # What has blanks within is one word; nobody needs what it says.
    inside = re.sub(rb"[\s#]", b"_", word[1:-1]) or b"."
    return inside.center(len(word))


def _tag(loop: Loop, name: str) -> str:
    return name if name.startswith("_") else f"_{loop.family}_{name.lower()}"


def _chosen(loop: Loop) -> tuple[str, str | None, bool] | None:
    for value, sigmas, amplitude in _MEASURED:
        if _tag(loop, value) in loop.tags:
            sigma = next((one for one in sigmas if _tag(loop, one) in loop.tags), None)
            return value, sigma, amplitude
    return None


def _pair(loop: Loop) -> tuple[str, str, str, str, bool] | None:
    for one in _PAIR:
        if _tag(loop, one[0]) in loop.tags and _tag(loop, one[2]) in loop.tags:
            return one
    return None


def _read_batch(found: Found, table: _Table) -> None:
    for name in _BATCH:
        if table.has(name):
            values, bad = numbers(table.raw(name))
            if not bad.any() and whole(values).all():
                found.batch = values.astype(np.int32)
                return


def _leave_out_rows(found: Found, table: _Table) -> None:
    """Leave out satellites, and rows that are marked as unreliable; ``<`` is measured."""
    kept = np.ones(len(found.intensity), dtype=bool)
    orders = [tag for tag in table.loop.tags if _ORDER.search(tag)]
    if orders:
        kept = ~np.any([table.values(tag) != 0 for tag in orders], axis=0)
        found.leave_out(~kept, SATELLITES)
    for name in _STATUS:
        if table.has(name):
            status = np.char.strip(table.raw(name), b"'\"")[kept]
            found.leave_out(status == b"x", "status x (unreliable)")
            return
