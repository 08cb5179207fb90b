"""MTZ files, by gemmi: which columns are the measurement, and what is said beside them."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

import gemmi
import numpy as np

from crystalsym.reflections._found import Found

# Type of a column of values, of its uncertainties, of both for the mate -h; is it an amplitude?
_KINDS = (("J", "Q", False, "intensity"), ("K", "M", False, "I(+) and I(-)"),
          ("F", "Q", True, "amplitude"), ("G", "L", True, "F(+) and F(-)"))  # fmt: skip


def is_mtz(head: bytes) -> bool:
    """Does a file begin as MTZ files do?"""
    return head.startswith(b"MTZ ")


def read_mtz(path: Path, data: bytes, label: str | int | None = None) -> Found:
    """Read the measured values of an MTZ file.

    Raises
    ------
    ValueError
        If it is damaged or holds no measured values.
    """
    _check(data)
    return from_mtz(gemmi.read_mtz_file(str(path)), label)


def from_mtz(mtz: gemmi.Mtz, label: str | int | None = None) -> Found:
    """Take the measured values of an MTZ object: I rather than F, the mean rather than mates."""
    if not len(mtz.columns) or not mtz.nreflections:
        raise ValueError("an MTZ file without reflections")
    columns = [(column.label, column.type) for column in mtz.columns]
    value, kind = _choose(columns, label)
    array = mtz.array
    _, sigma_kind, amplitude, words = _KINDS[kind]
    found = Found(f"MTZ, {words} {columns[value][0]}", amplitudes=amplitude)
    hkl = array[:, _index_columns(columns)]
    if not np.isfinite(hkl).all():
        raise ValueError("the columns H, K, L hold values that are no numbers")
    batches = [place for place, (_, one) in enumerate(columns) if one == "B"]
    if batches:
        hkl = _original_indices(mtz, hkl, columns, found.notes)
        values = array[:, batches[0]]
        if np.isfinite(values).all() and np.abs(values).max() < 2**31:
            found.batch = values.astype(np.int32)
    sigma = _sigma_of(columns, value, sigma_kind)
    found.hkl, found.intensity = hkl, array[:, value].astype(np.float64)
    found.sigma = None if sigma is None else array[:, sigma].astype(np.float64)
    if kind in (1, 3):
        mate = _mate(columns, value, columns[value][1])
        if mate is not None:
            _add_mates(found, array, mate, _sigma_of(columns, mate, sigma_kind))
    others = [name for place, (name, one) in enumerate(columns)
              if place != value and one in ("J", "F") ]  # fmt: skip
    if label is None and others:
        found.notes.append(f"other columns of the file, not read: {', '.join(others)}")
    _read_about(found, mtz, value)
    return found


def _check(data: bytes) -> None:
    """The header's place and size, so that no damaged one asks for all memory there is."""
    if len(data) < 80:
        raise ValueError("an MTZ file that is cut off")
    stamp = data[8] >> 4
    order = ">" if stamp == 1 else "<"
    place = 4 * (struct.unpack(order + "i", data[4:8])[0] - 1)
    if place == 4 * (-1 - 1):  # beyond what 32 bits say
        place = 4 * (struct.unpack(order + "q", data[12:20])[0] - 1)
    if not 80 <= place <= len(data) - 80:
        raise ValueError("an MTZ file whose header lies outside of it: it is cut off or damaged")
    counts = re.search(rb"NCOL\s+(\d+)\s+(\d+)\s+(\d+)", data[place:])
    if counts is None:
        raise ValueError("an MTZ file without the record NCOL")
    n_columns, n_rows, n_batches = (int(one) for one in counts.groups())
    if 80 + 4 * n_columns * n_rows > len(data) or n_batches * 80 > len(data):
        raise ValueError(
            f"an MTZ file of {len(data)} bytes cannot hold {n_rows} rows of {n_columns} columns"
            f" and {n_batches} batches"
        )


