"""Quantiles of seconds."""

import math
from collections.abc import Sequence


def quantile(rising: Sequence[float], p: float) -> float | None:
    """The nearest-rank quantile: the smallest value that at least a share `p` of the values do not exceed.

    A value that was measured, never one in between (the inverted empirical distribution; type 1 of Hyndman and Fan).

    Args:
        rising: the values, rising.
        p: above 0, at most 1.

    Returns:
        None where there is no value.
    """
    if not rising:
        return None
    return rising[max(math.ceil(p * len(rising) - 1e-9), 1) - 1]
