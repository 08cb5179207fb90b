"""Reflection lists of measured crystals: what they are, reading and writing them."""

from __future__ import annotations

import sys

from crystalsym._moved import FunctionBecomeRoom
from crystalsym.reflections._found import ReflectionFileError
from crystalsym.reflections._reading import as_reflection_list, read_reflections
from crystalsym.reflections._reflection_list import ReflectionList
from crystalsym.reflections._writing import write_hklf4, write_reflection_cif

__all__ = [
    "ReflectionFileError",
    "ReflectionList",
    "as_reflection_list",
    "read_reflections",
    "write_hklf4",
    "write_reflection_cif",
]

# crystalsym.reflections(crystal) was a function before it was a room.
sys.modules[__name__].__class__ = FunctionBecomeRoom
