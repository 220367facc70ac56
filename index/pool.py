"""The small segments of a gallery, compared whole and answered for together.

Incomplete captures fall into as many segments as there are sets of missing fingers, hundreds of them with a few dozen
encounters each. Asking FAISS and sorting answers segment by segment costs more than all the rest of a search; so all
inner products with a batch of probes are laid into one matrix, and a probe's best are taken from its row.
"""

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tenprint.index.segments import Segment
from tenprint.index.vectors import slots_of

POOL_ROWS = 2048
"""Most encounters of a segment that is compared whole: 8 KB of scores a probe at most."""


class Pool:
    """What the encounters of small segments score with each probe of a batch.

    Args:
        segments: the small ones.
        probes: float32 [n, 10, d], unit slots, C-contiguous.
        masks: the n probes' fingers.
    """

    def __init__(self, segments: Sequence[Segment], probes: NDArray[np.float32], masks: Sequence[int]) -> None:
        self._segments = segments
        self._starts = np.cumsum([0, *(segment.count for segment in segments)])
        self._scores = np.empty((len(probes), int(self._starts[-1])), dtype=np.float32)
        queries, dimension = probes.reshape(len(probes), -1), probes.shape[2]
        for segment, start in zip(segments, self._starts.tolist(), strict=False):
            scores = self._scores[:, start : start + segment.count]
            shared = np.array([(mask & segment.mask).bit_count() for mask in masks], dtype=np.float32)
            own = 0
            for number, (first, last) in enumerate(_runs(segment.mask)):
                width = (last - first) * dimension
                products = queries[:, first * dimension : last * dimension] @ segment.vectors[:, own : own + width].T
                own += width
                if number:
                    scores += products
                else:
                    scores[:] = products
            scores /= np.maximum(shared, 1)[:, np.newaxis]
            if segment.dead_count:
                scores[:, segment.dead[: segment.count]] = -np.inf
            if not shared.all():
                scores[shared == 0] = -np.inf

    def best(self, probe: int, k: int) -> Iterator[tuple[float, str]]:
        """Score and subject of the best of a probe, falling; at least of ``k`` subjects, where there are so many."""
        scores = self._scores[probe]
        wanted, told = 2 * k, 0
        subjects: set[str] = set()
        while told < len(scores) and len(subjects) < k:
            some = np.argpartition(-scores, wanted)[:wanted] if wanted < len(scores) else np.arange(len(scores))
            ordered = some[np.argsort(-scores[some], kind="stable")]
            for place in ordered[told:].tolist():
                if scores[place] == -np.inf:
                    return
                segment, row = self._place(place)
                subjects.add(segment.subject_ids[row])
                yield float(scores[place]), segment.subject_ids[row]
            told, wanted = len(ordered), 4 * wanted

    def not_below(self, probe: int, floor: float) -> Iterator[tuple[Segment, NDArray[np.int64], NDArray[np.float64]]]:
        """The encounters of a probe that score ``floor`` or more: by segment their rows and scores."""
        scores = self._scores[probe]
        places = np.flatnonzero(scores >= max(floor, np.finfo(np.float32).min))
        numbers = np.searchsorted(self._starts, places, side="right") - 1
        for number in np.unique(numbers).tolist():
            own = places[numbers == number]
            yield self._segments[number], own - self._starts[number], scores[own].astype(np.float64)

    def _place(self, place: int) -> tuple[Segment, int]:
        number = int(np.searchsorted(self._starts, place, side="right")) - 1
        return self._segments[number], place - int(self._starts[number])


@cache
def _runs(mask: int) -> tuple[tuple[int, int], ...]:
    """Neighbouring fingers of a mask as half-open ranges: each is one block of columns, of probes and of rows."""
    runs: list[tuple[int, int]] = []
    for slot in slots_of(mask):
        if runs and runs[-1][1] == slot:
            runs[-1] = (runs[-1][0], slot + 1)
        else:
            runs.append((slot, slot + 1))
    return tuple(runs)
