"""One image, step by step, to a list of spots."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import ndimage

from crystalsym.measurement._bad_pixels import beam_stop, dead_lines, hot_pixels
from crystalsym.measurement._beam_center import BeamCenter, center_near, friedel_center
from crystalsym.measurement._beam_node import MeasuredNodes, likeliest_node
from crystalsym.measurement._diffuse_ground import diffuse_ground
from crystalsym.measurement._image_checks import linear_gray, saturation_level
from crystalsym.measurement._image_peaks import Peaks, find_peaks, spot_width
from crystalsym.measurement._image_refusals import PatternRefused
from crystalsym.measurement._pixel_sets import grown, opened, quantiles
from crystalsym.measurement._plane_lattice import PlaneLattice, fit_lattice
from crystalsym.measurement._spot_integration import integrate_spots

# Fewer spots than these tell no lattice.
FEWEST_SPOTS = 4
# What Friedel pairs have in common where there are any.
LEAST_AGREEMENT = 0.35
# Peaks this many widths from what was not measured are left out.
CUT = 1.5
# Spots closer than so many of their widths are one.
CLOSEST = 2.2
# Part of the light in spots that the lattice has to explain, and of the number of strong spots.
LEAST_EXPLAINED, LEAST_NUMBER = 0.6, 0.5
# Where a lattice explains so many of the spots they are no rings, however dense they are.
MOST_EXPLAINED = 0.9
# A second lattice shows in so many strays, this part of all.
MANY_STRAYS, STRAYS_PART = 8, 0.25
# So many strong spots off the lattice, this part of all, are worth a doubt.
SOME_STRAYS, DOUBTFUL_PART = 5, 0.06
# The longest spacing of a zone, Å: along [111] that of copper is 1.28, of diamond 1.26.
LONGEST_SPACING = (1.1, 60.0)
# Of crystals with cells like these, spots are seen beyond this, 1/Å.
LEAST_REACH = 0.3
# Atoms scatter too little beyond this for spots, 1/Å.
MOST_REACH = 4.0
# Rows whose systematic absences tell screw axes and glide planes, and what is called a row.
ROWS_THROUGH_BEAM, FEWEST_IN_A_ROW = ((1, 0), (0, 1), (1, 1), (1, -1)), 3
# A place known to be as bright as this is the direct beam, in pixels about it.
BEAM_WIDTHS = 4.0
# Rings rise above what is beside them in most of their directions, by so many of their errors.
RING, RINGS = 8.0, 1
# What is dimmer than so much of a ring is looked at: rows of spots do not cover as much.
RING_PART = 0.35


@dataclass(frozen=True)
class FindingSettings:
    """Hold what the steps need to know."""

    threshold: float
    significance: float
    search_radius: float
    spot_sigma: float | None = None


@dataclass(eq=False)
class FoundPattern:
    """Hold all that was found in one image.

    Attributes
    ----------
    image : ndarray of shape (H, W), float32
        Linear gray as it was looked at.
    q_per_pixel : float
        1/Å.
    bad : ndarray of bool, shape (H, W)
        Not measured: beam stop, hot, dead and saturated pixels, the user's mask.
    saturated : ndarray of bool, shape (H, W)
        Of these, the saturated ones; their spots are measured by their flanks.
    ground, noise : ndarray of shape (H, W)
    spot_sigma : float
        Width of the spots, pixels.
    peaks : Peaks
        What stands out of the noise, on the lattice or not; the direct beam is left out.
    center : BeamCenter
    lattice : PlaneLattice
        In pixels; it says of every peak whether it is explained.
    indices : ndarray of int, shape (n_spots, 2)
        In the lattice's basis, one of each Friedel pair.
    intensity, sigma : ndarray of shape (n_spots,)
        Means of Friedel pairs where both were measured.
    measured : tuple of ndarray
        Indices, intensity and sigma of all points of the lattice that were measured, weak ones too.
    notes : list of str
        What was undone.
    doubts : list of str
        Why the answer may be wrong.
    refused : str or None
        Why the image is not answered.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.measurement import SpotFinder
    >>> finder = SpotFinder(q_per_pixel=0.01, on_refusal="nan")
    >>> finder.find([[np.zeros((64, 64))] * 3])[0].images[0].refused
    'the image is empty, all its values are the same'
    """

    image: np.ndarray
    q_per_pixel: float
    bad: np.ndarray | None = None
    saturated: np.ndarray | None = None
    ground: np.ndarray | None = None
    noise: np.ndarray | None = None
    spot_sigma: float = math.nan
    peaks: Peaks | None = None
    center: BeamCenter | None = None
    lattice: PlaneLattice | None = None
    indices: np.ndarray | None = None
    intensity: np.ndarray | None = None
    sigma: np.ndarray | None = None
    measured: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    refused: str | None = None

    @property
    def basis(self) -> np.ndarray:
        """Vectors of the lattice as rows, 1/Å in the image's frame."""
        assert self.lattice is not None
        return self.lattice.basis * self.q_per_pixel

    @property
    def longest_spacing(self) -> float:
        """Of the plane lattice, Å."""
        return 1 / float(np.hypot(*self.basis.T).min())

    @functools.cached_property
    def hidden_places(self) -> np.ndarray:
        """Where more than single pixels were not measured, bool of shape (H, W)."""
        assert self.bad is not None
        return opened(self.bad)


