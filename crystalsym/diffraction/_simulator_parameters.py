"""The simulator's parameters: checked, and gathered for the workers."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np

from crystalsym.crystals import FINDERS
from crystalsym.crystals._cluster import cell_counts
from crystalsym.diffraction._condor import load_condor
from crystalsym.diffraction._electron_beam import ElectronBeam, electron_beam
from crystalsym.diffraction._fast_atom_sum import load_finufft
from crystalsym.diffraction._geometry import POLARIZATIONS
from crystalsym.diffraction._rendering import (
    DYNAMICAL_ENGINES,
    ENGINES,
    EWALD,
    OUTPUTS,
    SPOT_ENGINES,
    SUMMATIONS,
    RenderSettings,
)
from crystalsym.diffraction._view_families import resolve_views
from crystalsym.scattering._factors import RADIATIONS

ON_ERROR = ("raise", "nan", "skip")
STANDARDIZE = (True, False, "metric")
SCALES = (None, "neighbors")
DTYPES = ("float32", "float64", "uint16", "uint8")
WAVELENGTH = 0.035  # Å, the default
# Parameters of the dynamical engines alone, with what leaves them alone.
OF_DYNAMICAL = {
    "tilt": 0.0,
    "azimuth": None,
    "precession": 0.0,
    "convergence": 0.0,
    "absorption": 0.0,
    "b_iso": 0.0,
    "bandwidth": None,
    "slice_thickness": 1.0,
}


def render_settings(simulator: Any) -> RenderSettings:
    """Validate a simulator's parameters and gather what a worker needs.

    Raises
    ------
    ValueError
        Naming a parameter that is out of range or does not go with another.
    ImportError
        If the engine is Condor and Condor is not there, or the sum is finufft's and it is not.
    """
    _one_of("engine", simulator.engine, ENGINES)
    _one_of("summation", simulator.summation, SUMMATIONS)
    _one_of("ewald", simulator.ewald, EWALD)
    _one_of("radiation", simulator.radiation, RADIATIONS)
    _one_of("polarization", simulator.polarization, POLARIZATIONS)
    _one_of("on_error", simulator.on_error, ON_ERROR)
    _one_of("dtype", str(np.dtype(simulator.dtype)), DTYPES)
    _one_of("output", simulator.output, OUTPUTS)
    _one_of("standardize", simulator.standardize, STANDARDIZE)
    _one_of("finder", simulator.finder, FINDERS)
    _one_of("scale", simulator.scale, SCALES)
    if simulator.output == "spots":
        _check_spots(simulator)
    size = simulator.image_size
    if isinstance(size, bool) or not isinstance(size, Integral) or int(size) < 8:
        raise ValueError(f"image_size must be an integer of at least 8, got {size!r}")
    for name in ("wavelength", "q_max", "detector_distance", "spot_sigma", "symprec"):
        _positive(name, getattr(simulator, name))
    if (
        isinstance(simulator.q_min, bool)
        or not isinstance(simulator.q_min, Real)
        or not (0 <= float(simulator.q_min) < np.inf)
    ):
        raise ValueError(f"q_min must be a number from 0 up, got {simulator.q_min!r}")
    beam = _check_dynamical(simulator)
    for name in ("pixel_size", "thickness", "voltage"):
        if name == "thickness" and simulator.engine in DYNAMICAL_ENGINES:
            continue
        if getattr(simulator, name) is not None:
            _positive(name, getattr(simulator, name))
    _positive("fluence", simulator.fluence)
    if simulator.center is not None and np.shape(simulator.center) != (2,):
        raise ValueError(f"center must be (column, row) in pixels, got {simulator.center!r}")
    if np.dtype(simulator.dtype).kind == "u" and not simulator.normalize:
        raise ValueError(f"dtype={simulator.dtype!r} needs normalize=True")
    if simulator.output == "images" and (
        np.dtype(simulator.dtype).kind == "u" and simulator.on_error == "nan"
    ):
        raise ValueError(f'on_error="nan" needs a float dtype, got dtype={simulator.dtype!r}')
    zones = [view.zone for view in resolve_views(simulator.views, np.eye(3))]
    _check_beam(simulator)
    if simulator.laue_zones is not None:
        _check_laue_zones(simulator.laue_zones, zones)
    views = simulator.views if isinstance(simulator.views, str) else np.asarray(simulator.views)
    return RenderSettings(
        views=views,
        detector=simulator.detector(),
        engine=simulator.engine,
        ewald=simulator.ewald,
        radiation=simulator.radiation,
        cells=cell_counts(simulator.cells),
        summation=simulator.summation,
        spot_sigma=float(simulator.spot_sigma),
        thickness=None if simulator.engine in DYNAMICAL_ENGINES else simulator.thickness,
        laue_zones=None if simulator.laue_zones is None else int(simulator.laue_zones),
        polarization=simulator.polarization,
        fluence=float(simulator.fluence),
        standardize=simulator.standardize,
        symprec=float(simulator.symprec),
        idealize=bool(simulator.idealize),
        finder=simulator.finder,
        normalize=bool(simulator.normalize),
        dtype=str(np.dtype(simulator.dtype)),
        output=simulator.output,
        q_min=float(simulator.q_min),
        scale=simulator.scale,
        beam=beam,
    )


def _check_spots(simulator: Any) -> None:
    """Does every other parameter have a meaning for spots?"""
    if simulator.engine not in SPOT_ENGINES:
        raise ValueError(
            f'output="spots" needs engine="bragg", "bloch" or "multislice":'
            f" engine={simulator.engine!r} knows pixels only"
        )
    if np.dtype(simulator.dtype).kind != "f":
        raise ValueError(f'output="spots" needs a float dtype, got dtype={simulator.dtype!r}')
    if simulator.center is not None:
        raise ValueError(
            f'center={simulator.center!r} is for images: spots of output="spots" are placed about'
            " the beam"
        )


def _check_dynamical(simulator: Any) -> ElectronBeam | None:
    """Does what dynamical scattering knows go with the engine, and the rest with that?"""
    engine = simulator.engine
    if engine not in DYNAMICAL_ENGINES:
        for name, default in OF_DYNAMICAL.items():
            value = getattr(simulator, name)
            if value is not default and value != default:
                raise ValueError(
                    f'{name}={value!r} is for engine="bloch" or "multislice", not {engine!r}'
                )
        return None
    if simulator.radiation != "electron":
        raise ValueError(
            f'engine={engine!r} is for radiation="electron", not {simulator.radiation!r}'
        )
    wanted = {"ewald": "flat", "laue_zones": None, "scale": None}
    for name, value in wanted.items():
        if getattr(simulator, name) != value:
            why = {
                "ewald": "has the curvature of the sphere within itself",
                "laue_zones": "knows the zero-order layer only",
                "scale": "needs the crystal's own size",
            }[name]
            raise ValueError(
                f"engine={engine!r} {why}: leave out {name}={getattr(simulator, name)!r}"
            )
    if any(view.zone is None for view in resolve_views(simulator.views, np.eye(3))):
        raise ValueError(
            f"engine={engine!r} projects the crystal along zone axes: views={simulator.views!r}"
            ' are none; "symmetry-directions", "zone-axes" or [u, v, w] are'
        )
    return electron_beam(simulator)


def _check_beam(simulator: Any) -> None:
    """Do radiation, wavelength, polarization and engine go together?"""
    if simulator.voltage is not None:
        if simulator.radiation != "electron":
            raise ValueError(
                f'voltage={simulator.voltage!r} is for radiation="electron",'
                f" not {simulator.radiation!r}"
            )
        if simulator.wavelength != WAVELENGTH:
            raise ValueError(
                f"voltage={simulator.voltage!r} sets the wavelength:"
                f" leave out wavelength={simulator.wavelength!r}"
            )
    if simulator.radiation == "electron" and simulator.polarization != "ignore":
        raise ValueError(
            f'polarization={simulator.polarization!r} is for radiation="xray", not "electron"'
        )
    if simulator.summation == "nufft":
        if simulator.engine != "atoms":
            raise ValueError(f'summation="nufft" is for engine="atoms", not {simulator.engine!r}')
        load_finufft()
    if simulator.engine == "condor":
        if simulator.radiation != "xray":
            raise ValueError(f'engine="condor" knows X-rays only, not {simulator.radiation!r}')
        load_condor()


def _check_laue_zones(last: Any, zones: list[tuple[int, int, int] | None]) -> None:
    if isinstance(last, bool) or not isinstance(last, Integral) or int(last) < 0:
        raise ValueError(f"laue_zones must be None or an integer from 0 up, got {last!r}")
    if None in zones:
        raise ValueError(
            'laue_zones counts along a zone axis: it needs views="zone-axes" or [u, v, w]'
        )


def _one_of(name: str, value: Any, choices: tuple[Any, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {choices}, got {value!r}")


def _positive(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < float(value) < np.inf:
        raise ValueError(f"{name} must be a positive number, got {value!r}")
