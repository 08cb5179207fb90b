"""Groups that were never trained on: told by the likeness of feature vectors."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from crystalsym.classification._calibration import fit_temperature
from crystalsym.classification._image_rows import ImageRows, check_labels, check_weights, row_names
from crystalsym.classification._likeness import (
    group_means,
    group_similarities,
    leave_one_out,
    unit_vectors,
)
from crystalsym.classification._objectives import log_softmax
from crystalsym.classification._ranking import RankingMixin, refuse_absent

if TYPE_CHECKING:
    from typing import Self

REFERENCES = ("centroid", "nearest")
# For references of which none has another of its group beside it, or few have.
USUAL_TEMPERATURE = 0.05


class SimilarityClassifier(RankingMixin, ClassifierMixin, BaseEstimator):
    """Classify by the likeness to reference crystals in a trained network's features.

    A network trained on some space groups embeds the references of others, which it has never
    seen. A row belongs to the group whose references it resembles most. ``fit`` trains nothing:
    it embeds.

    Parameters
    ----------
    embedder : str or fitted SpaceGroupClassifier, default="72"
        What makes the feature vectors: the name of a model for
        :func:`crystalsym.load_pretrained`, or a fitted classifier. It stays fitted in ``clone``,
        and so in a grid search or cross-validation.
    reference : {"centroid", "nearest"}, default="centroid"
        Compare with the mean vector of each group, or with its most similar reference.
    layer : str, default="features"
        Layer of the network: ``"features"`` has one vector for each stream, ``"embedding"``,
        where the network has it, one joint vector.
    center : bool, default=True
        Subtract the mean of the groups' mean vectors first. Features are not negative, so that
        uncentered ones lie in a narrow cone: their cosines differ little.
    temperature : float or "auto", default="auto"
        Divides the similarities before ``predict_proba`` takes their softmax. ``"auto"`` makes
        the references' own groups most probable, each compared with the others. The ranking does
        not depend on it.

    Attributes
    ----------
    classes_ : ndarray (n_classes,)
        The groups of the references, sorted.
    embedder_ : SpaceGroupClassifier
        What made the feature vectors.
    center_ : ndarray float32 (S, F)
        What was subtracted; zeros if ``center`` is False.
    references_ : ndarray float32 (m, S, F)
        Unit vectors compared with: one row for each group with ``"centroid"``, all references
        sorted by group with ``"nearest"``.
    reference_classes_ : ndarray (m,)
        The group of every row of ``references_``.
    temperature_ : float
        What divides the similarities; 0.05 for ``"auto"`` if no group has two references.

    Notes
    -----
    The similarity of two crystals is the mean over the S streams of the cosines between their
    feature vectors, from -1 to 1 (equation 5 of the reference, which writes 1 - cos, a distance),
    and the answer is the group of the largest (equation 6).

    X is as for :class:`SpaceGroupClassifier`, lazy arrays included. As the last step behind a
    pretrained simulator and shaper the estimator takes structures::

        pipeline = make_pipeline(load_pretrained("72")[:-1], SimilarityClassifier("72"))

    Rows that hold NaN are refused by ``fit`` and ``predict``; ``predict_proba`` and
    ``decision_function`` return NaN for them.

    In a grid over embedders wrap each in ``sklearn.frozen.FrozenEstimator``: scikit-learn clones
    the candidates themselves.

    References
    ----------
    L. C. O. Tiong, J. Kim, S. S. Han, D. Kim, npj Computational Materials 6, 196 (2020).

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.classification import SimilarityClassifier, SpaceGroupClassifier
    >>> def spots(places, n):
    ...     X = 0.3 * np.random.default_rng(places).random((n, 3, 16, 16, 2))
    ...     for stream, place in enumerate(places):
    ...         X[:, stream, place, place] = 1.0
    ...     return X
    >>> options = {"width": 8, "features": 8, "embedding": 16}
    >>> embedder = SpaceGroupClassifier("strided", options, epochs=6, batch_size=8,
    ...                                 learning_rate=0.01, random_state=0)
    >>> X = np.concatenate([spots([4, 4, 4], 32), spots([8, 8, 8], 32)])
    >>> embedder = embedder.fit(X, np.repeat([221, 225], 32))

    Two groups that the network has never seen, five references each:

    >>> references = np.concatenate([spots([4, 8, 8], 5), spots([8, 4, 4], 5)])
    >>> classifier = SimilarityClassifier(embedder).fit(references, [200] * 5 + [203] * 5)
    >>> classifier.predict(np.concatenate([spots([4, 8, 8], 1), spots([8, 4, 4], 1)]))
    array([200, 203])
    """

    def __init__(
        self,
        embedder: Any = "72",
        reference: str = "centroid",
        layer: str = "features",
        center: bool = True,
        temperature: float | str = "auto",
    ):
        self.embedder = embedder
        self.reference = reference
        self.layer = layer
        self.center = center
        self.temperature = temperature

    def __sklearn_clone__(self) -> Self:
        # A clone of the embedder would have forgotten what it was fitted for.
        copy = super().__sklearn_clone__()
        copy.embedder = self.embedder
        return copy

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Embed the references.

        Parameters
        ----------
        X : array-like or lazy array, (n, S, H, W, C) or (n, H, W, C)
            Shaped patterns of the references, made as the embedder's were.
        y : array-like (n,) of int
            Their space-group numbers.
        sample_weight : array-like (n,), default=None
            How often each reference counts, in the means and in the fit of the temperature; with
            ``reference="nearest"`` one of weight 0 is left out.

        Returns
        -------
        SimilarityClassifier
            Itself.

        Raises
        ------
        ValueError
            If a parameter, the images or the labels are not as described, or there is no such
            pretrained model.
        sklearn.exceptions.NotFittedError
            If the embedder is not fitted (a ValueError).
        """
        self._check_parameters()
        if y is None:
            raise ValueError(
                "SimilarityClassifier requires y to be passed, but the target y is None"
            )
        rows = ImageRows(X)
        rows.check()
        classes, codes = check_labels(y, len(rows))
        weights = check_weights(sample_weight, len(rows))
        self.embedder_ = _fitted_embedder(self.embedder)
        vectors = self._embed(X)
        bad = np.flatnonzero(~np.isfinite(vectors).all(axis=(1, 2)))
        if len(bad):
            raise ValueError(
                f"{row_names(bad)} of X contain NaN: leave such references and their labels out"
            )
        if weights is None:
            weights = np.ones(len(vectors))
        used = np.flatnonzero(weights > 0)
        # Sorted by group, as the search for the nearest wants it.
        used = used[np.argsort(codes[used], kind="stable")]
        present, codes = np.unique(codes[used], return_inverse=True)
        vectors, weights = vectors[used], weights[used]
        centroids = group_means(vectors, codes, weights)
        self.classes_ = classes[present]
        self.center_ = (
            centroids.mean(axis=0) if self.center else np.zeros(vectors.shape[1:])
        ).astype(np.float32)
        nearest = self.reference == "nearest"
        self.references_ = unit_vectors(vectors if nearest else centroids, self.center_)
        self.reference_classes_ = self.classes_[codes] if nearest else self.classes_
        self.temperature_ = self._temperature(vectors, codes, weights)
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the similarity to every group, float32 (n, n_classes), from -1 to 1.

        Of two groups alone, as scikit-learn has it, how far the second is above the first, (n,).

        Parameters
        ----------
        X : array-like of shape (n, S, H, W, C)
            Shaped patterns; they may be lazy.
        """
        similarities = self._similarities(X)
        if similarities.shape[1] == 2:
            return similarities[:, 1] - similarities[:, 0]
        return similarities

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the softmax of similarity / ``temperature_``, float32 (n, n_classes).

        Columns follow ``classes_``.

        Parameters
        ----------
        X : array-like of shape (n, S, H, W, C)
            Shaped patterns; they may be lazy.
        """
        return self._probabilities(self._similarities(X))

    def predict(self, X: Any) -> np.ndarray:
        """Return the most similar group of every row, (n,).

        Parameters
        ----------
        X : array-like of shape (n, S, H, W, C)
            Shaped patterns; they may be lazy.

        Raises
        ------
        ValueError
            If a row holds NaN: no space group stands for "unknown".
        """
        similarities = self._similarities(X)
        refuse_absent(np.isnan(similarities).any(axis=1))
        return self.classes_[similarities.argmax(axis=1)]

    def _ranked(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        similarities = self._similarities(X)
        return similarities, self._probabilities(similarities)

    def _similarities(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        vectors = unit_vectors(self._embed(X), self.center_)
        starts = np.searchsorted(self.reference_classes_, self.classes_)
        return group_similarities(vectors, self.references_, starts)

    def _probabilities(self, similarities: np.ndarray) -> np.ndarray:
        return np.exp(log_softmax(similarities / self.temperature_)).astype(np.float32)

    def _temperature(self, vectors: np.ndarray, codes: np.ndarray, weights: np.ndarray) -> float:
        if not isinstance(self.temperature, str):
            return float(self.temperature)
        similarities, rows = leave_one_out(
            vectors, codes, weights, self.center, self.reference == "nearest"
        )
        if len(rows) == 0:
            return USUAL_TEMPERATURE
        return fit_temperature(similarities, codes[rows], weights[rows], USUAL_TEMPERATURE)

    def _check_parameters(self) -> None:
        if self.reference not in REFERENCES:
            raise ValueError(
                f"reference must be one of {', '.join(REFERENCES)}, got {self.reference!r}"
            )
        if not isinstance(self.layer, str):
            raise ValueError(f"layer must be the name of a layer, got {self.layer!r}")
        t = self.temperature
        number = isinstance(t, numbers.Real) and not isinstance(t, bool)
        if t != "auto" and not (number and 0 < t < float("inf")):  # type: ignore[operator]
            raise ValueError(f"temperature must be a number > 0 or 'auto', got {t!r}")

    def _embed(self, X: Any) -> np.ndarray:
        """Feature vectors, float32 (n, S, F); joint vectors count as one stream."""
        vectors = np.asarray(self.embedder_.embed(X, layer=self.layer))
        return vectors[:, None] if vectors.ndim == 2 else vectors


def _fitted_embedder(embedder: Any) -> Any:
    if isinstance(embedder, str):
        from crystalsym.classification._classifier import SpaceGroupClassifier

        return SpaceGroupClassifier.from_pretrained(embedder)
    if not callable(getattr(embedder, "embed", None)):
        advice = "; pass its last step" if hasattr(embedder, "steps") else ""
        raise TypeError(
            "embedder must be the name of a pretrained model or a fitted SpaceGroupClassifier, "
            f"got {type(embedder).__name__}{advice}"
        )
    try:
        check_is_fitted(embedder)
    except NotFittedError:
        raise NotFittedError(
            f"the embedder, a {type(embedder).__name__}, is not fitted: fit it, or name a "
            "pretrained model"
        ) from None
    return embedder
