"""What endings say of files, and what failures make of the exit code."""

from __future__ import annotations

import pytest

from crystalsym.cli._messages import InputError
from crystalsym.cli._sources import Failures, are_images


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
