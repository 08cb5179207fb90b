"""Fitted pipelines as folders of JSON and weights, and those that come with the library."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from crystalsym import _provenance
from crystalsym.bundles import (
    SavedFiles,
    SavedModelError,
    model_folder,
    pipeline_folder,
    unpack_classifier,
    write_files,
)
from crystalsym.bundles._bundled_models import CLASSIFIER, DESCRIPTION, FILES
from crystalsym.bundles._saved_files import refuse_unknown, refusing
from crystalsym.classification._json_values import plain
from crystalsym.pretrained._step_parameters import check_step_parameters, step_parameters
from crystalsym.pretrained._steps import SpaceGroupPipeline

if TYPE_CHECKING:
    from crystalsym.classification import SpaceGroupClassifier

FORMAT = "crystalsym-pipeline"
VERSION = 1
STEPS = ("simulate", "shape", "classify")
# What shapes the patterns where a description does not say it.
SHAPER = "PatternShaper"
ENTRIES = ("format", "version", "simulate", "shape", "metadata")


def load_pretrained(name: str | int = "72") -> SpaceGroupPipeline:
    """Load a fitted pipeline from structures to space groups.

    Parameters
    ----------
    name : str or int, default="72"
        One of :func:`available`; 72 is "72".

    Returns
    -------
    SpaceGroupPipeline
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


def load_classifier(name: str | int = "72") -> SpaceGroupClassifier:
    """Load the classifier of a pretrained pipeline alone.

    Parameters
    ----------
    name : str or int, default="72"
        One of :func:`available`.

    Examples
    --------
    >>> from crystalsym.pretrained import load_classifier
    >>> load_classifier("72").input_shape_
    (3, 13, 13, 2)
    """
    from crystalsym.classification import SpaceGroupClassifier

    return SpaceGroupClassifier.from_pretrained(name)


def save_pipeline(
    pipeline: Any,
    path: str | os.PathLike[str],
    metadata: dict[str, Any] | None = None,
    dtype: str = "float32",
) -> None:
    """Write a fitted simulate-shape-classify pipeline to a folder or a zip file.

    Parameters
    ----------
    pipeline : Pipeline
        Steps named ``simulate``, ``shape`` and ``classify``, the second a ``PatternShaper``, a
        ``SpotMerger`` or ``ReflectionBlocks``.
    path : path-like
        A zip file if it ends with ``.zip``.
    metadata : dict, optional
        JSON values to keep beside it.
    dtype : {"float32", "float16"}, default="float32"
        Type the weights are stored in.

    Raises
    ------
    ValueError
        If the steps are others, or a parameter cannot be written as JSON.

    Examples
    --------
    >>> import tempfile
    >>> from crystalsym import load_pretrained
    >>> from crystalsym.datasets import example_crystals
    >>> from crystalsym.pretrained import load_pipeline, save_pipeline
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_pipeline(load_pretrained("72-small"), f"{folder}/mine.zip")
    ...     pipeline = load_pipeline(f"{folder}/mine.zip")
    >>> pipeline.predict([example_crystals()["NaCl"]])
    array([225])
    """
    names = [name for name, _ in pipeline.steps]
    if names != list(STEPS):
        raise ValueError(f"the steps must be simulate, shape and classify, got {names}")
    shape = step_parameters(pipeline["shape"])
    if (kind := type(pipeline["shape"]).__name__) != SHAPER:
        shape = {"step": kind, **shape}
    description = {
        "format": FORMAT,
        "version": VERSION,
        "simulate": step_parameters(pipeline["simulate"]),
        "shape": shape,
        "metadata": plain(metadata or {}, "metadata"),
    }
    files = {DESCRIPTION: json.dumps(description, indent=1).encode() + b"\n"}
    for name, data in pipeline["classify"]._packed(dtype).items():
        files[f"{CLASSIFIER}/{name}"] = data
    write_files(path, files)


