"""A small pipeline without a network, and files to feed it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline

from crystalsym import DiffractionSimulator, PatternShaper
from crystalsym.cli import main

CLASSES = [1, 2, 14, 33, 62, 166, 194, 216, 221, 225]

CIF = """\
data_{name}
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {c}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_type_symbol
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
{first} {first}1 0 0 0
{second} {second}1 {x} {x} {x}
"""


class BlockClassifier(ClassifierMixin, BaseEstimator):
    """Probabilities from the mean brightness of blocks: smooth in the patterns, and repeatable."""

    def fit(self, X, y=None):
        self.classes_ = np.array(CLASSES)
        return self

    def predict_proba(self, X):
        n, views, size = X.shape[:3]
        blocks = X.reshape(n, views, 8, size // 8, 8, size // 8, -1).mean(axis=(3, 5, 6))
        weights = np.random.default_rng(0).normal(size=(blocks[0].size, len(CLASSES)))
        logits = blocks.reshape(n, -1) @ weights
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)

    def predict_set(self, X, coverage):
        if coverage > 0.98:
            raise ValueError("too few validation rows")
        order = np.argsort(-self.predict_proba(X), axis=1)
        return [self.classes_[row[:2]] for row in order]


@pytest.fixture(scope="session")
def pipeline():
    """Structures in, probabilities out, without weights."""
    steps = [
        ("simulate", DiffractionSimulator(views="symmetry-directions")),
        ("shape", PatternShaper("spots", intensity="log", image_size=64)),
        ("classify", BlockClassifier().fit(None)),
    ]
    return Pipeline(steps)


@pytest.fixture(autouse=True)
def _fake_model(monkeypatch, pipeline):
    from crystalsym.cli import _identify as identify
    from crystalsym.cli import _shape as shape

    monkeypatch.setattr(identify, "load_pipeline", lambda name: pipeline)
    monkeypatch.setattr(shape, "load_pipeline", lambda name: pipeline)


@pytest.fixture
def write_cif(tmp_path):
    """Write a small tetragonal crystal (cubic with c = a) to a CIF file."""

    def write(name="CsCl", a=4.12, c=None, first="Cs", second="Cl", x=0.5):
        path = tmp_path / f"{name}.cif"
        values = {"name": name, "a": a, "c": c or a, "first": first, "second": second, "x": x}
        path.write_text(CIF.format(**values))
        return str(path)

    return write


@pytest.fixture
def broken(tmp_path):
    """A CIF file without a structure."""
    path = tmp_path / "broken.cif"
    path.write_text("data_x\n_cell_length_a banana\n")
    return str(path)


@pytest.fixture
def run(capsys):
    """Run the command; gives exit code, standard output and the lines of standard error."""

    def call(*args):
        code = main([str(arg) for arg in args])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return code, captured.out, captured.err.splitlines()

    return call


@pytest.fixture
def simulated(run, write_cif, tmp_path):
    """Paths of three simulated images, and of the crystal they are of."""

    def make(*options, **crystal):
        cif = write_cif(**crystal)
        code, out, _ = run("simulate", cif, "-o", tmp_path / "patterns", *options)
        assert code == 0
        return out.split(), cif

    return make
