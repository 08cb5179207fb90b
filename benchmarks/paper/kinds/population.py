"""How many crystals there are of every space group."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from task import Outcome, Task

from crystalsym import spacegroups
from crystalsym.spacegroups import PAPER_COUNTS

SYSTEMS = (
    "triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic",
)  # fmt: skip


def make(task: Task) -> Outcome:
    """Count the crystals of the table, group by group, beside the paper's."""
    trained = spacegroups.label_set("72")
    counts = np.bincount(task.crystals("72").labels, minlength=231)
    rows = [
        {
            "space_group": int(number),
            "symbol": spacegroups.symbol(int(number)),
            "crystal_system": spacegroups.crystal_system(int(number)),
            "paper": PAPER_COUNTS[int(number)],
            "here": int(counts[number]),
        }
        for number in trained
    ]
    figure = Figure((10, 3.6), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(rows))
    axes.bar(places - 0.2, [row["paper"] for row in rows], 0.4, color="#999999", label="paper")
    axes.bar(places + 0.2, [row["here"] for row in rows], 0.4, color="#0072B2", label="here")
    axes.set_yscale("log")
    axes.set_xticks(places, [str(row["space_group"]) for row in rows], rotation=90, fontsize=7)
    axes.set(xlabel="space group", ylabel="crystals", xlim=(-0.8, len(rows) - 0.2))
    axes.legend(frameon=False)
    systems = []
    for system in SYSTEMS:
        of_it = [row for row in rows if row["crystal_system"] == system]
        sums = {side: sum(row[side] for row in of_it) for side in ("paper", "here")}
        systems.append({"crystal_system": system, "groups": len(of_it), **sums})
    paper, here = (sum(row[side] for row in rows) for side in ("paper", "here"))
    largest = max(rows, key=lambda row: row["here"])
    paragraph = f"""
        The paper counts {paper:,} crystals in its 72 groups; the table has {here:,}. Its most
        common group here is {largest["space_group"]} ({largest["symbol"]}), {largest["here"]:,}
        crystals.
    """
    tables = {"population": rows, "population-by-system": systems}
    return Outcome(paragraph, {"population": figure}, tables)
