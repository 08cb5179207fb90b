"""The transformer from crystals to lists of reflections as a diffractometer would measure them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import check_random_state

from crystalsym.crystals import Crystal, as_crystal, space_group_number, standardize
from crystalsym.crystals._cell_parameters import cell_of
from crystalsym.crystals._lists import structure_list
from crystalsym.crystals._metric_settings import (
    allowed_by_centering,
    canonical_centering,
    canonical_setting,
    centering_in_standard_cell,
    open_settings,
    oriented_laue_class,
)
from crystalsym.crystals._wyckoff import laue_rotations
from crystalsym.datasets import CrystalTable
from crystalsym.diffraction import Coverage
from crystalsym.measurement._degradation import EVENTS, LOGARITHMIC, Degradation
from crystalsym.measurement._shortcomings import NAMES, TOLD
from crystalsym.reflections import ReflectionList
from crystalsym.reflections._equivalents import canonical_keys, mates_of
from crystalsym.reflections._lattice_symmetry import lattice_rotations
from crystalsym.scattering import structure_factors

# Limit of resolution of a perfect list, Å.
PERFECT_D_MIN = 0.8
# Lists that hold one reflection of each set, as merging programs write them; others hold every
# measurement.
MERGED = 0.35
# Lists that leave out what the centering forbids.
WITHOUT_CENTERING = 0.5
SETTINGS = ("random", "canonical", "rhombohedral", "any")
# Rows: primitive axes of a rhombohedral lattice in terms of the hexagonal ones (obverse).
RHOMBOHEDRAL = np.array([[2, 1, 1], [-1, 1, 1], [-1, -2, 1]]) / 3
CHUNK = 32
# Double diffraction adds nothing to what a centering forbids; harmonics do, a tenth as much.
HARMONIC = 0.1
# Part of the variance of the scale of equivalents that repeats do not show: with X-rays it changes
# steadily with the direction, as absorption does; electrons scattered many times make it each
# reflection's own. The rest is each measurement's.
STEADY = {"xray": 0.5, "electron": 0.9}
# A list has so many rows at least, where the sphere has.
LEAST = 8
# Beyond so many reflections the limit of resolution is drawn in.
MOST_REFLECTIONS = 12000


class ReflectionSimulator(TransformerMixin, BaseEstimator):
    """Make reflection lists of crystals, as incomplete and uncertain as measured ones.

    Parameters
    ----------
    degradation : Degradation, optional
        What happens to the intensities, with the strengths and shares of its parameters; its own
        random state is not used. By default ``Degradation()``. Equivalents are measured one by
        one, and twins are of any rotation of the lattice that is not one of the crystal.
    merged : float, default=0.35
        Part of the lists that hold each set of equivalents once.
    friedel_merged : float, default=0.0
        Part of the other lists that hold each Friedel pair once, its repeats averaged; the rest
        hold every measurement.
    settings : {"random", "canonical", "rhombohedral", "any"}, default="random"
        Axes as a laboratory may choose them, or those of the canonical setting; "rhombohedral"
        is "random" with the primitive axes of rhombohedral lattices; "any" is "random" and then a
        random basis of the same lattice, of long and oblique axes.
    radiation : {"xray", "electron"}, default="xray"
    symprec : float, default=0.1
        For crystals whose group is not known, Å.
    random_state : int, RandomState instance or None, default=None
    n_jobs : int, optional
        Parallel jobs.

    Examples
    --------
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.measurement import ReflectionSimulator
    >>> quartz = example_crystals()["SiO2-quartz"]
    >>> measured = ReflectionSimulator(random_state=0).transform([quartz])
    >>> bool(measured[0].sigma.min() > 0), len(measured[0].cell)
    (True, 6)
    """

    def __init__(
        self,
        degradation: Degradation | None = None,
        *,
        merged: float = MERGED,
        friedel_merged: float = 0.0,
        settings: str = "random",
        radiation: str = "xray",
        symprec: float = 0.1,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
    ):
        self.degradation = degradation
        self.merged = merged
        self.friedel_merged = friedel_merged
        self.settings = settings
        self.radiation = radiation
        self.symprec = symprec
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any = None, y: Any = None) -> ReflectionSimulator:
        """Check the parameters; there is nothing to learn.

        Parameters
        ----------
        X, y : ignored

        Returns
        -------
        ReflectionSimulator
        """
        if self.settings not in SETTINGS:
            raise ValueError(f"settings must be one of {SETTINGS}, got {self.settings!r}")
        if self.radiation not in ("xray", "electron"):
            raise ValueError(f'radiation must be "xray" or "electron", got {self.radiation!r}')
        for name in ("merged", "friedel_merged"):
            share = getattr(self, name)
            if not isinstance(share, (int, float)) or not 0 <= share <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {share!r}")
        if not isinstance(self.degradation, (Degradation, type(None))):
            raise TypeError(
                f"degradation must be a Degradation or None, got {type(self.degradation).__name__}"
            )
        (self.degradation or Degradation()).fit()
        return self

    def transform(self, X: Any) -> list[ReflectionList]:
        """Measure every crystal once.

        Parameters
        ----------
        X : list of structures or CrystalTable

        Returns
        -------
        list of ReflectionList
        """
        self.fit()
        structures = structure_list(X)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        n = len(structures)
        table = isinstance(structures, CrystalTable)
        parts = [range(i, min(i + CHUNK, n)) for i in range(0, n, CHUNK)]
        plain = clone(self).set_params(random_state=None, n_jobs=None)
        done = Parallel(n_jobs=self.n_jobs)(
            delayed(_measured)(
                plain,
                structures.take(np.array(part)) if table else [structures[i] for i in part],
                [(seed, i) for i in part],
            )
            for part in parts
        )
        return [one for part in done for one in part]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.no_validation = True
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.non_deterministic = self.random_state is None
        return tags


def _measured(simulator: ReflectionSimulator, structures: Any, seeds: list) -> list[ReflectionList]:
    groups = getattr(structures, "space_group", None)
    standard = bool(getattr(structures, "standard", False))
    found = []
    for row, seed in enumerate(seeds):
        crystal = as_crystal(structures[row])
        if not (standard and groups is not None):
            crystal = standardize(crystal, simulator.symprec)
            group = space_group_number(crystal, simulator.symprec)
        else:
            group = int(groups[row])
        # What came later is drawn apart, so that the other draws stayed as they were.
        rng, apart = np.random.default_rng(seed), np.random.default_rng((*seed, 1))
        found.append(_one(simulator, crystal, group, rng, apart))
    return found


def _one(
    simulator: ReflectionSimulator,
    crystal: Crystal,
    group: int,
    rng: np.random.Generator,
    apart: np.random.Generator,
) -> ReflectionList:
    strength = _drawn(simulator.degradation or Degradation(), rng, apart)
    perfect = strength["perfect"] > 0
    laue = laue_rotations(group)
    lattice = np.asarray(crystal.lattice, dtype=float)
    reciprocal = np.linalg.inv(lattice).T
    d_min = PERFECT_D_MIN if perfect or not strength["d_min"] else strength["d_min"]
    volume = abs(np.linalg.det(lattice))
    d_min = max(d_min, (2 * math.pi / 3 * volume / MOST_REFLECTIONS) ** (1 / 3))
    hkl = _half_sphere(reciprocal, 1 / d_min)
    centering = centering_in_standard_cell(crystal, group)
    keys = canonical_keys(hkl, laue)
    _, first, orbit = np.unique(keys, return_index=True, return_inverse=True)
    q_unique = np.linalg.norm(hkl[first] @ reciprocal, axis=1)
    true = np.abs(
        structure_factors(
            hkl[first], q_unique, crystal.frac_coords, crystal.atomic_numbers,
            crystal.occupancies, simulator.radiation,
        )
    ) ** 2  # fmt: skip
    q = q_unique[orbit]
    if perfect:
        values, errors = true, np.full(len(true), 1e-5 * max(true.max(initial=0), 1e-30))
        return _listed(
            simulator, hkl[first], values, errors, lattice, centering, group, rng, apart,
            Coverage.LISTED,
        )  # fmt: skip
    b_factor = strength["b_factor"] * np.ones(len(true))
    if strength["anisotropy"] > 0:
        b_factor *= _by_direction(hkl[first] @ reciprocal, laue, lattice, strength, apart)
    values, places = true * np.exp(-b_factor / 2 * q_unique**2), orbit
    if strength["twin"] > 0:
        twinned = _twinned(values[orbit], hkl, laue, lattice, strength["twin"], rng)
        if twinned is not None:  # equivalents need not be equal any more
            values, places = twinned, np.arange(len(hkl))
    values = _changed(values, q_unique if places is orbit else q, strength)
    mean = max(float(values[places].mean()), 1e-30)
    leak = strength["leak"] * mean * rng.exponential(size=len(true))
    part = np.where(allowed_by_centering(hkl, centering), 1.0, HARMONIC)
    level = values[places] + leak[orbit] * part
    seen = q >= strength["beam_stop"]
    if strength["cone"] > 0:
        axis = rng.normal(size=3)
        along = np.abs(hkl @ reciprocal @ (axis / np.linalg.norm(axis))) / q
        seen &= along < np.quantile(along, 1 - strength["cone"])
    # Every measurement by itself: a reflection, its mate, and repeats of both.
    many = rng.poisson(max(strength["redundancy"] - 1, 0.0), len(hkl)) + 1
    many = np.minimum(many, 6)
    if strength["unmerged"] > 0 and strength["unique"] > 0:
        seen &= ((hkl[:, 0] >= 0) & (hkl[:, 1] >= 0)) | (len(laue) < 4)
    rows = np.repeat(np.flatnonzero(seen), many[seen])
    if len(rows) < LEAST:
        rows = np.arange(len(hkl))
    expected = level[rows]
    count = strength["counting"] * mean * expected + (strength["background"] * mean) ** 2
    error = np.sqrt(count + (strength["proportional"] * expected) ** 2)
    noise = error * rng.standard_normal(len(rows))
    own = rng.standard_normal(len(rows))
    given = np.maximum(error * math.exp(strength["esd_error"] * rng.normal()), 1e-6 * mean)
    listed = hkl[rows] * rng.choice([-1, 1], size=(len(rows), 1))
    scale = np.zeros(len(rows))
    if strength["scale_error"] > 0:
        steady = STEADY[simulator.radiation]
        if simulator.radiation == "electron":
            signs = (listed == hkl[rows]).all(axis=1).astype(int)
            common = apart.standard_normal((len(hkl), 2))[rows, signs]
        else:
            common = _by_harmonics(listed @ reciprocal, apart)
        scale = math.sqrt(steady) * common + math.sqrt(1 - steady) * own
        scale *= strength["scale_error"]
    measured = expected * (1 + scale) + noise
    if rng.random() < simulator.merged:
        names, standing = orbit[rows], hkl[first]
    elif apart.random() < simulator.friedel_merged:
        names, standing = rows, hkl
    else:
        names = None
    if names is not None:
        average, errors, total = _averages(measured, given, names, len(standing))
        kept = total & (rng.random(len(standing)) >= strength["missing"])
        if kept.sum() < LEAST:
            kept = total
        listed, measured, given = standing[kept], average[kept], errors[kept]
        floor = strength["proportional"] * np.abs(measured)
        given = np.sqrt(given**2 + (0.5 * floor) ** 2)
    elif strength["missing"] > 0:
        kept = rng.random(len(rows)) >= strength["missing"]
        if kept.sum() >= LEAST:
            listed, measured, given = listed[kept], measured[kept], given[kept]
    coverage = Coverage.LISTED
    if strength["unobserved"] > 0:
        kept = measured >= strength["unobserved"] * given
        if kept.sum() >= LEAST:
            listed, measured, given = listed[kept], measured[kept], given[kept]
            coverage = Coverage.OBSERVED if rng.random() < TOLD else Coverage.LISTED
    return _listed(
        simulator, listed, measured, given, lattice, centering, group, rng, apart, coverage
    )


def _by_harmonics(vectors: np.ndarray, rng: np.random.Generator, terms: int = 6) -> np.ndarray:
    """A function of the direction, of harmonics up to the third, of no mean and unit variance."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    axes = rng.normal(size=(terms, 3))
    x = unit @ (axes / np.linalg.norm(axes, axis=1, keepdims=True)).T
    # Legendre polynomials, scaled to unit variance over the sphere.
    harmonics = np.stack(
        [math.sqrt(3) * x, math.sqrt(5) * (1.5 * x**2 - 0.5), math.sqrt(7) * (2.5 * x**3 - 1.5 * x)]
    )
    values = (rng.normal(size=(3, 1, terms)) * harmonics).sum(axis=(0, 2))
    values -= values.mean()
    return values / max(float(values.std()), 1e-9)