def find_pattern(
    image: np.ndarray,
    q_per_pixel: float,
    settings: FindingSettings,
    center: tuple[float, float] | None = None,
    mask: np.ndarray | None = None,
) -> FoundPattern:
    """Find the spots of one image; what is wrong with it stands in ``refused``."""
    found = FoundPattern(np.asarray(image), q_per_pixel)
    try:
        _find(found, settings, center, mask)
    except PatternRefused as refusal:
        found.refused = str(refusal)
    return found


def _find(
    found: FoundPattern,
    settings: FindingSettings,
    center: tuple[float, float] | None,
    mask: np.ndarray | None,
) -> None:
    found.image, found.notes = linear_gray(found.image)
    light = _spots_above_ground(found, settings, center, mask)
    peaks = found.peaks
    _find_beam(found, settings, center)
    _fit(found)
    nodes = _measured_nodes(found, light)
    if center is None and _move_beam(found, nodes, peaks, settings):
        _fit(found)
        nodes = _measured_nodes(found, light)
    _integrate(found, nodes, settings.significance)
    _judge(found)


def _spots_above_ground(
    found: FoundPattern,
    settings: FindingSettings,
    center: tuple[float, float] | None,
    mask: np.ndarray | None,
) -> np.ndarray:
    """Take off ground and bad pixels, find peaks; what is left of the image comes back."""
    image = found.image
    bad = ~np.isfinite(image) if mask is None else mask | ~np.isfinite(image)
    bad |= dead_lines(image)
    middle = ((image.shape[1] - 1) / 2, (image.shape[0] - 1) / 2)
    bad |= beam_stop(image, bad, center or middle)
    ground, noise = diffuse_ground(image, bad)
    hot = hot_pixels(image, ground, noise)
    saturated = image >= saturation_level(image)
    clean = np.where(bad | hot, ground, image) - ground
    sigma = settings.spot_sigma or spot_width(clean, noise)
    if not np.isfinite(sigma):
        raise PatternRefused("too few spots (0)")
    # Spots as small as pixels look hot themselves; where most peaks do, they are spots.
    if sigma < 0.6 and hot.sum() > 0.5 * len(find_peaks(image - ground, noise, sigma, 8.0, bad)):
        hot[:] = False
        clean = np.where(bad, ground, image) - ground
    found.bad, found.ground, found.noise = bad | hot | saturated, ground, noise
    found.saturated = saturated & ~(bad | hot)
    found.spot_sigma = sigma
    # Of a spot that is cut, the place is not known.
    cut = grown(opened(bad), max(1, round(CUT * sigma)))
    found.peaks = find_peaks(clean, noise, sigma, settings.threshold, bad | cut)
    return clean


def _find_beam(
    found: FoundPattern, settings: FindingSettings, center: tuple[float, float] | None
) -> None:
    assert found.peaks is not None
    assert found.bad is not None
    if len(found.peaks) < FEWEST_SPOTS:
        raise PatternRefused(f"too few spots ({len(found.peaks)})")
    if center is not None:
        found.center = BeamCenter(np.array(center, dtype=float), math.nan, 0.0, 0)
    else:
        radius = settings.search_radius * max(found.image.shape)
        found.center = friedel_center(found.peaks, found.hidden_places, radius)
        if found.center is None or found.center.agreement < LEAST_AGREEMENT:
            rings = " (rings, not spots?)" if _has_rings(found) else ""
            raise PatternRefused(f"no spots that lie opposite each other about a beam{rings}")
    found.peaks = _beside_beam(found, found.peaks)


def _beside_beam(found: FoundPattern, peaks: Peaks) -> Peaks:
    """Peaks without the direct beam's own."""
    assert found.center is not None
    off = np.hypot(*(peaks.places - found.center.place).T)
    return peaks.taken(off > BEAM_WIDTHS * max(found.spot_sigma, 0.5))


