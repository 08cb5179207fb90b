"""Condor's model in SI units, its way with atoms, and its habit of writing where it runs."""

from __future__ import annotations

import math
import os
import tempfile
from pathlib import Path

import numpy as np

from crystalsym.scattering import scattering_factors

JOULE_METER = 6.62607015e-34 * 299792458.0
ELECTRON_RADIUS = 2.8179403205e-15  # m


class Source:
    def __init__(self, wavelength, focus_diameter, pulse_energy, polarization="ignore"):
        self.wavelength, self.polarization = wavelength, polarization
        photons = pulse_energy / (JOULE_METER / wavelength)
        self.photons_per_m2 = photons / (math.pi * (focus_diameter / 2) ** 2)


class ParticleAtoms:
    def __init__(self, atomic_numbers=None, atomic_positions=None, rotation_values=None):
        assert rotation_values is None
        self.numbers = np.array(atomic_numbers)
        # The real one keeps single precision too.
        self.positions = np.array(atomic_positions, dtype=np.float32).astype(float)


class Detector:
    def __init__(self, distance, pixel_size, cx=None, cy=None, nx=None, ny=None, **more):
        assert set(more) <= {"flat_ewald_sphere"}
        self.flat = more.get("flat_ewald_sphere", False)
        self.distance, self.pixel = distance, pixel_size
        x = (np.arange(nx) - cx) * pixel_size
        y = (np.arange(ny) - cy) * pixel_size
        self.x, self.y = np.meshgrid(x, y)


class Experiment:
    def __init__(self, source, particles, detector):
        assert all(name.startswith("particle_atoms") for name in particles)
        self.source, self.detector = source, detector
        (self.particle,) = particles.values()

    def propagate(self):
        print("condor talks")
        trouble = os.environ.get("CONDOR_TROUBLE", "")
        size = len(self.particle.numbers)
        if trouble == "import":
            import no_such_helper  # noqa: F401
        if trouble == "distutils":
            raise ModuleNotFoundError("No module named 'distutils'", name="distutils")
        if trouble == "many atoms" and size > 1:
            raise RuntimeError("too many\natoms")
        if trouble == "crash" and size > 1:
            os._exit(11)
        Path("mol.pdbout").write_text("scratch", encoding="utf-8")
        tempfile.NamedTemporaryFile(suffix=".conf", delete=False).close()
        d = self.detector
        path = np.full_like(d.x, d.distance)
        if not d.flat:
            path = np.sqrt(d.x**2 + d.y**2 + d.distance**2)
        q = np.stack([d.x / path, d.y / path, d.distance / path - 1], -1) / self.source.wavelength
        length = np.linalg.norm(q, axis=-1).ravel() * 1e-10
        factors = scattering_factors(self.particle.numbers, length)
        phases = np.exp(-2j * np.pi * self.particle.positions @ q.reshape(-1, 3).T)
        intensity = np.abs((factors * phases).sum(axis=0).reshape(d.x.shape)) ** 2
        intensity *= (d.pixel / d.distance) ** 2 * (d.distance / path) ** 3
        if self.source.polarization == "horizontal":
            intensity *= 1 - d.x**2 / (d.x**2 + d.y**2 + d.distance**2)
        intensity *= self.source.photons_per_m2 * ELECTRON_RADIUS**2
        return {"entry_1": {"data_1": {"data": intensity}}}
