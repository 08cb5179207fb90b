"""``crystalsym identify``: structures, images or reflections in, ranked space groups out."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from copy import copy
from pathlib import Path
from typing import Any

from crystalsym import __version__
from crystalsym._progress import on_terminal
from crystalsym.cli._camera import OPTIONS as CAMERA_OPTIONS
from crystalsym.cli._camera import answer_of_camera, warn_of
from crystalsym.cli._messages import InputError, one_line, warn
from crystalsym.cli._page import check_page_path, write_page
from crystalsym.cli._reflection_lists import are_reflections
from crystalsym.cli._reflection_lists import run as run_lists
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
)

DEFAULT_MODEL, OF_ELECTRONS, OF_CAMERA = "72", "72-electron", "72-camera"
_BATCH = 32  # structures answered at a time


def run(args: argparse.Namespace) -> int:
    """Answer, print, plot; returns the exit code."""
    if args.files and not args.examples and are_reflections(args.files, args.reflections):
        return run_lists(args)
    if args.cell is not None or args.reflections:
        warn("--cell and --reflections are for reflection lists and have no effect on others")
    args.camera = args.camera or args.zones is not None
    args.of_images = bool(args.files and not args.examples and are_images(args.files, args.camera))
    of_electrons = args.voltage is not None and not args.of_images
    if of_electrons:
        args.model = args.model or OF_ELECTRONS
    args.given_model = args.model
    args.model = args.model or (OF_CAMERA if args.of_images and args.camera else DEFAULT_MODEL)
    args.pipeline = _of_voltage(args) if of_electrons else None
    if args.output is not None:
        return _write_table(args)
    if args.jobs is not None:
        warn("--jobs goes with --output and has no effect without it")
    check_figure_path(args.plot)
    check_page_path(args.report)
    failures = Failures(args.strict)
    answers: list[Answer] = []
    for answer in _answers(args, failures):
        if not ((args.plot or args.report) and wants_patterns(len(answers))):
            answer.raw = answer.shaped = answer.source.crystal = None
        answers.append(answer)
        if not args.json:
            print(table(answer, args.symprec), flush=True)
    if answers and args.json:
        print(json.dumps({
            "inputs": [as_json(answer, args.symprec) for answer in answers],
            "errors": failures.found,
            "model": getattr(answers[0].record, "model", None) or args.model,
            "version": __version__,
        }, indent=2))  # fmt: skip
    if answers and args.plot:
        pipeline = _pipeline(args)
        _keep_patterns(answers, pipeline, args.symprec)
        write_figure(args.plot, answers, pipeline[0], frozenset(map(int, pipeline[-1].classes_)))
    if answers and args.report:
        _keep_patterns(answers, _pipeline(args), args.symprec)
        write_page(args.report, [a.record for a in answers], args.given_model,
                   [a.raw for a in answers], failures.found)  # fmt: skip
    return failures.exit_code(len(answers))


def _of_voltage(args: argparse.Namespace) -> Any:
    """The model of electrons, its simulator set to the voltage asked for.

    Refused are voltages that the model has not learned from.
    """
    from sklearn.base import clone

    pipeline = load_pipeline(args.model)
    simulator = pipeline[0]
    own = simulator.voltage if simulator.radiation == "electron" else None
    if own == args.voltage:
        return pipeline
    known = pipeline[-1].metadata_.get("voltages")
    if own is None or known is None or not known[0] <= args.voltage <= known[1]:
        wants = "X-rays" if own is None else f"electrons of {own:g} kV"
        if own is not None and known is not None:
            wants = f"electrons of {known[0]:g} to {known[1]:g} kV"
        raise InputError(
            f"--voltage {args.voltage:g}: the model {args.model} simulates structures as {wants}"
            " show them; leave --voltage out, or choose another --model"
        )
    set_to = clone(simulator).set_params(voltage=args.voltage).fit()
    return type(pipeline)([(pipeline.steps[0][0], set_to), *pipeline.steps[1:]])


def _pipeline(args: argparse.Namespace) -> Any:
    return args.pipeline or load_pipeline(args.model)


def load_pipeline(name: str) -> Any:
    """Load the fitted pipeline of a bundled model or of a folder."""
    from crystalsym.identification import model_pipeline

    try:
        return model_pipeline(name)
    except (ValueError, OSError) as problem:
        raise InputError(one_line(problem)) from problem


def _answers(args: argparse.Namespace, failures: Failures) -> Iterator[Answer]:
    """One answer after the other."""
    if args.of_images:
        yield _answer_of_images(args)
        return
    _warn_of_camera(args, of_structures=True)
    if args.q_per_pixel is not None:
        warn("--q-per-pixel is for images and has no effect on structures")
    for sources in _batches(args, failures):
        if sources:  # the model is loaded when there is something to ask it
            yield from _answers_of(_pipeline(args), sources, args, failures)


def _batches(args: argparse.Namespace, failures: Failures) -> Iterator[list[Source]]:
    """The structures asked for, some at a time."""
    from crystalsym.crystals._lists import grouped
    from crystalsym.datasets import CrystalTable

    inputs = _structures(args)
    if isinstance(inputs, CrystalTable):
        for start in range(0, len(inputs), _BATCH):
            yield _sources_of_table(args.files[0], inputs, start, failures)
        return
    if args.examples or not args.files:
        yield from grouped(example_crystals(), _BATCH)
        return
    for files in grouped(inputs, _BATCH):
        yield read_crystals(files, failures, args.block)


def _structures(args: argparse.Namespace) -> Any:
    """Paths of structure files, or a table of crystals."""
    from crystalsym.datasets import CrystalTable, example_crystals
    from crystalsym.identification import structure_files

    if args.examples or not args.files:
        if args.files:
            raise InputError(f"{args.files[0]}: give either FILES or --examples")
        return [str(path) for path in example_crystals().values()]
    tables = [file for file in args.files if Path(file).suffix.lower() == ".npz"]
    if tables and len(args.files) > 1:
        raise InputError(f"{tables[0]}: a table of crystals comes alone")
    try:
        return CrystalTable.load(tables[0]) if tables else structure_files(args.files)
    except (ValueError, OSError) as problem:
        raise InputError(one_line(problem)) from problem


def _sources_of_table(file: str, crystals: Any, start: int, failures: Failures) -> list[Source]:
    sources = []
    for row in range(start, min(start + _BATCH, len(crystals))):
        name = f"row {row}" if crystals.names is None else str(crystals.names[row])
        try:
            sources.append(Source(f"{file}, {name}", name, crystals[row]))
        except ValueError as problem:
            failures.add(f"{file}, {name}", problem)
    return sources


def _answers_of(
    pipeline: Any, sources: list[Source], args: argparse.Namespace, failures: Failures
) -> Iterator[Answer]:
    """Answers for those structures that have one."""
    from dataclasses import replace

    from crystalsym.identification import identify

    try:
        records = identify(
            [source.crystal for source in sources], pipeline,
            top=args.top, coverage=args.coverage, symprec=args.symprec,
        )  # fmt: skip
    except ValueError as problem:
        raise InputError(one_line(problem)) from problem
    for source, record in zip(sources, records, strict=True):
        if record.error is None:
            named = replace(record, source=str(source.path))
            yield Answer(source, named, True, coverage=args.coverage)
        else:
            failures.add(str(source.path), record.error)


def _answer_of_images(args: argparse.Namespace) -> Answer:
    from crystalsym.identification import Identification
    from crystalsym.identification._identifying import answers

    patterns = read_images(args.files, args.camera)
    if args.camera:
        return _answer_of_camera(args, patterns)
    pipeline = load_pipeline(args.model)
    _warn_of_camera(args)
    source, raw = fit_images(args.files, patterns, pipeline[0], args.q_per_pixel)
    shaped = pipeline[1:-1].transform(raw)
    for file, picture in zip(args.files, shaped[0], strict=False):
        if not picture[..., 0].any():
            raise InputError(
                f"{file}: no spot is found; is it inverted, or its q scale wrong (--q-per-pixel)?"
            )
    try:
        (found,) = answers(pipeline[-1], shaped, args.top, args.coverage)
    except ValueError as problem:
        raise InputError(one_line(problem)) from problem
    record = Identification(source.name, **found)
    return Answer(source, record, False, args.coverage, raw[0], shaped[0])


def _answer_of_camera(args: argparse.Namespace, patterns: list[Any]) -> Answer:
    """Answer a camera's images; refused ones end here, on a page if one is wanted."""
    from crystalsym.plotting._spot_images import spot_images

    record = answer_of_camera(args.files, patterns, args)
    warn_of(record)
    if record.error is not None:
        if args.report:
            write_page(args.report, [record], args.given_model)
        raise InputError(one_line(record.error, None if ":" in record.error else args.files[0]))
    source = Source(list(args.files), str(record.source))
    raw = shaped = None
    if record.patterns is not None and args.plot:
        raw = spot_images(record.patterns)[0]
        shaped = load_pipeline(args.model)[1:-1].transform(record.patterns)[0]
    return Answer(source, record, False, args.coverage, raw, shaped)


