"""Our own checks over every public estimator (see ``support.estimator_checks``)."""

from __future__ import annotations

import pytest
from support.estimator_checks import CHECKS, check_silent
from support.estimators import CASES
from support.networks import without_compilation

import crystalsym


@pytest.fixture(scope="module", autouse=True)
def _uncompiled():
    with without_compilation():
        yield


def _named(case):
    return case.cls.__name__


@pytest.mark.parametrize("case", CASES, ids=_named)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_estimator(case, check):
    check(case)


@pytest.mark.parametrize("case", CASES, ids=_named)
def test_verbose_0_is_silent(case, capfd):
    check_silent(case, capfd)


def test_no_public_estimator_is_missing():
    from sklearn.base import BaseEstimator

    public = {
        name
        for name in crystalsym.__all__
        if isinstance(found := getattr(crystalsym, name), type) and issubclass(found, BaseEstimator)
    }
    assert public <= {case.cls.__name__ for case in CASES}
