"""``crystalsym train``: a model from a file of crystals and one TOML file."""

from __future__ import annotations

import argparse
import json

from crystalsym.cli._messages import InputError, one_line


def run(args: argparse.Namespace) -> int:
    """Train, evaluate, print the held-out figures; returns the exit code."""
    from crystalsym.training._training import TrainingConfig, refit, train

    try:
        config = TrainingConfig.read(args.config, args.structures)
        work = refit if args.refit else train
        result = work(config, args.output, n_jobs=args.jobs, verbose=0 if args.quiet else 1)
    except (ValueError, TypeError, OSError) as problem:
        raise InputError(one_line(problem, args.config)) from problem
    print(json.dumps(result["held_out"], indent=2))
    return 0
