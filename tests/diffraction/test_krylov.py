"""exp(i A z) from Krylov spaces: the small exponential, restarts, and real waves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm
from scipy.special import jv

from crystalsym.diffraction import _krylov
from crystalsym.diffraction._krylov import MatrixOperator, _bessel, _first_column, propagate


@pytest.mark.parametrize("x", [1e-3, 0.7, 12.0, 300.0])
def test_bessel_functions(x):
    found = _bessel(x)
    np.testing.assert_allclose(found, jv(np.arange(len(found)), x), atol=1e-13)
    assert abs(found[-1]) < 1e-16


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.floats(0, 500), st.integers(0, 2**32 - 1))
def test_exponential_of_a_tridiagonal_matrix(n, distance, seed):
    rng = np.random.default_rng(seed)
    along, beside = rng.normal(size=n) * 0.2, rng.random(n - 1) * 0.2
    matrix = np.diag(along) + np.diag(beside, 1) + np.diag(beside, -1)
    expected = expm(1j * distance * matrix)[:, 0]
    np.testing.assert_allclose(_first_column(along, beside, distance), expected, atol=1e-11)


@pytest.mark.parametrize("kind", [float, complex])
def test_spaces_that_are_full_begin_anew(kind, monkeypatch):
    """After which real waves are complex, and go on as two."""
    monkeypatch.setattr(_krylov, "MOST", 12)
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(30, 30)).astype(kind)
    if kind is complex:
        matrix += 1j * rng.normal(size=(30, 30))
    matrix = (matrix + matrix.conj().T) / 20
    start = rng.normal(size=30).astype(kind)[None]
    distances = [0.0, 3.0, 20.0, 21.0]
    found = propagate(MatrixOperator(matrix), start, distances, 1e-11, hermitian=True)
    for distance, waves in zip(distances, found, strict=True):
        np.testing.assert_allclose(waves[0], expm(1j * distance * matrix) @ start[0], atol=1e-9)
