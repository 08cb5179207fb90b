"""Figures of patterns and rankings, as Display objects in scikit-learn's manner.

A Display holds what it shows, is made by its ``from_...`` class methods, and draws itself with
``plot``; the figure and axes it drew into are then its ``figure_`` and ``axes_``.
"""

from __future__ import annotations

from crystalsym.plotting._display import PatternDisplay
from crystalsym.plotting._drawing import shaped_to_rgb, symbol_text
from crystalsym.plotting._evidence_display import EvidenceDisplay
from crystalsym.plotting._views import titles_of, view_titles

__all__ = [
    "EvidenceDisplay",
    "PatternDisplay",
    "shaped_to_rgb",
    "symbol_text",
    "titles_of",
    "view_titles",
]
