"""Write pages that are made when the site is built."""

from __future__ import annotations

from pathlib import Path


def write_pages(folder: Path, pages: dict[str, str], pattern: str) -> None:
    """Write the pages, and remove what else the pattern finds in the folder.

    A page that is as it was keeps its date, so that Sphinx does not read it again.
    """
    for old in set(folder.glob(pattern)) - {folder / name for name in pages}:
        if old.parent.relative_to(folder).as_posix() in {str(Path(name).parent) for name in pages}:
            old.unlink()
    for name, text in pages.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
