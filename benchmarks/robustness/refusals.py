"""Images that hold no answer, and good ones: how many of either are refused or flagged.

    python benchmarks/robustness/refusals.py --structures materials_project.npz --output DIR -n 100

Of every kind n triples are drawn. Refused is what ``SpotFinder`` refuses; flagged is what it
answers with a warning: zones "unknown", whose images share no rows as those of one crystal do;
strong spots off the lattice; two places that the direct beam may have.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jobs
from crystals import SIDES, chosen
from kinds import KINDS, told
from run import MODEL


def main() -> None:
    """Draw, look, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--structures", help="table of crystals, the model's own, where none is kept in DIR yet"
    )
    parser.add_argument("--cache", help="where its standard cells are kept")
    parser.add_argument("--output", required=True, help="folder to keep results in")
    parser.add_argument("--side", choices=SIDES, default="held-out")
    parser.add_argument("-n", type=int, default=100, help="triples of every kind")
    parser.add_argument("--skip", type=int, default=0, help="crystals before the first")
    parser.add_argument("--image-size", type=int, default=1024, help="pixels")
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), metavar="KIND")
    jobs.add_arguments(parser)
    args = parser.parse_args()
    if args.jobs > 1:
        jobs.one_thread_each()
    folder = Path(args.output)
    cache = Path(args.cache) if args.cache else folder / "data"
    chosen(MODEL, args.structures, cache, folder, args.side)
    path = folder / f"refusals-{args.side}-{args.image_size}.json"
    kept: dict[str, dict[str, str]] = jobs.read(path)
    about = (args.output, args.side, args.skip, args.n, str(MODEL), args.image_size)

    def tasks() -> Iterator[tuple[Any, ...]]:
        for kind in args.kinds:
            for number in range(args.n):
                if str(number) not in kept.get(kind, {}):
                    yield (kind, number, *about)

    written = time.monotonic()
    for (kind, number, *_), result in jobs.each(told, tasks(), args.jobs, args.seconds):
        kept.setdefault(kind, {})[str(number)] = result
        if time.monotonic() - written > jobs.WRITTEN_EVERY:
            _keep(path, kept)
            written = time.monotonic()
    _keep(path, kept)
    for kind in args.kinds:
        if kept.get(kind):
            numbers = sorted(kept[kind], key=int)[: args.n]
            print(line(kind, [kept[kind][number] for number in numbers]), flush=True)


def _keep(path: Path, kept: dict[str, dict[str, str]]) -> None:
    ordered = {kind: {key: kept[kind][key] for key in sorted(kept[kind], key=int)}
               for kind in KINDS if kind in kept}  # fmt: skip
    jobs.replace_file(path, json.dumps(ordered, indent=0).encode())


def line(kind: str, results: list[str]) -> str:
    """One line of the table."""
    drawn = [result for result in results if not result.startswith("not rendered")]
    told = [result for result in drawn if result != "answered"]
    reasons = Counter(_short(result) for result in told).most_common(4)
    part = len(told) / max(len(drawn), 1)
    return f"{kind:28s} {len(told):4d} of {len(drawn):4d} ({part:6.1%})  {reasons}"


def _short(result: str) -> str:
    reason = result.split(": ")[-1].split(" (")[0]
    return "implausible scale" if "implausible" in result else reason


if __name__ == "__main__":
    main()
