"""Make one figure or table of the paper again, from its configuration file.

    python benchmarks/paper/run.py benchmarks/paper/figure-2.toml \
        --structures materials_project.npz --output runs/paper --quick

Every configuration names its ``kind``, a module of ``kinds`` that does the work, what the paper
says (``[paper]``), and settings: ``[settings]``, and on top of them ``[tiny]``, ``[quick]`` or
``[full]``. ``--tiny`` takes seconds and makes its own crystals; it shows that a configuration
works, and no more. Written are ``OUTPUT/SIZE/NAME``: figures (.png), tables (.csv), and a paragraph
(.md) that sets what was found against the paper's number. Cut off and called again, a run goes
on with what is missing.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path

from task import SIZES, Task


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("config", type=Path, nargs="+", metavar="CONFIG", help="TOML files")
    parser.add_argument("--structures", type=Path, help="table of crystals (.npz)")
    parser.add_argument("--output", type=Path, default=Path("runs/paper"))
    parser.add_argument("-j", "--jobs", type=int, default=2)
    parser.add_argument("--quiet", action="store_true")
    size = parser.add_mutually_exclusive_group()
    for name in SIZES:
        size.add_argument(f"--{name}", dest="size", action="store_const", const=name)
    parser.set_defaults(size="quick")
    args = parser.parse_args(arguments)
    for config in args.config:
        start = time.monotonic()
        task = Task.read(
            config, args.size, args.output, args.structures, args.jobs, int(not args.quiet)
        )
        outcome = importlib.import_module(f"kinds.{task.kind}").make(task)
        outcome.save(task)
        if not args.quiet:
            print(f"{task.folder} ({time.monotonic() - start:.0f} s)\n{outcome.text}\n")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    main()
