"""What a wrong assumption costs: ranks of the true group under other conditions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.pipeline import Pipeline
from support.benchmark_modules import importer

from crystalsym import DiffractionSimulator, PatternShaper, standardize
from crystalsym.datasets import example_crystals

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "electrons"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the benchmarks are not in this tree")


class Always:
    """Answers 225, then 216, and keeps what it was shown."""

    classes_ = np.array([62, 216, 225])

    def predict_proba(self, X):
        self.shown = np.asarray(X)
        return np.tile([0.1, 0.3, 0.6], (len(X), 1))


def test_ranks_under_other_conditions(monkeypatch):
    assumptions = importer(FOLDER, monkeypatch)("assumptions")
    simulator = DiffractionSimulator(
        engine="bloch", radiation="electron", voltage=200, b_iso=0.5, output="spots", q_max=0.7
    )
    always = Always()
    shaper = PatternShaper("lattice", friedel=False)
    pipeline = Pipeline([("simulate", simulator), ("shape", shaper), ("classify", always)])
    crystals = [standardize(example_crystals()[name]) for name in ("NaCl", "ZnS-sphalerite")]
    labels = np.array([225, 194])
    shown = []
    for voltage in (200.0, 200.0, 120.0):
        found = assumptions.ranks(pipeline, crystals, labels, voltage=voltage, b_iso=0.5)
        assert found.tolist() == [0, 3]  # a group that the model does not know comes last
        shown.append(always.shown)
    assert np.array_equal(shown[0], shown[1])  # the same draws
    assert not np.array_equal(shown[0], shown[2])
    assert simulator.voltage == 200
    assert assumptions.row(np.array([0, 0, 4, 7]))[:2] == (4, 0.5)
    assert assumptions.row(np.array([0, 0, 4, 7]))[-1] == 0.75
