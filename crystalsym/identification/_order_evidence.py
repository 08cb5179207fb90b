"""Which order three images come in, by what a network makes of each order that is possible.

A network that learned patterns in one order is sure of its answer when it sees them so, and often
unsure when it does not: a right order is told by the entropy of its probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# How many times less likely an order is, as powers of e, for one unit of its answer's entropy.
# Chosen together with the doubts of orders on crystals that validated the training.
PER_ENTROPY = 4.0
# Orders less likely than this are not worth a word.
WORTH_TELLING = 0.02


def order_shares(probabilities: np.ndarray, doubts: Sequence[float]) -> np.ndarray:
    """Weigh the orders of three images.

    Parameters
    ----------
    probabilities : ndarray of shape (n_orders, n_classes)
        A network's answer to each.
    doubts : sequence of float
        What speaks against each before the intensities are looked at: ``Turning.doubt``.

    Returns
    -------
    ndarray of shape (n_orders,)
        Shares that sum to one.

    Examples
    --------
    >>> sure, unsure = [0.98, 0.01, 0.01], [0.4, 0.3, 0.3]
    >>> order_shares(np.array([sure, unsure]), [0.0, 0.0]).round(3).tolist()
    [0.98, 0.02]
    >>> order_shares(np.array([sure, sure]), [0.0, np.log(3)]).round(3).tolist()
    [0.75, 0.25]
    """
    p = np.asarray(probabilities, dtype=float)
    entropy = -(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=1)
    evidence = -PER_ENTROPY * entropy - np.asarray(doubts, dtype=float)
    shares = np.exp(evidence - evidence.max())
    return shares / shares.sum()


def telling(shares: np.ndarray, orders: Sequence[Sequence[int]]) -> str:
    """Say which orders are held to be possible, likeliest first.

    Parameters
    ----------
    shares : ndarray of shape (n_orders,)
    orders : sequence of (int, int, int)
        Which image is the first, second and third zone.
    """
    names = ["".join("xyz"[list(order).index(image)] for image in range(3)) for order in orders]
    best = np.argsort(-shares, kind="stable")
    said = [f"{names[i]} {100 * shares[i]:.0f} %" for i in best if shares[i] >= WORTH_TELLING]
    return f"which zone each image is was told by the lattices and the answers: {', '.join(said)}"
