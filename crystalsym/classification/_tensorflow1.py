"""Weights of the paper's network from a checkpoint of TensorFlow 1."""

from __future__ import annotations

import inspect
import os
import re
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from crystalsym import networks, spacegroups
from crystalsym._keras import import_tensorflow
from crystalsym.bundles import SavedModelError
from crystalsym.classification import _building as building

N_STREAMS = 3
STEM = "MSDN/conv1/w"
_LAYER = re.compile(r"MSDN/dense_block(\d+)/dense\d+_dense_(\d+)/")
_FILE = re.compile(r"\.(index|meta|data-\d{5}-of-\d{5})$")
# What a training leaves beside the weights: the optimizer's memory, counters and averages.
_OF_TRAINING = re.compile(
    r"(^|/)(Adam|Momentum|RMSProp|Adagrad|Adadelta|Ftrl|ExponentialMovingAverage|moving_mean"
    r"|moving_variance|beta[12]_power|global_step)(_\d+)?$"
)


class Checkpoint:
    """The variables of a checkpoint, read one at a time.

    Parameters
    ----------
    path : path-like
        What ``tf.train.Saver.save`` was given, one of the files it wrote, or their folder.

    Raises
    ------
    ImportError
        If there is no TensorFlow.
    FileNotFoundError
        If no checkpoint is there.
    SavedModelError
        If it cannot be read.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.prefix = checkpoint_prefix(path)
        self._tf = import_tensorflow()
        with self._readable():
            self._reader = self._tf.train.load_checkpoint(self.prefix)
            self.shapes = {
                name: tuple(shape)
                for name, shape in self._reader.get_variable_to_shape_map().items()
            }

    def __getitem__(self, name: str) -> np.ndarray:
        with self._readable():
            value = np.asarray(self._reader.get_tensor(name))
        if value.dtype.kind != "f" or not np.isfinite(value).all():
            raise SavedModelError(f"{self.prefix}: {name} holds values that are no finite numbers")
        return value.astype(np.float32)

    def _readable(self) -> Any:
        return _Readable(
            self.prefix, (self._tf.errors.OpError, LookupError, RuntimeError, ValueError)
        )


class _Readable:
    """Turn what TensorFlow raises of a damaged file into an error that names it."""

    def __init__(self, prefix: str, errors: tuple[type[Exception], ...]):
        self.prefix, self.errors = prefix, errors

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, self.errors):
            reason = " ".join(str(error).split())[:200]
            raise SavedModelError(
                f"{self.prefix}: is no readable TensorFlow checkpoint ({reason})"
            ) from error


def checkpoint_prefix(path: str | os.PathLike[str]) -> str:
    """Return the path that names a checkpoint, without what its files' names end in.

    Raises
    ------
    FileNotFoundError, ValueError
        If no checkpoint is there, or a folder holds several.
    """
    path = Path(path)
    if path.is_dir():
        found = sorted(path.glob("*.index"))
        if len(found) > 1:
            names = ", ".join(file.stem for file in found[:5])
            raise ValueError(f"{path}: holds several checkpoints ({names}): name one of them")
        if not found:
            raise FileNotFoundError(f"{path}: holds no TensorFlow checkpoint, no file *.index")
        path = found[0]
    prefix = _FILE.sub("", os.fspath(path))
    if not Path(f"{prefix}.index").is_file():
        raise FileNotFoundError(f"{prefix}.index: no such file, so there is no checkpoint {prefix}")
    return prefix


def read_msdn(
    path: str | os.PathLike[str], classes: Iterable[int] | None, image_size: int
) -> tuple[dict[str, Any] | None, np.ndarray, Any]:
    """Build ``msdn`` with the weights of a checkpoint.

    Returns
    -------
    options : dict or None
        Of the network, where they are not the published ones.
    classes : ndarray of int
        The groups, sorted as numbers, as the network's outputs are.
    model : keras.Model

    Raises
    ------
    SavedModelError
        Naming the variables that are missing or of another shape.
    """
    checkpoint = Checkpoint(path)
    options, channels = _options(checkpoint)
    groups, columns = _classes(checkpoint, classes)
    shape = (N_STREAMS, image_size, image_size, channels)
    model = building.build_model("msdn", options, len(groups), shape)
    names = [_name_there(weight.path) for weight in model.weights]
    _compare(checkpoint, dict(zip(names, (tuple(w.shape) for w in model.weights), strict=True)))
    values = (checkpoint[name] for name in names)
    heads = [name.startswith("output_") for name in names]
    building.set_weights(
        model,
        [value[..., columns] if head else value for head, value in zip(heads, values, strict=True)],
    )
    return options, groups, model


def _options(checkpoint: Checkpoint) -> tuple[dict[str, Any] | None, int]:
    """Options of the network, None if they are its defaults, and the channels of its images."""
    shapes = checkpoint.shapes
    layers = [(int(b), int(i)) for b, i in (m.groups() for m in map(_LAYER.match, shapes) if m)]
    if STEM not in shapes or len(shapes[STEM]) != 4 or not layers:
        some = ", ".join(sorted(shapes)[:3])
        raise SavedModelError(
            f"{checkpoint.prefix}: is no checkpoint of the network MSDN, whose variables are "
            f"{STEM}, MSDN/dense_block1/dense1_dense_0/layer1/conv/w and so on; this one holds "
            f"{some or 'none'}"
        )
    depth = max(block for block, _ in layers)
    narrow = [s[-1] for name, s in sorted(shapes.items()) if "/layer1/conv/" in name and s]
    options = {
        "growth": shapes[STEM][3],
        "bottleneck": narrow[0] if narrow else shapes[STEM][3],
        "blocks": tuple(
            1 + max((i for block, i in layers if block == b), default=0)
            for b in range(1, depth + 1)
        ),
    }
    published = inspect.signature(networks.msdn).parameters
    usual = all(published[name].default == value for name, value in options.items())
    return (None if usual else options), shapes[STEM][2]


def _classes(
    checkpoint: Checkpoint, classes: Iterable[int] | None
) -> tuple[np.ndarray, np.ndarray]:
    """The groups sorted as numbers, and in which column of the checkpoint's heads each stands.

    There they stand as folders of their names are listed: 1, 10, 107, 11, 2.
    """
    n_columns = next(iter(checkpoint.shapes.get("output_1/bias", ())), 0)
    if classes is None:
        try:
            groups = np.array(spacegroups.label_set(str(n_columns)))
        except ValueError:
            raise ValueError(
                f"{checkpoint.prefix}: tells {n_columns} groups apart, which none of the paper's "
                "label sets does: name them, classes=[...]"
            ) from None
    else:
        groups = np.unique(np.array(list(classes), dtype=np.int64))
        if len(groups) != n_columns:
            raise ValueError(
                f"{checkpoint.prefix}: tells {n_columns} groups apart, but classes names "
                f"{len(groups)}"
            )
    there = np.argsort(groups.astype(str), kind="stable")
    return groups, np.argsort(there)


def _name_there(path: str) -> str:
    """Name in the checkpoint of the weight that Keras has under a path.

    Examples
    --------
    >>> _name_there("block3_layer1_narrow/kernel")
    'MSDN/dense_block3/dense3_dense_0/layer1/conv/w'
    >>> _name_there("logits_0/bias")
    'output_1/bias'
    """
    layer, kind = path.split("/")[-2:]
    if layer.startswith("logits_"):
        number = int(layer.removeprefix("logits_")) + 1
        return f"output_{number}/{'matrix' if kind == 'kernel' else 'bias'}"
    leaf = "w" if kind == "kernel" else "biases"
    if layer == "stem":
        return f"MSDN/conv1/{leaf}"
    if layer.startswith("transition"):
        return f"MSDN/dense_block{layer.removeprefix('transition')}/conv/{leaf}"
    found = re.fullmatch(r"block(\d+)_layer(\d+)_(narrow|conv)", layer)
    assert found is not None, path
    block, step = found[1], "layer1" if found[3] == "narrow" else "layer2"
    return f"MSDN/dense_block{block}/dense{block}_dense_{int(found[2]) - 1}/{step}/conv/{leaf}"


def _compare(checkpoint: Checkpoint, wanted: dict[str, tuple[int, ...]]) -> None:
    """Refuse a checkpoint that lacks a variable; warn of those that stay unread."""
    there = checkpoint.shapes
    wrong = [
        f"{name} is missing" if name not in there else f"{name} is {there[name]}, not {shape}"
        for name, shape in wanted.items()
        if there.get(name) != shape
    ]
    if wrong:
        raise SavedModelError(f"{checkpoint.prefix}: does not fit the network MSDN: {_some(wrong)}")
    unread = sorted(name for name in there.keys() - wanted.keys() if not _OF_TRAINING.search(name))
    if unread:
        warnings.warn(
            f"{checkpoint.prefix}: holds variables that the network MSDN has not, which stay "
            f"unread: {_some(unread)}",
            stacklevel=4,
        )


def _some(items: list[str]) -> str:
    more = f" and {len(items) - 5} more" if len(items) > 5 else ""
    return ", ".join(items[:5]) + more
