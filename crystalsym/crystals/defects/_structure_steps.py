"""What all defects share: lists of structures in and out, and draws of their own for each."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state

from crystalsym.crystals._cluster import Cluster, as_structure
from crystalsym.crystals._coercion import as_crystal
from crystalsym.crystals._crystal import Crystal
from crystalsym.crystals._lists import structure_list


class StructureStep(TransformerMixin, BaseEstimator, ABC):
    """Change each structure of a list by itself.

    A subclass checks its parameters in ``_check`` and changes one structure in ``_changed``.
    """

    def fit(self, X: Any = None, y: Any = None) -> Self:
        """Check the parameters; there is nothing to learn.

        Parameters
        ----------
        X : list of structures
        y : ignored

        Returns
        -------
        estimator
            Itself.
        """
        if X is not None:
            structure_list(X)
        self._check()
        return self

    def transform(self, X: Any) -> list[Any]:
        """Change every structure.

        Parameters
        ----------
        X : list of structures

        Returns
        -------
        list
            As many, in the same order.

        Raises
        ------
        TypeError
            If X is one structure instead of a list, or holds something of another kind.
        ValueError
            If a parameter is out of range or a structure cannot be changed so; it is named.
        """
        self._check()
        X = structure_list(X)
        seed = 0
        if hasattr(self, "random_state"):
            seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        # Steps of one seed must not draw the same numbers: vacancies would choose the very atoms
        # that a substitution chose.
        kind = zlib.crc32(type(self).__name__.encode())
        changed = []
        for number, structure in enumerate(X):
            rng = np.random.default_rng([seed, kind, number])
            try:
                changed.append(self._changed(self._read(structure), rng))
            except (ValueError, TypeError, OSError) as error:
                raise type(error)(f"structure {number}: {error}") from error
        return changed

    @abstractmethod
    def _check(self) -> None:
        """Raise ValueError naming a parameter that is out of range."""

    @abstractmethod
    def _read(self, structure: Any) -> Any:
        """Take a structure as this step needs it."""

    @abstractmethod
    def _changed(self, structure: Any, rng: np.random.Generator) -> Any:
        """Change one structure."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.allow_nan = False
        tags.no_validation = True
        draws = hasattr(self, "random_state") and self._draws()
        tags.non_deterministic = draws and self.random_state is None
        return tags

    def _draws(self) -> bool:
        """Whether anything is drawn at all with these parameters."""
        return True


class CrystalStep(StructureStep):
    """Make clusters of crystals."""

    def _read(self, structure: Any) -> Crystal:
        if isinstance(structure, Cluster):
            raise TypeError(
                f"{type(self).__name__} is made of a crystal, got a Cluster; it comes first, in"
                " place of CrystalBlock"
            )
        return as_crystal(structure)


class ClusterStep(StructureStep):
    """Change the atoms of clusters."""

    def _read(self, structure: Any) -> Cluster:
        found = as_structure(structure)
        if isinstance(found, Crystal):
            raise TypeError(
                f"{type(self).__name__} changes a finite block of atoms, got a crystal; cut one"
                " first with CrystalBlock"
            )
        return found
