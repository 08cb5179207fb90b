"""Fitted pipelines as folders of JSON and weights, and those that come with the library."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from crystalsym.bundles._bundled_models import DESCRIPTION, model_folder, pipeline_folder

FORMAT = "crystalsym-pipeline"
VERSION = 1
# What concerns the run and not the result is not kept.
VOLATILE = ("memory", "n_jobs", "verbose")


def load_pretrained(name: str = "72"):
    """A fitted pipeline from structures to space groups.

    Parameters
    ----------
    name : str, default="72"
        One of :func:`available`.

    Returns
    -------
    sklearn.pipeline.Pipeline
        ``DiffractionSimulator``, ``PatternShaper``, ``SpaceGroupClassifier`` as the steps
        ``simulate``, ``shape``, ``classify``. It takes a list of structures; its tail
        ``pipeline[1:]`` takes raw patterns, shape (n, 3, 256, 256).

    Raises
    ------
    ValueError
        If there is no such model.

    Examples
    --------
    >>> from crystalsym import load_pretrained
    >>> from crystalsym.datasets import example_crystals
    >>> pipeline = load_pretrained("72")
    >>> pipeline.predict([example_crystals()["NaCl"]])
    array([225])
    """
    return load_pipeline(model_folder(name))


def load_classifier(name: str = "72"):
    """The classifier of a pretrained pipeline alone."""
    from crystalsym.classification import SpaceGroupClassifier

    return SpaceGroupClassifier.from_pretrained(name)


def save_pipeline(
    pipeline: Any,
    path: str | os.PathLike,
    metadata: dict[str, Any] | None = None,
    dtype: str = "float32",
) -> None:
    """Write a fitted simulate-shape-classify pipeline to a folder.

    Parameters
    ----------
    pipeline : Pipeline
        Steps named ``simulate``, ``shape`` and ``classify``.
    path : path-like
    metadata : dict, optional
        JSON values to keep beside it.
    dtype : {"float32", "float16"}, default="float32"
        Type the weights are stored in.
    """
    path = Path(path)
    path.mkdir(parents=True, exist_ok=True)
    names = [name for name, _ in pipeline.steps]
    if names != ["simulate", "shape", "classify"]:
        raise ValueError(f"the steps must be simulate, shape and classify, got {names}")
    description = {
        "format": FORMAT,
        "version": VERSION,
        "simulate": _plain(pipeline["simulate"]),
        "shape": _plain(pipeline["shape"]),
        "metadata": metadata or {},
    }
    pipeline["classify"].save(path / "classifier", dtype=dtype)
    (path / DESCRIPTION).write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")


def load_pipeline(path: str | os.PathLike):
    """Read what :func:`save_pipeline` wrote.

    Parameters
    ----------
    path : path-like
        Its folder, or that of the training whose ``model`` it is.

    Raises
    ------
    FileNotFoundError
        If the folder holds no pipeline.
    ValueError
        If it is of another format or its files do not fit together.
    """
    from sklearn.pipeline import Pipeline

    from crystalsym.classification import SpaceGroupClassifier
    from crystalsym.diffraction import DiffractionSimulator
    from crystalsym.shaping import PatternShaper

    path = pipeline_folder(path)
    description = read_description(path)
    try:
        simulator = DiffractionSimulator(**_parameters(description["simulate"])).fit()
        shaper = PatternShaper(**_parameters(description["shape"])).fit()
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: the parameters of the pipeline do not fit: {error}") from error
    classifier = SpaceGroupClassifier.load(path / "classifier")
    return Pipeline([("simulate", simulator), ("shape", shaper), ("classify", classifier)])


def read_description(path: str | os.PathLike) -> dict[str, Any]:
    """Read the JSON description of a saved pipeline, its metadata among it."""
    file = pipeline_folder(path) / DESCRIPTION
    try:
        description = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file}: not JSON ({error})") from error
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise ValueError(f"{file}: not a {FORMAT} file")
    if description.get("version") != VERSION:
        raise ValueError(
            f"{file}: format version {description.get('version')}, this library reads {VERSION}"
        )
    return description


def model_card(name: str = "72") -> dict[str, Any]:
    """What is known about a bundled model: training, data, held-out figures."""
    return read_description(model_folder(name))["metadata"]


def _plain(estimator: Any) -> dict[str, Any]:
    parameters = {}
    for key, value in estimator.get_params(deep=False).items():
        if key in VOLATILE:
            continue
        if isinstance(value, np.ndarray):
            value = value.tolist()
        parameters[key] = value
    return parameters


def _parameters(stored: dict[str, Any]) -> dict[str, Any]:
    """JSON knows no tuples."""
    return {k: tuple(v) if isinstance(v, list) and k != "views" else v for k, v in stored.items()}
