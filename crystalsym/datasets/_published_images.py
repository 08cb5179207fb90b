"""The image folders that the paper's authors shared, as an array that is read when asked for."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

AXES = ("x", "y", "z")
SUFFIXES = (".jpg", ".jpeg")
# A gray image that was stored in color comes back from JPEG with channels that differ by so much.
GRAY_WITHIN = 8
# Crystals that are looked at to tell whether a folder's images are in color: some have no lines.
LOOKED_AT = 32
ON_ERROR = ("raise", "skip")


class PublishedImages:
    """Stand in for the array of some crystals' three images, which stay in their files.

    Rows are read whenever they are asked for, by number, slice or array of numbers, as
    :meth:`crystalsym.SpaceGroupClassifier.fit` and :class:`crystalsym.learning.PatternRows` do;
    ``images[:]`` and ``numpy.asarray(images)`` read all. Made by :func:`load_published`.

    Parameters
    ----------
    files : list of tuple of path-like
        The three files of every crystal.
    names : list of str
    space_group : list of int
    shape : tuple of int
        Of one image as it is stored, (H, W) or (H, W, 3).
    image_size : int, optional

    Attributes
    ----------
    shape : tuple of int
        (n, 3, H, W) if images are gray, (n, 3, H, W, 3) if they are in color.
    dtype : dtype
        uint8.
    names : ndarray of str, shape (n,)
        Identifiers of the crystals.
    space_group : ndarray of int, shape (n,)
        Labels.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from PIL import Image
    >>> from crystalsym.datasets import load_published
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for axis in "xyz":
    ...         place = Path(folder, "225", axis)
    ...         place.mkdir(parents=True)
    ...         Image.fromarray(np.zeros((16, 16), "uint8")).save(place / f"NaCl_{axis}.jpg")
    ...     images = load_published(folder)
    ...     print(images.shape, images[[0]].max(), images.space_group, images.names)
    (1, 3, 16, 16) 0 [225] ['NaCl']
    """

    dtype = np.dtype(np.uint8)

    def __init__(
        self,
        files: list[tuple[Path, ...]],
        names: list[str],
        space_group: list[int],
        shape: tuple[int, ...],
        image_size: int | None = None,
    ):
        self._files = files
        self._stored = shape
        size = shape[0] if image_size is None else image_size
        # By the middles of pixels, the nearest neighbor.
        places = ((np.arange(size) + 0.5) * shape[0] / size).astype(int)
        self._places = None if size == shape[0] else places
        self.shape = (len(files), len(AXES), size, size, *shape[2:])
        self.names = np.array(names, dtype=str)
        self.space_group = np.array(space_group, dtype=np.int64)

    def __repr__(self) -> str:
        kind = "color" if len(self.shape) == 5 else "gray"
        return f"PublishedImages({len(self)} crystals, {kind}, {self.shape[2]} pixels)"

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __len__(self) -> int:
        return len(self._files)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[row] for row in range(len(self)))

    def __getitem__(self, index: Any) -> np.ndarray:
        if isinstance(index, tuple):  # scikit-learn asks arrays for X[rows, ...]
            index, *rest = index
            if rest not in ([], [Ellipsis]):
                raise IndexError(f"rows alone are taken by index, got also {rest}: images[rows][:]")
        if isinstance(index, int | np.integer):
            return self[[index]][0]
        rows = np.arange(len(self))[index]
        out = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for target, row in zip(out, rows, strict=True):
            for axis, file in enumerate(self._files[row]):
                image = _read(file, self._stored)
                if self._places is not None:
                    image = image.take(self._places, axis=0).take(self._places, axis=1)
                target[axis] = image
        return out

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or self.dtype, copy=False)

    def digest(self) -> str:
        """Return what tells these images from others: names, labels and sizes of the files.

        Returns
        -------
        str
            Hexadecimal.
        """
        found = hashlib.sha256(repr((self.shape, self.names.tolist())).encode())
        found.update(self.space_group.tobytes())
        for files in self._files:
            for file in files:
                found.update(f"{file.name} {file.stat().st_size}".encode())
        return found.hexdigest()


def load_published(
    folder: str | os.PathLike[str],
    *,
    image_size: int | None = None,
    on_error: str = "raise",
) -> PublishedImages:
    """Open the image folders of the paper's authors, ``<group>/<x|y|z>/<name>_<axis>.jpg``.

    Files are listed and their headers read, a fraction of a millisecond each; the images are read
    when rows are asked for, so that memory does not grow with the folder.

    Parameters
    ----------
    folder : path-like
        Its folders are named by space-group numbers and hold one folder for each axis. Loose
        files and names that begin with a dot do not count.
    image_size : int, optional
        Pixels along each edge of the images given, by nearest neighbor; by default as stored.
        The published network takes 224 of 256.
    on_error : {"raise", "skip"}, default="raise"
        ``"skip"`` leaves out, with one warning, what is not as described, and the crystals whose
        images are not all there. To know them it reads every image once.

    Returns
    -------
    PublishedImages
        With ``names`` and ``space_group``. Groups come sorted as numbers, and in each the names
        sorted as text.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If it holds no images or ``on_error`` is unknown; or, unless such are skipped, if a folder
        is named by no space group, or a file not by its axis, an axis is missing, a name occurs
        twice, a file is no readable image, or images differ in size or color. What is at fault is
        named.

    Warns
    -----
    UserWarning
        Of what ``on_error="skip"`` left out.

    Notes
    -----
    Gray images (n, 3, H, W) are raw patterns, for ``PatternShaper(scheme="pixels")``; color
    images (n, 3, H, W, 3) are shaped already, for the classifier. Files in color whose channels
    agree, up to what JPEG loses, are gray; the first 32 crystals decide for all.

    Examples
    --------
    >>> from crystalsym.datasets import load_published
    >>> load_published("no such folder")
    Traceback (most recent call last):
        ...
    FileNotFoundError: no such folder: no such folder
    """
    if on_error not in ON_ERROR:
        raise ValueError(f"on_error must be one of {ON_ERROR}, got {on_error!r}")
    whole = isinstance(image_size, int | np.integer) and not isinstance(image_size, bool)
    if image_size is not None and not (whole and image_size >= 1):
        raise ValueError(f"image_size must be a positive integer or None, got {image_size!r}")
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder")
    faults = _Faults(skip=on_error == "skip")
    found = _crystals(folder, faults)
    shape = _shape(list(found.values())[:LOOKED_AT])
    kept = []
    for (group, name), files in found.items():
        try:
            for file in files:
                (_read if faults.skip else _check_header)(file, shape)
        except ValueError as error:
            faults.add(str(error))
        else:
            kept.append((group, name, files))
    if not kept:
        raise ValueError(
            f"{folder}: holds no images {'to keep ' * bool(faults.messages)}named "
            f"<group>/<x|y|z>/<name>_<axis>.jpg{faults.examples()}"
        )
    faults.warn(folder, len(kept))
    groups, names, of_crystals = zip(*kept, strict=True)
    return PublishedImages(list(of_crystals), list(names), list(groups), shape, image_size)


class _Faults:
    """Raise what is wrong with a folder, or gather it for one warning."""

    def __init__(self, skip: bool):
        self.skip = skip
        self.messages: list[str] = []

    def add(self, message: str) -> None:
        if not self.skip:
            raise ValueError(message)
        self.messages.append(message)

    def examples(self) -> str:
        more = len(self.messages) - 5
        listed = "; ".join(self.messages[:5]) + (f"; and {more} more" if more > 0 else "")
        return f" ({listed})" if listed else ""

    def warn(self, folder: Path, kept: int) -> None:
        if self.messages:
            warnings.warn(
                f"{folder}: {kept} crystals kept, {len(self.messages)} faults skipped"
                f"{self.examples()}",
                stacklevel=3,
            )


def _crystals(folder: Path, faults: _Faults) -> dict[tuple[int, str], tuple[Path, ...]]:
    """The three files of every crystal by group and name, sorted."""
    files: dict[tuple[int, str], dict[str, Path]] = {}
    twice: set[str] = set()
    group_of: dict[str, int] = {}
    for group, place in _groups(folder, faults):
        for axis in AXES:
            for file in _listed(place / axis):
                name = _name(file, axis, faults)
                if name is None:
                    continue
                there = files.setdefault((group, name), {})
                if axis in there or group_of.setdefault(name, group) != group:
                    other = there.get(axis) or next(iter(files[group_of[name], name].values()))
                    if name not in twice:
                        faults.add(f"{file}: {name} is there twice, as {other} as well")
                    twice.add(name)
                there[axis] = file
    whole = {}
    for (group, name), there in sorted(files.items()):
        missing = [axis for axis in AXES if axis not in there]
        if missing and name not in twice:
            place = next(iter(there.values())).parents[1]
            lost = place / missing[0] / f"{name}_{missing[0]}.jpg"
            faults.add(f"{lost}: is missing, though {name} is there for other axes")
        if not missing and name not in twice:
            whole[group, name] = tuple(there[axis] for axis in AXES)
    return whole


def _groups(folder: Path, faults: _Faults) -> Iterator[tuple[int, Path]]:
    for place in _listed(folder):
        if not place.is_dir():
            continue
        if not (place.name.isascii() and place.name.isdigit() and 1 <= int(place.name) <= 230):
            faults.add(f"{place}: a folder must be named by a space-group number, 1 to 230")
            continue
        strange = [one.name for one in _listed(place) if one.is_dir() and one.name not in AXES]
        if strange:
            faults.add(f"{place / strange[0]}: a group's folders must be named x, y and z")
        yield int(place.name), place


def _name(file: Path, axis: str, faults: _Faults) -> str | None:
    """The crystal's name in a file's, which ends in its axis."""
    if file.suffix.lower() not in SUFFIXES:
        faults.add(f"{file}: is no .jpg file")
    elif not file.stem.endswith(f"_{axis}") or len(file.stem) < 3:
        faults.add(f"{file}: lies among the images of {axis}, but is not named <name>_{axis}.jpg")
    else:
        return file.stem[:-2]
    return None


def _listed(place: Path) -> list[Path]:
    if not place.is_dir():
        return []
    return sorted(one for one in place.iterdir() if not one.name.startswith("."))


def _check_header(file: Path, shape: tuple[int, ...]) -> None:
    with _opened(file) as image:
        _check(file, image, shape)


def _check(file: Path, image: Any, shape: tuple[int, ...]) -> None:
    if image.width != image.height:
        raise ValueError(
            f"{file}: has {image.height} x {image.width} pixels, and images must be square"
        )
    if image.size != shape[1::-1]:
        raise ValueError(
            f"{file}: has {image.height} x {image.width} pixels, others {shape[0]} x {shape[1]}"
        )
    if image.mode not in ("L", "RGB"):
        raise ValueError(f"{file}: is an image of the mode {image.mode}, neither gray nor RGB")
    if image.mode == "L" and len(shape) == 3:
        raise ValueError(f"{file}: is gray, and others are in color")


def _read(file: Path, shape: tuple[int, ...]) -> np.ndarray:
    """An image of the shape that all have.

    Raises
    ------
    ValueError
        If the file is unreadable, or its image another.
    """
    with _opened(file) as image:
        _check(file, image, shape)
        values = np.asarray(image)
    if values.ndim == 3 and len(shape) == 2:
        if _in_color(values):
            raise ValueError(f"{file}: is in color, and others are gray")
        values = np.rint(values.mean(axis=2)).astype(np.uint8)
    return values


def _shape(crystals: list[tuple[Path, ...]]) -> tuple[int, ...]:
    """Of one image: that of the first that can be read, in color if any of them is."""
    size: tuple[int, ...] = ()
    for file in (file for files in crystals for file in files):
        with suppress(ValueError), _opened(file) as image:  # the caller will come upon it again
            size = size or (image.height, image.width)
            if _in_color(np.asarray(image)):
                return (*size, 3)
    return size or (1, 1)


def _in_color(image: np.ndarray) -> bool:
    return image.ndim == 3 and int(np.ptp(image.astype(np.int16), axis=2).max()) > GRAY_WITHIN


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    """A JPEG image; whatever is wrong with the file is a ValueError that names it."""
    from PIL import Image

    try:
        with Image.open(file, formats=["JPEG"]) as image:
            yield image
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{file}: is no readable JPEG image ({reason})") from error
