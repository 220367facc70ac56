"""Nomination: FAISS names the encounters that can be among the best k subjects, with proof that none is missing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tenprint.index._faiss import nearest
from tenprint.index.segments import Segment
from tenprint.index.vectors import FINGERS, slots_of

_MARGIN = 8
"""Nominees asked of a segment beyond k at first: room for further encounters of the same subjects. Nearly free (40
more cost 4 % of a scan), where a second scan costs a whole one."""

_DEAD_MARGIN = 64
"""Further nominees asked of a segment that holds dead rows, one for each, at most so many."""

_GROWTH = 4
"""By how much the nominees asked for grow when the first ones do not prove the answer."""


@dataclass(frozen=True, slots=True, eq=False)
class Nominees:
    """Encounters of one segment nominated for one probe.

    Attributes:
        segment: where they lie.
        rows: int64 [n], their rows; none dead.
        scores: float64 [n], FAISS's inner products over the number of shared fingers, falling.
        bound: the most that an encounter of the segment outside these can score in nomination; None: there is none.
    """

    segment: Segment
    rows: NDArray[np.int64]
    scores: NDArray[np.float64]
    bound: float | None

    def not_below(self, floor: float) -> "Nominees":
        """Those whose score is ``floor`` or more."""
        kept = int(np.count_nonzero(self.scores >= floor))
        return Nominees(self.segment, self.rows[:kept], self.scores[:kept], self.bound)

    def may_miss(self, floor: float) -> bool:
        """Whether an encounter outside these can have a nomination score of ``floor`` or more."""
        return self.bound is not None and self.bound >= floor


def nomination_error(width: int) -> float:
    """How far a nomination score can lie from the exact score.

    The float32 inner product of w numbers, summed in any order, is off by at most gamma(w) times the sum of the
    products' magnitudes, gamma(n) = n u / (1 - n u) with u = 2**-24 (Higham, Accuracy and Stability of Numerical
    Algorithms, 2nd ed., section 3.1). That sum is at most the number of shared fingers (Cauchy-Schwarz on unit
    vectors), by which the score is divided. Eight more roundings cover unit vectors that are unit only to float32, the
    division, the clipping of the exact score and its own rounding. 1.5e-4 at ten fingers of 256; seen: under 1e-6.
    """
    rounding = (width + 8) * 2.0**-24
    return rounding / (1 - rounding)


def nominate(
    segments: Sequence[Segment], probes: NDArray[np.float32], masks: Sequence[int], k: int
) -> list[list[Nominees]]:
    """Name every encounter that can be the best of one of the k best subjects, for each probe.

    With T the exact score of the k-th best subject and e the nomination error: k different subjects have a nomination
    score of t or more, hence an exact score of t - e or more, so T >= t - e; whatever reaches T has a nomination score
    of T - e or more, that is of t - 2 e or more. So the encounters nominated at t - 2 e or more are the answer's, ties
    included, once no segment can hold more of them; segments that can are asked again for more.

    Args:
        segments: one state of the gallery.
        probes: float32 [n, 10, d], unit slots.
        masks: the n probes' fingers.
        k: subjects wanted.

    Returns:
        For each probe, the nominees of the segments that share a finger with it, those with none left out.
    """
    slack = 2 * nomination_error(FINGERS * probes.shape[2])
    found: list[dict[int, Nominees]] = [{} for _ in masks]
    floors = [-np.inf] * len(masks)
    pending = {
        segment.serial: sharing
        for segment in segments
        if segment.live and (sharing := [number for number, mask in enumerate(masks) if mask & segment.mask])
    }
    limit = k + _MARGIN
    while pending:
        for segment in segments:
            if asking := pending.get(segment.serial):
                for number, nominees in zip(asking, _ask(segment, probes, masks, asking, limit), strict=True):
                    found[number][segment.serial] = nominees
        for number in {number for asking in pending.values() for number in asking}:
            floors[number] = _kth_subject_score(found[number].values(), k) - slack
        pending = {
            serial: missing
            for serial, asking in pending.items()
            if (missing := [number for number in asking if found[number][serial].may_miss(floors[number])])
        }
        limit *= _GROWTH
    return [
        [kept for nominees in by_segment.values() if len((kept := nominees.not_below(floor)).rows)]
        for by_segment, floor in zip(found, floors, strict=True)
    ]


def _ask(
    segment: Segment, probes: NDArray[np.float32], masks: Sequence[int], asking: list[int], limit: int
) -> list[Nominees]:
    """The ``limit`` encounters of a segment nearest to each of the probes numbered ``asking``."""
    k = min(limit + min(segment.dead_count, _DEAD_MARGIN), segment.count)
    queries = probes[np.ix_(asking, slots_of(segment.mask))].reshape(len(asking), -1)
    products, rows = nearest(queries, segment.vectors, k)
    shared = np.array([(masks[number] & segment.mask).bit_count() for number in asking], dtype=np.float64)
    scores = products / shared[:, np.newaxis]
    bounds = [None] * len(asking) if k == segment.count else scores[:, -1].tolist()
    if not segment.dead_count:
        return [Nominees(segment, rows[i], scores[i], bounds[i]) for i in range(len(asking))]
    alive = ~segment.dead[rows]
    return [Nominees(segment, rows[i][alive[i]], scores[i][alive[i]], bounds[i]) for i in range(len(asking))]


def _kth_subject_score(found: Collection[Nominees], k: int) -> float:
    """The nomination score of the k-th best subject found; minus infinity while fewer than k are."""
    scores = np.concatenate([nominees.scores for nominees in found])
    subjects = np.concatenate([nominees.segment.subject_ids[nominees.rows] for nominees in found])
    seen: set[str] = set()
    for place in np.argsort(-scores):
        seen.add(subjects[place])
        if len(seen) == k:
            return float(scores[place])
    return -np.inf
