"""The transformer that makes patterns as incomplete and uncertain as measured ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from crystalsym import _provenance
from crystalsym.diffraction import SpotPatterns
from crystalsym.measurement._drawn_strengths import (
    DrawnStrengths,
    Strength,
    checked_shares,
    kernel_seed,
)
from crystalsym.measurement._shortcomings import NAMES, fall_short

SHARES = {
    "b_factor": 1.0,
    "d_min": 1.0,
    "beam_stop": 0.3,
    "missing": 0.5,
    "cone": 0.35,
    "background": 1.0,
    "counting": 1.0,
    "proportional": 1.0,
    "redundancy": 1.0,
    "scale_error": 0.8,
    "leak": 0.6,
    "extinction": 0.2,
    "compression": 0.08,
    "twin": 0.05,
    "unobserved": 0.12,
    "esd_error": 1.0,
    "unmerged": 0.12,
    "unique": 0.4,
    "perfect": 0.0,
    "anisotropy": 1.0,
}
"""In which part of the crystals each shortcoming occurs."""
PROFILES: dict[str, dict[str, Any]] = {
    "mixture": {},
    "xray": {"compression": None},
    "electron": {
        "d_min": (0.7, 1.4),
        "background": (0.01, 0.5),
        "cone": (0.1, 0.45),
        "scale_error": (0.2, 0.5),
        "leak": (0.05, 0.4),
        "extinction": None,
        "shares": {"cone": 0.9, "scale_error": 1.0, "leak": 1.0, "compression": 1.0},
    },
}
"""What differs from the defaults: measurements by X-rays, by electrons, or of either kind."""
# Strengths drawn evenly on a logarithmic scale.
LOGARITHMIC = ("b_factor", "background", "counting", "leak", "extinction")
FRACTIONS = ("missing", "cone", "compression", "twin", "anisotropy")
# What happens or does not.
EVENTS = ("unmerged", "unique", "perfect")


class Degradation(DrawnStrengths):
    """Make patterns fall short as measured ones do, each in its own way.

    Strengths are numbers, ranges that every crystal's own strength is drawn from, or None for
    what does not happen. "Mean" is the mean intensity of what is within the limits of resolution.
    The formulas and their sources stand in ``docs/how-data-fall-short.md``.

    Parameters
    ----------
    b_factor : float, (float, float) or None, default=(0.5, 6.0)
        Isotropic displacement parameter B in Å²: I exp(-2 B sin²θ/λ²).
    d_min : default=(0.62, 1.25)
        Limit of resolution, Å.
    beam_stop : default=(0.02, 0.12)
        What lies closer to the beam is lost, 1/Å.
    missing : default=(0.01, 0.3)
        Part of the places that is lost at random.
    cone : default=(0.03, 0.4)
        Part of the places, those closest to one direction, that the scan did not reach.
    background : default=(0.001, 0.3)
        Uncertainty of a reflection of no intensity, in parts of the mean.
    counting : default=(0.0001, 0.1)
        Variance for each unit of intensity, in parts of the mean.
    proportional : default=(0.01, 0.08)
        Uncertainty in parts of the intensity, which repeats do not lessen.
    redundancy : default=(1.0, 6.0)
        Measurements of each reflection that were merged.
    scale_error : default=(0.01, 0.12)
        By which parts equivalents differ, from absorption or the volume lit; no uncertainty
        tells of it.
    leak : default=(0.0001, 0.03)
        Mean of what adds to every reflection, forbidden ones too, in parts of the mean
        (double diffraction, harmonics); exponentially distributed.
    extinction : default=(0.01, 1.0)
        Coefficient y of I / sqrt(1 + y I / (m q)), m the intensity-weighted mean.
    compression : default=(0.1, 0.5)
        p of I^(1 - p), which strong dynamical scattering comes close to.
    twin : default=(0.05, 0.5)
        Fraction of a second domain, a and b exchanged, where the lattice allows it; the layer
        hk0 shows it.
    unobserved : default=(1.0, 4.0)
        What is weaker than so many of its uncertainties is left out; four of five lists say so.
    esd_error : default=0.25
        Standard deviation of the logarithm of a factor by which uncertainties are wrong.
    anisotropy : default=None
        How far thermal motion differs by direction, in parts of B: each set of equivalents moves
        by B (1 + a (c² - <c²>)), c the cosine of its angle to a random direction in parts of the
        largest, c² averaged over the set.
    shares : mapping, optional
        In which part of the crystals each of these happens, and also ``unmerged`` (equivalents
        were not averaged, 0.12), ``unique`` (of unmerged ones only those were measured whose h
        and k, and h and l, do not differ in sign, 0.4) and ``perfect`` (nothing happens, 0.0).
        What is not named is as in ``SHARES``.
    random_state : int, RandomState instance or None, default=None

    Examples
    --------
    >>> from crystalsym import DiffractionSimulator
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.measurement import Degradation
    >>> simulator = DiffractionSimulator(output="spots", normalize=False)
    >>> spots = simulator.transform([example_crystals()["SiO2-quartz"]])
    >>> measured = Degradation(d_min=1.5, random_state=0).transform(spots)
    >>> measured.n_spots < spots.n_spots, bool(measured.sigma.min() > 0)
    (True, True)
    """

    def __init__(
        self,
        *,
        b_factor: Strength = (0.5, 6.0),
        d_min: Strength = (0.62, 1.25),
        beam_stop: Strength = (0.02, 0.12),
        missing: Strength = (0.01, 0.3),
        cone: Strength = (0.03, 0.4),
        background: Strength = (0.001, 0.3),
        counting: Strength = (0.0001, 0.1),
        proportional: Strength = (0.01, 0.08),
        redundancy: Strength = (1.0, 6.0),
        scale_error: Strength = (0.01, 0.12),
        leak: Strength = (0.0001, 0.03),
        extinction: Strength = (0.01, 1.0),
        compression: Strength = (0.1, 0.5),
        twin: Strength = (0.05, 0.5),
        unobserved: Strength = (1.0, 4.0),
        esd_error: Strength = 0.25,
        anisotropy: Strength = None,
        shares: Mapping[str, float] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.b_factor = b_factor
        self.d_min = d_min
        self.beam_stop = beam_stop
        self.missing = missing
        self.cone = cone
        self.background = background
        self.counting = counting
        self.proportional = proportional
        self.redundancy = redundancy
        self.scale_error = scale_error
        self.leak = leak
        self.extinction = extinction
        self.compression = compression
        self.twin = twin
        self.unobserved = unobserved
        self.esd_error = esd_error
        self.anisotropy = anisotropy
        self.shares = shares
        self.random_state = random_state

    @classmethod
    def from_profile(cls, name: str, **changes: Any) -> Degradation:
        """Take the strengths and shares of one kind of measurement.

        Parameters
        ----------
        name : {"mixture", "xray", "electron"}
            "mixture" has the defaults: nine tenths like X-rays, some compressed as by electrons.
        **changes
            Parameters of this class that differ; shares that are not named stay the profile's.

        Returns
        -------
        Degradation

        Examples
        --------
        >>> from crystalsym.measurement import Degradation
        >>> Degradation.from_profile("electron", random_state=0).leak
        (0.05, 0.4)
        """
        if name not in PROFILES:
            raise ValueError(f"there is no profile {name!r}; there are {', '.join(PROFILES)}")
        merged = {**PROFILES[name], **changes}
        shares = {**PROFILES[name].get("shares", {}), **(changes.get("shares") or {})}
        return cls(**{**merged, "shares": shares or None})

    def transform(self, X: SpotPatterns) -> SpotPatterns:
        """Draw one measurement of every crystal.

        Parameters
        ----------
        X : SpotPatterns
            With indices, all patterns of a crystal on one scale (simulated with
            ``normalize=False``). Where ``orbit`` says which spots are equivalents
            (:func:`crystalsym.diffraction.with_orbits`), these are one measurement.

        Returns
        -------
        SpotPatterns
            The spots that were measured, with ``sigma``; coverage says what is known of others.

        Raises
        ------
        TypeError, ValueError
            If X is no SpotPatterns or has no indices, or a strength cannot be.
        """
        return self._of_all(X)

    def _degraded(self, X: SpotPatterns, seed: Sequence[int], rows: np.ndarray) -> SpotPatterns:
        hkl = X.hkl
        if hkl is None:
            raise ValueError("Degradation needs patterns whose indices are known")
        strengths = self._strengths()
        n, n_spots = len(X), X.n_spots
        edges = np.linalg.norm(X.basis[:, -1], axis=-1)  # type: ignore[index]
        with np.errstate(invalid="ignore"):
            equal = np.abs(edges[:, 0] / edges[:, 1] - 1) < 1e-3
        # Of one kind, so that the kernel is compiled once.
        orbit = (X.orbit if X.orbit is not None else _alone(X)).astype(np.int32, copy=False)
        intensity, sigma = np.zeros(n_spots), np.ones(n_spots)
        kept = np.zeros(n_spots, dtype=bool)
        coverage = np.ones(n, dtype=np.int8)
        # Crystals that could not be simulated have no bounds and no spots.
        q_low, q_high = np.fmin.reduce(X.q_min, axis=1), np.fmax.reduce(X.q_max, axis=1)
        fall_short(
            kernel_seed(seed),
            np.asarray(rows, dtype=np.int64),
            X.starts, X.n_views, hkl, X.indices, np.hypot(*X.q.T.astype(np.float64)),
            X.intensity.astype(np.float64), orbit, equal, strengths,
            intensity, sigma, kept, coverage, q_low, q_high,
        )  # fmt: skip
        dtype = X.intensity.dtype
        selected: dict[str, Any] = {
            name: None if getattr(X, name) is None else getattr(X, name)[kept]
            for name in ("q", "indices", "orbit")
        }
        return replace(
            X,
            intensity=intensity[kept].astype(dtype),
            sigma=sigma[kept].astype(dtype),
            starts=np.concatenate([[0], np.cumsum(kept)])[X.starts],
            q_min=np.maximum(X.q_min, q_low[:, None]),
            q_max=np.minimum(X.q_max, q_high[:, None]),
            coverage=np.repeat(coverage[:, None], X.n_views, axis=1),
            made_by=(*X.made_by, _provenance.step(self)),
            **selected,
        )

    def _strengths(self) -> np.ndarray:
        """Lower and upper bound, share and kind of draw of each, checked."""
        shares = checked_shares(self.shares, SHARES)
        out = np.zeros((len(NAMES), 4))
        for row, name in zip(out, NAMES, strict=True):
            share = shares[name]
            if name in EVENTS:
                row[:] = 1, 1, share, 0
                continue
            bounds = self._drawn_between(name)
            if bounds is None:
                continue
            low, high = bounds
            if name in FRACTIONS and high > 1:
                value = getattr(self, name)
                raise ValueError(f"{name} is a fraction and cannot exceed 1, got {value!r}")
            row[:] = low, high, share, name in LOGARITHMIC and low > 0
        return out


def _alone(patterns: SpotPatterns) -> np.ndarray:
    """Numbers by which no spot of a crystal has equivalents."""
    first = patterns.starts[:: patterns.n_views]
    return np.arange(patterns.n_spots) - np.repeat(first[:-1], np.diff(first))
