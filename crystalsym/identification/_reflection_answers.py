"""From reflection lists to ranked space groups."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from crystalsym.identification._identification import Identification
from crystalsym.identification._identifying import answers_of, model_pipeline, reason
from crystalsym.identification._refusals import refusal
from crystalsym.identification._weighing import Opinion, Weights, weighed
from crystalsym.reflections import (
    Reduction,
    ReflectionBlocks,
    ReflectionList,
    as_reflection_list,
    group_likelihoods,
    reduce_reflections,
    reflection_block,
    sections,
)

if TYPE_CHECKING:
    from crystalsym.diffraction import SpotPatterns
    from crystalsym.reflections import Evidence, MergedReflections


@dataclass(frozen=True)
class ReflectionIdentification(Identification):
    """Hold the answer to one reflection list, or the reason why there is none.

    Attributes
    ----------
    source, formula, finder_group, finder_group_known, ranking, diffraction_class, \
    class_probability, prediction_set, warnings, error
        As in :class:`Identification`; what a list does not tell is None.
    n_reflections : int or None
        Measurements in the list.
    laue_class, centering : str or None
        Of the most probable hypothesis, in its standard setting.
    laue_probability : float or None
    cell : tuple of float or None
        In that setting.
    reliability : float or None
        How often first groups like this one are right, by simulated lists.
    refused : str or None
        Why the ranking should not be believed.
    carried : dict
        What the file says of symmetry and atoms; nothing of it was used.
    evidence : Evidence or None
    layers : SpotPatterns or None
        The three layers of the most probable hypothesis, as the network saw them.

    Examples
    --------
    >>> from crystalsym.identification import ReflectionIdentification
    >>> answer = ReflectionIdentification("x.hkl", error="x.hkl: no such file")
    >>> answer.ranking, answer.error
    ((), 'x.hkl: no such file')
    """

    n_reflections: int | None = None
    laue_class: str | None = None
    centering: str | None = None
    laue_probability: float | None = None
    cell: tuple[float, ...] | None = None
    reliability: float | None = None
    refused: str | None = None
    carried: dict[str, Any] = field(default_factory=dict)
    evidence: Evidence | None = None
    layers: SpotPatterns | None = field(default=None, repr=False, compare=False)


def identify_reflections(
    lists: Iterable[Any],
    model: Any = "230-lists",
    *,
    cell: Any = None,
    top: int = 5,
    evidence: bool = True,
) -> list[ReflectionIdentification]:
    """Identify the space groups of measured crystals.

    Parameters
    ----------
    lists : iterable of ReflectionList
        Or paths, gemmi ``Mtz`` or ``ReflnBlock`` objects, and tuples of arrays, as
        :func:`crystalsym.reflections.as_reflection_list` takes them.
    model : str, path-like or Pipeline, default="230-lists"
        One that knows layers of reciprocal space in their indices; of three zones of any
        directions "230-zones" knows more.
    cell : sequence of 6 numbers, optional
        Of all lists, in place of those they bring.
    top : int, default=5
        Groups in a ranking.
    evidence : bool, default=True
        Also gather what speaks for and against the groups, and keep the layers.

    Returns
    -------
    list of ReflectionIdentification
        One for each list; what is wrong with a list stands in its own.

    Raises
    ------
    TypeError
        If ``lists`` is one list instead of several.
    ValueError
        If there is no such model, or it cannot answer lists.

    Examples
    --------
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.identification import identify_reflections
    >>> from crystalsym.measurement import ReflectionSimulator
    >>> crystals = [example_crystals()["MgAl2O4-spinel"]]
    >>> measured = ReflectionSimulator(random_state=1).transform(crystals)
    >>> identify_reflections(measured)[0].laue_class
    'm-3m'
    """
    if isinstance(lists, (ReflectionList, str, bytes)) or hasattr(lists, "__fspath__"):
        raise TypeError("identify_reflections takes several lists: put the one into a list")
    pipeline = model_pipeline(model)
    if not answers_lists(pipeline):
        raise ValueError(
            f"model {model!r} knows whole patterns only; reflection lists need one whose shaper"
            ' has scheme="indices", such as "230-lists", or reads blocks of reflections, such as'
            ' "230-zones"'
        )
    return [_answer(one, pipeline, cell, top, evidence) for one in lists]


def answers_lists(pipeline: Any) -> bool:
    """Whether a model's network reads reflections by their indices."""
    shaper = pipeline["shape"]
    return isinstance(shaper, ReflectionBlocks) or getattr(shaper, "scheme", None) == "indices"


