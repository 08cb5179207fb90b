"""What goes wrong with images, alone, together and by strength: parameters of ``CameraImages``."""

from __future__ import annotations

from typing import Any

# Lengths in pixels are those of 1024 pixels; smaller images have them in proportion.
PIXELS = ("gaps", "off_center", "beam_stop", "point_spread", "position_error", "spot_sigma")
SIGMA = 2.0
PERFECT = "perfect patterns"  # no images at all: what weights make of simulated spots
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
# Effects alone, weaker and stronger.
CURVES: dict[str, tuple[str, tuple[float, ...], dict[str, Any]]] = {
    "counts at the peak": ("counts", (1e2, 1e3, 1e4, 1e5), {}),
    "background, part of the peak": ("background", (0.003, 0.01, 0.03, 0.1), {}),
    "pixels off center": ("off_center", (15.0, 60.0, 120.0, 200.0), {}),
    "radius of the stop, pixels": ("beam_stop", (25.0, 50.0, 80.0, 120.0), {"background": 0.01}),
    "error of the scale": ("scale_error", (0.03, 0.05, 0.1, 0.2), {}),
    "thickness, Å (200 kV, no tilt)": ("thickness", (50.0, 100.0, 200.0, 300.0), {}),
    "tilt, degrees (100 Å)": ("tilt", (0.1, 0.2, 0.5, 1.0), {"thickness": 100.0}),
    "impurity spots": ("impurity_spots", (4, 16, 64, 128), {}),
    "error of places, pixels": ("position_error", (0.3, 0.6, 1.0, 2.0), {}),
}


def curve_case(effect: str, strength: float) -> str:
    """Name the case of an effect at a strength."""
    return f"{effect} = {strength:g}"


CURVE_CASES = {
    curve_case(effect, strength): {parameter: strength, **more}
    for effect, (parameter, strengths, more) in CURVES.items()
    for strength in strengths
}
ALL_CASES = {**CASES, **CURVE_CASES}


def scaled(case: str, image_size: int) -> tuple[dict[str, Any], bool]:
    """Give a case's parameters for images of a size, and whether their order is changed."""
    settings = {"spot_sigma": SIGMA, **ALL_CASES[case]}
    shuffled = bool(settings.pop("shuffled", False))
    for key in PIXELS:
        if key in settings:
            length = settings[key] * image_size / 1024
            settings[key] = round(length) if key == "gaps" else length
    return settings, shuffled


def file_name(case: str) -> str:
    """Name the file of a case's answers."""
    kept = "".join(one if one.isalnum() or one in "-.=" else "-" for one in case)
    return f"{kept}.json"
