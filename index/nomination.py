"""Nomination: FAISS names the encounters that can be among the best k subjects.

In a small gallery all segments are scanned whole, with proof that none is missing. In a large one, of all encounters
whose kind is common (`census.py`), scan codes name some hundred in all, and these are compared in float32 as a flat
scan would; that none is missing among those is measured (docs/performance.md), not proven. What an encounter's codes
say depends on the probe and that encounter, and the cut among them is made over the whole gallery, with everything that
is level at it. So who is named depends on what the gallery holds: never on segments, files, the batch, the threads or
the load.

A pool's order by inner products is the order of scores only where the probe shares as many fingers with each of its
encounters, that is, for probes of ten fingers. For others it is compared whole, and each product divided by its own
number.
"""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tenprint.index._faiss import nearest, products_of, scan_each
from tenprint.index.census import shared_by_all
from tenprint.index.scan import ScanCodes, nominees_wanted
from tenprint.index.segments import Segment
from tenprint.index.vectors import FINGERS
from tenprint.index.yardstick import Yardstick

_MARGIN = 8
"""Nominees asked of a segment beyond k at first: room for further encounters of the same subjects. Nearly free (40
more cost 4 % of a scan), where a second scan costs a whole one."""

_DEAD_MARGIN = 64
"""Further nominees asked of a segment that holds dead rows, one for each, at most so many."""

_LEVEL_MARGIN = 64
"""Nominees that codes are asked for beyond those wanted, for those that are level with the last of them."""

_UNEVEN = 3
"""How many times its share of the nominees a segment is asked for at first; asked again where that was too few."""

_CODED_AT_ONCE = 64
"""Probes answered for by codes together: what codes name for one fills 10 to 100 KB until the cut is made."""

_GROWTH = 4
"""By how much the nominees asked for grow when the first ones do not prove the answer."""


@dataclass(frozen=True, slots=True, eq=False)
class Nominees:
    """Encounters of one segment nominated for one probe.

    Attributes:
        segment: where they lie.
        rows: int64 [n], their rows; none dead.
        standings: float64 [n], of nomination scores: float32 inner products over the number of shared fingers, as the
            gallery's yardstick compares them; in no order.
        bound: the highest standing of an encounter of the segment outside these; None: there is none, or scan codes
            left it out.
    """

    segment: Segment
    rows: NDArray[np.int64]
    standings: NDArray[np.float64]
    bound: float | None

    def not_below(self, floor: float) -> "Nominees":
        """Those whose standing is ``floor`` or more."""
        kept = self.standings >= floor
        return Nominees(self.segment, self.rows[kept], self.standings[kept], self.bound)

    def may_miss(self, floor: float) -> bool:
        """Whether an encounter outside these can have a standing of ``floor`` or more."""
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
    segments: Sequence[Segment],
    probes: NDArray[np.float32],
    masks: Sequence[int],
    k: int,
    *,
    yardstick: Yardstick,
    coded: AbstractSet[int],
) -> list[list[Nominees]]:
    """Name every encounter that can be the best of one of the k best subjects, for each probe.

    With T the exact standing of the k-th best subject and e the nomination error in standings: k different subjects are
    nominated at t or more, hence stand at t - e or more, so T >= t - e; whatever reaches T is nominated at T - e or
    more, that is at t - 2 e or more. So the encounters nominated at t - 2 e or more are the answer's, ties included,
    once no segment can hold more of them; segments that can are asked again for more.

    Args:
        segments: one state of the gallery.
        probes: float32 [n, 10, d], unit slots.
        masks: the n probes' fingers.
        k: subjects wanted.
        yardstick: that says who is better.
        coded: kinds of which codes name, where all encounters of a kind share as many fingers with the probe; all
            others are scanned whole.

    Returns:
        For each probe, the nominees of the segments that share a finger with it, those with none left out.
    """
    if not masks:
        return []
    slack = 2 * nomination_error(FINGERS * probes.shape[2]) * yardstick.steepest
    found = _ask_codes([segment for segment in segments if segment.kind in coded], probes, masks, k, yardstick)
    floors = [-np.inf] * len(masks)
    pending: dict[int, list[int]] = {}
    for segment in segments:
        if segment.pooled:
            _compare(segment, probes, masks, coded, yardstick, found)
        elif segment.kind not in coded and segment.live:
            pending[segment.serial] = [number for number, mask in enumerate(masks) if mask & segment.kind]
    limit = k + _MARGIN
    unsettled = set(range(len(masks)))
    while unsettled:
        for segment in segments:
            if asking := pending.get(segment.serial):
                named = _ask(segment, probes, masks, asking, limit, yardstick)
                for number, nominees in zip(asking, named, strict=True):
                    found[number][segment.serial] = nominees
        for number in unsettled:
            floors[number] = _kth_subject_standing(found[number].values(), k) - slack
        pending = {
            serial: missing
            for serial, asking in pending.items()
            if (missing := [number for number in asking if found[number][serial].may_miss(floors[number])])
        }
        unsettled = {number for asking in pending.values() for number in asking}
        limit *= _GROWTH
    return [
        [kept for nominees in by_segment.values() if len((kept := nominees.not_below(floor)).rows)]
        for by_segment, floor in zip(found, floors, strict=True)
    ]


