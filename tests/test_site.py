"""What the site is made of: a page for every public name, and links that hold on both sides."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

import crystalsym
from crystalsym import pretrained

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PACKAGE = Path(crystalsym.__file__).parent
ROOMS = sorted(
    ".".join(("crystalsym", *place.parent.relative_to(PACKAGE).parts))
    for place in PACKAGE.glob("*/**/__init__.py")
)
DOCUMENTED = re.compile(r"^\.\. (?:auto\w+|py:data):: (\w+)$", re.M)

pytestmark = pytest.mark.skipif(
    not (DOCS / "_extensions").is_dir(), reason="the sources of the site are not in this tree"
)


@pytest.fixture(scope="module")
def extension():
    """Import one of the site's own extensions; they need no Sphinx until they are set up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DOCS / "_extensions"))
        yield importlib.import_module


@pytest.fixture(scope="module")
def pages(extension, tmp_path_factory):
    folder = tmp_path_factory.mktemp("generated")
    extension("api_pages").write(folder)
    return {
        file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8")
        for file in folder.rglob("*.rst")
    }


def documented(pages):
    """The objects that have a page, by their paths."""
    found = {}
    for page, text in pages.items():
        if page.startswith("api/"):
            (room,) = re.findall(r"^\.\. currentmodule:: (\S+)$", text, re.M)
            (name,) = DOCUMENTED.findall(text)
            found[f"{room}.{name}"] = getattr(importlib.import_module(room), name)
    return found


@pytest.mark.parametrize("place", [*ROOMS, "crystalsym"])
def test_every_public_name_has_a_page(place, pages):
    shown = [id(thing) for thing in documented(pages).values()]
    module = importlib.import_module(place)
    rooms = {room.rpartition(".")[2] for room in ROOMS} if place == "crystalsym" else set()
    for name in set(module.__all__) - rooms - {"__version__"}:
        assert shown.count(id(getattr(module, name))) == 1, f"{place}.{name}"


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_lists_its_names(room, pages):
    text = pages[f"rooms/{room}.rst"]
    for name in importlib.import_module(room).__all__:
        assert re.search(rf"\b{name}\b", text), f"{room}.{name}"


def test_no_two_pages_differ_in_case_alone(pages):
    assert len({page.lower() for page in pages}) == len(pages)
    assert {"api/crystalsym.reflections.Evidence.rst"} < set(pages)


def test_constants_show_what_they_are(pages):
    page = pages["api/crystalsym.evaluation.SUBSETS.rst"]
    assert "Label sets to which" in page
    assert "('8', '20', '49', '72')" in page


def test_pages_of_names_that_are_gone_go(extension, tmp_path):
    gone, foreign = tmp_path / "api" / "gone.rst", tmp_path / "gallery" / "kept.rst"
    for file in (gone, foreign):
        file.parent.mkdir()
        file.write_text("")
    extension("generated_pages").write_pages(tmp_path, {"api/new.rst": "new"}, "*/*.rst")
    assert not gone.exists()
    assert foreign.exists()
    assert (tmp_path / "api" / "new.rst").read_text() == "new"


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("[a](../CONTRIBUTING.md)", "[a](generated/project/contributing.md)"),
        ("[a](../README.md#run-it)", "[a](index.md#run-it)"),
        ("[a](../examples/own_network.py)", "[a](generated/gallery/own_network.rst)"),
        ("[a](../benchmarks/descriptors)", "[a](generated/project/descriptors.md)"),
        ("[a](../benchmarks/models)", "a (`benchmarks/models`)"),
        ("[a](../benchmarks/train-72.toml)", "[a](../benchmarks/train-72.toml)"),
        ("![a](images/ylid.png)", "![a](images/ylid.png)"),
        ("[a](physics.md#views)", "[a](physics.md#views)"),
        ("[a](https://example.org/x)", "[a](https://example.org/x)"),
        ("[a](#here)", "[a](#here)"),
        ("[a](nowhere.md)", "[a](nowhere.md)"),
    ],
)
def test_links_of_the_repository_become_links_of_the_site(extension, link, expected):
    led = extension("repository_pages").led
    assert led(link, DOCS / "models.md", DOCS / "models.md", DOCS) == expected


