"""What the comparison of systems rests on: equal compute, samples, learning rates, scores."""

import fcntl
import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from support.benchmark_modules import importer

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "paper"
SAMPLING = {
    "learning_crystals": 30,
    "validation_crystals": 10,
    "scoring_crystals": 20,
    "validation_part": 0.25,
}


@pytest.fixture
def load(monkeypatch):
    return importer(FOLDER, monkeypatch)


@pytest.fixture
def data():
    """Sixty crystals, two of each content, of three groups; the last twenty are held out."""
    return SimpleNamespace(
        labels=np.arange(60) % 3 + 1,
        kin=np.arange(60) // 2,
        train=np.arange(40),
        test=np.arange(40, 60),
    )


@pytest.mark.parametrize(
    ("budget", "multiplications", "expected"),
    [(1000, 10, (2, 40)), (1000, 5, (5, 40)), (1100, 10, (3, 40)), (1000, 50, (1, 20))],
)
def test_budget_pays_for_whole_passes(load, budget, multiplications, expected):
    assert load("budget").passes_within(budget, multiplications, 40) == expected


@pytest.mark.parametrize("multiplications", [7, 13, 24])
def test_budgets_differ_by_half_a_pass_at_most(load, multiplications):
    passes, crystals = load("budget").passes_within(10_000, multiplications, 100)
    assert crystals == 100
    assert abs(passes * crystals * multiplications - 10_000) <= 50 * multiplications


def test_budget_that_pays_for_no_crystal(load):
    with pytest.raises(ValueError, match="does not pay for one crystal, which costs 50"):
        load("budget").passes_within(40, 50, 10)


def test_systems_compared_and_their_networks_are_there(load):
    settings = load("systems").system_settings("quick")
    assert set(settings["compared"]) <= set(settings["systems"])
    assert set(settings["networks"]) == {one["network"] for one in settings["systems"].values()}
    assert len(settings["rates"]) >= 3
    assert len(settings["seeds"]) >= 3


def test_samples_keep_to_their_sides(load, data):
    samples = load("samples").draw(data, SAMPLING)
    rows = {part: set(sample.rows.tolist()) for part, sample in samples.items()}
    assert rows["learning"] | rows["validation"] <= set(data.train.tolist())
    assert rows["scoring"] <= set(data.test.tolist())
    kin = {part: {data.kin[row] for row in of} for part, of in rows.items()}
    assert not kin["learning"] & kin["validation"]
    assert len(rows["validation"]) == 10
    for sample in samples.values():
        np.testing.assert_array_equal(sample.labels, data.labels[sample.rows])


def test_fewer_groups_are_scored_on_a_part_of_the_same_crystals(load, data):
    sampling = {**SAMPLING, "scoring_crystals": 12}
    draw = load("samples").draw
    of_all, of_two = draw(data, sampling), draw(data, sampling, groups=(1, 3))
    expected = [row for row in of_all["scoring"].rows if data.labels[row] != 2]
    assert of_two["scoring"].rows.tolist() == expected
    assert set(of_two["learning"].labels) == {1, 3}


def test_rates_are_chosen_by_the_lowest_loss(load):
    losses = {}
    choose = load("rates").choose
    assert choose(losses, [1e-3, 1e-2, 1e-1], {1e-3: 2.0, 1e-2: 1.0, 1e-1: 3.0}.__getitem__) == 1e-2
    assert losses == {1e-3: 2.0, 1e-2: 1.0, 1e-1: 3.0}


def test_rates_go_on_where_the_best_is_the_last(load):
    losses = {}
    found = load("rates").choose(losses, [1e-3, 1e-2, 1e-1], lambda rate: -rate, extensions=2)
    assert found == 10
    assert sorted(losses) == [1e-3, 1e-2, 1e-1, 1, 10]


def test_rates_that_diverge_are_not_chosen(load):
    choose = load("rates").choose
    losses = {1e-3: 3.0, 1e-2: 2.0}
    assert choose(losses, [1e-3, 1e-2, 1e-1], lambda rate: math.nan) == 1e-2
    with pytest.raises(ValueError, match="diverged at every learning rate"):
        choose({}, [1e-3, 1e-2, 1e-1], lambda rate: math.inf)
    with pytest.raises(ValueError, match="at least three"):
        choose({}, [1e-3, 1e-2], lambda rate: 1.0)


