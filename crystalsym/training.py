"""Training a pipeline from a file of crystals and one TOML file.

The file has the tables ``[data]``, ``[simulate]``, ``[shape]`` and ``[classify]``; the last three
hold the parameters of the pipeline's steps. What stands in ``[card]`` is kept with the model. See
``benchmarks/train-72.toml``.
"""

from __future__ import annotations

import json
import os
import sys
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from crystalsym import metrics, spacegroups
from crystalsym.datasets.table import CrystalTable
from crystalsym.splits import holdout_split, twin_groups
from crystalsym.stores import PatternStore
from crystalsym.streams import RenderedPatterns

TABLES = ("data", "simulate", "shape", "classify", "card")
DATA_DEFAULTS: dict[str, Any] = {
    "structures": None,
    "groups": "72",
    "symprec": 0.1,
    "test_fraction": 0.2,
    "split_seed": 0,
    "limit": None,
}


@dataclass(frozen=True)
class TrainingConfig:
    """What one training consists of."""

    name: str
    data: dict[str, Any] = field(default_factory=dict)
    simulate: dict[str, Any] = field(default_factory=dict)
    shape: dict[str, Any] = field(default_factory=dict)
    classify: dict[str, Any] = field(default_factory=dict)
    card: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: str | os.PathLike) -> TrainingConfig:
        """Read a TOML file.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is no such file, it is no TOML, or it holds an unknown table or key.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such file")
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{path}: not a TOML file ({error})") from error
        unknown = set(content) - {"name", *TABLES}
        if unknown:
            raise ValueError(f"{path}: unknown entry {sorted(unknown)[0]!r}; known are {TABLES}")
        data = content.get("data", {})
        stray = set(data) - set(DATA_DEFAULTS)
        if stray:
            raise ValueError(f"{path}: [data] has no {sorted(stray)[0]!r}")
        if "structures" not in data:
            raise ValueError(f"{path}: [data] needs structures = '<file>.npz'")
        return cls(
            content.get("name", path.stem),
            {**DATA_DEFAULTS, **data},
            *(content.get(table, {}) for table in TABLES[1:]),
        )

    def pipeline(self):
        """The unfitted pipeline."""
        from sklearn.pipeline import Pipeline

        from crystalsym.classification import SpaceGroupClassifier
        from crystalsym.shaping import PatternShaper
        from crystalsym.simulation import DiffractionSimulator

        return Pipeline(
            [
                ("simulate", DiffractionSimulator(**self.simulate)),
                ("shape", PatternShaper(**self.shape)),
                ("classify", SpaceGroupClassifier(**self.classify)),
            ]
        )


@dataclass(frozen=True)
class TrainingData:
    """Standardised crystals, their labels, and who is held out."""

    crystals: CrystalTable
    labels: np.ndarray
    train: np.ndarray
    test: np.ndarray


def load_data(config: TrainingConfig, cache: Path, n_jobs: int | None, verbose: int = 0):
    """Read, standardise (once: the result is kept in ``cache``), select and split.

    Returns
    -------
    TrainingData
    """
    source = Path(config.data["structures"])
    symprec = float(config.data["symprec"])
    cached = cache / f"{source.stem}-standard-{symprec:g}.npz"
    if cached.is_file() and cached.stat().st_mtime >= source.stat().st_mtime:
        table = CrystalTable.load(cached)
    else:
        table = CrystalTable.load(source).standardized(symprec, n_jobs, verbose)
        cache.mkdir(parents=True, exist_ok=True)
        table.save(cached)
    if table.space_group is None:
        raise ValueError(f"{source}: has no space_group column to learn from")
    wanted = np.isin(table.space_group, spacegroups.label_set(str(config.data["groups"])))
    rows = np.flatnonzero(wanted)
    if config.data["limit"]:
        rng = np.random.default_rng(config.data["split_seed"])
        rows = np.sort(rng.permutation(rows)[: int(config.data["limit"])])
    crystals = table.take(rows)
    labels = crystals.space_group.astype(np.int64)
    train, test = holdout_split(
        twin_groups(crystals, labels), config.data["test_fraction"], config.data["split_seed"]
    )
    return TrainingData(crystals, labels, train, test)


def train(
    config: TrainingConfig,
    output: str | os.PathLike,
    *,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> dict[str, Any]:
    """Train, evaluate on the held-out crystals, and write everything to a folder.

    Interrupted at any moment and called again, it goes on from the last checkpoint with the same
    order of samples.

    Parameters
    ----------
    config : TrainingConfig
    output : path-like
        Folder for ``checkpoints``, ``model`` (for :func:`crystalsym.pretrained.load_pipeline`)
        and ``figures.json``.
    n_jobs : int, optional
        Jobs for standardising the crystals.
    verbose : int, default=0

    Returns
    -------
    dict
        The held-out figures and how they came about.
    """
    from crystalsym.pretrained import save_pipeline

    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    data = load_data(config, output / "data", n_jobs, verbose)
    pipeline = config.pipeline()
    pipeline[-1].set_params(checkpoint_dir=str(output / "checkpoints"), verbose=verbose)
    _say(verbose, f"{len(data.train)} crystals to learn from, {len(data.test)} held out")
    start = time.monotonic()
    learning: Any = RenderedPatterns(pipeline[:-1], data.crystals.take(data.train))
    if learning.dtype == np.uint8:
        learning = PatternStore(learning, output / "patterns")
    pipeline[-1].fit(learning, data.labels[data.train])
    seconds = time.monotonic() - start
    figures = evaluate(pipeline, data.crystals.take(data.test), data.labels[data.test])
    result = {
        "name": config.name,
        "held_out": figures,
        "learning_crystals": len(data.train),
        "parameters": pipeline[-1].n_parameters_,
        "seconds_since_last_start": round(seconds),
        "history": pipeline[-1].history_,
        "config": _portable(config),
    }
    pipeline[-1].set_params(checkpoint_dir=None, verbose=0)
    headline = {key: round(figures[key], 4) for key in ("top1", "top5", "macro")}
    card = {"name": config.name, **config.card, **headline, "training": result}
    save_pipeline(pipeline, output / "model", metadata=card, dtype="float16")
    (output / "figures.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    _say(verbose, f"held out: top-1 {figures['top1']:.4f}, top-5 {figures['top5']:.4f}")
    return result


def evaluate(pipeline, structures, labels) -> dict[str, Any]:
    """Figures of a fitted pipeline on labelled structures, in bounded memory."""
    rendered = RenderedPatterns(pipeline[:-1], structures)
    probabilities = pipeline[-1].predict_proba(rendered)
    return metrics.summary(labels, probabilities, pipeline[-1].classes_)


def _portable(config: TrainingConfig) -> dict[str, Any]:
    """The configuration without where on this machine things lay."""
    tables = {table: dict(getattr(config, table)) for table in TABLES[:-1]}
    tables["data"]["structures"] = Path(tables["data"]["structures"]).name
    return tables


def _say(verbose: int, message: str) -> None:
    if verbose:
        print(message, file=sys.stderr, flush=True)
