"""From three camera images of each crystal to ranked space groups, or a refusal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from crystalsym.identification._identification import Identification
from crystalsym.identification._identifying import answers, model_pipeline, reason
from crystalsym.identification._order_evidence import order_shares, telling
from crystalsym.identification._reflection_answers import (
    ReflectionIdentification,
    answers_lists,
    identify_reflections,
)

if TYPE_CHECKING:
    from crystalsym.diffraction import SpotPatterns
    from crystalsym.measurement import FoundCrystal, SpotFinder

DEFAULT_MODEL, LIST_MODEL = "72-camera", "230-zones"
# Rows of good images agree to a tenth of this part of their lengths.
DOUBTFUL = 6e-4


@dataclass(frozen=True, eq=False)
class ImageIdentification(Identification):
    """Hold the answer to one crystal's three images, or the reason why there is none.

    Attributes
    ----------
    source, formula, finder_group, finder_group_known, ranking, diffraction_class, \
    class_probability, prediction_set, warnings, error
        As in :class:`Identification`; what images do not tell is None.
    zones : str or None
        The zones held to be seen, first, second and third.
    zones_given : bool
        Whether the user named them.
    model : str or None
        Who answered.
    refused : str or None
        Why the images are not answered, the same as ``error``; or why the ranking should not be
        believed.
    found : FoundCrystal or None
        All that was found in the images.
    patterns : SpotPatterns or None
        What the network was shown; None where a list was answered.
    by_list : ReflectionIdentification or None
        The answer to the list that the images were joined to, where their zones are not those
        that models of patterns know.

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.identification import identify_images
    >>> from crystalsym.measurement import SpotFinder
    >>> noise = np.random.default_rng(0).poisson(10.0, (1, 3, 128, 128))
    >>> identify_images(noise, finder=SpotFinder(0.01))[0].error.split(";")[0]
    'image 0: too few spots (0)'
    """

    zones: str | None = None
    zones_given: bool = False
    model: str | None = None
    refused: str | None = None
    found: FoundCrystal | None = field(default=None, repr=False)
    patterns: SpotPatterns | None = field(default=None, repr=False)
    by_list: ReflectionIdentification | None = field(default=None, repr=False)


def identify_images(
    images: Any,
    model: Any = None,
    *,
    finder: SpotFinder | None = None,
    top: int = 5,
    coverage: float | None = None,
    names: Iterable[str] | None = None,
) -> list[ImageIdentification]:
    """Identify the space groups of crystals by three camera images each.

    Parameters
    ----------
    images : array-like of shape (n, 3, H, W), or sequence of triples
        Of arrays, Patterns, or HyperSpy and pyxem signals.
    model : str, path-like or Pipeline, optional
        By default "72-camera" for images along the symmetry directions, and "230-zones" for those
        along other zones, which have to be given to the finder. The answer names it.
    finder : SpotFinder, optional
        Which knows scale and zones. Its ``q_max`` is by default the model's.
    top : int, default=5
        Groups in a ranking.
    coverage : float, optional
        Also give the groups that hold the true one so often; of images along symmetry directions.
    names : iterable of str, optional
        One for each crystal.

    Returns
    -------
    list of ImageIdentification
        One for each crystal. Refused ones have their reason in ``error`` and ``refused``.

    Raises
    ------
    ValueError
        If there is no such model, or it does not know the zones.

    Examples
    --------
    >>> from crystalsym import DiffractionSimulator
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.identification import identify_images
    >>> from crystalsym.measurement import CameraImages, SpotFinder
    >>> rutile = [example_crystals()["TiO2-rutile"]]
    >>> views = [[0, 0, 1], [1, 0, 0], [1, -1, 0]]
    >>> spots = DiffractionSimulator(views=views, output="spots").transform(rutile)
    >>> images = CameraImages(256, spot_sigma=1.0, rotate=True).render(spots)
    >>> (answer,) = identify_images(images, finder=SpotFinder(zones=["001", "100", "1-10"]))
    >>> answer.zones, answer.ranking[0][0]
    ('[100] [1-10] [001]', 136)
    """
    from crystalsym.measurement import SpotFinder  # which structures and lists do without

    finder = clone(finder or SpotFinder(), safe=False)
    pipeline = model_pipeline(DEFAULT_MODEL if model is None else model)
    of_lists = answers_lists(pipeline)
    if of_lists and finder.zones is None:
        raise ValueError(
            f"model {model!r} answers lists of reflections: images are joined to one when their"
            " zones are known, SpotFinder(zones=...)"
        )
    if finder.q_max is None and not of_lists:
        finder.set_params(q_max=field_of(pipeline[0]))
    labels = list(names) if names is not None else [None] * len(images)
    if len(labels) != len(images):
        raise ValueError(f"names has {len(labels)} entries for {len(images)} crystals")
    found = []
    for name, crystal in zip(labels, finder.find(images), strict=True):
        if crystal.refused is not None:
            found.append(ImageIdentification(
                name, error=crystal.refused, refused=crystal.refused, found=crystal,
                zones_given=finder.zones is not None, warnings=tuple(crystal.notes),
                model=_name(model or DEFAULT_MODEL),
            ))  # fmt: skip
        elif of_lists or not _along_symmetry_directions(crystal):
            if model is not None and not of_lists:
                assert crystal.turning is not None
                raise ValueError(
                    f"model {model!r} knows patterns along the symmetry directions, not along"
                    f" {crystal.turning.zones}; one of lists does, such as {LIST_MODEL!r}"
                )
            found.append(_of_list(name, crystal, model or LIST_MODEL, top))
        else:
            found.append(_of_patterns(name, crystal, finder, pipeline, model, top, coverage))
    return found


def field_of(simulator: Any) -> float:
    """q at the outermost pixel centers of a simulator's patterns, in 1/Å."""
    return float(simulator.q_per_pixel) * (simulator.image_size - 1) / 2


