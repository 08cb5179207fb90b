"""One crystal of one case: rendered, its spots found, answered. What workers import."""

from __future__ import annotations

import functools
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from cases import PERFECT, scaled
from crystals import SEED, kept_crystals

from crystalsym.identification._order_evidence import order_shares


def answered(
    number: int,
    case: str,
    folder: str,
    side: str,
    image_size: int,
    models: tuple[str, ...],
    row: dict[str, Any] | None,
    seen: Any,
) -> tuple[dict[str, Any], Any]:
    """Answer a crystal by models that have no answer yet in its row; the row, and its spots.

    ``row`` and ``seen`` are those of an earlier run with other models, or None.
    """
    pipelines = {Path(place).name: _model(place) for place in models}
    crystals, labels = _crystals(folder, side)
    simulator = next(iter(pipelines.values()))[0]
    if row is None:
        spots = simulator.transform(crystals.take(np.array([number])))
        row, seen = _looked_at(spots, number, case, image_size, float(simulator.q_max))
        row = {"group": int(labels[number]), **row, "answers": {}, "chances": {}}
    missing = {name: one for name, one in pipelines.items() if name not in row["answers"]}
    answer(row, seen, missing)
    return row, seen


def _looked_at(
    spots: Any, number: int, case: str, image_size: int, q_max: float
) -> tuple[dict[str, Any], Any]:
    from crystalsym.measurement import CameraImages, SpotFinder

    if case == PERFECT:
        return {"refused": None}, spots
    settings, shuffled = scaled(case, image_size)
    camera = CameraImages(image_size, random_state=SEED, **settings)
    finder = SpotFinder(q_max=q_max, order="any" if shuffled else "xyz")
    return looked_at(camera, finder, spots, number, shuffled)


@functools.lru_cache
def _model(place: str) -> Any:
    from crystalsym.pretrained import load_pipeline

    return load_pipeline(place)


@functools.lru_cache
def _crystals(folder: str, side: str) -> tuple[Any, np.ndarray]:
    return kept_crystals(Path(folder), side)


def looked_at(
    camera: Any, finder: Any, spots: Any, number: int, shuffled: bool
) -> tuple[dict[str, Any], Any]:
    """Render one crystal and find its spots, None if it is refused; a row for each order."""
    try:
        (images,) = camera.render(spots, [number])
    except ValueError as reason:  # a pattern without a spot
        return {"refused": f"not rendered: {reason}"}, None
    if shuffled:
        images = [images[i] for i in np.random.default_rng([SEED, number]).permutation(3)]
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (found,) = finder.find([images])
    seen = None
    if found.refused is None:
        seen = type(spots).concatenate([finder.spots(found, one) for one in found.orders])
    row = {
        "refused": found.refused,
        "seconds": round(time.process_time() - start, 3),
        "center_off": [
            round(float(np.hypot(*(one.center.place - image.metadata["rendered"]["center"]))), 4)
            for one, image in zip(found.images, images, strict=True)
            if one.center is not None
        ],
    }
    if seen is None:
        return row, None
    row["zones"] = found.turning.zones
    row["doubts"] = [round(one.doubt, 4) for one in found.orders]
    if not shuffled:
        row["turned_right"] = turned_right(seen, spots, images)
    return row, replace(seen, mask=None)


def answer(row: dict[str, Any], seen: Any, models: dict[str, Any]) -> None:
    """Add the answers of models to a row, orders weighed as ``identify_images`` weighs them."""
    for name, model in models.items():
        row["answers"][name] = []
        if seen is None:
            continue
        chances = np.asarray(model[1:].predict_proba(seen))
        doubts = row.get("doubts", [0.0])  # none of perfect patterns
        (chances,) = order_shares(chances, doubts)[None] @ chances
        best = np.argsort(-chances, kind="stable")[:5]
        row["answers"][name] = [int(group) for group in model[-1].classes_[best]]
        row["chances"][name] = round(float(chances[best[0]]), 4)


def turned_right(seen: Any, spots: Any, images: Any) -> list[bool]:
    """Tell of each image whether all points of its lattice lie as in simulated patterns."""
    from crystalsym.shaping._index_scheme import find_lattice

    turned = []
    for view in range(3):
        q = np.asarray(spots.pattern(0, view).q, float)
        q = q[np.argsort(np.hypot(*q.T))] / images[view].metadata["rendered"]["scale"]
        field = float(spots.q_max[0, view])
        true = find_lattice(*q.T.copy() / field) * field
        if abs(np.linalg.det(true)) < 1e-9:
            continue
        basis = np.asarray(seen.basis[0, view], float)
        off = [
            np.abs(m - np.rint(m)).max()
            for m in (basis * [1.0, sign] @ np.linalg.inv(true) for sign in (1, -1))
        ]
        turned.append(bool(min(off) < 0.1))
    return turned
