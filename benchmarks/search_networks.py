"""What the network of the bundled models was chosen from; the second round after ``search.py``.

    python benchmarks/search_networks.py --structures materials_project.npz \
        --output runs/search-networks

The same 20,000 crystals teach and the same 8,000 are scored. Every trial writes its line to
``trials.json`` and is not repeated.
"""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from keras import layers, ops
from search import LEARNED, perform

from crystalsym import DiffractionSimulator, PatternShaper, SpaceGroupClassifier, metrics
from crystalsym.learning import Augmentation, PatternRows
from crystalsym.networks._common import (
    normalized_relu,
    seeded_dropout,
    shared_features,
    stream_inputs,
)

SHORT = {"epochs": 6, "batch_size": 256, "learning_rate": 3e-3}
LONG = {"epochs": 20, "batch_size": 512, "learning_rate": 4e-3}
PLANS = {
    "short": SHORT,
    "long": LONG,
    "50 passes": {**LONG, "epochs": 50},
    "100 passes": {**LONG, "epochs": 100},
}
ALL_CHANGES = {"zone_axes": 0.1, "dimmed": 0.15, "permuted": 0.1}
POWERS = {"powers": (2, 6)}
WIDE = {"width": 1536, "joint": 3072}
WIDER = {"width": 2048, "joint": 4096}
TRIALS: dict[str, tuple[str, dict[str, Any]]] = {
    "base": ("short", {}),
    "residual block in the trunk": ("short", {"trunk_blocks": 1}),
    "residual block in the joint part": ("short", {"joint_blocks": 1}),
    "powers": ("short", POWERS),
    "intensity itself": ("short", {"rates": (11.5,)}),
    "presence": ("short", {"presence": True}),
    "base, long": ("long", {}),
    "powers, long": ("long", POWERS),
    "wide, long": ("long", WIDE),
    "wide and powers, long": ("long", {**WIDE, **POWERS}),
    "wide, powers, dropout 0.4, long": ("long", {**WIDE, **POWERS, "dropout": 0.4}),
    "wide, 50 passes": ("50 passes", WIDE),
    "wider, 100 passes": ("100 passes", WIDER),
}


def network(
    width: int = 1024,
    joint: int = 2048,
    dropout: float = 0.3,
    powers: tuple[int, ...] = (),
    rates: tuple[float, ...] = (),
    presence: bool = False,
    trunk_blocks: int = 0,
    joint_blocks: int = 0,
) -> Any:
    """A builder like :func:`crystalsym.networks._msmlp`, with the brightness v expanded.

    ``powers`` adds v**k, ``rates`` exp(k (v - 1)), ``presence`` v > 0.
    """

    def dense(x: Any, units: int, name: str) -> Any:
        x = layers.Dense(units, use_bias=False, kernel_initializer="he_normal", name=name)(x)
        return normalized_relu(x, name, 0.95)

    def block(x: Any, units: int, name: str) -> Any:
        y = layers.Dense(x.shape[-1], use_bias=False)(dense(x, units, name))
        y = layers.BatchNormalization(momentum=0.95, gamma_initializer="zeros")(y)
        return layers.Activation("relu")(layers.Add()([x, y]))

    def build(n_classes: int, image_size: int, channels: int, n_streams: int) -> Any:
        image = keras.Input((image_size, image_size, channels))
        x = image[:, image_size // 2 :]
        v = x[..., :1]
        more = [ops.power(v, k) for k in powers] + [ops.exp(k * (v - 1.0)) for k in rates]
        if presence:
            more.append(ops.cast(ops.greater(v, 0), x.dtype))
        x = layers.Flatten()(ops.concatenate([x, *more], -1) if more else x)
        x = dense(x, width, "trunk_1")
        for i in range(trunk_blocks):
            x = block(x, width // 2, f"trunk_block_{i}")
        trunk = keras.Model(image, dense(x, 256, "trunk_2"), name="trunk")
        inputs = stream_inputs(image_size, channels, n_streams)
        x = dense(layers.Flatten()(shared_features(inputs, trunk)), joint, "joint")
        for i in range(joint_blocks):
            x = block(x, joint // 4, f"joint_block_{i}")
        x = seeded_dropout(dropout, "joint_dropout")(x)
        x = seeded_dropout(dropout, "dropout")(dense(x, 512, "embedding"))
        return keras.Model(inputs, layers.Dense(n_classes, dtype="float32")(x))

    return build


def main() -> None:
    """Run what has not been run."""
    perform(__doc__, "runs/search-networks", TRIALS, lambda how, *sides: _trial(*how, *sides))


def _trial(length: str, how: dict[str, Any], data: Any, rows: np.ndarray) -> dict[str, Any]:
    steps = [
        DiffractionSimulator(output="spots", dtype="float64"),
        PatternShaper(dtype="float16"),
    ]
    learned, scored = rows[:LEARNED], rows[LEARNED:]
    changes = Augmentation(**({} if length == "short" else ALL_CHANGES))
    X = PatternRows(steps, data.crystals.take(learned), changes, n_jobs=-1, store="memory")
    classifier = SpaceGroupClassifier(
        network(**how),
        **PLANS[length],
        weight_decay=2e-2,
        validation_fraction=0.02,
        random_state=0,
    )
    start = time.monotonic()
    classifier.fit(X, data.labels[learned])
    seconds = time.monotonic() - start
    probabilities = classifier.predict_proba(
        PatternRows(steps, data.crystals.take(scored), n_jobs=-1)
    )
    labels = data.labels[scored]
    figures = metrics.summary(labels, probabilities, classifier.classes_)
    own = probabilities[np.arange(len(labels)), np.searchsorted(classifier.classes_, labels)]
    return {
        **{key: round(float(figures[key]), 4) for key in ("top1", "top5", "macro")},
        "log_loss": round(float(-np.log(np.maximum(own, 1e-9)).mean()), 4),
        "loss": round(classifier.history_[-1]["loss"], 4),
        "seconds": round(seconds),
        "parameters": classifier.n_parameters_,
    }


if __name__ == "__main__":
    main()
