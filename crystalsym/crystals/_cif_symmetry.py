"""The symmetry operations a CIF block may mean, the likeliest first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import gemmi
import numpy as np

from crystalsym.crystals._cif_block import CifBlock, known
from crystalsym.crystals._notes import listed
from crystalsym.crystals._operations import METRIC_MISFIT, Operations, triclinic
from crystalsym.crystals._setting_symbols import settings_named, standard_settings

OPERATIONS = (
    "_space_group_symop_operation_xyz",
    "_symmetry_equiv_pos_as_xyz",
    "_symmetry_equiv_as_xyz",
)
_MAGNETIC = ("_space_group_symop_magn_operation_xyz", "_space_group_symop_magn_ssg_operation_xyz")
_MAGNETIC_CENTERING = "_space_group_symop_magn_centering_xyz"
_SUPERSPACE = (
    "_space_group_symop_ssg_operation_algebraic",
    "_space_group_symop_magn_ssg_operation_algebraic",
)
_SUPERSPACE_NAMES = (
    "_space_group_ssg_name",
    "_space_group_ssg_name_IT",
    "_space_group_ssg_name_WJJ",
)
_HALL = ("_space_group_name_Hall", "_symmetry_space_group_name_Hall")
_SYMBOLS = (
    "_space_group_name_H-M_alt",
    "_symmetry_space_group_name_H-M",
    "_space_group_name_H-M_full",
    "_symmetry_space_group_name_H-M_alt",
    "_space_group_name_H-M",
)
_NUMBERS = ("_space_group_IT_number", "_symmetry_Int_Tables_number")


@dataclass(frozen=True)
class Reading:
    """One way to understand a file's symmetry, in words for a note."""

    operations: Operations
    words: str
    # Settings of one symbol differ in their origin; then the fewer atoms, the better it fits.
    open_origin: bool = False


@dataclass(frozen=True)
class Symmetry:
    """What there is to choose from, and what has to be said whichever is chosen."""

    readings: tuple[Reading, ...]
    disputed: str = ""  # why there is more than one


def read_symmetry(block: CifBlock, cell: gemmi.UnitCell, notes: list[str]) -> Symmetry:
    """By listed operations, else Hall symbol, else Hermann-Mauguin symbol, else number.

    Raises
    ------
    ValueError
        If what is given cannot be read; names the item.
    """
    metric = _metric(cell)
    if block.has("_cell_wave_vector") or block.has("_cell_modulation") or block.has(
        "_space_group_ssg"
    ):  # fmt: skip
        notes.append("modulated structure (superspace), its average is read")
    if block.has("_atom_site_moment") or block.has("_space_group_magn"):
        notes.append("magnetic structure, moments and time reversal are left out")
    named, words = _named(block, metric, notes)
    groups = [reading.operations for reading in named]
    listed_operations = _listed(block, groups, notes)
    if listed_operations is None:
        if not named:
            notes.append("no symmetry given, atoms are taken as listed (P 1)")
            return Symmetry((Reading(triclinic(), "P 1"),))
        if len(named) > 1:
            against = " against " in words
            disputed = words if against else f"{words} leaves open which setting"
            return Symmetry(tuple(named), disputed)
        return Symmetry(tuple(named))
    listed_words = f"the {len(listed_operations)} operations listed"
    own = Reading(listed_operations, listed_words)
    if listed_operations.misfit(metric) > METRIC_MISFIT:
        notes.append(f"the cell does not have the symmetry of {listed_words}")
    if not named or listed_operations in groups:
        return Symmetry((own,))
    number = listed_operations.number
    if number is not None and any(reading.operations.number == number for reading in named):
        notes.append(f"{words} is of another setting than {listed_words}, which are used")
        return Symmetry((own,))
    found = "no group" if number is None else f"group {number}"
    return Symmetry(
        (*(r for r in named if listed_operations < r.operations), own,
         *(r for r in named if not listed_operations < r.operations)),
        f"{words} contradicts {listed_words} ({found})",
    )  # fmt: skip


def _metric(cell: gemmi.UnitCell) -> np.ndarray:
    vectors = np.array(cell.orth.mat.tolist()).T
    return vectors @ vectors.T


def _listed(block: CifBlock, groups: Sequence[Operations], notes: list[str]) -> Operations | None:
    """The operations listed, completed to a group if they are none of ``groups``."""
    magnetic = [text for text in block.column(*_MAGNETIC) if known(text)]
    if magnetic:
        operations = _parsed(block, _MAGNETIC[0], map(_without_time, magnetic))
        centering = [text for text in block.column(_MAGNETIC_CENTERING) if known(text)]
        if centering:
            operations = operations.combined(
                _parsed(block, _MAGNETIC_CENTERING, map(_without_time, centering))
            )
        texts: list[str] = magnetic
    else:
        item = next((name for name in OPERATIONS if block.column(name)), OPERATIONS[0])
        texts = [text for text in block.column(item) if known(text)]
        if not texts:
            item = next((name for name in _SUPERSPACE if block.column(name)), _SUPERSPACE[0])
            texts = [_in_three(text) for text in block.column(item) if known(text)]
        if not texts:
            return None
        operations = _parsed(block, item, texts)
    if operations in groups:
        return operations
    group = operations.closed()
    if group is None:
        raise ValueError(f"{block.where(OPERATIONS[0])}: the operations listed form no group")
    if len(group) > len(operations):
        notes.append(
            f"of {len(group)} symmetry operations {len(operations)} are listed, the others follow"
        )
    return group


