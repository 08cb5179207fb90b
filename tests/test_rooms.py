"""The house: rooms, private modules of unique names, former paths."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections import Counter
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest

import crystalsym
from crystalsym import _moved

ROOT = Path(crystalsym.__file__).parent
MODULES = [path.relative_to(ROOT) for path in ROOT.rglob("*.py")]
# Packages within rooms (crystals.defects) are held to the same.
ROOMS = sorted(
    ".".join(path.parent.relative_to(ROOT).parts) for path in ROOT.glob("*/**/__init__.py")
)


def test_no_two_modules_share_a_name():
    names = Counter(path.name for path in MODULES if path.name != "__init__.py")
    assert [name for name, count in names.items() if count > 1] == []


def test_nothing_is_loose_at_the_top():
    loose = [path.name for path in MODULES if len(path.parts) == 1]
    assert [name for name in loose if not name.startswith("_")] == []


def test_modules_of_rooms_are_private():
    inside = [path for path in MODULES if len(path.parts) > 1 and path.name != "__init__.py"]
    assert [str(path) for path in inside if not path.name.startswith("_")] == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_names_what_is_public(room):
    package = importlib.import_module(f"crystalsym.{room}")
    assert package.__doc__
    assert sorted(package.__all__) == sorted(set(package.__all__))
    for name in package.__all__:
        assert hasattr(package, name), f"crystalsym.{room}.{name}"
    assert attrgetter(room)(crystalsym) is package


FORMER = {
    "augmentation": ["Augmentation"],
    "geometry": ["Detector", "View", "resolve_views", "symmetry_directions"],
    "lattice_patterns": ["LatticePatterns"],
    "merging": ["SpotMerger"],
    "models": ["msdn", "msmlp", "strided", "get", "available"],
    "patterns": ["Pattern", "read_pattern", "write_pattern", "resample_pattern"],
    "recipe": ["RECIPE", "recommended_pipeline"],
    "simulation": ["DiffractionSimulator"],
    "splits": [
        "ChemicalSystemKFold", "PrototypeKFold", "ValidationRotation", "chemical_system_groups",
        "holdout_split", "prototype_groups", "twin_groups",
    ],
    "spots": ["find_spots", "SpotList"],
    "stores": ["PatternStore"],
    "streams": ["RenderedPatterns"],
    "structure_factors": ["reflections", "ReflectionTable"],
    "structures": [
        "Cluster", "Crystal", "SymmetryError", "WyckoffPosition", "as_crystal", "as_structure",
        "space_group_number", "standardize", "symmetric_displacements", "wyckoff_positions",
    ],
    "training_data": ["TrainingData", "load_data", "DATA_DEFAULTS"],
    "learning_rows": ["learning_rows"],
}  # fmt: skip


@pytest.mark.parametrize("module", FORMER)
def test_former_paths_work_and_say_where_to_go(module):
    assert module in _moved.MODULES
    former = importlib.import_module(f"crystalsym.{module}")
    assert getattr(crystalsym, module) is former
    for name in FORMER[module]:
        with pytest.warns(DeprecationWarning, match=rf"{module}\.{name} has moved: import it from"):
            value = getattr(former, name)
        assert value is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        former.nothing  # noqa: B018


def test_a_function_that_became_a_room_still_answers():
    crystal = crystalsym.Crystal(np.eye(3) * 4, [[0, 0, 0]], [84])
    with pytest.warns(DeprecationWarning, match=r"crystalsym.reflections\(\) has moved"):
        table = crystalsym.reflections(crystal, 0.3)
    assert len(table.hkl) == 7


def test_every_former_module_is_listed():
    assert sorted(FORMER) == sorted(_moved.MODULES)


def test_paths_that_stay_bring_no_warning():
    code = (
        "import crystalsym.evaluation, crystalsym.scattering, crystalsym.training, "
        "crystalsym.pretrained, crystalsym.featurizers, crystalsym.metrics, crystalsym.datasets\n"
        "from crystalsym.scattering import scattering_factors\n"
        "from crystalsym.training import TrainingConfig, train\n"
        "from crystalsym.pretrained import load_pretrained, load_pipeline, available\n"
    )
    subprocess.run([sys.executable, "-W", "error::DeprecationWarning:__main__", "-c", code],
                   check=True)  # fmt: skip


def test_attributes_of_the_package_need_no_import_of_their_own():
    code = (
        "import crystalsym, warnings; warnings.simplefilter('ignore')\n"
        "crystalsym.evaluation.evaluate, crystalsym.augmentation.Augmentation, "
        "crystalsym.learning.PatternRows, crystalsym.cli.main, crystalsym.bundles.available"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
