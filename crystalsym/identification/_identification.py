"""What there is to say about one structure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Identification:
    """Hold one structure's answer, or the reason why there is none, in Python's own types.

    Attributes
    ----------
    source : str or None
        The path as it was given, or the crystal's name.
    formula : str or None
        Content of the cell as it was read.
    finder_group : int or None
        The symmetry finder's space group.
    finder_group_known : bool or None
        Whether that is among the groups that the model can give at all.
    ranking : tuple of (int, float)
        Space groups and their probabilities, most probable first.
    diffraction_class : tuple of int
        All of the 230 groups that share the most probable class: the dynamical one
        (:func:`crystalsym.spacegroups.dynamical_class`) if the model learned from dynamical
        patterns, else the kinematic one (:func:`crystalsym.spacegroups.diffraction_class`).
    class_probability : float or None
    prediction_set : tuple of int or None
        Groups that hold the true one as often as was asked for, if it was.
    warnings : tuple of str
        What was guessed on the way.
    error : str or None
        Why there is no answer.

    Examples
    --------
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.identification import identify
    >>> answer = identify([example_crystals()["NaCl"]])[0]
    >>> answer.finder_group, answer.ranking[0][0], answer.error
    (225, 225, None)
    """

    source: str | None
    formula: str | None = None
    finder_group: int | None = None
    finder_group_known: bool | None = None
    ranking: tuple[tuple[int, float], ...] = ()
    diffraction_class: tuple[int, ...] = ()
    class_probability: float | None = None
    prediction_set: tuple[int, ...] | None = None
    warnings: tuple[str, ...] = ()
    error: str | None = None
