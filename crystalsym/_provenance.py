"""How patterns were made: noted by what makes them, compared by what learned from them."""

from __future__ import annotations

from typing import Any

import numpy as np

# Parameters that change no pattern, or only what happens to bad input.
_SILENT = frozenset({"n_jobs", "verbose", "memory", "on_error", "dtype"})
# What decides which spots a simulated pattern shows, however it is handed on.
_OF_SPOTS = (
    "views",
    "radiation",
    "ewald",
    "q_max",
    "engine",
    "standardize",
    "idealize",
    "polarization",
    "scale",
)
# Two descriptions of one field.
_CLOSE = 1e-3


class PatternMismatchWarning(UserWarning):
    """Patterns were made otherwise than those a classifier learned from."""


class DescribedArray(np.ndarray):
    """An array of patterns that knows how they were made.

    It behaves as any array does; parts and copies know the same.

    Attributes
    ----------
    made_by : tuple of dict
        The steps, each with its ``step`` and parameters.
    """

    made_by: tuple[dict[str, Any], ...] = ()

    def __array_finalize__(self, other: Any) -> None:
        self.made_by = getattr(other, "made_by", ())

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        # What is computed from patterns is no pattern.
        array = np.asarray(array)
        return array[()] if return_scalar else array

    def __reduce__(self) -> Any:
        rebuild, arguments, state = tuple(super().__reduce__())
        return rebuild, arguments, (state, self.made_by)

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state[0])
        self.made_by = state[1]


def described(array: np.ndarray, made_by: tuple[dict[str, Any], ...]) -> np.ndarray:
    """The same array, knowing how it was made; not a copy."""
    view = array.view(DescribedArray)
    view.made_by = made_by
    return view


def made_by(X: Any) -> tuple[dict[str, Any], ...]:
    """The steps that made some patterns, as far as they are known."""
    return tuple(getattr(X, "made_by", ()))


def step(transformer: Any) -> dict[str, Any]:
    """A transformer's name and the parameters that decide what it makes, as JSON knows them."""
    resolved = getattr(transformer, "_parameters_in_effect", transformer.get_params)
    parameters = resolved()
    described_as: dict[str, Any] = {"step": type(transformer).__name__}
    for name in sorted(parameters):
        if name not in _SILENT:
            described_as[name] = _plain(parameters[name])
    return described_as


def differences(learned: Any, given: Any) -> list[str]:
    """Say in what the making of two sets of patterns differs; nothing where it is not known."""
    theirs = {one["step"]: one for one in learned if isinstance(one, dict) and "step" in one}
    ours = {one["step"]: one for one in given if isinstance(one, dict) and "step" in one}
    found = []
    for name in sorted(theirs.keys() & ours.keys()):
        one, other = theirs[name], ours[name]
        keys: Any = sorted((one.keys() & other.keys()) - {"step"})
        if name == "DiffractionSimulator":  # spots and images of the same pattern are the same
            keys = [key for key in _OF_SPOTS if key in one and key in other]
        for key in keys:
            if not _same(_plain(one[key]), _plain(other[key])):
                found.append(f"{name}({key}={other[key]!r}) instead of {key}={one[key]!r}")
    return found


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, int | float):
        return abs(one - other) <= _CLOSE * abs(one)
    return one == other


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value
