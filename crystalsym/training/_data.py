"""A table of labeled crystals -> standard cells, labels, and who is held out."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crystalsym import spacegroups
from crystalsym.datasets._table import CrystalTable
from crystalsym.learning import (
    chemical_system_groups,
    holdout_split,
    near_duplicate_groups,
    prototype_groups,
)
from crystalsym.learning._former_split import former_holdout, former_near_duplicates
from crystalsym.learning._grouping import joined_groups

SPLITS = ("random", "prototypes", "chemical-systems")
# How near-duplicates are told and groups drawn; cards that name no rule have the first.
SPLIT_RULE, FORMER_SPLIT_RULE = 2, 1
DATA_DEFAULTS: dict[str, Any] = {
    "structures": None,
    "groups": "72",
    "symprec": 0.1,
    "idealize": True,
    "split": "random",
    "test_fraction": 0.2,
    "split_seed": 0,
    "split_rule": SPLIT_RULE,
    "min_training": 5,
    "limit": None,
}


@dataclass(frozen=True)
class TrainingData:
    """Hold standardized crystals, their labels, and who is held out.

    Attributes
    ----------
    crystals : CrystalTable
    labels : ndarray of int
    train, test : ndarray of int
        Rows of ``crystals``.
    kin : ndarray of int
        Numbers; crystals of the same number stay on one side of the split.
    rows : ndarray of int
        Where ``crystals`` stand in the file they came from.
    """

    crystals: CrystalTable
    labels: np.ndarray
    train: np.ndarray
    test: np.ndarray
    kin: np.ndarray
    rows: np.ndarray


def load_data(
    config: Any, cache: Path, n_jobs: int | None = None, verbose: int = 0
) -> TrainingData:
    """Read, standardize, select and split the crystals of a table.

    What takes long is done once and kept in ``cache``: the standard cells and, for
    ``split = "prototypes"``, the numbers of the prototypes.

    Parameters
    ----------
    config : TrainingConfig
        Or anything else whose ``data`` has the keys of ``DATA_DEFAULTS``. ``groups`` is a label
        set, or ``"all"`` for all groups there are; then groups with fewer than ``min_training``
        crystals are learned from and not held out, together with all that has to stay on their
        side. ``split`` says what stays on one side: ``"random"`` near-duplicates
        (:func:`crystalsym.learning.near_duplicate_groups`), ``"prototypes"`` prototypes as well,
        ``"chemical-systems"`` crystals of the same elements. ``split_rule`` is 2, or 1 for the
        split of models whose card names no rule.
    cache : path-like
    n_jobs : int, optional
    verbose : int, default=0

    Returns
    -------
    TrainingData

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing or has no labels, or a setting is none of these.
    """
    data = {**DATA_DEFAULTS, **config.data}
    groups, split = str(data["groups"]), str(data["split"])
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
    if data["split_rule"] not in (FORMER_SPLIT_RULE, SPLIT_RULE):
        raise ValueError(
            f"split_rule must be {SPLIT_RULE}, or {FORMER_SPLIT_RULE} for the split of older "
            f"models, got {data['split_rule']!r}"
        )
    wanted = spacegroups.label_set("230" if groups == "all" else groups)
    ideal = standard_table(data, cache, n_jobs, verbose, idealize=True)
    if ideal.space_group is None:
        raise ValueError(f"{data['structures']}: has no space_group column to learn from")
    rows = np.flatnonzero(np.isin(ideal.space_group, wanted))
    if data["limit"]:
        rng = np.random.default_rng(data["split_seed"])
        rows = np.sort(rng.permutation(rows)[: int(data["limit"])])
    crystals = ideal.take(rows)
    labels = crystals.space_group.astype(np.int64)
    # Crystals that are not idealized are split as if they were, so that figures compare.
    keys = _split_keys(data, split, ideal, rows, crystals, labels, cache, n_jobs, verbose)
    former = data["split_rule"] == FORMER_SPLIT_RULE
    hold_out = former_holdout if former else holdout_split
    train, test = hold_out(keys, float(data["test_fraction"]), int(data["split_seed"]))
    if groups == "all":
        rare = np.bincount(labels, minlength=231)[labels] < int(data["min_training"])
        # Alone, they would leave their kin on the other side, as they did by the former rule.
        kept = rare[test] if former else np.isin(keys[test], keys[rare])
        train, test = np.sort(np.concatenate([train, test[kept]])), test[~kept]
    if not data["idealize"]:
        crystals = standard_table(data, cache, n_jobs, verbose, idealize=False).take(rows)
    return TrainingData(crystals, labels, train, test, keys, rows)


def of_a_card(settings: dict[str, Any]) -> dict[str, Any]:
    """Complete the ``[data]`` that a card or an older folder holds, which may name no rule."""
    return {**DATA_DEFAULTS, "split_rule": FORMER_SPLIT_RULE, **settings}


def standard_table(
    data: dict[str, Any],
    cache: Path,
    n_jobs: int | None = None,
    verbose: int = 0,
    idealize: bool | None = None,
) -> CrystalTable:
    """Bring all crystals of the file to their standard cells, kept in ``cache``.

    Parameters
    ----------
    data : dict
        ``structures``, ``symprec`` and ``idealize`` as in ``DATA_DEFAULTS``.
    cache : path-like
    n_jobs : int, optional
    verbose : int, default=0
    idealize : bool, optional
        Instead of what ``data`` says.

    Returns
    -------
    CrystalTable
        Row by row as in the file.
    """
    source = Path(data["structures"])
    idealize = bool(data["idealize"]) if idealize is None else idealize
    cached = _cached(data, cache, "standard" if idealize else "unidealized")
    if cached.is_file():
        return CrystalTable.load(cached)
    table = CrystalTable.load(source)
    if table.standard and not idealize:
        raise ValueError(f"{source}: holds standard cells, too late for idealize = false")
    _make_sure_of(cached.parent)
    table = table.standardized(float(data["symprec"]), n_jobs, verbose, idealize)
    table.save(cached)
    return table


def _split_keys(
    data: dict[str, Any],
    split: str,
    table: CrystalTable,
    rows: np.ndarray,
    crystals: CrystalTable,
    labels: np.ndarray,
    cache: Path,
    n_jobs: int | None,
    verbose: int,
) -> np.ndarray:
    """Numbers that are the same for crystals that stay on one side."""
    if split == "chemical-systems":
        return chemical_system_groups(crystals)
    former = data["split_rule"] == FORMER_SPLIT_RULE
    find = former_near_duplicates if former else near_duplicate_groups
    near_duplicates = find(crystals, labels)
    if split == "random":
        return near_duplicates
    cached = _cached(data, cache, "prototypes")
    if cached.is_file():
        prototypes = np.load(cached, allow_pickle=False)["prototypes"]
    else:
        _make_sure_of(cached.parent)
        prototypes = prototype_groups(table, float(data["symprec"]), n_jobs, verbose)
        partial = cached.with_name(cached.name + ".partial.npz")  # a cut leaves no half file
        np.savez(partial, prototypes=prototypes)
        os.replace(partial, cached)
    # Near-duplicates may occupy different sites.
    return joined_groups(prototypes[rows], near_duplicates)


def _cached(data: dict[str, Any], cache: Path, what: str) -> Path:
    source = Path(data["structures"])
    digest = file_digest(source)[:12]  # tables of one name do not get each other's crystals
    return Path(cache) / f"{source.stem}-{digest}-{what}-{float(data['symprec']):g}.npz"


def file_digest(path: str | os.PathLike[str]) -> str:
    """Compute the SHA-256 of a file's content, hexadecimal.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _make_sure_of(folder: Path) -> None:
    """Before long work whose result goes there."""
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"{folder}: cannot be written to; keep the crystals elsewhere")
