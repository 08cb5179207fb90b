"""What a reader guessed, left out or put right, said once and kept with the crystal."""

from __future__ import annotations

import warnings
from collections.abc import Iterable


class StructureWarning(UserWarning):
    """Something about a crystal that was guessed, left out, put right or looks wrong.

    The same words stand in :attr:`Crystal.notes`. To have an error instead:
    ``warnings.simplefilter("error", StructureWarning)``.
    """


def warn_of(label: str, notes: Iterable[str], stacklevel: int = 3) -> None:
    """Warn of each note on the crystal called ``label``."""
    for note in notes:
        warnings.warn(f"{label}: {note}", StructureWarning, stacklevel=stacklevel)


def listed(names: Iterable[str], most: int = 6) -> str:
    """Names as a phrase, the first few of many: ``'O1, O2 and 7 more'``."""
    distinct = list(dict.fromkeys(names))
    if len(distinct) <= most:
        return ", ".join(distinct)
    return f"{', '.join(distinct[: most - 1])} and {len(distinct) - most + 1} more"
