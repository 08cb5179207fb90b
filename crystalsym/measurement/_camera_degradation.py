"""The transformer that makes patterns fall short as those found in camera images do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from crystalsym import _provenance
from crystalsym.diffraction import SpotPatterns
from crystalsym.measurement._camera_shortcomings import NAMES, fall_short_of_images
from crystalsym.measurement._drawn_strengths import (
    DrawnStrengths,
    Strength,
    checked_shares,
    is_number,
    kernel_seed,
    rising_bounds,
)
from crystalsym.scattering import electron_wavelength

CAMERA_SHARES = {
    "thickness": 0.8,
    "tilt": 0.8,
    "precession": 0.1,
    "background": 0.8,
    "beam_stop": 0.5,
    "scale_error": 0.5,
    "field": 0.2,
    "position_error": 1.0,
    "impurity_spots": 1.0,
    "perfect": 0.0,
}
"""In which part of the crystals, or images, each shortcoming occurs."""
LOGARITHMIC = ("thickness", "counts")
ALWAYS = ("counts", "spot_sigma", "wavelength")


class CameraDegradation(DrawnStrengths):
    """Make patterns fall short as those that are found in camera images do.

    What :class:`CameraImages` draws and :class:`SpotFinder` finds again, some thousand times as
    fast: weights learn from it. Strengths are numbers, ranges that each crystal's own is drawn
    from (each image's: ``tilt``, ``precession``, ``beam_stop``, ``field``, ``position_error``,
    ``impurity_spots``), or None for what does not happen.

    Parameters
    ----------
    thickness : float, (float, float) or None, default=(50.0, 300.0)
        Of the crystal along the beam, Å, drawn evenly on a logarithmic scale. Intensities fall by
        sinc²(s t), s the distance of a reflection from the Ewald sphere.
    voltage : default=(60.0, 300.0)
        Of the electrons, kV: the sphere's radius.
    wavelength : default=None
        Å, instead of ``voltage``: of X-rays.
    tilt : default=(0.0, 0.3)
        Degrees between beam and zone axis, in any direction.
    precession : default=(0.3, 1.5)
        Half opening angle, degrees, of the cone that the beam goes round.
    counts : default=(1e3, 1e6)
        At the peak of each image's strongest spot, drawn evenly on a logarithmic scale.
    background : default=(0.0, 0.03)
        Diffuse light at the beam, in parts of ``counts``; it falls to three tenths outward.
    spot_sigma : default=(1.0, 3.0)
        Width of the spots, pixels.
    significance : float, default=4.0
        Spots below so many standard deviations of noise are not found.
    beam_stop : default=(0.01, 0.1)
        Radius of a disc around the beam, 1/Å, held by a bar as wide as the radius.
    field : default=(0.8, 1.4)
        What the image ends at, 1/Å.
    scale_error : default=(0.0, 0.05)
        Part by which the scale is wrong, either way.
    position_error : default=None
        Standard deviation of places along either axis, 1/Å. Spots of :class:`SpotFinder` lie on
        their lattice.
    impurity_spots : default=None
        Number of spots anywhere, with 0.3 to 20 % of the strongest intensity. The patterns then
        have no indices. :class:`SpotFinder` leaves out what is off the lattice.
    shares : mapping, optional
        In which part of the crystals or images each happens; and ``perfect`` (nothing does, 0.0).
        What is not named is as in ``CAMERA_SHARES``.
    random_state : int, RandomState instance or None, default=None

    See Also
    --------
    Degradation : The same for reflection lists.

    Examples
    --------
    >>> from crystalsym import DiffractionSimulator
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.measurement import CameraDegradation
    >>> spots = DiffractionSimulator(output="spots").transform([example_crystals()["NaCl"]])
    >>> seen = CameraDegradation(thickness=100.0, voltage=200.0, random_state=0).transform(spots)
    >>> seen.n_spots < spots.n_spots, bool(seen.sigma.min() > 0)
    (True, True)
    """

    def __init__(
        self,
        *,
        thickness: Strength = (50.0, 300.0),
        voltage: Strength = (60.0, 300.0),
        wavelength: Strength = None,
        tilt: Strength = (0.0, 0.3),
        precession: Strength = (0.3, 1.5),
        counts: Strength = (1e3, 1e6),
        background: Strength = (0.0, 0.03),
        spot_sigma: Strength = (1.0, 3.0),
        significance: float = 4.0,
        beam_stop: Strength = (0.01, 0.1),
        field: Strength = (0.8, 1.4),
        scale_error: Strength = (0.0, 0.05),
        position_error: Strength = None,
        impurity_spots: int | tuple[int, int] | None = None,
        shares: Mapping[str, float] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.thickness = thickness
        self.voltage = voltage
        self.wavelength = wavelength
        self.tilt = tilt
        self.precession = precession
        self.counts = counts
        self.background = background
        self.spot_sigma = spot_sigma
        self.significance = significance
        self.beam_stop = beam_stop
        self.field = field
        self.scale_error = scale_error
        self.position_error = position_error
        self.impurity_spots = impurity_spots
        self.shares = shares
        self.random_state = random_state

    def transform(self, X: SpotPatterns) -> SpotPatterns:
        """Draw one set of images of every crystal.

        Parameters
        ----------
        X : SpotPatterns
            Of linear intensity.

        Returns
        -------
        SpotPatterns
            The spots that were found, one of each Friedel pair as in X, means of the mates that
            were measured, with ``sigma``.

        Raises
        ------
        TypeError, ValueError
            If X is no SpotPatterns, or a strength cannot be.
        """
        return self._of_all(X)

    def _degraded(self, X: SpotPatterns, seed: Sequence[int], rows: np.ndarray) -> SpotPatterns:
        strengths = self._strengths()
        n_patterns, n_spots = len(X) * X.n_views, X.n_spots
        true = X.intensity.astype(np.float64)
        q = np.empty((n_spots, 2))
        intensity, sigma = np.zeros(n_spots), np.zeros(n_spots)
        kept = np.zeros(n_spots, dtype=bool)
        q_low, q_high = (np.array(bound, dtype=np.float64) for bound in (X.q_min, X.q_max))
        most = 0 if self.impurity_spots is None else int(np.max(self.impurity_spots))
        strays, n_strays = np.zeros((n_patterns, most, 3)), np.zeros(n_patterns, dtype=np.int64)
        fall_short_of_images(
            kernel_seed(seed),
            np.asarray(rows, dtype=np.int64), X.starts, X.n_views, 2 if X.halved else 1,
            X.q.astype(np.float64), true, q_high.copy(), float(self.significance), strengths,
            q, intensity, sigma, kept, q_low, q_high, strays, n_strays,
        )  # fmt: skip
        found = replace(
            X,
            q=q[kept].astype(X.q.dtype),
            intensity=intensity[kept].astype(X.intensity.dtype),
            sigma=sigma[kept].astype(X.intensity.dtype),
            starts=np.concatenate([[0], np.cumsum(kept)])[X.starts],
            indices=None if X.indices is None else X.indices[kept],
            orbit=None if X.orbit is None else X.orbit[kept],
            q_min=q_low,
            q_max=q_high,
            made_by=(*X.made_by, _provenance.step(self)),
        )
        return _with_strays(found, strays, n_strays) if n_strays.any() else found

    def _strengths(self) -> np.ndarray:
        """Lower and upper bound, share and kind of draw of each, checked."""
        shares = checked_shares(self.shares, CAMERA_SHARES)
        if not is_number(self.significance) or self.significance < 0:
            raise ValueError(f"significance must be a number from 0 on, got {self.significance!r}")
        out = np.zeros((len(NAMES), 4))
        for row, name in zip(out, NAMES, strict=True):
            if name == "perfect":
                row[:] = 1, 1, shares[name], 0
                continue
            if name == "wavelength":
                row[:] = *self._wavelengths(), 1, 0
                continue
            low, high = _bounds(name, getattr(self, name), name in ALWAYS)
            share = 1.0 if name in ALWAYS else shares[name]
            row[:] = low, high, share, name in LOGARITHMIC and low > 0
        return out

    def _wavelengths(self) -> tuple[float, float]:
        if self.wavelength is not None:
            return _bounds("wavelength", self.wavelength, True)
        low, high = _bounds("voltage", self.voltage, True)
        return electron_wavelength(high), electron_wavelength(low)


def _bounds(name: str, value: Any, needed: bool) -> tuple[float, float]:
    """Lower and upper bound of a strength; zeros for None."""
    if value is None and not needed:
        return 0.0, 0.0
    bounds = rising_bounds(value)
    if bounds is None or (needed and not bounds[0] > 0):
        least = "above 0" if needed else "from 0 on"
        raise ValueError(
            f"{name} must be {'' if needed else 'None, '}a number {least} or a rising range of two,"
            f" got {value!r}"
        )
    return bounds


def _with_strays(found: SpotPatterns, strays: np.ndarray, n_strays: np.ndarray) -> SpotPatterns:
    """Patterns with further spots, which have no indices."""
    added = np.arange(strays.shape[1]) < n_strays[:, None]
    owner = np.concatenate([found.pattern_of_spot, np.nonzero(added)[0]])
    order = np.argsort(owner, kind="stable")
    counts = np.diff(found.starts) + n_strays
    more = strays[added]
    sigma = np.concatenate([found.sigma, np.zeros(len(more))])  # type: ignore[list-item]
    return replace(
        found,
        q=np.concatenate([found.q, more[:, :2]])[order].astype(found.q.dtype),
        intensity=np.concatenate([found.intensity, more[:, 2]])[order].astype(found.dtype),
        sigma=sigma[order].astype(found.dtype),
        starts=np.concatenate([[0], np.cumsum(counts)]),
        indices=None,
        basis=None,
        basis_hkl=None,
        orbit=None,
    )