def test_a_page_shown_elsewhere_keeps_its_links(extension):
    page = DOCS / "generated" / "project" / "contributing.md"
    led = extension("repository_pages").led
    shown = led("[a](docs/physics.md#views)", ROOT / "CONTRIBUTING.md", page, DOCS)
    assert shown == "[a](../../physics.md#views)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('<script src="https://cdn.example/x.js"></script>', ["https://cdn.example/x.js"]),
        ("<link rel='stylesheet' href='//cdn.example/x.css'>", ["//cdn.example/x.css"]),
        ('<img alt="" src=http://cdn.example/x.png>', ["http://cdn.example/x.png"]),
        ("@import url(https://cdn.example/f.css)", ["https://cdn.example/f.css"]),
        ('<a href="https://example.org">x</a><script src="_static/x.js"></script>', []),
        ('<link rel="canonical" href="https://example.org/">', []),
    ],
)
def test_what_a_page_would_fetch_is_found(extension, text, expected):
    assert extension("self_contained").fetched(text) == expected


@pytest.mark.skipif(not pretrained.available(), reason="no model is in this tree")
def test_cards_say_what_the_model_is(extension):
    module = extension("model_cards")
    card = pretrained.model_card("72-small")
    page = module.card_page("72-small", {**card, "new_figures": {"x": 1}})
    held_out = card["training"]["held_out"]
    assert f"{100 * held_out['top1']:.4g} %" in page
    assert card["limits"] in page
    assert "## New figures" in page
    assert "72-small.md" in module.index_page({"72-small": card})
    for row in card["evaluation"]:
        (line,) = [one for one in page.splitlines() if one.startswith(f"| {row['of']}")]
        assert f"| {row['crystals']:,} | {100 * row['top1']:.4g} %" in line
    lists = module.card_page("230-lists", pretrained.model_card("230-lists"))
    assert "measured crystals" in lists
    electrons = module.card_page("230-electron", pretrained.model_card("230-electron"))
    assert " | dynamical diffraction class | " in electrons
    assert " | diffraction class | " in lists
    assert " diffraction class |" not in electrons.replace("dynamical diffraction class", "")


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.name)
def test_examples_have_the_titles_the_gallery_needs(example):
    text = ast.get_docstring(ast.parse(example.read_text(encoding="utf-8"))) or ""
    title, line, *_ = [*text.splitlines(), "", ""]
    assert title, f"{example.name} opens with no title"
    assert line == "=" * len(title), f"{example.name}: underline the title"


@pytest.fixture
def paper_folder(tmp_path):
    """A configuration with results, one without, and one that is no figure."""
    folder = tmp_path / "benchmarks" / "paper"
    for name in ("figure-10", "figure-9", "scores", "supplementary-1-3"):
        place = folder / "results" / name
        place.mkdir(parents=True)
        (folder / f"{name}.toml").write_text('title = "What was found"\n')
        (place / f"{name}.md").write_text(f"The paragraph of {name}.\n")
        (place / "a-figure.png").write_bytes(b"")
        (place / "a-table.csv").write_text("")
    (folder / "figure-1.toml").write_text('title = "Not run yet"\n')
    (folder / "training.toml").write_text('name = "a configuration of another kind"\n')
    return tmp_path


def test_results_of_the_paper_are_shown_in_order(extension, paper_folder):
    module = extension("paper_figures")
    names = [one.name for one in module.results(paper_folder / "benchmarks" / "paper")]
    assert names == ["figure-9", "figure-10", "scores", "supplementary-1-3"]
    page = module.shown(f"before\n\n{module.MARK}\n\nafter", paper_folder, "../..")
    assert re.findall(r"^## (.*)", page, re.M) == [
        "Figure 9: what was found", "Figure 10: what was found", "What was found",
        "Supplementary figures 1 to 3: what was found",
    ]  # fmt: skip
    for part in (
        "The paragraph of figure-9.",
        "![What was found: a figure](../../benchmarks/paper/results/figure-9/a-figure.png)",
        "[a-table](../../benchmarks/paper/results/figure-9/a-table.csv)",
        "python benchmarks/paper/run.py benchmarks/paper/figure-9.toml",
    ):
        assert part in page
    assert page.startswith("before")
    assert page.endswith("after")


def test_every_result_in_the_repository_has_its_configuration(extension):
    module = extension("paper_figures")
    folder = ROOT / "benchmarks" / "paper"
    places = sorted(place.name for place in (folder / "results").glob("*"))
    found = module.results(folder)
    assert sorted(one.name for one in found) == places
    for one in found:
        for figure in one.figures:
            assert figure.stat().st_size < 150_000, figure
        assert one.tables
    assert module.MARK in (DOCS / "paper" / "figures.md").read_text(encoding="utf-8")
