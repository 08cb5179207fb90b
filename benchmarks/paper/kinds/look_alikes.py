"""Crystals of different groups that look alike: the named pairs, and further ones by distance."""

from __future__ import annotations

from typing import Any

import numpy as np
from judges import Judge, Verdict, model_judge, right, system_judge
from look_alike_figures import closeness_figure, further_figure, pair_figure
from materials import Material, find_materials, names_of
from numpy.typing import NDArray
from spot_pictures import (
    SpotPictures,
    closest_pairs,
    distances,
    nearest_of_others,
    paired_distances,
    spot_pictures,
)
from task import Outcome, Task

from crystalsym.spacegroups import diffraction_class, symbol
from crystalsym.training import TrainingData

RANDOM_PAIRS, PARTS = 20000, 5
HELD_OUT = "model held out"  # the model whose training left the held-out crystals out


def make(task: Task) -> Outcome:
    """Draw the named pairs, measure how alike they are, and look for further ones."""
    data = task.crystals()
    pairs = task.settings.get("pairs", task.paper["pairs"])
    materials = find_materials(task, data, [name for pair in pairs for name in pair])
    crystals = [one.crystal for one in materials.values()]
    systems: dict[str, Judge] = {
        name: system_judge(task, name) for name in task.settings["systems"]
    }
    model = task.settings["model"]
    said = _ask({**systems, f"model {model}": model_judge(model)}, list(materials), crystals)
    verdicts = {name: {who: of_it[name] for who, of_it in said.items()} for name in materials}

    task.say("distances")
    pictures = dict(zip(materials, _rows(_pictures(task, crystals)), strict=True))
    references = _references(task, data, materials, pictures)
    searched = _sample(data.test, task.settings.get("search_crystals"))
    of_searched = _pictures(task, data.crystals.take(searched))
    labels = data.labels[searched]
    random = _random_distances(of_searched, labels)

    named = [_named_row(pair, materials, verdicts, pictures, references, random) for pair in pairs]
    further, closeness = _search(task, data, searched, of_searched, systems)
    figures: dict[str, Any] = {}
    for first, second in pairs:
        shown = [materials[first], materials[second], references[first][0], references[second][0]]
        figures[f"{first}-and-{second}"] = pair_figure(task, shown, verdicts)
    figures["closeness"] = closeness_figure(closeness)
    shown_pairs = [row for row in further if not row["same_diffraction_class"]] or further
    figures["further-pairs"] = further_figure(task, data, shown_pairs)
    tables = {"named-pairs": named, "further-pairs": further, "closeness": closeness}
    return Outcome(_paragraph(named, further, closeness, task), figures, tables)


def _pictures(task: Task, crystals: Any) -> SpotPictures:
    settings = task.settings
    return spot_pictures(
        crystals, settings["bins"], settings["q_max"], settings["blur"], task.n_jobs
    )


def _rows(pictures: SpotPictures) -> list[SpotPictures]:
    return [pictures.take(slice(i, i + 1)) for i in range(len(pictures))]


def _sample(rows: NDArray[Any], n: int | None) -> NDArray[Any]:
    if n is None or n >= len(rows):
        return np.asarray(rows)
    return np.sort(np.random.default_rng(0).permutation(rows)[:n])


def _references(
    task: Task,
    data: TrainingData,
    materials: dict[str, Material],
    pictures: dict[str, SpotPictures],
) -> dict[str, tuple[Material, float]]:
    """Find the nearest crystal learned from, by spots; near-duplicates of the crystal left out."""
    rows = _sample(data.train, task.settings.get("reference_crystals"))
    of_rows = _pictures(task, data.crystals.take(rows))
    names = names_of(data)
    found = {}
    for name, material in materials.items():
        away = distances(pictures[name], of_rows)[0]
        if material.row is not None:
            away[data.kin[rows] == data.kin[material.row]] = np.inf
        best = int(away.argmin())
        row = int(rows[best])
        reference = Material(
            names[row], data.crystals[row], int(data.labels[row]), row, "learned from"
        )
        found[name] = (reference, float(away[best]))
    return found


def _random_distances(pictures: SpotPictures, labels: NDArray[Any]) -> NDArray[np.float32]:
    """Distances of random pairs of different groups, sorted."""
    rng = np.random.default_rng(0)
    first, second = rng.integers(len(labels), size=(2, RANDOM_PAIRS))
    apart = labels[first] != labels[second]
    return np.sort(
        np.concatenate(
            [
                paired_distances(pictures.take(a), pictures.take(b))
                for a, b in zip(
                    np.array_split(first[apart], 20), np.array_split(second[apart], 20), strict=True
                )
            ]
        )
    )


def _named_row(
    pair: list[str],
    materials: dict[str, Material],
    verdicts: dict[str, dict[str, Verdict]],
    pictures: dict[str, SpotPictures],
    references: dict[str, tuple[Material, float]],
    random: NDArray[np.float32],
) -> dict[str, Any]:
    first, second = (materials[name] for name in pair)
    distance = float(distances(pictures[pair[0]], pictures[pair[1]])[0, 0])
    row: dict[str, Any] = {
        "distance": round(distance, 4),
        "percent_of_random_pairs_closer": round(
            100 * float(np.searchsorted(random, distance)) / len(random), 2
        ),
        "same_diffraction_class": second.space_group in diffraction_class(first.space_group),
    }
    for side, material in (("a", first), ("b", second)):
        reference, away = references[material.name]
        row |= _side(side, material.name, material.space_group, verdicts[material.name])
        row |= {
            f"part_{side}": material.part,
            f"reference_{side}": reference.name,
            f"reference_group_{side}": reference.space_group,
            f"reference_distance_{side}": round(away, 4),
        }
    return row


