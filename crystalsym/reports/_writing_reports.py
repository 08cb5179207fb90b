"""Write answers as one self-contained page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

from crystalsym import __version__
from crystalsym.bundles import find_model
from crystalsym.diffraction import SpotPatterns
from crystalsym.identification import Identification, ImageIdentification, model_pipeline
from crystalsym.pretrained import read_description
from crystalsym.reports._answer_sections import group_text, name_of, percent, section
from crystalsym.reports._html_page import page, pairs, table

# Answers that get a section with pictures, and rows in the contents.
MOST_SECTIONS, MOST_ROWS = 24, 2000


def write_report(
    path: str | Path,
    answers: Sequence[Identification],
    *,
    model: Any = None,
    patterns: Any = None,
    title: str = "Space groups from diffraction patterns",
    most: int = MOST_SECTIONS,
) -> Path:
    """Write answers to a page of HTML that a browser shows without anything else.

    A table of contents, and for each answer the ranking, warnings, the patterns and what the
    network saw of them, camera images with what was found in them or why they were refused, and
    the evidence of reflection lists; at last where the answers come from. Nothing is loaded from
    elsewhere, no script runs, and names are text whatever they hold.

    Parameters
    ----------
    path : str or Path
        File to write, ``.html``.
    answers : sequence of Identification
        As ``identify``, ``identify_reflections`` and ``identify_images`` give them.
    model : str, path-like or Pipeline, optional
        Who answered, for the card and for what the network saw; default: "72", of lists
        "230-lists", of images those that they name.
    patterns : SpotPatterns, or sequence with one for each answer, optional
        Patterns of structures: ``pipeline["simulate"].transform(structures)``. None stands for
        none. Lists and images bring their own.
    title : str
    most : int, default=24
        Answers that get pictures; others have a row in the table.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ValueError
        If there are no answers, or not one entry of patterns for each; if the name does not end
        in .html.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.identification import identify, model_pipeline
    >>> from crystalsym.reports import write_report
    >>> rutile = [example_crystals()["TiO2-rutile"]]
    >>> spots = model_pipeline("72")["simulate"].transform(rutile)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_report(Path(folder, "out.html"), identify(rutile), patterns=spots)
    ...     text = path.read_text(encoding="utf-8")
    >>> text.count("<h2"), "P4<sub>2</sub>/mnm (136)" in text
    (2, True)
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"{path}: the name of a report ends in .html")
    answers = list(answers)
    if not answers:
        raise ValueError("there is no answer to write a report of")
    shown = _patterns(answers, patterns)
    text = page(title, _body(answers, shown, model, title, most))
    path.write_text(text, encoding="utf-8")
    return path


def _patterns(answers: Sequence[Identification], given: Any) -> list[Any]:
    """One entry of patterns for each answer."""
    if given is None:
        given = [None] * len(answers)
    if len(given) != len(answers):
        raise ValueError(f"patterns has {len(given)} entries for {len(answers)} answers")
    if isinstance(given, SpotPatterns):
        given = [given[row] for row in range(len(given))]
    found = []
    for answer, own in zip(answers, given, strict=True):
        listed = getattr(answer, "by_list", None) or answer
        own = getattr(answer, "patterns", own) if own is None else own
        own = getattr(listed, "layers", None) if own is None else own
        found.append(own)
    return found


def _body(
    answers: Sequence[Identification], patterns: list[Any], model: Any, title: str, most: int
) -> Iterator[str]:
    models = [_model_of(answer, model) for answer in answers]
    yield f"<header><h1>{escape(title)}</h1></header><main>"
    yield _contents(answers, most)
    for number, (answer, own, who) in enumerate(zip(answers, patterns, models, strict=True)):
        if number < most:
            pipeline = None if own is None else model_pipeline(who)
            yield section(answer, f"answer-{number + 1}", own, pipeline)
    yield _provenance(models)
    yield "</main>"


def _model_of(answer: Identification, model: Any) -> Any:
    if isinstance(answer, ImageIdentification):
        own = answer.model
        return own if model is None and own not in (None, "a pipeline") else model or "72"
    if model is not None:
        return model
    return "230-lists" if hasattr(answer, "evidence") else "72"


def _contents(answers: Sequence[Identification], most: int) -> str:
    rows = []
    for number, answer in enumerate(answers[:MOST_ROWS], 1):
        name = name_of(answer)
        linked = f'<a href="#answer-{number}">{name}</a>' if number <= most else name
        if answer.error is not None or not answer.ranking:
            rows.append((linked, f'<span class="bad">{escape(answer.error or "no answer")}</span>',
                         ""))  # fmt: skip
            continue
        group, share = answer.ranking[0]
        bar = f'<span class="bar" style="width: {6 * share:.2f}em"></span>'
        rows.append((linked, group_text(group), f"{bar} {percent(share)}"))
    text = '<nav aria-label="Contents" id="contents">'
    count = "1 input" if len(answers) == 1 else f"{len(answers)} inputs"
    text += table(count, ("Input", "Most probable", "Probability"), rows)
    left = [f"the first {most} have sections of their own"] if len(answers) > most else []
    if len(answers) > MOST_ROWS:
        left.append(f"{len(answers) - MOST_ROWS} more are left out")
    if left:
        text += f'<p class="faint">{"; ".join(left)}.</p>'
    return text + "</nav>"


def _provenance(models: Sequence[Any]) -> str:
    parts = ['<section aria-labelledby="provenance"><h2 id="provenance">Provenance</h2>']
    parts.append(pairs([("Software", f"crystalsym {__version__}")]))
    seen: list[Any] = []
    for model in models:
        if model in seen:
            continue
        seen.append(model)
        parts += _card(model)
    parts.append("</section>")
    return "\n".join(parts)


def _card(model: Any) -> Iterator[str]:
    """What a model's card says of it."""
    if hasattr(model, "steps"):
        card = getattr(model[-1], "metadata_", None) or {}
    else:
        card = read_description(find_model(model)).get("metadata", {})
    name = card.get("name") or ("a pipeline" if hasattr(model, "steps") else model)
    yield f"<h3>Model {escape(str(name))}</h3>"
    known = ("version", "task", "data", "split", "limits", "license", "weights_sha256")
    yield pairs((key.replace("_", " ").capitalize(), escape(str(card.get(key, ""))))
                for key in known)  # fmt: skip
    figures = [
        (escape(f"{row['crystals']} {row['of']}"), percent(row["top1"]), percent(row["top5"]))
        for row in card.get("evaluation", ())
        if {"crystals", "of", "top1", "top5"} <= row.keys()
    ]
    if figures:
        yield table(
            "How often it is right", ("Crystals", "First", "Among five"), figures, numbers=(1, 2)
        )
