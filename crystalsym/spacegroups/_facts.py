"""Facts about the 230 space groups, derived from the tables of :mod:`gemmi`."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import cache

import gemmi
import numpy as np
from numpy.typing import ArrayLike, NDArray

# gemmi keeps the symbols of before 1992; the double glide "e" is what spglib, the databases and
# International Tables now print.
_DOUBLE_GLIDE = {39: "Aem2", 41: "Aea2", 64: "Cmce", 67: "Cmme", 68: "Ccce"}


def check_number(value: object) -> int:
    """`value` as a space-group number, or `ValueError`."""
    try:
        if isinstance(value, bool | np.bool_):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise ValueError(
            f"a space group is given by an integer from 1 to 230, got {value!r}"
        ) from None
    if not 1 <= number <= 230:
        raise ValueError(f"space-group numbers run from 1 to 230, got {number}")
    return number


@cache
def _gemmi_group(number: int) -> gemmi.SpaceGroup:
    return gemmi.find_spacegroup_by_number(number)


@cache
def group_operations(number: int) -> gemmi.GroupOps:
    return _gemmi_group(number).operations()


@dataclass(frozen=True)
class SpaceGroup:
    """Hold the facts of one space group, as made by `space_group`.

    Attributes
    ----------
    number : int
        1 to 230.
    symbol : str
        Short Hermann-Mauguin symbol of the standard setting, screw axes with an underscore.
    crystal_system : str
        One of "triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal",
        "cubic".
    point_group : str
        Hermann-Mauguin symbol of the crystal class (32 of them).
    laue_class : str
        Symbol of the Laue class (11 of them).
    is_centrosymmetric : bool
    enantiomorph : int or None
        The group of the mirror image where that is another group.

    Examples
    --------
    >>> from crystalsym.spacegroups import space_group
    >>> quartz = space_group(152)
    >>> quartz.symbol, quartz.crystal_system, quartz.enantiomorph
    ('P3_121', 'trigonal', 154)
    """

    number: int
    symbol: str
    crystal_system: str
    point_group: str
    laue_class: str
    is_centrosymmetric: bool
    enantiomorph: int | None


@cache
def _space_group(number: int) -> SpaceGroup:
    group = _gemmi_group(number)
    return SpaceGroup(
        number=number,
        symbol=_short_symbol(number),
        crystal_system=group.crystal_system_str(),
        point_group=group.point_group_hm(),
        laue_class=group.laue_str(),
        is_centrosymmetric=group.is_centrosymmetric(),
        enantiomorph=_mirror_image(number),
    )


def _short_symbol(number: int) -> str:
    if number in _DOUBLE_GLIDE:
        return _DOUBLE_GLIDE[number]
    lattice, *axes = _gemmi_group(number).hm.split()
    if len(axes) == 3 and 3 <= number <= 15:  # the full monoclinic symbol: P 1 21/c 1
        axes = [axis for axis in axes if axis != "1"]
    for i, axis in enumerate(axes):
        if len(axis) > 1 and axis[:2].isdigit():  # a screw axis
            axes[i] = f"{axis[0]}_{axis[1:]}"
    return lattice + "".join(axes)


def _mirror_image(number: int) -> int | None:
    # Inverting at the origin may leave the tabulated origin, and then the look-up finds nothing;
    # that happens only where the group is its own mirror image (the tests compare with spglib).
    operations = _gemmi_group(number).operations()
    operations.change_basis_forward(gemmi.Op("-x,-y,-z"))
    partner = gemmi.find_spacegroup_by_ops(operations)
    if partner is None or partner.number == number:
        return None
    return partner.number


def space_group(number: int) -> SpaceGroup:
    """Return all facts of one space group.

    Parameters
    ----------
    number : int
        1 to 230; anything else raises `ValueError`, here and in every function of this module.

    Examples
    --------
    >>> space_group(225).symbol
    'Fm-3m'
    """
    return _space_group(check_number(number))


def symbol(number: int) -> str:
    """Return the short Hermann-Mauguin symbol of the standard setting, such as "P2_1/c".

    Parameters
    ----------
    number : int
        Space group, 1 to 230.

    Examples
    --------
    >>> [symbol(n) for n in (1, 14, 64, 194, 227)]
    ['P1', 'P2_1/c', 'Cmce', 'P6_3/mmc', 'Fd-3m']
    """
    return space_group(number).symbol


def crystal_system(number: int) -> str:
    """Return the crystal system in lower case, "trigonal" for rhombohedral groups.

    Parameters
    ----------
    number : int
        Space group, 1 to 230.

    Examples
    --------
    >>> crystal_system(166)
    'trigonal'
    """
    return space_group(number).crystal_system


def point_group(number: int) -> str:
    """Return the Hermann-Mauguin symbol of the crystal class, one of 32.

    Parameters
    ----------
    number : int
        Space group, 1 to 230.

    Examples
    --------
    >>> point_group(216)
    '-43m'
    """
    return space_group(number).point_group


def laue_class(number: int) -> str:
    """Return the symbol of the Laue class, one of 11.

    It is the point group with inversion added.

    Parameters
    ----------
    number : int
        Space group, 1 to 230.

    Examples
    --------
    >>> laue_class(216)
    'm-3m'
    """
    return space_group(number).laue_class


def is_centrosymmetric(number: int) -> bool:
    """Tell whether the group contains an inversion.

    Parameters
    ----------
    number : int
        Space group, 1 to 230.

    Examples
    --------
    >>> is_centrosymmetric(225), is_centrosymmetric(216)
    (True, False)
    """
    return space_group(number).is_centrosymmetric


def enantiomorph(number: int) -> int | None:
    """Return the group of the mirror image, None where that is the group itself.

    Parameters
    ----------
    number : int
        Space group, 1 to 230.

    Examples
    --------
    >>> enantiomorph(152), enantiomorph(225)
    (154, None)
    """
    return space_group(number).enantiomorph


def is_absent(number: int, hkl: ArrayLike) -> NDArray[np.bool_]:
    """Tell which reflections are systematically absent, in the standard setting.

    Parameters
    ----------
    number : int
        Space group, 1 to 230.
    hkl : array-like of int, shape (n, 3)
        Miller indices; rhombohedral groups on hexagonal axes (obverse).

    Returns
    -------
    ndarray of bool, shape (n,)

    Raises
    ------
    ValueError
        If `hkl` is not of shape (n, 3) or holds numbers that are not integers.

    Examples
    --------
    >>> is_absent(225, [[1, 0, 0], [1, 1, 1], [2, 0, 0]])
    array([ True, False, False])
    """
    number = check_number(number)
    indices = np.asarray(hkl)
    if indices.size == 0 and indices.ndim < 2:
        indices = np.zeros((0, 3), dtype=np.int32)
    if indices.ndim != 2 or indices.shape[1] != 3:
        raise ValueError(f"hkl has shape {indices.shape}; it should be (n, 3)")
    if indices.dtype.kind not in "iuf":
        raise ValueError(f"hkl holds {indices.dtype}; Miller indices are integers")
    wrong = ~((indices == np.rint(indices)) & (np.abs(indices) < 2**31)).all(axis=1)
    if wrong.any():
        raise ValueError(f"hkl holds {indices[wrong][0].tolist()}; Miller indices are integers")
    whole = np.ascontiguousarray(indices, dtype=np.int32)
    return np.asarray(group_operations(number).systematic_absences(whole), dtype=bool)
