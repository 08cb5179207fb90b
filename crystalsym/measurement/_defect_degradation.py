"""The transformer that makes spots of perfect crystals like those of blocks with defects."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from crystalsym import _provenance
from crystalsym.diffraction import SpotPatterns
from crystalsym.diffraction._reflection_classes import in_dark_class, times_ground
from crystalsym.measurement._drawn_strengths import DrawnStrengths, is_number

NAMES = ("displacement", "ground", "falloff", "error")


class DefectDegradation(DrawnStrengths):
    """Make spots like those that :class:`crystalsym.diffraction.BlockSpots` lists.

    Some thousand times as fast as blocks of atoms: weights learn from it. Strengths are numbers,
    ranges that each crystal's own is drawn from, or None for what does not happen.

    Parameters
    ----------
    displacement : float, (float, float) or None, default=(0.0, 0.25)
        Root mean square length u of the shifts of atoms, Å: I exp(-4π² q² u² / 3).
    ground : default=(1e-7, 1e-3)
        Diffuse intensity G at small angles, in parts of a pattern's strongest spot, drawn evenly on
        a logarithmic scale. A spot becomes \\|F + g\\|², g complex and normal with the
        variance G, which a forbidden one shows alone.
    falloff : default=(0.3, 1.5)
        b of G exp(-b q²), Å². A drawn part of the ground, that of displacement, also rises from
        nothing as 1 - exp(-4π² q² u² / 3).
    error : default=(0.0, 0.1)
        Standard deviation of each intensity, in parts of itself.
    above, alone : float, default=8.0, 25.0
        As of ``BlockSpots``: classes that do not stand out of the ground are dark.
    share : float, default=0.5
        Part of the crystals that have defects.
    random_state : int, RandomState instance or None, default=None

    Examples
    --------
    >>> from crystalsym import DiffractionSimulator
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.measurement import DefectDegradation
    >>> spots = DiffractionSimulator(output="spots").transform([example_crystals()["NaCl"]])
    >>> broken = DefectDegradation(share=1.0, random_state=0).transform(spots)
    >>> broken.n_spots == spots.n_spots, bool((broken.intensity != spots.intensity).any())
    (True, True)
    """

    def __init__(
        self,
        *,
        displacement: Any = (0.0, 0.25),
        ground: Any = (1e-7, 1e-3),
        falloff: Any = (0.3, 1.5),
        error: Any = (0.0, 0.1),
        above: float = 8.0,
        alone: float = 25.0,
        share: float = 0.5,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.displacement = displacement
        self.ground = ground
        self.falloff = falloff
        self.error = error
        self.above = above
        self.alone = alone
        self.share = share
        self.random_state = random_state

    def transform(self, X: SpotPatterns) -> SpotPatterns:
        """Draw the defects of every crystal.

        Parameters
        ----------
        X : SpotPatterns
            Of zone axes, with the indices of each spot in its plane.

        Returns
        -------
        SpotPatterns
            The same spots with other intensities, none where they are dark.

        Raises
        ------
        TypeError, ValueError
            If X is no SpotPatterns or has no indices, or a strength cannot be.
        """
        return self._of_all(X)

    def _degraded(self, X: SpotPatterns, seed: Sequence[int], rows: np.ndarray) -> SpotPatterns:
        if X.indices is None:
            raise ValueError("DefectDegradation needs patterns whose indices are known")
        bounds = self._strengths()
        intensity = X.intensity.astype(np.float64)
        square = (X.q.astype(np.float64) ** 2).sum(axis=1)
        for crystal, number in enumerate(rows):
            rng = np.random.default_rng([*seed, int(number)])
            if rng.random() >= self.share:
                continue
            drawn = self._drawn(bounds, rng)
            part = X.starts[crystal * X.n_views : (crystal + 1) * X.n_views + 1]
            for first, end in itertools.pairwise(part):
                plane = slice(first, end)
                if end > first:
                    intensity[plane] = self._of_plane(
                        intensity[plane], square[plane], X.indices[plane], drawn, rng
                    )
        return replace(
            X,
            intensity=intensity.astype(X.intensity.dtype),
            made_by=(*X.made_by, _provenance.step(self)),
        )

    def _of_plane(
        self,
        intensity: np.ndarray,
        square: np.ndarray,
        indices: np.ndarray,
        drawn: dict[str, float],
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Intensities of one pattern."""
        n = len(intensity)
        damped = np.exp(-4 * np.pi**2 / 3 * drawn["displacement"] ** 2 * square)
        rising = drawn["rising"] * (1 - damped) + 1 - drawn["rising"]
        ground = drawn["ground"] * intensity.max() * np.exp(-drawn["falloff"] * square) * rising
        amplitude = np.sqrt(intensity * damped) + np.sqrt(ground / 2) * (
            rng.standard_normal(n) + 1j * rng.standard_normal(n)
        )
        found = np.abs(amplitude) ** 2 * np.exp(drawn["error"] * rng.standard_normal(n))
        seen = times_ground(found, ground, intensity.max())
        found[in_dark_class(indices, seen, self.above, self.alone)] = 0
        return found

    @staticmethod
    def _drawn(bounds: np.ndarray, rng: np.random.Generator) -> dict[str, float]:
        values = dict(zip(NAMES, rng.uniform(*bounds.T), strict=True))
        low, high = bounds[NAMES.index("ground")]
        if low > 0:
            values["ground"] = float(np.exp(rng.uniform(np.log(low), np.log(high))))
        values["rising"] = float(rng.random())
        return values

    def _strengths(self) -> np.ndarray:
        """Lower and upper bound of each, checked."""
        for name, most in (("above", 1e9), ("alone", 1e9), ("share", 1)):
            value = getattr(self, name)
            if not is_number(value) or not 0 <= value <= most:
                raise ValueError(f"{name} must be a number from 0 to {most:g}, got {value!r}")
        return np.array([self._drawn_between(name) or (0.0, 0.0) for name in NAMES])