def _warn_of_camera(args: argparse.Namespace, of_structures: bool = False) -> None:
    """Say what has no effect without --camera; a voltage chooses the model of structures."""
    for option in CAMERA_OPTIONS:
        if option == "voltage" and of_structures:
            continue
        if getattr(args, option) is not None:
            warn(f"--{option.replace('_', '-')} goes with --camera and has no effect without it")


def _keep_patterns(answers: list[Answer], pipeline: Any, symprec: float) -> None:
    """Give the answers that a figure shows their patterns."""
    drawn = [answer for answer in answers if answer.source.crystal is not None]
    if not drawn:
        return
    simulator = copy(pipeline[0]).set_params(symprec=symprec)
    raw = simulator.transform([answer.source.crystal for answer in drawn])
    shaped = pipeline[1:-1].transform(raw)
    for row, answer in enumerate(drawn):
        answer.raw, answer.shaped = raw[row], shaped[row]


def _write_table(args: argparse.Namespace) -> int:
    """Identify into a table; returns the exit code."""
    from crystalsym.identification import identify_many

    for option in ("plot", "report", "json", "strict", "block"):
        if getattr(args, option):
            raise InputError(f"--output writes a table, and --{option} goes without it")
    if args.files and not args.examples and are_images(args.files):
        raise InputError(f"{args.files[0]}: --output is for structures, not for images")
    if args.q_per_pixel is not None:
        warn("--q-per-pixel is for images and has no effect on structures")
    if args.pipeline is not None and args.voltage != (own := load_pipeline(args.model)[0].voltage):
        raise InputError(
            f"--voltage {args.voltage:g}: --output is for the model's own {own:g} kV alone"
        )
    try:
        done = identify_many(
            _structures(args), args.output, model=args.model, top=args.top,
            coverage=args.coverage, symprec=args.symprec, n_jobs=args.jobs,
            verbose=int(on_terminal()),
        )  # fmt: skip
    except (ValueError, OSError, ImportError) as problem:
        raise InputError(one_line(problem)) from problem
    answered = done.n_structures - done.n_failed
    print(f"{done.path}: {answered} of {done.n_structures} structures identified"
          + (f", {done.n_failed} have a reason instead" if done.n_failed else ""))  # fmt: skip
    return 0 if not done.n_failed else 1 if answered else 2