def test_known_losses_are_not_found_again(load):
    losses = {1e-3: 2.0, 1e-2: 1.0}
    asked = []
    load("rates").choose(losses, [1e-3, 1e-2, 1e-1], lambda rate: asked.append(rate) or 3.0)
    assert asked == [1e-1]


@pytest.fixture
def system(load, tmp_path):
    task = load("task").Task.read(FOLDER / "systems.toml", "tiny", tmp_path, None, 1)
    return load("systems").System(task, "msdn")


class Pretending:
    """Stands in for the classifier: remembers what it was shown, and answers evenly."""

    shown: ClassVar[list] = []

    def __init__(self, network, options, *, checkpoint_dir, **parameters):
        self.checkpoint_dir = checkpoint_dir

    def fit(self, X, y):
        self.checkpoint_dir.mkdir(parents=True)
        self.shown.append(y)
        self.classes_ = np.unique(y)
        return self

    def set_params(self, **parameters):
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


def test_the_choice_of_the_rate_does_not_see_held_out_crystals(load, system, monkeypatch):
    """Neither as crystals to learn from nor as those the loss is of."""
    asked = []
    samples = system.samples
    monkeypatch.setattr(
        system, "rows", lambda part: asked.append(part) or np.zeros((len(samples[part].rows), 1))
    )
    monkeypatch.setattr(system, "passes", lambda budget: (1, 6))
    monkeypatch.setattr(load("systems"), "SpaceGroupClassifier", Pretending)
    Pretending.shown.clear()
    found = system.rate()
    assert asked == ["learning", "validation"] * 3
    for labels in Pretending.shown:
        np.testing.assert_array_equal(labels, samples["learning"].labels[:6])
    again = type(system)(system.task, "msdn")
    monkeypatch.setattr(again, "_trained", None)  # taken up, not made again
    assert again.rate() == found


def test_a_loss_that_diverged_is_stored_as_such(system, monkeypatch):
    first, *_, last = sorted(system.settings["rates"])

    def train(folder, rate, passes, crystals, seed):
        if rate > first:
            raise FloatingPointError("the loss became nan")
        return SimpleNamespace(
            predict_proba=lambda rows: np.full((8, 4), 0.25), classes_=np.array([14, 62, 166, 225])
        )

    monkeypatch.setattr(system, "rows", lambda part: np.zeros((8, 1)))
    monkeypatch.setattr(system, "passes", lambda budget: (1, 4))
    monkeypatch.setattr(system, "_trained", train)
    found = system.rate()
    assert found["losses"][-1] == [last, None]
    assert found["losses"][0][1] == pytest.approx(math.log(4), abs=1e-6)
    assert found["chosen"] == first


def test_changed_settings_are_another_folder(load, system, monkeypatch):
    systems = load("systems")
    settings = systems.system_settings("tiny")
    monkeypatch.setattr(systems, "system_settings", lambda size: {**settings, "budget": 5e6})
    assert systems.System(system.task, "msdn").folder != system.folder


def test_one_process_at_a_time(load, tmp_path):
    files = load("files")
    with (
        files.one_at_a_time(tmp_path),
        open(tmp_path / "lock", "w") as other,
        pytest.raises(BlockingIOError),
    ):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with files.one_at_a_time(tmp_path):  # free again
        pass


def test_file_that_was_not_finished_is_not_there(load, tmp_path):
    path = tmp_path / "a" / "values.json"
    writing = load("files").written_whole(path)
    writing.__enter__().write_text("{")
    with pytest.raises(RuntimeError, match="cut off"):
        writing.gen.throw(RuntimeError("cut off"))
    assert not path.exists()


def test_unknown_system(load, system):
    with pytest.raises(ValueError, match="no system 'lenet'; there are: alexnet"):
        load("systems").fitted(system.task, "lenet")


def test_cross_entropy(load):
    cross_entropy = load("systems").cross_entropy
    probabilities = np.array([[0.5, 0.5], [0.25, 0.75]])
    assert cross_entropy(np.array([2, 14]), probabilities, np.array([2, 14])) == pytest.approx(
        -(math.log(0.5) + math.log(0.75)) / 2
    )
    assert cross_entropy(np.array([3, 3]), probabilities, np.array([2, 14])) > 80


