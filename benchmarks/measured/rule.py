"""The rule of a person with a program for space groups, as the baseline of measured crystals.

    python benchmarks/measured/rule.py DIRECTORY [--json FILE]

The directory holds INDEX.tsv and a folder of files for each crystal. The rule, on whole lists:

1. The highest Laue class whose R_int is below max(0.12, 2 R_int(-1) + 0.03).
2. Of its groups, in every setting open to them: the one that forbids most reflections of those
   whose forbidden reflections have less than 4 % of the mean intensity of all. Centerings are
   judged alike. What a list does not hold counts as dark, if it leaves out what was not observed
   or is complete (to 2 %) but for such places.
3. Of the groups that forbid the same: the most frequent one.

Twins, electrons, and groups that only a center of inversion tells apart are beyond it.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crystalsym import spacegroups
from crystalsym.crystals._metric_settings import allowed_by_centering, open_settings
from crystalsym.diffraction import Coverage
from crystalsym.reflections import (
    LaueCandidate,
    MergedReflections,
    Reduction,
    laue_candidates,
    merge_equivalents,
    reduce_reflections,
)
from crystalsym.reflections._centering import FOLD
from crystalsym.reflections._conditions import extinction_groups, forbidden, group_settings
from crystalsym.reflections._unlisted_places import unlisted_places, unlisted_share

DARK = 0.04
COMPLETE = 0.02
AT_LEAST, TIMES, MORE = 0.12, 2.0, 0.03
# The most frequent groups of molecular crystals, which are measured most: Cambridge Structural
# Database, space group statistics (C. R. Groom et al., Acta Cryst. B72, 171 (2016);
# www.ccdc.cam.ac.uk).
MOLECULAR_ORDER = (14, 2, 19, 15, 4, 61, 33, 62, 29, 9, 1, 5, 60, 148)
# The others by falling number of structures in the Materials Project's database of 2025-02
# (CC BY 4.0; A. Jain et al., APL Materials 1, 011002 (2013)).
INORGANIC_ORDER = (
    1, 14, 225, 2, 62, 12, 15, 194, 139, 123, 221, 8, 166, 216, 38, 63, 71, 11, 9, 5, 187, 4, 164,
    6, 227, 160, 148, 129, 74, 61, 156, 189, 19, 33, 7, 146, 186, 65, 191, 13, 141, 140, 55, 36, 60,
    64, 44, 167, 127, 47, 25, 31, 193, 10, 59, 176, 136, 58, 122, 198, 173, 115, 99, 57, 26, 29, 82,
    161, 119, 87, 70, 107, 88, 230, 143, 43, 205, 72, 223, 229, 3, 121, 204, 46, 51, 174, 155, 215,
    147, 20, 217, 220, 142, 201, 52, 69, 150, 40, 137, 162, 18, 42, 48, 163, 128, 113, 185, 130, 92,
    206, 152, 16, 35, 165, 86, 85, 159, 218, 21, 109, 131, 56, 158, 200, 212, 41, 67, 118, 190, 53,
    81, 182, 66, 125, 213, 96, 100, 114, 145, 95, 135, 224, 203, 76, 111, 73, 144, 214, 226, 97,
    149, 54, 102, 34, 181, 199, 84, 188, 180, 197, 24, 68, 45, 157, 22, 23, 83, 108, 154, 202, 124,
    91, 39, 79, 32, 17, 110, 30, 138, 37, 132, 169, 178, 75, 126, 28, 116, 117, 134, 80, 219, 78,
    98, 120, 49, 105, 183, 192, 90, 133, 151, 112, 228, 195, 170, 175, 50, 153, 27, 89, 94, 177, 77,
    210, 103, 104, 106, 171, 172, 179, 184, 208, 209, 211, 222, 93, 101, 196, 168, 207,
)  # fmt: skip
PLACE = {
    group: place for place, group in enumerate(dict.fromkeys(MOLECULAR_ORDER + INORGANIC_ORDER))
}


@dataclass(frozen=True)
class RuleAnswer:
    """Hold what the rule says of one list.

    Attributes
    ----------
    groups : list of int
        Ranked, best first; one of two enantiomorphs, the more frequent one.
    laue : str
    r_int, limit : float
        R_int in that Laue class, and what it had to stay below.
    """

    groups: list[int]
    laue: str
    r_int: float
    limit: float


def rule(reduction: Reduction) -> RuleAnswer:
    """Rank the groups of the highest Laue class that R_int allows.

    Parameters
    ----------
    reduction : Reduction

    Returns
    -------
    RuleAnswer
    """
    merged, limit = highest_laue(reduction)
    missing = np.empty((0, 3), dtype=int)
    if merged.coverage == Coverage.OBSERVED or unlisted_share(merged) < COMPLETE:
        missing = unlisted_places(merged)[0]
    hkl = np.concatenate([merged.hkl, missing])
    intensity = np.concatenate([merged.intensity, np.zeros(len(missing))])
    bright = DARK * float(merged.intensity.mean())
    settings = open_settings(merged.lattice, merged.centering, merged.laue)
    settings = group_settings(merged.laue, settings)
    found = []
    for alike in extinction_groups(merged.laue):
        most = -1
        for mask, _ in forbidden(alike, hkl, merged.centering, settings):
            count = int(mask.sum())
            if count == 0 or float(intensity[mask].mean()) < bright:
                most = max(most, count)
        found += [(-most, PLACE[group], group) for group in alike if most >= 0]
    groups: list[int] = []
    for _, _, group in sorted(found):
        if spacegroups.enantiomorph(group) not in groups:
            groups.append(group)
    return RuleAnswer(groups, merged.laue, merged.r_int, limit)


def highest_laue(reduction: Reduction) -> tuple[MergedReflections, float]:
    """Average a list in the Laue class of most rotations whose R_int is low enough.

    A list that was averaged in a Laue class has no R_int there, which speaks against nothing.

    Returns
    -------
    merged : MergedReflections
    limit : float
        What R_int had to stay below.
    """
    dark = [test for test in reduction.centering_tests if test.ratio < DARK]
    largest = max(dark, key=lambda test: (FOLD[test.centering], -test.ratio), default=None)
    centering = "P" if largest is None else largest.centering
    _, candidates = laue_candidates(reduction.friedel.lattice, centering)
    by_size: dict[int, list[LaueCandidate]] = {}
    for candidate in candidates:
        by_size.setdefault(len(candidate.operations), []).append(candidate)
    (triclinic,) = (averaged(reduction, centering, candidate) for candidate in by_size.pop(1))
    limit = AT_LEAST
    if not math.isnan(triclinic.r_int):
        limit = max(limit, TIMES * triclinic.r_int + MORE)
    for size in sorted(by_size, reverse=True):
        tried = [averaged(reduction, centering, candidate) for candidate in by_size[size]]
        # Of two that are as high the one that agrees better.
        best = min(tried, key=lambda merged: limit if math.isnan(merged.r_int) else merged.r_int)
        if not best.r_int >= limit:
            return best, limit
    return triclinic, limit


def averaged(reduction: Reduction, centering: str, candidate: LaueCandidate) -> MergedReflections:
    """Average the reflections that a centering allows by the rotations of one candidate."""
    measured = reduction.reflections
    kept = allowed_by_centering(measured.hkl, centering)
    return merge_equivalents(
        np.round(measured.hkl[kept] @ candidate.change.T).astype(np.int64),
        measured.intensity[kept],
        None if measured.sigma is None else measured.sigma[kept],
        candidate.own_operations,
        lattice=candidate.lattice,
        centering=candidate.centering,
        laue=candidate.laue,
        coverage=measured.coverage,
    )


def measured_crystals(directory: Path) -> Iterator[tuple[dict[str, str], Any]]:
    """Read each crystal of an index with its list, or the error that reading raised."""
    from crystalsym.reflections import read_reflections

    with open(directory / "INDEX.tsv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    for row in rows:
        cell = tuple(float(value) for value in row["cell"].split())
        failure: Exception = ValueError(f"{row['name']}: no file of it holds reflections")
        for name in row["files"].split():
            try:
                yield row, read_reflections(directory / row["name"] / name, cell)
                break
            except ValueError as error:
                failure = error
        else:
            yield row, failure


def one_of_pair(group: int) -> int:
    """Give a number that two enantiomorphs share."""
    return min(group, spacegroups.enantiomorph(group) or group)


def judged(groups: list[int], truth: int) -> dict[str, bool]:
    """Tell whether the first, one of the first five and the diffraction class are right."""
    pairs = [one_of_pair(group) for group in groups]
    alike = {one_of_pair(group) for group in spacegroups.diffraction_class(truth)}
    return {
        "top1": pairs[:1] == [one_of_pair(truth)],
        "top5": one_of_pair(truth) in pairs[:5],
        "class": bool(pairs) and pairs[0] in alike,
    }


def main(arguments: list[str] | None = None) -> int:
    """Apply the rule to every crystal of a directory and print each case."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--json", type=Path, help="write the cases there")
    given = parser.parse_args(arguments)
    cases = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for row, measured in measured_crystals(given.directory):
            truth = int(row["space_group"])
            case: dict[str, Any] = {"name": row["name"], "truth": truth, "verdict": row["verdict"]}
            try:
                if isinstance(measured, Exception):
                    raise measured
                answer = rule(reduce_reflections(measured))
            except ValueError as error:
                case |= {"error": str(error), "groups": [], **judged([], truth)}
            else:
                case |= {"groups": answer.groups[:5], **judged(answer.groups, truth)}
                r_int = None if math.isnan(answer.r_int) else round(answer.r_int, 4)
                case |= {"laue": answer.laue, "r_int": r_int}
            cases.append(case)
            mark = "right" if case["top1"] else "of 5" if case["top5"] else "wrong"
            print(f"{case['name']:22}{truth:4} {mark:6}", case.get("laue"), case["groups"],
                  case.get("error", ""), flush=True)  # fmt: skip
    counted = [case for case in cases if not case["verdict"].startswith("UNVERIFIED")]
    for figure in ("top1", "top5", "class"):
        right = sum(case[figure] for case in counted)
        print(f"{figure}: {right} of {len(counted)}, {100 * right / len(counted):.0f} %")
    if given.json:
        given.json.write_text(json.dumps(cases, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
