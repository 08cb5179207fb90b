"""Signals as HyperSpy and pyxem make them, by stand-ins that have what those have."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from crystalsym.measurement import SpotFinder
from crystalsym.measurement._q_scale import reciprocal_unit
from crystalsym.measurement._signals import is_signal, patterns_of_signal, triples_of_signal
from crystalsym.scattering import electron_wavelength


class Undefined:
    """What an axis has whose unit was never set."""

    def __repr__(self):
        return "<undefined>"


class Metadata:
    """A tree that is asked by paths."""

    def __init__(self, **entries):
        self.entries = {key.replace("__", "."): value for key, value in entries.items()}

    def get_item(self, path, default=None, **others):
        return self.entries.get(path, default)


class Lazy:
    """An array that is computed when it is asked for, as dask's."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)


def signal(data, scale=0.02, units="1/nm", shape=None, axes=None, scales=None, **metadata):
    n = np.ndim(data)
    x, y = axes or (n - 1, n - 2)  # HyperSpy names x first, arrays have it last
    one, two = scales or (scale, scale)
    signal_axes = (
        SimpleNamespace(scale=one, units=units, offset=-0.6, index_in_array=x, is_uniform=True),
        SimpleNamespace(scale=two, units=units, offset=-0.6, index_in_array=y, is_uniform=True),
    )
    manager = SimpleNamespace(
        signal_axes=signal_axes,
        navigation_shape=shape if shape is not None else np.shape(data)[: n - 2][::-1],
    )
    return SimpleNamespace(data=data, axes_manager=manager, metadata=Metadata(**metadata))


def test_images_come_in_order_with_their_scale():
    data = np.arange(3 * 40 * 50, dtype=np.uint16).reshape(3, 40, 50)
    found = patterns_of_signal(signal(data, General__title="mine"))
    assert [one.q_per_pixel for one in found] == [0.002] * 3
    assert found[0].metadata == {"title": "mine"}
    for one, image in zip(found, data, strict=True):
        np.testing.assert_array_equal(one.image, image)


def test_axes_say_where_rows_and_columns_are():
    data = np.random.default_rng(0).random((50, 3, 40))  # x, navigation, y
    (first, *_), ((_, _, third),) = (
        patterns_of_signal(signal(data, axes=(0, 2))),
        triples_of_signal(signal(data, axes=(0, 2), shape=(3,))),
    )
    np.testing.assert_array_equal(first.image, data[:, 0].T)
    np.testing.assert_array_equal(third.image, data[:, 2].T)


def test_several_crystals_are_rows_of_three():
    data = np.arange(2 * 3 * 32 * 32.0).reshape(2, 3, 32, 32)
    found = triples_of_signal(signal(data))
    assert [len(triple) for triple in found] == [3, 3]
    np.testing.assert_array_equal(found[1][2].image, data[1, 2])


@pytest.mark.parametrize(
    ("units", "scale", "expected"),
    [("1/nm", 0.02, 0.002), ("$A^{-1}$", -0.002, 0.002), ("k_nm^-1", 0.02, 0.002),
     (Undefined(), 0.02, None), ("px", 1.0, None), ("1/nm", 0.0, None), (None, 1.0, None)],
)  # fmt: skip
def test_units(units, scale, expected):
    (found,) = patterns_of_signal(signal(np.zeros((32, 32)), scale, units))
    assert found.q_per_pixel == (None if expected is None else pytest.approx(expected))


def test_angles_need_a_beam_energy():
    image = np.zeros((32, 32))
    (found,) = patterns_of_signal(
        signal(image, 0.5, "mrad", Acquisition_instrument__TEM__beam_energy=200.0)
    )
    assert found.q_per_pixel == pytest.approx(0.5e-3 / electron_wavelength(200))
    for energy in (None, "high", -1.0):
        one = signal(image, 0.5, "mrad", Acquisition_instrument__TEM__beam_energy=energy)
        assert patterns_of_signal(one)[0].q_per_pixel is None


def test_lazy_signals_are_computed():
    one = signal(np.ones((32, 32)))
    one.data = Lazy(one.data)
    (found,) = patterns_of_signal(one)
    assert found.image.sum() == 32 * 32


def test_the_finder_takes_signals_in_the_place_of_images_and_triples():
    noise = np.random.default_rng(0).poisson(10.0, (3, 64, 64))
    finder = SpotFinder()
    expected = SpotFinder(q_per_pixel=0.002).find([list(noise)])[0].refused
    for X in (signal(noise), [signal(noise)], [[signal(image) for image in noise]]):
        (found,) = finder.find(X)
        assert found.refused == expected
        assert found.images[0].q_per_pixel == 0.002


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (signal(np.zeros((4, 32, 32))), "is navigated by"),
        (signal(np.zeros((32, 32))), "navigated by nothing"),
        (signal(np.zeros((3, 32, 32)), scales=(0.02, 0.03)), "must be square"),
        (signal(np.zeros((3, 32, 32), complex)), "must be real numbers"),
    ],
)
def test_what_is_no_triple_of_images_is_named(one, said):
    with pytest.raises(ValueError, match=said):
        triples_of_signal(one)


def test_a_spectrum_and_an_uneven_axis_are_named():
    one = signal(np.zeros((3, 32, 32)))
    one.axes_manager.signal_axes = one.axes_manager.signal_axes[:1]
    with pytest.raises(ValueError, match="1 signal axes"):
        patterns_of_signal(one)
    one = signal(np.zeros((32, 32)))
    one.axes_manager.signal_axes[1].is_uniform = False
    with pytest.raises(ValueError, match="not of one size"):
        patterns_of_signal(one)
    with pytest.raises(ValueError, match="a signal of 3 images"):
        SpotFinder().find([[signal(np.zeros((3, 32, 32)))] * 3])


def test_arrays_and_their_like_are_no_signals():
    assert is_signal(signal(np.zeros((32, 32))))
    for other in (np.zeros(3), [1, 2], "text", SimpleNamespace(data=1), None,
                  SimpleNamespace(data=1, axes_manager=None)):  # fmt: skip
        assert not is_signal(other)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1/nm", 0.1), ("nm^-1", 0.1), ("1 / nm", 0.1), ("1/Å", 1.0), ("Å⁻¹", 1.0), ("A-1", 1.0),
     (r"$\AA^{-1}$", 1.0), ("1/\\u00C5", 1.0), ("nm", None), ("", None), ("1/s", None)],
)  # fmt: skip
def test_reciprocal_units(text, value):
    assert reciprocal_unit(text) == value
