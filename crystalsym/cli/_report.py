"""Answers of ``crystalsym identify``: as tables, as JSON, as a figure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crystalsym import spacegroups
from crystalsym.cli._messages import InputError, warn
from crystalsym.cli._reflection_lists import as_json as list_as_json
from crystalsym.cli._reflection_lists import table as list_table
from crystalsym.cli._sources import Source, edge
from crystalsym.identification import Identification, ImageIdentification

_MOST_BLOCKS, _MOST_BARS = 24, 8  # of a figure
_BLOCKS_OF_PAGE = 4  # a readable picture of 1,600 x 2,750 pixels
_FIGURE_SUFFIXES = (".png", ".pdf", ".svg", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")


@dataclass
class Answer:
    """Hold what there is to say about one input, and what a figure of it shows."""

    source: Source
    record: Identification
    of_structure: bool
    coverage: float | None = None
    raw: Any = None
    shaped: NDArray[Any] | None = None


def table(answer: Answer, symprec: float) -> str:
    """Write an answer as text."""
    path, record = answer.source.path, answer.record
    head = path if isinstance(path, str) else " ".join(path)
    lines = [head, *_of_images(record)]
    by_list = getattr(record, "by_list", None)
    if by_list is not None:
        return list_table(by_list, head, lines[1:])
    if answer.of_structure:
        found = "none" if record.finder_group is None else _group(record.finder_group)
        note = ", unknown to the model" if record.finder_group_known is False else ""
        lines.append(f"  symmetry finder    {found} (symprec {symprec:g} Å{note})")
    members = ", ".join(f"{g} {spacegroups.symbol(g)}" for g in record.diffraction_class)
    lines.append(f"  diffraction class  {_percent(record.class_probability).strip()}: {members}")
    if record.prediction_set is not None and answer.coverage is not None:
        groups = ", ".join(f"{g} {spacegroups.symbol(g)}" for g in record.prediction_set)
        lines.append(f"  prediction set     {100 * answer.coverage:g} %: {groups}")
    lines.append("  rank  number  symbol      crystal system  probability")
    for rank, (number, probability) in enumerate(record.ranking, 1):
        lines.append(
            f"  {rank:4d}  {number:6d}  {spacegroups.symbol(number):10s}"
            f"  {spacegroups.crystal_system(number):14s}  {_percent(probability)}"
            + ("  = symmetry finder" if number == record.finder_group else "")
        )
    return "\n".join(lines) + "\n"


def _of_images(record: Identification) -> list[str]:
    """What camera images tell beside the groups."""
    if not isinstance(record, ImageIdentification) or record.zones is None:
        return []
    said = "as given" if record.zones_given else "assumed, as their lattices share rows"
    return [f"  zones              {record.zones} ({said})"]


def as_json(answer: Answer, symprec: float) -> dict[str, Any]:
    """Turn an answer into JSON's own types."""
    record, finder = answer.record, None
    by_list = getattr(record, "by_list", None)
    if by_list is not None:
        listed = list_as_json(by_list)
        return {**listed, "path": answer.source.path, **_json_of_images(record),
                "notes": list(record.warnings)}  # fmt: skip
    if record.finder_group is not None:
        symbol = spacegroups.symbol(record.finder_group)
        finder = {"number": record.finder_group, "symbol": symbol, "symprec": symprec}
    found = {
        "path": answer.source.path,
        "symmetry_finder": finder,
        "predictions": [
            {
                "number": number,
                "symbol": spacegroups.symbol(number),
                "crystal_system": spacegroups.crystal_system(number),
                "probability": round(probability, 6),
            }
            for number, probability in record.ranking
        ],
        "diffraction_class": {
            "groups": list(record.diffraction_class),
            "probability": round(record.class_probability or 0.0, 6),
        },
    }
    found.update(_json_of_images(record))
    if record.warnings:
        found["notes"] = list(record.warnings)
    if record.prediction_set is not None:
        groups = list(record.prediction_set)
        found["prediction_set"] = {"coverage": answer.coverage, "groups": groups}
    return found


