"""Cross-validation that keeps what is nearly the same crystal on one side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from sklearn.model_selection import BaseCrossValidator, GroupKFold
from sklearn.utils import check_random_state

from crystalsym.learning._grouping import chemical_system_groups, prototype_groups


class _CrystalFolds(BaseCrossValidator):
    """Folds of nearly equal size by GroupKFold; subclasses say which rows belong together."""

    # As in scikit-learn's group splitters: metadata routing passes groups unasked.
    __metadata_request__split: ClassVar[dict[str, bool]] = {"groups": True}

    n_splits: int
    random_state: int | np.random.RandomState | None

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups : ignored
        """
        return int(self.n_splits)

    def _iter_test_indices(
        self, X: Any = None, y: Any = None, groups: Any = None
    ) -> Iterator[np.ndarray]:
        folds = GroupKFold(self.n_splits)
        groups = self._groups(X) if groups is None else groups
        names, codes = np.unique(groups, return_inverse=True)
        # With shuffle=True GroupKFold gives every fold as many groups, however large they are.
        # Without it evens out the rows, and groups of one size are taken in the order of their
        # numbers: so these are shuffled.
        numbers = check_random_state(self.random_state).permutation(len(names))
        for _, test in folds.split(codes, groups=numbers[codes]):
            yield test

    def _groups(self, X: Any) -> np.ndarray:
        raise NotImplementedError


class PrototypeKFold(_CrystalFolds):
    """Split into k folds; crystals of one prototype stay in one.

    The test crystals then have structures that the training crystals have not. What a prototype
    is says :func:`crystalsym.learning.prototype_groups`.

    Parameters
    ----------
    n_splits : int, default=5
    symprec : float, default=0.1
        Distance tolerance of the symmetry finder in Å.
    n_jobs : int, optional
        Jobs of the symmetry finder, as in joblib.
    random_state : int, RandomState instance or None, default=0
        Decides which prototypes share a fold.

    Notes
    -----
    ``split(X, y=None, groups=None)`` takes a list of structures as X, or patterns rendered from
    them on demand (:class:`PatternRows`). With other patterns as X, or to find
    the prototypes only once, pass ``groups=prototype_groups(crystals)``.

    Examples
    --------
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.learning import PrototypeKFold
    >>> crystals = example_crystals()
    >>> names = ("NaCl", "MgO-periclase", "CsCl", "Cu", "W", "Si")
    >>> for train, test in PrototypeKFold(n_splits=2).split([crystals[n] for n in names]):
    ...     print((0 in test) == (1 in test), len(train), len(test))
    True 3 3
    True 3 3
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        symprec: float = 0.1,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = 0,
    ):
        self.n_splits = n_splits
        self.symprec = symprec
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _groups(self, X: Any) -> np.ndarray:
        structures = _structures(X, "PrototypeKFold", "prototype_groups")
        return prototype_groups(structures, self.symprec, self.n_jobs)


class ChemicalSystemKFold(_CrystalFolds):
    """Split into k folds; crystals of the same elements stay in one.

    Parameters
    ----------
    n_splits : int, default=5
    random_state : int, RandomState instance or None, default=0
        Decides which chemical systems share a fold.

    Notes
    -----
    ``split`` takes X and groups as that of :class:`PrototypeKFold`.

    Examples
    --------
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.learning import ChemicalSystemKFold
    >>> crystals = example_crystals()
    >>> X = [crystals[name] for name in ("CaCO3-calcite", "CaCO3-aragonite", "Cu", "W")]
    >>> folds = ChemicalSystemKFold(n_splits=2).split(X)
    >>> [(0 in test) == (1 in test) for train, test in folds]
    [True, True]
    """

    def __init__(self, n_splits: int = 5, *, random_state: int | np.random.RandomState | None = 0):
        self.n_splits = n_splits
        self.random_state = random_state

    def _groups(self, X: Any) -> np.ndarray:
        structures = _structures(X, "ChemicalSystemKFold", "chemical_system_groups")
        return chemical_system_groups(structures)


class ValidationRotation(_CrystalFolds):
    """Split into the paper's ten groups; each validates what is learned from the other nine.

    Parameters
    ----------
    n_splits : int, default=10
        Number of groups, of equal size and drawn at random.
    random_state : int, RandomState instance or None, default=0
        Decides who is in which group.

    Notes
    -----
    X is the learning set, four fifths of the crystals in the paper; the others are never seen
    (see :func:`crystalsym.learning.holdout_split`). There the validation group changed every 100
    epochs of one training; as ``cv`` every fold is a training of its own.

    Rows that ``groups`` numbers alike stay together, say those of
    :func:`crystalsym.learning.near_duplicate_groups`. The paper did not do that.

    References
    ----------
    L. C. O. Tiong, J. Kim, S. S. Han, D. Kim, npj Computational Materials 6, 196 (2020).

    Examples
    --------
    >>> import numpy as np
    >>> from crystalsym.learning import ValidationRotation
    >>> folds = list(ValidationRotation().split(np.zeros(50)))
    >>> len(folds), {(len(train), len(test)) for train, test in folds}
    (10, {(45, 5)})
    """

    def __init__(self, n_splits: int = 10, *, random_state: int | np.random.RandomState | None = 0):
        self.n_splits = n_splits
        self.random_state = random_state

    def _groups(self, X: Any) -> np.ndarray:
        return np.arange(len(X))


def _structures(X: Any, splitter: str, function: str) -> Any:
    """Return the structures X holds or is rendered from."""
    X = getattr(X, "rendered", X)
    X = getattr(X, "structures", X)
    if isinstance(X, np.ndarray) and X.dtype != object:
        raise TypeError(
            f"{splitter} needs structures, got an array of shape {X.shape}; with patterns as X "
            f"pass groups={function}(crystals)"
        )
    return X
