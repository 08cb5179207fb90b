"""When a list is not one that any answer should be believed of."""

from __future__ import annotations

import numpy as np

from crystalsym.reflections import Reduction, intensity_statistics

# Fewer averaged reflections than these tell nothing.
FEWEST = 10
# Of noise, 0.1 % is above three sigma; a list with less than this part of it above is noise.
NOISE = 0.02
# Where the lattice has so many rotations, crystals have some: all disagreeing by this part of what
# unrelated reflections do, over so many pairs, means that the intensities are nobody's.
ROTATIONS, UNRELATED, PAIRS = 4, 0.85, 30
# Cells beyond this are those of macromolecules, Å³.
LARGEST_CELL = 60_000.0
# Limits of resolution between which crystals of small molecules are measured, Å.
D_MIN = (0.15, 2.5)
# Means of |E² - 1| that intensities of atoms have.
STATISTICS = (0.40, 1.60)


def refusal(reduction: Reduction) -> str | None:
    """Say why a list should not be answered, None if it may be.

    Parameters
    ----------
    reduction : Reduction

    Returns
    -------
    str or None

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.identification._refusals import refusal
    >>> from crystalsym.reflections import ReflectionList, reduce_reflections
    >>> few = ReflectionList([[1, 0, 0], [0, 1, 0], [1, 1, 0]], [1.0, 2.0, 3.0], [0.1, 0.1, 0.1],
    ...                      cell=(5, 6, 7, 90, 90, 90))
    >>> refusal(reduce_reflections(few))
    'too few reflections (3)'
    """
    friedel = reduction.friedel
    n = len(friedel)
    if n < FEWEST:
        return f"too few reflections ({n})"
    above = float(np.mean(friedel.intensity > 3 * friedel.sigma))
    if above < NOISE:
        return f"no symmetry above noise ({100 * above:.2g} % of the reflections above 3 sigma)"
    if _nothing_agrees(reduction):
        return (
            "no symmetry above noise (the cell allows more than -1, and equivalents of every Laue"
            " class differ as unrelated reflections do)"
        )
    d_min = float(1 / friedel.q.max())
    if not D_MIN[0] <= d_min <= D_MIN[1]:
        return (
            f"cell and list do not belong together, or it ends too soon (its limit is {d_min:.2g}"
            f" Å, usual are {D_MIN[0]} to {D_MIN[1]} Å)"
        )
    wavelength = reduction.reflections.wavelength
    if wavelength and d_min < 0.98 * wavelength / 2:
        return (
            f"cell and list do not belong together (d = {d_min:.3g} Å is beyond half the wavelength"
            f" {wavelength:g} Å)"
        )
    volume = abs(float(np.linalg.det(friedel.lattice)))
    if volume > LARGEST_CELL:
        return f"unlike anything learned (a cell of {volume:.0f} Å³, a macromolecule?)"
    statistics = intensity_statistics(reduction.merged(0))  # without what a centering forbids
    value = statistics.mean_e2_minus_1
    if statistics.n_used >= 100 and not STATISTICS[0] <= value <= STATISTICS[1]:
        return f"unlike anything learned (mean |E²-1| {value:.2f}, crystals have 0.7 to 1)"
    return None


def _nothing_agrees(reduction: Reduction) -> bool:
    first = reduction.hypotheses[0]
    rotations = first.scores[1:]
    return (
        first.candidate.laue == "-1"
        and len(rotations) + 1 >= ROTATIONS
        and all(one.n_pairs >= PAIRS and one.r > UNRELATED * one.r_unrelated for one in rotations)
    )
