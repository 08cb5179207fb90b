"""Figures of answers, and their mean and spread over the seeds of a training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats
from systems import Scored, System, scored, system_settings
from task import Task

from crystalsym import metrics, spacegroups
from crystalsym.metrics._figures import ranks

LEVEL = 0.95


def restricted(answers: Scored, groups: Sequence[int]) -> Scored:
    """Keep the crystals and the columns of some groups, probabilities adding up to 1 again.

    Examples
    --------
    >>> answers = Scored(np.array([[0.2, 0.2, 0.6], [0.1, 0.8, 0.1]]), np.array([2, 14]),
    ...                  np.array([2, 14, 62]))
    >>> kept = restricted(answers, [2, 62])
    >>> kept.probabilities, kept.labels
    (array([[0.25, 0.75]]), array([2]))
    """
    rows, columns = np.isin(answers.labels, groups), np.isin(answers.classes, groups)
    if not rows.any():
        raise ValueError(f"none of the crystals is of one of the groups {list(groups)}")
    kept = answers.probabilities[rows][:, columns].astype(np.float64)
    total = kept.sum(axis=1, keepdims=True)
    kept = np.divide(kept, total, out=np.full_like(kept, 1 / kept.shape[1]), where=total > 0)
    return Scored(kept, answers.labels[rows], answers.classes[columns])


def restricted_to(answers: Scored, name: str) -> Scored:
    """Keep the crystals and the columns of a label set; of all that there are for "72"."""
    return answers if name == "72" else restricted(answers, spacegroups.label_set(name))


def top_k(answers: Scored, k: int = 1) -> float:
    """The part of the crystals whose group is among the k most probable."""
    return metrics.top_k_accuracy(answers.labels, answers.probabilities, answers.classes, k)


def top_k_rows(answers: Scored, k_max: int = 5) -> list[dict[str, Any]]:
    """Tabulate the accuracies of one model, with Wilson's 95 % intervals over the crystals.

    Examples
    --------
    >>> answers = Scored(np.array([[0.2, 0.8], [0.1, 0.9]]), np.array([2, 14]), np.array([2, 14]))
    >>> [(row["k"], row["accuracy"], row["crystals_scored"]) for row in top_k_rows(answers, 2)]
    [(1, 0.5, 2), (2, 1.0, 2)]
    """
    place = ranks(answers.labels, answers.probabilities, answers.classes)
    rows = []
    for k in range(1, k_max + 1):
        low, high = metrics.accuracy_interval(place < k, level=LEVEL)
        rows.append(
            {"k": k, "accuracy": float((place < k).mean()), "low": low, "high": high,
             "crystals_scored": len(place)}
        )  # fmt: skip
    return rows


def answered(answers: Scored) -> np.ndarray:
    """The most probable group of every crystal."""
    return answers.classes[answers.probabilities.argmax(axis=1)]


def spread(values: Sequence[float]) -> dict[str, float]:
    """Compute mean, standard deviation and the 95 % interval of the mean, over seeds.

    The interval is Student's: it holds for further trainings, on the same crystals. A single value
    has none.

    Examples
    --------
    >>> found = spread([0.5, 0.6, 0.7])
    >>> {name: round(value, 3) for name, value in found.items()}
    {'mean': 0.6, 'sd': 0.1, 'low': 0.352, 'high': 0.848}
    """
    values = np.asarray(values, dtype=float)
    mean = float(values.mean())
    if len(values) < 2:
        return {"mean": mean, "sd": float("nan"), "low": float("nan"), "high": float("nan")}
    sd = float(values.std(ddof=1))
    half = float(stats.t.ppf((1 + LEVEL) / 2, len(values) - 1)) * sd / np.sqrt(len(values))
    return {"mean": mean, "sd": sd, "low": mean - half, "high": mean + half}


def percent(found: dict[str, float], digits: int = 1) -> str:
    """Write mean and standard deviation in percent."""
    sd = "" if np.isnan(found["sd"]) else f" ± {100 * found['sd']:.{digits}f}"
    return f"{100 * found['mean']:.{digits}f}{sd}"


def of_all_seeds(task: Task, name: str, groups: str = "72") -> list[Scored]:
    """The answers of a system, seed by seed."""
    return [scored(task, name, seed, groups) for seed in seeds(task)]


def seeds(task: Task) -> list[int]:
    """The seeds of every system at this size, or those that the configuration names."""
    return list(task.settings.get("seeds", system_settings(task.size)["seeds"]))


def compared(task: Task) -> list[str]:
    """The systems of the comparison at this size, or those that the configuration names."""
    return list(task.settings.get("compared", system_settings(task.size)["compared"]))


def cost(task: Task, name: str) -> dict[str, Any]:
    """What a system's training cost, for the rows of tables."""
    system = System(task, name)
    passes, crystals = system.passes(system.settings["budget"])
    return {
        "patterns": system.definition["patterns"],
        "network": described(system.definition["network"], system.options),
        "multiplications": system.multiplications,
        "passes": passes,
        "crystals": crystals,
        "spent": passes * crystals * system.multiplications,
        "learning_rate": system.rate()["chosen"],
    }


def described(network: str, options: dict[str, Any]) -> str:
    """Name a network and the options it differs from its builder's defaults by."""
    return f"{network}({', '.join(f'{name}={value}' for name, value in options.items())})"


def trainings(task: Task) -> str:
    """Say how many seeds there are."""
    n = len(seeds(task))
    return "one training" if n == 1 else f"{n} trainings"


def budget_sentence(task: Task) -> str:
    """Say what all systems have in common."""
    settings = system_settings(task.size)
    tried = ", ".join(f"{rate:g}" for rate in settings["rates"])
    most = settings["rate_extensions"]
    further = f" and up to {most} more where the best is at an end" if most else ""
    return (
        f"Every system learned from the same {settings['learning_crystals']:,} crystals for "
        f"{settings['budget']:.3g} multiplications of forward passes, rounded to whole passes, "
        f"at the learning rate of the lowest loss on {settings['validation_crystals']:,} other "
        f"crystals of the learning side (of {tried}{further}; "
        f"{100 * settings['rate_budget']:.0f} % of the budget each)."
    )