def _averages(
    measured: np.ndarray, given: np.ndarray, names: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weighted means of equal names, their uncertainties, and which of n names there are."""
    weight = 1 / given**2
    total = np.bincount(names, weight, n)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.bincount(names, weight * measured, n) / total, 1 / np.sqrt(total), total > 0


def _listed(
    simulator: ReflectionSimulator,
    hkl,
    intensity,
    sigma,
    lattice,
    centering,
    group,
    rng,
    apart,
    coverage,
) -> ReflectionList:
    """The list in the axes of a laboratory."""
    if centering not in ("P", "?") and rng.random() < WITHOUT_CENTERING:
        kept = allowed_by_centering(hkl, centering)
        hkl, intensity, sigma = hkl[kept], intensity[kept], sigma[kept]
    laue = oriented_laue_class(group)
    change = canonical_setting(lattice, centering, laue)
    if simulator.settings != "canonical":
        settings = open_settings(change @ lattice, canonical_centering(centering, laue), laue)
        change = settings[int(rng.integers(len(settings)))] @ change
        if laue in ("-1", "2/m", "mmm"):
            turn = np.eye(3, dtype=int)[rng.permutation(3)]
            change = (turn if np.linalg.det(turn) > 0 else -turn) @ change
    if simulator.settings == "rhombohedral" and centering == "R":
        kept = allowed_by_centering(hkl, centering)
        hkl, intensity, sigma = hkl[kept], intensity[kept], sigma[kept]
        change = RHOMBOHEDRAL @ change
    elif simulator.settings == "any":
        change = _shear(apart) @ change
    scale = 10 ** rng.uniform(-1, 3) / max(float(np.abs(intensity).max(initial=0)), 1e-30)
    radiation: Any = simulator.radiation
    return ReflectionList(
        np.round(hkl @ change.T).astype(np.int32), intensity * scale, sigma * scale,
        cell=cell_of(change @ lattice), radiation=radiation, coverage=coverage,
        carried={"number": int(group)}, source={"hkl": "simulated"},
    )  # fmt: skip


def _drawn(
    degradation: Degradation, rng: np.random.Generator, apart: np.random.Generator
) -> dict[str, float]:
    drawn = {}
    for name, (low, high, share, _) in zip(NAMES, degradation._strengths(), strict=True):
        source = apart if name == "anisotropy" else rng
        happens, x = source.random() < share, source.random()
        if not happens:
            drawn[name] = 0.0
        elif name in EVENTS:
            drawn[name] = 1.0
        elif name in LOGARITHMIC and low > 0:
            drawn[name] = low * (high / low) ** x
        else:
            drawn[name] = low + (high - low) * x
    return drawn


def _shear(rng: np.random.Generator) -> np.ndarray:
    """A change to another basis of the same lattice, of determinant 1."""
    change = np.eye(3, dtype=int)
    for _ in range(4):
        one, two = rng.permutation(3)[:2]
        change[one] += int(rng.choice([-1, 1])) * change[two]
    return change


def _by_direction(vectors, laue, lattice, strength, rng) -> np.ndarray:
    """By which factor B differs for each reflection, the same for equivalents."""
    direction = rng.normal(size=3)
    direction /= np.linalg.norm(direction)
    inverse = np.linalg.inv(lattice)
    # The directions that the crystal turns this one into: x' = W x in fractions.
    turned = np.array([direction @ inverse @ w.T @ lattice for w in laue])
    squares = ((vectors @ turned.T) ** 2).mean(axis=1) / (vectors**2).sum(axis=1)
    return 1 + strength["anisotropy"] * (squares - squares.mean())


def _changed(values: np.ndarray, q: np.ndarray, strength: dict[str, float]) -> np.ndarray:
    """Extinction and dynamical scattering."""
    total = values.sum()
    if total <= 0:
        return values
    unit = (values**2).sum() / total
    values = values / np.sqrt(1 + strength["extinction"] * values / (unit * np.maximum(q, 0.05)))
    if strength["compression"] > 0:
        values = unit * (values / unit) ** (1 - strength["compression"])
    return values


def _twinned(values, hkl, laue, lattice, fraction, rng) -> np.ndarray | None:
    """A second domain turned by a rotation of the lattice that is none of the crystal.

    None if the lattice has no such rotation.
    """
    own = {w.tobytes() for w in laue}
    foreign = [w for w in _conventional_rotations(lattice) if w.tobytes() not in own]
    if not foreign:
        return None
    turn = foreign[int(rng.integers(len(foreign)))]
    mate = mates_of(hkl, hkl @ turn)
    return (1 - fraction) * values + fraction * np.where(mate >= 0, values[mate], values)


def _conventional_rotations(lattice: np.ndarray) -> np.ndarray:
    """Rotations of the conventional cell that are whole in its basis."""
    return lattice_rotations(lattice, 1e-3).astype(np.int64)


def _half_sphere(reciprocal: np.ndarray, q_max: float) -> np.ndarray:
    """One of each Friedel pair within a radius."""
    spans = np.floor(q_max * np.linalg.norm(np.linalg.inv(reciprocal), axis=0)).astype(int)
    h, k, m = np.mgrid[0 : spans[0] + 1, -spans[1] : spans[1] + 1, -spans[2] : spans[2] + 1]
    hkl = np.stack([h.ravel(), k.ravel(), m.ravel()], axis=1)
    positive = (hkl[:, 0] > 0) | (
        (hkl[:, 0] == 0) & ((hkl[:, 1] > 0) | ((hkl[:, 1] == 0) & (hkl[:, 2] > 0)))
    )
    hkl = hkl[positive]
    return hkl[((hkl @ reciprocal) ** 2).sum(axis=1) <= q_max**2]
