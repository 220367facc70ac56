"""How often the best score of a search without a mate exceeds a score, by the size of the gallery.

Not from single comparisons: a search of N is not N independent chances. Some impressions, most of them small, resemble
many others, and of a gallery only the short list is compared minutia by minutia. So the best score of whole searches
is what is measured, in galleries of several sizes, and between the sizes the rate is interpolated (ADR 0016).
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

RULE_OF_THREE: Final = 3.0
"""No event in n independent trials bounds its rate to 3 / n with 95 % confidence: (1 - p)^n = 0.05 gives p = 2.996 / n
(J. A. Hanley, A. Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249(13), 1983)."""

EXTENSION: Final = 10
"""Times the largest gallery measured for which something is still said, and then the most that there can be."""

_STEPS: Final = 60
"""Halvings that find a score by its rate: to the last bit of a score."""


@dataclass(frozen=True, slots=True)
class Block:
    """The best non-mated score of searches in galleries of one size.

    Between the knots the logarithm of the exceedance is interpolated; above the last it is a generalised Pareto
    distribution's, the limit of what exceeds a high threshold (J. Pickands, "Statistical inference using extreme order
    statistics", Annals of Statistics 3(1), 1975). With u and z the last knot's score and exceedance, for s >= u:

        exceedance(s) = z * (1 + shape * (s - u) / scale) ** (-1 / shape)

    Attributes:
        size: records in the gallery.
        knots: score and exceedance, measured; scores rise, exceedances fall. At least one.
        shape: of the Pareto distribution; 0: the exponential one.
        scale: of it, more than 0.
    """

    size: int
    knots: tuple[tuple[float, float], ...]
    shape: float
    scale: float

    def exceedance(self, score: float) -> float | None:
        """The share of searches whose best score is higher, 0 to 1; None below the first knot."""
        last = self.knots[-1]
        if not score >= self.knots[0][0]:
            return None
        if score < last[0]:
            place = bisect_right(self.knots, score, key=lambda knot: knot[0])
            (low, often), (high, seldom) = self.knots[place - 1], self.knots[place]
            share = (score - low) / (high - low)
            return math.exp((1 - share) * math.log(often) + share * math.log(seldom))
        stretched = (score - last[0]) / self.scale
        if abs(self.shape) < 1e-9:
            return last[1] * math.exp(-stretched)
        base = 1 + self.shape * stretched
        return float(last[1] * base ** (-1 / self.shape)) if base > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Tail:
    """The rate of non-mated searches with a best score above a score, for one kind of score and number of fingers.

    Attributes:
        searches: different impressions that were searched.
        blocks: by rising size; the first of size 1.
    """

    searches: int
    blocks: tuple[Block, ...]

    @property
    def least(self) -> float:
        """The least rate that may be claimed, by the rule of three: however many galleries an impression was searched
        in, it is one trial."""
        return RULE_OF_THREE / self.searches

    def covers(self, size: int) -> bool:
        """Whether anything is said of galleries of this size."""
        return self.blocks[0].size <= size <= self.blocks[-1].size * EXTENSION

    def lowest(self, size: int) -> float:
        """The score from which on the rate falls; below, it is what it is there, or more."""
        return self.blocks[bisect_right(self.blocks, size, key=_size) - 1].knots[0][0]

    def highest(self, size: int) -> float:
        """The score where the range ends."""
        return self.score(self.least, size)

    def rate(self, score: float, size: int) -> float:
        """The rate, however low; it falls as the score rises, and rises with the size.

        With F the share of searches that find a higher score, -log(1 - F) is linear in the size where all impressions
        are alike, concave where they are not. Its logarithm is interpolated in the logarithm of the size; beyond the
        largest size measured it grows with the size, the most that a concave function can.

        Args:
            score: any.
            size: one that is covered.
        """
        place = bisect_left(self.blocks, size, key=_size)
        if place == len(self.blocks):
            largest = self.blocks[-1]
            return -math.expm1(-_intensity(largest, score) * size / largest.size)
        after = _intensity(self.blocks[place], score)
        if self.blocks[place].size == size or after == 0:
            return -math.expm1(-after)
        before, sizes = self.blocks[place - 1], (self.blocks[place - 1].size, self.blocks[place].size)
        # What noise there is must not turn the order round, nor let it grow faster than linearly.
        smaller = min(max(_intensity(before, score), after * sizes[0] / sizes[1]), after)
        share = math.log(size / sizes[0]) / math.log(sizes[1] / sizes[0])
        return -math.expm1(-math.exp((1 - share) * math.log(smaller) + share * math.log(after)))

    def score(self, rate: float, size: int) -> float:
        """The score of a rate, by halving; the inverse of :meth:`rate` between the range's two ends."""
        low, step = self.lowest(size), 1.0
        high = low + step
        while self.rate(high, size) > rate:
            low, step = high, step * 2
            high = low + step
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.rate(middle, size) > rate else (low, middle)
        return high

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """Read the fields of the two classes from plain data.

        Raises:
            ValueError, KeyError, TypeError: if they are not these.
        """
        blocks = [
            Block(
                size=int(block["size"]),
                knots=tuple((float(score), float(exceedance)) for score, exceedance in block["knots"]),
                shape=float(block["shape"]),
                scale=float(block["scale"]),
            )
            for block in fields["blocks"]
        ]
        for block in blocks:
            scores, exceedances = np.array(block.knots).T
            sound = (np.diff(scores) > 0).all() and (np.diff(exceedances) < 0).all() and np.isfinite(scores).all()
            if not (sound and exceedances[0] < 1 and exceedances[-1] > 0 and math.isfinite(block.shape)):
                raise ValueError("knots must be finite; scores rise; exceedances fall, between 1 and 0")
            if not 0 < block.scale < math.inf:
                raise ValueError(f"scale: {block.scale}; must be more than 0")
        sizes = [block.size for block in blocks]
        if sizes != sorted(set(sizes)) or sizes[:1] != [1]:
            raise ValueError(f"blocks are of sizes {sizes}; they must rise, from 1")
        searches = int(fields["searches"])
        if searches <= RULE_OF_THREE:
            raise ValueError(f"searches: {searches}; must be more than 3")
        return cls(searches, tuple(blocks))


def _size(block: Block) -> int:
    return block.size


def _intensity(block: Block, score: float) -> float:
    """-log(1 - exceedance): what adds up over independent parts of a gallery. Below the first knot: as at it."""
    found = block.exceedance(score)
    return -math.log1p(-(block.knots[0][1] if found is None else found))
