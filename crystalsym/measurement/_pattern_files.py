"""Reading and writing TIFF and PNG files."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crystalsym.measurement._pattern import Pattern, positive
from crystalsym.measurement._q_scale import (
    DESCRIPTION,
    PHOTOMETRIC,
    RESOLUTION_UNIT,
    X_RESOLUTION,
    Y_RESOLUTION,
    calibration,
    describe,
    description,
)

SUFFIXES = (".tif", ".tiff", ".png")
"""File name endings of the image formats read and written."""

_FULL_SCALE = 65535


def read_pattern(path: str | Path) -> Pattern:
    """Read one diffraction pattern from a TIFF or PNG file.

    Colour images become grey by luminance, transparency is ignored, and negative values, which
    background subtraction leaves in floating-point images, become zero. The q scale is taken from
    this package's own metadata or from an ImageJ calibration in 1/nm or 1/Å.

    Parameters
    ----------
    path : str or Path
        A ``.tif``, ``.tiff`` or ``.png`` file holding one image.

    Returns
    -------
    Pattern
        Its ``image`` holds the file's grey values as float32.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is not a readable image, holds several, or holds values that are not numbers.

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
    from PIL import Image, UnidentifiedImageError

    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file")
    if path.is_dir():
        raise ValueError(f"{path}: is a folder, not an image file")
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path}: images are read from {', '.join(SUFFIXES)} files")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns, then fails: the failure is enough
            with Image.open(path) as file:
                frames = getattr(file, "n_frames", 1)
                if frames == 1:
                    values, bit_depth = _grey_values(file)
                text, tags = description(file)
    except UnidentifiedImageError:
        raise ValueError(f"{path}: not a readable TIFF or PNG image") from None
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: cannot be read as an image ({error})") from error
    if frames != 1:
        raise ValueError(f"{path}: holds {frames} images; give one pattern per file")
    if not np.isfinite(values).all():
        raise ValueError(f"{path}: holds NaN or infinite values")
    image = np.maximum(values, 0).astype(np.float32)
    q_per_pixel, center, metadata = calibration(path, text, tags)
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
    """Write one pattern as a 16-bit grey image that carries its q scale.

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
    from PIL import Image, PngImagePlugin, TiffImagePlugin

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
    picture = Image.fromarray(counts)
    if suffix == ".png":
        info = PngImagePlugin.PngInfo()
        info.add_text("Description", text)
        picture.save(path, pnginfo=info)
    else:
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[DESCRIPTION] = text
        tags[X_RESOLUTION] = tags[Y_RESOLUTION] = 1 / q_per_pixel
        tags[RESOLUTION_UNIT] = 1  # no inch and no centimetre: pixels per 1/Å
        picture.save(path, tiffinfo=tags, compression="tiff_adobe_deflate")
    return path


def _grey_values(file: Any) -> tuple[NDArray[np.float64], int]:
    """Grey values of an open Pillow image and the bits that each had in the file."""
    mode = file.mode
    if mode.startswith("I;16"):
        values, bits = np.asarray(file).astype(np.float64), 16
    elif mode in ("I", "F"):
        values, bits = np.asarray(file).astype(np.float64), 32
    elif mode in ("1", "L"):
        values, bits = np.asarray(file.convert("L")).astype(np.float64), 8
    else:
        values, bits = np.asarray(file.convert("RGB").convert("L")).astype(np.float64), 8
    # Pillow turns 8-bit "white is zero" images round itself, but not 16-bit ones.
    if bits == 16 and getattr(file, "tag_v2", {}).get(PHOTOMETRIC) == 0:
        values = _FULL_SCALE - values
    return values, bits


def _strongest_spot(values: NDArray[Any], beam: tuple[float, float], radius: float) -> float:
    """Highest peak outside the disc of the direct beam; the highest of all if there is none.

    Peaks, not values: the direct beam's flank may rise above every spot.
    """
    from scipy import ndimage

    rows, columns = np.indices(values.shape)
    peaks = values == ndimage.maximum_filter(values, size=3, mode="nearest")
    outside = np.hypot(columns - beam[0], rows - beam[1]) > radius
    strongest = float(values[peaks & outside].max(initial=0))
    return strongest or float(values.max()) or 1.0