def _move_beam(
    found: FoundPattern, nodes: MeasuredNodes, peaks: Peaks | None, settings: FindingSettings
) -> bool:
    """Move the beam to the point of the lattice where it is likeliest; whether it was elsewhere."""
    assert found.center is not None
    assert found.lattice is not None
    assert peaks is not None
    basis, origin = found.lattice.basis, found.center.place
    node = likeliest_node(
        nodes, basis, found.q_per_pixel, origin, found.hidden_places,
        settings.search_radius * max(found.image.shape), found.spot_sigma,
    )  # fmt: skip
    moved = bool(node.indices.any())
    if moved:
        found.center = center_near(peaks, found.hidden_places, origin + node.indices @ basis)
        found.peaks = _beside_beam(found, peaks)
    rival = None if node.next_indices is None else origin + node.next_indices @ basis
    found.center = replace(found.center, lead=node.lead, rival=rival)
    if node.doubtful:
        assert rival is not None
        found.doubts.append(
            f"the direct beam may as well be at column {rival[0]:.0f}, row {rival[1]:.0f}"
            f" ({math.exp(node.lead):.2g} times likelier where it was taken to be); give center"
            " if you know it"
        )
    return moved


def _fit(found: FoundPattern) -> None:
    assert found.peaks is not None
    assert found.center is not None
    peaks, sigma = found.peaks, found.spot_sigma
    if len(peaks) < FEWEST_SPOTS:
        raise PatternRefused(f"too few spots ({len(peaks)})")
    uncertainty = np.hypot(sigma * math.sqrt(2) / peaks.significance, 0.03)
    uncertainty = np.hypot(uncertainty, found.center.uncertainty)
    lattice = fit_lattice(peaks.places - found.center.place, uncertainty, CLOSEST * sigma)
    few = lattice is None or lattice.n_explained < MOST_EXPLAINED * len(peaks)
    if few and _has_rings(found):
        raise PatternRefused("rings, not spots")
    if lattice is None or lattice.n_explained < FEWEST_SPOTS:
        raise PatternRefused("no lattice found")
    found.lattice = lattice


def _measured_nodes(found: FoundPattern, light: np.ndarray) -> MeasuredNodes:
    """Measure every point of the lattice in the image, the beam's among them."""
    assert found.lattice is not None
    assert found.center is not None
    assert found.noise is not None
    assert found.bad is not None
    indices = _points_within(found.lattice.basis, found.center.place, found.image.shape)
    places = found.center.place + indices @ found.lattice.basis
    heights, errors = integrate_spots(
        light, found.noise, found.bad, places, found.spot_sigma, found.saturated
    )
    return MeasuredNodes(indices, heights, errors)


