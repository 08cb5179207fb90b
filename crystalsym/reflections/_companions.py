"""Files beside a reflection list that know its cell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from crystalsym.reflections._cif_lists import read_about
from crystalsym.reflections._found import About
from crystalsym.reflections._shelx_instructions import read_instructions, read_p4p
from crystalsym.reflections._text_columns import as_text

SUFFIXES = (".ins", ".res", ".cif", ".cif_od", ".pcf", ".p4p", ".fcf")
_LARGEST = 200_000_000
_MOST = 12  # strangers in a folder that are read at all


def read_companion(path: Path) -> About:
    """Read what a file says of the crystal, by its ending; nothing if it cannot be read."""
    suffix = path.suffix.lower()
    try:
        if path.stat().st_size > _LARGEST:
            return About()
        data = path.read_bytes()
        if suffix in (".ins", ".res"):
            return read_instructions(as_text(data[:2_000_000]), path.name)
        if suffix == ".p4p":
            return read_p4p(as_text(data[:2_000_000]), path.name)
        return read_about(data, path.name)
    except (OSError, ValueError) as error:
        return About(notes=[f"{path.name} beside the list is not read: {error}"])


def find_companion(path: Path, strangers: bool) -> About:
    """The cell of the files beside a list: of its name, or else the only one of another name."""
    try:
        beside = [one for one in path.parent.iterdir() if one.suffix.lower() in SUFFIXES]
    except OSError:
        return About()
    beside = sorted(
        (one for one in beside if one != path and one.is_file()),
        key=lambda one: (SUFFIXES.index(one.suffix.lower()), one.name),
    )
    same = [one for one in beside if one.stem.lower() == path.stem.lower()]
    if (about := _agreed(same)) is not None:
        return about
    others = [one for one in beside if one not in same]
    names = ", ".join(one.name for one in others[:6])
    if strangers and 0 < len(others) <= _MOST:
        about = _agreed(others)
        if about is not None:
            name = about.where["cell"].partition(",")[0]
            if any("different cells" in note for note in about.notes):
                return About(notes=[f"{names} beside the list have different cells: none is used"])
            about.notes.append(f"the cell is that of {name}, the only one beside the list")
            return about
    return About()


def looked_for(path: Path) -> str:
    """What a missing cell was looked for in."""
    return ", ".join(f"{path.stem}{suffix}" for suffix in SUFFIXES if suffix != path.suffix.lower())


def same_cell(one: Iterable[float], other: Iterable[float]) -> bool:
    """Do two cells agree to half a percent and half a degree?"""
    a, b = np.array(list(one)), np.array(list(other))
    return bool(np.allclose(a[:3], b[:3], rtol=0.005) and np.allclose(a[3:], b[3:], atol=0.5))


def _agreed(paths: list[Path]) -> About | None:
    """What the first of some files with a cell says; a note if the others' cells differ."""
    first: About | None = None
    for one in paths:
        about = read_companion(one)
        if about.cell is None:
            continue
        if first is None:
            first = about
            continue
        assert first.cell is not None
        if not same_cell(first.cell, about.cell):
            first.notes.append(
                f"{re.sub(',.*', '', first.where['cell'])} and {one.name} have different cells:"
                f" that of the former is used"
            )
        for name in ("wavelength", "radiation"):
            if getattr(first, name) is None and getattr(about, name) is not None:
                setattr(first, name, getattr(about, name))
                first.where[name] = about.where[name]
        first.carried = {**about.carried, **first.carried}
    return first
