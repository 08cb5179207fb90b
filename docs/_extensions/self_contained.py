"""Warn of pages that would fetch something from the network when they are read."""

from __future__ import annotations

import re
from pathlib import Path

FETCHED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio)\b[^>]*\bsrc=["']?(?P<source>(?:https?:)?//[^"'\s>]+)"""
    r"""|<link\b(?![^>]*rel=["']?canonical)[^>]*\bhref=["']?(?P<link>(?:https?:)?//[^"'\s>]+)"""
    r"""|(?:@import|url\()\s*["']?(?P<style>(?:https?:)?//[^"'\s)]+)""",
    re.I,
)


def fetched(text: str) -> list[str]:
    """Return the addresses that a page or style sheet loads from elsewhere."""
    return [next(filter(None, found.groups())) for found in FETCHED.finditer(text)]


def setup(app):
    """Connect to Sphinx."""
    from sphinx.util import logging

    log = logging.getLogger(__name__)

    def check(app, error):
        if error is None and app.builder.format == "html":
            for file in Path(app.outdir).rglob("*"):
                if file.suffix in (".html", ".css") and "webpack" not in file.name:
                    for address in fetched(file.read_text(encoding="utf-8", errors="replace")):
                        log.warning("%s loads %s", file.relative_to(app.outdir), address)

    app.connect("build-finished", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
