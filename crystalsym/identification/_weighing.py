"""What network, absences, statistics and hypotheses of a list say together.

P(group) is the sum over hypotheses H (a centering and a Laue class) of P(H)^h m(H)^u P(group | H).
P(group | H) is in proportion to p(group)^n of the network, the likelihood of the absences to the
power a, and that of the mean of |E² - 1| to the power c; m(H) is what the network gives to all
groups of H together. The powers were chosen on simulated lists; less than 1 says that evidence
repeats itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from crystalsym.reflections import GroupLikelihoods

# No absences count for more than this, in natural logarithms before their power: beyond, pseudo-
# symmetry speaks as loudly.
MOST = 60.0
IMPOSSIBLE = -60.0


@dataclass(frozen=True)
class Weights:
    """Hold the powers of the parts, and how probabilities become reliabilities.

    Attributes
    ----------
    network, absences, centricity, hypothesis, unity : float
        n, a, c, h and u.
    offset, slope : float
        The log of the odds that the first group is right is offset + slope times the log of the
        odds of its probability.
    most, least : float
        Hypotheses that are followed: so many, and none less probable than the first by this factor.

    Examples
    --------
    >>> from crystalsym.identification._weighing import Weights
    >>> Weights.of({"network": 0.9}).network
    0.9
    """

    network: float = 0.90
    absences: float = 0.20
    centricity: float = 0.20
    hypothesis: float = 1.07
    unity: float = 0.49
    offset: float = 0.23
    slope: float = 1.04
    most: float = 5
    least: float = 1e-4

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Weights:
        """Read weights from a model's card; what it does not name is as by default."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: float(value) for name, value in stored.items() if name in known})

    def as_dict(self) -> dict[str, float]:
        """Return them for a card."""
        return asdict(self)

    def reliability(self, probability: float) -> float:
        """How often first groups of such a probability are right."""
        p = min(max(probability, 1e-6), 1 - 1e-6)
        return float(1 / (1 + np.exp(-self.offset - self.slope * np.log(p / (1 - p)))))


@dataclass(frozen=True, eq=False)
class Opinion:
    """Hold what is known under one hypothesis.

    Attributes
    ----------
    probability : float
        Of the hypothesis.
    network : ndarray of shape (n,)
        Probabilities of the groups of ``likelihoods.numbers``.
    likelihoods : GroupLikelihoods
    """

    probability: float
    network: np.ndarray
    likelihoods: GroupLikelihoods


def weighed(opinions: Sequence[Opinion], weights: Weights) -> np.ndarray:
    """Put opinions together.

    Parameters
    ----------
    opinions : sequence of Opinion
    weights : Weights

    Returns
    -------
    ndarray of shape (231,)
        Probability of each space group; that of number 0 is 0.
    """
    total = np.full(231, -np.inf)
    for one in opinions:
        found = one.likelihoods
        score = weights.network * np.log(np.maximum(one.network, 1e-12))
        score += weights.absences * np.clip(found.absences, -MOST, MOST)
        score += weights.centricity * found.centricity
        score[found.absences <= -39.9] = IMPOSSIBLE  # of another centering
        score -= np.logaddexp.reduce(score)
        score += weights.hypothesis * np.log(max(one.probability, 1e-12))
        score += weights.unity * np.log(max(float(one.network.sum()), 1e-6))
        total[found.numbers] = np.logaddexp(total[found.numbers], score)
    shares = np.exp(total - total.max())
    return shares / shares.sum()
