"""Patterns, images or lists of spots, drawn by the schemes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from crystalsym.diffraction import SpotPatterns
from crystalsym.shaping._index_scheme import index_image, index_layers
from crystalsym.shaping._pixel_scheme import sample, shape_pixels
from crystalsym.shaping._shaper_parameters import AS_THE_NODES
from crystalsym.shaping._spot_scheme import (
    AS_NODES,
    INTENSITIES,
    SpotDrawing,
    draw_list,
    shape_spots,
)
from crystalsym.shaping._true_index_scheme import draw_layers

# Widths in pixels of the output, per 224 pixels of its edge, and never thinner than this.
SPOT_SIGMA, THINNEST_SPOT = 1.5, 0.6
LINE_WIDTH, THINNEST_LINE = 1.0, 0.5
# Raw pixels over which lists of spots are laid out before lines are drawn.
LAID_OUT = 256


@dataclass(frozen=True)
class PatternDrawing:
    """Hold how patterns are drawn: a shaper's parameters, with what None means by its scheme."""

    scheme: str
    image_size: int
    threshold: float
    intensity: str
    distance_factor: float
    channels: tuple[str, ...]
    field: float
    spot_sigma: float | None
    line_width: float | str | None
    center: tuple[float, float] | None
    beam_radius: float
    max_spots: int
    friedel: bool

    def draw(self, patterns: Any, canvas: np.ndarray) -> None:
        """Draw patterns into zeros; NaN where they hold it, or are missing.

        Parameters
        ----------
        patterns : ndarray of shape (n, n_views, H, H), or SpotPatterns
        canvas : ndarray of float32, shape (n, n_views, image_size, image_size, n_channels)
        """
        if isinstance(patterns, SpotPatterns):
            getattr(self, f"_lay_out_{self.scheme}")(patterns, canvas)
            canvas[patterns.missing] = np.nan
            return
        shape = getattr(self, f"_shape_{self.scheme}")
        for triple, target in zip(patterns, canvas, strict=True):
            if triple.dtype.kind == "f" and np.isnan(triple).any():
                target[:] = np.nan
                continue
            for view, image in enumerate(triple):
                shape(image, target[view], view)

    def _lay_out_lattice(self, patterns: SpotPatterns, canvas: np.ndarray) -> None:
        patterns = patterns if self.friedel else patterns.with_mates()
        x, y = (patterns.q.astype(np.float64) / _radius_of_spot(patterns)[:, None]).T
        index_layers(
            np.ascontiguousarray(x),
            np.ascontiguousarray(y),
            patterns.intensity.astype(np.float64, copy=False),
            patterns.starts,
            canvas.reshape(-1, *canvas.shape[2:]),
            float(self.threshold),
            INTENSITIES[self.intensity],
            0.0,
            int(self.max_spots),
            bool(self.friedel),
        )

    def _lay_out_indices(self, patterns: SpotPatterns, canvas: np.ndarray) -> None:
        patterns = patterns if self.friedel else patterns.with_mates()
        assert patterns.indices is not None
        assert patterns.basis is not None
        empty = np.zeros(0)
        draw_layers(
            patterns.indices,
            patterns.intensity.astype(np.float64, copy=False),
            empty if patterns.sigma is None else patterns.sigma.astype(np.float64, copy=False),
            patterns.starts,
            patterns.basis.astype(np.float64, copy=False),
            patterns.q_min.astype(np.float64, copy=False),
            patterns.q_max.astype(np.float64, copy=False),
            np.asarray(patterns.coverage, dtype=np.int8),
            float(self.threshold),
            bool(self.friedel),
            canvas,
        )

    def _lay_out_spots(self, patterns: SpotPatterns, canvas: np.ndarray) -> None:
        patterns = patterns.with_mates()
        half = (LAID_OUT - 1) / 2
        places = patterns.q.astype(np.float64) / _radius_of_spot(patterns)[:, None] * half
        how = self._drawing(0.0, 0.0)
        for number, target in enumerate(canvas.reshape(-1, *canvas.shape[2:])):
            part = slice(patterns.starts[number], patterns.starts[number + 1])
            heights = patterns.intensity[part].astype(np.float64)
            if not len(heights) or not heights.max() > 0:
                continue
            canvases = self._canvases()
            # Images show the direct beam, too, and join it to its neighbors.
            draw_list(
                np.append(places[part, 0], 0.0),
                np.append(places[part, 1], 0.0),
                np.append(heights, heights.max()),
                LAID_OUT,
                canvases["spots"],
                canvases["lines"],
                how,
            )
            self._fill(target, canvases)

    def _shape_spots(self, image: np.ndarray, target: np.ndarray, view: int) -> None:
        canvases = self._canvases()
        how = self._drawing(*self._beam(image))
        shape_spots(_as_float32(image), canvases["spots"], canvases["lines"], how)
        self._fill(target, canvases)

    def _canvases(self) -> dict[str, np.ndarray]:
        """Room for spots and, if they are wanted, lines."""
        size = self.image_size
        lines = size if "lines" in self.channels else 1
        return {
            "spots": np.zeros((size, size), dtype=np.float32),
            "lines": np.zeros((lines, lines), dtype=np.float32),
        }

    def _fill(self, target: np.ndarray, canvases: dict[str, np.ndarray]) -> None:
        for channel, name in enumerate(self.channels):
            target[..., channel] = canvases[name]

    def _drawing(self, column: float, row: float) -> SpotDrawing:
        size = self.image_size
        if self.line_width == AS_THE_NODES:
            line_width = AS_NODES
        else:
            line_width = float(self.line_width or max(LINE_WIDTH * size / 224, THINNEST_LINE))
        return SpotDrawing(
            float(self.distance_factor),
            float(self.threshold),
            INTENSITIES[self.intensity],
            float(column),
            float(row),
            float(self.beam_radius),
            float(self.field),
            float(self.spot_sigma or max(SPOT_SIGMA * size / 224, THINNEST_SPOT)),
            line_width,
            int(self.max_spots),
        )

    def _shape_lattice(self, image: np.ndarray, target: np.ndarray, view: int) -> None:
        column, row = self._beam(image)
        index_image(
            _as_float32(image),
            target,
            float(self.threshold),
            INTENSITIES[self.intensity],
            (float(column), float(row)),
            float(self.beam_radius),
            int(self.max_spots),
            bool(self.friedel),
        )

    def _beam(self, image: np.ndarray) -> tuple[float, float]:
        middle = (image.shape[1] - 1) / 2
        return (middle, middle) if self.center is None else self.center

    def _shape_pixels(self, image: np.ndarray, target: np.ndarray, view: int) -> None:
        if image.dtype != np.uint8:
            image = np.maximum(image.astype(np.float64), 0)
            image = np.floor(255 * image / (image.max() or 1)).astype(np.uint8)
        shaped, scaled = shape_pixels(image, float(self.distance_factor), float(self.threshold))
        index = _nearest(image.shape[0], self.image_size)
        sample(target, shaped, scaled, index, view % 3)


def _radius_of_spot(patterns: SpotPatterns) -> np.ndarray:
    """Radius of the field that each spot lies in, 1/Å."""
    return np.repeat(patterns.q_max.ravel(), np.diff(patterns.starts))


def _as_float32(image: np.ndarray) -> np.ndarray:
    if image.dtype == np.float32:
        return np.ascontiguousarray(image)
    image = np.asarray(image, dtype=np.float64)
    strongest = image.max(initial=0.0)
    # float64 may hold what float32 cannot.
    return np.ascontiguousarray(image / strongest if strongest > 0 else image, dtype=np.float32)


def _nearest(size: int, wanted: int) -> np.ndarray:
    """Source index of each output pixel, nearest neighbor by pixel centers."""
    return ((np.arange(wanted) + 0.5) * size / wanted).astype(int)
