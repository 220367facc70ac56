"""Nomination: FAISS names the encounters that can be among the best k subjects.

Segments without scan codes are scanned whole, with proof that none is missing. Of those with codes, the codes name some
hundred encounters in all, and these are compared in float32 as a flat scan would; that none is missing among those is
measured (docs/performance.md), not proven. Which of the two a segment gets was decided when its file was written, and
what its codes say of an encounter depends on the probe and that encounter: never on the batch, the threads or the load.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from tenprint.index._faiss import nearest, products_of
from tenprint.index.pool import POOL_ROWS, Pool
from tenprint.index.scan import nominees_wanted
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
        scores: float64 [n], float32 inner products over the number of shared fingers; falling, but of a pool's segment.
        bound: the most that an encounter of the segment outside these can score in nomination; None: there is none, or
            scan codes left it out.
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
    segments: Sequence[Segment], probes: NDArray[np.float32], masks: Sequence[int], k: int, *, exact: bool
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
        exact: scan every segment whole, codes or no.

    Returns:
        For each probe, the nominees of the segments that share a finger with it, those with none left out.
    """
    if not masks:
        return []
    slack = 2 * nomination_error(FINGERS * probes.shape[2])
    coded = [] if exact else [segment for segment in segments if segment.codes is not None]
    found = _ask_codes(coded, probes, masks, k)
    whole = [segment for segment in segments if exact or segment.codes is None]
    pool = Pool([segment for segment in whole if segment.count <= POOL_ROWS], probes, masks)
    large = [segment for segment in whole if segment.count > POOL_ROWS]
    floors = [-np.inf] * len(masks)
    pending = {
        segment.serial: sharing
        for segment in large
        if segment.live and (sharing := [number for number, mask in enumerate(masks) if mask & segment.mask])
    }
    limit = k + _MARGIN
    unsettled = set(range(len(masks)))
    while unsettled:
        for segment in large:
            if asking := pending.get(segment.serial):
                for number, nominees in zip(asking, _ask(segment, probes, masks, asking, limit), strict=True):
                    found[number][segment.serial] = nominees
        for number in unsettled:
            floors[number] = _kth_subject_score([*_listed(found[number].values()), *pool.best(number, k)], k) - slack
        pending = {
            serial: missing
            for serial, asking in pending.items()
            if (missing := [number for number in asking if found[number][serial].may_miss(floors[number])])
        }
        unsettled = {number for asking in pending.values() for number in asking}
        limit *= _GROWTH
    return [
        [
            *(kept for nominees in by_segment.values() if len((kept := nominees.not_below(floor)).rows)),
            *(Nominees(segment, rows, scores, None) for segment, rows, scores in pool.not_below(number, floor)),
        ]
        for number, (by_segment, floor) in enumerate(zip(found, floors, strict=True))
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


@dataclass(frozen=True, slots=True, eq=False)
class _Named:
    """What the codes of one segment name for one probe.

    Attributes:
        segment: where they lie.
        shared: fingers in common.
        rows: int64 [n]; none dead.
        approximate: float32 [n], approximate scores, falling.
    """

    segment: Segment
    shared: int
    rows: NDArray[np.int64]
    approximate: NDArray[np.float32]


def _ask_codes(
    segments: Sequence[Segment], probes: NDArray[np.float32], masks: Sequence[int], k: int
) -> list[dict[int, Nominees]]:
    """For each probe, by segment, what its codes name, with scores as a flat scan gives them.

    Of all segments that share as many fingers with the probe, the same number is named as if they were one.
    """
    named: list[list[_Named]] = [[] for _ in masks]
    for segment in segments:
        asking = [number for number, mask in enumerate(masks) if mask & segment.mask]
        if asking:
            for number, answer in zip(asking, _scan(segment, probes, masks, asking, k), strict=True):
                named[number].append(answer)
    return [_compared(probe, answers, k) for probe, answers in zip(probes, named, strict=True)]


def _scan(
    segment: Segment, probes: NDArray[np.float32], masks: Sequence[int], asking: list[int], k: int
) -> Iterator[_Named]:
    if segment.codes is None:
        raise ValueError("a segment without codes cannot be scanned by them")
    shared = [(masks[number] & segment.mask).bit_count() for number in asking]
    wanted = nominees_wanted(k, min(shared))
    limit = min(wanted + segment.dead_count, segment.count)  # the dead, however near, displace nobody
    queries = probes[np.ix_(asking, slots_of(segment.mask))].reshape(len(asking), -1)
    products, rows = segment.codes.nearest(queries, limit)
    for i, fingers in enumerate(shared):
        alive = ~segment.dead[rows[i]]
        yield _Named(segment, fingers, rows[i][alive], products[i][alive] / fingers)


def _compared(probe: NDArray[np.float32], named: Sequence[_Named], k: int) -> dict[int, Nominees]:
    """The nearest of what codes named, compared."""
    found: dict[int, Nominees] = {}
    for shared in {answer.shared for answer in named}:
        group = [answer for answer in named if answer.shared == shared]
        wanted = nominees_wanted(k, shared)
        scores = np.concatenate([answer.approximate for answer in group])
        floor = -np.inf if len(scores) <= wanted else np.partition(scores, -wanted)[-wanted]
        for answer in group:
            rows = answer.rows[answer.approximate >= floor]
            if len(rows):
                query = probe[list(slots_of(answer.segment.mask))].reshape(-1)
                exact = products_of(query, answer.segment.vectors, rows).astype(np.float64) / shared
                order = np.argsort(-exact, kind="stable")
                found[answer.segment.serial] = Nominees(answer.segment, rows[order], exact[order], None)
    return found


def _listed(found: Collection[Nominees]) -> Iterator[tuple[float, str]]:
    """Score and subject of everything found."""
    for nominees in found:
        yield from zip(nominees.scores.tolist(), nominees.segment.subject_ids[nominees.rows], strict=True)


def _kth_subject_score(found: list[tuple[float, str]], k: int) -> float:
    """The nomination score of the k-th best subject found; minus infinity while fewer than k are."""
    seen: set[str] = set()
    for score, subject in sorted(found, key=itemgetter(0), reverse=True):
        seen.add(subject)
        if len(seen) == k:
            return score
    return -np.inf
