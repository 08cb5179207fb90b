"""SHELX instructions (.ins, .res) and Bruker .p4p files: cell, wavelength, how to read the list."""

from __future__ import annotations

import re

import numpy as np

from crystalsym.reflections._found import About

# Four letters at the beginning of a line that are no atom.
_KEYWORDS = frozenset(
    """
    ABIN ACTA AFIX ANIS ANSC ANSR BASF BIND BLOC BOND BUMP CELL CGLS CHIV CONF CONN DAMP DANG
    DEFS DELU DFIX DISP EADP END EQIV ESEL EXTI EXYZ FEND FLAT FMAP FRAG FREE FVAR GRID HFIX HKLF
    HTAB ISOR L.S. LATT LAUE LIST MERG MOLE MORE MOVE MPLA NCSY NEUT OMIT PART PATT PHAN PLAN PRIG
    REM RESI RIGU RTAB SADI SAME SFAC SHEL SIMU SIZE SPEC STIR SUMP SWAT SYMM TEMP TEXP TIME TITL
    TREF TWIN TWST UNIT VECT WGHT WIGL WPDB XNPD ZERR
    """.split()  # noqa: SIM905
)


def read_instructions(text: str, where: str) -> About:
    """Read the instructions that concern the reflections; symmetry and atoms are carried."""
    about = About()
    operations, atoms = [], []
    for raw in text.splitlines():
        line = raw.split("!", 1)[0].rstrip()
        words = line.split()
        if not words or line[0].isspace():
            continue
        key = words[0].upper().partition("_")[0][:4]
        numbers = _numbers(words[1:])
        if key == "CELL" and len(numbers) >= 7:
            about.set_wavelength(numbers[0], where)
            about.set_cell(numbers[1:7], where)
        elif key == "CELL" and len(numbers) >= 6:
            about.set_cell(numbers[:6], where)
        elif key == "TITL":
            if symbol := re.search(r"\bin\s+([PABCIFR][-\d(/ a-zA-Z)]*)", line):
                about.carried["symbol"] = symbol[1].strip()
        elif key == "LATT" and numbers:
            about.carried["lattice"] = str(words[1])
        elif key == "SYMM":
            operations.append("".join(words[1:]))
        elif key == "NEUT":
            about.set_radiation("neutron", f"{where.rpartition(',')[0] or where}, NEUT")
        elif key == "HKLF" or re.fullmatch(r"HKLF\d", words[0].upper()):
            _set_hklf(about, _numbers(" ".join([words[0][4:], *words[1:]]).split()))
        elif key == "END":
            break
        elif key not in _KEYWORDS and len(_numbers(words[1:])) >= 4:
            atoms.append(words[0])
    if operations:
        about.carried["operations"] = operations
    if atoms:
        about.carried["atoms"] = atoms
    return about


def _set_hklf(about: About, numbers: list[float]) -> None:
    """HKLF N S r11 ... r33: the format, a scale, and the matrix that the cell's indices need."""
    if not numbers:
        return
    about.hklf = int(abs(numbers[0])) if abs(numbers[0]) < 10 else 4
    if len(numbers) >= 11:
        matrix = np.array(numbers[2:11]).reshape(3, 3)
        if not np.array_equal(matrix, np.eye(3)):
            about.matrix = matrix


def read_p4p(text: str, where: str) -> About:
    """Read cell, wavelength and symmetry of a Bruker parameter file."""
    about = About()
    for line in text.splitlines():
        words = line.split()
        if not words:
            continue
        numbers = _numbers(words[1:])
        if words[0] == "CELL" and len(numbers) >= 6:
            about.set_cell(numbers[:6], where)
        elif words[0] == "SOURCE" and len(words) > 2:
            if found := _numbers(words[2:]):
                about.set_wavelength(found[0], where)
        elif words[0] in ("BRAVAIS", "SYMM"):
            about.carried[words[0].lower()] = " ".join(words[1:])
    return about


def _numbers(words: list[str]) -> list[float]:
    """The numbers at the beginning of some words."""
    out = []
    for word in words:
        try:
            value = float(word.partition("(")[0])
        except ValueError:
            break
        if not np.isfinite(value):
            break
        out.append(value)
    return out
