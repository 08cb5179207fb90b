"""Write a page for every public name, and one for each room, as their ``__all__`` say.

Made when the site is built, so that no name can be forgotten. Needs no Sphinx to write them;
``setup`` also lets references by any public or private path of an object find its page.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pprint
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from generated_pages import write_pages

PACKAGE = "crystalsym"
KINDS = {
    "class": "Classes",
    "function": "Functions",
    "data": "Constants and scorers",
    "exception": "Errors and warnings",
}
BARS = re.compile(r"\|(\S(?:[^|`]*\S)?)\|")
DIRECTIVES = {
    "class": ".. autoclass:: {}\n   :members:\n   :inherited-members:\n   :no-show-inheritance:",
    "exception": ".. autoexception:: {}",
    "function": ".. autofunction:: {}",
}


@dataclass(frozen=True)
class Name:
    """A public name: where it is documented, and all paths by which it is imported."""

    room: str
    name: str
    kind: str
    thing: Any
    paths: tuple[str, ...]

    @property
    def home(self) -> str:
        return f"{self.room}.{self.name}"

    @property
    def page(self) -> str:
        """Name of its file; no two differ in case alone, which some file systems cannot tell."""
        return self.home + ("-function" if self.kind == "function" and self.name.islower() else "")


def rooms() -> list[str]:
    """Return the import paths of the public packages, sorted."""
    package = importlib.import_module(PACKAGE)
    root = Path(package.__file__).parent
    folders = (place.parent.relative_to(root) for place in root.glob("*/**/__init__.py"))
    return sorted(".".join((PACKAGE, *folder.parts)) for folder in folders)


def _kind(thing: Any) -> str:
    if inspect.isclass(thing):
        return "exception" if issubclass(thing, BaseException) else "class"
    return "function" if inspect.isfunction(inspect.unwrap(thing)) else "data"


def public_names() -> list[Name]:
    """Return everything that the package and its rooms name, each object once."""
    places = rooms()
    found: dict[int, list[tuple[str, str]]] = {}
    things: dict[int, Any] = {}
    for place in [*places, PACKAGE]:
        module = importlib.import_module(place)
        for name in module.__all__:
            thing = getattr(module, name)
            if not inspect.ismodule(thing) and name != "__version__":
                found.setdefault(id(thing), []).append((place, name))
                things[id(thing)] = thing
    names = []
    for key, all_places in found.items():
        thing = things[key]
        made_in = getattr(thing, "__module__", None) or ""
        # Where it is defined, or the first room that names it; never the package itself if a
        # room has it, so that a page stands among its like.
        room, name = next(
            (one for one in all_places if made_in.startswith(one[0] + ".") and one[0] != PACKAGE),
            all_places[0],
        )
        paths = tuple(f"{place}.{called}" for place, called in all_places)
        names.append(Name(room, name, _kind(thing), thing, paths))
    return sorted(names, key=lambda name: name.home.lower())


def _heading(text: str, line: str = "=") -> str:
    return f"{text}\n{line * len(text)}\n"


def _said_of(name: Name) -> str:
    """The string below the assignment of a constant, in the sources of its room."""
    folder = Path(importlib.import_module(name.room).__file__).parent
    for file in sorted(folder.glob("*.py")):
        body = ast.parse(file.read_text(encoding="utf-8")).body
        for statement, following in pairwise(body):
            targets = getattr(statement, "targets", [getattr(statement, "target", None)])
            if (
                any(isinstance(one, ast.Name) and one.id == name.name for one in targets)
                and isinstance(following, ast.Expr)
                and isinstance(following.value, ast.Constant)
                and isinstance(following.value.value, str)
            ):
                return inspect.cleandoc(following.value.value)
    return ""


def _data(name: Name) -> str:
    text = f".. py:data:: {name.name}\n"
    if said := _said_of(name):
        text += "\n" + "\n".join(f"   {line}".rstrip() for line in said.splitlines()) + "\n"
    if isinstance(name.thing, (dict, tuple, list, str, int, float, frozenset)):
        value = pprint.pformat(name.thing, width=88, compact=True, sort_dicts=False)
        text += "\n   .. code-block:: python\n\n"
        text += "\n".join(f"      {line}" for line in value.splitlines()) + "\n"
    return text


def name_page(name: Name) -> str:
    """Return the page of one name, in reStructuredText."""
    text = f"{_heading(name.name)}\n.. currentmodule:: {name.room}\n\n"
    importable = [path.rpartition(".") for path in name.paths]
    # The shortest first: what the package itself names is imported from there.
    importable.sort(key=lambda parts: (parts[0].count("."), parts[0] != name.room))
    lines = [f"from {place} import {called}" for place, _, called in importable]
    text += ".. code-block:: python\n\n" + "".join(f"   {line}\n" for line in lines[:1]) + "\n"
    if len(lines) > 1:
        others = ", ".join(f"``{place}``" for place, _, _ in importable[1:])
        text += f"Also in {others}.\n\n"
    if name.kind == "data":
        return text + _data(name)
    return text + DIRECTIVES[name.kind].format(name.name) + "\n"


def room_page(room: str, names: list[Name]) -> str:
    """Return the page of a room: what it is for, and tables of what it holds."""
    text = f"{_heading(room)}\n.. automodule:: {room}\n   :no-members:\n   :no-index:\n\n"
    text += f".. py:module:: {room}\n\n.. currentmodule:: {room}\n\n"
    for kind, title in KINDS.items():
        some = [name for name in names if name.kind == kind]
        if not some:
            continue
        text += _heading(title, "-") + "\n"
        if kind == "data":
            for name in some:
                first = _said_of(name).partition("\n")[0]
                text += f"- :py:data:`{name.name} <{name.home}>` {first}".rstrip() + "\n"
            text += "\n"
        else:
            text += ".. autosummary::\n   :nosignatures:\n\n"
            here = [name.name if name.room == room else f"~{name.home}" for name in some]
            text += "".join(f"   {entry}\n" for entry in here) + "\n"
    text += ".. toctree::\n   :hidden:\n\n"
    text += "".join(f"   ../api/{one.page}\n" for one in names if one.room == room)
    return text


def write(folder: Path) -> list[Name]:
    """Write all pages into two folders, ``api`` and ``rooms``, and return the names."""
    names = public_names()
    pages = {f"api/{name.page}.rst": name_page(name) for name in names}
    for room in rooms():
        inside = [name for name in names if any(p.rpartition(".")[0] == room for p in name.paths)]
        pages[f"rooms/{room}.rst"] = room_page(room, inside)
    write_pages(folder, pages, "*/*.rst")
    return names


def _row_around(literal: Any) -> Any:
    """The table row or else the document around a literal; None in titles and links."""
    from docutils import nodes

    above = literal.parent
    while not isinstance(above, (nodes.row, nodes.document)):
        if above is None or isinstance(above, (nodes.title, nodes.reference)):
            return None
        above = above.parent
    return above


def _meant_room(literal: Any, places: list[str]) -> str | None:
    """The room that a literal names: in full, or by its name alone in a table's first column."""
    row = _row_around(literal)
    if row is None:
        return None
    text = literal.astext()
    if row.tagname == "row" and next(row.findall(type(literal))) is literal:
        text = f"{PACKAGE}.{text.removeprefix(PACKAGE + '.')}"
    return text if text in places else None


