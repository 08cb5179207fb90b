"""Reading reflection lists: the format is told by the content, never by the name alone."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gemmi
import numpy as np

from crystalsym.diffraction import Coverage
from crystalsym.reflections._cif_lists import read_cif_list
from crystalsym.reflections._companions import find_companion, looked_for, same_cell
from crystalsym.reflections._found import About, Found, Misread, ReflectionFileError
from crystalsym.reflections._free_columns import read_free_columns
from crystalsym.reflections._mtz import from_mtz, is_mtz, read_mtz
from crystalsym.reflections._observed_only import why_observed_only
from crystalsym.reflections._reflection_list import (
    RADIATIONS,
    Radiation,
    ReflectionList,
    as_cell,
    as_wavelength,
)
from crystalsym.reflections._shelx_hkl import read_shelx_hkl, untwinned
from crystalsym.reflections._tonto import is_tonto, read_tonto
from crystalsym.reflections._xds import is_xds, read_xds

# The first line that is neither blank nor a comment.
_FIRST = re.compile(rb"^[ \t]*(?![ \t\r\n#])(?!REM )[^\n]{0,80}", re.M | re.I)
_CIF_BEGINS = (b"data_", b"loop_", b"_")
_SHELX_BEGINS = (b"titl", b"cell")
_LARGEST = 2**31 - 1000
# Lines of anodes, Å. What is not among them may be a synchrotron or neutrons.
_ANODES = {"Mo": 0.71073, "Cu": 1.54184, "Cu Ka1": 1.54056, "Ag": 0.56087, "Cr": 2.29100,
           "Co": 1.79026, "Fe": 1.93735, "In": 0.51359, "Ga": 1.34139}  # fmt: skip
_LONGEST_OF_ELECTRONS = 0.06  # Å; 40 kV


def read_reflections(
    path: str | os.PathLike[str],
    cell: Any = None,
    *,
    wavelength: float | None = None,
    radiation: Radiation | None = None,
    coverage: Coverage | None = None,
    amplitudes: bool | None = None,
    block: str | int | None = None,
) -> ReflectionList:
    """Read the reflection list of a measured crystal.

    Formats, told by their content: SHELX HKLF 4 and 5, CIF and FCF (``_refln`` loops of F
    squared, intensities or F; embedded ``_shelx_hkl_file``; CrysAlisPro, PETS2), MTZ,
    XDS_ASCII.HKL and INTEGRATE.HKL, Tonto blocks, and columns between blanks or commas.
    What had to be assumed, dropped or converted stands in ``notes``, where each thing came from
    in ``source``; nothing of what a file says about symmetry or atoms is used.

    Parameters
    ----------
    path : str or path-like
    cell : sequence of 6 floats, gemmi.UnitCell or pymatgen Lattice, optional
        a, b, c in Å and alpha, beta, gamma in degrees. By default that of the file, or else of
        the ``.ins``, ``.res``, ``.cif``, ``.p4p`` ... beside it.
    wavelength : float, optional
        In Å; by default what the files say.
    radiation : {"xray", "electron", "neutron"}, optional
        By default what the files say or the wavelength tells.
    coverage : Coverage, optional
        By default ``OBSERVED`` where the file says so or the intensities show that unobserved
        reflections were dropped, ``LISTED`` otherwise.
    amplitudes : bool, optional
        Whether the values are F instead of F squared; by default as the format says.
    block : str or int, optional
        Which of several blocks of a CIF file, by name or place from 1, or which column of an
        MTZ file, by label.

    Returns
    -------
    ReflectionList

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ReflectionFileError
        A ValueError: the file holds no readable list, or its cell is not known. Names file,
        line and what would be right.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from crystalsym import read_reflections
    >>> path = Path(tempfile.mkdtemp(), "salt.hkl")
    >>> _ = path.write_text("   1   1   1   80.10    1.10\\n   2   0   0  995.00   10.00\\n")
    >>> read_reflections(path, cell=(5.64, 5.64, 5.64, 90, 90, 90))
    ReflectionList('salt', 2 reflections, cell=(5.64, 5.64, 5.64, 90.0, 90.0, 90.0), d_min=2.82)
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        if not path.is_file():
            raise ValueError("is no file")
        found = _read(path, block)
        given = _Given(cell, wavelength, radiation, coverage, amplitudes)
        return _finished(found, given, path.stem, path)
    except (ValueError, RuntimeError, OverflowError) as error:
        if isinstance(error, _GivenError):
            raise ValueError(str(error)) from None
        reason = re.sub(r"[\r\n]+", " ", str(error)) or type(error).__name__
        raise ReflectionFileError(f"{path}: {reason[:1000]}") from error
    except OSError as error:
        raise ReflectionFileError(f"{path}: cannot be read ({error.strerror})") from error


