"""How scores that rest on different numbers of fingers are compared."""

from collections.abc import Sequence
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tenprint.index.vectors import FINGERS

_INDEPENDENT: Final = tuple(1 / sqrt(fingers) for fingers in range(1, FINGERS + 1))


class Yardstick:
    """Says how far a score stands above what strangers score with as many fingers.

    The mean of two finger scores strays further than the mean of ten. In a gallery where many captures have two
    fingers, the best of those strangers score more than a poor capture's mate with ten; ordered by score, they would
    take its place in every list. So a gallery's order is that of (score - strangers' mean) / spread, scores normalised
    by what impostors score (z-scores: Jain, Nandakumar and Ross 2005, Score normalization in multimodal biometric
    systems). Among captures that share as many fingers with a probe it is the order of scores.

    Args:
        strangers: the mean score of strangers, -1 to 1.
        spread: item n - 1: how far strangers' scores of n fingers lie apart, above 0, in any unit; None: as the means
            of independent finger scores do, 1 / sqrt(n).
    """

    def __init__(self, strangers: float = 0.0, spread: Sequence[float] | None = None) -> None:
        self._strangers: Final = strangers
        self._spread: Final = _INDEPENDENT if spread is None else tuple(spread)
        if len(self._spread) != FINGERS or not all(value > 0 for value in self._spread):
            raise ValueError(f"spread: must be {FINGERS} numbers above 0")
        self._of_fingers: Final = np.array((np.inf, *self._spread))

    @classmethod
    def of_thresholds(cls, strangers: float, thresholds: Sequence[float]) -> "Yardstick":
        """With 1 at the threshold of each number of fingers, 1 to 10.

        So nobody whose score is below the threshold takes the place of somebody whose score is above.
        """
        return cls(strangers, [threshold - strangers for threshold in thresholds])

    @property
    def steepest(self) -> float:
        """By how much a standing changes with a score, at most."""
        return 1 / min(self._spread)

    def standing(self, score: float, fingers: int) -> float:
        """Of one score that rests on 1 to 10 fingers."""
        return (score - self._strangers) / self._spread[fingers - 1]

    def standings(self, scores: NDArray[np.float64], fingers: NDArray[np.integer] | int) -> NDArray[np.float64]:
        """Of many, each to the last bit as `standing` gives it: float64 of the shape of ``scores``.

        Args:
            scores: float64.
            fingers: that each rests on, 1 to 10, of a shape that fits; where it is 0, the standing is 0.
        """
        found: NDArray[np.float64] = (scores - self._strangers) / self._of_fingers[fingers]
        return found
