"""
A network of your own
=====================

Train a network of one's own on shaped patterns, save it and load it again.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np

from crystalsym import DiffractionSimulator, PatternShaper, SpaceGroupClassifier, as_crystal
from crystalsym.datasets import example_crystals, example_space_groups
from crystalsym.learning import PatternRows

# %%
# A network is a function that returns a Keras model: one input for each stream, logits as output.
# ``embed`` reads the layer named ``"features"``, (batch, 1, features).


def my_network(n_classes: int, image_size: int, channels: int, n_streams: int, width: int = 16):
    """A small network of strided convolutions."""
    import keras
    from keras import layers, ops

    inputs = [keras.Input((image_size, image_size, channels)) for _ in range(n_streams)]
    x = inputs[0] if n_streams == 1 else layers.Concatenate()(inputs)
    for filters in (width, 2 * width):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Dense(4 * width, activation="relu")(layers.Flatten()(x))
    x = layers.Identity(name="features")(ops.expand_dims(x, 1))
    logits = layers.Dense(n_classes, dtype="float32")(layers.Flatten()(x))
    return keras.Model(inputs, logits)


# %%
# Face-centered cubic crystals and hexagonal ones, in twelve cells each. Patterns are drawn batch by
# batch when the training asks for them.

rng = np.random.default_rng(0)
known = {name: n for name, n in example_space_groups().items() if n in (194, 225)}
crystals = [as_crystal(example_crystals()[name]) for name in known for _ in range(12)]
crystals = [c.replace(lattice=c.lattice * rng.uniform(0.95, 1.05)) for c in crystals]
labels = np.repeat(list(known.values()), 12)
X = PatternRows(
    [DiffractionSimulator(image_size=128), PatternShaper("spots", image_size=32)], crystals
)
classifier = SpaceGroupClassifier(my_network, {"width": 8}, epochs=5, random_state=0)
classifier.set_params(batch_size=8, learning_rate=3e-3).fit(X, labels)
print(f"{classifier.n_parameters_} parameters, loss {classifier.history_[-1]['loss']:.4f}")

plt.plot([epoch["loss"] for epoch in classifier.history_], marker="o")
plt.xlabel("epoch")
plt.ylabel("loss")
plt.show()

# %%
# What is saved holds weights and configuration and no code, so that loading asks for the function.

with TemporaryDirectory() as folder:
    path = Path(folder) / "mine.zip"
    classifier.save(path)
    again = SpaceGroupClassifier.load(path, architecture=my_network)
assert np.array_equal(again.predict(X), classifier.predict(X))
print("embedding of one crystal:", again.embed(X[:1]).shape)
