"""The text of a CIF file as blocks, whatever spelling of the format its author used."""

from __future__ import annotations

import codecs
import gzip
import re
from pathlib import Path

from gemmi import cif

# Signs that look like a minus and are none: typesetting programs put them before digits.
_MINUS = re.compile("[\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d](?=[0-9.xyzXYZ])")
_BLANK = re.compile("[\u00a0\u2002-\u200a\u202f]")


def read_document(path: Path, notes: list[str]) -> cif.Document:
    """Parse a CIF file (1.1, 2.0 or DDLm spelling; gzipped, with or without byte-order mark).

    Raises
    ------
    ValueError
        If it does not follow the syntax; names the line.
    """
    text = _decoded(path.read_bytes())
    ascii_text, n_signs = _MINUS.subn("-", text)
    if n_signs:
        notes.append(f"{n_signs} typographic minus signs are read as minus")
    ascii_text = _BLANK.sub(" ", ascii_text)
    # What is read here is ASCII; names and comments need not be, and the parser minds.
    ascii_text = re.sub(r"[^\x00-\x7f]", "x", ascii_text)
    try:
        return cif.read_string(ascii_text, 0)
    except (ValueError, RuntimeError) as error:
        try:
            return cif.read_string(_without_version_2(ascii_text), 0)
        except (ValueError, RuntimeError):
            raise ValueError(f"no CIF syntax: {_located(str(error), text)}") from error


def _decoded(data: bytes) -> str:
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _located(message: str, text: str) -> str:
    """gemmi's ``string:LINE:COLUMN(OFFSET): what`` in words, with the line's beginning."""
    found = re.match(r"string:(\d+)\S*\s*(.*)", message, re.DOTALL)
    if not found:
        return message
    lines = text.splitlines()
    number = int(found[1])
    shown = lines[number - 1].strip()[:40] if 0 < number <= len(lines) else ""
    return f"line {number} {shown!r}: {found[2]}"


def _without_version_2(text: str) -> str:
    """CIF 2.0's triple-quoted strings, lists and tables replaced by ``?``.

    No item that is read here may hold one; the parser knows version 1.1 only.
    """
    parts: list[str] = []
    place = 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            if text[place] in "[{":
                place = _after_brackets(text, place)
                parts.append("?")
                continue
            parts.append(text[place])
            place += 1
            continue
        parts.append("?" if token.lastgroup == "triple" else token[0])
        place = token.end()
    return "".join(parts)


_TOKEN = re.compile(
    r"""(?P<triple>'''.*?'''|\"\"\".*?\"\"\")
      | (?P<other>\s+ | (?<![^\n]);.*?\n; | '[^\n]*?'(?=\s|$) | "[^\n]*?"(?=\s|$) | \#[^\n]*
        | [^\s\[{'"#][^\s]*)""",
    re.DOTALL | re.VERBOSE,
)


def _after_brackets(text: str, place: int) -> int:
    depth = 0
    for found in re.finditer(r"'[^'\n]*'|\"[^\"\n]*\"|[\[{]|[\]}]", text[place:]):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth == 0:
            return place + found.end()
    raise ValueError("a list or table is not closed")
