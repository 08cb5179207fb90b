"""Times are ratios of runs by turns; counts stand beside the paper's."""

import numpy as np
import pytest


@pytest.fixture
def kind(paper):
    return paper("kinds.complexity")


def test_a_slower_machine_slows_both(kind, monkeypatch):
    clock = [0.0]
    calls = []

    def taking(name, seconds):
        def run():
            calls.append(name)
            clock[0] += seconds * (1 + len(calls))  # ever slower

        return run

    monkeypatch.setattr(kind.time, "perf_counter", lambda: clock[0])
    ratios = kind.time_ratios(taking("own", 3.0), taking("reference", 1.0), 4)
    np.testing.assert_allclose(ratios, 3.0)
    assert calls[2:5] == ["reference", "own", "reference"]


def test_counts_of_the_paper_stand_at_its_number_of_groups(kind):
    rows = [{"network": "msdn", "groups": n} for n in (20, 72)]
    paper = {"groups": 20, "parameters": {"msdn": 1.39e6}, "flops": {"msdn": 5.75e6}}
    kind._against_the_paper(rows, paper)
    assert rows[0]["paper_flops"] == 5_750_000
    assert "paper_flops" not in rows[1]
