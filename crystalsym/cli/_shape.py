"""``crystalsym shape``: patterns as the network sees them."""

from __future__ import annotations

import argparse

import numpy as np

from crystalsym.cli._identify import load_pipeline
from crystalsym.cli._messages import InputError, one_line
from crystalsym.cli._simulate import Stems, output_folder
from crystalsym.cli._sources import (
    Failures,
    are_images,
    fit_images,
    read_crystals,
    read_images,
    simulate,
)

_READABLE = 256  # pixels along the edge of a picture


def run(args: argparse.Namespace) -> int:
    """Shape and write, printing the files' names; returns the exit code."""
    from PIL import Image

    from crystalsym.plotting import shaped_to_rgb

    failures = Failures(args.strict)
    if are_images(args.files):
        patterns = read_images(args.files)
        pipeline = load_pipeline(args.model)
        source, raw = fit_images(args.files, patterns, pipeline[0], args.q_per_pixel)
        batches = iter([([source], raw)])
    else:
        sources = read_crystals(args.files, failures, args.block)
        if not sources:
            return failures.exit_code(0)
        pipeline = load_pipeline(args.model)
        batches = simulate(pipeline[0], sources, failures)
    folder = output_folder(args.output)
    stems = Stems()
    n_written = 0
    for batch, raw in batches:
        for source, shaped in zip(batch, pipeline[1:-1].transform(raw), strict=True):
            stem = stems.of(source)
            for stream, image in zip("xyz", shaped, strict=True):
                path = folder / f"{stem}_shaped_{stream}.png"
                gray = np.rint(255 * shaped_to_rgb(image)).astype(np.uint8)
                scale = args.scale or max(1, round(_READABLE / len(gray)))
                gray = gray.repeat(scale, axis=0).repeat(scale, axis=1)
                try:
                    Image.fromarray(gray).save(path)
                except OSError as problem:
                    raise InputError(one_line(problem, path)) from problem
                print(path)
            n_written += 1
    return failures.exit_code(n_written)