def _side(side: str, name: str, group: int, verdicts: dict[str, Verdict]) -> dict[str, Any]:
    row: dict[str, Any] = {
        f"material_{side}": name, f"group_{side}": group, f"symbol_{side}": symbol(group)
    }  # fmt: skip
    for who, verdict in verdicts.items():
        row[f"{who}_{side}"] = verdict.space_group
        row[f"{who}_probability_{side}"] = round(verdict.probability, 4)
    return row


def _ask(
    judges: dict[str, Judge], names: list[Any], crystals: list[Any]
) -> dict[str, dict[Any, Verdict]]:
    return {who: dict(zip(names, judge(crystals), strict=True)) for who, judge in judges.items()}


def _search(
    task: Task,
    data: TrainingData,
    rows: NDArray[Any],
    pictures: SpotPictures,
    systems: dict[str, Judge],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The closest pairs of held-out crystals, and how closeness and wrong answers go together."""
    labels = data.labels[rows]
    classes = np.array([diffraction_class(int(group))[0] for group in labels])
    task.say(f"pairs among {len(rows):,} held-out crystals")
    by_group = nearest_of_others(pictures, labels)
    by_class = nearest_of_others(pictures, classes)
    n = task.settings["further_pairs"]
    pairs = closest_pairs(*by_group, n)
    known = {pair[:2] for pair in pairs}
    pairs += [pair for pair in closest_pairs(*by_class, n) if pair[:2] not in known]
    held_out = model_judge(task.settings["held_out_model"])
    members = sorted({i for pair in pairs for i in pair[:2]})
    crystals = [data.crystals[int(rows[i])] for i in members]
    said = _ask({**systems, HELD_OUT: held_out}, members, crystals)
    names = names_of(data)
    further = []
    for first, second, distance in pairs:
        row = {"distance": round(distance, 5)}
        row["same_diffraction_class"] = bool(classes[first] == classes[second])
        for side, i in (("a", first), ("b", second)):
            verdicts = {who: of_it[i] for who, of_it in said.items()}
            row |= _side(side, names[rows[i]], int(labels[i]), verdicts)
        further.append(row)
    answers = right(held_out([data.crystals[int(i)] for i in rows]), labels)
    return further, _closeness(by_group[1], answers)


def _closeness(distance: NDArray[Any], answers: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Right answers in equal parts of the crystals, by distance to the nearest of another group."""
    parts = np.array_split(np.argsort(distance, kind="stable"), PARTS)
    return [
        {
            "part": number,
            "crystals": len(part),
            "distance_from": round(float(distance[part].min()), 5),
            "distance_to": round(float(distance[part].max()), 5),
            "right": int(answers[part].sum()),
            "right_percent": round(100 * float(answers[part].mean()), 2),
        }
        for number, part in enumerate(parts, start=1)
        if len(part)
    ]


def _paragraph(
    named: list[dict[str, Any]],
    further: list[dict[str, Any]],
    closeness: list[dict[str, Any]],
    task: Task,
) -> str:
    whose = [*task.settings["systems"], "model " + task.settings["model"]]
    text = [
        "The paper shows pairs of crystals of different groups whose patterns look alike to a "
        "person. Distances between spot patterns here are 0 for the same patterns and 1 for those "
        "that have nothing in common."
    ]
    for row in named:
        answers = [f"{who} says {row[f'{who}_a']} and {row[f'{who}_b']}" for who in whose]
        text.append(
            f"{row['material_a']} ({row['group_a']} {row['symbol_a']}) and {row['material_b']} "
            f"({row['group_b']} {row['symbol_b']}) are {row['distance']:.2f} apart; "
            f"{row['percent_of_random_pairs_closer']:.3g} % of random pairs of different groups "
            f"are closer. {'; '.join(answers)}."
        )
    for who in whose:
        hits = sum(row[f"{who}_{side}"] == row[f"group_{side}"] for row in named for side in "ab")
        text.append(f"{who}: {hits} of {2 * len(named)} right.")
    others = [row for row in further if not row["same_diffraction_class"]]
    hits = sum(
        row[f"{HELD_OUT}_{side}"] == row[f"group_{side}"] for row in further for side in "ab"
    )
    text.append(
        f"The table lists {len(further)} pairs of held-out crystals, the closest found, up to "
        f"{max(row['distance'] for row in further):.1g} apart, {len(others)} of them of different "
        f"diffraction classes; of their {2 * len(further)} crystals the recipe of "
        f'"{task.settings["model"]}", which had not seen them, has {hits} right. Of all crystals '
        f"searched, it has {closeness[0]['right_percent']:.1f} % right of the fifth that is "
        f"closest to a crystal of another group, and {closeness[-1]['right_percent']:.1f} % of "
        "the fifth that is farthest."
    )
    return " ".join(text)
