"""The featurizer as one of several, as matminer's MultipleFeaturizer drives them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from support.estimators import fitted_pipeline, structures
from support.networks import without_compilation

from crystalsym.featurizers import SpaceGroupFeaturizer


@pytest.fixture(scope="module", autouse=True)
def _uncompiled():
    with without_compilation():
        yield


class Several:
    """What matminer 0.10 calls of each featurizer, and how."""

    def __init__(self, featurizers, iterate_over_entries=True):
        self.featurizers = featurizers
        self.iterate_over_entries = iterate_over_entries

    def set_n_jobs(self, n_jobs):
        for featurizer in self.featurizers:
            featurizer.set_n_jobs(n_jobs)

    def fit(self, X, y=None, **fit_kwargs):
        for featurizer in self.featurizers:
            featurizer.fit(X, y, **fit_kwargs)
        return self

    def citations(self):
        return list({entry for f in self.featurizers for entry in f.citations()})

    def featurize_many(self, entries, pbar=True, **errors):
        if self.iterate_over_entries:
            return [
                [v for f in self.featurizers for v in f.featurize_wrapper(x, **errors)]
                for x in entries
            ]
        parts = [f.featurize_many(entries, pbar=pbar, **errors) for f in self.featurizers]
        return [[v for part in row for v in part] for row in zip(*parts, strict=True)]

    def featurize_dataframe(
        self, df, col_id, ignore_errors=False, return_errors=False, multiindex=False, pbar=True
    ):
        labels = np.hstack(
            [f._generate_column_labels(multiindex, return_errors) for f in self.featurizers]
        ).tolist()
        errors = {"ignore_errors": ignore_errors, "return_errors": return_errors}
        rows = self.featurize_many(df[[col_id]].values, pbar=pbar, **errors)
        columns = pd.MultiIndex.from_tuples(labels) if multiindex else labels
        return pd.concat([df, pd.DataFrame(rows, index=df.index, columns=columns)], axis=1)


class Volume:
    """A featurizer beside it."""

    def featurize(self, structure):
        return [structure.volume]

    def featurize_wrapper(self, x, return_errors=False, ignore_errors=False):
        try:
            return self.featurize(*x) + [None] * return_errors
        except AttributeError as error:
            if not ignore_errors:
                raise
            return [float("nan")] + [str(error)] * return_errors

    def featurize_many(self, entries, ignore_errors=False, return_errors=False, pbar=True):
        return [self.featurize_wrapper(x, return_errors, ignore_errors) for x in entries]

    def feature_labels(self):
        return ["volume"]

    def _generate_column_labels(self, multiindex, return_errors):
        names = ["volume", "Volume Exceptions"][: 1 + return_errors]
        return pd.MultiIndex.from_product([["Volume"], names]) if multiindex else names

    def fit(self, X, y=None):
        return self

    def set_n_jobs(self, n_jobs):
        pass

    def citations(self):
        return []


def real(featurizers, iterate_over_entries=True):
    base = pytest.importorskip("matminer.featurizers.base")
    return base.MultipleFeaturizer(featurizers, iterate_over_entries=iterate_over_entries)


@pytest.fixture(params=[Several, real], ids=["stand-in", "matminer"])
def several(request):
    return request.param


@pytest.fixture
def table():
    crystals, y = structures()
    return pd.DataFrame({"structure": crystals, "group": y}, index=range(100, 112))


@pytest.mark.parametrize("entries", [True, False])
def test_among_several(several, table, entries, capsys):
    ours = SpaceGroupFeaturizer(fitted_pipeline(), top_k=2, batch_size=5)
    expected = ours.featurize_dataframe(table, "structure")
    assert capsys.readouterr().err == ""
    both = several([ours], iterate_over_entries=entries)
    both.set_n_jobs(1)
    assert ours.n_jobs == 1
    both.fit(table["structure"])
    result = both.featurize_dataframe(table, "structure")
    assert list(result.columns) == list(expected.columns)
    np.testing.assert_allclose(
        result[ours.feature_labels()].astype(float),
        expected[ours.feature_labels()].astype(float),
        atol=1e-5,
    )
    assert len(both.citations()) == 1
    assert "12/12" in capsys.readouterr().err or several is Several
    levels = both.featurize_dataframe(
        table[["structure"]], "structure", multiindex=True, pbar=False
    )
    assert ("SpaceGroupFeaturizer", "space group 1") in list(levels.columns)


@pytest.mark.parametrize("entries", [True, False])
def test_errors_have_columns_of_their_own(several, table, entries):
    ours = SpaceGroupFeaturizer(fitted_pipeline(), top_k=1)
    table = table.iloc[:3].copy()
    table.loc[101, "structure"] = "no-such-file.cif"
    both = several([ours], iterate_over_entries=entries)
    both.set_n_jobs(1)
    with pytest.warns(UserWarning, match="its row is NaN"):
        result = both.featurize_dataframe(
            table, "structure", ignore_errors=True, return_errors=True, pbar=False
        )
    errors = result["SpaceGroupFeaturizer Exceptions"]
    assert errors[101] == "no-such-file.cif: no such file"
    assert errors[[100, 102]].isna().all()
    assert result["space group 1"].isna().tolist() == [False, True, False]
    with pytest.raises(FileNotFoundError, match=r"no-such-file\.cif"):
        both.featurize_dataframe(table, "structure", pbar=False)


@pytest.mark.parametrize("entries", [True, False])
def test_beside_another(table, entries):
    ours = SpaceGroupFeaturizer(fitted_pipeline(), top_k=1)
    both = Several([Volume(), ours], iterate_over_entries=entries)
    result = both.featurize_dataframe(table, "structure", pbar=False)
    assert list(result.columns)[2:] == ["volume", *ours.feature_labels()]
    assert result["volume"].gt(0).all()


def test_progress_where_it_is_asked_for(table, capsys):
    ours = SpaceGroupFeaturizer(fitted_pipeline(), top_k=1, batch_size=5)
    ours.featurize_many(table["structure"], pbar={"position": 1})
    assert "SpaceGroupFeaturizer: 100% 12/12" in capsys.readouterr().err
