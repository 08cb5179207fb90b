"""The frame of a page: one file that loads nothing, light or dark, on screens and on paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

# Colors of a page and of the figures on it: ground, text, fainter text, lines.
LIGHT = {"ground": "#ffffff", "text": "#1b1f24", "faint": "#57606a", "line": "#d0d7de"}
DARK = {"ground": "#16191d", "text": "#e6e8eb", "faint": "#a0aab4", "line": "#3a4149"}
# Nothing is fetched, and no script runs, whatever a name holds.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

_STYLE = """
:root { color-scheme: light dark; %(light)s --link: #0550ae; --bad: #b42318; --bar: #0072b2; }
@media screen and (prefers-color-scheme: dark) {
  :root { %(dark)s --link: #6cb6ff; --bad: #c4362b; --bar: #3d8fc4; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1rem; background: var(--ground);
  color: var(--text); font: 16px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
h1 { font-size: 1.5rem; margin: .5rem 0; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; padding-top: .75rem;
  border-top: 2px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
h1, h2, nav td, dd, li, figcaption { overflow-wrap: anywhere; }
a { color: var(--link); }
p, li, dd { max-width: 50rem; }
.faint, figcaption, caption { color: var(--faint); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .5rem 0; }
dt { color: var(--faint); }
dd { margin: 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
td.number, th.number { text-align: right; white-space: nowrap; }
caption { text-align: left; padding-bottom: .25rem; }
.bar { display: inline-block; height: .75em; background: var(--bar); min-width: 1px; }
.bad { background: var(--bad); color: #fff; padding: .1rem .4rem; border-radius: .25rem; }
p.bad { padding: .5rem .75rem; }
figure { margin: .5rem 0; }
img { max-width: 100%%; height: auto; display: block; }
figure.scroll img { min-width: min(48rem, var(--wide)); }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: .75rem; }
.panel { position: relative; }
.panel img { width: 100%%; }
.panel .bad { position: absolute; top: .5rem; left: .5rem; right: .5rem; font-size: .875rem; }
figcaption { font-size: .875rem; }
pre { overflow-x: auto; font-size: .8125rem; line-height: 1.35; }
summary { cursor: pointer; color: var(--link); }
a.top { font-size: .875rem; }
@media (max-width: 40rem) {
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .5rem; }
}
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  a { color: inherit; text-decoration: none; }
  a.top { display: none; }
  h2, h3 { break-after: avoid; }
  caption { break-after: avoid; }
  figure, section table, tr, .panels, .panel { break-inside: avoid; }
  .scroll { overflow: visible; }
  figure.scroll img { min-width: 0; }
  details:not([open]) { display: none; }
  .panels { grid-template-columns: repeat(3, 1fr); }
  .bar, .bad, img { print-color-adjust: exact; }
}
"""


def page(title: str, body: Iterable[str]) -> str:
    """Put sections into a page.

    Parameters
    ----------
    title : str
    body : iterable of str
        HTML.

    Returns
    -------
    str
    """
    colors = {
        name: " ".join(f"--{key}: {value};" for key, value in kind.items())
        for name, kind in (("light", LIGHT), ("dark", DARK))
    }
    head = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE % colors}</style>\n</head>\n<body>\n"
    )
    return head + "\n".join(body) + "\n</body>\n</html>\n"


def pairs(rows: Iterable[tuple[str, str]]) -> str:
    """List terms and what there is to say about them, given as HTML; empty ones are left out."""
    inside = "".join(f"<dt>{escape(term)}</dt><dd>{said}</dd>" for term, said in rows if said)
    return f"<dl>{inside}</dl>" if inside else ""


def table(
    caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()
) -> str:
    """Set a table whose cells are HTML; ``numbers`` are the columns set to the right."""

    def cells(kind: str, values: Sequence[str]) -> str:
        scope = ' scope="col"' if kind == "th" else ""
        return "".join(
            f"<{kind}{scope}{_class('number' if i in numbers else '')}>{value}</{kind}>"
            for i, value in enumerate(values)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>\n" for row in rows)
    return (
        f'<div class="scroll"><table><caption>{escape(caption)}</caption>\n'
        f"<thead><tr>{cells('th', [escape(head) for head in heads])}</tr></thead>\n"
        f"<tbody>\n{body}</tbody></table></div>"
    )


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""
