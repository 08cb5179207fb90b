"""Show the pages that lie at the top of the repository, and lead links between all of them.

The Markdown files link to each other by their paths in the repository, so that they can be read on
a code-hosting site. Here those paths become pages of the site, or downloads of the files.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from generated_pages import write_pages

# Files at the top, and the pages that show them.
PAGES = {
    "CONTRIBUTING.md": "generated/project/contributing.md",
    "SECURITY.md": "generated/project/security.md",
    "CHANGELOG.md": "generated/project/changelog.md",
    "benchmarks/README.md": "generated/project/benchmarks.md",
    "benchmarks/descriptors/README.md": "generated/project/descriptors.md",
    "benchmarks/paper/README.md": "generated/project/paper.md",
}
# README.md is for those who see the repository first; the site's first page says the same.
PAGES_FOR_LINKS = {**PAGES, "README.md": "index.md"}
LINK = re.compile(
    r"(?P<image>!?)\[(?P<text>[^\]\[]*)\]\((?!\w+:|#)(?P<path>[^)#\s]+)(?P<rest>#[^)]+)?\)"
)


def led(text: str, file: Path, page: Path, docs: Path) -> str:
    """Return the text of a file with links that hold from a page of the site."""
    root = docs.parent

    def link(found: re.Match[str]) -> str:
        target = Path(os.path.normpath(file.parent / found["path"]))
        rest = found["rest"] or ""
        if not target.exists():
            return found[0]  # Sphinx will say that it leads nowhere
        if (target / "README.md").relative_to(root).as_posix() in PAGES:
            target /= "README.md"
        inside = target.relative_to(root).as_posix()
        if target.is_dir():
            return f"{found['text']} (`{inside}`)"
        if inside in PAGES_FOR_LINKS:
            target = docs / PAGES_FOR_LINKS[inside]
        elif target.parent == root / "examples" and target.suffix == ".py":
            target = docs / "generated" / "gallery" / f"{target.stem}.rst"
        path = os.path.relpath(target, page.parent).replace(os.sep, "/")
        return f"{found['image']}[{found['text']}]({path}{rest})"

    return LINK.sub(link, text)


def setup(app):
    """Connect to Sphinx."""
    docs = Path(app.srcdir)

    def start(app):
        pages = {}
        for name, page in PAGES.items():
            file = docs.parent / name
            pages[page] = led(file.read_text(encoding="utf-8"), file, docs / page, docs)
        write_pages(docs, pages, "generated/project/*.md")

    def read(app, docname, content):
        file = Path(app.env.doc2path(docname))
        if file.suffix == ".md" and not docname.startswith("generated/"):
            content[0] = led(content[0], file, file, docs)

    app.connect("builder-inited", start)
    app.connect("source-read", read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
