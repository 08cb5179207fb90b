"""What a CIF block says beside its reflections: cell, wavelength, radiation; symmetry, carried."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from gemmi import cif

from crystalsym.reflections._cif_scan import key_of
from crystalsym.reflections._found import About

_CELL = [
    *(f"_cell_length_{axis}" for axis in "abc"),
    *(f"_cell_angle_{angle}" for angle in ("alpha", "beta", "gamma")),
]
_CARRIED = {
    "symbol": ("_space_group_name_h-m_alt", "_symmetry_space_group_name_h-m"),
    "hall": ("_space_group_name_hall", "_symmetry_space_group_name_hall"),
    "number": ("_space_group_it_number", "_symmetry_int_tables_number"),
    "system": ("_space_group_crystal_system", "_symmetry_cell_setting"),
    "operations": ("_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz"),
    "atoms": ("_atom_site_label",),
    "formula": ("_chemical_formula_sum",),
}
_WAVELENGTH = (
    "_diffrn_radiation_wavelength", "_diffrn_radiation_wavelength_wavelength",
    "_diffrn_radiation_wavelength_value",
)  # fmt: skip
_KNOWN_TAGS = re.compile(
    rb"^[ \t]*(_(?:cell|symmetry|space_group|diffrn_radiation|reflns|shelx)[\w./-]*)[ \t]+"
    rb"('[^'\n]*'|\"[^\"\n]*\"|[^\s]+)",
    re.M | re.I,
)

_LONGEST = 4_000_000  # characters beside reflections that are parsed
Items = dict[str, list[str]]


def items_of(rest: bytes, notes: list[str]) -> Items:
    """The items of a block's text without its reflections, whatever is left of its syntax."""
    text = re.sub(rb"[^\x00-\x7f]", b"x", rest).replace(b"\x00", b"x")
    if not re.search(rb"^[ \t]*data_", text, re.M | re.I):
        text = b"data_\n" + text
    try:
        if len(text) > _LONGEST:
            raise ValueError(f"{len(text)} characters beside the reflections")
        block = cif.read_string(text.decode("ascii"), 0)[0]
    except (ValueError, RuntimeError, IndexError) as error:
        reason = re.sub(r"^string:(\d+)\S*", "", " ".join(str(error).split()))[:120]
        notes.append(f"the CIF syntax is broken ({reason.strip()}): items are read line by line")
        return {
            key_of(found[1]): [found[2].decode("ascii").strip("'\"")]
            for found in _KNOWN_TAGS.finditer(text)
        }
    out: Items = {}
    parts: Iterable[Any] = block
    for item in parts:
        if item.pair is not None:
            out[key_of(item.pair[0])] = [_plain(item.pair[1])]
        elif item.loop is not None:
            values = item.loop.values
            for column, tag in enumerate(item.loop.tags):
                out[key_of(tag)] = [_plain(one) for one in values[column :: len(item.loop.tags)]]
    return out


def about_of(items: Items, where: str) -> About:
    """Cell, wavelength and radiation; symmetry and atoms are carried."""
    about = About()
    cell = [_first(items, name) for name in _CELL]
    if all(cell[:3]) and not any(cell[3:]):
        cell[3:] = ["90"] * 3
        about.notes.append("the angles of the cell are not given: taken for 90 degrees")
    if all(cell):
        about.set_cell(_Numbers(cell), _joined(where, "_cell"))
    for name in _WAVELENGTH:
        if value := _first(items, name):
            about.set_wavelength(value.partition("(")[0], _joined(where, name))
            break
    for name in ("_diffrn_radiation_probe", "_diffrn_radiation_type", "_diffrn_source_type"):
        if about.radiation is None and (value := _first(items, name)):
            about.set_radiation(value, _joined(where, name))
    for kind, names in _CARRIED.items():
        for name in names:
            if values := [one for one in items.get(name, []) if one not in ".?"]:
                plain = kind in ("operations", "atoms")
                about.carried[kind] = values if plain else values[0]
                break
    return about


class _Numbers(list):
    """Words as numbers without digits of uncertainty, when they are asked for."""

    def __iter__(self):
        return (float(word.partition("(")[0]) for word in super().__iter__())


def count_of(items: Items, *names: str) -> int | None:
    """A count such as ``_reflns_number_total``, if it is given."""
    for name in names:
        value = _first(items, name)
        if value.isdecimal() and len(value) < 12:
            return int(value)
    return None


def text_of(items: Items, name: str) -> str:
    """The value of an item, or nothing."""
    return _first(items, name)


def _first(items: Items, name: str) -> str:
    return next((one for one in items.get(name, []) if one not in ("", ".", "?")), "")


def _plain(value: str) -> str:
    return cif.as_string(value).strip() if value not in (".", "?") else value


def _joined(where: str, name: str) -> str:
    return f"{where}, {name}" if where else name