def load_pipeline(path: str | os.PathLike[str]) -> SpaceGroupPipeline:
    """Load what :func:`save_pipeline` wrote; nothing in it is run.

    Parameters
    ----------
    path : path-like
        Its folder or zip file, or the folder of the training whose ``model`` it is.

    Raises
    ------
    FileNotFoundError
        If there is no pipeline.
    SavedModelError
        If it is of another format, was altered, or its files do not fit together (a ValueError).

    Examples
    --------
    >>> from crystalsym.bundles import model_folder
    >>> from crystalsym.pretrained import load_pipeline
    >>> list(load_pipeline(model_folder("72")).named_steps)
    ['simulate', 'shape', 'classify']
    """
    from crystalsym.classification import SpaceGroupClassifier
    from crystalsym.classification._saving import rebuild
    from crystalsym.diffraction import DiffractionSimulator
    from crystalsym.reflections import ReflectionBlocks
    from crystalsym.shaping import PatternShaper, SpotMerger

    files = _files(path)
    description = _description(files)
    kind = description["shape"].pop("step", SHAPER)
    shapers: dict[Any, type] = {
        SHAPER: PatternShaper,
        "SpotMerger": SpotMerger,
        "ReflectionBlocks": ReflectionBlocks,
    }
    if not isinstance(kind, str) or kind not in shapers:
        raise SavedModelError(
            f"{path}: {DESCRIPTION}: the step of shape must be one of {', '.join(shapers)}, got "
            f"{kind!r}"
        )
    steps = {"simulate": DiffractionSimulator, "shape": shapers[kind]}
    fitted: list[tuple[str, Any]] = []
    for name, cls in steps.items():
        with refusing(path, f"the parameters of {name} do not fit"):
            check_step_parameters(description[name], cls)
            fitted.append((name, cls(**_tuples(description[name])).fit()))
    config, weights = unpack_classifier(files, f"{CLASSIFIER}/")
    classifier = rebuild(SpaceGroupClassifier, path, config, weights)
    # Models of earlier versions do not say how their patterns were made; their steps do.
    made_by = [_provenance.step(transformer) for _, transformer in fitted]
    classifier.metadata_.setdefault("made_by", made_by)
    fitted.append(("classify", classifier))
    return SpaceGroupPipeline(fitted)


def read_description(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the description of a saved pipeline, its metadata among it.

    Parameters
    ----------
    path : path-like
        Folder or zip file.

    Raises
    ------
    FileNotFoundError
        If there is no pipeline.
    SavedModelError
        If it is of another format or was altered (a ValueError).

    Examples
    --------
    >>> from crystalsym.bundles import model_folder
    >>> from crystalsym.pretrained import read_description
    >>> read_description(model_folder("72"))["shape"]["scheme"]
    'lattice'
    """
    return _description(_files(path))


def _files(path: str | os.PathLike[str]) -> SavedFiles:
    files = SavedFiles(pipeline_folder(path), FILES)
    if DESCRIPTION not in files:
        raise FileNotFoundError(f"{path}: holds no saved pipeline ({DESCRIPTION} is missing)")
    return files


def _description(files: SavedFiles) -> dict[str, Any]:
    description = files.read_json(DESCRIPTION)
    what = f"{files.path}: {DESCRIPTION}"
    if description.get("format") != FORMAT:
        raise SavedModelError(f"{what}: not a {FORMAT} file")
    if description.get("version") != VERSION:
        raise SavedModelError(
            f"{what}: format version {description.get('version')}, this library reads {VERSION}"
        )
    refuse_unknown(description, ENTRIES, what)
    for name in ENTRIES[2:]:
        if not isinstance(description.get(name), dict):
            raise SavedModelError(f"{what}: {name} is missing, or no JSON object")
    return description


def model_card(name: str | int = "72") -> dict[str, Any]:
    """Return what is known about a bundled model: training, data, held-out figures.

    ``version`` counts the weights that were published under the name; ``weights_sha256`` is the
    hash of their file.

    Parameters
    ----------
    name : str or int, default="72"
        One of :func:`available`.

    Examples
    --------
    >>> from crystalsym.pretrained import model_card
    >>> round(model_card("72")["top1"], 3)
    0.932
    """
    return read_description(model_folder(name))["metadata"]


def _tuples(stored: dict[str, Any]) -> dict[str, Any]:
    """JSON knows no tuples."""
    return {k: tuple(v) if isinstance(v, list) and k != "views" else v for k, v in stored.items()}
