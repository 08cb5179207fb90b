"""The models that come with the library, by name."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

DESCRIPTION = "pipeline.json"
CLASSIFIER = "classifier"
# The files of a saved pipeline.
FILES = (DESCRIPTION, f"{CLASSIFIER}/config.json", f"{CLASSIFIER}/weights.npz")


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


def _models() -> Path:
    return Path(str(resources.files("crystalsym"))) / "data" / "models"
