"""The featurizer: columns of a table, in matminer's manner and in scikit-learn's."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from support.estimators import GROUPS, fitted_pipeline, small_pipeline, structures
from support.networks import without_compilation

from crystalsym import load_pretrained
from crystalsym.featurizers._space_group_featurizer import FEATURES, SpaceGroupFeaturizer


@pytest.fixture(scope="module", autouse=True)
def _uncompiled():
    with without_compilation():
        yield


@pytest.fixture
def featurizer():
    return SpaceGroupFeaturizer(fitted_pipeline(), top_k=2, batch_size=5)


@pytest.fixture
def table():
    crystals, y = structures()
    return pd.DataFrame({"structure": crystals, "group": y}, index=range(100, 112))


@pytest.fixture
def broken(table):
    table.loc[103, "structure"] = table.loc[111, "structure"] = "no-such-file.cif"
    return table


def test_features_are_what_the_pipeline_says():
    crystals, _ = structures()
    pipeline = fitted_pipeline()
    groups, probabilities = pipeline[-1].predict_top_k(pipeline[:-1].transform(crystals), 3)
    features = {
        name: SpaceGroupFeaturizer(pipeline, features=name, batch_size=5).transform(crystals)
        for name in FEATURES
    }
    np.testing.assert_array_equal(features["ranking"][:, ::2], groups)
    np.testing.assert_allclose(features["ranking"][:, 1::2], probabilities, atol=1e-5)
    np.testing.assert_allclose(
        features["probabilities"], pipeline.predict_proba(crystals), atol=1e-5
    )
    embedded = pipeline[-1].embed(pipeline[:-1].transform(crystals))
    np.testing.assert_allclose(features["embedding"], embedded.reshape(12, -1), atol=1e-5)


@pytest.mark.parametrize("name", FEATURES)
def test_labels(name):
    featurizer = SpaceGroupFeaturizer(fitted_pipeline(), features=name, top_k=2)
    labels = featurizer.feature_labels()
    assert len(labels) == len(set(labels)) == len(featurizer.featurize(structures()[0][0]))
    assert list(featurizer.get_feature_names_out()) == labels
    expected = {
        "ranking": ["space group 1", "probability 1", "space group 2", "probability 2"],
        "probabilities": [f"probability of {group}" for group in GROUPS],
        "embedding": [f"stream {s} feature {f}" for s in range(3) for f in range(8)],
    }
    assert labels == expected[name]


def test_one_structure(featurizer):
    crystals, _ = structures()
    group, probability, *_ = featurizer.featurize(crystals[0])
    assert type(group) is int
    assert type(probability) is float
    assert featurizer.featurize_many(crystals[:3])[0] == pytest.approx(
        featurizer.featurize(crystals[0]), abs=1e-5
    )


def test_dataframe(featurizer, table):
    before = table.copy()
    result = featurizer.featurize_dataframe(table, "structure")
    pd.testing.assert_frame_equal(table, before)
    assert list(result.columns) == ["structure", "group", *featurizer.feature_labels()]
    assert result["space group 1"].dtype.kind == "i"
    assert (result.index == table.index).all()
    np.testing.assert_array_equal(
        result["space group 1"], fitted_pipeline().predict(list(table["structure"]))
    )
    assert featurizer.featurize_dataframe(table, ["structure"], inplace=True) is table
    assert list(table.columns) == list(result.columns)
    with pytest.raises(ValueError, match="has the column 'space group 1' already"):
        featurizer.featurize_dataframe(table, "structure")
    with pytest.raises(ValueError, match="no column 'crystal'; it has"):
        featurizer.featurize_dataframe(before, "crystal")


def test_errors_are_raised_by_default(featurizer, broken):
    with pytest.raises(FileNotFoundError, match=r"structure 3: no-such-file.cif: no such file"):
        featurizer.featurize_dataframe(broken, "structure")
    with pytest.raises(ValueError, match="needs ignore_errors=True"):
        featurizer.featurize_dataframe(broken, "structure", return_errors=True)


def test_ignored_errors_leave_nan(featurizer, broken):
    with pytest.warns(UserWarning, match="its row is NaN") as caught:
        result = featurizer.featurize_dataframe(
            broken, "structure", ignore_errors=True, return_errors=True
        )
    # The numbers are those of the table's rows, whatever the batches.
    said = [str(w.message).split(":")[0] for w in caught if w.category is UserWarning]
    assert said == ["structure 3", "structure 11"]
    missing = result["space group 1"].isna()
    assert list(result.index[missing]) == [103, 111]
    errors = result["SpaceGroupFeaturizer Exceptions"]
    assert set(errors[missing]) == {"no-such-file.cif: no such file"}
    assert errors[~missing].isna().all()
    assert fitted_pipeline()[0].on_error == "raise"  # the model keeps its own parameters


def test_a_model_on_spots(table):
    crystals = [*table["structure"][:2], "no-such-file.cif"]
    rows = SpaceGroupFeaturizer("72", features="probabilities").featurize_many(
        crystals, ignore_errors=True
    )
    expected = load_pretrained("72").predict_proba(crystals[:2])
    np.testing.assert_allclose(rows[:2], expected, atol=1e-5)
    assert np.isnan(rows[2]).all()


def test_all_broken(featurizer):
    with pytest.warns(UserWarning, match="its row is NaN"):
        rows = featurizer.featurize_many(["a.cif", "b.cif"], ignore_errors=True)
    assert np.isnan(rows).all()
    assert np.shape(rows) == (2, 4)


def test_a_model_that_leaves_out_keeps_rows_here(broken):
    pipeline = small_pipeline().fit(*structures()).set_params(simulate__on_error="skip")
    with pytest.warns(UserWarning, match="its row is NaN"):
        features = SpaceGroupFeaturizer(pipeline, top_k=1).transform(broken["structure"])
    assert features.shape == (12, 2)
    assert np.flatnonzero(np.isnan(features[:, 0])).tolist() == [3, 11]


def test_the_model_stays_fitted(featurizer):
    crystals, _ = structures()
    expected = featurizer.transform(crystals)
    np.testing.assert_allclose(clone(featurizer).transform(crystals), expected, atol=1e-5)
    again = pickle.loads(pickle.dumps(featurizer))
    np.testing.assert_allclose(again.transform(crystals), expected, atol=1e-5)


def test_before_another_estimator():
    crystals, y = structures()
    featurizer = SpaceGroupFeaturizer(fitted_pipeline(), features="embedding")
    model = make_pipeline(featurizer, LogisticRegression()).fit(crystals, y)
    assert model.predict(crystals).shape == (12,)
    model.set_output(transform="pandas")
    assert list(model[:-1].transform(crystals).columns) == featurizer.feature_labels()


def test_who_and_what_to_cite(featurizer):
    assert featurizer.implementors() == ["The crystalsym developers"]
    assert all(entry.startswith("@article{") for entry in featurizer.citations())
    assert "10.1038/s41524-020-00466-5" in featurizer.citations()[0]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"features": "all"}, "features must be one of"),
        ({"top_k": 0}, "top_k must be a positive integer"),
        ({"batch_size": 2.5}, "batch_size must be a positive integer"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        SpaceGroupFeaturizer(**parameters).fit()


def test_more_groups_than_there_are():
    with pytest.raises(ValueError, match="k must be an integer from 1 to 3, got 9"):
        SpaceGroupFeaturizer(fitted_pipeline(), top_k=9).featurize(structures()[0][0])


@pytest.mark.parametrize("model", [3, fitted_pipeline], ids=["a number", "a function"])
def test_models_of_another_kind(model):
    with pytest.raises(TypeError, match="model must be the name of a pretrained model, or"):
        SpaceGroupFeaturizer(model).featurize(structures()[0][0])


def test_unknown_name():
    with pytest.raises(ValueError, match="no pretrained model 'nosuch'"):
        SpaceGroupFeaturizer("nosuch").featurize(structures()[0][0])


def test_a_lone_structure_is_refused_by_transform(featurizer):
    with pytest.raises(TypeError, match="put it in a list"):
        featurizer.transform(structures()[0][0])
