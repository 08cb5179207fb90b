"""Reflection lists written as SHELX HKLF 4 and as CIF."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crystalsym.diffraction import Coverage
from crystalsym.reflections._cif_lists import COVERAGE_TAG
from crystalsym.reflections._reflection_list import ReflectionList

_WIDTH = 7  # of the 8 columns, so that numbers do not touch
_PROBE = {"xray": "x-ray", "electron": "electron", "neutron": "neutron"}


def write_hklf4(path: str | os.PathLike[str], reflections: ReflectionList) -> float:
    """Write a list as a SHELX HKLF 4 file.

    Each number has the most decimals that seven columns hold. If the greatest does not fit, or
    the median uncertainty (else intensity) is below 0.01, all are multiplied by one power of ten.
    An uncertainty too small for a digit is written as the smallest that there is; a list without
    uncertainties gets 0.00, which reads as unknown. Batch numbers are written where they have at
    most four digits; negative ones, which SHELX takes for overlap, are not. Cell and wavelength
    stand after the line ``0 0 0`` as CELL, where SHELXL reads nothing and
    :func:`read_reflections` reads them.

    Parameters
    ----------
    path : str or path-like
    reflections : ReflectionList

    Returns
    -------
    float
        The factor by which intensities and uncertainties were multiplied.

    Raises
    ------
    ValueError
        If an index does not fit four columns.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from crystalsym.reflections import ReflectionList, write_hklf4
    >>> measured = ReflectionList([[1, 0, 0], [0, 2, 0]], [5.25, 1e5], [0.5, 1200.0])
    >>> path = Path(tempfile.mkdtemp(), "x.hkl")
    >>> write_hklf4(path, measured)
    1.0
    >>> print(path.read_text(), end="")  # doctest: -NORMALIZE_WHITESPACE
       1   0   0 5.25000 0.50000
       0   2   0 100000. 1200.00
       0   0   0    0.00    0.00
    """
    hkl, batch = reflections.hkl, reflections.batch
    wide = (hkl > 9999) | (hkl < -999)
    if wide.any():
        row = int(np.argmax(wide.any(axis=1)))
        raise ValueError(f"row {row}: {hkl[row].tolist()} does not fit four columns (-999 to 9999)")
    factor = _factor(reflections)
    values = [_seven(value) for value in (reflections.intensity * factor).tolist()]
    if reflections.sigma is None:
        errors = ["   0.00"] * len(values)
    else:
        errors = [_seven(max(value, 1e-5)) for value in (reflections.sigma * factor).tolist()]
    runs = [""] * len(values)
    if batch is not None and len(batch) and batch.min() >= 0 and batch.max() <= 9999:
        runs = [f"{run:4d}" for run in batch.tolist()]
    lines = [
        f"{one[0]:4d}{one[1]:4d}{one[2]:4d} {value} {error}{run}"
        for one, value, error, run in zip(hkl.tolist(), values, errors, runs, strict=True)
    ]
    lines.append("   0   0   0    0.00    0.00")
    if reflections.cell is not None:
        numbers = " ".join(f"{value:.10g}" for value in reflections.cell)
        lines += [f"TITL {reflections.name}".rstrip(),
                  f"CELL {reflections.wavelength or 0:.10g} {numbers}"]  # fmt: skip
    Path(path).write_text("\n".join(lines) + "\n", encoding="ascii", errors="replace")
    return factor


def write_reflection_cif(path: str | os.PathLike[str], reflections: ReflectionList) -> None:
    """Write a list as a CIF file with a ``_refln`` loop.

    Cell, wavelength, radiation and coverage stand beside it; batch numbers are
    ``_refln_scale_group_code``. Symmetry and atoms that the list carries are not written.

    Parameters
    ----------
    path : str or path-like
    reflections : ReflectionList

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from crystalsym.reflections import ReflectionList, read_reflections, write_reflection_cif
    >>> path = Path(tempfile.mkdtemp(), "x.cif")
    >>> write_reflection_cif(path, ReflectionList(
    ...     [[1, 0, 0], [0, 2, 0]], [5.25, 1e6], [0.5, 1200.0], (4, 5, 6, 90, 95, 90)))
    >>> read_reflections(path).intensity.tolist()
    [5.25, 1000000.0]
    """
    title = "".join(letter if letter.isalnum() or letter in "-_" else "_"
                   for letter in reflections.name if letter.isascii())  # fmt: skip
    head = [f"data_{title or 'reflections'}"]
    if reflections.cell is not None:
        names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
        values = zip(names, reflections.cell, strict=True)
        head += [f"_cell_{name} {value:.10g}" for name, value in values]
    if reflections.wavelength is not None:
        head.append(f"_diffrn_radiation_wavelength {reflections.wavelength:.10g}")
    if reflections.radiation is not None:
        head.append(f"_diffrn_radiation_probe {_PROBE[reflections.radiation]}")
    head.append(f"{COVERAGE_TAG} {Coverage(reflections.coverage).name}")
    tags = ["index_h", "index_k", "index_l", "F_squared_meas"]
    columns: list[list[str]] = [
        *(column.astype(str).tolist() for column in reflections.hkl.T),
        [f"{value:.10g}" for value in reflections.intensity.tolist()],
    ]
    if reflections.sigma is not None:
        tags.append("F_squared_sigma")
        columns.append([f"{value:.10g}" for value in reflections.sigma.tolist()])
    if reflections.batch is not None:
        tags.append("scale_group_code")
        columns.append(reflections.batch.astype(str).tolist())
    loop = ["", "loop_", *(f"_refln_{tag}" for tag in tags)]
    rows = [" ".join(row) for row in zip(*columns, strict=True)]
    Path(path).write_text("\n".join([*head, *loop, *rows]) + "\n", encoding="ascii")


def _factor(reflections: ReflectionList) -> float:
    """The power of ten by which the numbers fit seven columns."""
    parts: list[NDArray[np.float64]] = [reflections.intensity]
    if reflections.sigma is not None:
        parts.append(reflections.sigma)
    everything = np.concatenate(parts)
    if not len(everything):
        return 1.0
    # A sign takes a column.
    greatest = max(float(everything.max()), float(-10 * everything.min()))
    if greatest <= 0:
        return 1.0
    typical = float(np.median(np.abs(parts[-1])))
    most = 999_999.0
    if greatest <= most and typical >= 0.01:
        return 1.0
    return 10.0 ** (math.floor(math.log10(most / greatest)))


def _seven(value: float) -> str:
    """A number in seven columns with the most decimals that fit, at most five."""
    for decimals in (5, 4, 3, 2, 1):
        text = f"{value:{_WIDTH}.{decimals}f}"
        if len(text) <= _WIDTH:
            return text
    # Without a point SHELX would read hundredths.
    return f"{value:.0f}.".rjust(_WIDTH)
