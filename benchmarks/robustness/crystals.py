"""Crystals whose images are answered: held-out ones, and those that validated a training."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from crystalsym.classification._validation_rows import split_rows
from crystalsym.datasets import CrystalTable
from crystalsym.pretrained import read_description
from crystalsym.training._data import load_data, of_a_card

SEED = 5
SIDES = ("held-out", "validation")
KEPT = 1500  # crystals of either side, in an order of their own


def chosen(
    model: Path, structures: str | None, cache: Path, folder: Path, side: str
) -> tuple[CrystalTable, np.ndarray]:
    """Take crystals of one side of a model's split, always in the same order.

    ``"held-out"`` ones serve for figures; front end and weights are mended and chosen on
    ``"validation"`` ones.
    """
    kept, labels = _files(folder, side)
    if not kept.is_file():
        if structures is None:
            raise SystemExit(f"{kept} is not there: --structures has to name the table")
        training = read_description(model)["metadata"]["training"]["config"]
        settings = {**of_a_card(training["data"]), "structures": structures}
        data = load_data(SimpleNamespace(data=settings), cache)
        rows = data.test if side == "held-out" else _validation(data, training["classify"])
        rows = np.random.default_rng(SEED).permutation(rows)[:KEPT]
        folder.mkdir(parents=True, exist_ok=True)
        np.save(labels, data.labels[rows])
        data.crystals.take(rows).save(kept)
    return kept_crystals(folder, side)


def kept_crystals(folder: Path, side: str) -> tuple[CrystalTable, np.ndarray]:
    """Read the crystals and groups that :func:`chosen` has kept."""
    kept, labels = _files(folder, side)
    return CrystalTable.load(kept), np.load(labels)


def _files(folder: Path, side: str) -> tuple[Path, Path]:
    return folder / f"{side}.npz", folder / f"{side}-labels.npy"


def _validation(data: Any, classify: dict[str, Any]) -> np.ndarray:
    """Rows of the learning side by which the training was validated."""
    codes = np.unique(data.labels[data.train], return_inverse=True)[1]
    fraction, seed = float(classify["validation_fraction"]), int(classify["random_state"])
    return data.train[split_rows(codes, fraction, seed, data.kin[data.train])[1]]
