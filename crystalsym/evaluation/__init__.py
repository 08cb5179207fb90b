"""A fitted pipeline's figures on labeled crystals, and on those crystals made harder."""

from __future__ import annotations

from crystalsym.evaluation._evaluation import Evaluation, evaluate
from crystalsym.evaluation._report_rows import (
    SUBSETS,
    VARIANTS,
    available_rows,
    check_rows,
    evaluate_rows,
)

__all__ = [
    "SUBSETS",
    "VARIANTS",
    "Evaluation",
    "available_rows",
    "check_rows",
    "evaluate",
    "evaluate_rows",
]
