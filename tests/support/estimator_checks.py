"""What holds for every public estimator: conventions of scikit-learn, with valid input.

Each check takes a :class:`support.estimators.Case`. scikit-learn's own checks feed tables of
numbers, which say little about crystals and images (see ``support.tables`` for those).
"""

from __future__ import annotations

import copy
import inspect
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from support.estimators import Case


def answers(case: Case, estimator: Any, X: Any) -> dict[str, np.ndarray]:
    return {method: getattr(estimator, method)(X) for method in case.methods}


def assert_same(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray], atol=0.0) -> None:
    for method, value in ours.items():
        np.testing.assert_allclose(value, theirs[method], rtol=0, atol=atol, err_msg=method)


def frozen(value: Any) -> Any:
    """Something that differs if the content of a value does."""
    return pickle.dumps(value)


def check_constructor_only_stores(case):
    marks = {name: object() for name in inspect.signature(case.cls).parameters}
    estimator = case.cls(**marks)
    assert vars(estimator) == marks
    assert estimator.get_params(deep=False) == marks


def check_parameters_have_defaults(case):
    assert case.cls().get_params(deep=False) == {
        name: p.default for name, p in inspect.signature(case.cls).parameters.items()
    }


def check_parameters_are_documented(case):
    for name in inspect.signature(case.cls).parameters:
        documented = any(
            name in line.split(" : ")[0].replace(",", " ").split()
            for line in case.cls.__doc__.splitlines()
            if " : " in line
        )
        assert documented, f"{case.cls.__name__} does not document {name}"


def check_params_round_trip(case):
    estimator = case.make()
    parameters = estimator.get_params(deep=False)
    other = case.cls()
    assert other.set_params(**parameters) is other
    assert all(other.get_params(deep=False)[k] is v for k, v in parameters.items())
    with pytest.raises(ValueError, match="Invalid parameter 'nosuch'"):
        other.set_params(nosuch=1)


def check_clone(case):
    X, _ = case.input()
    estimator = case.fitted()
    before = set(vars(case.make()))
    copied = clone(estimator)
    assert type(copied) is case.cls
    assert set(vars(copied)) == before  # nothing of the fit comes along
    assert repr(copied) == repr(estimator)
    again = copied.fit(*case.input())
    assert_same(answers(case, again, X), answers(case, estimator, X), atol=1e-5)


def check_pickle_unfitted(case):
    X, y = case.input()
    again = pickle.loads(pickle.dumps(case.make()))
    assert repr(again) == repr(case.make())
    assert_same(answers(case, again.fit(X, y), X), answers(case, case.fitted(), X), atol=1e-5)


def check_pickle_and_copy_fitted(case):
    X, _ = case.input()
    estimator = case.fitted()
    expected = answers(case, estimator, X)
    for again in (pickle.loads(pickle.dumps(estimator)), copy.deepcopy(estimator)):
        check_is_fitted(again)
        assert_same(answers(case, again, X), expected, atol=1e-5)


def check_repr_names_what_was_changed(case):
    assert repr(case.cls()) == f"{case.cls.__name__}()"
    text = repr(case.make())
    assert text.startswith(f"{case.cls.__name__}(")
    for name in case.parameters():
        assert f"{name}=" in text


def check_html_repr(case):
    for estimator in (case.make(), case.fitted(), Pipeline([("step", case.make())])):
        html = estimator._repr_html_()
        assert case.cls.__name__ in html
        assert "<div" in html


def check_fit_returns_self(case):
    X, y = case.input()
    estimator = case.make()
    assert estimator.fit(X, y) is estimator


def check_fit_is_idempotent(case):
    X, y = case.input()
    estimator = case.make().fit(X, y)
    first = answers(case, estimator, X)
    assert_same(answers(case, estimator.fit(X, y), X), first, atol=1e-5)


def check_refit_overwrites(case):
    X, y = case.input()
    estimator = case.make().fit(X[:9], np.resize([1, 2], 9))
    estimator.fit(X, y)
    fresh = case.make().fit(X, y)
    assert set(vars(estimator)) == set(vars(fresh))
    assert_same(answers(case, estimator, X), answers(case, fresh, X), atol=1e-5)
    if case.learns:
        np.testing.assert_array_equal(estimator.classes_, fresh.classes_)


def check_nothing_given_is_changed(case):
    X, y = case.input()
    before = frozen((X, y))
    estimator = case.make()
    parameters = estimator.get_params(deep=False)
    contents = frozen(list(parameters.values()))
    estimator.fit(X, y)
    answers(case, estimator, X)
    assert all(estimator.get_params(deep=False)[k] is v for k, v in parameters.items())
    assert frozen(list(parameters.values())) == contents
    assert frozen((X, y)) == before
    if isinstance(X, np.ndarray):
        X.setflags(write=False)
        answers(case, case.make().fit(X, y), X)


def check_attributes_of_fit_end_with_an_underscore(case):
    estimator = case.make()
    before = set(vars(estimator))
    public = [name for name in set(vars(case.fitted())) - before if not name.startswith("_")]
    assert all(name.endswith("_") for name in public)
    assert not hasattr(estimator, "n_features_in_")  # there are no columns to count


