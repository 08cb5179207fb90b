"""Train a small DenseNet for a moment, and look at what its layers make of a pattern.

python examples/look_inside_a_network.py [FOLDER [CRYSTAL]]
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

from crystalsym import DiffractionSimulator, PatternShaper, SpaceGroupClassifier
from crystalsym.datasets import example_crystals, random_crystals
from crystalsym.metrics import map_redundancy
from crystalsym.plotting import FeatureMapDisplay, RankingDisplay, ShapedPatternDisplay

# A centrosymmetric group and two others, of other absences each.
GROUPS = (194, 221, 225)
LAYERS = ("trunk/stem", "trunk/block1_layer2_conv", "trunk/block2_layer2_conv")


def main(folder: str = ".", name: str = "NaCl") -> None:
    """Simulate, shape, train, and write figures."""
    matplotlib.use("Agg")
    out = Path(folder)
    simulator = DiffractionSimulator(output="spots")
    shaper = PatternShaper("spots", image_size=48, dtype="uint8")

    groups = [group for group in GROUPS for _ in range(16)]
    crystals = random_crystals(groups, random_state=0)
    network = SpaceGroupClassifier(
        "msdn",
        {"growth": 12, "bottleneck": 12, "blocks": (2, 2), "dropout": 0.0},
        epochs=4,
        batch_size=16,
        learning_rate=2e-3,
        random_state=0,
    )
    network.fit(shaper.transform(simulator.transform(crystals)), groups)
    print(f"a DenseNet of {network.n_parameters_:,} parameters, trained for a moment; layers:")
    for layer, (height, width, n_maps) in network.feature_map_layers().items():
        if layer.endswith(("stem", "_conv")):
            print(f"  {layer}: {n_maps} maps of {height} x {width}")

    structure = example_crystals()[name]
    display = ShapedPatternDisplay.from_estimator(shaper, structure, simulator=simulator, name=name)
    display.figure_.savefig(out / "shaping.png")

    shaped = shaper.transform(simulator.transform([structure]))
    RankingDisplay.from_estimator(network, shaped, name=name).figure_.savefig(out / "ranking.png")
    for layer in LAYERS:
        display = FeatureMapDisplay.from_estimator(network, shaped, layer, name=name)
        display.figure_.savefig(out / f"{layer.replace('/', '_')}.png")
        # One pattern alone says little about a layer: take all maps of all three.
        found = map_redundancy(network.feature_maps(shaped, layer))
        print(
            f"{layer}: mean |correlation| {found.mean_correlation:.2f}, {found.n_components} of "
            f"{found.n_maps} components hold {100 * found.variance:g} % of the variance"
        )
    print(f"wrote {2 + len(LAYERS)} figures to {out.resolve()}")


if __name__ == "__main__":
    main(*sys.argv[1:])
