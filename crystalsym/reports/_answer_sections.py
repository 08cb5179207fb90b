"""What a page says of one answer: of a structure, of a reflection list, of three images."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from crystalsym import spacegroups
from crystalsym.identification import (
    Identification,
    ImageIdentification,
    ReflectionIdentification,
)
from crystalsym.reports._figure_data import panels_of, themed_picture
from crystalsym.reports._html_page import pairs, table

STEPS = (
    "as recorded; pink is what was not measured",
    "above the ground, in units of noise; blue circles lie on the lattice, orange ones off it",
    "the lattice; the arrow is the row that is turned to +x",
)
"""What the columns of a SpotFinderDisplay show."""


def section(answer: Identification, place: str, patterns: Any, pipeline: Any) -> str:
    """Write the section of an answer.

    Parameters
    ----------
    answer : Identification
    place : str
        Its name in links.
    patterns : SpotPatterns of one row, ndarray of shape (n_views, H, W), or None
        What the network was shown, before it was shaped.
    pipeline : Pipeline or None
        What shaped it.

    Returns
    -------
    str
    """
    parts = [f'<section aria-labelledby="{place}">', f'<h2 id="{place}">{name_of(answer)}</h2>']
    if answer.error is not None:
        parts.append(f'<p class="bad">Not answered: {escape(answer.error)}</p>')
    elif getattr(answer, "refused", None):
        parts.append(f'<p class="bad">Not to be believed: {escape(str(answer.refused))}</p>')  # type: ignore[attr-defined]
    parts.append(pairs(_facts(answer)))
    if answer.ranking:
        parts += _ranking(answer)
    if answer.warnings:
        notes = "".join(f"<li>{escape(note)}</li>" for note in answer.warnings)
        parts.append(f"<h3>Warnings</h3><ul>{notes}</ul>")
    if isinstance(answer, ImageIdentification):
        parts += _images(answer)
    parts += _network(patterns, pipeline)
    parts += _evidence(answer)
    parts.append('<p><a class="top" href="#contents">To the contents</a></p></section>')
    return "\n".join(part for part in parts if part)


def name_of(answer: Identification) -> str:
    """Name an answer, as HTML."""
    return escape(answer.source or answer.formula or "crystal")


def group_text(number: int) -> str:
    """Name a space group, as HTML: overlined and with subscripts.

    Examples
    --------
    >>> group_text(14), group_text(225)
    ('P2<sub>1</sub>/c (14)', 'Fm-3m (225)')
    """
    symbol = re.sub(r"_(.)", r"<sub>\1</sub>", escape(spacegroups.symbol(number)))
    return f"{symbol} ({number})"


def percent(share: float | None) -> str:
    """Write a probability; empty if there is none."""
    return "" if share is None else f"{100 * share:.2f} %"


def _facts(answer: Identification) -> Iterator[tuple[str, str]]:
    if answer.ranking:
        number, share = answer.ranking[0]
        yield "Most probable", f"<strong>{group_text(number)}</strong>, {percent(share)}"
    if answer.diffraction_class:
        members = ", ".join(group_text(number) for number in answer.diffraction_class)
        yield "Diffraction class", f"{percent(answer.class_probability)}: {members}"
    if answer.prediction_set is not None:
        yield "Prediction set", ", ".join(group_text(number) for number in answer.prediction_set)
    yield "Formula", escape(answer.formula or "")
    if answer.finder_group is not None:
        unknown = ", not among this model's groups" if answer.finder_group_known is False else ""
        yield "Symmetry finder", f"{group_text(answer.finder_group)}{unknown}"
    if isinstance(answer, ImageIdentification):
        said = "as given" if answer.zones_given else "assumed"
        yield "Zones", f"{escape(answer.zones)} ({said})" if answer.zones else ""
        if answer.found is not None and answer.found.indexing is not None:
            yield "Cell of the images", _cell(answer.found.indexing.cell)
        yield "Answered by", escape(answer.model or "") if answer.ranking else ""
    listed = answer if isinstance(answer, ReflectionIdentification) else getattr(
        answer, "by_list", None)  # fmt: skip
    if listed is not None and listed.error is None:
        yield "Reflections", str(listed.n_reflections)
        if listed.cell is not None:
            yield "Cell", f"{_cell(listed.cell)}, {escape(str(listed.centering))}"
        yield "Laue class", f"{escape(str(listed.laue_class))}, {percent(listed.laue_probability)}"
        if listed.reliability is not None:
            share = min(listed.reliability, 0.99)  # no more is known of any
            yield "Reliability", f"{100 * share:.0f} % of such answers are right"
        said = ", ".join(f"{key} {value}" for key, value in listed.carried.items()
                         if key in ("symbol", "number"))  # fmt: skip
        yield "The file says", f"{escape(said)} (not used)" if said else ""


def _cell(cell: Sequence[float]) -> str:
    return (
        " ".join(f"{value:.4g}" for value in cell[:3])
        + " Å, "
        + " ".join(f"{value:.4g}" for value in cell[3:])
        + "°"
    )


def _ranking(answer: Identification) -> Iterator[str]:
    from crystalsym.plotting import RankingDisplay

    first = ", ".join(
        f"{spacegroups.symbol(number)} ({number}) {percent(share)}"
        for number, share in answer.ranking[:3]
    )
    yield "<h3>Ranking</h3>"
    yield themed_picture(
        lambda: RankingDisplay.from_identification(answer),
        f"Bars of probability; the first groups are {first}. The table below has them all.",
    )
    yield table(
        "Space groups by falling probability",
        ("Rank", "Space group", "Crystal system", "Probability"),
        [
            (str(rank), group_text(number), spacegroups.crystal_system(number), percent(share))
            for rank, (number, share) in enumerate(answer.ranking, 1)
        ],
        numbers=(0, 3),
    )


def _images(answer: ImageIdentification) -> Iterator[str]:
    """The camera's images with what was found in them, a row of panels each."""
    from crystalsym.plotting import SpotFinderDisplay

    if answer.found is None:
        return
    yield "<h3>Images, and what was found in them</h3>"
    panels = panels_of(SpotFinderDisplay(answer.found).plot())
    n_steps = len(panels) // len(answer.found.images)
    for number, one in enumerate(answer.found.images):
        own = panels[number * n_steps : (number + 1) * n_steps]
        refused = f'<span class="bad">Refused: {escape(one.refused)}</span>' if one.refused else ""
        shown = []
        for step, (uri, title) in enumerate(own):
            if step and not title:
                continue  # the steps that a refused image did not come to
            what = STEPS[step]
            said = title if step and title else ""
            alt = f"Image {number}, {what}" + (f": {said}" if said else "")
            caption = f"Image {number}: {what}" if not step else f"{said}: {what}"
            shown.append(
                f'<figure class="panel"><img src="{uri}" alt="{escape(alt)}">'
                f"{refused if not step else ''}<figcaption>{escape(caption)}</figcaption></figure>"
            )
        yield f'<div class="panels">{"".join(shown)}</div>'


