"""Small CIF texts for tests of the reader."""

from __future__ import annotations

from collections.abc import Sequence

import gemmi
import numpy as np

NACL_CELL = (5.64, 5.64, 5.64, 90, 90, 90)
NACL_ATOMS = ("Na1 Na 0 0 0", "Cl1 Cl 0.5 0.5 0.5")
ROCK_SALT = "_symmetry_space_group_name_H-M 'F m -3 m'"


def operations_of(symbol: str) -> list[str]:
    """All operations of a setting, as text."""
    return [op.triplet() for op in gemmi.find_spacegroup_by_name(symbol).operations()]


def cif_text(
    cell: Sequence[float] = NACL_CELL,
    atoms: Sequence[str] = NACL_ATOMS,
    *lines: str,
    columns: str = "label type_symbol fract_x fract_y fract_z",
    operations: Sequence[str] = (),
    name: str = "test",
) -> str:
    """A data block of a cell, further lines, operations and atoms."""
    names = [f"_cell_length_{x}" for x in "abc"]
    names += [f"_cell_angle_{x}" for x in ("alpha", "beta", "gamma")]
    text = [f"data_{name}", *(f"{k} {v}" for k, v in zip(names, cell, strict=True)), *lines]
    if operations:
        text += ["loop_", "_space_group_symop_operation_xyz", *(f"'{o}'" for o in operations)]
    text += ["loop_", *(f"_atom_site_{column}" for column in columns.split()), *atoms]
    return "\n".join(text) + "\n"


def cell_of(setting: gemmi.SpaceGroup, seed: int = 0) -> tuple[float, ...]:
    """Edges and angles of a cell that has a setting's symmetry and no more than its system's."""
    rng = np.random.default_rng(seed)
    edges = rng.uniform(5, 9, 3)
    skew = rng.uniform(0.08, 0.25, 3)
    cosines = np.array([[1, skew[2], skew[1]], [skew[2], 1, skew[0]], [skew[1], skew[0], 1]])
    metric = np.outer(edges, edges) * cosines
    rotations = [np.array(op.rot) / gemmi.Op.DEN for op in setting.operations().sym_ops]
    metric = np.mean([r.T @ metric @ r for r in rotations], axis=0)
    edges = np.sqrt(np.diag(metric))
    cosines = (metric / np.outer(edges, edges))[[1, 0, 0], [2, 2, 1]]
    return (*edges.tolist(), *np.degrees(np.arccos(cosines)).tolist())
