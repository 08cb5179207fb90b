"""Space groups by diffraction as columns of a table, in the manner of matminer's featurizers."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator
from functools import lru_cache
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from crystalsym._progress import track
from crystalsym.diffraction import SpotPatterns

if TYPE_CHECKING:
    from typing import Self

    import pandas as pd
    from sklearn.pipeline import Pipeline

FEATURES = ("ranking", "probabilities", "embedding")

_TIONG_2020 = """@article{Tiong2020,
  author = {Tiong, Leslie Ching Ow and Kim, Jeongrae and Han, Sang Soo and Kim, Donghun},
  title = {Identification of crystal symmetry from noisy diffraction patterns by a shape analysis
           and deep learning},
  journal = {npj Computational Materials},
  volume = {6},
  pages = {196},
  year = {2020},
  doi = {10.1038/s41524-020-00466-5},
}"""


class SpaceGroupFeaturizer(TransformerMixin, BaseEstimator):
    """Describe crystal structures by the answers of a fitted simulate-shape-classify pipeline.

    Has the methods of a matminer featurizer, those that ``MultipleFeaturizer`` calls among them,
    and is a scikit-learn transformer as well; matminer is not needed.

    Parameters
    ----------
    model : str or fitted Pipeline, default="72"
        Name of a model for :func:`crystalsym.load_pretrained`, or a fitted pipeline that takes
        structures. It stays fitted in ``clone``.
    features : {"ranking", "probabilities", "embedding"}, default="ranking"
        The most probable groups and their probabilities, the probability of every group, or the
        network's feature vectors.
    top_k : int, default=3
        Length of the ranking.
    batch_size : int, default=128
        Structures that are worked on at once, which bounds the memory.
    n_jobs : int, optional
        Parallel jobs of simulation and shaping, through joblib; by default what the model says.

    Notes
    -----
    ``MultipleFeaturizer([...], iterate_over_entries=False)`` lets it work on ``batch_size``
    structures at once; by default matminer hands it one at a time, in processes of its own.

    Examples
    --------
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.featurizers import SpaceGroupFeaturizer
    >>> featurizer = SpaceGroupFeaturizer(top_k=2)
    >>> featurizer.feature_labels()
    ['space group 1', 'probability 1', 'space group 2', 'probability 2']
    >>> featurizer.featurize(example_crystals()["NaCl"])[0]
    225
    """

    def __init__(
        self,
        model: str | Pipeline = "72",
        *,
        features: str = "ranking",
        top_k: int = 3,
        batch_size: int = 128,
        n_jobs: int | None = None,
    ):
        self.model = model
        self.features = features
        self.top_k = top_k
        self.batch_size = batch_size
        self.n_jobs = n_jobs

    def fit(self, X: Any = None, y: Any = None, **fit_kwargs: Any) -> Self:
        """Check the parameters; there is nothing to learn.

        Parameters
        ----------
        X, y, **fit_kwargs : ignored
            As for other featurizers.

        Raises
        ------
        ValueError
            If a parameter is out of range.
        """
        self._check_parameters()
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Compute the features of every structure.

        Parameters
        ----------
        X : list of structures
            Crystals, pymatgen Structures, ASE Atoms or paths.

        Returns
        -------
        ndarray of shape (n, n_features)
            float64, or what ``set_output`` asks for. Rows of structures that could not be
            simulated are NaN if the model's simulator has ``on_error="nan"``.

        Raises
        ------
        TypeError
            If X is one structure instead of a list.
        ValueError
            If a structure cannot be simulated; the message names it.
        """
        return self._features_of(X)

    def featurize(self, structure: Any) -> list[float | int]:
        """Compute the features of one structure, in the order of :meth:`feature_labels`.

        Parameters
        ----------
        structure : object
            Anything the simulator takes.
        """
        return self._typed(self._features_of([structure]))[0]

    def featurize_many(
        self,
        entries: Iterable[Any],
        ignore_errors: bool = False,
        return_errors: bool = False,
        pbar: Any = False,
    ) -> list[list[Any]]:
        """Compute the features of several structures.

        Parameters
        ----------
        entries : iterable of structures
            Or of rows that hold one structure each, as matminer passes the columns of a table.
        ignore_errors : bool, default=False
            Give NaN, with a warning, for a structure that cannot be simulated instead of raising.
        return_errors : bool, default=False
            Append what was wrong with the structure, None if nothing was.
        pbar : bool or dict, default=False
            Show progress on standard error.

        Returns
        -------
        list of list
        """
        if return_errors and not ignore_errors:
            raise ValueError("return_errors=True needs ignore_errors=True: else errors are raised")
        entries = [_alone(entry) for entry in entries]
        values = self._features_of(entries, "nan" if ignore_errors else None, bool(pbar))
        rows: list[list[Any]] = self._typed(values)
        if return_errors:
            for row, entry, value in zip(rows, entries, values, strict=True):
                row.append(self._error(entry) if np.isnan(value).any() else None)
        return rows

    def featurize_dataframe(
        self,
        df: pd.DataFrame,
        col_id: str,
        ignore_errors: bool = False,
        return_errors: bool = False,
        inplace: bool = False,
        pbar: Any = False,
    ) -> pd.DataFrame:
        """Add the features to a table as columns.

        Parameters
        ----------
        df : pandas.DataFrame
        col_id : str
            The column of structures.
        ignore_errors : bool, default=False
            Give NaN, with a warning, for a structure that cannot be simulated instead of raising.
        return_errors : bool, default=False
            Add a column ``"SpaceGroupFeaturizer Exceptions"`` of what was wrong.
        inplace : bool, default=False
            Add the columns to ``df`` itself.
        pbar : bool or dict, default=False
            Show progress on standard error.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ValueError
            If there is no such column, or one of the features' names already.
        """
        labels = self._column_names(return_errors)
        if isinstance(col_id, (list, tuple)) and len(col_id) == 1:
            col_id = col_id[0]
        if col_id not in df.columns:
            raise ValueError(f"the table has no column {col_id!r}; it has {list(df.columns)}")
        taken = [label for label in labels if label in df.columns]
        if taken:
            raise ValueError(f"the table has the column {taken[0]!r} already")
        rows = self.featurize_many(df[col_id], ignore_errors, return_errors, pbar)
        result = df if inplace else df.copy()
        for column, label in enumerate(labels):
            result[label] = [row[column] for row in rows]
        return result

    def featurize_wrapper(
        self, x: tuple[Any], return_errors: bool = False, ignore_errors: bool = False
    ) -> list[Any]:
        """Compute the features of the one structure in ``x``, as matminer asks for them.

        Parameters
        ----------
        x : tuple of one structure
        return_errors : bool, default=False
        ignore_errors : bool, default=False
            Both as in :meth:`featurize_many`.
        """
        return self.featurize_many([x], ignore_errors, return_errors)[0]

    def set_n_jobs(self, n_jobs: int | None) -> None:
        """Set ``n_jobs``, as matminer does.

        Parameters
        ----------
        n_jobs : int or None
        """
        self.n_jobs = n_jobs

    def feature_labels(self) -> list[str]:
        """Name the features."""
        self._check_parameters()
        if self.features == "ranking":
            return [
                f"{kind} {rank}"
                for rank in range(1, int(self.top_k) + 1)
                for kind in ("space group", "probability")
            ]
        classifier = self._pipeline()[-1]
        if self.features == "probabilities":
            return [f"probability of {group}" for group in classifier.classes_.tolist()]
        n_streams, n_features = classifier.model_.get_layer("features").output.shape[1:]
        return [f"stream {s} feature {f}" for s in range(n_streams) for f in range(n_features)]

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the same as an array of objects, for scikit-learn.

        Parameters
        ----------
        input_features : ignored
        """
        return np.array(self.feature_labels(), dtype=object)

    def citations(self) -> list[str]:
        """Return BibTeX entries of what to cite."""
        return [_TIONG_2020]

    def implementors(self) -> list[str]:
        """Name who wrote this."""
        return ["The crystalsym developers"]

    def _column_names(self, return_errors: bool) -> list[str]:
        errors = [f"{type(self).__name__} Exceptions"] if return_errors else []
        return self.feature_labels() + errors

    def _generate_column_labels(self, multiindex: bool, return_errors: bool) -> Any:
        """Name the columns; matminer's MultipleFeaturizer calls this of each of its own."""
        names = self._column_names(return_errors)
        if not multiindex:
            return names
        import pandas as pd

        return pd.MultiIndex.from_product([[type(self).__name__], names])

    def _features_of(
        self, structures: Any, on_error: str | None = None, progress: bool = False
    ) -> np.ndarray:
        """Features as float64 (n, n_features); NaN for what is missing."""
        from crystalsym.crystals._lists import structure_list

        self._check_parameters()
        structures = structure_list(structures)
        if len(structures) == 0:
            return np.empty((0, len(self.feature_labels())))
        parts = []
        with track(len(structures), type(self).__name__, progress, unit="structures") as advance:
            for part in self._batches(structures, on_error):
                parts.append(part)
                advance(len(part))
        return np.concatenate(parts)

    def _batches(self, structures: Any, on_error: str | None) -> Iterator[np.ndarray]:
        *transformers, classifier = (step for _, step in self._pipeline().steps)
        # Copies, so that the model keeps its own parameters.
        simulator, *others = (copy.copy(step) for step in transformers)
        if on_error is None and simulator.on_error == "skip":
            on_error = "nan"  # rows must not go astray
        if on_error is not None:
            simulator.set_params(on_error=on_error)
        if self.n_jobs is not None:
            for step in (simulator, *others):
                if "n_jobs" in step.get_params(deep=False):
                    step.set_params(n_jobs=self.n_jobs)
        for patterns in simulator.iter_transform(structures, int(self.batch_size)):
            if isinstance(patterns, SpotPatterns):
                present = ~patterns.missing
            else:
                present = ~np.isnan(patterns).any(axis=tuple(range(1, patterns.ndim)))
            patterns = patterns[present]
            for step in others:
                patterns = step.transform(patterns)
            n_columns = len(self.feature_labels())
            values = np.full((len(present), n_columns), np.nan)
            if len(patterns):
                values[present] = self._ask(classifier, patterns)
            yield values

    def _ask(self, classifier: Any, images: np.ndarray) -> np.ndarray:
        if self.features == "probabilities":
            return classifier.predict_proba(images)
        if self.features == "embedding":
            return classifier.embed(images).reshape(len(images), -1)
        groups, probabilities = classifier.predict_top_k(images, int(self.top_k))
        return np.stack([groups, probabilities], axis=2).reshape(len(images), -1)

    def _typed(self, values: np.ndarray) -> list[list[Any]]:
        """Lists of Python numbers; groups are whole ones where they are known."""
        rows = values.tolist()
        if self.features == "ranking":
            for row in rows:
                row[::2] = [g if math.isnan(g) else int(g) for g in row[::2]]
        return rows

    def _error(self, structure: Any) -> str | None:
        try:
            next(self._batches([structure], "raise"))
        except (ValueError, OSError, TypeError) as error:
            return str(error).removeprefix("structure 0: ")
        return None

    def _pipeline(self) -> Any:
        model = _loaded(self.model) if isinstance(self.model, str) else self.model
        if not hasattr(model, "steps") or not hasattr(model[0], "iter_transform"):
            raise TypeError(
                "model must be the name of a pretrained model, or a fitted Pipeline that begins "
                f"with a DiffractionSimulator, got {type(self.model).__name__}"
            )
        return model

    def _check_parameters(self) -> None:
        if self.features not in FEATURES:
            raise ValueError(f"features must be one of {FEATURES}, got {self.features!r}")
        for name in ("top_k", "batch_size"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
                raise ValueError(f"{name} must be a positive integer, got {value!r}")

    def __sklearn_clone__(self) -> Self:
        # A clone of a fitted model would have forgotten what it was fitted for.
        parameters = self.get_params(deep=False)
        return type(self)(**parameters)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        tags.no_validation = True
        return tags


def _alone(entry: Any) -> Any:
    """The structure of a row of one column."""
    row = isinstance(entry, tuple | list) or (isinstance(entry, np.ndarray) and entry.ndim == 1)
    return entry[0] if row and len(entry) == 1 else entry


@lru_cache(maxsize=4)
def _loaded(name: str) -> Any:
    from crystalsym.pretrained import load_pretrained

    return load_pretrained(name)