def _ask(
    segment: Segment,
    probes: NDArray[np.float32],
    masks: Sequence[int],
    asking: list[int],
    limit: int,
    yardstick: Yardstick,
) -> list[Nominees]:
    """The ``limit`` encounters of a segment nearest to each of the probes numbered ``asking``."""
    k = min(limit + min(segment.dead_count, _DEAD_MARGIN), segment.count)
    queries = probes[np.ix_(asking, segment.slots)].reshape(len(asking), -1)
    products, rows = nearest(queries, segment.vectors, k)
    shared = np.array([(masks[number] & segment.kind).bit_count() for number in asking])[:, np.newaxis]
    standings = yardstick.standings(products.astype(np.float64) / shared, shared)
    bounds = [None] * len(asking) if k == segment.count else standings[:, -1].tolist()
    if not segment.dead_count:
        return [Nominees(segment, rows[i], standings[i], bounds[i]) for i in range(len(asking))]
    alive = ~segment.dead[rows]
    return [Nominees(segment, rows[i][alive[i]], standings[i][alive[i]], bounds[i]) for i in range(len(asking))]


def _compare(
    pool: Segment,
    probes: NDArray[np.float32],
    masks: Sequence[int],
    coded: AbstractSet[int],
    yardstick: Yardstick,
    found: Sequence[dict[int, Nominees]],
) -> None:
    """Find every encounter of a pool that shares a finger, for each of the probes that codes do not answer for."""
    asking = [n for n, mask in enumerate(masks) if pool.kind not in coded or shared_by_all(pool.kind, mask) is None]
    if not asking or not pool.live:
        return
    own = np.array([masks[number] for number in asking], dtype=np.uint16)
    shared = np.bitwise_count(own[:, np.newaxis] & pool.masks[: pool.count])
    scores = (probes[asking].reshape(len(asking), -1) @ pool.vectors.T).astype(np.float64)
    scores /= np.maximum(shared, 1)
    standings = yardstick.standings(scores, shared)
    comparable = (shared > 0) & ~pool.dead[: pool.count]
    for place, number in enumerate(asking):
        rows = np.flatnonzero(comparable[place])
        found[number][pool.serial] = Nominees(pool, rows, standings[place, rows], None)


def _ask_codes(
    segments: Sequence[Segment], probes: NDArray[np.float32], masks: Sequence[int], k: int, yardstick: Yardstick
) -> list[dict[int, Nominees]]:
    """For each probe, by segment, what its codes name, standing as a flat scan says.

    Of all segments that share as many fingers with the probe, the same number is named as if they were one.
    """
    found: list[dict[int, Nominees]] = [{} for _ in masks]
    of_kind: dict[int, list[Segment]] = {}
    for segment in segments:
        if segment.live:
            of_kind.setdefault(segment.kind, []).append(segment)
    for start in range(0, len(masks), _CODED_AT_ONCE):
        sharing: dict[int, dict[int, list[int]]] = {}  # how many fingers -> kind -> probes
        for kind in of_kind:
            for number in range(start, min(start + _CODED_AT_ONCE, len(masks))):
                if shared := shared_by_all(kind, masks[number]):
                    sharing.setdefault(shared, {}).setdefault(kind, []).append(number)
        for shared, asking_of_kind in sharing.items():
            scans = []
            for kind, asking in asking_of_kind.items():
                asked = _Asked.of(of_kind[kind][0], probes, np.array(asking))
                scans += [_Scan(segment, asked) for segment in of_kind[kind]]
            floors = _cut(scans, len(probes), nominees_wanted(k, shared))
            for scan in scans:
                for number, nominees in scan.compared(floors, shared, yardstick):
                    found[number][scan.segment.serial] = nominees
    return found


