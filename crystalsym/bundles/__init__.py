"""Where models lie, bundled or saved, and what vouches for their files; no estimator in here."""

from __future__ import annotations

from crystalsym.bundles._bundled_models import (
    available,
    classifier_folder,
    find_model,
    model_folder,
    pipeline_folder,
)
from crystalsym.bundles._saved_classifiers import (
    pack_classifier,
    read_saved,
    unpack_classifier,
    write_saved,
)
from crystalsym.bundles._saved_files import SavedFiles, SavedModelError, write_files

__all__ = [
    "SavedFiles",
    "SavedModelError",
    "available",
    "classifier_folder",
    "find_model",
    "model_folder",
    "pack_classifier",
    "pipeline_folder",
    "read_saved",
    "unpack_classifier",
    "write_files",
    "write_saved",
]
