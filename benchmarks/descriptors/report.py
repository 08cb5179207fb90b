"""Table, figure and findings from the runs of ``run.py``.

    python benchmarks/descriptors/report.py --runs runs/descriptors

writes ``results.json``, ``figure.png`` and the marked part of ``README.md`` beside this file.
Without ``--runs`` the last two are made anew from ``results.json``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from table import RUNS

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- made by report.py -->", "<!-- end -->"
FACTORS = {
    "views": "Views",
    "intensity": "Dynamic range",
    "descriptor": "Shaping",
    "image size": "Image size",
    "network": "Network",
    "published": "The paper's preset",
    "lattice": "Index pictures",
    "baseline": "No network",
    "control": "Controls",
}
COLORS = dict(zip(FACTORS, ["C0", "C1", "C2", "C4", "C3", "C7", "C5", "C9", "C8"], strict=True))
KEPT = ("name", "learning_crystals", "scored_crystals", "parameters", "image_shape", "seconds")
Results = dict[str, Any]


def gather(folder: Path) -> Results:
    """All runs of a folder, each beside the base."""
    runs = [
        json.loads((folder / f"{run.name}.json").read_text())
        for run in RUNS
        if (folder / f"{run.name}.json").is_file()
    ]
    if len({run["sample"] for run in runs}) > 1:
        raise SystemExit(f"{folder}: runs on different crystals")
    found = {run["name"]: run for run in runs}
    if "base" not in found:
        raise SystemExit(f"{folder}: there is no base run")
    base = found["base"]
    seeds = [run["figures"]["top1"] for run in runs if run["name"] in ("base", "seed-1", "seed-2")]
    spread = float(np.std(seeds, ddof=1)) if len(seeds) > 1 else None
    texts = {run.name: (run.factor, run.text) for run in RUNS}
    rows = []
    for run in runs:
        rows.append(
            {
                **{key: run[key] for key in KEPT},
                "factor": texts[run["name"]][0],
                "text": texts[run["name"]][1],
                "figures": {key: rounded(value) for key, value in run["figures"].items()},
                "gain": round(run["figures"]["top1"] - base["figures"]["top1"], 4),
                "gain_error": round(sampling_error(base["right"], run["right"]), 4),
            }
        )
    return {
        "sample": base["sample"],
        "base_seeds_top1": [round(value, 4) for value in seeds],
        "seed_deviation": None if spread is None else round(spread, 4),
        "runs": rows,
    }


def sampling_error(one: str, other: str) -> float:
    """Standard error of a difference of two accuracies; on the same crystals it is smaller."""
    a, b = (np.frombuffer(s.encode(), np.uint8).astype(float) - ord("0") for s in (one, other))
    if len(a) == len(b):
        return float(np.std(b - a) / np.sqrt(len(a)))
    return float(np.sqrt(a.var() / len(a) + b.var() / len(b)))


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def table(results: Results) -> str:
    """Markdown table, grouped by factor."""
    lines = [
        "| factor | run | top-1 | to base | top-5 | macro | diffr. class | parameters |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for factor in ("base", *FACTORS):
        for run in (run for run in results["runs"] if run["factor"] == factor):
            figures = run["figures"]
            gain = (
                ""
                if run["name"] == "base"
                else f"{100 * run['gain']:+.1f} ± {100 * run['gain_error']:.1f}"
            )
            parameters = "" if run["parameters"] is None else f"{run['parameters']:,}"
            values = [f"{100 * figures[k]:.1f}" for k in ("top5", "macro", "diffraction_class")]
            lines.append(
                f"| {factor} | {run['text']} | {100 * figures['top1']:.1f} | {gain} | "
                + " | ".join(values)
                + f" | {parameters} |"
            )
    return "\n".join(lines)


def findings(results: Results) -> str:
    """One sentence a factor, by size of what it moves."""
    by_factor: dict[str, list[Any]] = {}
    for run in results["runs"]:
        by_factor.setdefault(run["factor"], []).append(run)
    base = next(run for run in results["runs"] if run["name"] == "base")
    noise = results["seed_deviation"]
    lines = [
        f"The base reaches {100 * base['figures']['top1']:.1f} % top-1. "
        + (
            ""
            if noise is None
            else f"Another seed moves that by {100 * noise:.1f} points (standard deviation of "
            f"{len(results['base_seeds_top1'])} runs), so a difference of one run below about "
            f"{max(2 * 2**0.5 * 100 * noise, 1):.1f} points says nothing. "
        )
        + "Points of top-1 that a change from the base costs (-) or wins (+):",
        "",
    ]
    factors = [factor for factor in FACTORS if factor in by_factor]
    factors.sort(key=lambda f: -max(abs(run["gain"]) for run in by_factor[f]))
    for factor in factors:
        parts = [f"{run['text']} {100 * run['gain']:+.1f}" for run in by_factor[factor]]
        lines.append(f"- **{FACTORS[factor]}**: {'; '.join(parts)}.")
    return "\n".join(lines)


def figure(results: Results, path: Path) -> None:
    """Horizontal bars, one a run, colored by factor."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    order = {factor: i for i, factor in enumerate(FACTORS)}
    runs = [run for run in results["runs"] if run["factor"] in order]
    runs.sort(key=lambda run: (order[run["factor"]], -run["figures"]["top1"]))
    base = next(run for run in results["runs"] if run["name"] == "base")
    shown = [base, *runs]
    fig, ax = plt.subplots(figsize=(8, 0.29 * len(shown) + 1), layout="constrained")
    for place, run in enumerate(shown):
        top1 = 100 * run["figures"]["top1"]
        error = (
            100
            * (run["figures"]["top1"] * (1 - run["figures"]["top1"]) / run["scored_crystals"])
            ** 0.5
        )
        ax.barh(place, top1, color=COLORS.get(run["factor"], "0.3"), xerr=error, height=0.75)
        ax.text(top1 + 1.5, place, f"{top1:.1f}", va="center", fontsize=8)
    labels = [run["text"] for run in shown]
    ax.set_yticks(range(len(shown)), labels, fontsize=8)
    ax.invert_yaxis()
    ax.set_xlim(0, 95)
    ax.axvline(100 * base["figures"]["top1"], color="0.3", linewidth=0.8, linestyle=":")
    ax.set_xlabel("top-1 accuracy, 72 groups, 20,000 crystals, two passes (%)")
    ax.spines[["top", "right"]].set_visible(False)
    used = [factor for factor in FACTORS if any(run["factor"] == factor for run in runs)]
    handles = [plt.Rectangle((0, 0), 1, 1, color=COLORS[factor]) for factor in used]
    fig.legend(handles, [FACTORS[f] for f in used], loc="outside lower center", ncols=4, fontsize=8)
    fig.savefig(path, dpi=100)
    plt.close(fig)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--runs", type=Path, help="folder of run.py's JSON files")
    args = parser.parse_args()
    stored = HERE / "results.json"
    if args.runs:
        stored.write_text(json.dumps(gather(args.runs), indent=1) + "\n", encoding="utf-8")
    results = json.loads(stored.read_text(encoding="utf-8"))
    figure(results, HERE / "figure.png")
    readme = HERE / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    picture = "![Top-1 of every run](figure.png)"
    made = "\n\n".join([BEGIN, findings(results), picture, table(results), END])
    readme.write_text(before + made + after, encoding="utf-8")


if __name__ == "__main__":
    main()
