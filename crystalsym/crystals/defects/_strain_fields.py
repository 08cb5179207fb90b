"""Strain that varies from place to place about a mean of zero."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from crystalsym.crystals._cluster import Cluster
from crystalsym.crystals.defects._parameter_checks import check_length
from crystalsym.crystals.defects._structure_steps import ClusterStep

N_WAVES = 16


class StrainField(ClusterStep):
    """Strain each block by random waves whose mean strain is zero.

    Parameters
    ----------
    rms : float, default=0.01
        Root mean square of the elongations along the three Cartesian axes, over all atoms;
        exactly that of each block.
    wavelength : float or (low, high), default=(20.0, 80.0)
        Of the waves, Å; of a range evenly on a logarithmic scale. Strain shifts atoms by about
        rms x wavelength / 2π: long waves matter more than short ones.
    random_state : int, RandomState instance or None, default=None
        A crystal's place in X fixes its draw.

    Notes
    -----
    u = Σ a sin(2π k·r + φ) with random directions of k and a, and |a| in proportion to
    the wavelength, so that each wave strains as much. The mean distortion, which waves longer than
    the block have, is subtracted; the lattice stays as it is.

    Examples
    --------
    >>> from crystalsym.crystals.defects import CrystalBlock, StrainField
    >>> from crystalsym.datasets import example_crystals
    >>> block = CrystalBlock(6).transform([example_crystals()["NaCl"]])[0]
    >>> strained = StrainField(0.01, wavelength=40, random_state=0).transform([block])[0]
    >>> bool(np.abs(strained.positions - block.positions).max() < 1)
    True
    """

    def __init__(
        self,
        rms: float = 0.01,
        *,
        wavelength: Any = (20.0, 80.0),
        random_state: int | np.random.RandomState | None = None,
    ):
        self.rms = rms
        self.wavelength = wavelength
        self.random_state = random_state

    def _check(self) -> None:
        check_length(self.rms, "rms")
        self._range()

    def _draws(self) -> bool:
        return self.rms != 0

    def _range(self) -> tuple[float, float]:
        given = self.wavelength
        low, high = (given, given) if isinstance(given, Real) else tuple(given)
        for one in (low, high):
            check_length(one, "wavelength", positive=True)
        if low > high:
            raise ValueError(f"wavelength must be a number or (low, high), got {given!r}")
        return float(low), float(high)

    def _changed(self, structure: Any, rng: np.random.Generator) -> Cluster:
        places = structure.positions - structure.positions.mean(axis=0)
        shifts, distortion = self._waves(places, rng)
        mean = distortion.mean(axis=0)
        elongation = np.einsum("nii->ni", distortion - mean)
        size = np.sqrt((elongation**2).mean())
        if size < 1e-12:
            raise ValueError("a strain that varies needs more than one atom")
        shifts = shifts - places @ mean.T
        return structure.replace(positions=structure.positions + shifts * (self.rms / size))

    def _waves(self, places: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Shifts u (n, 3) and distortions ∂uᵢ/∂rⱼ (n, 3, 3) of waves of strain 1."""
        low, high = np.log(self._range())
        shifts, distortion = np.zeros((len(places), 3)), np.zeros((len(places), 3, 3))
        for _ in range(N_WAVES):
            k, a = rng.normal(size=(2, 3))
            k *= 2 * np.pi / np.exp(rng.uniform(low, high)) / np.linalg.norm(k)
            a /= np.linalg.norm(a) * np.linalg.norm(k)
            phase = places @ k + rng.uniform(0, 2 * np.pi)
            shifts += np.outer(np.sin(phase), a)
            distortion += np.cos(phase)[:, None, None] * np.outer(a, k)
        return shifts, distortion
