"""Engine ``"condor"``: the same pattern by Condor itself, where it is installed.

Condor (Hantke, Ekeberg & Maia, J. Appl. Cryst. 49, 1356, 2016; github.com/FXIhub/condor) and its
spsim install from source only. Packages of both names on PyPI are something else.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import tempfile
import threading
from types import ModuleType

import numpy as np

from crystalsym.crystals import Cluster
from crystalsym.diffraction._geometry import Detector

SOURCE = "https://github.com/FXIhub/condor"
# What is called here, of Condor and of the library that sums its atoms.
NEEDED = {
    "condor": ("Source", "ParticleAtoms", "Detector", "Experiment"),
    "spsim": ("simulate_shot", "get_molecule_from_atoms"),
}
PLANCK_LIGHT_SPEED = 6.62607015e-34 * 299792458.0  # J m
FOCUS = 1e-6  # m; only the fluence counts, and the pulse energy is chosen for it
# Condor writes scratch files into the working directory, of which a process has one.
_WORKING_DIRECTORY = threading.Lock()


def load_condor() -> ModuleType:
    """The module ``condor``, if it is the X-ray diffraction simulator.

    Raises
    ------
    ImportError
        If it, or the ``spsim`` it needs, is missing, broken or another package of that name; the
        message says which.
    """
    modules = {name: _load(name) for name in NEEDED}
    return modules["condor"]


def _load(name: str) -> ModuleType:
    advice = f'engine="condor" needs FXIhub Condor ({SOURCE}) and its spsim, both from source'
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name == name:
            raise ImportError(f"no module {name!r} is installed; {advice}", name=name) from error
        raise ImportError(f"{name} does not import: {error}; {advice}", name=name) from error
    except Exception as error:
        raise ImportError(f"{name} does not import: {error}; {advice}", name=name) from error
    missing = [part for part in NEEDED[name] if not hasattr(module, part)]
    if missing:
        where = getattr(module, "__file__", None) or "an unknown place"
        raise ImportError(
            f"the module {name!r} at {where} is another package of that name: it has no"
            f" {', '.join(missing)}. {advice}; PyPI's {name} is something else",
            name=name,
        )
    return module


def condor_pattern(
    cluster: Cluster,
    rotation: np.ndarray,
    detector: Detector,
    ewald: str = "sphere",
    polarization: str = "ignore",
    fluence: float = 1.0,
) -> np.ndarray:
    """Photons per pixel of a cluster, noise-free.

    Parameters
    ----------
    cluster : Cluster
        Every site fully occupied: Condor knows no other.
    rotation : ndarray of shape (3, 3)
        r_lab = R r_cluster.
    detector : Detector
    ewald : {"sphere", "flat"}
    polarization : str
    fluence : float
        Photons per Å².

    Returns
    -------
    ndarray of shape (size, size), float64

    Raises
    ------
    ImportError
        If Condor is not there.
    ValueError
        If a site is partly occupied.
    """
    condor = load_condor()
    partial = cluster.occupancies < 1 - 1e-6
    if partial.any():
        atom = int(partial.argmax())
        raise ValueError(
            f"{cluster.name or 'cluster'}: atom {atom} has occupancy"
            f" {cluster.occupancies[atom]:g}, which Condor does not know;"
            ' use engine="atoms"'
        )
    wavelength = detector.wavelength * 1e-10
    photons = fluence * 1e20 * math.pi * (FOCUS / 2) ** 2
    source = condor.Source(
        wavelength=wavelength,
        focus_diameter=FOCUS,
        pulse_energy=photons * PLANCK_LIGHT_SPEED / wavelength,
        polarization=polarization,
    )
    # Turned here: Condor would go by Euler angles.
    particle = condor.ParticleAtoms(
        atomic_numbers=cluster.atomic_numbers.copy(),
        atomic_positions=cluster.positions @ rotation.T * 1e-10,
    )
    column, row = detector.beam
    # Only named when it is wanted: older Condors know nothing of it.
    flat = {"flat_ewald_sphere": True} if ewald == "flat" else {}
    camera = condor.Detector(
        distance=detector.distance * 1e-3,
        pixel_size=detector.pixel_size * 1e-3,
        nx=detector.size,
        ny=detector.size,
        cx=column,
        cy=row,
        **flat,
    )
    experiment = condor.Experiment(source, {"particle_atoms": particle}, camera)
    with (
        _WORKING_DIRECTORY,
        tempfile.TemporaryDirectory() as scratch,
        contextlib.chdir(scratch),
    ):
        result = experiment.propagate()
    return np.asarray(result["entry_1"]["data_1"]["data"], dtype=np.float64)
