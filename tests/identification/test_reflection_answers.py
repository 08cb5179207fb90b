"""Answers to reflection lists: right ones, refusals, and nothing that a file says of symmetry."""

from __future__ import annotations

import json

import numpy as np
import pytest

from crystalsym.cli import main
from crystalsym.datasets import random_molecular_crystals
from crystalsym.identification import identify_reflections
from crystalsym.identification._refusals import refusal
from crystalsym.identification._weighing import Opinion, Weights, weighed
from crystalsym.measurement import Degradation, ReflectionSimulator
from crystalsym.pretrained import available
from crystalsym.reflections import (
    GroupLikelihoods,
    ReflectionList,
    intensity_statistics,
    reduce_reflections,
    write_hklf4,
)

pytestmark = pytest.mark.skipif(
    "230-lists" not in available(), reason="the weights are not in this tree"
)
GOOD = Degradation(
    d_min=0.85, cone=None, missing=None, beam_stop=None, background=0.01, scale_error=0.03,
    twin=None, unobserved=None, extinction=None, compression=None,
)  # fmt: skip
GROUPS = (14, 2, 19, 15, 61)


@pytest.fixture(scope="module")
def measured():
    table = random_molecular_crystals(GROUPS, random_state=5, n_atoms=(60, 160))
    return ReflectionSimulator(GOOD, random_state=1).transform(table)


def test_good_lists_are_answered(measured):
    answers = identify_reflections(measured, evidence=False)
    assert [answer.ranking[0][0] for answer in answers] == list(GROUPS)
    for answer in answers:
        assert answer.error is None
        assert answer.refused is None
        assert 0.5 < answer.reliability <= 1
        assert sum(p for _, p in answer.ranking) <= 1 + 1e-6


def test_what_a_file_says_of_symmetry_changes_nothing(measured):
    plain = measured[0]
    lying = ReflectionList(
        plain.hkl, plain.intensity, plain.sigma, plain.cell,
        carried={"symbol": "F m -3 m", "number": 225, "operations": ["x,y,z"]},
    )  # fmt: skip
    one, two = identify_reflections([plain, lying], evidence=False)
    assert one.ranking == two.ranking
    assert two.carried["symbol"] == "F m -3 m"


def test_evidence_comes_along(measured):
    (answer,) = identify_reflections(measured[:1])
    assert "2_1 along b" in answer.evidence.table()
    json.dumps(answer.evidence.to_dict())


@pytest.mark.parametrize("kind", ["few", "noise", "random", "alike", "huge", "coarse"])
def test_what_should_not_be_answered_is_refused(kind):
    rng = np.random.default_rng(0)
    hkl = np.array([(h, k, m) for h in range(-9, 10) for k in range(10) for m in range(10)])
    hkl = hkl[hkl.any(axis=1)]
    cell, bright = (11.0, 12.0, 13.0, 90, 90, 90), rng.exponential(100, len(hkl))
    sigma = np.full(len(hkl), 1.0)
    if kind == "few":
        hkl, bright, sigma = hkl[:8], bright[:8], sigma[:8]
    elif kind == "noise":
        bright, sigma = rng.normal(0, 1, len(hkl)), np.full(len(hkl), 1.0)
    elif kind == "random":  # no two are equivalent, in a cell of three right angles
        hkl = np.concatenate([hkl, hkl * [1, -1, 1]])[np.tile(hkl[:, 1:].all(axis=1), 2)]
        bright, sigma = rng.exponential(100, len(hkl)), np.full(len(hkl), 1.0)
    elif kind == "alike":  # no crystal's
        bright = 100 + rng.normal(0, 1, len(hkl))
    elif kind == "huge":
        cell = (60.0, 70.0, 80.0, 90, 90, 90)
    elif kind == "coarse":
        cell = (40.0, 40.0, 40.0, 90, 90, 90)
        hkl, bright, sigma = hkl // 3 + [1, 1, 1], bright, sigma
    reduction = reduce_reflections(ReflectionList(hkl, bright, sigma, cell))
    said = refusal(reduction)
    expected = {
        "few": "too few reflections", "noise": "no symmetry above noise (0.",
        "random": "of every Laue class differ", "alike": "unlike anything",
        "huge": "", "coarse": "do not belong together",
    }[kind]  # fmt: skip
    assert said is not None
    assert expected in said


