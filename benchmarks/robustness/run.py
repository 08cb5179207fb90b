"""Three camera images in, a space group out: accuracy as images fall short, alone and together.

    python benchmarks/robustness/run.py --structures materials_project.npz --output DIR -n 100

Crystals of the 72 groups are rendered (``CameraImages``), their spots found (``SpotFinder``) and
answered by weights that have not learned from them. The answers of every case are kept in DIR as
they come; a run that was cut off goes on with the next crystals. ``--side validation`` is for
mending and choosing; figures are of ``--side held-out``. ``report.py`` makes tables and pictures of
the answers.

DIR also keeps the crystals of a side (``held-out.npz``, ``held-out-labels.npy``, 1 MB); with these
in it, no table is needed. ``--jobs 16`` works with 16 processes of one thread each, and
``--seconds`` begins no crystal after so long.
"""

from __future__ import annotations

import argparse
import pickle
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jobs
import numpy as np
from answering import answered
from cases import ALL_CASES, CASES, CURVE_CASES, PERFECT, file_name
from crystals import SIDES, chosen

MODEL = Path(__file__).parents[1] / "models" / "72"


def main() -> None:
    """Render, find, answer, and print a table."""
    args = arguments()
    if args.jobs > 1:
        jobs.one_thread_each()
    folder = Path(args.output)
    cache = Path(args.cache) if args.cache else folder / "data"
    chosen(MODEL, args.structures, cache, folder, args.side)
    place = folder / f"{args.side}-{args.image_size}"
    place.mkdir(parents=True, exist_ok=True)
    ends = None if args.seconds is None else time.monotonic() + args.seconds
    names = [Path(model).name for model in args.models]
    for case in (PERFECT, *args.cases):
        left = None if ends is None else ends - time.monotonic()
        rows = answer_case(case, place, args, left)
        for name in names if rows else ():
            print(line(case, name, rows), flush=True)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--structures", help="table of crystals, the model's own, where none is kept in DIR yet"
    )
    parser.add_argument("--cache", help="where its standard cells are kept")
    parser.add_argument("--output", required=True, help="folder to keep answers in")
    parser.add_argument("--side", choices=SIDES, default="held-out")
    parser.add_argument("-n", type=int, default=100, help="crystals")
    parser.add_argument("--skip", type=int, default=0, help="crystals before the first")
    parser.add_argument("--image-size", type=int, default=1024, help="pixels")
    parser.add_argument("--models", nargs="+", default=[str(MODEL)], metavar="FOLDER")
    parser.add_argument("--cases", nargs="*", default=list(CASES), metavar="CASE")
    parser.add_argument("--curves", action="store_true", help="effects by strength, instead")
    jobs.add_arguments(parser)
    args = parser.parse_args()
    if args.curves:
        args.cases = list(CURVE_CASES)
    stray = sorted(set(args.cases) - set(ALL_CASES))
    if stray:
        parser.error(f"no case {stray[0]!r}; there are {', '.join(CASES)}")
    return args


def answer_case(
    case: str, place: Path, args: argparse.Namespace, seconds: float | None
) -> list[dict[str, Any]]:
    """Answer the crystals of one case that have no answer yet of some model; all there are."""
    path = place / file_name(case)
    store = path.with_suffix(".spots.pkl")  # of other models, which need no images any more
    kept = jobs.read(path)
    found: dict[str, Any] = pickle.loads(store.read_bytes()) if store.is_file() else {}
    numbers = range(args.skip, args.skip + args.n)
    models = tuple(str(Path(model)) for model in args.models)

    def tasks() -> Iterator[tuple[Any, ...]]:
        for number in numbers:
            key = str(number)
            row = kept.get(key) if key in found else None
            if row is None or any(Path(model).name not in row["answers"] for model in models):
                yield (number, case, args.output, args.side, args.image_size, models, row,
                       found.get(key))  # fmt: skip

    def keep() -> None:
        jobs.replace_file(store, pickle.dumps(found))
        jobs.write(path, kept)

    written, new = time.monotonic(), False
    for (number, *_), (row, seen) in jobs.each(answered, tasks(), args.jobs, seconds):
        kept[str(number)], found[str(number)], new = row, seen, True
        if time.monotonic() - written > jobs.WRITTEN_EVERY:
            keep()
            written = time.monotonic()
    if new:
        keep()
    return [kept[str(number)] for number in numbers if str(number) in kept]


def line(case: str, model: str, rows: list[dict[str, Any]]) -> str:
    """One line of the table."""
    answers = [row["answers"].get(model) or [None] for row in rows]
    right = np.array([a[0] == row["group"] for a, row in zip(answers, rows, strict=True)])
    five = np.array([row["group"] in a for a, row in zip(answers, rows, strict=True)])
    refused = sum(row["refused"] is not None for row in rows)
    offs = np.concatenate([row.get("center_off", []) for row in rows] or [[]])
    seconds = [row["seconds"] for row in rows if "seconds" in row]
    turned = sum(not all(row.get("turned_right", [True])) for row in rows)
    within = f"{(offs <= 0.1).mean():.1%}" if len(offs) else "-"
    return (
        f"{case:24s} {model:10s} top-1 {right.mean():6.1%}  top-5 {five.mean():6.1%}  refused"
        f" {refused:3d}  turned wrongly {turned:3d}  center within 0.1 px {within}"
        f"  {np.median(seconds) if seconds else 0:.2f} s"
    )


if __name__ == "__main__":
    main()
