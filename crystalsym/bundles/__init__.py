"""Where models lie, bundled or saved, and what vouches for their files; no estimator in here."""

from __future__ import annotations

from crystalsym.bundles._bundled_models import (
    available,
    classifier_folder,
    find_model,
    model_folder,
    pipeline_folder,
)
from crystalsym.bundles._saved_models import (
    SavedModelError,
    read_saved,
    write_saved,
)

__all__ = [
    "SavedModelError",
    "available",
    "classifier_folder",
    "find_model",
    "model_folder",
    "pipeline_folder",
    "read_saved",
    "write_saved",
]
