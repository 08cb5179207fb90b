"""One temperature for all logits, so that probabilities are as large as they are often right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crystalsym.classification._objectives import log_softmax
from crystalsym.classification._prediction_sets import compact, set_scores

MAX_LOG_TEMPERATURE = 5.0


@dataclass(frozen=True)
class Calibration:
    """What rows held out from a training tell about its probabilities.

    Attributes
    ----------
    temperature : float
        Divides the logits.
    n_rows : int
        How many rows it was found by.
    scores : ndarray or None
        See :func:`crystalsym.classification._prediction_sets.compact`.
    """

    temperature: float = 1.0
    n_rows: int = 0
    scores: np.ndarray | None = None


def calibrate(
    logits: np.ndarray, codes: np.ndarray, weights: np.ndarray | None, temperature: bool = True
) -> Calibration:
    """Find the temperature, and the scores that prediction sets need.

    Parameters
    ----------
    logits : (n, n_classes) float
    codes : (n,) int
        Columns of the true classes.
    weights : (n,) float or None
        Of the rows in the temperature's fit. Prediction sets count every row of some weight once:
        their coverage is that of rows as they come.
    temperature : bool, default=True
        Whether to fit one; otherwise it is 1.
    """
    if weights is not None and weights.sum() > 0:
        kept = weights > 0
        logits, codes, weights = logits[kept], codes[kept], weights[kept]
    else:
        weights = None
    if len(codes) == 0:
        return Calibration()
    if weights is not None:  # their scale means nothing to the training either
        weights = weights * len(codes) / weights.sum()
    value = fit_temperature(logits, codes, weights) if temperature else 1.0
    scores = set_scores(np.exp(log_softmax(logits / value)), codes)
    return Calibration(value, len(codes), compact(scores))


def fit_temperature(
    logits: np.ndarray,
    codes: np.ndarray,
    weights: np.ndarray | None = None,
    usual: float = 1.0,
) -> float:
    """Temperature that makes the true classes of some rows most probable.

    A standard normal prior on its logarithm, worth less than one row of weight 1, keeps it near
    the usual one where rows are few, and finite where all are right.

    Parameters
    ----------
    logits : (n, n_classes) float
    codes : (n,) int
        Columns of the true classes.
    weights : (n,) float, default=None
        How often each row counts.
    usual : float, default=1.0
        The middle of the prior.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, ICML 2017.

    Examples
    --------
    Three rows of four are right, so the probability ought to be near 3/4:

    >>> logits = np.tile([8.0, 0.0], (400, 1))
    >>> temperature = fit_temperature(logits, np.tile([0, 0, 0, 1], 100))
    >>> round(float(1 / (1 + np.exp(-8.0 / temperature))), 2)
    0.75
    """
    from scipy.optimize import minimize_scalar

    logits = logits.astype(np.float64)
    weights = np.ones(len(codes)) if weights is None else weights
    rows = np.arange(len(codes))

    def cost(log_temperature: float) -> float:
        own = log_softmax(logits * np.exp(-log_temperature))[rows, codes]
        return float(-(weights * own).sum() + 0.5 * (log_temperature - np.log(usual)) ** 2)

    bounds = (-MAX_LOG_TEMPERATURE, MAX_LOG_TEMPERATURE)
    found = minimize_scalar(cost, bounds=bounds, method="bounded", options={"xatol": 1e-7})
    return float(np.exp(found.x))
