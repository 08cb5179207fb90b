"""The models that come with the library, by name."""

from __future__ import annotations

import os
import warnings
from importlib import resources
from pathlib import Path

DESCRIPTION = "pipeline.json"
CLASSIFIER = "classifier"
# The files of a saved pipeline.
FILES = (DESCRIPTION, f"{CLASSIFIER}/config.json", f"{CLASSIFIER}/weights.npz")
# Where a training's folder has its pipeline.
TRAINED = "model"


def available() -> list[str]:
    """List the names of the models that come with the library.

    Examples
    --------
    >>> from crystalsym.bundles import available
    >>> "72" in available()
    True
    """
    root = _models()
    if not root.is_dir():
        return []
    return sorted(folder.name for folder in root.iterdir() if (folder / DESCRIPTION).is_file())


def model_folder(name: str | int) -> Path:
    """Find the folder of a bundled model.

    Parameters
    ----------
    name : str or int
        One of :func:`available`; 72 is "72".

    Raises
    ------
    ValueError
        If there is no such model; the message names those there are.

    Examples
    --------
    >>> from crystalsym.bundles import model_folder
    >>> model_folder(72).name
    '72'
    """
    if str(name) not in available():
        raise ValueError(f"no pretrained model {name!r}; there are {available()}")
    return _models() / str(name)


def classifier_folder(name: str | int) -> Path:
    """Find the folder of a bundled model's classifier.

    Parameters
    ----------
    name : str or int
        One of :func:`available`.

    Raises
    ------
    ValueError
        If there is no such model.

    Examples
    --------
    >>> from crystalsym.bundles import classifier_folder
    >>> classifier_folder("72").name
    'classifier'
    """
    return model_folder(name) / CLASSIFIER


def pipeline_folder(path: str | os.PathLike[str]) -> Path:
    """Find the saved pipeline in a folder: itself, or what a training left in ``model``.

    A zip file is the pipeline itself.

    Parameters
    ----------
    path : path-like

    Raises
    ------
    FileNotFoundError
        If it holds neither.

    Examples
    --------
    >>> from crystalsym.bundles import model_folder, pipeline_folder
    >>> pipeline_folder(model_folder("72")).name
    '72'
    """
    path = Path(path)
    if path.is_file():
        return path
    for folder in (path, path / TRAINED):
        if (folder / DESCRIPTION).is_file():
            return folder
    if path.is_dir():
        raise FileNotFoundError(f"{path}: holds no saved pipeline ({DESCRIPTION} is missing)")
    raise FileNotFoundError(f"{path}: no such folder")


def find_model(model: str | int | os.PathLike[str]) -> Path:
    """Find a pipeline by the name of a bundled model, or by its folder.

    Parameters
    ----------
    model : str, int or path-like
        One of :func:`available`, or a folder or zip file for
        :func:`pipeline_folder`. The bundled model is
        meant where there is a folder of its name, too, with a warning; ``./72`` is the folder.

    Raises
    ------
    FileNotFoundError
        If the folder holds no pipeline.
    ValueError
        If there is neither such a model nor such a folder.

    Examples
    --------
    >>> from crystalsym.bundles import find_model
    >>> find_model("72").name
    '72'
    """
    folder = Path(str(model))
    if not isinstance(model, os.PathLike) and str(model) in available():
        if any((folder / part / DESCRIPTION).is_file() for part in ("", TRAINED)):
            warnings.warn(
                f"{model!r} is taken for the bundled model; ./{model} is the folder here",
                UserWarning,
                stacklevel=2,
            )
        return model_folder(str(model))
    if folder.is_dir() or folder.is_file():
        return pipeline_folder(folder)
    if isinstance(model, os.PathLike) or len(folder.parts) > 1:
        raise FileNotFoundError(f"{folder}: no such folder")
    raise ValueError(
        f"no pretrained model {model!r} and no folder of that name; there are {available()}"
    )


def _models() -> Path:
    return Path(str(resources.files("crystalsym"))) / "data" / "models"