def as_reflection_list(obj: Any, cell: Any = None) -> ReflectionList:
    """Make a reflection list of whatever holds one.

    Parameters
    ----------
    obj : ReflectionList, path, gemmi.Mtz, gemmi.ReflnBlock, gemmi.cif.Block, tuple or dict
        Tuples are (hkl, intensity) or (hkl, intensity, sigma); dicts have the names of the
        parameters of :meth:`ReflectionList.from_arrays`.
    cell : sequence of 6 floats, gemmi.UnitCell or pymatgen Lattice, optional
        Wins over that of ``obj``.

    Returns
    -------
    ReflectionList

    Raises
    ------
    TypeError
        If the object is none of these.
    ValueError
        If its content is impossible.

    Examples
    --------
    >>> from crystalsym import as_reflection_list
    >>> as_reflection_list(([[1, 0, 0], [0, 1, 0]], [7.0, 8.0]), cell=(3, 4, 5, 90, 90, 90))
    ReflectionList(2 reflections, cell=(3.0, 4.0, 5.0, 90.0, 90.0, 90.0), d_min=3)
    """
    given = _Given(cell)
    if isinstance(obj, ReflectionList):
        return obj if cell is None else _with_cell(obj, given)
    if isinstance(obj, (str, os.PathLike)):
        return read_reflections(obj, cell)
    if isinstance(obj, gemmi.Mtz):
        return _finished(from_mtz(obj), given, "")
    if isinstance(obj, gemmi.ReflnBlock):
        obj = obj.block
    if isinstance(obj, gemmi.cif.Block):
        found = read_cif_list(obj.as_string().encode("utf-8", "replace"))
        return _finished(found, given, obj.name)
    if isinstance(obj, Mapping):
        arrays = dict(obj)
        if cell is not None:
            arrays["cell"] = cell
        return ReflectionList.from_arrays(**arrays)
    if isinstance(obj, (tuple, list)) and len(obj) in (2, 3):
        sigma = obj[2] if len(obj) == 3 else None
        return ReflectionList.from_arrays(obj[0], obj[1], sigma, cell)
    raise TypeError(
        f"cannot read reflections from {type(obj).__name__}: give a ReflectionList, a path, a"
        " gemmi Mtz, ReflnBlock or cif.Block, (hkl, intensity, sigma) or a dict of arrays"
    )


class _GivenError(ValueError):
    """An argument is wrong, not the file."""


class _Given:
    """What the caller says, checked."""

    def __init__(
        self, cell: Any = None, wavelength: Any = None, radiation: Any = None,
        coverage: Any = None, amplitudes: bool | None = None,
    ) -> None:  # fmt: skip
        try:
            self.cell = None if cell is None else as_cell(cell)
            self.wavelength = None if wavelength is None else as_wavelength(wavelength)
            self.coverage = None if coverage is None else Coverage(coverage)
        except ValueError as error:
            raise _GivenError(str(error)) from None
        if radiation is not None and radiation not in RADIATIONS:
            raise _GivenError(f"radiation={radiation!r}: needs one of {', '.join(RADIATIONS)}")
        self.radiation = radiation
        self.amplitudes = amplitudes


def _read(path: Path, block: str | int | None) -> Found:
    size = path.stat().st_size
    if size == 0:
        raise ValueError("the file is empty")
    if size > _LARGEST:
        raise ValueError(f"{size} bytes are too many: at most {_LARGEST}")
    data = path.read_bytes()
    if is_mtz(data[:4]):
        return read_mtz(path, data, block)
    data = _as_bytes_of_text(data)
    head = data[:4096]
    line = _FIRST.search(data)
    first = line[0].lstrip().lower() if line else b""
    if is_xds(head):
        found = read_xds(data)
    elif is_tonto(data):
        found = read_tonto(data)
    elif first.startswith(_CIF_BEGINS):
        return read_cif_list(data, block)
    elif first.startswith(_SHELX_BEGINS):
        raise ValueError("holds SHELX instructions, no reflections: give the .hkl file beside it")
    else:
        found = _read_columns(data)
    if block is not None:
        raise _GivenError(f"block={block!r} is for CIF and MTZ files, not for {found.format}")
    return found


def _as_bytes_of_text(data: bytes) -> bytes:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace").encode("ascii", "replace")
    if data[:2] == b"\x1f\x8b":
        raise ValueError("is compressed: decompress it first (gunzip)")
    # DOS marked the end of a text by Ctrl-Z.
    return data.removeprefix(b"\xef\xbb\xbf").rstrip(b"\x1a\0")


def _read_columns(data: bytes) -> Found:
    """SHELX's fixed columns, or free ones; the reason of what fits more lines if neither does."""
    fixed = read_shelx_hkl(data)
    if isinstance(fixed, Found):
        return fixed
    # A list with a damaged line must not pass for free columns: those are as many on each line.
    free = read_free_columns(data, as_many=fixed.part > 0.5)
    if isinstance(free, Misread):
        likely = fixed if fixed.part > min(free.part, 0.5) else free
        raise ValueError(likely.reason)
    return free


