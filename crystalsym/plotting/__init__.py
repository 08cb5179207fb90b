"""Figures of patterns, answers and networks, as Display objects in scikit-learn's manner.

A Display holds what it shows, is made by its ``from_...`` class methods, and draws itself with
``plot``; the figure it drew into is then its ``figure_``, the axes are its ``ax_``, or ``axes_``
where there are several. Colors are those of Okabe and Ito and the colormap cividis, which people
with any color vision tell apart; text follows matplotlib's style, light or dark.
"""

from __future__ import annotations

from crystalsym.plotting._display import PatternDisplay
from crystalsym.plotting._drawing import shaped_to_rgb, symbol_text
from crystalsym.plotting._evidence_display import EvidenceDisplay
from crystalsym.plotting._feature_map_display import FeatureMapDisplay
from crystalsym.plotting._group_accuracy_display import GroupAccuracyDisplay
from crystalsym.plotting._ranking_display import RankingDisplay
from crystalsym.plotting._shaped_pattern_display import ShapedPatternDisplay
from crystalsym.plotting._spot_finder_display import SpotFinderDisplay
from crystalsym.plotting._system_confusion_display import SystemConfusionDisplay
from crystalsym.plotting._top_k_display import TopKDisplay
from crystalsym.plotting._views import titles_of, view_titles

__all__ = [
    "EvidenceDisplay",
    "FeatureMapDisplay",
    "GroupAccuracyDisplay",
    "PatternDisplay",
    "RankingDisplay",
    "ShapedPatternDisplay",
    "SpotFinderDisplay",
    "SystemConfusionDisplay",
    "TopKDisplay",
    "shaped_to_rgb",
    "symbol_text",
    "titles_of",
    "view_titles",
]
