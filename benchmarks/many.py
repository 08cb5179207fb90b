"""Structures to ranked groups: structures a second, peak memory, the ratio to a former version.

    python benchmarks/many.py --structures materials_project.npz --number 20000 --former ../old

Each measurement is a process of its own, so that none has another's memory. ``--former`` names the
root of another copy of the library, which ranks the same structures in the same run. Rates leave
out the start of the process and the loading of the model; other crystals warm up both versions
before. On a busy machine the ratio of processor times (``cpu``) is the steadier one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

# What is measured, in a process with the library to measure on its path. The former version knows
# nothing but predict_proba of structures.
PROGRAM = """
import json, os, resource, sys, time, warnings
from pathlib import Path
warnings.filterwarnings("ignore")
way, path, number, jobs, folder, root = sys.argv[1:]
import crystalsym
assert os.path.dirname(os.path.dirname(crystalsym.__file__)) == root, crystalsym.__file__
from crystalsym import load_pretrained
from crystalsym.datasets import CrystalTable
table = CrystalTable.load(path)
others, table = list(table[-64:]), table[: int(number)]
crystals = list(table)
def cpu():
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)
jobs = int(jobs)
if way == "table":
    from crystalsym.identification import identify, identify_many
    identify(others)
    start, spent = time.perf_counter(), cpu()
    identify_many(table, Path(folder) / "answers.csv", n_jobs=jobs)
else:
    pipeline = load_pretrained("72").set_params(simulate__n_jobs=jobs, shape__n_jobs=jobs)
    pipeline.predict_proba(others)
    start, spent = time.perf_counter(), cpu()
    if way == "whole":
        pipeline.predict(crystals)
    else:
        for first in range(0, len(crystals), 256):
            pipeline.predict_proba(crystals[first : first + 256])
seconds, spent = time.perf_counter() - start, cpu() - spent
usage = [resource.getrusage(who).ru_maxrss for who in
         (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
scale = 1 if sys.platform == "darwin" else 1024
print(json.dumps({"structures": len(crystals), "seconds": seconds,
                  "structures/s": len(crystals) / seconds,
                  "structures/s of cpu": len(crystals) / spent,
                  "peak memory GB": usage[0] * scale / 1e9,
                  "peak memory of a job GB": usage[1] * scale / 1e9}))
"""


def measured(root: Path, way: str, args: argparse.Namespace, number: int) -> dict[str, float]:
    """One measurement of the library below ``root``."""
    environment = {**os.environ, "PYTHONPATH": str(root.resolve()), "TF_CPP_MIN_LOG_LEVEL": "3"}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, way, os.path.abspath(args.structures), str(number),
             str(args.jobs), folder, str(root.resolve())],
            env=environment, cwd=folder, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if args.quiet else None, text=True, check=True,
        )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--structures", required=True, help="table of crystals (.npz)")
    parser.add_argument("--number", type=int, default=20_000)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--former", type=Path, help="root of a former version")
    parser.add_argument("--former-number", type=int, default=2_000,
                        help="structures for the ratio, ranked by both")  # fmt: skip
    parser.add_argument("--quiet", action="store_true", help="without TensorFlow's log")
    parser.add_argument("--output", type=Path, help="JSON file")
    args = parser.parse_args()
    here = Path(__file__).resolve().parent.parent
    result: dict[str, object] = {"jobs": args.jobs}
    # identify_many writes as it goes; predict of the whole list holds all patterns.
    for name, way in (("identify_many", "table"), ("predict", "whole")):
        result[name] = measured(here, way, args, args.number)
        print(name, json.dumps(result[name]), flush=True)
    if args.former:
        former = measured(args.former, "batches", args, args.former_number)
        ours = measured(here, "batches", args, args.former_number)
        table = measured(here, "table", args, args.former_number)
        result["former"], result["now"], result["now, into a table"] = former, ours, table
        for rate in ("structures/s", "structures/s of cpu"):
            result[f"ratio, {rate}"] = ours[rate] / former[rate]
            result[f"ratio into a table, {rate}"] = table[rate] / former[rate]
        for name, value in list(result.items())[3:]:
            print(name, json.dumps(value))
    if args.output:
        args.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
