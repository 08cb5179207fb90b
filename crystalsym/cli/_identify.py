"""``crystalsym identify``: structures or three images in, ranked space groups out."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from crystalsym import __version__
from crystalsym.classification._class_probabilities import leading_classes
from crystalsym.cli._messages import InputError, one_line, warn
from crystalsym.cli._report import (
    Answer,
    as_json,
    check_figure_path,
    table,
    wants_patterns,
    write_figure,
)
from crystalsym.cli._sources import (
    Failures,
    Source,
    are_images,
    example_crystals,
    fit_images,
    read_crystals,
    read_images,
    simulate,
)


def run(args: argparse.Namespace) -> int:
    """Answer, print, plot; returns the exit code."""
    check_figure_path(args.plot)
    failures = Failures(args.strict)
    answers: list[Answer] = []
    simulator = None
    for pipeline, answer in _answers(args, failures):
        simulator = pipeline[0]
        if not (args.plot and wants_patterns(len(answers))):
            answer.raw = answer.shaped = None
        answers.append(answer)
        if not args.json:
            labels = frozenset(int(g) for g in pipeline[-1].classes_)
            print(table(answer, labels, args.symprec), flush=True)
    if answers and args.json:
        print(json.dumps({
            "inputs": [as_json(answer, args.symprec) for answer in answers],
            "errors": failures.found,
            "model": args.model,
            "version": __version__,
        }, indent=2))  # fmt: skip
    if answers and args.plot:
        write_figure(args.plot, answers, simulator)
    return failures.exit_code(len(answers))


def load_pipeline(name: str) -> Any:
    """Load the fitted pipeline of a bundled model or of a folder."""
    from crystalsym.bundles import find_model
    from crystalsym.pretrained import load_pipeline as load

    try:
        return load(find_model(name))
    except (ValueError, OSError) as problem:
        raise InputError(one_line(problem)) from problem


def _answers(args: argparse.Namespace, failures: Failures) -> Iterator[tuple[Any, Answer]]:
    """The fitted pipeline and one answer after the other."""
    if args.files and not args.examples and are_images(args.files):
        patterns = read_images(args.files)
        pipeline = load_pipeline(args.model)
        source, raw = fit_images(args.files, patterns, pipeline[0], args.q_per_pixel)
        yield from _classify(pipeline, [source], raw, args)
        return
    if args.examples or not args.files:
        if args.files:
            raise InputError(f"{args.files[0]}: give either FILES or --examples")
        sources = example_crystals()
    else:
        sources = read_crystals(args.files, failures)
    if args.q_per_pixel is not None:
        warn("--q-per-pixel is for images and has no effect on structures")
    if not sources:
        return
    pipeline = load_pipeline(args.model)
    for batch, raw in simulate(pipeline[0], sources, failures):
        yield from _classify(pipeline, batch, raw, args)


def _classify(
    pipeline: Any, sources: list[Source], raw: Any, args: argparse.Namespace
) -> Iterator[tuple[Any, Answer]]:
    """Answers for raw patterns (n, n_views, H, W) by the rest of the pipeline."""
    classes = np.asarray(pipeline[-1].classes_)
    shaped = pipeline[1:-1].transform(raw)
    probabilities = np.asarray(pipeline[-1].predict_proba(shaped))
    members, totals = leading_classes(probabilities, classes)
    sets = _prediction_sets(pipeline[-1], shaped, args.coverage)
    for i, source in enumerate(sources):
        best = np.argsort(-probabilities[i], kind="stable")[: args.top]
        ranking = [(int(classes[k]), float(probabilities[i, k])) for k in best]
        yield (
            pipeline,
            Answer(
                source,
                ranking,
                members[i],
                float(totals[i]),
                finder=_find_symmetry(source, args.symprec),
                coverage=args.coverage,
                prediction_set=None if sets is None else sets[i],
                raw=raw[i],
                shaped=shaped[i],
            ),
        )


def _prediction_sets(
    classifier: Any, shaped: Any, coverage: float | None
) -> list[list[int]] | None:
    """Prediction sets of shaped patterns, if they are asked for."""
    if coverage is None:
        return None
    try:
        return [groups.tolist() for groups in classifier.predict_set(shaped, coverage)]
    except ValueError as problem:
        raise InputError(one_line(problem)) from problem


def _find_symmetry(source: Source, symprec: float) -> int | None:
    """The symmetry finder's own answer for a structure; None for images or if it finds none."""
    if source.crystal is None:
        return None
    from crystalsym.crystals import space_group_number

    try:
        return int(space_group_number(source.crystal, symprec=symprec))
    except Exception as problem:  # it is asked for comparison only
        warn(one_line(problem, f"{source.path}: symmetry finder"))
        return None
