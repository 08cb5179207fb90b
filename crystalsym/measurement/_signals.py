"""Images out of HyperSpy and pyxem signals, known by what they have and not by their class.

A signal has ``data``, an ``axes_manager`` whose ``signal_axes`` are x and y (``scale``, ``units``,
``index_in_array``) and whose ``navigation_shape`` counts its images, and ``metadata`` that is asked
by ``get_item``. The libraries are under the GPL: they are never imported here.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from crystalsym.measurement._pattern import Pattern
from crystalsym.measurement._q_scale import reciprocal_unit
from crystalsym.scattering import electron_wavelength

# Pixels are square if their edges differ by less than this part.
SQUARE = 2e-3
ANGLES = {"rad": 1.0, "mrad": 1e-3, "deg": math.pi / 180, "°": math.pi / 180}
"""Units of scattering angles, in radians."""


def is_signal(value: Any) -> bool:
    """Tell whether something is a signal with two signal axes, or claims to be one."""
    manager = getattr(value, "axes_manager", None)
    return hasattr(value, "data") and hasattr(manager, "signal_axes")


def patterns_of_signal(signal: Any, name: str = "signal") -> list[Pattern]:
    """Take the images of a signal, in the order of its navigation.

    Parameters
    ----------
    signal : HyperSpy ``Signal2D``, pyxem ``Diffraction2D`` and the like
        Lazy ones are computed.
    name : str
        What messages call it.

    Returns
    -------
    list of Pattern
        Their scale is that of the axes, if these are in reciprocal lengths, or in angles beside a
        beam energy. The place of the beam is not taken from the axes: it is found.

    Raises
    ------
    ValueError
        If it has not two signal axes, or pixels are not square, or not equal.

    Examples
    --------
    >>> from types import SimpleNamespace as Record
    >>> import numpy as np
    >>> x, y = (Record(scale=0.02, units="1/nm", offset=-0.6, index_in_array=i) for i in (2, 1))
    >>> signal = Record(data=np.zeros((3, 64, 80)), metadata=None,
    ...                 axes_manager=Record(signal_axes=(x, y), navigation_shape=(3,)))
    >>> found = patterns_of_signal(signal)
    >>> len(found), found[0].image.shape, found[0].q_per_pixel
    (3, (64, 80), 0.002)
    """
    axes = tuple(signal.axes_manager.signal_axes)
    if len(axes) != 2:
        raise ValueError(f"{name}: has {len(axes)} signal axes, an image has two")
    x, y = axes
    data = np.asarray(signal.data)
    if data.dtype.kind not in "buif":
        raise ValueError(f"{name}: intensities must be real numbers, not {data.dtype}")
    images = np.moveaxis(data, (int(y.index_in_array), int(x.index_in_array)), (-2, -1))
    images = images.reshape(-1, *images.shape[-2:])
    scale = _scale(x, y, getattr(signal, "metadata", None), name)
    metadata = {"title": _item(getattr(signal, "metadata", None), "General.title")}
    return [Pattern(image, scale, metadata=dict(metadata)) for image in images]


def triples_of_signal(signal: Any, name: str = "signal") -> list[list[Pattern]]:
    """Take the three images of one crystal, or of each of several.

    Parameters
    ----------
    signal : as in :func:`patterns_of_signal`
        Navigated by three images, or by three images (x) of n crystals (y).
    name : str

    Returns
    -------
    list of list of Pattern

    Raises
    ------
    ValueError
        If it is navigated otherwise.
    """
    shape = tuple(int(size) for size in signal.axes_manager.navigation_shape)
    if len(shape) not in (1, 2) or shape[0] != 3:
        raise ValueError(
            f"{name}: is navigated by {shape or 'nothing'}; a crystal's three images are one"
            " navigation axis of 3, or the first of two"
        )
    patterns = patterns_of_signal(signal, name)
    return [patterns[i : i + 3] for i in range(0, len(patterns), 3)]


def _scale(x: Any, y: Any, metadata: Any, name: str) -> float | None:
    """Length of a pixel, 1/Å, if the axes tell."""
    for axis in (x, y):
        if getattr(axis, "is_uniform", True) is False:
            raise ValueError(f"{name}: the pixels of an axis are not of one size")
    # Traits that were never set are objects of their own kind, which no unit reads like.
    units = [str(getattr(axis, "units", "")) for axis in (x, y)]
    factors = [_factor(unit, metadata) for unit in units]
    if None in factors:
        return None
    one, two = (
        abs(float(axis.scale)) * float(factor or 0)
        for axis, factor in zip((x, y), factors, strict=True)
    )
    if not (math.isfinite(one) and one > 0):
        return None
    if not abs(two / one - 1) < SQUARE:
        raise ValueError(
            f"{name}: pixels are {one:.6g} by {two:.6g} 1/Å, but must be square; resample it"
        )
    return one


def _factor(unit: str, metadata: Any) -> float | None:
    """1/Å for each of a unit."""
    known = reciprocal_unit(unit)
    if known is not None or unit.strip() not in ANGLES:
        return known
    energy = _item(metadata, "Acquisition_instrument.TEM.beam_energy")
    try:
        wavelength = electron_wavelength(float(energy))
    except (TypeError, ValueError):
        return None
    return ANGLES[unit.strip()] / wavelength if math.isfinite(wavelength) else None


def _item(metadata: Any, path: str) -> Any:
    """An entry of a signal's metadata; None where there is none."""
    get_item = getattr(metadata, "get_item", None)
    if get_item is None:
        return None
    try:
        return get_item(path, default=None)
    except (AttributeError, KeyError, TypeError):
        return None
