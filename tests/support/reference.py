"""Where reference data lie: small fixtures in the repository, the full sets beside it."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from crystalsym import DiffractionSimulator

PLANCK, LIGHT_SPEED = 6.62607015e-34, 299792458.0
FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
SHARED = Path(__file__).resolve().parents[3] / "shared"


def fixture(name: str) -> dict[str, np.ndarray]:
    """Arrays of one file in ``tests/fixtures``."""
    return _arrays(FIXTURES / name)


def shared(path: str) -> Path:
    """A file of the full reference material; the test is skipped where it is absent."""
    file = SHARED / path
    if not file.is_file():
        pytest.skip(f"the full reference is not here: {file}")
    return file


def shared_arrays(path: str) -> dict[str, np.ndarray]:
    """Arrays of one file of the full reference material."""
    return _arrays(shared(path))


@cache
def _arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def condor_cases(arrays: dict[str, np.ndarray]) -> list[dict]:
    """The cases of a file of Condor's patterns."""
    return json.loads(str(arrays["cases_json"]))


def condor_simulator(
    arrays: dict[str, np.ndarray], case: dict, engine: str
) -> DiffractionSimulator:
    """A simulator of the given engine set up as Condor was for a case."""
    photons = case["pulse_energy_J"] / (PLANCK * LIGHT_SPEED / case["wavelength_m"])
    focus = math.pi * (case["focus_diameter_m"] * 1e10) ** 2 / 4
    return DiffractionSimulator(
        engine=engine,
        ewald="flat" if case["flat_ewald_sphere"] else "sphere",
        views=arrays[f"ROT/{case['rotation']}"][None],
        wavelength=case["wavelength_m"] * 1e10,
        detector_distance=case["distance_m"] * 1e3,
        pixel_size=case["pixel_m"] * 1e3,
        image_size=case["n"],
        center=None if case["cx"] is None else (case["cx"], case["cy"]),
        cells=tuple(int(n) for n in arrays[f"{case['crystal']}/replicas"]),
        polarization=case["polarization"],
        fluence=photons / focus,
        standardize=False,
        normalize=False,
        dtype="float64",
    )