def _meant(literal: Any, short: dict[str, str], homes: dict[str, str]) -> str | None:
    """The home of the name that a literal in the text is, None if it is none."""
    from docutils import nodes

    row = _row_around(literal)
    if row is None:
        return None
    text = literal.astext()
    places = [text, f"{PACKAGE}.{text}"]
    if isinstance(row, nodes.row):  # of a table whose first column names the room
        places.insert(0, f"{next(row.findall(nodes.literal)).astext()}.{text}")
    return next((homes[place] for place in places if place in homes), short.get(text))


def setup(app):
    """Connect to Sphinx."""
    from docutils import nodes
    from sphinx.util import logging
    from sphinx.util.nodes import make_refnode

    log = logging.getLogger(__name__)
    places = rooms()
    homes: dict[str, str] = {}
    short: dict[str, str] = {}

    def start(app):
        seen: dict[str, set[str]] = {}
        for name in write(Path(app.srcdir) / "generated"):
            homes.update(dict.fromkeys(name.paths, name.home))
            for path in name.paths:
                seen.setdefault(path.rpartition(".")[2], set()).add(name.home)
            private = getattr(inspect.unwrap(name.thing), "__module__", None)
            if private and name.kind != "data":
                homes[f"{private}.{name.thing.__name__}"] = name.home
        # A bare name that is no word of the language, and of one thing only.
        short.update(
            (name, *places)
            for name, places in seen.items()
            if len(places) == 1 and ("_" in name or name != name.lower())
        )

    def elsewhere(app, env, node, content):
        # A reference by another path than that of the page, or by the bare name.
        target = node.get("reftarget", "")
        if node.get("refdomain") != "py" or not target:
            return None
        objects = env.get_domain("py").objects
        place = node.get("py:module") or ""
        for path in (target, f"{place}.{target}", f"{PACKAGE}.{target}"):
            head, _, attribute = path.rpartition(".")
            for home in (homes.get(path), homes.get(head) and f"{homes[head]}.{attribute}"):
                if home in objects:
                    entry = objects[home]
                    return make_refnode(
                        app.builder, node["refdoc"], entry.docname, entry.node_id, content, home
                    )
        return None

    def linked(app, doctree, docname):
        # Names in the text of Markdown pages lead to their pages, without further marks.
        if Path(app.env.doc2path(docname)).suffix == ".md":
            objects = app.env.get_domain("py").objects
            for literal in list(doctree.findall(nodes.literal)):
                if room := _meant_room(literal, places):
                    link = make_refnode(
                        app.builder, docname, f"generated/rooms/{room}", "", literal.deepcopy()
                    )
                    literal.replace_self(link)
                elif home := _meant(literal, short, homes):
                    entry = objects[home]
                    link = make_refnode(
                        app.builder, docname, entry.docname, entry.node_id, literal.deepcopy(), home
                    )
                    literal.replace_self(link)

    def foreign(app, what, name, thing, skip, options):
        # Members that scikit-learn, dict or Exception bring along are documented there.
        thing = getattr(thing, "__func__", thing)
        module = getattr(getattr(thing, "fget", thing), "__module__", None) or ""
        if (inspect.isroutine(thing) or isinstance(thing, property)) and not module.startswith(
            PACKAGE
        ):
            return True
        return None

    def with_bars(app, what, name, thing, options, lines):
        # |q| is the length of q here, and no substitution of reStructuredText.
        in_example = False
        for number, line in enumerate(lines):
            in_example = line.strip() != "" and (in_example or line.lstrip().startswith(">>>"))
            if not in_example:
                parts = re.split(r"(`+[^`]+`+)", line)
                parts[::2] = [BARS.sub(r"\\|\1\\|", part) for part in parts[::2]]
                lines[number] = "".join(parts)

    def check(app, error):
        if error is None and app.builder.name == "html":
            objects = app.env.get_domain("py").objects
            for path, home in homes.items():
                if home not in objects:
                    log.warning("%s has no page", path)

    def with_rooms(app, docname, content):
        # Kept out of the file, which is also read where no site is built.
        if docname == "api":
            pages = "".join(f"generated/rooms/{room}\n" for room in rooms())
            content[0] += f"\n```{{toctree}}\n:hidden:\n\n{pages}```\n"

    app.connect("builder-inited", start, priority=100)
    app.connect("source-read", with_rooms)
    app.connect("missing-reference", elsewhere)
    app.connect("doctree-resolved", linked)
    app.connect("autodoc-skip-member", foreign)
    app.connect("autodoc-process-docstring", with_bars, priority=900)
    app.connect("build-finished", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