def _answer(
    given: Any, pipeline: Any, cell: Any, top: int, with_evidence: bool
) -> ReflectionIdentification:
    source = given if isinstance(given, str) else getattr(given, "__fspath__", lambda: None)()
    try:
        reflections = as_reflection_list(given, cell)
        source = source or reflections.name or None
        reduction = reduce_reflections(reflections)
        probabilities = group_probabilities(reduction, pipeline)
    except Exception as problem:  # whatever readers stumble over
        return ReflectionIdentification(source, error=reason(problem))
    numbers = np.arange(1, 231)
    answer = answers_of(probabilities[None, 1:], numbers, top)[0]
    first = reduction.hypotheses[0]
    merged = reduction.merged(0)
    weights = weights_of(pipeline)
    best = answer["ranking"][0][1]
    gathered = None
    if with_evidence:
        from crystalsym.reflections import evidence as gather

        gathered = gather(reduction, [group for group, _ in answer["ranking"]])
    return ReflectionIdentification(
        source,
        **answer,
        warnings=reflections.notes,
        n_reflections=len(reflections),
        laue_class=merged.laue,
        centering=merged.centering,
        laue_probability=first.probability,
        cell=merged.cell,
        reliability=weights.reliability(best),
        refused=refusal(reduction),
        carried=dict(reflections.carried),
        evidence=gathered,
        layers=sections(merged) if with_evidence else None,
    )


def group_probabilities(reduction: Reduction, pipeline: Any) -> np.ndarray:
    """Weigh network and evidence under every hypothesis worth following.

    Parameters
    ----------
    reduction : Reduction
    pipeline : Pipeline
        Fitted, with steps ``shape`` and ``classify``.

    Returns
    -------
    ndarray of shape (231,)
        Probability of each space group; that of number 0 is 0.
    """
    return weighed(opinions_of(reduction, pipeline), weights_of(pipeline))


def opinions_of(reduction: Reduction, pipeline: Any) -> list[Opinion]:
    """What network and evidence say under every hypothesis; all settings are heard alike."""
    weights = weights_of(pipeline)
    least = weights.least * reduction.hypotheses[0].probability
    followed = [
        (number, one)
        for number, one in enumerate(reduction.hypotheses[: int(weights.most)])
        if one.probability >= least
    ]
    seen, counts, likelihoods = [], [], []
    for number, _ in followed:
        merged, settings = reduction.merged(number), reduction.settings(number)
        seen += [(merged, change) for change in settings]
        counts.append(len(settings))
        likelihoods.append(group_likelihoods(merged, settings))
    shaped = _shaped(seen, pipeline["shape"])
    classifier = pipeline["classify"]
    probabilities = np.asarray(classifier.predict_proba(shaped), dtype=np.float64)
    known = np.zeros((len(probabilities), 231))
    known[:, np.asarray(classifier.classes_, dtype=int)] = probabilities
    parts = np.split(known, np.cumsum(counts)[:-1])
    return [
        Opinion(one.probability, part.mean(axis=0)[found.numbers], found)
        for (_, one), part, found in zip(followed, parts, likelihoods, strict=True)
    ]


def _shaped(seen: list[tuple[MergedReflections, np.ndarray]], shaper: Any) -> np.ndarray:
    """What a model's network reads of lists in some settings."""
    from crystalsym.diffraction import SpotPatterns

    if isinstance(shaper, ReflectionBlocks):
        return np.stack([reflection_block(merged, change) for merged, change in seen])
    layers = [sections(merged, change) for merged, change in seen]
    return np.asarray(shaper.transform(SpotPatterns.concatenate(layers)))


def weights_of(pipeline: Any) -> Weights:
    """The powers that a model's card names, or those by default."""
    card = getattr(pipeline["classify"], "metadata_", None) or {}
    return Weights.of(card.get("lists", {}))
