"""Engine ``"condor"``: the same pattern by Condor itself, where it is installed.

Condor (Hantke, Ekeberg & Maia, J. Appl. Cryst. 49, 1356, 2016; github.com/FXIhub/condor) and its
spsim install from source only. Packages of both names on PyPI are something else.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from crystalsym.crystals import Cluster
from crystalsym.diffraction import _condor_child
from crystalsym.diffraction._geometry import Detector

SOURCE = "https://github.com/FXIhub/condor"
# What is called here, of Condor and of the library that sums its atoms.
NEEDED = {
    "condor": ("Source", "ParticleAtoms", "Detector", "Experiment"),
    "spsim": ("simulate_shot", "get_molecule_from_atoms"),
}
ADVICE = f'engine="condor" needs FXIhub Condor ({SOURCE}) and its spsim, both from source'
PLANCK_LIGHT_SPEED = 6.62607015e-34 * 299792458.0  # J m
FOCUS = 1e-6  # m; only the fluence counts, and the pulse energy is chosen for it


def load_condor() -> ModuleType:
    """Load the module ``condor``, if it is the X-ray diffraction simulator and it runs.

    What it imports only when it computes is found out by a pattern of one atom, once a process.

    Raises
    ------
    ImportError
        If it, the ``spsim`` it needs or something that these import is missing, broken or another
        package of that name; the message says which.
    """
    modules = {name: _load(name) for name in NEEDED}
    _try_out(*(str(getattr(module, "__file__", name)) for name, module in modules.items()))
    return modules["condor"]


@lru_cache(maxsize=1)
def _try_out(*files: str) -> None:
    """Compute a small pattern by the modules of these files."""
    job = _job(Detector.for_q_max(8, 0.5, 1000.0, 1.0), "sphere", "ignore", 1.0)
    try:
        _run(job, np.zeros((1, 3)), np.array([6]))
    except _CondorError as error:
        help_ = ""
        if (error.missing or "").split(".")[0] == "distutils":
            help_ = "; from Python 3.12 on the package setuptools provides distutils"
        raise ImportError(f"condor does not run: {error}{help_}; {ADVICE}", name="condor") from None


def _load(name: str) -> ModuleType:
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name == name:
            raise ImportError(f"no module {name!r} is installed; {ADVICE}", name=name) from error
        raise ImportError(f"{name} does not import: {error}; {ADVICE}", name=name) from error
    except Exception as error:
        raise ImportError(f"{name} does not import: {error}; {ADVICE}", name=name) from error
    missing = [part for part in NEEDED[name] if not hasattr(module, part)]
    if missing:
        where = getattr(module, "__file__", None) or "an unknown place"
        raise ImportError(
            f"the module {name!r} at {where} is another package of that name: it has no"
            f" {', '.join(missing)}. {ADVICE}; PyPI's {name} is something else",
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
    """Compute photons per pixel of a cluster, noise-free.

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
        If a site is partly occupied, or Condor fails.
    """
    load_condor()
    label = cluster.name or "cluster"
    partial = cluster.occupancies < 1 - 1e-6
    if partial.any():
        atom = int(partial.argmax())
        raise ValueError(
            f"{label}: atom {atom} has occupancy"
            f" {cluster.occupancies[atom]:g}, which Condor does not know;"
            ' use engine="atoms"'
        )
    # About the middle: Condor hands its atoms on with three decimals and in single precision.
    # Turned here: it would go by Euler angles.
    positions = (cluster.positions - cluster.positions.mean(axis=0)) @ rotation.T
    try:
        return _run(
            _job(detector, ewald, polarization, fluence),
            positions * 1e-10,
            cluster.atomic_numbers,
        )
    except _CondorError as error:
        raise ValueError(f"{label}: Condor fails ({error})") from error


class _CondorError(Exception):
    """Carry what Condor's process says went wrong, and the module it misses if that is it."""

    def __init__(self, text: str, missing: str | None = None) -> None:
        super().__init__(text)
        self.missing = missing


def _job(detector: Detector, ewald: str, polarization: str, fluence: float) -> dict[str, Any]:
    """Gather what Condor's classes are called with, in SI units."""
    wavelength = detector.wavelength * 1e-10
    photons = fluence * 1e20 * math.pi * (FOCUS / 2) ** 2
    column, row = detector.beam
    # Only named when it is wanted: older Condors know nothing of it.
    flat = {"flat_ewald_sphere": True} if ewald == "flat" else {}
    return {
        "source": {
            "wavelength": wavelength,
            "focus_diameter": FOCUS,
            "pulse_energy": photons * PLANCK_LIGHT_SPEED / wavelength,
            "polarization": polarization,
        },
        "detector": {
            "distance": detector.distance * 1e-3,
            "pixel_size": detector.pixel_size * 1e-3,
            "nx": int(detector.size),
            "ny": int(detector.size),
            "cx": float(column),
            "cy": float(row),
            **flat,
        },
    }


def _run(job: dict[str, Any], positions: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Compute a pattern in a process of its own.

    Condor writes into the working directory, which all threads of a process share: to change it
    here would turn the relative paths of other threads.
    """
    with tempfile.TemporaryDirectory(prefix="crystalsym-condor-") as scratch:
        folder = Path(scratch)
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        np.save(folder / "positions.npy", positions)
        np.save(folder / "numbers.npy", numbers)
        # The same modules as here, wherever the child runs; its temporary files go with the rest.
        path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)
        places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), scratch)
        done = subprocess.run(
            # -P: the script's own folder is no place to import from.
            [sys.executable, "-P", os.path.abspath(_condor_child.__file__)],
            cwd=scratch,
            env={**os.environ, **places, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if (folder / "pattern.npy").is_file():
            found: np.ndarray = np.load(folder / "pattern.npy")
            return found
        if (folder / "error.json").is_file():
            told = json.loads((folder / "error.json").read_text(encoding="utf-8"))
            reason = " ".join(told["text"].split())[:300]
            missing = told["name"] if told["type"] == "ModuleNotFoundError" else None
            raise _CondorError(f"{told['type']}: {reason}", missing)
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise _CondorError(": ".join([f"exit code {done.returncode}", *last])[:300])
