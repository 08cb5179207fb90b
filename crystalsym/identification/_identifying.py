"""From structures to answers: read, standardize once, simulate, shape, predict."""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from crystalsym.bundles._bundled_models import DESCRIPTION
from crystalsym.crystals import Crystal, as_crystal, space_group_number, standardize
from crystalsym.identification._identification import Identification
from crystalsym.identification._structure_inputs import listed, source_name

# Crystals whose patterns are held at a time: 25 MB where a model wants images.
CHUNK = 32

_loading = threading.Lock()
# Keras compiles a network for prediction when it is first used, which threads must not do at once.
_predicting = threading.Lock()


def model_pipeline(model: Any) -> Any:
    """Load a fitted pipeline, once in a process.

    Parameters
    ----------
    model : str, int, path-like or Pipeline
        Name of a bundled model, or what ``save_pipeline`` or ``crystalsym train`` wrote.
        A pipeline comes back as it is.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Not to be changed: others use it, too.

    Raises
    ------
    ValueError, FileNotFoundError
        If there is no such model, or it cannot be read.

    Examples
    --------
    >>> from crystalsym.identification import model_pipeline
    >>> model_pipeline("72") is model_pipeline(72)
    True
    """
    if hasattr(model, "steps"):
        return model
    from crystalsym.bundles import find_model

    path = find_model(model).resolve()
    changed = (path / DESCRIPTION if path.is_dir() else path).stat().st_mtime_ns
    with _loading:
        return _loaded(str(path), changed)


@functools.lru_cache(maxsize=2)
def _loaded(path: str, changed: int) -> Any:
    from crystalsym.pretrained import load_pipeline

    return load_pipeline(path)


def identify(
    structures: Any,
    model: Any = "72",
    *,
    top: int = 5,
    coverage: float | None = None,
    symprec: float | None = None,
) -> list[Identification]:
    """Identify the space groups of structures.

    What a structure lacks or what is wrong with it stands in its own record; the others get their
    answers.

    Parameters
    ----------
    structures : list of structures or CrystalTable
        Paths, crystals, pymatgen Structures, ASE Atoms. All are held in memory with their shaped
        patterns; :func:`identify_many` takes any number.
    model : str, path-like or Pipeline, default="72"
        Name of a bundled model, folder of a saved one, or a fitted pipeline.
    top : int, default=5
        Groups in a ranking.
    coverage : float, optional
        Also give the groups that hold the true one so often, such as 0.95.
    symprec : float, optional
        Tolerance of the symmetry finder in Å, for its own answer and for the standard cell that is
        simulated; by default that of the model's simulator.

    Returns
    -------
    list of Identification
        One for each structure.

    Raises
    ------
    TypeError
        If ``structures`` is one structure instead of a list.
    ValueError
        If there is no such model, or it gives no prediction sets of that coverage.

    Examples
    --------
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.identification import identify
    >>> found, missing = identify([example_crystals()["NaCl"], "nowhere.cif"])
    >>> found.formula, found.finder_group, found.ranking[0][0]
    ('Cl4Na4', 225, 225)
    >>> missing.error
    'nowhere.cif: no such file'
    """
    structures = listed(structures)
    pipeline = model_pipeline(model)
    simulator = pipeline[0]
    tolerance = float(simulator.symprec if symprec is None else symprec)
    labels = frozenset(int(group) for group in pipeline[-1].classes_)
    records: list[Identification] = []
    ready: list[int] = []
    crystals: list[Crystal] = []
    for row in range(len(structures)):
        source = source_name(structures, row)
        try:
            given = as_crystal(structures[row])
            source = source or given.name
            crystal = given
            if simulator.standardize:
                crystal = standardize(given, tolerance, simulator.idealize, simulator.finder)
        except Exception as problem:  # whatever a parser stumbles over in a file
            records.append(Identification(source, error=reason(problem)))
            continue
        ready.append(row)
        crystals.append(crystal)
        records.append(_about(source, given, crystal, tolerance, simulator.finder, labels))
    shaped, failed = _shaped(pipeline, crystals)
    for place, cause in failed.items():
        records[ready[place]] = replace(records[ready[place]], error=reason(cause))
    done = [row for place, row in enumerate(ready) if place not in failed]
    if done:
        for row, answer in zip(done, answers(pipeline[-1], shaped, top, coverage), strict=True):
            records[row] = replace(records[row], **answer)
    return records


