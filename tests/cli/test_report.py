"""The diffraction class that an answer names."""

from __future__ import annotations

import numpy as np
import pytest

from crystalsym.cli.inputs import Failures, are_images
from crystalsym.cli.messages import InputError
from crystalsym.cli.report import leading_class


def test_class_of_largest_sum_need_not_hold_the_first_group():
    groups, probabilities = [33, 62, 14, 225], np.array([0.3, 0.25, 0.4, 0.05])
    members, total = leading_class(groups, probabilities)
    assert {33, 62} <= set(members)
    assert 14 not in members
    assert total == pytest.approx(0.55)


def test_a_sum_of_rounded_probabilities_is_not_above_one():
    assert leading_class([33, 62], np.array([0.5000001, 0.5]))[1] == 1.0


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["a.tif", "b.TIFF", "c.png"], True),
        (["a.cif"], False),
        (["POSCAR", "b.vasp", "c.json"], False),
        ([], False),
    ],
)
def test_endings_tell_images_from_structures(files, expected):
    assert are_images(files) is expected


def test_exit_codes(capsys):
    failures = Failures(strict=False)
    assert failures.exit_code(0) == 0
    failures.add("x.cif", ValueError("bad"))
    assert failures.exit_code(1) == 1
    assert failures.exit_code(0) == 2
    assert capsys.readouterr().err == "crystalsym: error: x.cif: bad\n"
    with pytest.raises(InputError, match=r"x\.cif: bad"):
        Failures(strict=True).add("x.cif", ValueError("bad"))