def _parsed(block: CifBlock, item: str, texts) -> Operations:
    ops = []
    for text in texts:
        try:
            op = gemmi.Op(re.sub(r"\s+", "", text))
            if not op.is_hkl() and abs(op.det_rot()) == gemmi.Op.DEN**3:
                ops.append(op)
                continue
        except (RuntimeError, ValueError):
            pass
        raise ValueError(
            f"{block.where(item)} {text!r} is no symmetry operation such as -x,y+1/2,-z"
        )
    return Operations.parsed(ops)


def _without_time(text: str) -> str:
    """A magnetic operation without its fourth part, the time reversal."""
    return ",".join(text.split(",")[:3])


def _in_three(text: str) -> str:
    """A superspace operation's part in ordinary space."""
    parts = text.split(",")[:3]
    names = {"x1": "x", "x2": "y", "x3": "z"}
    return ",".join(re.sub(r"x[123]", lambda m: names[m[0]], part) for part in parts)


def _named(block: CifBlock, metric: np.ndarray, notes: list[str]) -> tuple[list[Reading], str]:
    """Readings of Hall symbol, Hermann-Mauguin symbol or number, and what they are read from."""
    number = _number(block)
    symbols = [value for name in _SYMBOLS if (value := block.text(name))]
    if not symbols and (name := block.text(*_SUPERSPACE_NAMES)):
        symbols = [name.partition("(")[0]]
    hall = block.text(*_HALL)
    if hall:
        words = f"Hall symbol {hall!r}"
        try:
            operations = Operations.parsed(gemmi.symops_from_hall(hall))
        except (RuntimeError, ValueError):
            notes.append(f"{words} is not understood")
        else:
            readings = [Reading(operations, words)]
            settings = settings_named(symbols[0]) if symbols else []
            if settings and not _means(settings, operations):
                readings += _fitting(settings, metric, words, [])
                words = f"{words} against symbol {symbols[0]!r}"
            return readings, words
    unread = []
    for symbol in symbols:
        settings = settings_named(symbol)
        if not settings:
            unread.append(symbol)
            continue
        words = f"symbol {symbol!r}"
        readings = _fitting(settings, metric, words, notes)
        if number and number != settings[0].number:
            same = [s for s in settings if s.number == number]
            if not same:
                readings += _fitting(standard_settings(number), metric, f"group {number}", [])
                words = f"{words} against _space_group_IT_number {number}"
        return readings, words
    if number:
        if unread:
            notes.append(f"symbol {listed(unread)} is not understood, group {number} is taken")
        words = f"group {number}"
        return _fitting(standard_settings(number), metric, words, notes), words
    if unread:
        if any(block.column(name) for name in (*OPERATIONS, *_MAGNETIC, *_SUPERSPACE)):
            notes.append(f"symbol {listed(unread)} is not understood")
            return [], ""
        raise ValueError(
            f"{block.where('_space_group_name_H-M_alt')} {unread[0]!r} is no space group's"
            " symbol; give the operations or a symbol such as P 1 21/c 1"
        )
    return [], ""


def _means(settings: Sequence[gemmi.SpaceGroup], operations: Operations) -> bool:
    """Are they of one group, whatever its setting?"""
    if any(Operations.of_setting(setting) == operations for setting in settings):
        return True
    number = operations.number
    return any(setting.number == number for setting in settings)


def _number(block: CifBlock) -> int:
    item = next((name for name in _NUMBERS if block.text(name)), _NUMBERS[0])
    given = block.number(item)
    if given is None:
        return 0
    if given.value != int(given.value) or not 1 <= given.value <= 230:
        raise ValueError(f"{block.where(item)} is {given.value:g}, needs 1 to 230")
    return int(given.value)


def _fitting(
    settings: Sequence[gemmi.SpaceGroup], metric: np.ndarray, words: str, notes: list[str]
) -> list[Reading]:
    """Settings that the cell allows; if none, its neighbors in the table, else all of them."""
    fitting = _allowed(settings, metric)
    if not fitting:
        others = [s for s in standard_settings(settings[0].number) if s not in settings]
        fitting = _allowed(others, metric)
        if fitting:
            notes.append(f"the cell is not that of {words}, but of {fitting[0].xhm()}")
    if not fitting:
        notes.append(f"the cell does not have the symmetry of {words}")
        fitting = list(settings)
    origins = {setting.hm for setting in fitting}
    return [
        Reading(
            Operations.of_setting(setting),
            setting.xhm(),
            open_origin=len(origins) == 1 and len(fitting) > 1,
        )
        for setting in fitting
    ]


def _allowed(settings: Sequence[gemmi.SpaceGroup], metric: np.ndarray) -> list[gemmi.SpaceGroup]:
    misfits = [Operations.of_setting(setting).misfit(metric) for setting in settings]
    return [s for s, misfit in zip(settings, misfits, strict=True) if misfit <= METRIC_MISFIT]
