"""Time from the start of the process to its answer, as a ratio to a former version.

    git worktree add ../former v0.1.0
    python benchmarks/startup.py --former ../former

Runs of the two versions alternate, each pair in the order that the last one had not, and the
ratio is the median over pairs: what else runs on the machine slows both.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

PACKAGE = "crystalsym"
CIF = f"{PACKAGE}/data/crystals/Si.cif"
COMMAND = (sys.executable, "-m", PACKAGE, "identify")


def run_once(root: Path, structure: Path) -> tuple[float, float]:
    """Seconds of wall time and of CPU time that one answer takes by the version below a folder."""
    environment = os.environ | {"PYTHONPATH": str(root)}
    before, start = os.times(), time.perf_counter()
    done = subprocess.run(
        [*COMMAND, str(structure)], cwd=root, env=environment, capture_output=True, text=True
    )
    seconds, after = time.perf_counter() - start, os.times()
    if done.returncode != 0:
        raise SystemExit(f"{root}: {' '.join(COMMAND)} failed: {done.stderr.strip()}")
    used = sum(getattr(after, k) - getattr(before, k) for k in ("children_user", "children_system"))
    return seconds, used


def compare(former: Path, current: Path, structure: Path, pairs: int) -> dict[str, object]:
    """Ratios of the current version's time to the former one's."""
    roots = {"former": former, "current": current}
    for root in roots.values():  # compiled kernels and byte code are there from then on
        run_once(root, structure)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in roots}
    for i in range(pairs):
        for name in sorted(roots, reverse=bool(i % 2)):
            times[name].append(run_once(roots[name], structure))
    result: dict[str, object] = {"structure": structure.name, "pairs": pairs}
    for k, kind in enumerate(("wall", "cpu")):
        ratios = [
            new[k] / old[k] for new, old in zip(times["current"], times["former"], strict=True)
        ]
        result[f"{kind} current / former"] = round(statistics.median(ratios), 3)
        result[f"{kind} current / former, range"] = [round(min(ratios), 3), round(max(ratios), 3)]
        for name, values in times.items():
            result[f"{kind} s, {name}"] = round(statistics.median(v[k] for v in values), 2)
    return result


def main() -> None:
    here = Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--former", type=Path, required=True, metavar="PATH",
                        help="a checkout of the version to compare with")  # fmt: skip
    parser.add_argument("--structure", type=Path, default=here / CIF)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    former = args.former.resolve()
    if not (former / PACKAGE / "__main__.py").is_file():
        parser.error(f"{former} holds no {PACKAGE} package that runs as a command")
    result = compare(former, here, args.structure.resolve(), args.pairs)
    text = json.dumps(result, indent=1)
    print(text)
    if args.output:
        args.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