def answers(load, probabilities, labels, classes):
    return load("systems").Scored(np.array(probabilities), np.array(labels), np.array(classes))


def test_restricted_probabilities(load):
    scores = load("scores")
    whole = answers(
        load, [[0.2, 0.2, 0.6], [0.1, 0.8, 0.1], [0.0, 1.0, 0.0]], [2, 14, 62], [2, 14, 62]
    )
    kept = scores.restricted(whole, [2, 62])
    np.testing.assert_allclose(kept.probabilities, [[0.25, 0.75], [0.5, 0.5]])
    assert kept.labels.tolist() == [2, 62]
    assert kept.classes.tolist() == [2, 62]
    assert scores.top_k(kept, 1) <= scores.top_k(kept, 2) == 1.0
    with pytest.raises(ValueError, match="none of the crystals"):
        scores.restricted(whole, [225])


def test_spread_over_seeds(load):
    found = load("scores").spread([0.5, 0.6, 0.7])
    assert found["mean"] == pytest.approx(0.6)
    assert found["sd"] == pytest.approx(0.1)
    assert found["high"] - 0.6 == pytest.approx(4.302653 * 0.1 / math.sqrt(3), abs=1e-6)
    assert math.isnan(load("scores").spread([0.5])["low"])


def test_paired_difference(load):
    gain = load("kinds.gain")
    right, wrong = [1.0, 0.0], [0.0, 1.0]
    one = answers(load, [right, right, right, wrong], [2, 2, 2, 2], [2, 14])
    other = answers(load, [right, wrong, right, wrong], [2, 2, 2, 2], [2, 14])
    found = gain.paired([one, one], [other, other])
    assert found["mean"] == pytest.approx(0.25)
    assert found["sd"] == 0
    half = 1.959964 * math.sqrt(3) / 4 / 2  # differences 0, 1, 0, 0
    assert found["crystals_low"] == pytest.approx(0.25 - half, abs=1e-6)
    assert gain.verdict(found) == "not told apart"
    elsewhere = answers(load, [right], [2], [2, 14])
    with pytest.raises(ValueError, match="the same crystals"):
        gain.paired([one], [elsewhere])


def test_every_combination_of_the_gain_is_a_system(load):
    gain, settings = load("kinds.gain"), load("systems").system_settings("quick")
    names = {
        gain.cell(intensity, shaping, network)
        for intensity in ("linear", "log")
        for shaping in gain.SHAPING
        for network in gain.NETWORKS
    }
    assert len(names) == 8
    assert names <= set(settings["systems"])
    for name in names:
        assert settings["systems"][name]["network"] == "msdn"


def test_halves_of_every_group(load, data):
    known, asked = load("kinds.unseen").halves(data)
    assert sorted([*known, *asked]) == list(range(60))
    assert not set(data.kin[known][data.labels[known] == 1]) & set(
        data.kin[asked][data.labels[asked] == 1]
    )
    assert abs(len(known) - len(asked)) <= 3


def test_models_that_are_missing_or_refitted_are_refused(load, tmp_path, monkeypatch):
    bundled = load("kinds.bundled")
    assert bundled.find("72").parent == FOLDER.parent / "models"
    with pytest.raises(ValueError, match="there is no '99'; benchmarks/models has"):
        bundled.find("99")
    monkeypatch.setattr(bundled, "MODELS", tmp_path)
    with pytest.raises(ValueError, match="'72' has learned from the held-out crystals since"):
        bundled.find("72")
    assert bundled.find("72-small").name == "72-small"


def test_trained_time_adds_up(load, tmp_path):
    trained = load("kinds.published").trained
    assert trained(tmp_path) == {"seconds": 0.0, "epochs": 0, "step": 0}
    state = {"seconds": 2.5, "epoch": 1, "step": 7, "history": [{"seconds": 10.0}]}
    (tmp_path / "progress.json").write_text(json.dumps(state))
    assert trained(tmp_path) == {"seconds": 12.5, "epochs": 1, "step": 7}
