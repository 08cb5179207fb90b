# What `crystalsym` names, for type checkers and, through lazy_loader, at run time.
from . import (
    bundles,
    classification,
    cli,
    crystals,
    datasets,
    diffraction,
    evaluation,
    featurizers,
    identification,
    learning,
    measurement,
    metrics,
    networks,
    plotting,
    pretrained,
    reflections,
    reports,
    scattering,
    shaping,
    spacegroups,
    training,
)
from .classification import SimilarityClassifier, SpaceGroupClassifier
from .crystals import Cluster, Crystal, as_crystal, space_group_number, standardize
from .diffraction import DiffractionSimulator
from .identification import identify, identify_many
from .pretrained import load_pretrained, recommended_pipeline
from .reflections import (
    ReflectionList,
    as_reflection_list,
    read_reflections,
    write_hklf4,
    write_reflection_cif,
)
from .shaping import PatternShaper, SpotMerger

__version__: str

__all__ = [
    "Cluster",
    "Crystal",
    "DiffractionSimulator",
    "PatternShaper",
    "ReflectionList",
    "SimilarityClassifier",
    "SpaceGroupClassifier",
    "SpotMerger",
    "__version__",
    "as_crystal",
    "as_reflection_list",
    "bundles",
    "classification",
    "cli",
    "crystals",
    "datasets",
    "diffraction",
    "evaluation",
    "featurizers",
    "identification",
    "identify",
    "identify_many",
    "learning",
    "load_pretrained",
    "measurement",
    "metrics",
    "networks",
    "plotting",
    "pretrained",
    "read_reflections",
    "recommended_pipeline",
    "reflections",
    "reports",
    "scattering",
    "shaping",
    "space_group_number",
    "spacegroups",
    "standardize",
    "training",
    "write_hklf4",
    "write_reflection_cif",
]