def _choose(columns: list[tuple[str, str]], label: str | int | None) -> tuple[int, int]:
    names = [name for name, _ in columns]
    if label is not None:
        if label not in names:
            raise ValueError(f"block={label!r}: none of the columns {', '.join(names)}")
        place = names.index(str(label))
        for kind, one in enumerate(_KINDS):
            if columns[place][1] == one[0]:
                return place, kind
        raise ValueError(f"column {label} of type {columns[place][1]} holds no measured values")
    for kind, one in enumerate(_KINDS):
        for place, (name, type_) in enumerate(columns):
            if type_ == one[0] and not re.match(r"FC|F_?calc|FWT|DELF", name, re.I):
                return place, kind
    shown = ", ".join(f"{name} ({type_})" for name, type_ in columns[:20])
    raise ValueError(f"no column of intensities or measured amplitudes among {shown}")


def _index_columns(columns: list[tuple[str, str]]) -> list[int]:
    places = [place for place, (_, type_) in enumerate(columns) if type_ == "H"][:3]
    if len(places) < 3:
        raise ValueError("an MTZ file without the columns H, K, L")
    return places


def _original_indices(
    mtz: gemmi.Mtz, hkl: Any, columns: list[tuple[str, str]], notes: list[str]
) -> Any:
    """Indices as measured: those of unmerged files are moved into an asymmetric unit.

    Which way is a number beside each row, of one of the file's operations. These are a code
    here, no statement on the crystal: whatever group a program moved by, the measured indices
    come out. Where records and numbers do not belong together (moving back and forth again does
    not give the stored indices), the stored ones are kept.
    """
    if not any(type_ == "Y" for _, type_ in columns):
        return hkl
    before = np.array(mtz.array, copy=True)
    if mtz.switch_to_asu_hkl():  # they were moved back before
        mtz.switch_to_original_hkl()
        mtz.array[:] = before
        return hkl
    moved = None
    try:
        if mtz.switch_to_original_hkl():
            there = mtz.array[:, _index_columns(columns)].copy()
            again = mtz.switch_to_asu_hkl()
            fits = again and np.array_equal(mtz.array[:, _index_columns(columns)], hkl)
            if fits or np.array_equal(there, hkl):
                moved = there
    except IndexError:  # a number beyond those of the operations
        moved = None
    mtz.array[:] = before
    if moved is None:
        notes.append(
            "indices are those of the asymmetric unit that they were moved into, not as measured:"
            " the column M/ISYM does not fit the operations in the header"
        )
        return hkl
    return moved


def _sigma_of(columns: list[tuple[str, str]], value: int, kind: str) -> int | None:
    """The uncertainties of a column: of its name with SIG before, or the next of their type."""
    name = columns[value][0]
    for place, (other, type_) in enumerate(columns):
        if type_ == kind and other.upper() in (f"SIG{name.upper()}", f"SIGMA{name.upper()}"):
            return place
    for place in range(value + 1, min(value + 3, len(columns))):
        if columns[place][1] == kind:
            return place
    return None


def _mate(columns: list[tuple[str, str]], value: int, kind: str) -> int | None:
    return next(
        (place for place in range(value + 1, len(columns)) if columns[place][1] == kind), None
    )


def _add_mates(found: Found, array: Any, mate: int, sigma: int | None) -> None:
    found.hkl = np.concatenate([found.hkl, -found.hkl])
    found.intensity = np.concatenate([found.intensity, array[:, mate].astype(np.float64)])
    if found.sigma is not None:
        found.sigma = (
            None if sigma is None
            else np.concatenate([found.sigma, array[:, sigma].astype(np.float64)])
        )  # fmt: skip
    if found.batch is not None:
        found.batch = np.concatenate([found.batch, found.batch])


def _read_about(found: Found, mtz: gemmi.Mtz, value: int) -> None:
    about = found.about
    dataset = mtz.columns[value].dataset
    cell = mtz.get_cell(dataset.id)
    about.set_cell(cell.parameters, "MTZ header")
    if dataset.wavelength > 0:
        about.set_wavelength(dataset.wavelength, f"MTZ dataset {dataset.dataset_name}")
    if mtz.spacegroup_name:
        about.carried["symbol"] = mtz.spacegroup_name
    if mtz.spacegroup_number:
        about.carried["number"] = str(mtz.spacegroup_number)
    if mtz.spacegroup is not None:
        about.carried["operations"] = [one.triplet() for one in mtz.spacegroup.operations()]
