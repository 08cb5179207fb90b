"""Does a list hold observed reflections alone?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FEWEST = 50  # rows, or weak rows, of which fewer prove nothing
_WEAKEST, _STRONGEST = 1.0, 6.0  # of I/sigma: where lists are cut; none is cut higher
_RARE = 0.01  # part of intensities of 0 or below beside weak positive ones


def why_observed_only(
    intensity: NDArray[np.float64], sigma: NDArray[np.float64] | None
) -> str | None:
    """Say by what a list is told to hold observed reflections alone, or None.

    Where nothing is seen, measurements scatter around 0: beside the weak positive ones (below
    their uncertainty) stand about as many negative ones, and at the least a tenth as many. Two
    things tell that reflections were dropped, therefore, in a list of at least 50 rows:

    * no intensity is below its uncertainty, and the smallest ratio of the two is below 6 (above,
      the crystal has no weak reflections);
    * at least 50 are below their uncertainty, and hardly any (1 % as many) is 0 or negative.
    """
    if len(intensity) < _FEWEST or sigma is None:
        return None
    ratio = intensity / sigma
    weak = int(np.sum((ratio > 0) & (ratio < _WEAKEST)))
    none = int(np.sum(intensity <= 0))
    if weak >= _FEWEST and none <= _RARE * weak:
        return (
            f"{weak} intensities are below their uncertainty but {none or 'none'} 0 or negative:"
            " negative ones were dropped"
        )
    weakest = float(ratio.min())
    if weak == none == 0 and weakest <= _STRONGEST:
        return f"no intensity is below {weakest:.2g} of its uncertainty: weak ones were dropped"
    return None
