"""Read and write image files of patterns: TIFF by tifffile, PNG by Pillow, arrays by NumPy.

What cameras and detectors write besides is read in ``_camera_files.py``.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crystalsym._quiet import without_warnings
from crystalsym.measurement._camera_files import READERS, read_frames
from crystalsym.measurement._pattern import Pattern, positive
from crystalsym.measurement._q_scale import calibration, describe

SUFFIXES = (".tif", ".tiff", ".png")
"""File name endings of the image formats read and written."""

ARRAY_SUFFIX = ".npy"
_FULL_SCALE = 65535
_MOST_PIXELS = 2**28  # of a file's image, 1 GB as float32: beyond, its header is wrong or hostile
_LUMINANCE = np.array([0.299, 0.587, 0.114])  # ITU-R 601, Pillow's
# It logs what it finds odd in a file; what matters of it raises.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


def read_pattern(path: str | Path) -> Pattern:
    """Read one diffraction pattern from a TIFF, PNG or ``.npy`` file.

    Color images become gray by luminance, transparency is ignored, and negative values, which
    background subtraction leaves in floating-point images, become zero. The q scale is taken from
    this package's own metadata or from an ImageJ calibration in 1/nm or 1/Å; arrays have none.

    Parameters
    ----------
    path : str or Path
        A ``.tif``, ``.tiff``, ``.png`` or ``.npy`` file holding one image.

    Returns
    -------
    Pattern
        Its ``image`` holds the file's gray values as float32.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is not a readable image, holds several, or holds values that are not numbers.

    See Also
    --------
    read_patterns : The three patterns of a crystal from one array.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from pathlib import Path
    >>> image = np.zeros((65, 65)); image[20, 40] = 1.0
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_pattern(Path(folder) / "x.tif", image, q_per_pixel=0.02)
    ...     pattern = read_pattern(path)
    >>> pattern.image.max(), pattern.q_per_pixel, pattern.bit_depth
    (np.float32(65535.0), 0.02, 16)
    """
    found = read_patterns(path)
    if len(found) != 1:
        raise ValueError(f"{path}: holds {len(found)} images; give one pattern per file")
    return found[0]


def read_patterns(path: str | Path, dataset: str | None = None) -> list[Pattern]:
    """Read the patterns of a file: one of an image, one or more of an array or a stack.

    Parameters
    ----------
    path : str or Path
        An image as in :func:`read_pattern`; a TIFF file of several pages of one size; an array
        (H, W) or (n, H, W) in a ``.npy``, ``.npz``, MRC or HDF5 file; the frames of a CBF, SMV
        or EDF file. With rosettasciio installed, also its ``.dm3``, ``.dm4``, ``.tvips``,
        ``.blo`` and others.
    dataset : str, optional
        Of an HDF5 file, the place of the images, ``"/entry/data/data"``. By default what the file
        marks as its signal, or the only one there is.

    Returns
    -------
    list of Pattern

    Raises
    ------
    FileNotFoundError, ValueError
        As `read_pattern`.
    ImportError
        If the library that reads a format is not installed.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "xyz.npy"
    ...     np.save(path, np.ones((3, 64, 64)))
    ...     len(read_patterns(path))
    3
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file")
    if path.is_dir():
        raise ValueError(f"{path}: is a folder, not an image file")
    if suffix == ARRAY_SUFFIX:
        arrays, bit_depth = _read_array(path)
        return [_pattern(path, values, bit_depth, "", None) for values in arrays]
    if suffix in READERS:
        return _camera_patterns(path, dataset)
    if suffix not in SUFFIXES:
        known, others = ", ".join([*SUFFIXES, ARRAY_SUFFIX]), ", ".join(READERS)
        raise ValueError(
            f"{path}: images are read from {known} files, and from those of cameras ({others})"
        )
    try:
        with without_warnings():  # Pillow warns, then fails: the failure is enough
            pages = [_read_png(path)] if suffix == ".png" else _read_tiff(path)
    except _NotOneImage as error:
        raise ValueError(f"{path}: {error}") from None
    except MemoryError:
        raise ValueError(f"{path}: does not fit into memory") from None
    except Exception as error:  # decoders raise whatever they stumble over
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{path}: cannot be read as an image ({reason[:200]})") from error
    return [_pattern(path, *page) for page in pages]


def _camera_patterns(path: Path, dataset: str | None) -> list[Pattern]:
    """Patterns of a file that a library for its format reads."""
    try:
        found = read_frames(path, dataset)
    except (ImportError, MemoryError):
        raise
    except Exception as error:  # decoders raise whatever they stumble over
        reason = " ".join(str(error).split()) or type(error).__name__
        reason = reason.removeprefix(f"{path}: ")
        raise ValueError(f"{path}: cannot be read as images ({reason[:300]})") from error
    patterns = []
    for values in found.frames:
        if values.dtype.kind not in "buif":
            raise ValueError(f"{path}: intensities must be real numbers, not {values.dtype}")
        one = _pattern(path, values, _depth(8 * values.dtype.itemsize), "", None)
        patterns.append(
            replace(
                one,
                q_per_pixel=found.q_per_pixel,
                center=found.center,
                metadata=dict(found.metadata),
            )
        )
    return patterns


