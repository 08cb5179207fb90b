"""Show the figures of ``benchmarks/paper`` on the page that is about them.

What there is to show is what lies in its ``results``, so no figure is listed a second time.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

PAGE = "paper/figures"
MARK = "<!-- figures -->"
COMMAND = (
    "python benchmarks/paper/run.py benchmarks/paper/{name}.toml --structures materials_project.npz"
)


@dataclass(frozen=True)
class Result:
    """Hold what a configuration has found: its paragraph, figures and tables."""

    name: str
    title: str
    paragraph: str
    figures: tuple[Path, ...]
    tables: tuple[Path, ...]


def results(folder: Path) -> list[Result]:
    """List the results of the configurations in a folder, the paper's figures in their order."""
    found = []
    for config in folder.glob("*.toml"):
        place = folder / "results" / config.stem
        paragraph = place / f"{config.stem}.md"
        if paragraph.is_file():
            content = tomllib.loads(config.read_text(encoding="utf-8"))
            found.append(
                Result(
                    config.stem,
                    content["title"],
                    paragraph.read_text(encoding="utf-8").strip(),
                    tuple(sorted(place.glob("*.png"))),
                    tuple(sorted(place.glob("*.csv"))),
                )
            )
    return sorted(found, key=lambda result: _order(result.name))


def _order(name: str) -> tuple[bool, list[tuple[int, str]]]:
    """Figures first, and numbers by their size: figure-2 before figure-10."""
    parts = [(int(part or 0), text) for text, part in re.findall(r"(\D+)(\d*)", name)]
    return not name.startswith("figure"), [(number, text) for number, text in parts]


def section(result: Result, up: str) -> str:
    """Write the section of one result.

    Parameters
    ----------
    result : Result
    up : str
        Path from the page to the repository.
    """
    folder = f"{up}/benchmarks/paper"
    at = f"{folder}/results/{result.name}"
    heading = result.title
    if numbered := re.match(r"(supplementary|figure)-(\d.*)", result.name):
        kind = "Supplementary figures" if numbered[1] == "supplementary" else "Figure"
        number = numbered[2].replace("-", " to ") if kind != "Figure" else numbered[2]
        heading = f"{kind} {number}: {result.title[0].lower()}{result.title[1:]}"
    lines = [f"## {heading}", result.paragraph]
    for figure in result.figures:
        words = figure.stem.replace("-", " ")
        lines.append(f"![{result.title}: {words}]({at}/{figure.name})")
    tables = ", ".join(f"[{table.stem}]({at}/{table.name})" for table in result.tables)
    lines.append(f"Tables: {tables}. Settings: [{result.name}]({folder}/{result.name}.toml).")
    lines.append(f"```sh\n{COMMAND.format(name=result.name)}\n```")
    return "\n\n".join(lines)


def shown(text: str, root: Path, up: str) -> str:
    """Return the text of the page with the figures at its mark."""
    sections = [section(one, up) for one in results(root / "benchmarks" / "paper")]
    return text.replace(MARK, "\n\n".join(sections))


def setup(app):
    """Connect to Sphinx."""
    root = Path(app.srcdir).parent

    def read(app, docname, content):
        if docname == PAGE:
            content[0] = shown(content[0], root, "../..")

    # Results may have come or gone since the page was read last.
    app.connect("env-get-outdated", lambda app, env, added, changed, removed: [PAGE])
    app.connect("source-read", read, priority=400)  # before links are led
    return {"parallel_read_safe": True, "parallel_write_safe": True}
