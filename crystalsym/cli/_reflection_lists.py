"""``crystalsym identify`` of reflection lists: ranked space groups, and what speaks for them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crystalsym import __version__, spacegroups
from crystalsym.cli._messages import InputError, one_line
from crystalsym.cli._page import check_page_path, write_page
from crystalsym.cli._sources import Failures

DEFAULT_MODEL = "230-lists"
_SUFFIXES = frozenset({".hkl", ".fcf", ".mtz", ".cif_pets", ".hkl5", ".hklf5"})
_SNIFFED = 1 << 22  # characters of a CIF that are looked at


def are_reflections(files: Sequence[str], forced: bool) -> bool:
    """Tell whether `files` are reflection lists, by their endings or what a CIF holds.

    Raises
    ------
    InputError
        Some are and some are not.
    """
    if forced:
        return True
    lists = [file for file in files if _is_list(file)]
    if lists and len(lists) < len(files):
        other = next(file for file in files if file not in lists)
        raise InputError(
            f"{lists[0]} is a reflection list but {other} is not: give one kind at a time"
            " (companions such as .ins and .p4p are found beside a list)"
        )
    return bool(lists)


def _is_list(file: str) -> bool:
    suffix = Path(file).suffix.lower()
    if suffix in _SUFFIXES:
        return True
    if suffix not in (".cif", ".txt") or not Path(file).is_file():
        return False
    with open(file, encoding="utf-8", errors="replace") as stream:
        text = stream.read(_SNIFFED).lower()
    holds = "_refln_index_h" in text or "_shelx_hkl_file" in text or "_hkl_oxdiff" in text
    return holds and "_atom_site_fract_x" not in text


def run(args: argparse.Namespace) -> int:
    """Answer, print; returns the exit code."""
    from crystalsym.identification import identify_reflections

    for option in ("output", "coverage", "q_per_pixel", "block"):
        if getattr(args, option, None) is not None:
            name = option.replace("_", "-")
            raise InputError(f"--{name} is not for reflection lists")
    check_page_path(args.report)
    failures = Failures(args.strict)
    answers = []
    for file in args.files:
        if Path(file).is_dir():
            failures.add(file, "is a folder: name its reflection lists")
            continue
        try:
            (answer,) = identify_reflections(
                [file], args.model or DEFAULT_MODEL, cell=args.cell, top=args.top
            )
        except ValueError as problem:
            raise InputError(one_line(problem)) from problem
        if answer.error is not None:
            failures.add(file, answer.error)
            continue
        answers.append(answer)
        if not args.json:
            print(table(answer), flush=True)
    if args.json and answers:
        print(json.dumps({
            "inputs": [as_json(answer) for answer in answers],
            "errors": failures.found,
            "model": args.model or DEFAULT_MODEL,
            "version": __version__,
        }, indent=2))  # fmt: skip
    if args.plot and answers:
        _draw(args.plot, answers)
    if args.report and answers:
        write_page(args.report, answers, args.model, failed=failures.found)
    return failures.exit_code(len(answers))


def table(answer: Any, source: str | None = None, further: Sequence[str] = ()) -> str:
    """Write an answer as text, with further lines below the source."""
    cell = " ".join(f"{value:.4g}" for value in answer.cell)
    lines = [
        source or str(answer.source),
        *further,
        f"  reflections        {answer.n_reflections}",
        f"  cell               {cell} ({answer.centering}, Laue class {answer.laue_class},"
        f" {100 * answer.laue_probability:.0f} %)",
    ]
    said = {key: value for key, value in answer.carried.items() if key in ("symbol", "number")}
    if said:
        shown = ", ".join(f"{value}" for value in said.values())
        lines.append(f"  the file says      {shown} (not used)")
    lines += [f"  note               {note}" for note in answer.warnings]
    if answer.refused:
        lines.append(f"  NOT TO BE BELIEVED {answer.refused}")
    lines.append(f"  reliability        {100 * answer.reliability:.0f} % of such answers are right")
    members = ", ".join(f"{g} {spacegroups.symbol(g)}" for g in answer.diffraction_class)
    lines.append(f"  diffraction class  {100 * answer.class_probability:.2f} %: {members}")
    lines.append("  rank  number  symbol      crystal system  probability")
    for rank, (number, probability) in enumerate(answer.ranking, 1):
        lines.append(
            f"  {rank:4d}  {number:6d}  {spacegroups.symbol(number):10s}"
            f"  {spacegroups.crystal_system(number):14s}  {100 * probability:9.2f} %"
        )
    if answer.evidence is not None:
        lines.append("\n".join(f"  {line}" for line in answer.evidence.table().splitlines()))
    return "\n".join(lines) + "\n"


def as_json(answer: Any) -> dict[str, Any]:
    """Turn an answer into JSON's own types."""
    return {
        "path": answer.source,
        "n_reflections": answer.n_reflections,
        "cell": [round(value, 5) for value in answer.cell],
        "centering": answer.centering,
        "laue_class": answer.laue_class,
        "laue_probability": round(answer.laue_probability, 6),
        "carried": {key: str(value) for key, value in answer.carried.items()},
        "notes": list(answer.warnings),
        "refused": answer.refused,
        "reliability": round(answer.reliability, 6),
        "predictions": [
            {
                "number": number,
                "symbol": spacegroups.symbol(number),
                "crystal_system": spacegroups.crystal_system(number),
                "probability": round(probability, 6),
            }
            for number, probability in answer.ranking
        ],
        "diffraction_class": {
            "groups": list(answer.diffraction_class),
            "probability": round(answer.class_probability, 6),
        },
        "evidence": None if answer.evidence is None else answer.evidence.to_dict(),
    }


def _draw(path: str, answers: Sequence[Any]) -> None:
    """Write a figure of the evidence, one file a list."""
    import matplotlib

    matplotlib.use("Agg")  # a file needs no screen
    from crystalsym.plotting import EvidenceDisplay

    place = Path(path)
    for number, answer in enumerate(answers, 1):
        file = place if len(answers) == 1 else place.with_stem(f"{place.stem}-{number}")
        display = EvidenceDisplay.from_evidence(answer.evidence)
        try:
            display.figure_.savefig(file, dpi=150)
        except (OSError, ValueError) as problem:
            raise InputError(f"{file}: the figure cannot be written ({problem})") from problem