def _pattern(
    path: Path, values: NDArray[Any], bit_depth: int, text: str, resolution: float | None
) -> Pattern:
    """Check gray values and add what the file tells of them."""
    if not np.isfinite(values).all():
        raise ValueError(f"{path}: holds NaN or infinite values")
    image = np.maximum(values, 0).astype(np.float32)
    q_per_pixel, center, metadata = calibration(path, text, resolution)
    return Pattern(image, q_per_pixel, center, bit_depth, path, metadata)


def write_pattern(
    path: str | Path,
    image: ArrayLike,
    q_per_pixel: float,
    metadata: Mapping[str, Any] | None = None,
    *,
    center: tuple[float, float] | None = None,
    beam_radius: float = 1.5,
) -> Path:
    """Write one pattern as a 16-bit gray image that carries its q scale.

    The strongest spot beside the direct beam fills the 16 bits and the direct beam, often a
    hundred times stronger, is clipped. The metadata are JSON, in a TIFF file's ImageDescription or
    a PNG file's Description; TIFF resolution tags give pixels per 1/Å as ImageJ reads them.

    Parameters
    ----------
    path : str or Path
        File to write; its ending (``.tif``, ``.tiff`` or ``.png``) chooses the format.
    image : array of shape (H, W)
        Linear intensity, finite and not negative, in any unit.
    q_per_pixel : float
        Length of a pixel in q = 1/d, in 1/Å.
    metadata : mapping, optional
        Anything JSON can hold; `read_pattern` returns it.
    center : tuple of float, optional
        Direct beam (x, y) in pixels. Default: the middle of the image.
    beam_radius : float, default 1.5
        A spot whose peak is within so many pixels of `center` is the direct beam. The default is
        that of `PatternShaper`; a measured beam wants more.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ValueError
        The file's ending, the image or the scale cannot be used.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_pattern(Path(folder) / "x.png", np.eye(32), 0.1, {"view": "[100]"})
    ...     read_pattern(path).metadata["view"]
    '[100]'
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{path}: patterns are written to {', '.join(SUFFIXES)} files")
    values = np.asarray(image, dtype=np.float64)
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"{path}: a pattern has shape (H, W), not {values.shape}")
    if not np.isfinite(values).all() or values.min() < 0:
        raise ValueError(f"{path}: intensities must be finite and not negative")
    q_per_pixel = positive(q_per_pixel, f"{path}: q_per_pixel")
    middle = (values.shape[1] - 1) / 2, (values.shape[0] - 1) / 2
    beam = middle if center is None else center
    full_scale = _strongest_spot(values, beam, beam_radius)
    counts = np.rint(np.minimum(values / full_scale, 1) * _FULL_SCALE).astype(np.uint16)
    text = describe(q_per_pixel, beam, full_scale, metadata or {})
    if suffix == ".png":
        from PIL import Image, PngImagePlugin

        info = PngImagePlugin.PngInfo()
        info.add_text("Description", text)
        Image.fromarray(counts).save(path, pnginfo=info)
    else:
        import tifffile

        tifffile.imwrite(
            path,
            counts,
            photometric="minisblack",
            compression="zlib",
            description=text,
            metadata=None,
            resolution=(1 / q_per_pixel, 1 / q_per_pixel),
            resolutionunit="none",  # no inch and no centimeter: pixels per 1/Å
        )
    return path


class _NotOneImage(ValueError):
    """Report a file that is no image, or several."""


_Read = tuple[NDArray[Any], int, str, float | None]
"""Gray values, bits of each, description, pixels per unit of length."""


def _read_array(path: Path) -> tuple[NDArray[Any], int]:
    """Read an array of images, shape (n, H, W), and the bits of each value."""
    try:
        values = np.load(path, allow_pickle=False)
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{path}: not a readable NumPy array ({reason[:200]})") from error
    if values.ndim not in (2, 3) or values.size == 0:
        raise ValueError(
            f"{path}: holds an array of shape {values.shape}; an image is (H, W), a crystal's"
            " three images are (3, H, W)"
        )
    if values.ndim == 3 and values.shape[2] <= 4 < values.shape[0]:
        raise ValueError(
            f"{path}: holds an array of shape {values.shape}, which looks like (H, W, n): a"
            " crystal's three images are (3, H, W), numpy.moveaxis(array, -1, 0)"
        )
    if values.dtype.kind not in "buif":
        raise ValueError(f"{path}: intensities must be real numbers, not {values.dtype}")
    return values.reshape(-1, *values.shape[-2:]), _depth(8 * values.dtype.itemsize)


def _read_png(path: Path) -> _Read:
    return _read_by_pillow(path)


def _read_tiff(path: Path) -> list[_Read]:
    """Read the pages of a TIFF file by tifffile; by Pillow what that has no decoder for."""
    import tifffile

    try:
        file = tifffile.TiffFile(path)
    except (tifffile.TiffFileError, OSError, ValueError) as error:
        raise _NotOneImage("not a readable TIFF or PNG image") from error
    with file:
        # Small copies for viewers do not count.
        pages = [page for page in (page.aspage() for page in file.pages) if not page.is_reduced]
        n_images = max(len(pages), int((file.imagej_metadata or {}).get("images", 1)))
        sizes = {(page.imagewidth, page.imagelength) for page in pages}
        if n_images > len(pages) or len(sizes) > 1:
            raise _NotOneImage(f"holds {n_images} images; give one pattern per file")
        ((width, length),) = sizes
        if width * length * len(pages) > _MOST_PIXELS:
            raise _NotOneImage(f"claims to hold {width} x {length} pixels, which is too many")
        if len(pages) > 1:
            return [_read_page(path, page, False) for page in pages]
        return [_read_page(path, pages[0], True)]


def _read_page(path: Path, page: Any, alone: bool) -> _Read:
    import tifffile

    kind = tifffile.PHOTOMETRIC(page.photometric).name
    text, resolution = page.description, _resolution(page)
    if kind in ("MINISBLACK", "MINISWHITE", "RGB", "PALETTE"):
        try:
            return _gray_of_page(page, kind), _depth(page.bitspersample), text, resolution
        except ValueError as error:
            # An optional package with more decoders.
            if "imagecodecs" not in str(error) or not alone:
                raise
    if not alone:
        raise _NotOneImage(f"its pages hold {kind} pictures; give one pattern per file")
    values, bit_depth, _, _ = _read_by_pillow(path)
    if kind == "MINISWHITE" and bit_depth == 16:  # which Pillow turns round for 8 bits only
        values = _FULL_SCALE - values.astype(np.int64)
    return values, bit_depth, text, resolution


def _gray_of_page(page: Any, kind: str) -> NDArray[Any]:
    """Read the gray values of one page, (H, W)."""
    values = page.asarray()
    if values.dtype.kind not in "buif":
        raise _NotOneImage(f"holds {values.dtype} numbers, not gray values")
    if page.axes.startswith("S"):
        values = np.moveaxis(values, 0, -1)
    if kind == "PALETTE":
        values = np.moveaxis(np.asarray(page.colormap), 0, -1)[values]
    if kind in ("PALETTE", "RGB"):
        return values[..., :3] @ _LUMINANCE
    if values.ndim == 3:  # beside transparency
        values = values[..., 0]
    if kind == "MINISWHITE" and values.dtype.kind in "bu":
        values = (2 ** int(page.bitspersample) - 1) - values.astype(np.int64)
    return np.asarray(values)


def _resolution(page: Any) -> float | None:
    """Take pixels per unit of length from the tag of the width."""
    tag = page.tags.get("XResolution")
    if tag is None:
        return None
    numerator, denominator = tag.value
    return numerator / denominator if denominator else None


def _read_by_pillow(path: Path) -> _Read:
    from PIL import Image, UnidentifiedImageError

    try:
        file = Image.open(path)
    except UnidentifiedImageError:
        raise _NotOneImage("not a readable TIFF or PNG image") from None
    with file:
        frames = getattr(file, "n_frames", 1)
        if frames != 1:
            raise _NotOneImage(f"holds {frames} images; give one pattern per file")
        text = getattr(file, "text", {}).get("Description", "")
        if file.mode.startswith("I;16"):
            return np.asarray(file), 16, text, None
        if file.mode in ("I", "F"):
            return np.asarray(file), 32, text, None
        gray = file if file.mode in ("1", "L") else file.convert("RGB")
        return np.asarray(gray.convert("L")), 8, text, None


def _depth(bits: int) -> int:
    """Round the bits of a gray value up to 8, 16 or 32."""
    return 8 if bits <= 8 else 16 if bits <= 16 else 32


def _strongest_spot(values: NDArray[Any], beam: tuple[float, float], radius: float) -> float:
    """Find the highest peak outside the direct beam's disc, or the highest of all.

    Peaks, not values: the direct beam's flank may rise above every spot.
    """
    from scipy import ndimage

    rows, columns = np.indices(values.shape)
    peaks = values == ndimage.maximum_filter(values, size=3, mode="nearest")
    outside = np.hypot(columns - beam[0], rows - beam[1]) > radius
    strongest = float(values[peaks & outside].max(initial=0))
    return strongest or float(values.max()) or 1.0
