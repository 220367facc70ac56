"""Fit a tail to the best scores of searches that have no mate."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import scipy  # which loads its parts when they are used: scipy.stats takes a second, and most commands fit nothing
from numpy.typing import NDArray

from tenprint.fingerprint.tail import Block, Tail

SIZES: Final = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
"""Of the galleries to search, as far as there are records."""
SEPARATE: Final = 10
"""Galleries of one size to search each impression in, where there are records for so many."""
FUSED_SIZES: Final = (1, 1_000, 10_000, 100_000, 1_000_000)
FUSED_FINGERS: Final = (1, 2, 4, 10)
"""Comparing minutiae takes its time: sizes and numbers of fingers whose fused scores are fitted."""
FEWEST_SEARCHES: Final = 500

_LEVELS: Final = (0.99, 0.9, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02)
"""Exceedances at which the score is kept as measured."""
_SHARE: Final = (0.01, 0.2)
"""The least and the greatest share of the searches whose best scores the Pareto distribution is fitted to."""
_ENOUGH: Final = 250
"""Scores it is fitted to, where the share allows: the rate that a tenth of them exceed is then known to a quarter."""


def fit_tail(best: Mapping[int, Sequence[NDArray[np.float64]]]) -> Tail:
    """Fit, by maximum likelihood, a generalised Pareto distribution to the highest of the best scores of each size.

    Args:
        best: by the size of the gallery, 1 and others: for each impression searched, float64 [b], its best scores in
            b separate galleries of that size.

    Raises:
        ValueError: if there are fewer than 500 impressions, or too many of their best scores are equal.
    """
    searches = min(len(scores) for scores in best.values())
    if searches < FEWEST_SEARCHES:
        raise ValueError(f"{searches} impressions searched; at least {FEWEST_SEARCHES} are needed")
    return Tail(searches, tuple(_block(size, np.concatenate(best[size])) for size in sorted(best)))


def _block(size: int, best: NDArray[np.float64]) -> Block:
    share = min(max(_SHARE[0], _ENOUGH / len(best)), _SHARE[1])
    levels = np.array([*(level for level in _LEVELS if level > share), share])
    scores = np.quantile(best, 1 - levels)
    if (np.diff(scores) <= 0).any():
        raise ValueError(f"too many of the best scores in galleries of {size} are equal")
    beyond = best[best > scores[-1]] - scores[-1]
    shape, _, scale = scipy.stats.genpareto.fit(beyond, floc=0)
    return Block(size, tuple(zip(scores.tolist(), levels.tolist(), strict=True)), float(shape), float(scale))