def _json_of_images(record: Identification) -> dict[str, Any]:
    if not isinstance(record, ImageIdentification):
        return {}
    return {"zones": record.zones, "zones_given": record.zones_given, "model": record.model}


def check_figure_path(path: str | None) -> None:
    """Complain of a figure that could not be written before any work is done."""
    if path is None:
        return
    if Path(path).suffix.lower() not in _FIGURE_SUFFIXES:
        raise InputError(f"{path}: a figure's file name ends in .png, .pdf, .svg, .jpg or .tif")
    if not Path(path).resolve().parent.is_dir():
        raise InputError(f"{path}: the folder {Path(path).parent} does not exist")
    if Path(path).is_dir():
        raise InputError(f"{path}: is a folder")


def wants_patterns(n_answers: int) -> bool:
    """Tell whether a figure has room for one more block."""
    return n_answers < _MOST_BLOCKS


def write_figure(
    path: str, answers: Sequence[Answer], simulator: Any, model_groups: Collection[int]
) -> None:
    """Draw the answers that kept their patterns, on pages or in files of a few each."""
    import matplotlib

    drawn = [answer for answer in answers if answer.raw is not None]
    if not drawn:
        warn(f"{path}: a list of images along other zones has no such figure; --report shows it")
        return
    if len(drawn) < len(answers):
        warn(f"{path}: shows the first {len(drawn)} of {len(answers)} inputs")
    matplotlib.use("Agg")  # a file needs no screen
    pages = [drawn[i : i + _BLOCKS_OF_PAGE] for i in range(0, len(drawn), _BLOCKS_OF_PAGE)]
    figures = (_page(page, simulator, model_groups) for page in pages)
    try:
        if Path(path).suffix.lower() == ".pdf":
            _write_pdf(path, figures)
            return
        files = [path]
        if len(pages) > 1:
            stem = Path(path).with_suffix("")
            files = [f"{stem}-{n + 1}{Path(path).suffix}" for n in range(len(pages))]
            warn(f"{path}: {len(drawn)} inputs do not fit: see {files[0]} to {files[-1]}")
        for file, figure in zip(files, figures, strict=True):
            figure.savefig(file, dpi=150)
    except (OSError, ValueError) as problem:
        raise InputError(f"{path}: the figure cannot be written ({problem})") from problem


def _page(answers: Sequence[Answer], simulator: Any, model_groups: Collection[int]) -> Any:
    """Draw some answers as one figure."""
    from matplotlib import pyplot

    from crystalsym.diffraction import SpotPatterns
    from crystalsym.plotting import PatternDisplay, titles_of, view_titles

    patterns = [answer.raw for answer in answers if answer.raw is not None]
    of_spots = isinstance(patterns[0], SpotPatterns)
    display = PatternDisplay.from_patterns(
        SpotPatterns.concatenate(patterns) if of_spots else np.stack(patterns),
        np.stack([answer.shaped for answer in answers if answer.shaped is not None]),
        [answer.record.ranking[:_MOST_BARS] for answer in answers],
        names=[answer.source.name for answer in answers],
        known_groups=[answer.record.finder_group for answer in answers],
        diffraction_classes=[answer.record.diffraction_class for answer in answers],
        q_max=edge(simulator),
        view_titles=None
        if of_spots
        else [
            view_titles(simulator.views)
            if answer.source.crystal is None
            else titles_of(simulator, answer.source.crystal)
            for answer in answers
        ],
        model_groups=model_groups,
    )
    pyplot.close(display.figure_)  # pyplot keeps it no longer than it is needed
    return display.figure_


def _write_pdf(path: str, figures: Iterable[Any]) -> None:
    from matplotlib.backends.backend_pdf import PdfPages

    with PdfPages(path) as file:
        for figure in figures:
            file.savefig(figure)


def _group(number: int) -> str:
    return f"{number} {spacegroups.symbol(number)}, {spacegroups.crystal_system(number)}"


def _percent(probability: float | None) -> str:
    return f"{100 * (probability or 0.0):9.2f} %"
