"""Answers for structures: a few at once, or any number into a table that a cut does not harm."""

from __future__ import annotations

from crystalsym.identification._answer_files import AnswerFile
from crystalsym.identification._identification import Identification
from crystalsym.identification._identify_many import identify_many
from crystalsym.identification._identifying import identify, model_pipeline
from crystalsym.identification._image_answers import ImageIdentification, identify_images
from crystalsym.identification._reflection_answers import (
    ReflectionIdentification,
    identify_reflections,
)
from crystalsym.identification._structure_inputs import structure_files

__all__ = [
    "AnswerFile",
    "Identification",
    "ImageIdentification",
    "ReflectionIdentification",
    "identify",
    "identify_images",
    "identify_many",
    "identify_reflections",
    "model_pipeline",
    "structure_files",
]
