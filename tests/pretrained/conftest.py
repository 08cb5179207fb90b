"""A small pipeline that was fitted and can be saved."""

from __future__ import annotations

import pytest
from support.estimators import small_pipeline, structures

from crystalsym import SpaceGroupClassifier
from crystalsym.pretrained import SpaceGroupPipeline


@pytest.fixture(scope="session")
def small():
    """It must not be changed."""
    classifier = SpaceGroupClassifier(
        "msmlp", {"width": 8, "joint": 8}, epochs=2, batch_size=6, random_state=0
    )
    steps = small_pipeline(classify=classifier).steps
    return SpaceGroupPipeline(steps).fit(*structures())
