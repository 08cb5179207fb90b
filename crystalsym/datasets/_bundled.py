"""Well-known crystals that come with the package, as CIF files."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from pathlib import Path

_DECLARED_GROUP = re.compile(r"^_space_group_IT_number\s+(\d+)", re.MULTILINE)


def example_crystals() -> dict[str, Path]:
    """List the files of the bundled crystals, by space group, then by name.

    Each CIF was written from the published cell and coordinates of the work it cites. They cover
    all seven crystal systems. Most belong to the 72 groups the bundled model knows; a few famous
    ones (quartz, calcite, corundum, hematite, cuprite, lead titanate) do not.

    Returns
    -------
    dict of str to pathlib.Path
        By name: the formula, followed by the mineral or phase where a formula is not enough.

    Examples
    --------
    >>> from crystalsym.datasets import example_crystals
    >>> crystals = example_crystals()
    >>> crystals["NaCl"].name
    'NaCl.cif'
    >>> [name for name in crystals if name.startswith("TiO2")]
    ['TiO2-brookite', 'TiO2-rutile', 'TiO2-anatase']
    """
    return {name: path for name, (path, _) in _inventory().items()}


def example_space_groups() -> dict[str, int]:
    """Space-group numbers that the bundled crystals declare, in the order of `example_crystals`.

    Returns
    -------
    dict of str to int

    Examples
    --------
    >>> from crystalsym.datasets import example_space_groups
    >>> example_space_groups()["NaCl"]
    225
    """
    return {name: number for name, (_, number) in _inventory().items()}


@cache
def _inventory() -> dict[str, tuple[Path, int]]:
    folder = Path(str(files("crystalsym").joinpath("data", "crystals")))
    found = {}
    for path in folder.glob("*.cif"):
        declared = _DECLARED_GROUP.search(path.read_text(encoding="utf-8"))
        if declared is None:
            raise ValueError(f"{path} declares no _space_group_IT_number")
        found[path.stem] = (path, int(declared[1]))
    return dict(sorted(found.items(), key=lambda item: (item[1][1], item[0])))
