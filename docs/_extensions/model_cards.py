"""Write a page for every bundled model from its card, and what was measured of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from generated_pages import write_pages

from crystalsym.metrics._figures import class_figure

# Entries of a card in plain words, in this order. Whatever else a card says follows under its name.
FACTS = {
    "task": "Task",
    "data": "Learned from",
    "split": "Held out",
    "limits": "Limits",
    "measured_lists": "Measured reflection lists",
    "figures": "The figures are",
    "refitted": "Refitted",
    "license": "License",
    "data_url": "Data",
    "version": "Version of the weights",
}
TITLES = {"lists": "How network and evidence are weighed"}
FIGURES = {
    "top1": "top-1",
    "top2": "top-2",
    "top5": "top-5",
    "macro": "macro top-1",
    "diffraction_class": "diffraction class",
    "diffraction_class_macro": "diffraction class, macro",
    "dynamical_class": "dynamical diffraction class",
    "dynamical_class_macro": "dynamical diffraction class, macro",
    "calibration_error": "calibration error",
}


def _percent(value: float) -> str:
    return f"{100 * value:.4g} %"


def _line(value: Any) -> str:
    text = str(value).replace("|", "\\|")
    return f"<{text}>" if re.fullmatch(r"https?://\S+", text) else text


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _other(key: str, value: Any) -> str:
    """A section for an entry that this page has no words for."""
    title = TITLES.get(key, key.replace("_", " ").capitalize())
    if isinstance(value, dict) and not any(isinstance(v, (dict, list)) for v in value.values()):
        body = _table(["", ""], [[f"`{k}`", _line(v)] for k, v in value.items()])
    elif isinstance(value, (dict, list)):
        body = f"```json\n{json.dumps(value, indent=2, ensure_ascii=False)}\n```\n"
    else:
        body = f"{_line(value)}\n"
    return f"## {title}\n\n{body}\n"


def _figures(held_out: dict[str, Any]) -> str:
    rows = [[title, _percent(held_out[key])] for key, title in FIGURES.items() if key in held_out]
    crystals = held_out.get("crystals")
    of = f"Of {crystals:,} crystals held out from the training" if crystals else "Held out"
    if groups := held_out.get("groups"):
        of += f", of {groups} groups"
    text = (
        f"## Held-out crystals, as the training found\n\n{of}.\n\n{_table(['figure', ''], rows)}\n"
    )
    if systems := held_out.get("by_crystal_system"):
        text += "By crystal system, top-1:\n\n"
        text += _table(list(systems), [[_percent(value) for value in systems.values()]]) + "\n"
    if sets := held_out.get("prediction_sets"):
        text += "Prediction sets (`predict_set`):\n\n" + _table(
            ["asked for", "hold the right group of", "mean size"],
            [
                [_percent(float(level)), _percent(one["coverage"]), f"{one['mean_size']:.2f}"]
                for level, one in sets.items()
            ],
        )
    return text + "\n"


def _evaluation(rows: list[dict[str, Any]]) -> str:
    """What the benchmarks found, a line for each kind of crystals."""
    of_class = class_figure({key for row in rows for key in row})
    keys = ("top1", "top5", "macro", of_class, "calibration_error")
    lines, notes = [], []
    for row in rows:
        cells = [_percent(row[key]) if key in row else "" for key in keys]
        if "top1_interval" in row:
            low, high = row["top1_interval"]
            cells[0] += f" ({100 * low:.3g} to {100 * high:.3g})"
        what = row["of"]
        if note := row.get("note"):
            if note not in notes:
                notes.append(note)
            what += f" ({notes.index(note) + 1})"
        lines.append([what, f"{row['crystals']:,}", *cells])
    text = "## How it does\n\n" + _table(["crystals", "number", *(FIGURES[k] for k in keys)], lines)
    text += "\nIn brackets: the interval of 95 %.\n\n"
    text += "".join(f"{i}. {note}.\n" for i, note in enumerate(notes, 1))
    if any("measured" in row["of"] for row in rows):
        text += "\nEach one of them: [measured crystals](../../measured-crystals.md).\n"
    return text + "\nHow the figures come about: [benchmarks](../project/benchmarks.md).\n\n"


def card_page(name: str, card: dict[str, Any]) -> str:
    """Return the page of one model, in Markdown."""
    card = dict(card)
    training = dict(card.pop("training", {}))
    text = f'# Model card: "{name}"\n\n`crystalsym.load_pretrained("{name}")`\n\n'
    facts = [[title, _line(card[key])] for key, title in FACTS.items() if card.get(key)]
    facts += [
        [title, f"{training[key]:,}"]
        for key, title in (
            ("parameters", "Parameters"),
            ("learning_crystals", "Crystals learned from"),
            ("of_which_validation", "of which for validation"),
        )
        if key in training
    ]
    text += _table(["", name], facts) + "\n"
    if digest := card.pop("weights_sha256", None):
        text += f"SHA-256 of the weights: `{digest}`\n\n"
    if rows := card.pop("evaluation", None):
        text += _evaluation(rows)
    if "held_out" in training:
        text += _figures(training["held_out"])
    known = {"name", "top1", "top2", "top5", "macro", *FACTS}
    for key, value in card.items():
        if key not in known:
            text += _other(key, value)
    if "config" in training:
        text += "## Training\n\n"
        if history := training.get("history"):
            last = history[-1]
            text += f"{len(history)} epochs"
            if "val_accuracy" in last:
                text += (
                    f"; at the end top-1 of validation crystals {_percent(last['val_accuracy'])}"
                )
            text += ".\n\n"
        settings = json.dumps(training["config"], indent=2, ensure_ascii=False)
        text += f"```json\n{settings}\n```\n"
    return text


def index_page(cards: dict[str, dict[str, Any]]) -> str:
    """Return the page that lists all cards."""
    rows = []
    for name, card in cards.items():
        held_out = card.get("evaluation", [{}])[0] or card.get("training", {}).get("held_out", {})
        figures = [held_out.get(key, card.get(key)) for key in ("top1", "top5", "macro")]
        rows.append(
            [
                f"[{name}]({name}.md)",
                _line(card.get("task", "")),
                *("" if one is None else _percent(one) for one in figures),
            ]
        )
    return (
        "# Model cards\n\nWhat each bundled model learned from, how it does, and what it\n"
        "cannot do, as its card says (`crystalsym.pretrained.model_card(name)`). What they are\n"
        "for, and what all of them have in common: [models](../../models.md).\n\n"
        + _table(["model", "task", "top-1", "top-5", "macro top-1"], rows)
        + "\n```{toctree}\n:hidden:\n\n"
        + "".join(f"{name}\n" for name in cards)
        + "```\n"
    )


def write(folder: Path) -> None:
    """Write all pages into a folder that holds nothing else."""
    from crystalsym import pretrained

    cards = {name: pretrained.model_card(name) for name in pretrained.available()}
    pages = {f"{name}.md": card_page(name, card) for name, card in cards.items()}
    pages["index.md"] = index_page(cards)
    write_pages(folder, pages, "*.md")


def setup(app):
    """Connect to Sphinx."""

    def start(app):
        write(Path(app.srcdir) / "generated" / "cards")

    app.connect("builder-inited", start)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
