"""How probable each Laue class is, by the agreement of reflections that it would make equivalent.

The scheme is that of POINTLESS (P. Evans, Acta Cryst. D62, 72-82 (2006); D67, 282-292 (2011)):
each rotation of the lattice is scored by itself, as one that is or is no symmetry, and a Laue class
by all its rotations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crystalsym.reflections._equivalents import mates_of
from crystalsym.reflections._lattice_symmetry import LaueCandidate

# Of a symmetry, the disagreement x of mates is what their uncertainties explain, b, with a normal
# error: that of so many pairs, a part of b (uncertainties are known to that part), and what no
# uncertainty tells, of absorption and scale; all in parts of the disagreement of unrelated
# reflections. Of another rotation it is hypot(b, d sqrt(1 - b^2)), d between 0 (nearly a symmetry)
# and 1 (nothing to do with each other). These and the numbers below are those of greatest
# likelihood for the true Laue classes of 4,000 simulated lists, molecules and inorganic crystals,
# but rounded (benchmarks/measured/check_reduction.py --fit); only the untold part is a third
# larger, for data worse than simulated ones.
PAIRS, KNOWN_TO, UNTOLD = 0.48, 0.22, 0.04
# Dynamical scattering parts equivalents of electrons, however often each was measured.
UNTOLD_OF_ELECTRONS = 0.2
_PARTS = np.geomspace(0.006, 1.4, 28)
_SHARES = _PARTS**0.45 / (_PARTS**0.45).sum()
_BLUR = 0.15
MOST_AGAINST = 8.0
# log of how often a cell has by chance more symmetry than its crystal (four of 77 measured ones),
# and of how often a crystal has less than its lattice for another reason (4/m, not 4/mmm).
COINCIDENCE, HEMIHEDRAL = -3.25, -1.4
# Of n rotations log2(n) would generate a group, the others agree in part: they count for so much.
OTHERS = 0.2
# Lengths that differ by less, in parts, are the same.
SAME_LENGTH = 1e-7
# So few of the reflections having a mate means that the list was merged: each that has none, and
# could, for so much, as far as MERGED_SCORE.
MERGED, MERGED_EACH, MERGED_SCORE = 0.02, 0.45, 10.0
MERGED_FROM = 20


@dataclass(frozen=True)
class RotationScore:
    """Hold how reflections agree with their images under one rotation.

    Attributes
    ----------
    n_pairs : int
    r : float
        Σ |I1 - I2| / Σ (I1 + I2); NaN without pairs.
    r_unrelated : float
        The same of reflections of like resolution that have nothing to do with each other.
    correlation : float
        Of intensities, in parts of the mean at that resolution.
    score : float
        log of the odds that it is a symmetry.
    explained : float
        What r would be of equal reflections with such uncertainties.
    merged : bool
        Whether hardly any reflection has its mate listed, as in a list merged by this rotation.

    Examples
    --------
    >>> from crystalsym.reflections import RotationScore
    >>> RotationScore(n_pairs=120, r=0.04, r_unrelated=0.55, correlation=0.99, score=2.9).score
    2.9
    """

    n_pairs: int
    r: float
    r_unrelated: float
    correlation: float
    score: float
    explained: float = math.nan
    merged: bool = False


def score_rotations(
    hkl: np.ndarray,
    intensity: np.ndarray,
    sigma: np.ndarray,
    q: np.ndarray,
    rotations: np.ndarray,
    electrons: bool = False,
    whole: bool = True,
) -> list[RotationScore]:
    """Score every rotation of a lattice.

    Parameters
    ----------
    hkl : ndarray of int, shape (n, 3)
        Merged by Friedel's law, each once.
    intensity, sigma, q : ndarray of shape (n,)
    rotations : ndarray of shape (m, 3, 3)
        In the basis of the indices, h' = h W; the first is the identity.
    electrons : bool, default=False
        Scattered more than once, they part equivalents.
    whole : bool, default=True
        Whether mates that are not listed may have been merged. Of a few zones they were not
        measured.

    Returns
    -------
    list of RotationScore
    """
    shells = _shells(q)
    level = _level(intensity, q, shells)
    relative = np.clip(intensity / level, -2.0, 8.0)
    error = sigma / level
    unrelated = _unrelated(relative, shells)
    images = hkl @ np.asarray(rotations)
    places = np.round(images).astype(np.int64)
    fits = np.abs(images - places).max(axis=2) < 1e-3
    mates = np.where(fits, mates_of(hkl, places.reshape(-1, 3)).reshape(fits.shape), -1)
    general = (places != hkl).any(axis=2) & (places != -hkl).any(axis=2)
    own = np.arange(len(hkl))
    scores = []
    for mate, moved in zip(mates, general, strict=True):
        paired = (mate >= 0) & moved & (own < np.where(mate >= 0, mate, 0))
        # A threefold axis has no pairs but triples, which this counts as well.
        paired |= (mate >= 0) & moved & (own > mate) & ~_mutual(mate, own)
        scores.append(
            _score(
                relative,
                error,
                own[paired],
                mate[paired],
                unrelated,
                int(moved.sum()) if whole else 0,
                electrons,
            )
        )
    return scores


def laue_probabilities(
    candidates: Sequence[LaueCandidate], scores: Sequence[RotationScore]
) -> np.ndarray:
    """Give the probability of each candidate by the scores of its rotations, shape (n,).

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.reflections import laue_candidates
    >>> from crystalsym.reflections._laue import RotationScore, laue_probabilities
    >>> _, found = laue_candidates(np.diag([3.0, 4.0, 5.0]), "P")
    >>> good = [RotationScore(99, 0.02, 0.6, 0.99, 5.0)] * 4
    >>> found[int(laue_probabilities(found, good).argmax())].laue
    'mmm'
    """
    total = np.array([_of_group(_member_scores(c, candidates, scores)) for c in candidates])
    total += np.array([_prior(c, len(scores)) for c in candidates])
    shares = np.exp(total - total.max())
    return shares / shares.sum()


def _member_scores(
    candidate: LaueCandidate, candidates: Sequence[LaueCandidate], scores: Sequence[RotationScore]
) -> list[float]:
    """Scores of a candidate's rotations but the identity.

    A list merged in a Laue class has no mates by its rotations, and by some others only as its
    choice among equivalents has it: these say what the rest of their coset says.
    """
    members = [m for m in candidate.members if m]
    # Rotations of which few reflections could have a mate do not show that a list was merged.
    unpaired = {m for m in members if scores[m].merged or not scores[m].n_pairs}
    shown = any(scores[m].merged for m in members)
    if not shown or len(unpaired) == len(members):
        return [scores[m].score for m in members]
    own = set(candidate.members)
    merged = max(
        (c for c in candidates if own.issuperset(c.members) and unpaired.issuperset(c.members[1:])),
        key=lambda c: len(c.members),
    )
    place = {_key(w): m for m, w in zip(candidate.members, candidate.operations, strict=True)}
    found = []
    for m, rotation in zip(candidate.members, candidate.operations, strict=True):
        if m and (m in merged.members or m not in unpaired):
            found.append(scores[m].score)
        elif m:
            coset = [scores[place[_key(rotation @ w)]] for w in merged.operations]
            pairs = sum(one.n_pairs for one in coset if not one.merged)
            weighted = sum(one.n_pairs * one.score for one in coset if not one.merged)
            found.append(weighted / pairs if pairs else 0.0)
    return found


def _key(rotation: np.ndarray) -> bytes:
    # Rotations in the basis of a centered cell are of fractions.
    return np.round(rotation * 12).astype(np.int64).tobytes()


def _prior(candidate: LaueCandidate, n_rotations: int) -> float:
    whole = _holohedry(candidate)
    return COINCIDENCE * (whole < n_rotations) + HEMIHEDRAL * (len(candidate.members) < whole)


def _holohedry(candidate: LaueCandidate) -> int:
    """Rotations of a lattice that has the symmetry of the Laue class and no more."""
    if candidate.laue.startswith("-3"):
        return 6 if candidate.centering == "R" else 12
    orders = {"-1": 1, "2/m": 2, "mmm": 4, "4": 8, "6": 12, "m": 24}
    return orders.get(candidate.laue) or orders[candidate.laue[0]]


def _of_group(scores: Sequence[float]) -> float:
    """Score of a group by those of its rotations but the identity."""
    n = len(scores) + 1
    return (
        float(np.sum(scores)) * (OTHERS + (1 - OTHERS) * math.log2(n) / (n - 1)) if n > 1 else 0.0
    )


def _score(
    relative: np.ndarray,
    error: np.ndarray,
    one: np.ndarray,
    two: np.ndarray,
    unrelated: float,
    n_general: int,
    electrons: bool,
) -> RotationScore:
    n = len(one)
    if n_general and (n == 0 or (n_general >= MERGED_FROM and n <= MERGED * n_general)):
        score = min(MERGED_SCORE, MERGED_EACH * n_general)
        return RotationScore(n, math.nan, unrelated, math.nan, score, merged=True)
    if n == 0:
        return RotationScore(0, math.nan, unrelated, math.nan, 0.0)
    a, b = relative[one], relative[two]
    apart = np.abs(a - b)
    total = max(float((np.abs(a) + np.abs(b)).sum()), 1e-300)
    r = float(apart.sum() / total)
    # Mean absolute difference of two normal variates of these uncertainties.
    explained = float(
        (np.sqrt(error[one] ** 2 + error[two] ** 2) * math.sqrt(2 / math.pi)).sum() / total
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = float(np.corrcoef(a, b)[0, 1]) if n > 2 else math.nan
    score = _log_odds(
        r / unrelated,
        explained / unrelated,
        PAIRS * math.sqrt(float((apart**2).sum())) / total / unrelated,
        UNTOLD_OF_ELECTRONS if electrons else UNTOLD,
    )
    return RotationScore(n, r, unrelated, correlation, score, explained)


def _log_odds(x: float, explained: float, spread: float, untold: float) -> float:
    """That a rotation is a symmetry, by the disagreement x of its mates."""
    b = min(explained, 0.97)
    width = math.sqrt(spread**2 + (KNOWN_TO * b) ** 2 + untold**2 + 1e-4)
    symmetry = -(((x - b) / width) ** 2) / 2 - math.log(width)
    place = np.hypot(b, _PARTS * math.sqrt(1 - b * b))
    widths = np.hypot(width, _BLUR * _PARTS)
    terms = np.log(_SHARES / widths) - ((x - place) / widths) ** 2 / 2
    other = float(np.logaddexp.reduce(terms))
    return max(symmetry - other, -MOST_AGAINST)


def _mutual(mate: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Whether a reflection's mate has it for its mate."""
    back = np.full(len(mate), -1)
    known = mate >= 0
    back[known] = mate[mate[known]]
    return back == own


