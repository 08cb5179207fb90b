"""Reflection lists of measured crystals: what they are, reading and writing them."""

from __future__ import annotations

import sys

from crystalsym._moved import FunctionBecomeRoom
from crystalsym.reflections._reflection_list import ReflectionList

__all__ = [
    "ReflectionList",
]

# crystalsym.reflections(crystal) was a function before it was a room.
sys.modules[__name__].__class__ = FunctionBecomeRoom
