"""
Look inside a network
=====================

Train a small DenseNet for a moment, and look at what its layers make of a pattern. ``python
examples/look_inside_a_network.py CRYSTAL`` takes another of the bundled crystals.
"""

from __future__ import annotations

import sys

import matplotlib.pyplot as plt

from crystalsym import DiffractionSimulator, PatternShaper, SpaceGroupClassifier
from crystalsym.datasets import example_crystals, random_crystals
from crystalsym.metrics import map_redundancy
from crystalsym.plotting import FeatureMapDisplay, RankingDisplay, ShapedPatternDisplay

# %%
# Three groups, of other absences each; random crystals, shaped patterns of 48 pixels.

groups = [group for group in (194, 221, 225) for _ in range(16)]
simulator = DiffractionSimulator(output="spots")
shaper = PatternShaper("spots", image_size=48, dtype="uint8")
network = SpaceGroupClassifier(
    "msdn",
    {"growth": 12, "bottleneck": 12, "blocks": (2, 2), "dropout": 0.0},
    epochs=4,
    batch_size=16,
    learning_rate=2e-3,
    random_state=0,
)
network.fit(shaper.transform(simulator.transform(random_crystals(groups, random_state=0))), groups)
print(f"a DenseNet of {network.n_parameters_:,} parameters, trained for a moment; layers:")
for layer, (height, width, n_maps) in network.feature_map_layers().items():
    if layer.endswith(("stem", "_conv")):
        print(f"  {layer}: {n_maps} maps of {height} x {width}")

# %%
# What the network sees of a crystal, and what it says of it.

name = sys.argv[1] if len(sys.argv) > 1 else "NaCl"
structure = example_crystals()[name]
shaped = shaper.transform(simulator.transform([structure]))
ShapedPatternDisplay.from_estimator(shaper, structure, simulator=simulator, name=name)
RankingDisplay.from_estimator(network, shaped, name=name)
plt.show()

# %%
# The maps of three layers, and how much they repeat one another. One pattern alone says little of
# a layer: that is of all maps of all three.

for layer in ("trunk/stem", "trunk/block1_layer2_conv", "trunk/block2_layer2_conv"):
    FeatureMapDisplay.from_estimator(network, shaped, layer, name=name)
    found = map_redundancy(network.feature_maps(shaped, layer))
    print(
        f"{layer}: mean |correlation| {found.mean_correlation:.2f}, {found.n_components} of "
        f"{found.n_maps} components hold {100 * found.variance:g} % of the variance"
    )
plt.show()
