"""Write into the cards of bundled models what the benchmarks found, and print it for the README.

    python benchmarks/state_figures.py

gathers ``held-out.json``, ``experimental.json``, ``train-72-prototypes.json`` and
``measured/*.json`` of this folder into the entry ``evaluation`` of each card, a row for each kind
of crystals, and renews the manifests. A kind that was not measured has no row. ``--check`` writes
nothing and fails where a card says something else.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from renew_manifests import renew

from crystalsym.bundles import available, model_folder
from crystalsym.bundles._bundled_models import DESCRIPTION

HERE = Path(__file__).parent
# A model has one of the two classes: that of the patterns it learned from.
FIGURES = ("top1", "top5", "macro", "diffraction_class", "dynamical_class", "calibration_error")
# What a training of its own says of a recipe: these have it, at other sizes.
OF_THE_RECIPE = ("72", "72-small")
RECIPE_NOTE = (
    "a training of its own by this recipe (1024 and 2048 units, 40 passes), whose split leaves no "
    "prototype on both sides: of the recipe, not of these weights"
)
BEFORE_NOTE = "by the weights before they learned from the held-out crystals, too"
# Models of other patterns than perfect ones along the symmetry directions.
HELD_OUT_NOTES = {
    "230-zones": "along three arbitrary zones, in axes of the right Laue class and centering",
}
EXPERIMENTAL = {
    "learned": "bundled experimental crystals that were learned from, as computed ones",
    "not learned": "bundled experimental crystals that were not",
}
LISTS = {
    "measured": "measured crystals, reflection lists",
    "molecular": "simulated lists of random molecules",
    "held-out": "simulated lists of held-out Materials Project crystals",
}
# Of models that are not made for lists.
MEASURED_LISTS = {
    "230": "not made for them: given the layers of 77 measured crystals, the weights of version "
    '0.2.0 had 27 % right and 48 % among five; ask "230-lists"',
}
NOT_FOR_LISTS = 'not made for them; ask "230-lists"'


def main() -> int:
    """Write the cards, or check them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail at differences")
    args = parser.parse_args()
    rows = {name: evaluation(name) for name in available()}
    stale = [name for name in rows if not stated(name, rows[name], args.check)]
    print(table(rows))
    if stale:
        print(f"the cards of {', '.join(stale)} say something else", file=sys.stderr)
    return int(bool(stale))


def evaluation(name: str) -> list[dict[str, Any]]:
    """Gather what was measured of a model, a row for each kind of crystals."""
    rows: list[dict[str, Any]] = []
    held_out = read("held-out.json").get(name)
    if held_out:
        note = BEFORE_NOTE if held_out["weights"] != name else HELD_OUT_NOTES.get(name)
        for kind, what in (
            ("held out", "held-out Materials Project crystals"),
            ("unseen prototypes", "of these, crystals of prototypes never learned from"),
        ):
            if kind not in held_out:
                continue
            found = held_out[kind]
            rows.append(row(what, found["crystals"], found, found["top1_interval"], note))
    if name in OF_THE_RECIPE:
        found = read("train-72-prototypes.json")["held_out"]
        rows.append(row("unseen prototypes", found["crystals"], found, None, RECIPE_NOTE))
    experimental = read("experimental.json").get("models", {}).get(name)
    for kind, what in EXPERIMENTAL.items() if experimental else ():
        found = experimental["sets"][kind]
        unknown = len(experimental["groups it does not know"])
        note = (
            f"{unknown} of other groups than the model's are left out of the 81"
            if unknown
            else None
        )
        rows.append(row(what, found["crystals"], found, found["top1_interval"], note))
    for file, what in LISTS.items():
        found = read(f"measured/{file}.json")
        if found.get("model") == name:
            parts = {"top1": "right", "top5": "among_5", "diffraction_class": "class"}
            values = {key: found[entry]["part"] for key, entry in parts.items()}
            rows.append(row(what, found["n"], values, found["right"]["95%"], None))
    return rows


def row(
    what: str,
    crystals: int,
    figures: dict[str, Any],
    interval: list[float] | None,
    note: str | None,
) -> dict[str, Any]:
    """One row of a card."""
    found: dict[str, Any] = {"of": what, "crystals": crystals}
    found.update({key: round(figures[key], 4) for key in FIGURES if key in figures})
    if interval is not None:
        found["top1_interval"] = interval
    if note is not None:
        found["note"] = note
    return found


def read(file: str) -> dict[str, Any]:
    """Read a result of this folder; empty where it was not run."""
    path = HERE / file
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def stated(name: str, rows: list[dict[str, Any]], check: bool) -> bool:
    """Bring one card up to date, or tell whether it is."""
    folder = model_folder(name)
    file = folder / DESCRIPTION
    description = json.loads(file.read_text(encoding="utf-8"))
    card = description["metadata"]
    told: dict[str, Any] = {"evaluation": rows}
    if not any(one["of"] == LISTS["measured"] for one in rows):
        told["measured_lists"] = MEASURED_LISTS.get(name, NOT_FOR_LISTS)
    if all(card.get(key) == value for key, value in told.items()):
        return True
    if check:
        return False
    card.update(told)
    file.write_bytes(json.dumps(description, indent=1).encode() + b"\n")
    renew(folder)
    return True


def table(rows: dict[str, list[dict[str, Any]]]) -> str:
    """Write all rows as a Markdown table."""
    lines = ["| model | crystals | number | top-1 | top-5 |", "|---|---|---|---|---|"]
    for name, found in rows.items():
        for one in found:
            top1 = f"{100 * one['top1']:.1f}"
            if "top1_interval" in one:
                top1 += " ({:.0f} to {:.0f})".format(*(100 * end for end in one["top1_interval"]))
            cells = [f'`"{name}"`', one["of"], f"{one['crystals']:,}", top1]
            lines.append("| " + " | ".join([*cells, f"{100 * one['top5']:.2f}"]) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