def _network(patterns: Any, pipeline: Any) -> Iterator[str]:
    """Patterns as they are, and as the network saw them."""
    from crystalsym.plotting import ShapedPatternDisplay
    from crystalsym.reflections import ReflectionBlocks

    if patterns is None or pipeline is None:
        return
    # No plane shows what a network reads that takes reflections in three dimensions.
    if isinstance(pipeline.named_steps.get("shape"), ReflectionBlocks):
        return
    yield "<h3>Patterns, and what the network saw</h3>"
    yield themed_picture(
        lambda: ShapedPatternDisplay.from_estimator(pipeline, patterns),
        "Three patterns in rows: spots in logarithmic gray, then the channels that the network"
        " takes.",
        "png",
    )


def _evidence(answer: Identification) -> Iterator[str]:
    from crystalsym.plotting import EvidenceDisplay

    listed = getattr(answer, "by_list", None) or answer
    evidence = getattr(listed, "evidence", None)
    if evidence is None:
        return
    yield "<h3>Evidence</h3>"
    yield themed_picture(
        lambda: EvidenceDisplay.from_evidence(evidence),
        "Four charts: agreement of equivalents in each Laue class, what centerings, screw axes and"
        " glide planes forbid, distribution of intensities, coverage of three layers. The text"
        " below says the same.",
    )
    text = escape(evidence.table())
    yield f"<details><summary>Evidence as text</summary><pre>{text}</pre></details>"