def _along_symmetry_directions(crystal: FoundCrystal) -> bool:
    return crystal.indexing is None or crystal.indexing.directions is not None


def _notes(crystal: FoundCrystal) -> list[str]:
    """What was doubtful or assumed on the way to an answer."""
    assert crystal.turning is not None
    notes = list(crystal.notes)
    if crystal.indexing is None:
        notes.append(
            "the lattices of the three share no rows as those of zones x, y and z do; is their"
            " scale one, and are they zone axes of one crystal?"
            if crystal.turning.zones == "unknown"
            else f"zones {crystal.turning.zones} were assumed, by the rows that the lattices share;"
            " name them if they are others"
        )
        return notes
    if crystal.indexing.misfit > DOUBTFUL:
        notes.append(
            f"rows that the images share differ by {100 * crystal.indexing.misfit:.2g} % in length,"
            " which chance may do as well: are the zones right?"
        )
    if crystal.indexing.alternatives:
        cells = "; ".join(
            " ".join(f"{value:.4g}" for value in cell) for cell in crystal.indexing.alternatives[:3]
        )
        notes.append(f"other cells fit the zones about as well: {cells}")
    return notes


def _of_patterns(
    name: str | None,
    crystal: FoundCrystal,
    finder: SpotFinder,
    pipeline: Any,
    model: Any,
    top: int,
    coverage: float | None,
) -> ImageIdentification:
    """Ask a model of patterns about every order that the images may have."""
    assert crystal.turning is not None
    orders = crystal.orders or [crystal.turning]
    rows = [finder.spots(crystal, one) for one in orders]
    shares = np.eye(1, len(orders))[0]  # all of the first, till answers speak

    def join(probabilities: np.ndarray) -> np.ndarray:
        shares[:] = order_shares(probabilities, [one.doubt for one in orders])
        return shares[None] @ probabilities

    def about() -> dict[str, Any]:
        likeliest = int(shares.argmax())
        return _about(replace(crystal, turning=orders[likeliest]), rows[likeliest], model)

    try:
        shaped = pipeline[1:-1].transform(type(rows[0]).concatenate(rows))
        if not np.nan_to_num(shaped[..., 0]).any(axis=(2, 3)).all():
            return ImageIdentification(name, error="no spot is in the model's field", **about())
        several = join if len(orders) > 1 else None
        (answer,) = answers(pipeline[-1], shaped, top, coverage, several)
    except ZeroDivisionError as problem:  # a pattern that holds no plane lattice in the field
        return ImageIdentification(name, error=reason(problem), **about())
    said = about()
    if several is not None:
        said["warnings"] += (telling(shares, [one.order for one in orders]),)
    return ImageIdentification(name, **answer, **said)


def _about(crystal: FoundCrystal, spots: SpotPatterns, model: Any) -> dict[str, Any]:
    """What there is to say of images besides their answer."""
    from crystalsym.measurement._zone_symbols import parse_zones

    assert crystal.turning is not None
    named = crystal.turning.zones
    zones = None if named == "unknown" else parse_zones(named.split()).astype(np.int16)
    return {
        "zones": named,
        "zones_given": crystal.indexing is not None,
        "model": _name(model or DEFAULT_MODEL),
        "found": crystal,
        "patterns": spots if zones is None else replace(spots, zone=zones[None]),
        "warnings": tuple(_notes(crystal)),
    }


def _of_list(name: str | None, crystal: FoundCrystal, model: Any, top: int) -> ImageIdentification:
    """Ask a model of lists about all reflections together."""
    assert crystal.turning is not None
    reflections = crystal.reflections()
    (answer,) = identify_reflections([reflections], model, top=top)
    own = {one.name: getattr(answer, one.name) for one in fields(Identification)}
    own["source"] = name
    own["warnings"] = (*_notes(crystal), *reflections.notes)
    return ImageIdentification(
        **own, zones=crystal.turning.zones, zones_given=True, model=_name(model),
        refused=answer.refused, found=crystal, by_list=answer,
    )  # fmt: skip


def _name(model: Any) -> str:
    return "a pipeline" if hasattr(model, "steps") else str(model)
