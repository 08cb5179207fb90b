"""Lists written and read back: the same to the digits of the format."""

from __future__ import annotations

import numpy as np
import pytest

from crystalsym import ReflectionList, read_reflections, write_hklf4, write_reflection_cif
from crystalsym.diffraction import Coverage
from tests.support import reflection_files as made


def make(**changes):
    given = {"hkl": made.HKL, "intensity": made.INTENSITY, "sigma": made.SIGMA, "cell": made.CELL,
             "wavelength": 0.0251, "radiation": "electron", "batch": made.BATCH, "name": "x",
             "carried": made.TRUE}  # fmt: skip
    return ReflectionList(**{**given, **changes})


def test_hklf4_and_back(tmp_path):
    one = make()
    assert write_hklf4(tmp_path / "x.hkl", one) == 1.0
    other = read_reflections(tmp_path / "x.hkl")
    for name in ("hkl", "intensity", "sigma", "batch", "cell", "wavelength", "name", "radiation"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert other.carried == {}


@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1.0, 1e3, 1e12])
def test_numbers_that_do_not_fit_are_scaled_by_a_power_of_ten(scale, tmp_path):
    draw = np.random.default_rng(4)
    intensity = np.concatenate([draw.exponential(500, 200), [9e4, -300.0, 0.0]]) * scale
    one = ReflectionList(np.arange(609).reshape(-1, 3) % 99 + 1, intensity, 0.1 * scale
                         + 0.05 * np.abs(intensity), made.CELL)  # fmt: skip
    factor = write_hklf4(tmp_path / "x.hkl", one)
    assert np.log10(factor) == pytest.approx(round(np.log10(factor)))
    other = read_reflections(tmp_path / "x.hkl")
    # Seven columns: four digits at least, of the weakest two.
    assert np.allclose(other.intensity / factor, intensity, rtol=1e-3, atol=1e-2 * scale)
    assert np.allclose(other.sigma / factor, one.sigma, rtol=1e-3, atol=1e-2 * scale)
    for line in (tmp_path / "x.hkl").read_text().splitlines()[:203]:
        assert len(line) == 28
        assert line[12] == line[20] == " "


def test_every_number_fits_and_has_its_point(tmp_path):
    values = [999999.0, -99999.0, 99999.94, -9999.96, 0.000004, 123456.7]
    write_hklf4(tmp_path / "x.hkl", make(hkl=np.eye(3, dtype=int).repeat(2, axis=0), sigma=None,
                                         intensity=values, batch=None))  # fmt: skip
    written = [line[12:20] for line in (tmp_path / "x.hkl").read_text().splitlines()[:6]]
    assert written == [" 999999.", " -99999.", " 99999.9", " -10000.", " 0.00000", " 123457."]
    other = read_reflections(tmp_path / "x.hkl")
    assert other.sigma is None
    assert other.notes[-1] == "the uncertainties are all 0 or not given: taken for unknown"


def test_a_sign_takes_a_column(tmp_path):
    assert (
        write_hklf4(tmp_path / "x.hkl", ReflectionList([[1, 0, 0]], [-5e5], cell=made.CELL)) == 0.1
    )
    assert read_reflections(tmp_path / "x.hkl").intensity.tolist() == [-5e4]


def test_indices_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"row 0: \[0, 10000, 0\] does not fit four columns"):
        write_hklf4(tmp_path / "x.hkl", ReflectionList([[0, 10000, 0]], [1.0]))


@pytest.mark.parametrize("changes", [{}, {"sigma": None, "batch": None}, {"wavelength": None}])
@pytest.mark.parametrize("coverage", [Coverage.LISTED, Coverage.OBSERVED])
def test_cif_and_back(changes, coverage, tmp_path):
    one = make(coverage=coverage, **changes)
    write_reflection_cif(tmp_path / "x.cif", one)
    other = read_reflections(tmp_path / "x.cif")
    for name in ("hkl", "intensity", "sigma", "batch", "cell", "wavelength", "radiation",
                 "coverage", "name"):  # fmt: skip
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert other.carried == {}
