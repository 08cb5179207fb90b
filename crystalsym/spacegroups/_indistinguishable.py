"""The groups that patterns of either kind cannot tell apart by symmetry."""

from __future__ import annotations

from crystalsym.spacegroups._diffraction_classes import diffraction_class
from crystalsym.spacegroups._dynamical_classes import dynamical_class


def indistinguishable(
    number: int, dynamical_views: str | None = None, kind: str = "zone-axes"
) -> tuple[int, ...]:
    """Return the diffraction class of a group, kinematic or dynamical.

    Parameters
    ----------
    number : int
        Space group, 1 to 230.
    dynamical_views : {"symmetry-directions", "zone-axes"}, optional
        Views of dynamical patterns, whose classes are wanted: :func:`dynamical_class`. Default:
        those of kinematic patterns, :func:`diffraction_class`.
    kind : {"zone-axes", "full"}, default="zone-axes"
        Of kinematic classes.

    Raises
    ------
    ValueError
        If the number is no space group's, there are no such views or no such kind, or both views
        and a kind are asked for.

    Examples
    --------
    >>> indistinguishable(216), indistinguishable(216, "symmetry-directions")
    ((209, 216, 219, 225, 226), (216,))
    """
    if dynamical_views is None:
        return diffraction_class(number, kind)
    if kind != "zone-axes":
        raise ValueError(
            f"kind={kind!r} is of kinematic diffraction classes; dynamical ones"
            f" (dynamical_views={dynamical_views!r}) have no kind"
        )
    return dynamical_class(number, dynamical_views)
