"""One data block of a CIF file: items in any case and spelling, numbers with their digits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gemmi import cif

_NUMBER = re.compile(r"([+-]?(?:\d+\.?(\d*)|\.(\d+)))(?:[eEdD]([+-]?\d+))?(?:\((\d+)\))?")


@dataclass(frozen=True)
class Number:
    """A value, and what one unit of its last written digit is worth."""

    value: float
    unit: float


class CifBlock:
    """The items of a block, asked for by name whatever their case, with ``.`` or ``_`` between.

    Parameters
    ----------
    block : gemmi.cif.Block

    Raises
    ------
    ValueError
        If an item is given twice with different values.
    """

    def __init__(self, block: cif.Block) -> None:
        self.name = block.name.strip()
        self._values: dict[str, list[str]] = {}
        items: Iterable[Any] = block
        for item in items:
            if item.pair is not None:
                self._add(item.pair[0], [item.pair[1]])
            elif item.loop is not None:
                tags, values = item.loop.tags, item.loop.values
                for column, tag in enumerate(tags):
                    self._add(tag, values[column :: len(tags)])

    def _add(self, tag: str, raw: Sequence[str]) -> None:
        values = [cif.as_string(value).strip() if value not in ".?" else value for value in raw]
        key = _key(tag)
        if self._values.setdefault(key, values) != values:
            raise ValueError(f"{self.where(tag)} is given twice with different values")

    def where(self, item: str) -> str:
        """What messages call an item of this block."""
        return f"block {self.name!r}: {item}"

    def column(self, *names: str) -> list[str]:
        """The values of the first of these items that there is; empty if there is none."""
        for name in names:
            if values := self._values.get(_key(name)):
                return values
        return []

    def text(self, *names: str) -> str:
        """The first value given for one of these items that is not ``.`` or ``?``, or nothing."""
        for name in names:
            for value in self.column(name):
                if known(value):
                    return value
        return ""

    def has(self, beginning: str) -> bool:
        """Is there an item whose name begins so?"""
        return any(key.startswith(_key(beginning)) for key in self._values)

    def number(self, item: str) -> Number | None:
        """An item's number, or None where it is not given.

        Raises
        ------
        ValueError
            If it is no number; names block, item and value.
        """
        text = self.text(item)
        return self.as_number(text, item) if text else None

    def as_number(self, text: str, item: str) -> Number:
        """The number that an item's text is.

        Raises
        ------
        ValueError
            If it is none; names block, item and value.
        """
        found = _NUMBER.fullmatch(text)
        if found is None:
            hint = "a number such as 0.3333 or 0.3333(2)"
            if re.fullmatch(r"[+-]?\d*,\d+(\(\d+\))?", text):
                hint += ", with a decimal point"
            elif re.fullmatch(r"[+-]?\d+/\d+", text):
                hint += ", not a fraction"
            raise ValueError(f"{self.where(item)} is {text!r}, needs {hint}")
        power = int(found[4] or 0)
        if abs(power) > 300:
            raise ValueError(f"{self.where(item)} is {text!r}, out of all range")
        decimals = len(found[2] or found[3] or "")
        return Number(float(found[1]) * 10.0**power, 10.0 ** (power - decimals))


def known(value: str) -> bool:
    """Is a value given, rather than ``.`` or ``?``?"""
    return value not in ("", ".", "?")


def _key(tag: str) -> str:
    return tag.lower().replace(".", "_")
