"""The reflections of finite blocks of atoms, and how far they stand out of what is diffuse."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from crystalsym import _provenance
from crystalsym.crystals import Cluster
from crystalsym.crystals._lists import structure_list
from crystalsym.diffraction._bragg import zone_spots
from crystalsym.diffraction._crystal_arrays import CrystalArrays
from crystalsym.diffraction._reflection_classes import in_dark_class, times_ground
from crystalsym.diffraction._rendering import RenderSettings, finished_spots
from crystalsym.diffraction._simulator import DiffractionSimulator
from crystalsym.diffraction._simulator_parameters import render_settings
from crystalsym.diffraction._spot_patterns import SpotPatterns

# Where the ground is taken along each axis: so many whole 1/N from the reflection, where a block
# without defects is dark and what strain spreads is still seen, and in this part of the way to
# the next.
NEAR = (1, 2)
BETWEEN = 0.4


class BlockSpots(TransformerMixin, BaseEstimator):
    """List the reflections of blocks of cells with defects as spots.

    Parameters
    ----------
    simulator : DiffractionSimulator, optional
        Whose views, field, radiation and scaling are used: engine ``"bragg"`` along zone axes on a
        flat Ewald surface, the default. That of a model's pipeline is ``pipeline["simulate"]``.
    above : float, default=8.0
        A class of reflections that a symmetry could forbid together is seen where its
        intensities are on average so many times as strong as the diffuse scattering around
        them; otherwise all of it is dark. With 0 all intensities are left as they are.
    alone : float, default=25.0
        A class is seen as well where one of its reflections is so many times as strong.

    Notes
    -----
    The intensity is |F|² / N² at the reflections of the block's lattice, N cells, and so that of
    the average structure plus diffuse scattering, which falls as 1/N. The ground is the
    mean of |F|² / N² at eighteen places about the reflection, fewer in small blocks: one and two
    whole 1/Nᵢ along each of the three axes, and four tenths of the way to the next reflection, to
    a whole n/Nᵢ. There a block without defects is dark exactly. Scattering factors are taken
    at the reflection. ``sigma`` holds the ground.

    Weak reflections of a crystal lie below any threshold that keeps forbidden ones out one by
    one; but they are forbidden in classes. These are the congruences of the two indices in a
    plane modulo 2 to 4, which centerings, glide planes and special positions make, and the orders
    along a row through the beam modulo 2, 3, 4 and 6, of screw axes and glide planes seen
    edge-on. A reflection is dark if any class of it, of three reflections or more, does not
    stand out; intensities of others are left as they are. The reflections of a forbidden class
    may all share one draw (of vacancies on a centered lattice, say), and so may those at each of
    nine pairs of places: then a class passes with a probability of (1 + above/9)⁻⁹, 0.3 %.

    Examples
    --------
    >>> from crystalsym import load_pretrained
    >>> from crystalsym.crystals.defects import CrystalBlock, Vacancies
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.diffraction import BlockSpots
    >>> blocks = CrystalBlock(8).transform([example_crystals()["NaCl"]])
    >>> blocks = Vacancies(0.05, random_state=0).transform(blocks)
    >>> model = load_pretrained("72")
    >>> spots = BlockSpots(model["simulate"]).transform(blocks)
    >>> model[1:].predict(spots).tolist()
    [225]
    """

    def __init__(
        self,
        simulator: DiffractionSimulator | None = None,
        *,
        above: float = 8.0,
        alone: float = 25.0,
    ):
        self.simulator = simulator
        self.above = above
        self.alone = alone

    def fit(self, X: Any = None, y: Any = None) -> BlockSpots:
        """Check the parameters; there is nothing to learn.

        Parameters
        ----------
        X : list of Cluster
        y : ignored

        Returns
        -------
        BlockSpots
        """
        if X is not None:
            structure_list(X)
        self._settings()
        return self

    def transform(self, X: Any) -> SpotPatterns:
        """List the spots of every block.

        Parameters
        ----------
        X : list of Cluster
            With a lattice and their number of cells, as
            :class:`crystalsym.crystals.defects.CrystalBlock` makes them.

        Returns
        -------
        SpotPatterns

        Raises
        ------
        TypeError
            If X is no list or holds something else.
        ValueError
            If a parameter is out of range, or the lattice or number of cells is not known.
        """
        simulator, settings = self._settings()
        blocks = structure_list(X)
        parts = [
            _block_spots(_checked(block, number), settings, float(self.above), float(self.alone))
            for number, block in enumerate(blocks)
        ]
        if not parts:
            return SpotPatterns.absent(0, settings.n_views, settings.dtype)
        return replace(SpotPatterns.concatenate(parts), made_by=(_provenance.step(simulator),))

    def _settings(self) -> tuple[DiffractionSimulator, RenderSettings]:
        for name in ("above", "alone"):
            value = getattr(self, name)
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not is_number or not 0 <= value < 1e9:
                raise ValueError(f"{name} must be a number from 0 up, got {value!r}")
        simulator = self.simulator
        if simulator is None:
            simulator = DiffractionSimulator(output="spots", q_min=0.017141)
        settings = render_settings(simulator)
        if settings.engine != "bragg" or settings.output != "spots" or not settings.in_layers:
            raise ValueError(
                'simulator must list spots of zero-order layers: engine="bragg", output="spots",'
                f' ewald="flat" and views along zone axes, got {simulator!r}'
            )
        return simulator, settings

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.no_validation = True
        return tags


class _Block(NamedTuple):
    """What the sums need of a cluster, whose lattice and cells are known."""

    cluster: Cluster
    lattice: np.ndarray
    cells: tuple[int, int, int]


def _checked(block: Any, number: int) -> _Block:
    if not isinstance(block, Cluster):
        raise TypeError(
            f"structure {number}: got a {type(block).__name__}, needs a Cluster; CrystalBlock cuts"
            " one out of a crystal"
        )
    if block.lattice is None or block.cells is None:
        missing = "lattice" if block.lattice is None else "cells"
        raise ValueError(
            f"structure {number}: the cluster has no {missing}; Cluster(..., {missing}=)"
        )
    if max(block.cells) == 1:
        raise ValueError(f"structure {number}: one cell alone has no places between reflections")
    return _Block(block, block.lattice, block.cells)


def _block_spots(
    block: _Block, settings: RenderSettings, above: float, alone: float
) -> SpotPatterns:
    """Spots of one block, classes that do not stand out of the ground gone."""
    coords = block.cluster.positions @ np.linalg.inv(block.lattice)
    weights = block.cluster.occupancies / np.prod(block.cells)
    rows = [weights]
    for axis, n in enumerate(block.cells):
        for step in sorted({*NEAR, round(BETWEEN * n)}):
            # What lies beyond the middle is nearer to the next reflection.
            if above > 0 and 0 < 2 * step <= n:
                phase = 2 * np.pi * step / n * coords[:, axis]
                rows += [weights * np.cos(phase), weights * np.sin(phase)]
    summed = _layer_sums(block, coords, rows, settings)
    one = summed[0]
    if len(rows) > 1:
        # |C + iS|² + |C - iS|² = 2 |C|² + 2 |S|²: these sums hold both sides of each reflection.
        sides = summed.intensity.reshape(len(rows), -1)[1:].sum(axis=0)
        ground = sides / (len(rows) - 1) * 2
        dark = _dark(one, ground, above, alone)
        one = replace(one, intensity=np.where(dark, 0, one.intensity), sigma=ground)
    return finished_spots(one, settings)


def _dark(spots: SpotPatterns, ground: np.ndarray, above: float, alone: float) -> np.ndarray:
    """Which spots of one crystal belong to a class that does not stand out in its plane."""
    assert spots.indices is not None
    seen = times_ground(spots.intensity, ground, spots.intensity.max(initial=0.0))
    dark = np.zeros(len(ground), dtype=bool)
    for first, end in itertools.pairwise(spots.starts):
        plane = slice(first, end)
        dark[plane] = in_dark_class(spots.indices[plane], seen[plane], above, alone)
    return dark


def _layer_sums(
    block: _Block, coords: np.ndarray, rows: list[np.ndarray], settings: RenderSettings
) -> SpotPatterns:
    """The zero-order layers of one lattice with each of some weights of its atoms."""
    order = np.argsort(block.cluster.atomic_numbers, kind="stable")
    n = len(rows)
    lattices = np.repeat(block.lattice[None], n, axis=0)
    arrays = CrystalArrays(
        lattices,
        np.linalg.inv(lattices).transpose(0, 2, 1),
        np.arange(n + 1, dtype=np.int64) * len(coords),
        np.tile(coords[order], (n, 1)),
        np.tile(block.cluster.atomic_numbers[order], n),
        np.concatenate([row[order] for row in rows]),
    )
    detector = settings.detector
    return zone_spots(arrays, settings.views, detector.q_edge, settings.radiation, "float64")