def _finished(found: Found, given: _Given, name: str, path: Path | None = None) -> ReflectionList:
    """Put together what was found, what stands beside it and what the caller says."""
    about, notes, n_notes = found.about, list(found.notes), len(found.notes)
    label = path.name if path is not None else "memory"
    where = {key: _of_file(label, place) for key, place in about.where.items()}
    beside = About()
    if path is not None and (about.cell is None or about.wavelength is None):
        beside = find_companion(path, strangers=about.cell is None and given.cell is None)
    if about.cell is None and beside.cell is not None:
        about.matrix, about.hklf = beside.matrix, beside.hklf
    elif about.cell is not None:
        beside.notes = []
    notes += about.notes + beside.notes
    for key in ("cell", "wavelength", "radiation"):
        if getattr(about, key) is None and getattr(beside, key) is not None:
            setattr(about, key, getattr(beside, key))
            where[key] = beside.where[key]
    _apply_hklf(found, about, given, notes)
    _take_given(about, given, where, notes)
    if about.cell is None and path is not None:
        raise ValueError(
            f"the cell is not known: it is not in the file and there is none in {looked_for(path)}"
            " beside it, nor in one file of another name; give cell=(a, b, c, alpha, beta, gamma)"
        )
    _tell_radiation(about, where, notes)
    untwinned(found, about.hklf == 5)
    amplitudes = found.amplitudes if given.amplitudes is None else given.amplitudes
    if amplitudes:
        notes.append("amplitudes F are squared")
    made = ReflectionList.from_arrays(
        found.hkl,
        found.intensity,
        found.sigma,
        about.cell,
        amplitudes=amplitudes,
        batch=found.batch,
        notes=[*notes, *found.notes[n_notes:]],
        wavelength=about.wavelength,
        radiation=about.radiation,
        carried={**beside.carried, **about.carried},
        source={"hkl": f"{label} ({found.format})", **where},
        name=name,
    )
    if not len(made):
        raise ValueError(f"no measured reflections ({found.format}): {'; '.join(made.notes)}")
    return _with_coverage(made, found, given)


def _of_file(label: str, place: str) -> str:
    return place if place.startswith(label) else f"{label}, {place}"


def _apply_hklf(found: Found, about: About, given: _Given, notes: list[str]) -> None:
    """What HKLF in the instructions demands: F instead of F squared, other axes."""
    if about.hklf == 3 and not found.amplitudes:
        found.amplitudes = True
        notes.append("HKLF 3 in the instructions: the values are amplitudes")
    if about.matrix is None:
        return
    if given.cell is not None:
        notes.append("the matrix of HKLF is not applied: the cell given is that of the indices")
        return
    changed = found.hkl @ about.matrix.T
    whole = np.round(changed)
    kept = np.abs(changed - whole).max(axis=1) < 0.05
    if kept.mean() < 0.5 or np.abs(whole).max() > 32767 or abs(np.linalg.det(about.matrix)) < 1e-3:
        raise ValueError("the matrix of HKLF in the instructions does not lead to whole indices")
    found.hkl = whole.astype(np.int32)
    found.keep(kept)
    dropped = int((~kept).sum())
    notes.append(
        "indices are changed by the matrix of HKLF in the instructions"
        + (f"; {dropped} rows without whole indices are left out" if dropped else "")
    )


def _take_given(about: About, given: _Given, where: dict[str, str], notes: list[str]) -> None:
    if given.cell is not None:
        if about.cell is not None and not same_cell(given.cell, about.cell):
            shown = " ".join(f"{value:g}" for value in about.cell)
            notes.append(f"the cell given differs from that of {where['cell']}: {shown}")
        about.cell, where["cell"] = given.cell, "given"
    if given.wavelength is not None:
        about.wavelength, where["wavelength"] = given.wavelength, "given"
    if given.radiation is not None:
        about.radiation, where["radiation"] = given.radiation, "given"


def _tell_radiation(about: About, where: dict[str, str], notes: list[str]) -> None:
    """Tell electrons and anodes by the wavelength where nothing else does."""
    if about.radiation is not None or about.wavelength is None:
        return
    if about.wavelength < _LONGEST_OF_ELECTRONS:
        about.radiation, where["radiation"] = "electron", "the wavelength, as short as electrons'"
        return
    for name, line in _ANODES.items():
        if abs(about.wavelength - line) < 2e-3 * line:
            about.radiation, where["radiation"] = "xray", f"the wavelength, that of {name}"
            return


def _with_coverage(made: ReflectionList, found: Found, given: _Given) -> ReflectionList:
    if given.coverage is not None:
        return replace(made, coverage=given.coverage)
    coverage, why = found.coverage or (Coverage.LISTED, "")
    if found.coverage is None and (reason := why_observed_only(made.intensity, made.sigma)):
        coverage, why = Coverage.OBSERVED, reason
    if coverage is not Coverage.OBSERVED:
        return made
    return replace(
        made, coverage=coverage, notes=(*made.notes, f"only observed reflections are listed: {why}")
    )


def _with_cell(made: ReflectionList, given: _Given) -> ReflectionList:
    about = About(cell=made.cell)
    where, notes = dict(made.source), list(made.notes)
    where.setdefault("cell", "the list")
    _take_given(about, given, where, notes)
    return replace(made, cell=about.cell, notes=tuple(notes), source=where)
