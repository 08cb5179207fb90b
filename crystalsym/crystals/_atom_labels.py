"""Which element an atom of a file is, by its type symbol or else by its label."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

import gemmi

from crystalsym.crystals._crystal import MAX_ATOMIC_NUMBER
from crystalsym.crystals._notes import listed

_ION = re.compile(r"([A-Za-z]{1,2})(?:\d*[+-]\d*|\d+[+-]?|\d+\.\d+[+-]|[IVX]+\b|\([IVX]+\))?")
_WATER = re.compile(r"wat|wa\d*$|hoh|hho|h2o|oh2|d2o", re.IGNORECASE)
_HYDROXYL = re.compile(r"o-?h", re.IGNORECASE)
# The first letters of other words than elements, with which placeholders are named.
_PLACEHOLDER = re.compile(r"(vac|va$|va\d|dum|du\d|cen\b|cg\d|x\d*$|xx|q\d)", re.IGNORECASE)


def atomic_number(symbol: str) -> int:
    """Of an element's symbol in any case, deuterium's included; 0 if there is none such."""
    if symbol.upper() == "D":
        return 1
    name = symbol.capitalize()
    number = gemmi.Element(name).atomic_number
    return number if number and gemmi.Element(number).name == name else 0


def elements(
    labels: Sequence[str],
    types: Sequence[str],
    formula: Collection[int],
    where: Callable[[str], str],
    notes: list[str],
) -> list[int]:
    """Atomic numbers of atoms.

    Parameters
    ----------
    labels, types : sequence of str
        Labels, and type symbols or ``"?"``.
    formula : collection of int
        The elements the file says the crystal has; empty if it does not say.
    where : callable
        From an item's name to what messages call it.
    notes : list of str
        Gets a line for every atom whose element its symbol does not plainly say.

    Raises
    ------
    ValueError
        If an atom has no element; names it.
    """
    reading = _LabelReading(labels, formula)
    numbers = []
    guessed: dict[int, list[str]] = {}
    hydrogen = []
    for label, kind in zip(labels, types, strict=True):
        given = kind not in ("", ".", "?")
        text = kind if given else label
        number, plain = _of_type(text) if given else reading.number(label)
        if not number:
            item = "_atom_site_type_symbol" if given else "_atom_site_label"
            raise ValueError(
                f"{where(item)} {text!r} of atom {label!r} names no element; give each atom a"
                " _atom_site_type_symbol such as Fe or O2-"
            )
        if not plain:
            guessed.setdefault(number, []).append(text)
        if number == 8 and (_WATER.match(text) or _HYDROXYL.match(text) or text in ("W", "OW")):
            hydrogen.append(text)
        numbers.append(number)
    for number, names in guessed.items():
        name = gemmi.Element(number).name
        notes.append(f"{listed(names)}: names no element plainly, read as {name}")
    if hydrogen:
        notes.append(f"{listed(hydrogen)}: hydrogen of hydroxyl or water is not in the file")
    return numbers


def _of_type(text: str) -> tuple[int, bool]:
    found = _ION.fullmatch(text)
    if found and (number := atomic_number(found[1])):
        return number, True
    number = _LabelReading([], ()).number(text)[0]
    return number, False


class _LabelReading:
    """Labels of one block; how its other atoms are named helps to read an ambiguous one."""

    def __init__(self, labels: Sequence[str], formula: Collection[int]) -> None:
        self.labels = frozenset(labels)
        self.formula = formula
        # Fe1, not FE1: a second capital belongs to no symbol then.
        self.cased = any(
            re.match(r"[A-Z][a-z]", label) and atomic_number(label[:2]) for label in labels
        )

    def number(self, label: str) -> tuple[int, bool]:
        """Atomic number, and whether the label says it plainly; 0 for none."""
        found = re.match(r"[A-Za-z]+", label)
        if not found:
            return 0, False
        head = found[0]
        if _WATER.match(label):
            return 8, False
        if head in ("W", "Ow", "OW") and (head != "W" or self._without(74)):
            return 8, False
        if _PLACEHOLDER.match(label):
            return 0, False
        two, one = self._known(head[:2]) if len(head) > 1 else 0, self._known(head[0])
        if two and one:
            return self._of_two(label, two, one)
        return two or one, len(head) == (2 if two else 1)

    def _of_two(self, label: str, two: int, one: int) -> tuple[int, bool]:
        """Ca as calcium or as a carbon atom called a, and so on."""
        said = [number for number in (two, one) if number in self.formula]
        if len(said) == 1:
            return said[0], True
        if label[1].islower():
            return two, not label[2:3].isalpha()
        if self.cased or label[1:] in self.labels or label[:2] == "HO":
            return one, False
        return two, False

    def _known(self, symbol: str) -> int:
        number = atomic_number(symbol)
        return number if number <= MAX_ATOMIC_NUMBER else 0

    def _without(self, number: int) -> bool:
        return bool(self.formula) and number not in self.formula and 8 in self.formula
