"""What one run is given, and what it gives back."""

from __future__ import annotations

import csv
import textwrap
import tomllib
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from crystalsym.datasets import random_crystals
from crystalsym.learning import holdout_split
from crystalsym.training import TrainingConfig, TrainingData, load_data

SIZES = ("tiny", "quick", "full")
SOURCE = "L. C. O. Tiong, J. Kim, S. S. Han, D. Kim, npj Comput. Mater. 6, 196 (2020)"
# Tables of a tiny run: so many random crystals of each of these groups.
TINY_GROUPS, TINY_CRYSTALS = (14, 62, 166, 225), 12

COLORS = 64  # of a figure


@dataclass(frozen=True)
class Task:
    """Hold one configuration at one size.

    Attributes
    ----------
    name : str
        That of the file.
    kind : str
        Module of ``kinds``.
    title : str
    paper : dict
        What the paper says.
    settings : dict
        Those of ``[settings]`` and of the size.
    size : {"tiny", "quick", "full"}
    folder : Path
        Where its results go, and whatever a later run takes up again.
    structures : Path or None
        Table of crystals; a tiny run does without.
    n_jobs, verbose : int
    """

    name: str
    kind: str
    title: str
    paper: dict[str, Any]
    settings: dict[str, Any]
    size: str
    folder: Path
    structures: Path | None
    n_jobs: int = 2
    verbose: int = 0

    @classmethod
    def read(
        cls,
        path: Path,
        size: str,
        output: Path,
        structures: Path | None,
        n_jobs: int = 2,
        verbose: int = 0,
    ) -> Task:
        """Read a configuration.

        Raises
        ------
        ValueError
            If it has an unknown entry, or crystals are needed and none are named.
        """
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        unknown = set(content) - {"kind", "title", "paper", "settings", *SIZES}
        if unknown:
            raise ValueError(f"{path}: unknown entry {sorted(unknown)[0]!r}")
        if structures is None and size != "tiny":
            raise ValueError(f"--structures: a table of crystals (.npz) is needed for --{size}")
        folder = Path(output) / size / Path(path).stem
        folder.mkdir(parents=True, exist_ok=True)
        return cls(
            Path(path).stem,
            content["kind"],
            content["title"],
            content.get("paper", {}),
            {**content.get("settings", {}), **content.get(size, {})},
            size,
            folder,
            structures,
            n_jobs,
            verbose,
        )

    def crystals(self, groups: str = "72") -> TrainingData:
        """Load standard cells, labels, and who is held out, by the split of the bundled models."""
        if self.size == "tiny":
            return _random_data()
        assert self.structures is not None
        data = {"structures": str(self.structures), "groups": groups, "split_rule": 1}
        cache = self.folder.parents[1] / "data"  # one for all configurations and sizes
        return load_data(TrainingConfig(self.name, data), cache, self.n_jobs, self.verbose)

    def say(self, message: str) -> None:
        """Print progress."""
        if self.verbose:
            print(f"{self.name}: {message}", flush=True)


@dataclass
class Outcome:
    """Hold what a run found.

    Attributes
    ----------
    paragraph : str
        Markdown; what was found, against the paper's number.
    figures : dict of str to matplotlib.figure.Figure
        By file name without ending.
    tables : dict of str to list of dict
        Rows, by file name without ending.
    """

    paragraph: str
    figures: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The paragraph without its indentation."""
        return textwrap.dedent(self.paragraph).strip()

    def save(self, task: Task) -> None:
        """Write all of it into the task's folder."""
        for name, figure in self.figures.items():
            _save_figure(figure, task.folder / f"{name}.png")
        for name, rows in self.tables.items():
            columns = list(dict.fromkeys(key for row in rows for key in row))
            with open(task.folder / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, columns, lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
        (task.folder / f"{task.name}.md").write_text(self.text + "\n", encoding="utf-8")


def _save_figure(figure: Any, path: Path) -> None:
    """Write a PNG of few colors: a third of the size, and no difference to be seen."""
    whole = BytesIO()
    figure.savefig(whole, dpi=150)
    image = Image.open(whole).convert("RGB")
    few = image.quantize(COLORS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


def _random_data() -> TrainingData:
    labels = np.repeat(TINY_GROUPS, TINY_CRYSTALS)
    crystals = random_crystals(labels, random_state=0)
    kin = np.arange(len(labels))
    train, test = holdout_split(kin, 0.5, 0)
    return TrainingData(crystals, labels, train, test, kin, kin)
