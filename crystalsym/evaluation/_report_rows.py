"""One model, many figures: fewer groups, and crystals or patterns unlike those of the training."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from crystalsym import metrics
from crystalsym.datasets._table import CrystalTable
from crystalsym.evaluation._evaluation import Evaluation, answers
from crystalsym.evaluation._unseen import unseen_groups
from crystalsym.evaluation._variants import found_at, jittered_scale, permuted_axes
from crystalsym.spacegroups import label_set

SUBSETS = ("8", "20", "49", "72")
"""Label sets to which the same answers are restricted."""

VARIANTS = (
    "unidealized", "electrons", "symprec-0.01", "axes-permuted", "scale-jittered", "unseen-30",
)  # fmt: skip
"""Other crystals or other patterns, rendered for themselves."""

NEED_ORIGINAL = ("unidealized", "symprec-0.01")
FINE_SYMPREC = 0.01
# Rows under the names of version 0.1.0.
FORMER = {"unidealised": "unidealized"}


def available_rows(classes: Any) -> tuple[str, ...]:
    """Name the rows that make sense for a model of these groups.

    Label sets it knows more groups than; and ``"unseen-30"`` if it knows none of these.

    Parameters
    ----------
    classes : array-like of int
        The model's groups.

    Examples
    --------
    >>> from crystalsym.evaluation import available_rows
    >>> from crystalsym.spacegroups import label_set
    >>> available_rows(label_set("72"))[:4], available_rows(label_set("230"))[:4]
    (('8', '20', '49', 'unidealized'), ('8', '20', '49', '72'))
    """
    known = set(np.asarray(classes).tolist())
    unseen = known.isdisjoint(label_set("unseen30"))
    subsets = tuple(name for name in SUBSETS if set(label_set(name)) < known)
    return subsets + tuple(name for name in VARIANTS if name != "unseen-30" or unseen)


def check_rows(rows: Iterable[str], classes: Any) -> None:
    """Refuse rows that a model of these groups cannot have.

    Parameters
    ----------
    rows : iterable of str
    classes : array-like of int
        The model's groups.

    Raises
    ------
    ValueError
        Naming the first that it cannot have.

    Examples
    --------
    >>> from crystalsym.evaluation import check_rows
    >>> from crystalsym.spacegroups import label_set
    >>> check_rows(["electrons", "49"], label_set("72"))
    """
    possible = available_rows(classes)
    for name in known_as(rows):
        if name not in SUBSETS + VARIANTS:
            raise ValueError(f"no row {name!r}; there are {', '.join(SUBSETS + VARIANTS)}")
        if name == "unseen-30" and name not in possible:
            raise ValueError(
                "row 'unseen-30' is for models that were trained on none of the 30 groups"
                " of label_set('unseen30'); this one knows some of them"
            )
        if name not in possible:
            raise ValueError(f"row {name!r} is for models of these and more groups")


def known_as(rows: Iterable[str]) -> tuple[str, ...]:
    """Rows by their present names."""
    return tuple(FORMER.get(name, name) for name in rows)


def evaluate_rows(
    pipeline: Any,
    crystals: CrystalTable,
    labels: Any,
    rows: Iterable[str] | None = None,
    *,
    original: CrystalTable | None = None,
    unseen: CrystalTable | None = None,
    base: str = "held-out",
    random_state: int = 0,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> dict[str, Evaluation]:
    """Measure a model on labeled crystals, and how its figures change with the task.

    Parameters
    ----------
    pipeline : Pipeline
        Simulator, shaper and classifier, fitted.
    crystals : CrystalTable
        Standardized, or else they are.
    labels : array-like of int, shape (n,)
    rows : iterable of str, optional
        Rows beside the first, by default the label sets of :func:`available_rows`:

        * ``"8"``, ``"20"``, ``"49"``, ``"72"``: crystals of the label set alone, probabilities
          restricted to its groups;
        * ``"unidealized"``: as given, nothing moved onto ideal values;
        * ``"electrons"``: electron scattering factors;
        * ``"symprec-0.01"``: labels and cells by the symmetry finder at 0.01 Å; crystals whose
          group the model does not know are left out and counted;
        * ``"axes-permuted"``: axes of orthorhombic and lower cells in random order;
        * ``"scale-jittered"``: cells up to 5 % larger or smaller;
        * ``"unseen-30"``: ``unseen``, half of it as references of
          :class:`crystalsym.SimilarityClassifier`; results are ``"unseen-30 nearest"`` and
          ``"unseen-30 centroid"``.
    original : CrystalTable, optional
        The crystals as they were before they were standardized, for ``"unidealized"`` and
        ``"symprec-0.01"``; by default ``crystals`` if they are not standardized.
    unseen : CrystalTable, optional
        Labeled crystals of groups the model does not know, for ``"unseen-30"``.
    base : str, default="held-out"
        Name of the first row, the crystals as they are.
    random_state : int, default=0
    n_jobs : int, optional
        Threads that render, processes that find symmetry.
    verbose : int, default=0

    Returns
    -------
    dict
        From names to :class:`Evaluation`, ``base`` first.

    Raises
    ------
    ValueError
        If there is no such row, the model has no such figure, or the crystals for it are missing.

    Examples
    --------
    >>> from crystalsym import load_pretrained
    >>> from crystalsym.datasets import CrystalTable, example_crystals
    >>> from crystalsym.evaluation import evaluate_rows
    >>> names = ("NaCl", "Cu", "CsCl")
    >>> table = CrystalTable.from_crystals([example_crystals()[name] for name in names])
    >>> results = evaluate_rows(load_pretrained("72"), table, [225, 225, 221], ["8", "electrons"])
    >>> {name: result.figures["groups"] for name, result in results.items()}
    {'held-out': 2, '8': 2, 'electrons': 2}
    """
    simulator, classifier = pipeline[0], pipeline[-1]
    possible = available_rows(classifier.classes_)
    wanted = tuple(name for name in possible if name in SUBSETS) if rows is None else known_as(rows)
    if not crystals.standard:
        original = crystals if original is None else original
        crystals = crystals.standardized(
            simulator.symprec, n_jobs, verbose, getattr(simulator, "idealize", True)
        )
    check_rows(wanted, classifier.classes_)
    for name in wanted:
        if name in NEED_ORIGINAL and (original is None or original.standard):
            raise ValueError(f"row {name!r} needs the crystals as they were before standardizing")
        if name == "unseen-30" and (unseen is None or unseen.space_group is None):
            raise ValueError(f"row {name!r} needs labeled crystals of those groups")
    labels = np.asarray(labels)
    threads: dict[str, Any] = {"n_jobs": n_jobs, "verbose": verbose}
    results = {base: answers(pipeline, crystals, labels, name=base, **threads)}
    for name in wanted:
        if name in SUBSETS:
            restricted = _restricted(results[base], label_set(name))
            if restricted is not None:
                results[name] = restricted
        elif name == "unseen-30":
            assert unseen is not None
            groups = np.asarray(unseen.space_group, dtype=np.int64)
            for kind, result in unseen_groups(
                pipeline, unseen, groups, random_state=random_state, **threads
            ).items():
                results[f"{name} {kind}"] = result
        else:
            results[name] = _variant(
                name, pipeline, crystals, labels, original, random_state, threads
            )
    return results


def _variant(name, pipeline, crystals, labels, original, random_state, threads) -> Evaluation:
    """The answers on crystals or patterns that were changed."""
    left_out = None
    symprec = pipeline[0].symprec
    if name == "unidealized":
        crystals = original.standardized(symprec, **threads, idealize=False)
    elif name == "electrons":
        simulator = clone(pipeline[0]).set_params(radiation="electron", polarization="ignore")
        pipeline = Pipeline([("simulate", simulator.fit()), *pipeline.steps[1:]])
    elif name == "symprec-0.01":
        crystals, labels, _ = found_at(
            original, FINE_SYMPREC, getattr(pipeline[0], "idealize", True), **threads
        )
        known = np.flatnonzero(np.isin(labels, pipeline[-1].classes_))
        if len(known) == 0:
            raise ValueError(f"row {name!r}: the model knows none of these crystals' groups")
        crystals, labels = crystals.take(known), labels[known]
        left_out = len(original) - len(known)
    elif name == "axes-permuted":
        crystals = permuted_axes(crystals, labels, random_state)
    else:
        crystals = jittered_scale(crystals, random_state)
    result = answers(pipeline, crystals, labels, name=name, **threads)
    if left_out is not None:
        result.figures["left_out"] = left_out
    return result


def _restricted(result: Evaluation, groups: tuple[int, ...]) -> Evaluation | None:
    """The same answers where only these groups come into question; None if there are none."""
    rows = np.flatnonzero(np.isin(result.labels, groups))
    if len(rows) == 0:
        return None
    columns = np.isin(result.classes, groups)
    probabilities = result.probabilities[np.ix_(rows, columns)].astype(np.float64)
    total = probabilities.sum(axis=1, keepdims=True)
    # Where nothing is left for these groups, nothing is known.
    probabilities = np.where(total > 0, probabilities, 1.0) / np.where(total > 0, total, 1.0)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    labels, classes = result.labels[rows], result.classes[columns]
    crystals: Any = result.crystals
    views = result.dynamical_views
    figures = metrics.summary(labels, probabilities, classes, dynamical_views=views)
    return Evaluation(crystals.take(rows), labels, probabilities, classes, figures, views)