def _codes(segment: Segment) -> ScanCodes:
    if segment.codes is None:
        raise ValueError("a segment without codes cannot be scanned by them")
    return segment.codes


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What some probes ask of every segment of one kind.

    Attributes:
        numbers: int64 [n], the probes', rising.
        queries: float32 [n, w], their fingers that the kind has room for.
        fitted: the same as codes are asked.
    """

    numbers: NDArray[np.int64]
    queries: NDArray[np.float32]
    fitted: NDArray[np.float32]

    @classmethod
    def of(cls, segment: Segment, probes: NDArray[np.float32], numbers: NDArray[np.int64]) -> "_Asked":
        """Of one of the segments, float32 [all, 10, d], and the numbers."""
        queries = probes[np.ix_(numbers, np.array(segment.slots))].reshape(len(numbers), -1)
        return cls(numbers, queries, _codes(segment).codebook.fitted(queries))


class _Scan:
    """What the codes of one segment say of some probes.

    Args:
        segment: with codes and a live encounter.
        asked: of it.
    """

    def __init__(self, segment: Segment, asked: _Asked) -> None:
        self.segment, self._asked, self._codes = segment, asked, _codes(segment)
        self._limit = 0
        self.scores = np.empty((len(asked.numbers), 0), dtype=np.float32)
        """Approximate inner products, float32 [n, m]; minus infinity for what is dead."""
        self.bounds = np.full(len(asked.numbers), np.inf, dtype=np.float32)
        """Every encounter above it is among the scores, of those level with it some; float32 [n]."""
        self._rows = np.empty((len(asked.numbers), 0), dtype=np.int64)

    @property
    def asking(self) -> NDArray[np.int64]:
        """The probes' numbers, rising, int64 [n]."""
        return self._asked.numbers

    def ask(self, limit: int, wanting: NDArray[np.bool_]) -> None:
        """Have up to ``limit`` encounters named, and room for the dead, for some of ``asking``: bool [n]."""
        self._limit = limit + min(self.segment.dead_count, _DEAD_MARGIN)
        all_want = bool(wanting.all())
        fitted = self._asked.fitted if all_want else self._asked.fitted[wanting]
        scores, rows, bounds = self._codes.nearest(fitted, self._limit)
        if self.segment.dead_count:
            scores[self.segment.dead[rows]] = -np.inf
        if all_want:
            self.scores, self._rows, self.bounds = scores, rows, bounds
            return
        missing = ((0, 0), (0, scores.shape[1] - self.scores.shape[1]))
        self.scores = np.pad(self.scores, missing, constant_values=-np.inf)
        self._rows = np.pad(self._rows, missing)
        self.scores[wanting], self._rows[wanting], self.bounds[wanting] = scores, rows, bounds

    def ask_again(self, floors: NDArray[np.float32]) -> bool:
        """Have more named where an encounter that is not can reach the floor of its probe; whether there was such."""
        wanting = (self.bounds >= floors[self.asking]) & (self.bounds > -np.inf)
        if not wanting.any():
            return False
        self.ask(_GROWTH * self._limit, wanting)
        return True

    def compared(
        self, floors: NDArray[np.float32], shared: int, yardstick: Yardstick
    ) -> Iterator[tuple[int, Nominees]]:
        """The probes for which it has encounters that reach their floor, and those, compared as a flat scan would."""
        reached = (self.scores >= floors[self.asking, np.newaxis]) & (self.scores > -np.inf)
        counts = np.count_nonzero(reached, axis=1)
        first = np.argsort(~reached, axis=1, kind="stable")[:, : counts.max()]  # those that reach it lead
        rows = np.take_along_axis(self._rows, first, axis=1)
        rows[np.arange(rows.shape[1]) >= counts[:, np.newaxis]] = -1
        products = products_of(self._asked.queries, self.segment.vectors, rows)
        standings = yardstick.standings(products.astype(np.float64) / shared, shared)
        for i in np.flatnonzero(counts).tolist():
            yield int(self.asking[i]), Nominees(self.segment, rows[i, : counts[i]], standings[i, : counts[i]], None)


def _cut(scans: Sequence[_Scan], probes: int, wanted: int) -> NDArray[np.float32]:
    """The approximate score of each probe's last nominee of all scans, float32 [probes]; minus infinity where there are
    fewer than wanted. When it returns, every live encounter that reaches it has been named."""
    live = sum(scan.segment.live for scan in scans)

    def ask(scan: _Scan) -> None:
        share = min(wanted, _UNEVEN * wanted * scan.segment.live // live)
        scan.ask(share + _LEVEL_MARGIN, np.ones(len(scan.asking), dtype=np.bool_))

    scan_each(ask, scans, probes)
    floors = np.full(probes, -np.inf, dtype=np.float32)
    again = True
    while again:
        for number in sorted({number for scan in scans for number in scan.asking.tolist()}):
            scores = np.concatenate([scan.scores[scan.asking == number].ravel() for scan in scans])
            if len(scores) >= wanted:
                floors[number] = np.partition(scores, -wanted)[-wanted]
        again = any(scan.ask_again(floors) for scan in scans)
    return floors


def _kth_subject_standing(found: Iterable[Nominees], k: int) -> float:
    """The standing of the k-th best subject found; minus infinity while fewer than k are."""
    listed = list(found)
    if not listed:
        return -np.inf
    falling = -np.concatenate([nominees.standings for nominees in listed])
    rows = np.concatenate([nominees.rows for nominees in listed])
    ends = np.cumsum([len(nominees.rows) for nominees in listed])
    wanted = 2 * k
    while True:
        best = np.argpartition(falling, wanted)[:wanted] if wanted < len(falling) else np.arange(len(falling))
        best = best[np.argsort(falling[best])]
        seen: set[str] = set()
        owners = np.searchsorted(ends, best, side="right")
        for standing, row, owner in zip(falling[best].tolist(), rows[best].tolist(), owners.tolist(), strict=True):
            seen.add(listed[owner].segment.subject_ids[row])
            if len(seen) == k:
                return -float(standing)
        if len(best) == len(falling):
            return -np.inf
        wanted *= _GROWTH
