"""Importing crystalsym is cheap, and everything it names is there."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import resources

import pytest

import crystalsym

HEAVY = ("keras", "tensorflow", "torch", "jax", "pymatgen", "matplotlib", "numba", "sklearn", "ase")


def modules_after(code: str) -> set[str]:
    """Top-level modules loaded in a fresh interpreter."""
    code += "\nimport json, sys\nprint(json.dumps(sorted({n.split('.')[0] for n in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_import_loads_nothing_heavy():
    assert not modules_after("import crystalsym; dir(crystalsym)") & set(HEAVY)


def test_the_package_says_it_is_typed():
    assert resources.files("crystalsym").joinpath("py.typed").is_file()


@pytest.mark.parametrize(
    "code",
    [
        "from crystalsym import DiffractionSimulator, PatternShaper, SpotMerger, ReflectionList",
        "from crystalsym import Crystal, as_crystal, standardize, spacegroups, datasets",
        "from crystalsym import SpaceGroupClassifier, SimilarityClassifier, load_pretrained",
        "from crystalsym.featurizers import SpaceGroupFeaturizer; SpaceGroupFeaturizer()",
        "import crystalsym; [getattr(crystalsym, name) for name in crystalsym.__all__]",
        "import crystalsym.cli",
    ],
)
def test_names_load_no_network_library_before_it_is_needed(code):
    heavy = {"keras", "tensorflow", "torch", "jax", "matplotlib", "pymatgen"}
    assert not modules_after(code) & heavy


@pytest.mark.parametrize("name", crystalsym.__all__)
def test_every_public_name_resolves(name):
    assert getattr(crystalsym, name) is not None
    assert name in dir(crystalsym)


def test_public_names_are_unique():
    assert len(set(crystalsym.__all__)) == len(crystalsym.__all__)


def test_version_is_that_of_the_distribution():
    from importlib.metadata import PackageNotFoundError, version

    try:
        assert version("crystalsym") == crystalsym.__version__
    except PackageNotFoundError:
        pytest.skip("crystalsym is not installed, only importable")


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'magic'"):
        crystalsym.magic  # noqa: B018
