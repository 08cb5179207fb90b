"""The pipeline from structures to space groups, with all that its classifier answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from crystalsym.crystals._lists import structure_list
from crystalsym.diffraction import DiffractionSimulator
from crystalsym.learning import PatternRows
from crystalsym.learning._pattern_rows import CHUNK_OF_SPOTS


def _last_step_has(name: str) -> Callable[[Any], bool]:
    def has(pipeline: Any) -> bool:
        getattr(pipeline.steps[-1][1], name)  # its AttributeError says what is missing
        return True

    return has


class SpaceGroupPipeline(Pipeline):
    """Chain steps that end in a classifier which may answer with more than one group.

    A scikit-learn Pipeline, used like one. The methods that are named here exist where the last
    step has them.

    Parameters
    ----------
    steps : list of (str, estimator)
    transform_input, memory, verbose
        As in :class:`sklearn.pipeline.Pipeline`.

    Examples
    --------
    >>> from crystalsym import load_pretrained
    >>> from crystalsym.datasets import example_crystals
    >>> pipeline = load_pretrained("72")
    >>> groups, probabilities = pipeline.predict_top_k([example_crystals()["NaCl"]], k=3)
    >>> groups[:, 0]
    array([225])
    """

    @available_if(_last_step_has("predict_top_k"))
    def predict_top_k(self, X: Any, k: int = 5) -> tuple[np.ndarray, np.ndarray]:
        """Return the k groups of every row that rank first, and their probabilities.

        See :meth:`crystalsym.SpaceGroupClassifier.predict_top_k`.

        Parameters
        ----------
        X : list of structures
            Or what the first step takes.
        k : int, default=5
        """
        return self._answer("predict_top_k", X, k=k)

    @available_if(_last_step_has("predict_set"))
    def predict_set(self, X: Any, coverage: float = 0.95) -> list[np.ndarray]:
        """Return for every row as many groups as it takes to hold the true one so often.

        See :meth:`crystalsym.SpaceGroupClassifier.predict_set`.

        Parameters
        ----------
        X : list of structures
            Or what the first step takes.
        coverage : float, default=0.95
        """
        return self._answer("predict_set", X, coverage=coverage)

    @available_if(_last_step_has("predict_diffraction_class"))
    def predict_diffraction_class(self, X: Any) -> tuple[list[tuple[int, ...]], np.ndarray]:
        """Return the most probable diffraction class of every row and its probability.

        See :meth:`crystalsym.SpaceGroupClassifier.predict_diffraction_class`.

        Parameters
        ----------
        X : list of structures
            Or what the first step takes.
        """
        return self._answer("predict_diffraction_class", X)

    @available_if(_last_step_has("embed"))
    def embed(self, X: Any, layer: str = "features") -> np.ndarray:
        """Return what a layer of the network makes of every row.

        See :meth:`crystalsym.SpaceGroupClassifier.embed`.

        Parameters
        ----------
        X : list of structures
            Or what the first step takes.
        layer : str, default="features"
        """
        return self._answer("embed", X, layer=layer)

    @available_if(_last_step_has("feature_maps"))
    def feature_maps(self, X: Any, layer: str) -> np.ndarray:
        """Return the feature maps that a layer of the network makes of every row.

        See :meth:`crystalsym.SpaceGroupClassifier.feature_maps`.

        Parameters
        ----------
        X : list of structures
            Or what the first step takes.
        layer : str
            One of :meth:`feature_map_layers`.
        """
        return self._answer("feature_maps", X, layer=layer)

    @available_if(_last_step_has("feature_map_layers"))
    def feature_map_layers(self) -> dict[str, tuple[int, int, int]]:
        """Name the layers whose output is maps, with height, width and number of the maps.

        See :meth:`crystalsym.SpaceGroupClassifier.feature_map_layers`.
        """
        check_is_fitted(self)
        return self.steps[-1][1].feature_map_layers()

    @available_if(_last_step_has("predict"))
    def predict(self, X: Any, **params: Any) -> Any:
        """Return the most probable group of every row.

        See :meth:`crystalsym.SpaceGroupClassifier.predict`. Any number of structures are worked
        on in bounded memory.

        Parameters
        ----------
        X : list of structures
            Or what the first step takes.
        **params
            As in :class:`sklearn.pipeline.Pipeline`.
        """
        return super().predict(X, **params) if params else self._answer("predict", X)

    @available_if(_last_step_has("predict_proba"))
    def predict_proba(self, X: Any, **params: Any) -> Any:
        """Return the probability of every group for every row.

        See :meth:`crystalsym.SpaceGroupClassifier.predict_proba`.

        Parameters
        ----------
        X : list of structures
            Or what the first step takes.
        **params
            As in :class:`sklearn.pipeline.Pipeline`.
        """
        return super().predict_proba(X, **params) if params else self._answer("predict_proba", X)

    @available_if(_last_step_has("decision_function"))
    def decision_function(self, X: Any, **params: Any) -> Any:
        """Return the logits of every row.

        See :meth:`crystalsym.SpaceGroupClassifier.decision_function`.

        Parameters
        ----------
        X : list of structures
            Or what the first step takes.
        **params
            As in :class:`sklearn.pipeline.Pipeline`.
        """
        if params:
            return super().decision_function(X, **params)
        return self._answer("decision_function", X)

    def _answer(self, method: str, X: Any, **parameters: Any) -> Any:
        check_is_fitted(self)
        return getattr(self.steps[-1][1], method)(self._rows(X), **parameters)

    def _rows(self, X: Any) -> Any:
        """What the last step gets to see: made part by part where structures come in."""
        steps = [step for _, step in self.steps[:-1] if step not in (None, "passthrough")]
        many = isinstance(X, Sequence) and len(X) > CHUNK_OF_SPOTS
        if many and steps and isinstance(steps[0], DiffractionSimulator):
            loud = max(getattr(step, "verbose", 0) for step in steps)
            if not loud:  # a bar each part would say nothing
                return PatternRows(steps, structure_list(X))
        for step in steps:
            X = step.transform(X)
        return X
