"""The reflections of finite blocks of atoms, and how far they stand out of what is diffuse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from crystalsym import _provenance
from crystalsym.crystals import Cluster
from crystalsym.crystals._lists import structure_list
from crystalsym.diffraction._bragg import zone_spots
from crystalsym.diffraction._crystal_arrays import CrystalArrays
from crystalsym.diffraction._rendering import RenderSettings, finished_spots
from crystalsym.diffraction._simulator import DiffractionSimulator
from crystalsym.diffraction._simulator_parameters import render_settings
from crystalsym.diffraction._spot_patterns import SpotPatterns

# Where the ground between reflections is taken, in parts of the way to the next along each axis.
BETWEEN = 0.4


class BlockSpots(TransformerMixin, BaseEstimator):
    """List the reflections of blocks of cells with defects as spots.

    Parameters
    ----------
    simulator : DiffractionSimulator, optional
        Whose views, field, radiation and scaling are used: engine ``"bragg"`` along zone axes on a
        flat Ewald surface, the default. That of a model's pipeline is ``pipeline["simulate"]``.
    above : float, default=12.0
        A reflection is seen where it is so many times as strong as the diffuse scattering around
        it, which is subtracted; others are dark. With 0 all intensities are left as they are.

    Notes
    -----
    The intensity is |F|² / N² at the reflections of the block's lattice, N cells, and so that of
    the average structure plus diffuse scattering, which falls as 1/N. The ground is the
    mean of |F|² / N² at six places, four tenths of the way to the next reflections along the
    three axes, to a whole n/Nᵢ: there a block without defects is dark exactly. Scattering
    factors are taken at the reflection. Where the average structure forbids it, its intensity
    and the six are drawn from one exponential distribution, so that it passes with a
    probability of (1 + above/6)⁻⁶, 0.14 % for 12. ``sigma`` holds the ground.

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

    def __init__(self, simulator: DiffractionSimulator | None = None, *, above: float = 12.0):
        self.simulator = simulator
        self.above = above

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
            _block_spots(_checked(block, number), settings, float(self.above))
            for number, block in enumerate(blocks)
        ]
        if not parts:
            return SpotPatterns.absent(0, settings.n_views, settings.dtype)
        return replace(SpotPatterns.concatenate(parts), made_by=(_provenance.step(simulator),))

    def _settings(self) -> tuple[DiffractionSimulator, RenderSettings]:
        above = self.above
        if isinstance(above, bool) or not isinstance(above, (int, float)) or not 0 <= above < 1e9:
            raise ValueError(f"above must be a number from 0 up, got {above!r}")
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


def _block_spots(block: _Block, settings: RenderSettings, above: float) -> SpotPatterns:
    """Spots of one block, what does not stand out of the ground gone."""
    coords = block.cluster.positions @ np.linalg.inv(block.lattice)
    weights = block.cluster.occupancies / np.prod(block.cells)
    rows = [weights]
    for axis, n in enumerate(block.cells):
        if n > 1 and above > 0:
            phase = 2 * np.pi * max(1, round(BETWEEN * n)) / n * coords[:, axis]
            rows += [weights * np.cos(phase), weights * np.sin(phase)]
    summed = _layer_sums(block, coords, rows, settings)
    one = summed[0]
    if len(rows) > 1:
        # |C + iS|² + |C - iS|² = 2 |C|² + 2 |S|²: these sums hold both sides of each reflection.
        sides = summed.intensity.reshape(len(rows), -1)[1:].sum(axis=0)
        ground = sides / (len(rows) - 1) * 2
        seen = one.intensity > above * ground
        # Without defects the ground is rounding, and what passes it is as far below any spot.
        one = replace(
            one, intensity=np.where(seen, one.intensity - ground, 0).clip(0), sigma=ground
        )
    return finished_spots(one, settings)


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
