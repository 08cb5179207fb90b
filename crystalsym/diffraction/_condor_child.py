"""Run Condor once, in a process of its own: ``python _condor_child.py`` in a scratch folder.

Condor and spsim write files into the working directory, of which a process has one. This file is
run as a script beside ``job.json``, ``positions.npy`` and ``numbers.npy``; it imports nothing of
the package and leaves ``pattern.npy``, or ``error.json`` with what went wrong.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np


def pattern(job: dict[str, Any], positions: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Compute photons per pixel of atoms that lie as the beam sees them, in meters."""
    import condor

    source = condor.Source(**job["source"])
    particle = condor.ParticleAtoms(atomic_numbers=numbers, atomic_positions=positions)
    camera = condor.Detector(**job["detector"])
    experiment = condor.Experiment(source, {"particle_atoms": particle}, camera)
    result = experiment.propagate()
    return np.asarray(result["entry_1"]["data_1"]["data"], dtype=np.float64)


def main() -> None:
    """Read the job from the working directory and leave the answer there."""
    job = json.loads(Path("job.json").read_text(encoding="utf-8"))
    try:
        found = pattern(job, np.load("positions.npy"), np.load("numbers.npy"))
    except Exception as error:
        told = {
            "type": type(error).__name__,
            "text": str(error),
            "name": getattr(error, "name", None),
        }
        Path("error.json").write_text(json.dumps(told), encoding="utf-8")
    else:
        np.save("pattern.npy", found)


if __name__ == "__main__":
    main()
