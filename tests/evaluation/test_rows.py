"""One model, many figures."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.pipeline import Pipeline

from crystalsym import SimilarityClassifier, metrics
from crystalsym.crystals import Crystal
from crystalsym.datasets import CrystalTable
from crystalsym.evaluation import VARIANTS, available_rows, evaluate, evaluate_rows
from crystalsym.evaluation._unseen import unseen_groups
from crystalsym.evaluation._variants import found_at, jittered_scale, permuted_axes
from crystalsym.learning import PatternRows, holdout_split, near_duplicate_groups
from crystalsym.spacegroups import label_set


def probabilities(pipeline, crystals):
    return pipeline[-1].predict_proba(pipeline[:-1].transform(list(crystals)))


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_the_first_row_is_the_crystals_as_they_are(pipeline, crystals, labels, n_jobs):
    results = evaluate_rows(pipeline, crystals, labels, [], base="all", n_jobs=n_jobs)
    assert list(results) == ["all"]
    expected = probabilities(pipeline, crystals)
    np.testing.assert_array_equal(results["all"].probabilities, expected)
    summary = metrics.summary(labels, expected, pipeline[-1].classes_)
    assert results["all"].figures == summary == evaluate(pipeline, crystals, labels, n_jobs)


def test_figures_are_in_classes_of_the_models_kind(pipeline, original, crystals, labels):
    step = {"step": "DiffractionSimulator", "engine": "bloch", "views": "symmetry-directions"}
    pipeline[-1].metadata_ = {"made_by": [step]}
    results = evaluate_rows(pipeline, crystals, labels, ["20", "axes-permuted"])
    for result in results.values():
        assert result.dynamical_views == "symmetry-directions"
        given = result.labels, result.probabilities, result.classes
        assert result.figures == metrics.summary(*given, dynamical_views="symmetry-directions")
        assert "diffraction_class" not in result.figures
    figures = evaluate(pipeline, crystals, labels)
    assert figures["dynamical_class"] == figures["top1"]  # all 72 groups differ


def test_crystals_are_rendered_once_for_all_label_sets(pipeline, crystals, labels):
    results = evaluate_rows(pipeline, crystals, labels)
    assert list(results) == ["held-out", "8", "20", "49"]
    assert pipeline[-1].seen == len(crystals)
    json.dumps({name: result.figures for name, result in results.items()})


def test_a_label_set_restricts_rows_and_columns(pipeline, crystals, labels):
    result = evaluate_rows(pipeline, crystals, labels, ["8"])["8"]
    groups = np.array(label_set("8"))
    assert result.classes.tolist() == groups.tolist()
    rows = np.isin(labels, groups)
    assert result.labels.tolist() == labels[rows].tolist()
    assert len(result.crystals) == rows.sum() == result.figures["crystals"]
    every = probabilities(pipeline, crystals)[rows][:, np.isin(label_set("72"), groups)]
    shares = every / every.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(result.probabilities, shares, rtol=1e-5)
    assert result.figures["top1"] == metrics.top_k_accuracy(labels[rows], shares, groups)


def test_a_label_set_that_no_crystal_is_of_has_no_row(pipeline, crystals, labels):
    rows = np.flatnonzero(~np.isin(labels, label_set("8")))
    results = evaluate_rows(pipeline, crystals.take(rows), labels[rows], ["8", "20"])
    assert list(results) == ["held-out", "20"]


def test_probabilities_that_leave_nothing_for_a_label_set(pipeline, crystals, labels):
    class Certain(type(pipeline[-1])):
        def predict_proba(self, X):
            return np.tile(np.eye(72, dtype=np.float32)[0], (len(X), 1))

    steps = [*pipeline.steps[:-1], ("classify", Certain().fit())]
    result = evaluate_rows(Pipeline(steps), crystals, labels, ["8"])["8"]
    np.testing.assert_allclose(result.probabilities, 1 / 8)


def test_unidealized_crystals_are_the_given_ones(pipeline, original, crystals, labels):
    results = evaluate_rows(pipeline, crystals, labels, ["unidealized"], original=original)
    given = original.standardized(0.1, idealize=False)
    expected = probabilities(pipeline, given)
    np.testing.assert_array_equal(results["unidealized"].probabilities, expected)
    assert not np.array_equal(expected, results["held-out"].probabilities)


def test_a_row_may_have_its_former_name(pipeline, original, labels):
    results = evaluate_rows(pipeline, original, labels, ["unidealised"])
    assert list(results) == ["held-out", "unidealized"]


def test_crystals_that_are_not_standard_are_the_original_ones(pipeline, original, labels):
    results = evaluate_rows(pipeline, original, labels, ["unidealized"])
    expected = probabilities(pipeline, original.standardized(0.1))
    np.testing.assert_array_equal(results["held-out"].probabilities, expected)
    expected = probabilities(pipeline, original.standardized(0.1, idealize=False))
    np.testing.assert_array_equal(results["unidealized"].probabilities, expected)


def test_electrons_change_the_patterns_and_leave_the_pipeline(pipeline, crystals, labels):
    result = evaluate_rows(pipeline, crystals, labels, ["electrons"])["electrons"]
    assert pipeline[0].radiation == "xray"
    pipeline.set_params(simulate__radiation="electron")
    np.testing.assert_array_equal(result.probabilities, probabilities(pipeline, crystals))


def test_a_finer_tolerance_brings_other_labels(pipeline, original, crystals, labels):
    table, found, rows = found_at(original, 0.1)
    assert found.tolist() == labels.tolist()
    assert rows.tolist() == list(range(len(original)))
    np.testing.assert_array_equal(table.frac_coords, crystals.frac_coords)
    name = "symprec-0.01"
    result = evaluate_rows(pipeline, crystals, labels, [name], original=original)[name]
    _, found, _ = found_at(original, 0.01)
    known = np.isin(found, label_set("72"))
    assert result.labels.tolist() == found[known].tolist() != labels.tolist()
    assert result.figures["left_out"] == (~known).sum()


def test_a_crystal_without_symmetry_is_left_out():
    broken = Crystal(np.eye(3) * 4, [[0, 0, 0], [0, 0, 0.001]], [26, 26])
    whole = Crystal(np.eye(3) * 4, [[0, 0, 0]], [26])
    table, labels, rows = found_at(CrystalTable.from_crystals([broken, whole]), 0.01)
    assert len(table) == 1
    assert labels.tolist() == [221]
    assert rows.tolist() == [1]


def metrics_of(table: CrystalTable) -> np.ndarray:
    return table.lattice @ table.lattice.transpose(0, 2, 1)


def test_axes_of_low_systems_change_places(crystals, labels):
    permuted = permuted_axes(crystals, labels, 0)
    assert permuted.standard
    high = labels >= 75
    before, after = metrics_of(crystals), metrics_of(permuted)
    np.testing.assert_allclose(after[high], before[high], atol=1e-9)
    squares = [np.diagonal(m, axis1=1, axis2=2) for m in (before, after)]
    np.testing.assert_allclose(np.sort(squares[0]), np.sort(squares[1]))
    moved = ~np.isclose(*squares).all(axis=1)
    assert moved[~high].mean() > 0.5
    np.testing.assert_allclose(np.linalg.det(permuted.lattice), np.linalg.det(crystals.lattice))
    assert np.all(np.linalg.det(permuted.lattice) > 0)
    again = permuted_axes(crystals, labels, 0)
    np.testing.assert_array_equal(again.frac_coords, permuted.frac_coords)


def test_a_crystal_with_other_axes_is_the_same_crystal(crystals, labels):
    permuted = permuted_axes(crystals, labels, 1)
    for row in np.flatnonzero(labels < 75)[:6]:
        one, two = crystals[row], permuted[row]
        pairs = []
        for crystal in (one, two):
            delta = crystal.frac_coords[:, None] - crystal.frac_coords
            cartesian = (delta - np.round(delta)) @ crystal.lattice
            pairs.append(np.sort(np.linalg.norm(cartesian, axis=-1).ravel()))
        np.testing.assert_allclose(*pairs, atol=1e-4)


def test_scales_change_by_up_to_five_percent(crystals):
    jittered = jittered_scale(crystals, 0)
    ratio = jittered.lattice[:, 0, 0] / crystals.lattice[:, 0, 0]
    np.testing.assert_allclose(jittered.lattice, crystals.lattice * ratio[:, None, None])
    assert 0.95 <= ratio.min() < 0.97
    assert 1.03 < ratio.max() <= 1.05
    assert jittered.standard


def test_changed_crystals_give_rows(pipeline, crystals, labels):
    results = evaluate_rows(pipeline, crystals, labels, ["axes-permuted", "scale-jittered"])
    expected = probabilities(pipeline, permuted_axes(crystals, labels, 0))
    np.testing.assert_array_equal(results["axes-permuted"].probabilities, expected)
    expected = probabilities(pipeline, jittered_scale(crystals, 0))
    np.testing.assert_array_equal(results["scale-jittered"].probabilities, expected)


def test_unseen_groups_are_told_by_likeness(pipeline, crystals, labels):
    sizes = np.linspace(1, 1.02, 4)
    table = CrystalTable.from_crystals(
        [c.replace(lattice=c.lattice * size) for c in crystals for size in sizes],
        np.repeat(labels, 4),
        standard=True,
    )
    results = unseen_groups(pipeline, table, table.space_group)
    assert pipeline[-1].seen == len(table)
    known, test = holdout_split(near_duplicate_groups(table, table.space_group), 0.5, 0)
    X = pipeline[:-1].transform(list(table))
    for kind in ("nearest", "centroid"):
        classifier = SimilarityClassifier(pipeline[-1], reference=kind)
        classifier.fit(X[known], table.space_group[known])
        expected = classifier.predict_proba(X[test])
        np.testing.assert_allclose(results[kind].probabilities, expected, atol=1e-6)
        assert results[kind].figures["references"] == len(known)
        assert results[kind].figures["top1"] > 0.5
    rows = evaluate_rows(pipeline, crystals, labels, ["unseen-30"], unseen=table)
    assert list(rows) == ["held-out", "unseen-30 nearest", "unseen-30 centroid"]
    assert rows["unseen-30 nearest"].figures == results["nearest"].figures
    step = {"step": "DiffractionSimulator", "engine": "bloch", "views": "symmetry-directions"}
    pipeline[-1].metadata_ = {"made_by": [step]}
    result = unseen_groups(pipeline, table, table.space_group, ("centroid",))["centroid"]
    assert result.dynamical_views == "symmetry-directions"
    assert "dynamical_class" in result.figures


def test_rows_follow_from_the_groups():
    assert available_rows(label_set("8")) == VARIANTS
    everything = available_rows(label_set("230"))
    assert everything[:4] == ("8", "20", "49", "72")
    assert "unseen-30" not in everything


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("rotated", "no row 'rotated'; there are 8, 20"),
        ("72", "row '72' is for models of these and more groups"),
        ("unidealized", "row 'unidealized' needs the crystals as they were"),
        ("unseen-30", "row 'unseen-30' needs labeled crystals"),
    ],
)
def test_a_row_that_cannot_be_had(pipeline, crystals, labels, row, problem):
    with pytest.raises(ValueError, match=problem):
        evaluate_rows(pipeline, crystals, labels, [row])


def test_groups_that_the_model_knows_are_not_unseen(pipeline, crystals, labels):
    pipeline[-1].groups = label_set("230")
    pipeline[-1].fit()
    with pytest.raises(ValueError, match="trained on none of the 30 groups"):
        evaluate_rows(pipeline, crystals, labels, ["unseen-30"], unseen=crystals)


def test_failures_case_by_case(pipeline, crystals, labels):
    result = evaluate_rows(pipeline, crystals, labels, [])["held-out"]
    failures = list(result.failures())
    assert len(failures) == round((1 - result.figures["top1"]) * len(labels))
    for failure in failures:
        row = crystals.names.tolist().index(failure["crystal"])
        assert failure["group"] == labels[row] != failure["predicted"]
        assert failure["predicted_probability"] == result.probabilities[row].max()
        better = result.probabilities[row] > failure["probability"]
        assert failure["rank"] == better.sum() + 1 > 1


def test_a_failure_of_an_unknown_group(pipeline, crystals):
    result = evaluate_rows(pipeline, crystals, np.full(len(crystals), 230), [])["held-out"]
    result.labels[:] = 3
    failure = next(result.failures())
    assert failure["rank"] is None
    assert failure["probability"] is None


def test_prediction_sets_are_those_of_the_classifier(pipeline, crystals, labels):
    pipeline[-1].set_scores_ = np.linspace(0, 0.999, 100)
    pipeline[-1].n_calibration_ = 100
    sets = evaluate(pipeline, crystals, labels)["prediction_sets"]
    assert list(sets) == ["0.9", "0.95"]
    assert sets["0.9"]["mean_size"] <= sets["0.95"]["mean_size"]
    pipeline[-1].n_calibration_ = 10
    pipeline[-1].set_scores_ = np.linspace(0, 0.999, 10)
    assert list(evaluate(pipeline, crystals, labels)["prediction_sets"]) == ["0.9"]


def test_threads_make_the_same_rows(pipeline, crystals):
    rows = PatternRows(pipeline[:-1], crystals)
    threaded = PatternRows(pipeline[:-1], crystals, n_jobs=2)
    assert threaded.shape == rows.shape
    assert len(threaded) == len(rows)
    assert threaded.made_by == rows.made_by
    index = np.arange(len(rows))[::-1]
    np.testing.assert_array_equal(threaded[index], rows[index])
    np.testing.assert_array_equal(threaded[index > 3], rows[index > 3])
    np.testing.assert_array_equal(threaded[2], rows[2])


def test_progress_goes_to_standard_error(pipeline, crystals, labels, capsys):
    evaluate_rows(pipeline, crystals, labels, [], verbose=1)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"held-out: 100% {len(crystals)}/{len(crystals)}" in captured.err