def _shells(q: np.ndarray, size: int = 60, most: int = 20) -> np.ndarray:
    """Number of the shell of about equal population that each reflection is in.

    Reflections of one length are in one shell, whatever the order of the rows.
    """
    n = int(np.clip(len(q) // size, 1, most))
    edges = np.quantile(q, np.arange(1, n) / n)
    # Lengths of equivalents differ by rounding, and an edge may be one of them.
    return np.searchsorted(edges * (1 + SAME_LENGTH), q)


def _level(intensity: np.ndarray, q: np.ndarray, shells: np.ndarray) -> np.ndarray:
    """Mean intensity at the length of each reflection.

    It changes steadily from shell to shell: where it jumped, equivalents of a cell that is only
    nearly as symmetric as its crystal would be divided by different means.
    """
    count = np.maximum(np.bincount(shells), 1)
    mean = np.bincount(shells, intensity) / count
    mean = np.maximum(mean, 1e-3 * max(float(intensity.mean()), 1e-300))
    filled = np.bincount(shells) > 0
    middle = np.bincount(shells, q) / count
    return np.exp(np.interp(q, middle[filled], np.log(mean[filled])))


def _unrelated(relative: np.ndarray, shells: np.ndarray) -> float:
    """R of reflections paired at random within shells."""
    rng = np.random.default_rng(0)
    apart, total = 0.0, 0.0
    for shell in range(int(shells.max()) + 1):
        part = np.sort(relative[shells == shell])  # whatever the order of the rows
        if len(part) < 2:
            continue
        for _ in range(4):
            mixed = rng.permutation(part)
            apart += float(np.abs(part - mixed).sum())
            total += float((np.abs(part) + np.abs(mixed)).sum())
    return max(apart / total, 0.05) if total > 0 else 0.6
