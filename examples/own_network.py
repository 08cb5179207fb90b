"""Train a network of one's own on shaped patterns, save it and load it again.

python examples/own_network.py
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from crystalsym import DiffractionSimulator, PatternShaper, SpaceGroupClassifier, as_crystal
from crystalsym.datasets import example_crystals, example_space_groups
from crystalsym.learning import PatternRows


def my_network(n_classes: int, image_size: int, channels: int, n_streams: int, width: int = 16):
    """A small network: one input for each stream, logits as output."""
    import keras
    from keras import layers, ops

    inputs = [keras.Input((image_size, image_size, channels)) for _ in range(n_streams)]
    x = inputs[0] if n_streams == 1 else layers.Concatenate()(inputs)
    for filters in (width, 2 * width):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Dense(4 * width, activation="relu")(layers.Flatten()(x))
    # The layer that embed() reads: (batch, 1, features).
    x = layers.Identity(name="features")(ops.expand_dims(x, 1))
    logits = layers.Dense(n_classes, dtype="float32")(layers.Flatten()(x))
    return keras.Model(inputs, logits)


def main() -> None:
    """Tell face-centered cubic crystals from hexagonal ones."""
    rng = np.random.default_rng(0)
    known = {name: n for name, n in example_space_groups().items() if n in (194, 225)}
    crystals = [as_crystal(example_crystals()[name]) for name in known for _ in range(12)]
    crystals = [c.replace(lattice=c.lattice * rng.uniform(0.95, 1.05)) for c in crystals]
    labels = np.repeat(list(known.values()), 12)

    # Patterns are rendered batch by batch when training asks for them.
    steps = [DiffractionSimulator(image_size=128), PatternShaper("spots", image_size=32)]
    X = PatternRows(steps, crystals)
    classifier = SpaceGroupClassifier(my_network, {"width": 8}, epochs=5, random_state=0)
    classifier.set_params(batch_size=8, learning_rate=3e-3).fit(X, labels)
    print(f"{classifier.n_parameters_} parameters, loss {classifier.history_[-1]['loss']:.4f}")

    with TemporaryDirectory() as folder:
        path = Path(folder) / "mine.zip"
        classifier.save(path)  # weights and configuration, no code
        again = SpaceGroupClassifier.load(path, architecture=my_network)
    assert np.array_equal(again.predict(X), classifier.predict(X))
    print("embedding of one crystal:", again.embed(X[:1]).shape)


if __name__ == "__main__":
    main()