def _integrate(found: FoundPattern, nodes: MeasuredNodes, significance: float) -> None:
    """Join what was measured of Friedel pairs."""
    assert found.lattice is not None
    offsets = nodes.indices @ found.lattice.basis
    beside = np.hypot(*offsets.T) > BEAM_WIDTHS * max(found.spot_sigma, 0.5)
    indices = nodes.indices[beside]
    # One of each pair, where either is in the image.
    lower = (indices[:, 1] < 0) | ((indices[:, 1] == 0) & (indices[:, 0] < 0))
    indices = np.unique(np.where(lower[:, None], -indices, indices), axis=0)
    both = [nodes.at(sign * indices) for sign in (1, -1)]
    heights, errors = (np.stack(values) for values in zip(*both, strict=True))
    measured = np.isfinite(heights)
    weights = np.where(measured, 1 / np.where(measured, errors, 1.0) ** 2, 0.0)
    seen = measured.any(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        # Mates weigh the same: what differs them is no noise.
        mean = np.nansum(np.where(measured, heights, 0), axis=0) / measured.sum(axis=0)
        error = np.sqrt(1 / weights.sum(axis=0))
    found.measured = (indices[seen], mean[seen], error[seen])
    if _hides_a_row(indices, seen):
        found.doubts.append(
            "no point of a row of the lattice through the beam was measured (a gap or a stop hides"
            " it): its places count as dark, as if a screw axis or a glide plane forbade them"
        )
    kept = seen & (mean > significance * error)
    found.indices, found.intensity, found.sigma = indices[kept], mean[kept], error[kept]
    if len(found.indices) < FEWEST_SPOTS // 2:
        raise PatternRefused(f"too few spots ({len(found.indices)})")


def _hides_a_row(indices: np.ndarray, seen: np.ndarray) -> bool:
    """Whether all points of a dense row through the beam, which has some, were not measured."""
    for h, k in ROWS_THROUGH_BEAM:
        on = h * indices[:, 1] == k * indices[:, 0]
        if on.sum() >= FEWEST_IN_A_ROW and not seen[on].any():
            return True
    return False


def _points_within(basis: np.ndarray, center: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Indices of the lattice points in the image."""
    height, width = shape
    corners = np.array([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]]) - center
    most = np.ceil(np.abs(corners @ np.linalg.inv(basis)).max(axis=0)).astype(int)
    axes = (np.arange(-n, n + 1) for n in most)
    indices = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    column, row = (center + indices @ basis).T
    return indices[(column >= 0) & (column <= width - 1) & (row >= 0) & (row <= height - 1)]


def _judge(found: FoundPattern) -> None:
    """Refuse what the lattice does not explain, and scales that no crystal has."""
    assert found.peaks is not None
    assert found.lattice is not None
    explained = found.lattice.explained
    light = np.sqrt(found.peaks.heights)
    part = float(light[explained].sum() / light.sum())
    strays = ~explained & (found.peaks.significance > 8)
    strong = int((found.peaks.significance > 8).sum())
    if strays.sum() >= MANY_STRAYS and strays.sum() > STRAYS_PART * strong:
        if part > LEAST_EXPLAINED / 2:
            raise PatternRefused(
                f"more than one lattice ({int(strays.sum())} of {strong} spots are off it)"
            )
        raise PatternRefused("no lattice found")
    if strays.sum() >= SOME_STRAYS and strays.sum() > DOUBTFUL_PART * strong:
        found.doubts.append(
            f"{int(strays.sum())} of {strong} strong spots are off the lattice: a second crystal?"
        )
    if part < LEAST_EXPLAINED:
        raise PatternRefused(
            f"no lattice found (the best explains {100 * part:.0f} % of the light)"
        )
    spacing = found.longest_spacing
    if not LONGEST_SPACING[0] <= spacing <= LONGEST_SPACING[1]:
        low, high = LONGEST_SPACING
        raise PatternRefused(
            f"implausible scale: the longest spacing would be {spacing:.3g} Å, zones have"
            f" {low:g} to {high:g}"
        )
    offsets = found.lattice.indices[explained] @ found.basis
    reach = float(np.hypot(*offsets.T).max())
    if reach > MOST_REACH:
        raise PatternRefused(
            f"implausible scale: spots as far as {reach:.2g} 1/Å, a spacing of {1 / reach:.2g} Å"
        )
    if reach < LEAST_REACH:
        raise PatternRefused(
            f"implausible scale: no spot beyond {reach:.2g} 1/Å, a spacing of {1 / reach:.2g} Å"
        )


def _has_rings(found: FoundPattern) -> bool:
    """Whether the light rises in whole rings about the beam."""
    assert found.bad is not None
    assert found.noise is not None
    center = (np.array(found.image.shape[::-1]) - 1) / 2
    if found.center is not None:
        center = found.center.place
    # Some 250,000 pixels are enough.
    every = max(1, round(min(found.image.shape) / 512))
    image, bad = found.image[::every, ::every], found.bad[::every, ::every]
    height, width = found.image.shape
    r = np.hypot(
        np.arange(0, width, every, dtype=np.float32)[None, :] - center[0],
        np.arange(0, height, every, dtype=np.float32)[:, None] - center[1],
    )
    thickness = max(1.5 * found.spot_sigma, 2.0)
    ring = (r / thickness).astype(int)
    n = int(min(height, width) / thickness / 2)
    inside = ~bad & (ring < n)
    order = np.argsort(ring[inside], kind="stable")
    values, rings = image[inside][order], ring[inside][order]
    starts = np.searchsorted(rings, np.arange(n + 1))
    levels = np.full(n, np.nan)
    errors = np.full(n, np.nan)
    least = float(np.median(found.noise))
    for i in range(3, n):
        part = values[starts[i] : starts[i + 1]]
        if len(part) > 40:
            low, levels[i] = quantiles(part, (RING_PART / 5, RING_PART))
            errors[i] = 1.25 * max(levels[i] - low, least) / math.sqrt(len(part))
    known = np.isfinite(levels)
    if known.sum() < 12:
        return False
    values, errors = levels[known], errors[known]
    smooth = ndimage.median_filter(values, 9)
    rise = (values - smooth) / np.hypot(errors, 0.03 * np.abs(smooth))
    rise[:4] = rise[-4:] = 0
    return int((rise > RING).sum()) >= RINGS
