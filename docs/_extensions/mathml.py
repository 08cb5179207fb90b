"""Render equations as MathML, which browsers draw themselves: no script, no font from elsewhere."""

from __future__ import annotations

from docutils import nodes
from math_core import LatexToMathML

CONVERTER = LatexToMathML()


def _converted(latex: str, block: bool) -> str:
    try:
        return CONVERTER.convert_with_local_state(latex, displaystyle=block)
    except Exception as error:
        raise ValueError(f"{latex!r} is no equation that can be shown: {error}") from error


def _inline(self, node) -> None:
    self.body.append(_converted(node.astext(), block=False))
    raise nodes.SkipNode


def _block(self, node) -> None:
    # What \qquad sets apart may stand on lines of its own where the page is narrow.
    parts = node.astext().replace("\n", " ").split(r"\qquad")
    self.body.append(self.starttag(node, "div", CLASS="math-block"))
    self.body += [_converted(part.strip(), block=True) for part in parts]
    self.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app):
    """Connect to Sphinx."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