def test_opinions_are_weighed_by_their_powers(measured):
    merged = reduce_reflections(measured[0]).merged(0)
    statistics = intensity_statistics(merged)
    numbers = np.array([3, 4])
    nothing, centric = np.zeros(2), np.zeros(2, dtype=bool)
    found = GroupLikelihoods(numbers, np.array([0.0, 10.0]), nothing, centric, nothing, statistics)
    opinion = Opinion(1.0, np.array([0.8, 0.2]), found)
    network = weighed([opinion], Weights(1, 0, 0, 0))
    assert network[3] == pytest.approx(0.8)
    both = weighed([opinion], Weights(1, 0.5, 0, 0))
    assert both[4] / both[3] == pytest.approx(0.25 * np.exp(5))
    assert both.sum() == pytest.approx(1)
    assert Weights.of({"offset": -1, "slope": 2, "unknown": 1}).reliability(0.5) < 0.5


def test_a_hypothesis_of_many_groups_is_heard_no_more_than_one_of_few(measured):
    statistics = intensity_statistics(reduce_reflections(measured[0]).merged(0))

    def opinion(numbers, network, probability=0.5):
        n = len(numbers)
        nothing = np.zeros(n)
        found = GroupLikelihoods(
            np.array(numbers), nothing, nothing, np.zeros(n, dtype=bool), nothing, statistics
        )
        return Opinion(probability, np.array(network), found)

    shares = weighed([opinion([3, 4], [0.5, 0.5]), opinion([16], [1.0])], Weights(0.5, 0, 0, 1))
    assert shares[16] == pytest.approx(0.5)
    # What the network gives to groups of other classes speaks against a hypothesis.
    doubted = [opinion([3, 4], [0.2, 0.05]), opinion([16], [1.0])]
    shares = weighed(doubted, Weights(1, 0, 0, 1, unity=0.5))
    assert shares[16] == pytest.approx(2 / 3)


def test_what_cannot_be_answered_has_its_reason(measured, tmp_path):
    missing, homeless = identify_reflections(
        [str(tmp_path / "no.hkl"), ReflectionList([[1, 0, 0]], [1.0])]
    )
    assert "no.hkl" in missing.error
    assert "cell" in homeless.error
    with pytest.raises(TypeError, match="takes several lists"):
        identify_reflections(measured[0])
    with pytest.raises(ValueError, match="whole patterns only"):
        identify_reflections(measured[:1], "72")


def test_the_command_answers_lists(measured, tmp_path, capsys):
    given = measured[0]
    path = tmp_path / "mine.hkl"
    write_hklf4(path, given)
    cell = [f"{value:.4f}" for value in given.cell]
    assert main(["identify", str(path), "--cell", *cell]) == 0
    text = capsys.readouterr().out
    assert "Laue class 2/m" in text
    assert "reliability" in text
    assert main(["identify", str(path), "--cell", *cell, "--json", "--top", "2"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["inputs"]
    assert found["predictions"][0]["number"] == 14
    assert len(found["predictions"]) == 2
    assert found["laue_class"] == "2/m"
    assert main(["identify", str(path), "--cell", *cell, "--plot", str(tmp_path / "e.png")]) == 0
    assert (tmp_path / "e.png").stat().st_size > 1000
    assert main(["identify", str(tmp_path / "none.hkl")]) == 2
    assert main(["identify", str(path), str(tmp_path / "NaCl.cif")]) == 2
    assert main(["identify", str(path), "--coverage", "0.9"]) == 2
