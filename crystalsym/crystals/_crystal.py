"""The one record every part of the library works on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from crystalsym.crystals._close_atoms import close_pairs
from crystalsym.crystals._notes import warn_of

MAX_ATOMIC_NUMBER = 98  # the X-ray factor table ends at californium
TOO_CLOSE = 0.5  # Å; the shortest bond, of H2, is 0.74


@dataclass(frozen=True, eq=False)
class Crystal:
    """Hold a periodic arrangement of atoms.

    Parameters
    ----------
    lattice : array-like of shape (3, 3)
        Lattice vectors a, b, c as rows, in Å.
    frac_coords : array-like of shape (n_atoms, 3)
        Fractional coordinates.
    atomic_numbers : array-like of int, shape (n_atoms,)
        Atomic numbers, 1 to 98.
    occupancies : array-like of shape (n_atoms,), optional
        Site occupancies in (0, 1]; all one by default. A site shared by two elements is two
        entries at the same place.
    name : str, optional
        What error messages and tables call the crystal.
    standard : bool, default=False
        True for the output of :func:`crystalsym.crystals.standardize`, which is then not
        standardized again.
    notes : tuple of str, optional
        What was guessed, left out or put right when the crystal was read. What looks wrong with it
        (left-handed axes, two whole atoms closer than 0.5 Å) is added, with a
        :class:`StructureWarning`.

    Raises
    ------
    ValueError
        If shapes disagree, a number is not finite, the cell has no volume, or an atomic number
        or occupancy is out of range.

    Examples
    --------
    >>> from crystalsym.crystals import Crystal
    >>> cu = Crystal([[3.6, 0, 0], [0, 3.6, 0], [0, 0, 3.6]],
    ...              [[0, 0, 0], [0, .5, .5], [.5, 0, .5], [.5, .5, 0]], [29] * 4, name="Cu")
    >>> cu.formula, round(cu.volume, 3)
    ('Cu4', 46.656)
    """

    lattice: np.ndarray
    frac_coords: np.ndarray
    atomic_numbers: np.ndarray
    occupancies: np.ndarray = None  # type: ignore[assignment]
    name: str | None = None
    standard: bool = field(default=False)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        label = f"crystal {self.name!r}" if self.name else "crystal"
        lattice = np.array(self.lattice, dtype=np.float64)
        coords = np.array(self.frac_coords, dtype=np.float64)
        if lattice.shape != (3, 3):
            raise ValueError(f"{label}: lattice has shape {lattice.shape}, needs (3, 3)")
        if coords.ndim != 2 or coords.shape[1:] != (3,) or len(coords) == 0:
            raise ValueError(f"{label}: frac_coords has shape {coords.shape}, needs (n_atoms, 3)")
        if not (np.isfinite(lattice).all() and np.isfinite(coords).all()):
            raise ValueError(f"{label}: lattice or coordinates hold a number that is not finite")
        if abs(np.linalg.det(lattice)) < 1e-3:
            raise ValueError(f"{label}: the lattice vectors span no volume")
        numbers, occupancies = checked_atoms(
            label, len(coords), self.atomic_numbers, self.occupancies
        )
        for key, value in (
            ("lattice", lattice),
            ("frac_coords", coords),
            ("atomic_numbers", numbers),
            ("occupancies", occupancies),
        ):
            value.setflags(write=False)
            object.__setattr__(self, key, value)
        notes = tuple(self.notes)
        if not self.standard:  # those come from a crystal that was looked at
            new = [note for note in self._doubts() if note not in notes]
            notes += tuple(new)
            warn_of(label, new, stacklevel=4)
        object.__setattr__(self, "notes", notes)

    def _doubts(self) -> list[str]:
        """What looks wrong and can still be a crystal."""
        doubts = []
        if np.linalg.det(self.lattice) < 0:
            doubts.append("the lattice vectors are left-handed")
        first, second = close_pairs(self.lattice, self.frac_coords, TOO_CLOSE)
        if len(first):
            # Atoms that are there by turns may be close.
            whole = self.occupancies[first] + self.occupancies[second] > 1.05
            if whole.any():
                doubts.append(self._too_close(first[whole], second[whole]))
        return doubts

    def _too_close(self, first: np.ndarray, second: np.ndarray) -> str:
        import gemmi

        away = self.frac_coords[first] - self.frac_coords[second]
        distances = np.linalg.norm((away - np.round(away)) @ self.lattice, axis=1)
        nearest = int(distances.argmin())
        names = [
            f"{gemmi.Element(int(self.atomic_numbers[atom])).name} (atom {atom})"
            for atom in (first[nearest], second[nearest])
        ]
        more = (
            f", and {len(first) - 1} other pairs are closer than {TOO_CLOSE} Å"
            if len(first) > 1
            else ""
        )
        return f"{' and '.join(names)} are {distances[nearest]:.2g} Å apart{more}"

    @classmethod
    def unchecked(cls, lattice, frac_coords, atomic_numbers, occupancies, **others) -> Crystal:
        """Make a crystal of arrays that are known to be right and that nobody else writes to.

        Parameters
        ----------
        lattice, frac_coords, atomic_numbers, occupancies : ndarray
            As in :class:`Crystal`, of the types it gives them.
        **others
            Its other fields.
        """
        crystal = object.__new__(cls)
        crystal.__dict__.update(
            lattice=lattice,
            frac_coords=frac_coords,
            atomic_numbers=atomic_numbers.astype(np.int64),
            occupancies=occupancies,
            **others,
        )
        for array in (lattice, frac_coords, crystal.atomic_numbers, occupancies):
            array.setflags(write=False)
        return crystal

    def __getstate__(self) -> dict[str, object]:
        state = self.__dict__.copy()
        state.pop("_symmetry", None)  # larger than the crystal
        return state

    def __len__(self) -> int:
        return len(self.atomic_numbers)

    @property
    def space_group(self) -> int | None:
        """Space group that a symmetry finder gave this crystal last; None if none was asked.

        It is no part of what the crystal is, and :meth:`replace` forgets it.
        """
        if "_group" in self.__dict__:
            return self.__dict__["_group"][1]
        known = self.__dict__.get("_symmetry")
        return None if known is None else known[1].number

    @property
    def volume(self) -> float:
        """Cell volume in Å³."""
        return float(abs(np.linalg.det(self.lattice)))

    @property
    def metric(self) -> np.ndarray:
        """Metric tensor of the direct lattice, Å²."""
        return self.lattice @ self.lattice.T

    @cached_property
    def reciprocal(self) -> np.ndarray:
        """Reciprocal lattice vectors a*, b*, c* as rows, 1/Å (no 2π)."""
        reciprocal = np.linalg.inv(self.lattice).T
        reciprocal.setflags(write=False)
        return reciprocal

    @property
    def formula(self) -> str:
        """Cell content by falling atomic number, e.g. ``'Cl4Na4'``."""
        import gemmi

        parts = []
        for z in np.unique(self.atomic_numbers)[::-1]:
            count = self.occupancies[self.atomic_numbers == z].sum()
            parts.append(f"{gemmi.Element(int(z)).name}{count:g}")
        return "".join(parts)

    def replace(self, **changes) -> Crystal:
        """Copy with some fields changed.

        Parameters
        ----------
        **changes
            New values of fields.
        """
        return replace(self, **changes)

    def digest(self) -> str:
        """Hash of the physical content (the name does not count)."""
        h = hashlib.sha256(b"standard" if self.standard else b"")
        for array in (self.lattice, self.frac_coords, self.atomic_numbers, self.occupancies):
            h.update(np.ascontiguousarray(array).tobytes())
        return h.hexdigest()


def checked_atoms(label: str, n_atoms: int, atomic_numbers, occupancies):
    """Atomic numbers (int64) and occupancies (float64) of ``n_atoms`` positions.

    Raises
    ------
    ValueError
        Beginning with ``label``, if a number or an occupancy cannot be.
    """
    numbers = np.array(atomic_numbers)
    if numbers.shape != (n_atoms,):
        raise ValueError(f"{label}: {numbers.size} atomic numbers for {n_atoms} positions")
    if numbers.dtype.kind not in "iu" and np.any(np.mod(numbers.astype(float), 1) != 0):
        raise ValueError(f"{label}: atomic numbers must be integers")
    numbers = numbers.astype(np.int64)
    bad = (numbers < 1) | (numbers > MAX_ATOMIC_NUMBER)
    if bad.any():
        raise ValueError(
            f"{label}: no scattering factor for atomic number {numbers[bad][0]}"
            f" (1 to {MAX_ATOMIC_NUMBER} are known)"
        )
    if occupancies is None:
        return numbers, np.ones(n_atoms)
    occupancies = np.array(occupancies, dtype=np.float64)
    if occupancies.shape != numbers.shape:
        raise ValueError(f"{label}: {occupancies.size} occupancies for {n_atoms} positions")
    if not np.all((occupancies > 0) & (occupancies <= 1 + 1e-6)):
        raise ValueError(f"{label}: occupancies must lie in (0, 1]")
    return numbers, occupancies
