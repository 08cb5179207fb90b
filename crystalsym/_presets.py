"""Estimators with published settings, by name."""

from __future__ import annotations

from typing import Any, ClassVar, Self


class PresetMixin:
    """``from_preset`` of an estimator that has presets."""

    _presets: ClassVar[dict[str, dict[str, Any]]]

    @classmethod
    def from_preset(cls, name: str, **changes: Any) -> Self:
        """Make an unfitted estimator with published settings.

        Parameters
        ----------
        name : {"tiong2020", "tiong2020-text", "tiong2020-benchmarks", "ziletti2018"}
            The publication: L. C. O. Tiong, J. Kim, S. S. Han, D. Kim, npj Computational
            Materials 6, 196 (2020), as the code that its authors published does it, by its text's
            rule (``PatternShaper``), or the networks it is compared with; A. Ziletti, D. Kumar,
            M. Scheffler, L. M. Ghiringhelli, Nature Communications 9, 2775 (2018). ``SpotMerger``
            has the last two.
        **changes
            Parameters to set on top.

        Raises
        ------
        ValueError
            If there is no such preset.

        Examples
        --------
        >>> from crystalsym import DiffractionSimulator, PatternShaper, SpaceGroupClassifier
        >>> DiffractionSimulator.from_preset("tiong2020").views
        'rotations'
        >>> PatternShaper.from_preset("tiong2020").scheme
        'pixels'
        >>> PatternShaper.from_preset("tiong2020-text").line_width
        'node'
        >>> SpaceGroupClassifier.from_preset("tiong2020").learning_rate
        1e-05
        >>> SpaceGroupClassifier.from_preset("ziletti2018").architecture
        'ziletti'
        """
        if name not in cls._presets:
            raise ValueError(f"no preset {name!r}; there are {sorted(cls._presets)}")
        return cls(**cls._with_changes(cls._presets[name], changes))

    @classmethod
    def _with_changes(cls, preset: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
        """The preset's parameters after changes; those that depend on each other go together."""
        return {**preset, **changes}
