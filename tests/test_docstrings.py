"""Every public name explains itself: numpydoc sections, each parameter, an example."""

from __future__ import annotations

import importlib
import inspect
import re
from dataclasses import is_dataclass
from enum import Enum
from pathlib import Path

import pytest

import crystalsym

PACKAGE = Path(crystalsym.__file__).parent
ROOMS = sorted(
    ".".join(("crystalsym", *place.parent.relative_to(PACKAGE).parts))
    for place in PACKAGE.glob("*/**/__init__.py")
)
SECTION = re.compile(r"^([A-Z][A-Za-z ]+)\n-{3,}$", re.M)

# Public names without an example of their own, and why.
WITHOUT_EXAMPLE = {
    **dict.fromkeys(
        ("training.TrainingData", "training.load_data", "training.refit", "training.train"),
        "need a table of crystals and minutes: docs/training.md shows them",
    ),
}


def _public():
    """Functions and classes that the rooms name, each once, by where they were found first."""
    found = {}
    for room in ROOMS:
        module = importlib.import_module(room)
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                found.setdefault(id(thing), (f"{room.partition('.')[2]}.{name}", thing))
    return dict(found.values())


PUBLIC = _public()


def _methods():
    """Public methods that the library's own public classes define."""
    for name, thing in PUBLIC.items():
        if not inspect.isclass(thing):
            continue
        for attribute in dir(thing):
            raw = inspect.getattr_static(thing, attribute)
            raw = getattr(raw, "__func__", raw)  # class methods
            raw = getattr(raw, "fn", raw)  # available_if
            if attribute.startswith("_") or not inspect.isfunction(raw):
                continue
            if raw.__module__.startswith("crystalsym"):
                yield f"{name}.{attribute}", raw


METHODS = dict(_methods())
EXPLAINED = {**PUBLIC, **METHODS}


def _is_error(thing):
    return inspect.isclass(thing) and issubclass(thing, (Exception, Warning))


def _first_line(text):
    return inspect.cleandoc(text).partition("\n")[0]


def _section(text, title):
    """The body of a numpydoc section, or None."""
    parts = SECTION.split(inspect.cleandoc(text))
    return dict(zip(parts[1::2], parts[2::2], strict=True)).get(title)


def _named_in(body):
    """Parameters that a section lists: its lines that are not indented."""
    heads = [line.partition(" :")[0] for line in (body or "").splitlines() if line[:1].strip()]
    return [name.strip().lstrip("*") for head in heads for name in head.split(",")]


@pytest.mark.parametrize("name", EXPLAINED)
def test_first_line_is_one_short_sentence(name):
    text = EXPLAINED[name].__doc__
    assert text, f"{name} has no docstring"
    first, *rest = inspect.cleandoc(text).splitlines()
    assert first.endswith("."), f"{name}: {first!r}"
    assert not rest or not rest[0], f"{name}: the first sentence takes more than a line"


# What summaries must not begin with: they tell what to do, in the imperative.
NO_VERBS = {
    "a", "all", "an", "are", "at", "each", "how", "is", "one", "same", "some", "that", "the",
    "these", "three", "two", "what", "where", "whether", "which", "who",
}  # fmt: skip
VERBS_LIKE_OTHERS = {"bring", "embed"}


@pytest.mark.parametrize("name", [name for name, one in EXPLAINED.items() if not _is_error(one)])
def test_summary_opens_with_a_verb(name):
    first = _first_line(EXPLAINED[name].__doc__).split()[0].strip("`.,:;").lower()
    assert first not in NO_VERBS, name
    # "Return" rather than "Returns", "Returned" or "Returning".
    assert first in VERBS_LIKE_OTHERS or not re.search(r"[^s]s$|(ed|ing)$", first), name


@pytest.mark.parametrize("name", EXPLAINED)
def test_parameters_are_all_named(name):
    thing = EXPLAINED[name]
    if _is_error(thing) or (inspect.isclass(thing) and issubclass(thing, Enum)):
        return
    wanted = [one for one in inspect.signature(thing).parameters if one not in ("self", "cls")]
    listed = _named_in(_section(thing.__doc__, "Parameters"))
    if is_dataclass(thing):
        assert set(listed) <= set(wanted), f"{name} has no such parameters"
        listed += _named_in(_section(thing.__doc__, "Attributes"))
        assert set(wanted) <= set(listed), name
    else:
        assert listed == wanted, name


@pytest.mark.parametrize("name", PUBLIC)
def test_there_is_an_example(name):
    thing = PUBLIC[name]
    if _is_error(thing) or ".. deprecated::" in thing.__doc__:
        return
    has_one = _section(thing.__doc__, "Examples") is not None
    assert has_one != (name in WITHOUT_EXAMPLE), WITHOUT_EXAMPLE.get(name, f"{name} has none")


def test_exceptions_name_what_there_is():
    assert set(WITHOUT_EXAMPLE) <= set(PUBLIC)
