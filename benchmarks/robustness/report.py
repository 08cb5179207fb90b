"""Tables, curves and failures of the answers that run.py and refusals.py keep.

    python benchmarks/robustness/report.py DIR/held-out-1024 [--curves DIR/held-out-512] \\
        [--refusals DIR/refusals-held-out-1024.json]

Writes ``table.csv``, ``table.md``, ``failures.csv``, ``curves.csv``, ``curves.png``,
``refusals.csv`` and ``refusals.md`` to ``results/`` beside itself.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
from cases import CASES, CURVES, PERFECT, curve_case, file_name

from crystalsym.metrics import accuracy_interval

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Write everything there are answers for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("answers", type=Path, help="folder of run.py")
    parser.add_argument("--curves", type=Path, help="folder of run.py --curves")
    parser.add_argument("--refusals", type=Path, help="file of refusals.py")
    args = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    rows = table(args.answers)
    _write("table.csv", rows)
    (RESULTS / "table.md").write_text(markdown(rows) + "\n", encoding="utf-8")
    _write("failures.csv", failures(args.answers))
    if args.curves:
        of_curves = curves(args.curves)
        _write("curves.csv", of_curves)
        draw(of_curves).savefig(RESULTS / "curves.png", dpi=110)
    if args.refusals:
        refused = refusals(json.loads(args.refusals.read_text()))
        _write("refusals.csv", refused)
        (RESULTS / "refusals.md").write_text(markdown(refused) + "\n", encoding="utf-8")
    print(markdown(rows))


def figures(rows: list[dict[str, Any]], model: str) -> dict[str, Any]:
    """Accuracy of one model's answers to one case, in per cent."""
    answers = [row["answers"].get(model) or [None] for row in rows]
    right = np.array([a[0] == row["group"] for a, row in zip(answers, rows, strict=True)])
    five = np.array([row["group"] in a for a, row in zip(answers, rows, strict=True)])
    low, high = accuracy_interval(right)
    refused = sum(row["refused"] is not None for row in rows)
    return {
        "weights": model,
        "crystals": len(rows),
        "top-1": f"{100 * right.mean():.1f}",
        "95 %": f"{100 * low:.0f} to {100 * high:.0f}",
        "top-5": f"{100 * five.mean():.1f}",
        "refused": f"{100 * refused / len(rows):.1f}",
    }


def table(folder: Path) -> list[dict[str, Any]]:
    """Every case and every model, with the points of top-1 that it loses to perfect patterns."""
    out: list[dict[str, Any]] = []
    perfect = _numbered(folder, PERFECT)
    for case in (PERFECT, *CASES):
        answers = _numbered(folder, case)
        rows = list(answers.values())
        for model in sorted({name for row in rows for name in row["answers"]}):
            lost = "" if case == PERFECT else points_lost(answers, perfect, model)
            out.append({"images": case, **figures(rows, model), "points lost": lost})
    return out


def points_lost(
    answers: dict[str, dict[str, Any]], perfect: dict[str, dict[str, Any]], model: str
) -> str:
    """Say what a case costs the crystals that have both answers, with an error of two sigma."""
    both = [number for number in answers if model in perfect.get(number, {}).get("answers", {})]
    if not both:
        return ""
    right, before = (
        np.array([kept[n]["answers"].get(model, [])[:1] == [kept[n]["group"]] for n in both], float)
        for kept in (answers, perfect)
    )
    cost = 100 * (before - right)
    return f"{cost.mean():.1f} ± {2 * np.sqrt(np.mean(cost**2) / len(both)):.1f}"


def failures(folder: Path) -> list[dict[str, Any]]:
    """Every crystal that some model answers wrongly, or that is refused."""
    out = []
    for case in CASES:
        path = folder / file_name(case)
        if not path.is_file():
            continue
        for number, row in json.loads(path.read_text()).items():
            for model, answer in row["answers"].items():
                if not answer or answer[0] != row["group"]:
                    out.append(
                        {
                            "images": case,
                            "weights": model,
                            "crystal": number,
                            "group": row["group"],
                            "answers": " ".join(map(str, answer)),
                            "probability": row.get("chances", {}).get(model, ""),
                            "refused": row["refused"] or "",
                        }
                    )
    return out


def curves(folder: Path) -> list[dict[str, Any]]:
    """Every effect, strength and model."""
    out = []
    for effect, (_, strengths, _) in CURVES.items():
        for strength in strengths:
            rows = _answers(folder, curve_case(effect, strength))
            for model in sorted({name for row in rows for name in row["answers"]}):
                out.append({"effect": effect, "strength": strength, **figures(rows, model)})
    return out


def draw(rows: list[dict[str, Any]]) -> Any:
    """Draw top-1 accuracy against strength, one picture an effect."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    effects = list(dict.fromkeys(row["effect"] for row in rows))
    across = 3
    figure, axes = plt.subplots(
        -(-len(effects) // across), across, figsize=(11, 3.1 * -(-len(effects) // across)),
        sharey=True, layout="constrained", squeeze=False,
    )  # fmt: skip
    for ax in axes.ravel()[len(effects) :]:
        ax.set_axis_off()
    for ax, effect in zip(axes.ravel(), effects, strict=False):
        of_effect = [row for row in rows if row["effect"] == effect]
        models = sorted({row["weights"] for row in of_effect})
        for model, marker in zip(models, "os^", strict=False):
            points = [row for row in of_effect if row["weights"] == model]
            x = [row["strength"] for row in points]
            ax.plot(x, [float(row["top-1"]) for row in points], marker=marker, label=model)
        if max(x) / min(x) > 20:
            ax.set_xscale("log")
        ax.set_xlabel(effect)
        ax.set_ylim(0, 102)
        ax.grid(alpha=0.3)
    axes[0, 0].set_ylabel("right, %")
    axes[0, 0].legend(title="weights")
    return figure


def refusals(kept: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    """Of each kind of image, what part is refused or flagged, and why."""
    out = []
    for kind, results in kept.items():
        drawn = [r for r in results.values() if not r.startswith("not rendered")]
        refused = sum(r.startswith("refused") for r in drawn)
        flagged = sum(r.startswith("flagged") for r in drawn)
        out.append(
            {
                "images": kind,
                "triples": len(drawn),
                "refused, %": f"{100 * refused / len(drawn):.1f}",
                "flagged, %": f"{100 * flagged / len(drawn):.1f}",
                "answered": len(drawn) - refused - flagged,
            }
        )
    return out


def markdown(rows: list[dict[str, Any]]) -> str:
    """Write rows as a Markdown table."""
    head = list(rows[0])
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += [f"| {' | '.join(str(row[name]) for name in head)} |" for row in rows]
    return "\n".join(lines)


def _answers(folder: Path, case: str) -> list[dict[str, Any]]:
    return list(_numbered(folder, case).values())


def _numbered(folder: Path, case: str) -> dict[str, dict[str, Any]]:
    path = folder / file_name(case)
    return json.loads(path.read_text()) if path.is_file() else {}


def _write(name: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    with (RESULTS / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
