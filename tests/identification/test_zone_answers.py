"""Lists of three arbitrary zones, answered by the network that reads blocks of reflections."""

from __future__ import annotations

import numpy as np
import pytest

from crystalsym import DiffractionSimulator
from crystalsym.datasets import example_crystals
from crystalsym.identification import identify_reflections, model_pipeline
from crystalsym.identification._reflection_answers import opinions_of, weights_of
from crystalsym.pretrained import available, load_pipeline, save_pipeline
from crystalsym.reflections import ReflectionBlocks, reduce_reflections
from crystalsym.reflections._zone_lists import lists_of_zones

pytestmark = pytest.mark.skipif(
    "230-zones" not in available(), reason="the weights are not in this tree"
)
KNOWN = {"TiO2-rutile": 136, "ZnO-zincite": 186, "NaCl": 225, "CaCO3-aragonite": 62,
         "Al2O3-corundum": 167, "MgAl2O4-spinel": 227}  # fmt: skip


@pytest.fixture(scope="module")
def lists():
    simulator = DiffractionSimulator(
        views=[[1, 0, 1], [0, 1, 2], [1, 1, 0]], output="spots", normalize=False, q_max=1.457
    )
    return lists_of_zones(simulator.transform([example_crystals()[name] for name in KNOWN]))


def test_crystals_are_recognized_by_three_arbitrary_zones(lists):
    answers = identify_reflections(lists, "230-zones")
    ranks = [[group for group, _ in answer.ranking] for answer in answers]
    right = [found[0] == group for found, group in zip(ranks, KNOWN.values(), strict=True)]
    assert sum(right) >= len(KNOWN) - 1
    assert all(group in found for found, group in zip(ranks, KNOWN.values(), strict=True))
    assert all(0 < answer.reliability < 1 for answer in answers)
    assert all(answer.evidence is not None for answer in answers)


def test_its_card_says_how_many_hypotheses_are_followed(lists):
    few, many = (weights_of(model_pipeline(name)) for name in ("230-lists", "230-zones"))
    assert (few.most, few.least) == (5, 1e-4)
    assert many.most > few.most
    reduction = reduce_reflections(lists[0])
    assert len(reduction.hypotheses) > 5
    assert len(opinions_of(reduction, model_pipeline("230-lists"))) <= 5
    assert len(opinions_of(reduction, model_pipeline("230-zones"))) > 5


def test_a_pipeline_of_blocks_is_saved_and_loaded(lists, tmp_path):
    pipeline = model_pipeline("230-zones")
    save_pipeline(pipeline, tmp_path / "mine.zip", metadata={"lists": {"network": 0.5}})
    copy = load_pipeline(tmp_path / "mine.zip")
    assert isinstance(copy["shape"], ReflectionBlocks)
    assert copy["shape"].get_params() == pipeline["shape"].get_params()
    np.testing.assert_allclose(
        copy[1:].predict_proba(lists), pipeline[1:].predict_proba(lists), atol=1e-5
    )
    crystals = [example_crystals()["NaCl"]]
    np.testing.assert_allclose(
        copy.predict_proba(crystals), pipeline.predict_proba(crystals), atol=1e-5
    )


def test_other_models_are_told_from_those_of_lists(lists):
    with pytest.raises(ValueError, match=r'"230-zones"'):
        identify_reflections(lists, "72")
