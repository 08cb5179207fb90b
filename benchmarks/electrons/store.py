"""Pictures of dynamical patterns of all crystals, made round by round and kept on a device.

In each round every crystal is seen by aligned and tilted beams of one voltage, and its layers at
some thicknesses. The first round is of the crystals as they are, at 200 kV and B = 0.5 Å²; later
ones change elements, voltage and B. Patterns of precessing beams are dear and made of a part of
the crystals.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from multislice import SIZE, Beams, Layers
from patterns import B_ISO, THICKNESS, VOLTAGE

from crystalsym.learning import LazyRows
from crystalsym.learning._augmentation import element_weights, exchanged_elements, kinds_of

# Of later rounds: part of the crystals that keep what the first has, and the ranges of the others.
KEPT, VOLTAGES, B_ISOS = 0.5, (80.0, 300.0), (0.1, 1.5)
CHANGED, EXCHANGED = 0.5, 0.7
# Degrees; largest tilt, and as drawn in later rounds to be learned from.
TILT, WIDER_TILT, PRECESSION, PRECESSIONS, AZIMUTHS = 0.2, 0.25, 1.0, (0.5, 1.5), 24
# Tilted beams beside the aligned one in a round.
TILTED = 5
# Grid points of the waves of a batch, on a GPU and elsewhere.
ROOM, LITTLE_ROOM = 2**26, 2**22
# How the patterns of a crystal are met.
MODES = ("aligned", "tilted", "precessing")
# Decades of the logarithmic scale of brightness. Of the crystals in an epoch this part is shown
# with spots lost below 10^-5 to 10^-2.5 of the strongest, and others off by such a part (1 sigma).
DECADES, NOISY, FAINTEST, ERROR = 5, 0.4, (-5.0, -2.5), (0.003, 0.1)


@dataclass
class _Sites:
    """As much of a table of crystals as tells their elements."""

    site_offsets: np.ndarray
    atomic_numbers: np.ndarray

    def __len__(self) -> int:
        return len(self.site_offsets) - 1


class PatternStore:
    """Make patterns and keep their pictures.

    Parameters
    ----------
    layers : Layers
    crystals : ndarray of int
        Which crystals of the file.
    n_depths : int
        Thicknesses at which each pattern is read.
    seed : int

    Attributes
    ----------
    n_rounds : int
    rounds : Tensor of shape (n_rounds or more, n, 3, 1 + TILTED, n_depths, 169), float16
    precessing : Tensor of shape (m, 3, n_depths, 169), float16
    where : ndarray of int, shape (n,)
        Where each crystal stands among the ``m``, -1 if it does not.
    """

    def __init__(self, layers: Layers, crystals: np.ndarray, n_depths: int = 6, seed: int = 0):
        self.layers, self.crystals, self._seed = layers, crystals, seed
        self.n_depths = n_depths
        self.n_rounds = 0
        self.rounds = torch.zeros((0,), dtype=torch.float16)
        self.precessing = torch.zeros((0, 3, n_depths, SIZE * SIZE), dtype=torch.float16)
        self.where = np.full(len(crystals), -1)
        rows = 3 * crystals[:, None] + np.arange(3)
        sites = _Sites(layers.file["site_offsets"], layers.file["numbers"])
        self._kinds = kinds_of(sites)  # type: ignore[arg-type]
        self.lengths = torch.as_tensor(
            layers.lengths(rows.ravel()).reshape(-1, 3, SIZE * SIZE), dtype=torch.float16
        ).to(layers.device)

    def fill(self, n_rounds: int, seconds: float, verbose: int = 1) -> None:
        """Make rounds until there are so many, or the next would take longer than is left."""
        started, longest = time.perf_counter(), 0.0
        shape = (n_rounds, len(self.crystals), 3, 1 + TILTED, self.n_depths, SIZE * SIZE)
        self.rounds = torch.empty(shape, dtype=torch.float16, device=self.layers.device)
        while self.n_rounds < n_rounds:
            begun = time.perf_counter()
            if self.n_rounds and begun - started + longest > seconds:
                break
            self.rounds[self.n_rounds] = self._round(self.n_rounds)
            self.n_rounds += 1
            longest = max(longest, time.perf_counter() - begun)
            if verbose:
                print(f"round {self.n_rounds}: {time.perf_counter() - begun:.1f} s", flush=True)

    def _round(self, number: int) -> torch.Tensor:
        rng = np.random.default_rng([self._seed, number])
        n = len(self.crystals)
        numbers = self.layers.numbers if number == 0 else self._exchanged(rng)
        voltage, b_iso = np.full(n, VOLTAGE), np.full(n, B_ISO)
        if number:
            voltage = np.where(rng.random(n) < KEPT, voltage, rng.uniform(*VOLTAGES, n))
            b_iso = np.where(rng.random(n) < KEPT, b_iso, rng.uniform(*B_ISOS, n))
        angles = (WIDER_TILT if number else TILT) * np.sqrt(rng.random((3 * n, 1 + TILTED, 1)))
        angles[:, 0] = 0
        sides = 2 * np.pi * rng.random((3 * n, 1 + TILTED))
        tilts = angles * np.stack([np.cos(sides), np.sin(sides)], axis=-1)
        beams = Beams(voltage.repeat(3), b_iso.repeat(3), _depths(3 * n, self.n_depths, rng), tilts)
        return self._pictures(self.crystals, numbers, beams)

    def precess(self, which: np.ndarray, seed: int = 1) -> None:
        """Make patterns of precessing beams of some crystals, numbered among the store's."""
        rng = np.random.default_rng([self._seed, seed])
        n = len(which)
        angle = np.where(rng.random(n) < KEPT, PRECESSION, rng.uniform(*PRECESSIONS, n))
        voltage = np.where(rng.random(n) < KEPT, VOLTAGE, rng.uniform(*VOLTAGES, n))
        around = 2 * np.pi * np.arange(AZIMUTHS) / AZIMUTHS
        circle = np.stack([np.cos(around), np.sin(around)], axis=-1)
        tilts = angle.repeat(3)[:, None, None] * circle
        beams = Beams(
            voltage.repeat(3),
            np.full(3 * n, B_ISO),
            _depths(3 * n, self.n_depths, rng),
            tilts,
            averaged=True,
        )
        made = self._pictures(self.crystals[which], self.layers.numbers, beams)
        self.where[which] = np.arange(n)
        self.precessing = made[:, :, 0]

    def _pictures(self, crystals: np.ndarray, numbers: np.ndarray, beams: Beams) -> torch.Tensor:
        rows = (3 * crystals[:, None] + np.arange(3)).ravel()
        n_beams = beams.tilts.shape[1]
        kept = 1 if beams.averaged else n_beams
        out = torch.zeros(
            (len(rows), kept, self.n_depths, SIZE * SIZE), dtype=torch.float16,
            device=self.layers.device,
        )  # fmt: skip
        place = np.zeros(rows.max() + 1, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        room = LITTLE_ROOM if self.layers.device == "cpu" else ROOM
        for part in self.layers.batches(rows, n_beams, room):
            at = place[part]
            seen = self.layers.intensities(part, numbers, beams.take(at))
            pictures = self.layers.pictures(part, seen).flatten(-2)
            out[torch.as_tensor(at, device=self.layers.device)] = pictures.to(torch.float16)
        return out.unflatten(0, (len(crystals), 3))

    def _exchanged(self, rng: np.random.Generator) -> np.ndarray:
        """Atomic numbers of all sites, of some crystals exchanged element by element."""
        file, kinds = self.layers.file, self._kinds
        changed = np.flatnonzero(rng.random(len(kinds)) < CHANGED)
        drawn = exchanged_elements(kinds[changed], EXCHANGED, element_weights(kinds), rng)
        becomes = np.tile(np.arange(256, dtype=np.uint8), (len(kinds), 1))
        becomes[changed[:, None], kinds[changed]] = drawn
        owner = np.repeat(np.arange(len(kinds)), np.diff(file["site_offsets"]))
        return becomes[owner, file["numbers"]].astype(np.int64)


def _depths(n: int, n_depths: int, rng: np.random.Generator) -> np.ndarray:
    """Thicknesses of n layers, rising, one in each part of the range."""
    steps = (np.arange(n_depths) + rng.random((n, n_depths))) / n_depths
    return THICKNESS[0] + (THICKNESS[1] - THICKNESS[0]) * steps


class StoredRows(LazyRows):
    """Rows of a store that show each crystal as it may be met, drawn anew in each epoch.

    Parameters
    ----------
    store : PatternStore
    crystals : ndarray of int
        Numbers among the store's.
    groups : ndarray of int
        Crystals of one number are learned from or validated by together.
    shares : dict
        Parts of the crystals that are met in each of ``MODES``.
    seed : int
    """

    def __init__(
        self,
        store: PatternStore,
        crystals: np.ndarray,
        groups: np.ndarray,
        shares: dict[str, float],
        seed: int = 0,
    ):
        super().__init__(len(crystals), 1024)
        self._store, self._crystals, self._seed = store, crystals, seed
        self._shares = np.array([shares.get(mode, 0.0) for mode in MODES])
        self.made_by: tuple = ()
        self.validation_groups = groups
        self.set_epoch(None)
        self._measure()

    def set_epoch(self, epoch: int | None) -> None:
        """Draw modes, rounds, thicknesses and sides; None draws them once, of the first round."""
        self._epoch = epoch
        rng = np.random.default_rng([self._seed, 0 if epoch is None else epoch + 1])
        n = len(self._crystals)
        mode = np.array(MODES)[rng.choice(len(MODES), size=n, p=self._shares / self._shares.sum())]
        self._precesses = (mode == "precessing") & (self._store.where[self._crystals] >= 0)
        tilted = ((mode != "aligned") & ~self._precesses)[:, None]
        self._round = np.zeros(n, dtype=np.int64)
        if epoch is not None:
            self._round = rng.integers(self._store.n_rounds, size=n)
        self._beam = np.where(tilted, 1 + rng.integers(TILTED, size=(n, 3)), 0)
        self._depth = rng.integers(self._store.n_depths, size=(n, 3))
        self._sides = (rng.random((2, n, 3)) < 0.5) & (epoch is not None)

    def _make(self, rows: np.ndarray) -> np.ndarray:
        device = self._store.layers.device

        def there(array: np.ndarray) -> torch.Tensor:
            return torch.as_tensor(array, device=device)

        crystals = self._crystals[rows]
        views = there(np.arange(3))
        lengths = self._store.lengths[there(crystals)]
        bright = self._store.rounds[
            there(self._round[rows])[:, None], there(crystals)[:, None], views,
            there(self._beam[rows]), there(self._depth[rows]),
        ]  # fmt: skip
        chosen = np.flatnonzero(self._precesses[rows])
        if len(chosen):
            bright[there(chosen)] = self._store.precessing[
                there(self._store.where[crystals[chosen]])[:, None], views,
                there(self._depth[rows[chosen]]),
            ]  # fmt: skip
        images = torch.stack([bright, lengths], dim=-1).unflatten(2, (SIZE, SIZE))
        behind, turned = (there(one[rows])[..., None, None, None] for one in self._sides)
        images = torch.where(behind, images.flip(3), images)
        images = torch.where(turned, images.flip((2, 3)), images)
        if self._epoch is not None:
            generator = torch.Generator(device=device)
            generator.manual_seed(hash((self._seed, self._epoch, int(rows[0]))) % 2**63)
            images[..., 0] = noisy(images[..., 0].float(), generator).to(images.dtype)
        return images.cpu().numpy()


def noisy(brightness: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Pictures (n, S, H, W), brightness on a scale of five decades, as they may be measured.

    A part of the crystals: spots below a part of the strongest are lost, and the others are
    brighter or fainter by some per cent, another part in each pattern.
    """

    def drawn(shape: Any) -> torch.Tensor:
        return torch.rand(shape, generator=generator, device=brightness.device)

    shape = (*brightness.shape[:2], 1, 1)
    chosen = drawn((len(brightness), 1, 1, 1)) < NOISY
    low, high = np.log(ERROR)
    error = torch.exp(low + (high - low) * drawn(shape)) / np.log(10) / DECADES
    floor = 1 + (FAINTEST[0] + (FAINTEST[1] - FAINTEST[0]) * drawn(shape)) / DECADES
    off = torch.randn(brightness.shape, generator=generator, device=brightness.device)
    changed = brightness + error * off
    changed = torch.where((brightness > 0) & (changed >= floor), changed.clamp(max=1), 0)
    return torch.where(chosen, changed, brightness)
