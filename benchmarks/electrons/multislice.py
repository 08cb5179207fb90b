"""Dynamical patterns of many crystals at once, by PyTorch, on a GPU if there is one.

What :class:`crystalsym.diffraction.ProjectedPotential` computes for one crystal and zone, by its
multislice method, for batches of what :mod:`layers` has written: potentials of like grids, each
with many incident beams, read at some thicknesses. Slices are thick, and half of each way to the
next is gone before it (Strang), which is right to second order. Results are pictures as
``PatternShaper(scheme="lattice", friedel=False)`` draws them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from layers import PARTS, Q_MAX
from site_sums import Factors, sites_of

from crystalsym.scattering._factors import ELECTRON_REST_ENERGY, PLANCK_LIGHT_SPEED
from crystalsym.shaping._index_scheme import RADIUS

THRESHOLD, SIZE = 1e-5, 13
MIDDLE = SIZE // 2
# Beams take part up to this |q|, 1/Å, and on grids of these sizes products do not fold onto them.
BANDWIDTH = 2.0
SIZES = np.array([12, 16, 20, 24, 28, 32, 36, 40, 48, 56, 64, 72, 80, 96, 112, 128, 160, 192])
# Å, at most.
SLICE = 4.0


@dataclass(frozen=True)
class Beams:
    """How electrons meet the layers of a batch.

    Attributes
    ----------
    voltage, b_iso : ndarray of shape (n,)
        kV and Å², of each layer.
    depths : ndarray of shape (n, n_depths)
        Rising, Å.
    tilts : ndarray of shape (n, n_beams, 2)
        Of each incident beam from the zone axis, degrees toward image +x and +y.
    averaged : bool
        Whether the intensities wanted are the mean over the beams, as of one that precesses.
    """

    voltage: np.ndarray
    b_iso: np.ndarray
    depths: np.ndarray
    tilts: np.ndarray
    averaged: bool = False

    def take(self, rows: np.ndarray) -> Beams:
        """The beams of some layers."""
        return Beams(
            self.voltage[rows], self.b_iso[rows], self.depths[rows], self.tilts[rows], self.averaged
        )


class Layers:
    """The layers that a file of :mod:`layers` describes; numbered crystal by crystal.

    Parameters
    ----------
    path : Path
    device : str
        Of PyTorch.
    """

    def __init__(self, path: Path, device: str):
        with np.load(path) as file:
            self.file = {name: file[name] for name in file}
        self.device = device
        self.groups = self.file["groups"].astype(np.int64)
        self.numbers = self.file["numbers"].astype(np.int64)
        lattice = self.file["lattice"].astype(np.float64)
        self._volume = np.repeat(np.abs(np.linalg.det(lattice)), 3)
        hkl = self.file["hkl"].astype(np.float64)
        metric = np.einsum("nvgi,nij,nvhj->nvgh", hkl, _reciprocal_metric(lattice), hkl)
        basis = np.zeros((len(lattice), 3, 2, 2))
        basis[..., 0, 0] = np.sqrt(metric[..., 0, 0])
        basis[..., 1, 0] = metric[..., 0, 1] / basis[..., 0, 0]
        basis[..., 1, 1] = np.sqrt(metric[..., 1, 1] - basis[..., 1, 0] ** 2)
        finest = self.file["lattice_2d"].astype(np.float64)
        self.basis = (finest @ basis).reshape(-1, 2, 2)
        self._hkl = (finest @ hkl).reshape(-1, 2, 3)
        self._cells = self.file["cells"].astype(np.float64).reshape(-1, 5)
        # Indices of beams run to the bandwidth times the lengths of the projected cell.
        lengths = np.linalg.norm(np.linalg.inv(self.basis), axis=1)
        needed = 3 * BANDWIDTH * lengths + 1
        self.shapes = SIZES[np.minimum(np.searchsorted(SIZES, needed), len(SIZES) - 1)]
        self.too_large = (needed > SIZES[-1]).any(axis=1)
        self._factors = Factors("electron", device)

    def __len__(self) -> int:
        return len(self.basis)

    def batches(self, rows: np.ndarray, n_beams: int, room: int) -> Iterator[np.ndarray]:
        """Parts of some layers of one shape of grid, ``room`` grid points of waves at most."""
        keys = self.shapes[rows] @ np.array([1000, 1])
        for key in np.unique(keys):
            same = rows[keys == key]
            points = int(self.shapes[same[0]].prod()) * n_beams
            step = max(1, room // points)
            for first in range(0, len(same), step):
                yield same[first : first + step]

    def _to(self, array: Any, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        return torch.as_tensor(np.ascontiguousarray(array), device=self.device).to(dtype)

    def _grid(self, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Scattering vectors of the grid's coefficients, two of shape (n, n1, n2), 1/Å."""
        m, n = (torch.fft.fftfreq(int(s), 1 / int(s)) for s in self.shapes[rows[0]])
        m, n = m.to(self.device)[None, :, None], n.to(self.device)[None, None, :]
        basis = self._to(self.basis[rows])[..., None, None]
        return m * basis[:, 0, 0] + n * basis[:, 1, 0], m * basis[:, 0, 1] + n * basis[:, 1, 1]

    def amplitudes(self, rows: np.ndarray, numbers: np.ndarray, squares: torch.Tensor) -> Any:
        """Σ f exp(-2πi g·x) of layers on their grids, complex (n, n1, n2).

        ``numbers`` are the atomic numbers of all sites of the file; ``squares`` the grids' q².
        """
        sites = sites_of(self.file, rows // 3, numbers)
        places = self._to(self.file["places"][sites.rows].astype(np.float32), torch.float64) / PARTS
        projected = torch.einsum("nai,ngi->nga", places, self._hkl_of(rows)).remainder(1).float()
        waves = []
        for axis, size in enumerate(self.shapes[rows[0]]):
            m = torch.fft.fftfreq(int(size), 1 / int(size), device=self.device)
            phase = (-2 * math.pi) * projected[:, axis, :, None] * m
            waves.append(torch.polar(torch.ones_like(phase), phase))
        total = torch.zeros(squares.shape, dtype=torch.complex64, device=self.device)
        of_site = torch.as_tensor(sites.numbers, device=self.device)
        for z in torch.as_tensor(sites.elements, device=self.device).T:
            own = (of_site == z[:, None]) & (z[:, None] > 0)
            sums = torch.einsum("nam,nak->nmk", waves[0] * own[..., None], waves[1])
            total += self._factors(z, squares) * sums
        return total

    def _hkl_of(self, rows: np.ndarray) -> torch.Tensor:
        return self._to(self._hkl[rows], torch.float64)

    def intensities(self, rows: np.ndarray, numbers: np.ndarray, beams: Beams) -> torch.Tensor:
        """Intensities on the grids, (n, n_beams or 1, n_depths, n1, n2), the field's alone.

        ``beams`` are those of ``rows``.
        """
        energy = 1e3 * beams.voltage
        wavelength = PLANCK_LIGHT_SPEED / np.sqrt(energy * (energy + 2 * ELECTRON_REST_ENERGY))
        mass = 1 + energy / ELECTRON_REST_ENERGY
        x, y = self._grid(rows)
        squares = x * x + y * y
        inside = (squares <= BANDWIDTH**2).float()
        strong = self.amplitudes(rows, numbers, squares)
        factor = self._to(mass * wavelength / self._volume[rows])[:, None, None]
        damping = torch.exp(-self._to(beams.b_iso)[:, None, None] / 4 * squares)
        strong *= factor * damping * (squares <= (2 * BANDWIDTH) ** 2)
        potential = torch.fft.ifft2(strong, norm="forward").real
        turn = np.sin(np.radians(np.linalg.norm(beams.tilts, axis=-1, keepdims=True)))
        unit = beams.tilts / np.maximum(
            np.linalg.norm(beams.tilts, axis=-1, keepdims=True), 1e-12
        )  # fmt: skip
        k = self._to(turn * unit / wavelength[:, None, None])[..., None, None]
        along = k[:, :, 0] * x[:, None] + k[:, :, 1] * y[:, None]
        turns = self._to(-math.pi * wavelength)[:, None, None, None] * (
            squares[:, None] + 2 * along
        )
        del along
        waves = torch.zeros(turns.shape, dtype=torch.complex64, device=self.device)
        waves[..., 0, 0] = 1
        read = []
        begun = np.zeros(len(rows))
        for depth in beams.depths.T:
            n_slices = math.ceil(float((depth - begun).max()) / SLICE)
            step = self._to((depth - begun) / n_slices)[:, None, None]
            begun = depth
            transmission = torch.fft.fft2(torch.polar(torch.ones_like(potential), step * potential))
            transmission = torch.fft.ifft2(transmission * inside)[:, None]
            half = step[:, None] / 2 * turns
            half = torch.polar(inside[:, None].expand_as(half).contiguous(), half)
            whole = half * half
            waves *= half
            for number in range(n_slices):
                waves = torch.fft.ifft2(waves)
                waves *= transmission
                waves = torch.fft.fft2(waves)
                waves *= whole if number < n_slices - 1 else half
            seen = waves.real**2 + waves.imag**2
            read.append(seen.mean(dim=1, keepdim=True) if beams.averaged else seen)
        return torch.stack(read, dim=2)

    def pictures(self, rows: np.ndarray, intensity: torch.Tensor) -> torch.Tensor:
        """Brightness in the pictures of intensities on grids, (..., 13, 13)."""
        x, y = self._grid(rows)
        field = (x * x + y * y <= (RADIUS * Q_MAX) ** 2) & (x * x + y * y > 0)
        shape = intensity.shape
        strongest = (intensity * field[:, None, None]).amax(dim=(-2, -1))[..., None]
        places, valid = self._places(rows)
        flat = intensity.reshape(*shape[:3], -1)
        gathered = flat.gather(
            -1, places[:, None, None].expand(*shape[:3], SIZE * SIZE)
        )  # fmt: skip
        relative = gathered / strongest.clamp_min(1e-30)
        value = 1 - torch.log(relative.clamp_min(1e-20)) / math.log(THRESHOLD)
        seen = (relative >= THRESHOLD) & valid[:, None, None]
        return (value * seen).reshape(*shape[:3], SIZE, SIZE)

    def _places(self, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Which coefficient each pixel shows, and whether it shows any, (n, 169)."""
        u, v = self._drawn(rows)
        _, _, _, cosine, sine = self._cells[rows].T[:, :, None]
        q = Q_MAX * np.stack([u * cosine - v * sine, u * sine + v * cosine], axis=-1)
        indices = q @ np.linalg.inv(self.basis[rows])
        whole = np.rint(indices)
        valid = (np.abs(indices - whole) < 0.1).all(axis=-1) & (np.hypot(u, v) <= RADIUS)
        valid &= whole.any(axis=-1)
        sizes = self.shapes[rows][:, None]
        places = whole.astype(np.int64) % sizes
        flat = places[..., 0] * sizes[..., 1] + places[..., 1]
        return torch.as_tensor(flat, device=self.device), torch.as_tensor(valid, device=self.device)

    def _drawn(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where pixels lie along and across their rows, in parts of the field, (n, 169)."""
        k, h = np.divmod(np.arange(SIZE * SIZE), SIZE) - np.array([[MIDDLE], [MIDDLE]])
        a, b_x, b_y, _, _ = self._cells[rows].T[:, :, None]
        return h * a + k * b_x, k * b_y

    def lengths(self, rows: np.ndarray) -> np.ndarray:
        """The second channel of pictures: |q| in parts of the field, (n, 13, 13)."""
        return np.minimum(np.hypot(*self._drawn(rows)), 1).reshape(-1, SIZE, SIZE)


def _reciprocal_metric(lattice: np.ndarray) -> np.ndarray:
    return np.linalg.inv(lattice @ lattice.transpose(0, 2, 1))
