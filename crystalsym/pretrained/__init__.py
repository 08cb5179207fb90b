"""Fitted pipelines: those that come with the library, saving one, and the recipe for a new one."""

from __future__ import annotations

from crystalsym.bundles import available
from crystalsym.pretrained._pipelines import (
    load_classifier,
    load_pipeline,
    load_pretrained,
    model_card,
    read_description,
    save_pipeline,
)
from crystalsym.pretrained._recipe import (
    RECIPE,
    build_pipeline,
    preset_pipeline,
    recommended_pipeline,
)
from crystalsym.pretrained._steps import SpaceGroupPipeline

__all__ = [
    "RECIPE",
    "SpaceGroupPipeline",
    "available",
    "build_pipeline",
    "load_classifier",
    "load_pipeline",
    "load_pretrained",
    "model_card",
    "preset_pipeline",
    "read_description",
    "recommended_pipeline",
    "save_pipeline",
]
