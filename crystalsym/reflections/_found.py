"""What a reader of one format found in a file, before it becomes a list."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crystalsym.diffraction import Coverage
from crystalsym.reflections._reflection_list import Cell, Radiation, as_cell, as_wavelength


class ReflectionFileError(ValueError):
    """A file from which no reflection list can be read; says which and why."""


@dataclass(frozen=True)
class Misread:
    """Why a text is not of a format, and which part of its lines is."""

    reason: str
    part: float


# The rows of a modulated crystal that its average structure does not have.
SATELLITES = "order m other than 0 (satellites of a modulated crystal)"


@dataclass
class Found:
    """Columns of reflections, and what stands beside them."""

    format: str
    hkl: NDArray[Any] = field(default_factory=lambda: np.zeros((0, 3), dtype=np.int32))
    intensity: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    sigma: NDArray[np.float64] | None = None
    batch: NDArray[np.int32] | None = None
    amplitudes: bool = False
    coverage: tuple[Coverage, str] | None = None  # and what says so
    about: About = field(default_factory=lambda: About())
    notes: list[str] = field(default_factory=list)

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Leave out the other rows."""
        self.hkl, self.intensity = self.hkl[rows], self.intensity[rows]
        self.sigma = None if self.sigma is None else self.sigma[rows]
        self.batch = None if self.batch is None else self.batch[rows]

    def leave_out(self, rows: NDArray[np.bool_], what: str) -> None:
        """Leave out rows, and note how many there were of what."""
        if count := int(np.count_nonzero(rows)):
            self.notes.append(
                f"{count} {'row' if count == 1 else 'rows'} of {what}"
                f" {'is' if count == 1 else 'are'} left out"
            )
            self.keep(~rows)


@dataclass
class About:
    """What a file says of the crystal and the measurement."""

    cell: Cell | None = None
    wavelength: float | None = None
    radiation: Radiation | None = None
    carried: dict[str, Any] = field(default_factory=dict)
    where: dict[str, str] = field(default_factory=dict)  # of cell, wavelength, radiation
    hklf: int = 4
    matrix: NDArray[np.float64] | None = None  # indices of the cell = matrix @ indices listed
    notes: list[str] = field(default_factory=list)

    def set_cell(self, values: Any, where: str) -> None:
        """Take a cell that is possible, note one that is not."""
        try:
            self.cell = as_cell(values)
            self.where["cell"] = where
        except (ValueError, TypeError) as error:
            self.notes.append(f"the cell of {where} is not used: {error}")

    def set_wavelength(self, value: Any, where: str) -> None:
        """Take a wavelength that is possible; 0 and -1 stand for none."""
        try:
            if float(value) > 0:
                self.wavelength = as_wavelength(value)
                self.where["wavelength"] = where
        except (ValueError, TypeError) as error:
            self.notes.append(f"the wavelength of {where} is not used: {error}")

    def set_radiation(self, text: str, where: str) -> None:
        """Tell the radiation from words such as ``MoK\\a``, ``neutron`` or ``x-ray``."""
        words = text.lower()
        if "neutron" in words:
            self.radiation = "neutron"
        elif "electron" in words:
            self.radiation = "electron"
        elif any(sign in words for sign in ("x-ray", "xray", "k\\a", "ka", "k-al", "synchrotron")):
            self.radiation = "xray"
        if self.radiation is not None:
            self.where["radiation"] = where
