"""Patterns of scheme ``"lattice"`` straight from crystals, for training on very many of them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from joblib import effective_n_jobs

from crystalsym.datasets._table import CrystalTable
from crystalsym.diffraction._geometry import symmetry_directions
from crystalsym.diffraction._layers import ZONES, layer_spots
from crystalsym.learning._augmentation import (
    DIMMED,
    Augmentation,
    element_weights,
    exchanged_elements,
    scaled_edges,
)
from crystalsym.learning._rendered_patterns import described
from crystalsym.shaping._index_scheme import index_layers
from crystalsym.shaping._spot_scheme import INTENSITIES
from crystalsym.spacegroups import crystal_system

# Crystals handed to a thread at once.
CHUNK = 128
# Unchanged patterns are kept in memory, for later epochs, up to this many bytes.
KEPT_BYTES = 1 << 30
PERMUTATIONS = np.array([[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 2, 1], [2, 1, 0], [1, 0, 2]])
PERMUTED_SYSTEMS = ("triclinic", "monoclinic", "orthorhombic")


class LatticePatterns:
    """A lazy array of what a simulator and a ``"lattice"`` shaper make of a table of crystals.

    No image is drawn: the reflections go directly to the shaper's rule. Where an image resolves
    all spots, the result is that of ``shaper.transform(simulator.transform(crystals))``.

    Parameters
    ----------
    transformers : sequence of DiffractionSimulator and PatternShaper
        The simulator with engine ``"bragg"``, a flat Ewald surface and views ``"zone-axes"`` or
        ``"symmetry-directions"``; the shaper with scheme ``"lattice"``.
    crystals : CrystalTable
        Standardised.
    augmentation : Augmentation, optional
        Changes drawn for each epoch; ``set_epoch(None)`` shows the crystals as they are.
    random_state : int, default=0
        With the epoch's number fixes the changes.
    n_jobs : int, optional
        Threads.
    validation_groups : array-like of int, optional
        Crystals of the same number are held out for validation together, those of a negative
        number never; each for itself by default.

    Raises
    ------
    ValueError
        If the transformers are others than those described, or the crystals not standardised.

    Examples
    --------
    >>> from crystalsym import DiffractionSimulator, PatternShaper
    >>> from crystalsym.datasets import CrystalTable, example_crystals
    >>> from crystalsym.learning import LatticePatterns
    >>> table = CrystalTable.from_crystals(list(example_crystals().values())[:4]).standardized()
    >>> steps = [DiffractionSimulator(), PatternShaper("lattice", image_size=13, intensity="log")]
    >>> LatticePatterns(steps, table)[[0, 3]].shape
    (2, 3, 13, 13, 2)
    """

    def __init__(
        self,
        transformers: Sequence[Any],
        crystals: CrystalTable,
        augmentation: Augmentation | None = None,
        random_state: int = 0,
        n_jobs: int | None = None,
        validation_groups: Any = None,
    ):
        steps = getattr(transformers, "steps", None)
        self.transformers = [step for _, step in steps] if steps else list(transformers)
        simulator, shaper = self.transformers
        check_supported(simulator, shaper)
        if not crystals.standard:
            raise ValueError("the crystals must be standardised: give table.standardized()")
        self.augmentation = augmentation
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.validation_groups = validation_groups
        self.q_max = float(simulator.q_max)
        self.radiation = simulator.radiation
        self._shape = (
            float(shaper._threshold),
            INTENSITIES[shaper.intensity],
            float(shaper.beam_radius) / ((simulator.image_size - 1) / 2),
            int(shaper.max_spots),
        )
        self.shape = (len(crystals), 3, shaper.image_size, shaper.image_size, 2)
        self.dtype = np.dtype(np.float16)
        self._read(crystals, simulator.views)
        self._changes: dict[str, Any] | None = None
        size = int(np.prod(self.shape)) * self.dtype.itemsize
        self._kept = np.empty(self.shape, self.dtype) if size <= KEPT_BYTES else None
        self._is_kept = np.zeros(len(crystals), dtype=bool)

    def _read(self, crystals: CrystalTable, views: str) -> None:
        counts = np.diff(crystals.site_offsets)
        owner = np.repeat(np.arange(len(crystals)), counts)
        order = np.lexsort((crystals.atomic_numbers, owner))
        self._lattice = np.asarray(crystals.lattice, dtype=np.float64)
        self._offsets = np.asarray(crystals.site_offsets, dtype=np.int64)
        self._coords = np.asarray(crystals.frac_coords)[order]
        self._numbers = np.asarray(crystals.atomic_numbers)[order].astype(np.int64)
        # Which of its crystal's elements each atom is, and the list of those.
        new = np.ones(len(order), dtype=bool)
        new[1:] = (self._numbers[1:] != self._numbers[:-1]) | (owner[1:] != owner[:-1])
        rank = np.cumsum(new) - 1
        self._kind = rank - rank[self._offsets[:-1]].repeat(counts)
        self._kinds = np.zeros((len(crystals), int(self._kind.max()) + 1), dtype=np.int64)
        self._kinds[owner, self._kind] = self._numbers
        self._weights = element_weights(self._kinds)
        self._zones = np.tile(np.arange(3), (len(crystals), 1))
        if views == "symmetry-directions":
            for row, lattice in enumerate(self._lattice):
                self._zones[row] = [ZONES.index(zone) for zone in symmetry_directions(lattice)]
        self._low = np.zeros(len(crystals), dtype=bool)
        if crystals.space_group is not None:
            systems = [crystal_system(int(group)) for group in crystals.space_group]
            self._low = np.isin(systems, PERMUTED_SYSTEMS)

    @property
    def descriptor(self) -> str:
        """How the images are made."""
        return described(self.transformers[-1])

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def set_epoch(self, epoch: int | None) -> None:
        """Draw an epoch's changes; None shows the crystals as they are."""
        self._changes = None
        how = self.augmentation
        if epoch is None or how is None:
            return
        rng = np.random.default_rng([self.random_state, epoch])
        n = len(self)
        changed = rng.random(n) < how.changed
        kinds = self._kinds.copy()
        kinds[changed] = exchanged_elements(kinds[changed], how.exchanged, self._weights, rng)
        factors = np.ones((n, 3))
        factors[changed] = scaled_edges(self._lattice[changed], how.scale, rng)
        zones = self._zones.copy()
        zones[changed & (rng.random(n) < how.zone_axes)] = [0, 1, 2]
        orders = np.zeros(n, dtype=np.int64)
        permuted = changed & self._low & (rng.random(n) < how.permuted)
        orders[permuted] = rng.integers(1, len(PERMUTATIONS), permuted.sum())
        zones[permuted] = [0, 1, 2]
        faintest = np.zeros(n)
        dimmed = changed & (rng.random(n) < how.dimmed)
        faintest[dimmed] = 10 ** rng.uniform(*DIMMED, dimmed.sum())
        mirrored = (rng.random((n, 3)) < 0.5) & how.mirrored
        self._changes = {
            "changed": changed, "kinds": kinds, "factors": factors, "zones": zones,
            "orders": orders, "faintest": faintest, "mirrored": mirrored,
        }  # fmt: skip

    def __getitem__(self, index: Any) -> np.ndarray:
        if isinstance(index, tuple):  # scikit-learn asks arrays for X[rows, ...]
            index = index[0]
        if isinstance(index, (int, np.integer)):
            return self[[index]][0]
        rows = np.arange(len(self))[index]
        out = np.empty((len(rows), *self.shape[1:]), self.dtype)
        fresh = np.ones(len(rows), dtype=bool)
        if self._kept is not None:
            changed = self._changes["changed"][rows] if self._changes else np.zeros_like(fresh)
            fresh = changed | ~self._is_kept[rows]
            out[~fresh] = self._kept[rows[~fresh]]
            wanted = np.flatnonzero(fresh)
            out[wanted] = self._drawn(rows[wanted])
            keep = wanted[~changed[wanted]]
            self._kept[rows[keep]] = out[keep]
            self._is_kept[rows[keep]] = True
        else:
            out[:] = self._drawn(rows)
        if self._changes is not None:
            crystal, view = np.nonzero(self._changes["mirrored"][rows])
            out[crystal, view] = out[crystal, view, :, ::-1]
        return out

    def _drawn(self, rows: np.ndarray) -> np.ndarray:
        parts = [rows[i : i + CHUNK] for i in range(0, len(rows), CHUNK)]
        workers = min(effective_n_jobs(self.n_jobs), len(parts))
        if workers > 1:
            with ThreadPoolExecutor(workers) as pool:
                done = list(pool.map(self._draw, parts))
        else:
            done = [self._draw(part) for part in parts]
        return np.concatenate(done) if done else np.empty((0, *self.shape[1:]), self.dtype)

    def _draw(self, rows: np.ndarray) -> np.ndarray:
        counts = np.diff(self._offsets)[rows]
        offsets = np.concatenate([[0], np.cumsum(counts)])
        atoms = np.repeat(self._offsets[rows] - offsets[:-1], counts) + np.arange(offsets[-1])
        lattice, zones = self._lattice[rows], self._zones[rows]
        coords, numbers = self._coords[atoms].astype(np.float64), self._numbers[atoms]
        if self._changes is not None:
            owner = np.repeat(np.arange(len(rows)), counts)
            order = PERMUTATIONS[self._changes["orders"][rows]]
            lattice = lattice * self._changes["factors"][rows][:, :, None]
            lattice = np.take_along_axis(lattice, order[:, :, None], axis=1)
            coords = np.take_along_axis(coords, order[owner], axis=1)
            numbers = self._changes["kinds"][rows][owner, self._kind[atoms]]
            zones = self._changes["zones"][rows]
        reciprocal = np.linalg.inv(lattice).transpose(0, 2, 1)
        x, y, intensity, starts = layer_spots(
            reciprocal, offsets, coords, numbers, zones, self.q_max, self.radiation
        )
        if self._changes is not None:
            # An empty layer takes the strongest of another, and has nothing to lose by it.
            strongest = np.maximum.reduceat(np.append(intensity, 0), starts[:-1])
            floor = strongest * self._changes["faintest"][rows].repeat(3)
            intensity[intensity < floor.repeat(np.diff(starts))] = 0
        images = np.zeros((3 * len(rows), *self.shape[2:]), dtype=np.float32)
        index_layers(x, y, intensity, starts, images, *self._shape)
        return images.reshape(len(rows), *self.shape[1:]).astype(self.dtype)


def check_supported(simulator: Any, shaper: Any) -> None:
    """Raise ValueError unless :class:`LatticePatterns` can stand in for these two."""
    if getattr(shaper, "scheme", None) != "lattice":
        raise ValueError('the shaper must have scheme="lattice"')
    for name, wanted in (("engine", "bragg"), ("ewald", "flat"), ("center", None)):
        if getattr(simulator, name) != wanted:
            raise ValueError(f"the simulator must have {name}={wanted!r}")
    views = simulator.views
    if not isinstance(views, str) or views not in ("zone-axes", "symmetry-directions"):
        raise ValueError('the simulator\'s views must be "zone-axes" or "symmetry-directions"')
    if simulator.pixel_size is not None:
        raise ValueError("the simulator must be described by q_max, not by pixel_size")
