"""Which layers are measured, and that copies are told from different maps."""

from pathlib import Path

import numpy as np
import pytest


class Network:
    """Gives maps that are copies in one layer, and have nothing in common in the other."""

    layers = ("trunk/stem", "trunk/stem_relu", "trunk/stem_pool", "trunk/block1_layer1_conv")

    def feature_map_layers(self):
        return {**dict.fromkeys(self.layers, (8, 8, 4)), "trunk/conv12": (4, 4, 4)}

    def feature_maps(self, X, layer):
        rng = np.random.default_rng(0)
        spots = rng.random((len(X), 3, 8, 8, 4))
        if layer == "trunk/stem_relu":
            spots[:] = spots[..., :1]
            spots[..., 3] = 0
        return spots


@pytest.fixture
def kind(paper):
    pytest.importorskip("keras")
    return paper("kinds.feature_maps")


def test_convolutions_are_seen_as_the_next_layer_sees_them(kind):
    assert kind.convolutions(Network()) == [
        "trunk/stem_relu", "trunk/block1_layer1_conv", "trunk/conv12"
    ]  # fmt: skip


def test_a_network_without_convolutions_is_refused(kind):
    network = Network()
    network.feature_map_layers = lambda: {"image": (8, 8, 1)}
    with pytest.raises(ValueError, match="no layer of convolutions; it has image"):
        kind.convolutions(network)


def test_layers_are_spread_over_the_depth(kind):
    assert kind.spread(list("abcdefg"), 3) == ["a", "d", "g"]
    assert kind.spread(list("ab"), 5) == ["a", "b"]


def test_copies_are_redundant(kind):
    copies, others = kind.redundancies(
        Network(), np.zeros((5, 1)), ["trunk/stem_relu", "trunk/block1_layer1_conv"]
    )
    assert copies["mean_correlation"] == pytest.approx(1)
    assert (copies["components_per_map"], copies["dark_part"]) == (0.25, 0.25)
    assert others["mean_correlation"] < 0.1
    assert (others["components_per_map"], others["dark_part"]) == (1.0, 0.0)
    assert (copies["depth"], others["depth"]) == (0, 1)


@pytest.mark.parametrize(
    ("msdn", "said"),
    [(0.1, "less redundant: that holds"), (0.9, "less redundant: that does not hold"),
     (0.5, "less redundant: that is undecided")],
)  # fmt: skip
def test_the_finding_is_judged_by_the_spread(kind, paper, tmp_path, msdn, said):
    def line(network, value):
        keys = ("mean_correlation", "components_per_map", "dark_part")
        values = {key: value for key in keys} | {f"{key}_spread": 0.05 for key in keys}
        return {"network": network, "seeds": 3, "spread_over": "seeds", **values}

    config = Path(kind.__file__).parents[1] / "figure-6.toml"
    task = paper("task").Task.read(config, "tiny", tmp_path, None)
    means = {"msvgg": line("msvgg", 0.5), "msdn": line("msdn", msdn)}
    assert said in kind._paragraph(means, task)


def test_layers_with_nothing_to_compare_are_left_out(kind):
    keys = ("mean_correlation", "components_per_map", "dark_part")
    rows = [
        {"network": "msdn", "seed": seed, "batch": 0, **dict.fromkeys(keys, value)}
        for seed, value in ((0, 0.2), (0, float("nan")), (1, 0.4))
    ]
    line = kind._network_means(rows, "msdn")
    assert (line["mean_correlation"], line["mean_correlation_spread"]) == (0.3, 0.1)
    assert (line["seeds"], line["spread_over"]) == (2, "seeds")
