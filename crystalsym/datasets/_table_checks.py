"""Check what a table of crystals holds, for kernels that read its arrays without asking again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crystalsym.crystals._crystal import MAX_ATOMIC_NUMBER

if TYPE_CHECKING:
    from crystalsym.datasets._table import CrystalTable


def check_table(table: CrystalTable) -> None:
    """Refuse arrays that disagree, and rows that are no crystals.

    Raises
    ------
    ValueError
        Naming the column, and the row with its name where one is at fault.
    """
    n, n_sites = len(table.lattice), len(table.atomic_numbers)
    lengths = {"site_offsets": n + 1, "names": n, "space_group": n}
    shapes = {
        "lattice": (n, 3, 3),
        "site_offsets": (n + 1,),
        "frac_coords": (n_sites, 3),
        "atomic_numbers": (n_sites,),
        "names": (n,),
        "space_group": (n,),
    }
    for column, shape in shapes.items():
        array = getattr(table, column)
        if array is None or array.shape == shape:
            continue
        owner = f"{n} lattices" if column in lengths else f"{n_sites} sites"
        raise ValueError(f"{owner} need a {column!r} of shape {shape}, got {array.shape}")
    for column in ("site_offsets", "atomic_numbers"):
        dtype = getattr(table, column).dtype
        if dtype.kind not in "iu":
            raise ValueError(f"{column!r} must be integers, not {dtype}")
    for column in ("lattice", "frac_coords"):
        dtype = getattr(table, column).dtype
        if dtype.kind not in "iuf":
            raise ValueError(f"{column!r} must be real numbers, not {dtype}")
    _check_offsets(table, n_sites)
    finite = np.isfinite(table.lattice).all(axis=(1, 2))
    if not finite.all():
        raise ValueError(f"{_row(table, ~finite)}: a lattice vector is not finite")
    flat = np.abs(np.linalg.det(table.lattice.astype(np.float64))) < 1e-3
    if flat.any():
        raise ValueError(f"{_row(table, flat)}: the lattice vectors span no volume")
    lost = ~np.isfinite(table.frac_coords).all(axis=1)
    if lost.any():
        site, row = _site(table, lost)
        raise ValueError(f"{row}: the coordinates of site {site} are not finite")
    unknown = (table.atomic_numbers < 1) | (table.atomic_numbers > MAX_ATOMIC_NUMBER)
    if unknown.any():
        site, row = _site(table, unknown)
        raise ValueError(
            f"{row}: site {site} has atomic number {table.atomic_numbers[unknown][0]}, and"
            f" scattering factors are known for 1 to {MAX_ATOMIC_NUMBER}"
        )


def _check_offsets(table: CrystalTable, n_sites: int) -> None:
    offsets = table.site_offsets.astype(np.int64)
    if offsets[0] != 0:
        raise ValueError(f"the site offsets must begin at 0, not at {offsets[0]}")
    fallen = np.diff(offsets) < 1
    if fallen.any():
        index = int(fallen.argmax())
        raise ValueError(
            f"{_row(table, fallen)}: site offsets must rise, but {offsets[index]} is followed by"
            f" {offsets[index + 1]}"
        )
    if offsets[-1] != n_sites:
        raise ValueError(f"the site offsets end at {offsets[-1]}, but there are {n_sites} sites")


def _row(table: CrystalTable, wrong: NDArray[Any]) -> str:
    """Name the first of some rows, for a message."""
    index = int(wrong.argmax())
    return f"crystal {index}" + ("" if table.names is None else f" ({table.names[index]})")


def _site(table: CrystalTable, wrong: NDArray[Any]) -> tuple[int, str]:
    """Name the first of some sites, counted within its crystal, and the crystal."""
    site = int(wrong.argmax())
    row = int(np.searchsorted(table.site_offsets, site, side="right")) - 1
    rows = np.arange(len(table)) == row
    return site - int(table.site_offsets[row]), _row(table, rows)
