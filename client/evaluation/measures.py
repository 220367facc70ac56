"""Error rates of biometric comparisons and searches (ISO/IEC 19795-1), and their bootstrap intervals. Pure functions.

A score of minus infinity never matches, at whatever threshold: so a failure to extract is a miss, and no false match.
Weights say how often a trial counts; all ones, unless a bootstrap asks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

REPLICATES: Final = 500
"""Of a bootstrap."""
_INTERVAL: Final = (0.025, 0.975)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Error rates by threshold. All float64 of one length, by rising threshold; the last is infinite.

    Attributes:
        threshold: a trial whose score reaches it matches.
        false_match: share of non-mated trials that match, falling.
        false_non_match: share of mated trials that do not, rising.
    """

    threshold: Floats
    false_match: Floats
    false_non_match: Floats

    @property
    def equal_error(self) -> float:
        """EER, 0 to 1: the middle of the interval in which both rates meet, as FVC defines it.

        D. Maio and others, "FVC2000: Fingerprint Verification Competition", IEEE TPAMI 24(3), 2002, section 5.
        """
        past = int(np.argmax(self.false_non_match >= self.false_match))  # the last threshold is always past
        beyond = (self.false_match[past] + self.false_non_match[past]) / 2
        if past == 0 or self.false_non_match[past] == self.false_match[past]:
            return float(beyond)
        return float(min(beyond, (self.false_match[past - 1] + self.false_non_match[past - 1]) / 2))

    def false_non_match_at(self, false_match: float) -> float:
        """The least false non-match rate at which the false match rate is at most the one given: FMR100 at 0.01."""
        return float(self.false_non_match[np.argmax(self.false_match <= false_match)])


class Trials:
    """Scores of mated and of non-mated trials, sorted once, so that a bootstrap can weigh them again and again.

    Args:
        mated: float64 [m], one or more.
        non_mated: float64 [n], one or more.

    Raises:
        ValueError: if either is empty or holds NaN.
    """

    def __init__(self, mated: Floats, non_mated: Floats) -> None:
        if not len(mated) or not len(non_mated):
            raise ValueError(f"{len(mated)} mated and {len(non_mated)} non-mated trials; needed is one of each")
        scores = np.concatenate([mated, non_mated])
        if np.isnan(scores).any():
            raise ValueError("a score is NaN")
        levels, places = np.unique(scores, return_inverse=True)
        self._ghosts = int(levels[0] == -np.inf)
        self._levels = np.append(levels[self._ghosts :], np.inf)
        self._mated, self._non_mated = places[: len(mated)], places[len(mated) :]
        self._count = len(levels)

    def curve(self, mated: Floats | None = None, non_mated: Floats | None = None) -> Curve:
        """Error rates at every score there is, and above all.

        Args:
            mated: float64 [m], weights of the mated trials; None: all count once.
            non_mated: float64 [n], of the non-mated.
        """
        missed = self._below(self._mated, mated)
        passed = self._below(self._non_mated, non_mated)
        # Of no trials at all none errs; that is not 0 / 0.
        return Curve(self._levels, (passed[-1] - passed) / (passed[-1] or 1.0), missed / (missed[-1] or 1.0))

    def _below(self, places: Integers, weights: Floats | None) -> Floats:
        """The weight below each threshold; below the last lies all of it, which may be none in a bootstrap."""
        summed = np.cumsum(np.bincount(places, weights, self._count))
        return np.concatenate([[0.0], summed])[self._ghosts :]


def found_by(ranks: Floats, depth: float, weights: Floats | None = None) -> float:
    """Share of searches whose mate stands within the first `depth` places; of a mate not found the rank is infinite."""
    found = ranks <= depth
    return float(found.mean() if weights is None else found @ weights / weights.sum())


def penetration(ranks: Floats, gallery: int, missed: float, weights: Floats | None = None) -> float:
    """The least share of the gallery to be looked through, best first, for at most a share `missed` of mates missed.

    Infinite where no depth is enough: mates that are not found, or not extracted, are more.
    """
    order = np.argsort(ranks, kind="stable")
    counted = np.ones(len(ranks)) if weights is None else weights[order]
    reached = np.cumsum(counted) >= (1 - missed) * counted.sum() - 1e-9
    return float(ranks[order][int(np.argmax(reached))] / gallery)


def cumulative_match(ranks: Floats, depth: int) -> Floats:
    """CMC: the share of searches whose mate stands within the first 1, 2, ... `depth` places, float64 [depth]."""
    within = ranks[ranks <= depth].astype(np.int64)
    summed: Floats = np.cumsum(np.bincount(within, minlength=depth + 1)[1:]) / len(ranks)
    return summed


def bootstrap(
    measure: Callable[[Floats], Mapping[str, float]], units: int, seed: int, replicates: int = REPLICATES
) -> dict[str, tuple[float, float]]:
    """95 % percentile intervals of figures, by drawing fingers or persons anew with replacement.

    Single trials are no units to draw: those of one finger resemble each other (R. M. Bolle and others, "Error analysis
    of pattern recognition systems: the subsets bootstrap", Computer Vision and Image Understanding 93, 2004).

    Args:
        measure: float64 [units], how often each unit was drawn, to the figures.
        units: how many there are.
        seed: of the draws.
        replicates: how many draws.
    """
    drawn = np.random.default_rng(seed).multinomial(units, np.full(units, 1 / units), size=replicates)
    found = [measure(row) for row in drawn.astype(np.float64)]
    intervals = {}
    for name in found[0]:
        values = np.array([one[name] for one in found])
        low, high = np.quantile(values, _INTERVAL, method="inverted_cdf")
        intervals[name] = (float(low), float(high))
    return intervals
