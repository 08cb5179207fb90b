"""The robustness benchmark: its cases can be rendered, and its tables say what its answers hold."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.benchmark_modules import importer

from crystalsym.diffraction import SpotPatterns
from crystalsym.measurement import CameraImages

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "robustness"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the benchmarks are not in this tree")


@pytest.fixture
def module(monkeypatch):
    return importer(FOLDER, monkeypatch)


def square_net():
    pairs = np.array([(i, j) for i in range(5) for j in range(-4, 5) if i > 0 or j > 0])
    return SpotPatterns(
        q=np.tile(pairs * 0.25, (3, 1)),
        intensity=np.tile(np.linspace(1, 2, len(pairs)), 3),
        starts=np.arange(4) * len(pairs),
        q_min=np.zeros((1, 3)),
        q_max=np.full((1, 3), 1.4),
        halved=True,
    )


def test_every_case_can_be_rendered_and_has_a_file_of_its_own(module):
    cases = module("cases")
    assert len({cases.file_name(case) for case in cases.ALL_CASES}) == len(cases.ALL_CASES)
    for case in cases.ALL_CASES:
        settings, _ = cases.scaled(case, 64)
        assert settings["spot_sigma"] == pytest.approx(2 / 16)
        images = CameraImages(64, **{**settings, "spot_sigma": 0.7}).render(square_net())
        assert images[0][0].image.max() > 0


def test_accuracy_refusals_and_failures_are_those_of_the_answers(module, tmp_path):
    report, cases = module("report"), module("cases")
    rows = {
        "4": {"group": 14, "refused": None, "answers": {"72": [14, 2], "new": [2, 14]}},
        "5": {"group": 62, "refused": None, "answers": {"72": [33, 62], "new": [62, 33]}},
        "6": {"group": 2, "refused": "too few spots (3)", "answers": {"72": [], "new": []}},
        "7": {"group": 1, "refused": None, "answers": {"72": [1, 2], "new": [1, 2]}},
    }
    (tmp_path / cases.file_name("all together")).write_text(json.dumps(rows))
    perfect = {
        key: {"group": row["group"], "refused": None, "answers": {"72": [row["group"] % 62 or 62]}}
        for key, row in rows.items()
        if key != "7"
    }
    perfect["8"] = {"group": 1, "refused": None, "answers": {"72": [2, 1]}}
    (tmp_path / cases.file_name(cases.PERFECT)).write_text(json.dumps(perfect))
    perfect, of_72, of_new = report.table(tmp_path)
    assert (perfect["images"], perfect["crystals"], perfect["top-1"]) == (
        "perfect patterns",
        4,
        "75.0",
    )
    assert (of_72["weights"], of_72["top-1"], of_72["top-5"], of_72["refused"]) == (
        "72", "50.0", "75.0", "25.0",
    )  # fmt: skip
    assert of_new["top-1"] == "50.0"
    # Of the three that both have, 5 and 6 are lost: 2/3, with 2 sqrt(2/3 / 3).
    assert (of_72["points lost"], of_new["points lost"]) == ("66.7 ± 94.3", "")
    failed = {(row["weights"], row["crystal"]) for row in report.failures(tmp_path)}
    assert failed == {("72", "5"), ("72", "6"), ("new", "4"), ("new", "6")}
    assert report.markdown([of_72]).splitlines()[1] == "|" + "---|" * 8


def test_refused_and_flagged_are_told_apart(module):
    kept = {"rings": {"0": "refused: rings, not spots", "1": "answered", "2": "not rendered: x",
                      "3": "flagged: zones unknown", "4": "refused: x"}}  # fmt: skip
    (row,) = module("report").refusals(kept)
    assert (row["triples"], row["answered"]) == (4, 1)
    assert (row["refused, %"], row["flagged, %"]) == ("50.0", "25.0")


@pytest.mark.parametrize(
    "kind", ["noise", "one bright pixel", "gradient", "zeros, one value", "rings"]
)
def test_kinds_that_hold_no_lattice_are_drawn_and_refused(module, kind):
    kinds = module("kinds")
    finder = kinds.SpotFinder(q_max=1.457)
    told = kinds.looked_at(finder, kinds.KINDS[kind], square_net(), 0, 256)
    assert told.startswith("refused"), told


def test_two_processes_give_what_one_gives_and_time_ends_what_is_begun(module):
    jobs = module("jobs")
    tasks = [(i, 2) for i in range(7)]
    one = dict(jobs.each(pow, tasks, 1, None))
    assert one == {task: task[0] ** 2 for task in tasks}
    assert dict(jobs.each(pow, tasks, 2, None)) == one
    assert dict(jobs.each(pow, tasks, 2, -1.0)) == {}


def test_answers_are_kept_in_the_order_of_their_numbers(module, tmp_path):
    jobs, path = module("jobs"), tmp_path / "case.json"
    jobs.write(path, {"10": 1, "9": 2})
    assert list(jobs.read(path)) == ["9", "10"]
    assert jobs.read(tmp_path / "none.json") == {}
    assert [file.name for file in tmp_path.iterdir()] == ["case.json"]
