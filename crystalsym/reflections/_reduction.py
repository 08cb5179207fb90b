"""From a reflection list to its possible Laue classes, each with its averaged reflections."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from crystalsym.crystals._cell_parameters import lattice_of
from crystalsym.crystals._metric_settings import allowed_by_centering, open_settings
from crystalsym.reflections._centering import CenteringTest, find_centering
from crystalsym.reflections._equivalents import MergedReflections, assumed_sigma, merge_equivalents
from crystalsym.reflections._lattice_symmetry import (
    TOLERANCE,
    LaueCandidate,
    laue_candidates,
)
from crystalsym.reflections._laue import RotationScore, laue_probabilities, score_rotations
from crystalsym.reflections._multiple_cells import without_multiple_cell
from crystalsym.reflections._reflection_list import ReflectionList
from crystalsym.reflections._zone_planes import few_zones

IDENTITY = np.eye(3, dtype=int)[None]
# A few uncertainties of zero among others would outweigh all.
SMALLEST_SIGMA = 1e-3
# Metrics of cells by images differ by so much from what a Laue class demands, far ones too; of some
# zones, where few reflections have mates, this is weighed: on simulated lists that validated.
EXACT = 1e-3
# Centerings less probable than this are not followed.
LEAST = 0.01


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """Hold one way to take a list: a centering and a Laue class in one orientation.

    Attributes
    ----------
    probability : float
    centering : str
        Of the cell as given; "R-" is the reverse setting.
    candidate : LaueCandidate
    scores : list of RotationScore
        Of all rotations of the lattice; ``candidate.members`` are its own.

    Examples
    --------
    >>> from crystalsym.reflections import ReflectionList, reduce_reflections
    >>> few = ReflectionList([[1, 0, 0], [0, 1, 0]], [1.0, 2.0], [0.1, 0.1], (4, 5, 6, 80, 85, 95))
    >>> [one.candidate.laue for one in reduce_reflections(few).hypotheses]
    ['-1']
    """

    probability: float
    centering: str
    candidate: LaueCandidate
    scores: list[RotationScore]


@dataclass(frozen=True, eq=False)
class Reduction:
    """Hold what a list tells before any space group is thought of.

    Attributes
    ----------
    reflections : ReflectionList
        As it came; in a smaller cell, and with a note, if its own was a multiple of that.
    friedel : MergedReflections
        Repeats and Friedel mates averaged, in the basis as given.
    centering_tests : list of CenteringTest
    hypotheses : list of Hypothesis
        By falling probability.

    Examples
    --------
    >>> from crystalsym.reflections import ReflectionList, reduce_reflections
    >>> few = ReflectionList([[1, 0, 0], [0, 1, 0]], [1.0, 2.0], [0.1, 0.1], (4, 5, 6, 80, 85, 95))
    >>> reduction = reduce_reflections(few)
    >>> len(reduction.merged(0)), len(reduction.settings(0))
    (2, 1)
    """

    reflections: ReflectionList
    friedel: MergedReflections
    centering_tests: list[CenteringTest]
    hypotheses: list[Hypothesis]
    _merged: dict[int, MergedReflections] = field(default_factory=dict, repr=False, init=False)

    def merged(self, number: int = 0) -> MergedReflections:
        """Average the equivalents of one hypothesis, in its canonical setting.

        Parameters
        ----------
        number : int, default=0
            Place of the hypothesis.

        Returns
        -------
        MergedReflections
        """
        if number not in self._merged:
            self._merged[number] = self._merge(self.hypotheses[number])
        return self._merged[number]

    def _merge(self, hypothesis: Hypothesis) -> MergedReflections:
        candidate = hypothesis.candidate
        # What a centering forbids has no indices in a primitive cell.
        kept = allowed_by_centering(self.reflections.hkl, hypothesis.centering)
        return merge_equivalents(
            np.round(self.reflections.hkl[kept] @ candidate.change.T).astype(np.int64),
            self.reflections.intensity[kept],
            _sigma(self.reflections)[kept],
            candidate.own_operations,
            lattice=candidate.lattice,
            centering=candidate.centering,
            laue=candidate.laue,
            coverage=self.reflections.coverage,
        )

    def settings(self, number: int = 0) -> list[np.ndarray]:
        """List the open settings of a hypothesis, as changes of its canonical basis.

        Parameters
        ----------
        number : int, default=0
            Place of the hypothesis.
        """
        merged = self.merged(number)
        return open_settings(merged.lattice, merged.centering, merged.laue)


def reduce_reflections(reflections: ReflectionList, tolerance: float = TOLERANCE) -> Reduction:
    """Find what centering and Laue class a list may have, and how probably.

    Parameters
    ----------
    reflections : ReflectionList
        With its cell.
    tolerance : float, default=0.0175
        How far the cell may be from a lattice of higher symmetry: the largest relative change of
        its metric; 0.0175 is one degree.

    Returns
    -------
    Reduction
        A cell of no common centering that is a multiple of a smaller one (a doubled axis) is
        replaced by that.

    Raises
    ------
    ValueError
        If the cell is unknown, or the list holds nothing.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.reflections import ReflectionList, reduce_reflections
    >>> hkl = np.array([(h, k, l) for h in range(-4, 5) for k in range(-4, 5) for l in range(5)])
    >>> hkl = hkl[hkl.any(axis=1)]
    >>> bright = 1.0 + 7 * (hkl[:, 0] * hkl[:, 2] + 3 * hkl[:, 1] ** 2) % 13  # of l -> -l, h -> -h
    >>> measured = ReflectionList(hkl, bright, np.full(len(hkl), 0.1), (5, 6, 7, 90, 104, 90))
    >>> reduce_reflections(measured).hypotheses[0].candidate.laue
    '2/m'
    """
    lattice = lattice_of(reflections.known_cell())
    if not len(reflections):
        raise ValueError(f"{reflections!r}: the list holds no reflection")
    friedel = _merged_mates(reflections, lattice)
    zones = few_zones(friedel.hkl)
    smaller = without_multiple_cell(
        reflections, friedel.hkl, friedel.intensity, friedel.sigma, zones
    )
    if smaller is not reflections:
        reflections, lattice = smaller, lattice_of(smaller.known_cell())
        friedel = _merged_mates(reflections, lattice)
    centerings, tests = find_centering(
        friedel.hkl, friedel.intensity, friedel.sigma, reflections.radiation
    )
    found: list[Hypothesis] = []
    for centering, share in centerings:
        if share < LEAST:
            continue
        kept = allowed_by_centering(friedel.hkl, centering)
        rotations, candidates = laue_candidates(lattice, centering, tolerance)
        scores = score_rotations(
            friedel.hkl[kept],
            friedel.intensity[kept],
            friedel.sigma[kept],
            friedel.q[kept],
            rotations,
            reflections.radiation == "electron",
            whole=not len(zones),
        )
        likelihoods = laue_probabilities(candidates, scores)
        if len(zones):
            likelihoods *= [_of_metric(candidate, lattice) for candidate in candidates]
        shares = share * likelihoods / likelihoods.sum()
        found += [
            Hypothesis(float(p), centering, candidate, scores)
            for p, candidate in zip(shares, candidates, strict=True)
        ]
    found.sort(key=lambda one: -one.probability)
    return Reduction(reflections, friedel, tests, found)


def _of_metric(candidate: LaueCandidate, lattice: np.ndarray) -> float:
    """How well a cell by a few images agrees with a Laue class, against a coincidence."""
    given = candidate.change @ lattice
    metric, ideal = given @ given.T, candidate.lattice @ candidate.lattice.T
    lengths = np.sqrt(np.diag(metric))
    misfit = np.abs((metric - ideal) / np.outer(lengths, lengths)).max()
    return float(1 / (1 + (misfit / EXACT) ** 2))


def _merged_mates(reflections: ReflectionList, lattice: np.ndarray) -> MergedReflections:
    return merge_equivalents(
        reflections.hkl,
        reflections.intensity,
        _sigma(reflections),
        IDENTITY,
        lattice=lattice,
        coverage=reflections.coverage,
    )


def _sigma(reflections: ReflectionList) -> np.ndarray:
    if reflections.sigma is None:
        return assumed_sigma(reflections.intensity)
    return np.maximum(reflections.sigma, SMALLEST_SIGMA * np.median(reflections.sigma))
