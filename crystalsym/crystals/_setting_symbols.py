"""Hermann-Mauguin symbols as they are written, and the settings of the table they may mean."""

from __future__ import annotations

import re
from functools import cache

import gemmi

_EXTENSION = re.compile(
    r"""\s* (?: : \s* (?P<colon>[\w-]+)
        | \(? \s* origin \s* (?:choice|at)? \s* (?P<origin>[12]) \s* \)?
        | (?P<letter>(?<=\s)[SZHRhr]|(?<=[a-z1-6])[SZ])
        ) \s* $""",
    re.VERBOSE | re.IGNORECASE,
)
_ORIGIN = {"s": "1", "z": "2", "o1": "1", "o2": "2"}


def settings_named(symbol: str) -> list[gemmi.SpaceGroup]:
    """Settings that a symbol may mean, the likeliest first; none if it is no symbol.

    Parameters
    ----------
    symbol : str
        Full or short, spaced or not, as of today or before 1992, with or without one of the
        extensions ``:1 :2 :R :H`` (also as ``S``, ``Z``, ``origin 2``, or a qualifier such as
        ``:b2``). Where the extension is left out, each origin or pair of axes is a candidate.

    Examples
    --------
    >>> [setting.xhm() for setting in settings_named("P21/b")]
    ['P 1 1 21/b', 'P 21/b 1 1']
    >>> [setting.xhm() for setting in settings_named("F d 3 m")]
    ['F d -3 m:2', 'F d -3 m:1']
    >>> settings_named("F 41/d -3 2/m :1")[0].hall
    'F 4d 2 3 -1d'
    """
    text = re.sub(r"\s+", " ", symbol.strip().strip("'\"").strip())
    base, extension = _split(text)
    found = _lookup(base)
    if not found and extension and (whole := _lookup(text)):  # its last letter was part of it
        return whole
    if extension:
        wanted = _ORIGIN.get(extension.lower(), extension.lower())
        marked = [s for s in found if wanted in (s.ext.lower(), s.qualifier.lower())]
        # An origin mark on a group that has but one says nothing.
        found = marked or [s for s in found if wanted in "12" and not s.ext.strip(" \0")]
    return found


def standard_settings(number: int) -> list[gemmi.SpaceGroup]:
    """Settings that a bare group number may mean, the reference setting first."""
    reference = gemmi.get_spacegroup_reference_setting(number)
    found = {reference.xhm(): reference}
    axes = {reference.monoclinic_unique_axis()}
    for setting in gemmi.spacegroup_table():
        if setting.number == number:
            axis = setting.monoclinic_unique_axis()
            if setting.hm == reference.hm or axis not in axes:  # the first cell choice of an axis
                found.setdefault(setting.xhm(), setting)
            axes.add(axis)
    return list(found.values())


def _split(text: str) -> tuple[str, str]:
    found = _EXTENSION.search(text)
    if found and found.start() > 0:
        extension = found["colon"] or found["origin"] or found["letter"]
        return text[: found.start()].strip(), extension
    return text, ""


def _lookup(text: str) -> list[gemmi.SpaceGroup]:
    """By the words of a symbol where it has spaces, else run together."""
    spaced, joined = _index()
    if text.lower() in spaced:
        return _found(spaced[text.lower()])
    text = re.sub(r"[()_]", "", text)
    text = re.sub(r"(?<=\d)\s*\bbar\b|\bbar\s*(?=\d)", "", text)
    if text[:1] in "Hh":  # an old name of R on hexagonal axes
        text = f"R{text[1:]}"
    for variant in (text, _short(text), _with_bars(text)):
        if (words := variant.lower()) in spaced:
            return _found(spaced[words])
        if (letters := words.replace(" ", "")) in joined:
            return _found(joined[letters])
    known = gemmi.find_spacegroup_by_name(text)  # further names: e glides, older spellings
    if known is None:
        return []
    return _found(spaced[known.hm.lower()])


def _short(text: str) -> str:
    """A full symbol without the axes that its planes imply, e.g. 4/m -3 2/m as m -3 m."""
    lattice, _, rest = text.partition(" ")
    words = rest.split()
    if len(words) < 2 or ("1" in words and not words[0].startswith("-3")):
        return text
    axial = (words[0][0] in "346" and "-3" not in words[1:2]) or words[0] == "-3"
    kept = [
        word if (place == 0 and axial) or "/" not in word else word.split("/")[1]
        for place, word in enumerate(words)
    ]
    return " ".join([lattice, *kept])


def _with_bars(text: str) -> str:
    """Cubic symbols of before 1992, where m 3 m stood for m -3 m."""
    return re.sub(r"^(\S\s*(?:21/|2/)?[mnadc])(\s*)3", r"\1\2-3", text)


@cache
def _index() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    spaced: dict[str, list[str]] = {}
    joined: dict[str, list[str]] = {}
    table = list(gemmi.spacegroup_table())
    for setting in table:
        spaced.setdefault(setting.hm.lower(), []).append(setting.xhm())
    # The symbol as printed comes before the short form of another: b axes, then c, then a.
    for axis in "bca":
        for setting in table:
            words = setting.hm.split()
            if setting.monoclinic_unique_axis() == axis and words.count("1") == 2:
                short = " ".join(word for word in words if word != "1")
                spaced.setdefault(short.lower(), []).append(setting.xhm())
    for symbol, names in spaced.items():
        joined.setdefault(re.sub(r"[ )]", "", symbol), []).extend(names)
    return spaced, joined


@cache
def _by_name() -> dict[str, gemmi.SpaceGroup]:
    return {setting.xhm(): setting for setting in gemmi.spacegroup_table()}


def _found(names: list[str]) -> list[gemmi.SpaceGroup]:
    """Settings by name; the reference setting before other origins and axes of its symbol."""
    settings = [_by_name()[name] for name in dict.fromkeys(names)]
    if len({setting.hm for setting in settings}) == 1:
        settings.sort(key=lambda setting: not setting.is_reference_setting())
    return settings