def answers(
    classifier: Any,
    shaped: Any,
    top: int,
    coverage: float | None,
    join: Callable[[np.ndarray], np.ndarray] | None = None,
) -> list[dict[str, Any]]:
    """Give what a classifier says of shaped patterns, as the fields of an Identification.

    ``join`` makes fewer rows of the probabilities, where several are of one crystal.
    """
    from crystalsym.classification._class_probabilities import dynamical_views_of
    from crystalsym.classification._prediction_sets import prediction_sets, set_threshold

    classes = np.asarray(classifier.classes_)
    with _predicting:
        probabilities = np.asarray(classifier.predict_proba(shaped))
        sets = None if coverage is None else classifier.predict_set(shaped, coverage)
    if join is not None:
        probabilities = join(probabilities)
        if coverage is not None:
            threshold = set_threshold(classifier.set_scores_, classifier.n_calibration_, coverage)
            sets = prediction_sets(probabilities, classes, threshold)
    return answers_of(probabilities, classes, top, sets, dynamical_views_of(classifier))


def answers_of(
    probabilities: np.ndarray,
    classes: np.ndarray,
    top: int,
    sets: Any = None,
    views: str | None = None,
) -> list[dict[str, Any]]:
    """Give rankings and diffraction classes of probabilities, as fields of an Identification.

    Classes are those of dynamical patterns where views of such are given.
    """
    from crystalsym.classification._class_probabilities import leading_classes

    members, totals = leading_classes(probabilities, classes, views)
    found: list[dict[str, Any]] = []
    for row, shares in enumerate(probabilities):
        if np.isnan(shares).any():
            found.append({"error": "its patterns could not be simulated"})
            continue
        best = np.argsort(-shares, kind="stable")[:top]
        found.append(
            {
                "ranking": tuple((int(classes[k]), float(shares[k])) for k in best),
                "diffraction_class": tuple(members[row]),
                "class_probability": float(totals[row]),
                "prediction_set": None if sets is None else tuple(map(int, sets[row])),
            }
        )
    return found


def reason(problem: BaseException) -> str:
    """Put a problem into one line."""
    return " ".join(str(problem).split()) or type(problem).__name__


def _about(
    source: str | None,
    given: Crystal,
    standard: Crystal,
    symprec: float,
    finder: str,
    labels: frozenset[int],
) -> Identification:
    notes = [*getattr(given, "notes", ()), *getattr(standard, "notes", ())]
    group = None
    try:
        # Remembered by a crystal that was just standardized.
        group = space_group_number(standard, symprec, finder)
    except Exception as problem:  # it is asked for comparison only
        notes.append(f"symmetry finder: {reason(problem)}")
        warnings.warn(f"{source or given.formula}: {notes[-1]}", stacklevel=3)
    return Identification(
        source,
        given.formula,
        group,
        None if group is None else group in labels,
        warnings=tuple(dict.fromkeys(notes)),
    )


def _shaped(pipeline: Any, crystals: list[Crystal]) -> tuple[Any, dict[int, BaseException]]:
    """Shaped patterns of those crystals that can be simulated, and what is wrong with the others.

    The simulator is given standard cells, which it takes as they are.
    """
    parts: list[Any] = []
    failed: dict[int, BaseException] = {}
    simulate, shape = pipeline[0].transform, pipeline[1:-1].transform
    for start in range(0, len(crystals), CHUNK):
        chunk = crystals[start : start + CHUNK]
        try:
            parts.append(shape(simulate(chunk)))
        except Exception:  # one of them: find out which, and go on with the others
            for place, crystal in enumerate(chunk, start):
                try:
                    patterns = simulate([crystal])
                except Exception as problem:
                    # The simulator numbers the structures of its list; the cause alone speaks of
                    # this one.
                    failed[place] = problem.__cause__ or problem
                else:
                    parts.append(shape(patterns))
    return (np.concatenate(parts) if parts else None), failed
