"""How the bundled weights for 72 groups were trained, and what a training does by itself."""

from __future__ import annotations

import copy
from typing import Any

from crystalsym.pretrained._steps import SpaceGroupPipeline

# What served best in benchmarks/descriptors and benchmarks/search.py.
RECIPE: dict[str, dict[str, Any]] = {
    "simulate": {
        "views": "symmetry-directions",
        "output": "spots",
        "q_max": 1.457,
        # What lay under the direct beam in the images that were learned from at first.
        "q_min": 0.017141,
        "symprec": 0.1,
        "dtype": "float64",
    },
    "shape": {
        "scheme": "lattice",
        "intensity": "log",
        "threshold": 1e-5,
        "image_size": 13,
        "dtype": "float16",
    },
    "augment": {
        "changed": 0.6,
        "exchanged": 0.7,
        "scale": 0.01,
        "zone_axes": 0.1,
        "dimmed": 0.15,
        "permuted": 0.1,
    },
    "classify": {
        "architecture": "msmlp",
        "architecture_options": {"width": 2048, "joint": 4096},
        "epochs": 100,
        "batch_size": 512,
        "learning_rate": 4e-3,
        "weight_decay": 2e-2,
        "learning_rate_schedule": "cosine",
        "validation_fraction": 0.03,
        "random_state": 0,
    },
}


def recommended_pipeline() -> SpaceGroupPipeline:
    """Return an unfitted pipeline with the settings that served best.

    Put together are the classes' defaults, which the comparisons in ``benchmarks`` found best
    (views along symmetry directions, weak spots kept on a logarithmic scale, patterns redrawn in
    the indices of their own lattice, and a network for these), with spots instead of images
    between the first two steps. :func:`preset_pipeline` has the paper's settings.

    Returns
    -------
    SpaceGroupPipeline
        Steps ``"simulate"``, ``"shape"`` and ``"classify"``, those of ``load_pretrained("72")``
        before it was fitted. Change them by ``set_params``.

    Notes
    -----
    ``fit`` learns from the crystals as they are; ``crystalsym train`` also changes them at random,
    by ``RECIPE["augment"]``.

    Examples
    --------
    >>> from crystalsym import recommended_pipeline
    >>> pipeline = recommended_pipeline().set_params(classify__epochs=20)
    >>> pipeline["simulate"].views, pipeline["shape"].scheme, pipeline["classify"].epochs
    ('symmetry-directions', 'lattice', 20)
    """
    return build_pipeline(*(RECIPE[name] for name in ("simulate", "shape", "classify")))


def preset_pipeline(name: str, **classify: Any) -> SpaceGroupPipeline:
    """Make an unfitted pipeline of a publication's settings, complete by one name.

    Parameters
    ----------
    name : {"tiong2020", "tiong2020-benchmarks", "ziletti2018"}
        ``"tiong2020"``: views turned by 45 degrees on the Ewald sphere, bright pixels joined by
        lines, the network MSDN, Adam with a rate of 1e-5. ``"tiong2020-benchmarks"``: the same
        patterns merged into one image, and the training of the networks that it is compared with
        (``architecture`` chooses one, VGG by default). ``"ziletti2018"``: diffraction fingerprints
        of 64x64 pixels, and the network for them.
    **classify
        Parameters of the classifier to set on top, say ``epochs``.

    Returns
    -------
    SpaceGroupPipeline
        Steps ``"simulate"``, ``"shape"`` and ``"classify"``.

    Raises
    ------
    ValueError
        If there is no such preset.

    References
    ----------
    L. C. O. Tiong, J. Kim, S. S. Han, D. Kim, npj Computational Materials 6, 196 (2020).
    A. Ziletti, D. Kumar, M. Scheffler, L. M. Ghiringhelli, Nature Communications 9, 2775 (2018).

    Examples
    --------
    >>> from crystalsym.pretrained import preset_pipeline
    >>> pipeline = preset_pipeline("tiong2020", epochs=2)
    >>> pipeline["simulate"].views, pipeline["shape"].scheme, pipeline["classify"].architecture
    ('rotations', 'pixels', 'msdn')
    >>> preset_pipeline("ziletti2018")["shape"].ring
    (10.0, 30.0)
    """
    from crystalsym.classification import SpaceGroupClassifier
    from crystalsym.diffraction import DiffractionSimulator
    from crystalsym.shaping import PatternShaper, SpotMerger

    simulator = DiffractionSimulator.from_preset(name)
    shaper = SpotMerger if name in SpotMerger._presets else PatternShaper
    return SpaceGroupPipeline(
        [
            ("simulate", simulator),
            ("shape", shaper.from_preset(name)),
            ("classify", SpaceGroupClassifier.from_preset(name, **classify)),
        ]
    )


def build_pipeline(
    simulate: dict[str, Any], shape: dict[str, Any], classify: dict[str, Any]
) -> SpaceGroupPipeline:
    """Make the unfitted pipeline of these parameters of its three steps.

    Between the first two steps go spots, unless ``simulate["output"]`` says otherwise or the
    scheme or the engine knows images only.

    Parameters
    ----------
    simulate : dict
        Parameters of :class:`crystalsym.DiffractionSimulator`.
    shape : dict
        Parameters of :class:`crystalsym.PatternShaper`.
    classify : dict
        Parameters of :class:`crystalsym.SpaceGroupClassifier`.

    Examples
    --------
    >>> from crystalsym.pretrained import build_pipeline
    >>> build_pipeline({}, {"scheme": "spots"}, {})["simulate"].output
    'spots'
    >>> build_pipeline({}, {"scheme": "pixels"}, {})["simulate"].output
    'images'
    """
    from crystalsym.classification import SpaceGroupClassifier
    from crystalsym.diffraction import DiffractionSimulator
    from crystalsym.shaping import PatternShaper

    of_pixels = shape.get("scheme") == "pixels" or simulate.get("engine", "bragg") != "bragg"
    of_pixels |= simulate.get("center") is not None or "int" in simulate.get("dtype", "")
    simulate = {"output": "images" if of_pixels else "spots", **simulate}
    steps = {
        "simulate": (DiffractionSimulator, simulate),
        "shape": (PatternShaper, shape),
        "classify": (SpaceGroupClassifier, classify),
    }
    return SpaceGroupPipeline(
        [(name, step(**copy.deepcopy(table))) for name, (step, table) in steps.items()]
    )
