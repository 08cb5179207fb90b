"""Images that a network learns in a few steps: the place of a spot is the group."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from sklearn.utils import estimator_checks
from support.networks import small_network

from crystalsym.classification import SpaceGroupClassifier

# scikit-learn's checks of form, which need no data.
CONVENTIONS = [
    estimator_checks.check_estimator_cloneable,
    estimator_checks.check_estimator_repr,
    estimator_checks.check_estimator_tags_renamed,
    estimator_checks.check_get_params_invariance,
    estimator_checks.check_set_params,
    estimator_checks.check_no_attributes_set_in_init,
    estimator_checks.check_parameters_default_constructible,
    estimator_checks.check_valid_tag_types,
    estimator_checks.check_mixin_order,
    estimator_checks.check_estimators_unfitted,
]

# Time says nothing about rightness where other work shares the machine.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# Long enough for every seed and processor to get nearly all images right.
FITTED = {"epochs": 12}
OPTIONS = {"width": 8, "features": 8, "embedding": 16}
GROUPS = np.array([62, 221, 225])


def make_images(n=96, n_streams=3, size=12, channels=2, seed=0):
    rng = np.random.default_rng(seed)
    codes = np.arange(n) % len(GROUPS)
    X = 0.2 * rng.random((n, n_streams, size, size, channels), dtype=np.float32)
    for i, code in enumerate(codes):
        X[i, :, 2 + 3 * code, 2 + 3 * code] = 1.0
    return X, GROUPS[codes]


def make_classifier(architecture="strided", **parameters):
    defaults = {
        "architecture": architecture,
        "architecture_options": OPTIONS,
        "epochs": 5,
        "batch_size": 16,
        "learning_rate": 0.01,
        "random_state": 0,
    }
    return SpaceGroupClassifier(**(defaults | parameters))


# Where the network does not matter.
SMALL = {"architecture": small_network, "architecture_options": None}


class LazyImages:
    """Rows on demand, as a renderer of structures gives them."""

    def __init__(self, images, fail_at=None):
        self._images = images
        self.shape, self.dtype = images.shape, images.dtype
        self.fail_at = fail_at
        self.calls = []
        self.epochs = []
        self.epoch = None
        self.epochs_of_calls = []

    def __len__(self):
        return len(self._images)

    def __array__(self, *args, **kwargs):
        raise AssertionError("lazy images must not be converted as a whole")

    def __getitem__(self, index):
        if len(self.calls) == self.fail_at:
            raise OSError("the disk went away")
        self.calls.append(np.array(index))
        self.epochs_of_calls.append(self.epoch)
        return self._images[index]

    def set_epoch(self, epoch):
        self.epoch = epoch
        if epoch is not None:
            self.epochs.append(epoch)


@pytest.fixture(scope="session")
def images():
    return make_images()


@pytest.fixture(scope="session")
def fitted(images):
    """A classifier that must not be changed."""
    return make_classifier(**FITTED).fit(*images)