def check_asking_leaves_the_estimator_alone(case):
    X, _ = case.input()
    estimator = case.fitted()
    before = {k: frozen(v) for k, v in vars(estimator).items() if not k.startswith("_")}
    first = answers(case, estimator, X)
    assert_same(answers(case, estimator, X), first)
    after = {k: frozen(v) for k, v in vars(estimator).items() if not k.startswith("_")}
    assert after == before


def check_output_shapes_and_types(case):
    X, _ = case.input()
    for method, value in answers(case, case.fitted(), X).items():
        shape, dtype = case.rows[method]
        assert isinstance(value, np.ndarray)
        assert value.shape == (len(X), *shape)
        assert value.dtype == dtype
        assert np.isfinite(value).all()


def check_rows_do_not_depend_on_each_other(case):
    X, _ = case.input()
    estimator = case.fitted()
    whole = answers(case, estimator, X)
    turned = {k: v[::-1] for k, v in answers(case, estimator, X[::-1]).items()}
    assert_same(turned, whole, atol=1e-5)
    single = [answers(case, estimator, X[i : i + 1]) for i in range(3)]
    assert_same(
        {m: np.concatenate([s[m] for s in single]) for m in case.methods},
        {m: v[:3] for m, v in whole.items()},
        atol=1e-5,
    )


def check_lists_are_as_good(case):
    X, y = case.input()
    expected = answers(case, case.fitted(), X)
    assert_same(answers(case, case.make().fit(list(X), y.tolist()), list(X)), expected, 1e-5)


def check_number_of_jobs_changes_nothing(case):
    if "n_jobs" not in case.make().get_params(deep=False):
        return
    X, _ = case.input()
    X = X * 6 if isinstance(X, list) else np.tile(X, (6, 1, 1, 1))  # more than one chunk
    expected = answers(case, case.fitted(), X)
    for n_jobs in (1, 2):
        assert_same(answers(case, case.fitted(n_jobs=n_jobs), X), expected)


def check_not_fitted(case):
    X, _ = case.input()
    estimator = case.make()
    assert get_tags(estimator).requires_fit == case.learns
    if not case.learns:
        check_is_fitted(estimator)
        assert_same(answers(case, estimator, X), answers(case, case.fitted(), X))
        return
    with pytest.raises(NotFittedError):
        check_is_fitted(estimator)
    for method in case.methods:
        with pytest.raises(NotFittedError, match=f"This {case.cls.__name__} instance"):
            getattr(estimator, method)(X)


def check_tags_admit_no_tables(case):
    tags = get_tags(case.make())
    assert not tags.input_tags.two_d_array
    assert not tags.input_tags.sparse


def check_containers(case):
    X, _ = case.input()
    if "transform" not in case.methods:
        return
    estimator = case.make()
    assert estimator.set_output(transform="default") is estimator
    expected = estimator.fit_transform(X)
    assert isinstance(expected, np.ndarray)
    Pipeline([("step", case.make())]).set_output(transform="default").fit_transform(X)
    with sklearn.config_context(transform_output="pandas"):
        container = case.make().fit_transform(X)
    if case.gives_images:
        with pytest.raises(ValueError, match="image arrays, which do not fit into a table"):
            case.make().set_output(transform="pandas")
        assert isinstance(container, np.ndarray)
    else:
        assert list(container.columns) == list(estimator.get_feature_names_out())
    np.testing.assert_array_equal(container, expected)


def check_empty_input(case):
    X, _ = case.input()
    estimator = case.fitted()
    for method in case.methods:
        if case.takes == "images":
            with pytest.raises(ValueError, match="0 sample"):
                getattr(estimator, method)(X[:0])
        else:
            shape, dtype = case.rows[method]
            value = getattr(estimator, method)(X[:0])
            assert value.shape == (0, *shape)
            assert value.dtype == dtype


def check_silent(case, capfd):
    X, y = case.input()
    case.fitted()  # what is imported or compiled now is not the estimator's voice
    capfd.readouterr()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        answers(case, case.make().fit(X, y), X)
    assert capfd.readouterr() == ("", "")


CHECKS = [
    check_constructor_only_stores,
    check_parameters_have_defaults,
    check_parameters_are_documented,
    check_params_round_trip,
    check_clone,
    check_pickle_unfitted,
    check_pickle_and_copy_fitted,
    check_repr_names_what_was_changed,
    check_html_repr,
    check_fit_returns_self,
    check_fit_is_idempotent,
    check_refit_overwrites,
    check_nothing_given_is_changed,
    check_attributes_of_fit_end_with_an_underscore,
    check_asking_leaves_the_estimator_alone,
    check_output_shapes_and_types,
    check_rows_do_not_depend_on_each_other,
    check_lists_are_as_good,
    check_number_of_jobs_changes_nothing,
    check_not_fitted,
    check_tags_admit_no_tables,
    check_containers,
    check_empty_input,
]
