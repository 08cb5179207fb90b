"""Three images of a crystal, each by itself and together: their order, or the cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from crystalsym.measurement._found_pattern import FindingSettings, FoundPattern, find_pattern
from crystalsym.measurement._gray_scale import looks_logarithmic
from crystalsym.measurement._image_refusals import PatternRefused
from crystalsym.measurement._indexed_turning import indexed_turning
from crystalsym.measurement._pattern import Pattern
from crystalsym.measurement._pattern_turning import Turning, turnings
from crystalsym.measurement._zone_indexing import ZoneIndexing, index_zones
from crystalsym.measurement._zone_reflections import row_profiles, zone_reflections
from crystalsym.reflections import ReflectionList

# Rows that two images of one crystal share differ less: in length, and in the spots' amplitudes.
MOST_MISFIT, MOST_DISAGREEMENT = 0.004, 0.35
# Of three zones, one has a spacing as long as this, Å: nickel's are 1.2, 2.0 and 1.8.
LEAST_LONGEST = 1.5


@dataclass(eq=False)
class FoundCrystal:
    """Hold what was found in the three images of a crystal.

    Attributes
    ----------
    images : list of FoundPattern
    turning : Turning or None
        How they are turned into the frame of simulated patterns, and in which order they come;
        None where an image is refused.
    refused : str or None
        Why there is no answer.
    indexing : ZoneIndexing or None
        The cell, and what the images' spots are in it, where the zones were given.
    orders : list of Turning
        All orders of the images that their lattices allow, ``turning`` among them; one order
        where it was named, none where an image is refused or the zones were given.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.measurement import SpotFinder
    >>> noise = np.random.default_rng(0).poisson(10.0, (1, 3, 128, 128))
    >>> SpotFinder(q_per_pixel=0.01).find(noise)[0].refused
    'image 0: too few spots (0); image 1: too few spots (0); image 2: too few spots (0)'
    """

    images: list[FoundPattern]
    turning: Turning | None = None
    refused: str | None = None
    indexing: ZoneIndexing | None = None
    orders: list[Turning] = field(default_factory=list)

    @property
    def notes(self) -> list[str]:
        """What was undone or is doubtful, of all three."""
        return [
            f"image {i}: {note}"
            for i, one in enumerate(self.images)
            for note in (*one.notes, *one.doubts)
        ]

    @property
    def doubtful(self) -> bool:
        """Whether something speaks against the answer: an image's doubts, or unknown zones."""
        unknown = self.turning is not None and self.turning.zones == "unknown"
        return unknown or any(one.doubts for one in self.images)

    def reflections(self) -> ReflectionList:
        """Join the images to one list of reflections, in the axes that their zones are given in.

        Returns
        -------
        ReflectionList
            Weak and dark places that were looked at are listed; hidden ones are not.

        Raises
        ------
        PatternRefused
            If there is no answer, or the finder was not told the zones.
        """
        if self.indexing is None:
            raise PatternRefused(self.refused or "the zones of the images were not given")
        return zone_reflections(self.images, self.indexing)


def find_crystal(
    patterns: Sequence[Pattern],
    settings: FindingSettings,
    order: str,
    zones: Any = None,
    center: tuple[float, float] | None = None,
    mask: np.ndarray | None = None,
) -> FoundCrystal:
    """Find the spots of a crystal's three images; what is wrong with them stands in ``refused``.

    Parameters
    ----------
    patterns : sequence of three Pattern
    settings : FindingSettings
    order : str
        Which zone each image is, or "any".
    zones : sequence of three zone axes, optional
        In place of ``order``.
    center : tuple of float, optional
        Direct beam (column, row) of all three, in place of that of each pattern.
    mask : ndarray of bool, shape (H, W), optional
        True where images hold no measurement.

    Returns
    -------
    FoundCrystal
    """
    images = [
        find_pattern(
            pattern.image,
            float(pattern.q_per_pixel or math.nan),
            settings,
            pattern.center if center is None else center,
            mask,
        )
        for pattern in patterns
    ]
    crystal = FoundCrystal(images)
    crystal.refused = _refusal(images)
    if crystal.refused is not None:
        return crystal
    bases = [one.basis for one in images]
    if zones is None:
        crystal.orders = turnings(bases, order)
        crystal.turning = crystal.orders[0]
        return crystal
    crystal.indexing = index_zones(bases, zones, row_profiles(images))
    if crystal.indexing is None:
        crystal.refused = (
            "images 0 to 2: no cell has lattices like these along the zones given; are these,"
            " their order and the scale right?"
        )
        return crystal
    crystal.refused = _wrong_zones(crystal.indexing)
    if crystal.refused is None:
        crystal.turning = indexed_turning(bases, crystal.indexing)
    return crystal


def _refusal(images: Sequence[FoundPattern]) -> str | None:
    """Say what is wrong with images, whatever their order or zones are."""
    refusals = [f"image {i}: {one.refused}" for i, one in enumerate(images) if one.refused]
    if refusals:
        return "; ".join(refusals)
    too_short = _too_short(images)
    if too_short is not None:
        return too_short
    if looks_logarithmic([_measured(one) for one in images]):
        return (
            "images 0 to 2: gray follows the logarithm of intensity, strong spots being flatter"
            " than weak ones; linear intensity is needed"
        )
    return None


def _measured(found: FoundPattern) -> np.ndarray:
    """Gray values, NaN for the pixels that are bad."""
    assert found.bad is not None
    return np.where(found.bad, np.nan, found.image)


def _too_short(images: Sequence[FoundPattern]) -> str | None:
    """Say that the scale is wrong where no image has a spacing that crystals have."""
    longest = [one.longest_spacing for one in images]
    if max(longest) >= LEAST_LONGEST:
        return None
    listed = ", ".join(f"{spacing:.3g}" for spacing in longest)
    return (
        f"images 0 to 2: implausible scale: the longest spacings would be {listed} Å, of three"
        f" zones of a crystal one has {LEAST_LONGEST:g} or more"
    )


def _wrong_zones(indexing: ZoneIndexing) -> str | None:
    """Say why the zones given cannot be those of the images."""
    if indexing.misfit > MOST_MISFIT:
        differ = f"{100 * indexing.misfit:.1f} % in length"
    elif indexing.disagreement > MOST_DISAGREEMENT:
        differ = f"{100 * indexing.disagreement:.0f} % in the amplitudes of their spots"
    else:
        return None
    return (
        f"images 0 to 2: rows that they share along the zones given differ by {differ}; are these"
        " the zones, in their order, of one crystal?"
    )
