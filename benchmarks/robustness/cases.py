"""What goes wrong with images, alone and together, as parameters of ``CameraImages``."""

from __future__ import annotations

from typing import Any

# Lengths in pixels are those of 1024 pixels; smaller images have them in proportion.
PIXELS = ("gaps", "off_center", "beam_stop", "point_spread", "position_error", "spot_sigma")
SIGMA = 2.0
TOGETHER: dict[str, Any] = {
    "background": 0.01,
    "off_center": 15.0,
    "rotate": True,
    "beam_stop": 25.0,
    "scale_error": 0.03,
}
TILTED: dict[str, Any] = {"tilt": (0.0, 0.2), "thickness": 100.0}
CASES: dict[str, dict[str, Any]] = {
    "counts only": {},
    "all together": {**TOGETHER, **TILTED},
    "all but tilt": TOGETHER,
    "background": {"background": TOGETHER["background"]},
    "off center": {"off_center": TOGETHER["off_center"]},
    "rotated": {"rotate": True},
    "beam stop": {"beam_stop": TOGETHER["beam_stop"]},
    "scale": {"scale_error": TOGETHER["scale_error"]},
    "thickness 100 Å, no tilt": {"thickness": 100.0},
    "tilt to 0.2°, 100 Å": TILTED,
    "tilt 0.5°, 100 Å": {"tilt": 0.5, "thickness": 100.0},
    "tilt 1°, precession 1°, 100 Å": {"tilt": 1.0, "precession": 1.0, "thickness": 100.0},
    "mirrored": {"mirror": True},
    "any order, mirrored": {"mirror": True, "rotate": True, "shuffled": True},
    "direct beam": {"direct_beam": 30.0},
    "detector gaps, -1": {"gaps": 8},
    "hot pixels, dead rows": {"hot_pixels": 30, "dead_rows": 2},
    "point spread": {"point_spread": 0.8},
    "4 impurity spots": {"impurity_spots": 4},
    "position error 0.3 px": {"position_error": 0.3},
    "overexposed fourfold": {"saturation": 2500.0},
}


def scaled(case: str, image_size: int) -> tuple[dict[str, Any], bool]:
    """Give a case's parameters for images of a size, and whether their order is changed."""
    settings = {"spot_sigma": SIGMA, **CASES[case]}
    shuffled = bool(settings.pop("shuffled", False))
    for key in PIXELS:
        if key in settings:
            scaled_length = settings[key] * image_size / 1024
            settings[key] = round(scaled_length) if key == "gaps" else scaled_length
    return settings, shuffled
