"""The runs: one base configuration, and one factor at a time changed in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SIMULATE = {"views": "zone-axes", "image_size": 256, "q_max": 1.457}
SHAPE = {"intensity": "log", "threshold": 1e-4, "image_size": 64, "field": 0.69}
CLASSIFY = {
    "architecture": "strided",
    "epochs": 2,
    "batch_size": 64,
    "learning_rate": 2e-3,
    "weight_decay": 2e-2,
    "learning_rate_schedule": "cosine",
    "validation_fraction": 0.0,
    "precision": "mixed_bfloat16",
    "random_state": 0,
}
# The outermost scattering vector that SHAPE's field leaves, for images that are not shaped, at
# the same 1/Å per raw pixel.
RAW = {"image_size": 176, "q_max": 1.457 * 0.69}


@dataclass(frozen=True)
class Run:
    """One training: what differs from the base.

    Attributes
    ----------
    name, factor, text : str
        File name, the factor that it varies, and what the report calls it.
    image : {"shaped", "streams", "merged"}
        By PatternShaper; the raw patterns as one-channel streams; or as one R/G/B image.
    crystals : str
        A function of ``controls``.
    published : bool
        Simulate with the published geometry instead of the base's.
    trees : bool
        No images and no network: the baseline of ``benchmarks/trees.py``.
    """

    name: str
    factor: str
    text: str
    simulate: dict[str, Any] = field(default_factory=dict)
    shape: dict[str, Any] = field(default_factory=dict)
    classify: dict[str, Any] = field(default_factory=dict)
    image: str = "shaped"
    crystals: str = "standard"
    published: bool = False
    trees: bool = False


PIXELS = {"scheme": "pixels", "intensity": "linear", "threshold": None, "field": 1.0}
LATTICE = {"scheme": "lattice", "image_size": 13, "field": 1.0}
DIRECTIONS = {"views": "symmetry-directions"}
MSMLP = {"architecture": "msmlp"}
# The published rate, 1e-5 for hundreds of passes, would go nowhere in two; a network without
# normalization gets less than the base's.
MSDN = {"architecture": "msdn", "learning_rate": 3e-4}

# In the order in which they run: the cheap and telling ones first.
RUNS = (
    Run("base", "base", "zone axes, log, spots + lines, 64x64, strided"),
    Run("trees", "baseline", "trees on true indices and the cell", trees=True),
    Run("rotations", "views", "published +45° rotations", {"views": "rotations"}),
    Run("linear", "intensity", "linear", shape={"intensity": "linear"}),
    Run("root", "intensity", "root", shape={"intensity": "root"}),
    Run("spots", "descriptor", "spots only", shape={"channels": ("spots",)}),
    Run("lines", "descriptor", "lines only", shape={"channels": ("lines",)}),
    Run("raw", "descriptor", "raw patterns, not shaped", RAW, image="streams"),
    Run("merged", "descriptor", "raw patterns merged into R/G/B", RAW, image="merged"),
    Run("size-32", "image size", "32x32", shape={"image_size": 32}),
    Run("seed-1", "base", "the same, another seed", classify={"random_state": 1}),
    Run("seed-2", "base", "the same, a third seed", classify={"random_state": 2}),
    Run(
        "published-images",
        "published",
        "published images, base network",
        shape=PIXELS,
        published=True,
    ),
    Run("permuted", "control", "axes permuted, orthorhombic and lower", crystals="permuted"),
    Run("scaled", "control", "cells scaled at random, ±5 %", crystals="scaled"),
    Run("lattice", "lattice", "index pictures, zone axes", {}, LATTICE, MSMLP),
    Run("directions", "lattice", "index pictures, symmetry directions", DIRECTIONS, LATTICE, MSMLP),
    Run("unidealized", "control", "positions not idealized", crystals="unidealized"),
    Run("symprec-0.01", "control", "crystals and labels at symprec 0.01", crystals="symprec_001"),
    # ------------------------------------------------------------------------------------------
    Run("size-96", "image size", "96x96", shape={"image_size": 96}),
    Run("wide", "network", "strided, width 96", classify={"architecture_options": {"width": 96}}),
    Run("msdn", "network", "MSDN as published", classify=MSDN),
    Run(
        "published",
        "published",
        "published images, MSDN as published",
        shape=PIXELS,
        classify=MSDN,
        published=True,
    ),
    Run("msdn-normalized", "network", "MSDN, batch-normalized", classify={"architecture": "bn"}),
)
