"""One queue for each gallery and one thread that searches them: probes that wait together are searched together.

Nothing waits for a batch to fill: the thread takes what is there, the galleries in turn. An idle server searches a lone
probe at once; a busy one forms batches as large as its backlog. Scores do not depend on the batch (the gallery rescores
on one fixed path), so a caller cannot tell the difference. What cannot be answered by its deadline is refused when it
comes, rather than let wait until it is too late.
"""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tenprint.index.gallery import MAX_PROBES, Gallery
from tenprint.index.results import SearchBatch, SearchResult
from tenprint.index.vectors import FINGERS
from tenprint.server.errors import DeadlinePassedError, OverloadedError, ShuttingDownError, TooLateError
from tenprint.server.metrics import Metrics
from tenprint.server.queues import Claim, TurnQueue

_WAITING_SHARE: Final = 0.25
"""Of the time left, what a probe may wait for its turn. A longer queue keeps the galleries no busier; it brings answers
that were searched in time and reach a caller who has given up."""

_LEARNED: Final = 0.05
"""Weight of the latest answer in the mean of how long answers take once their search has ended."""


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """What is searched.

    Attributes:
        vector: float32 [10 * d], the capture's vector; or, of a finger of unknown position, float32 [d].
        position_known: which of the two.
    """

    vector: NDArray[np.float32]
    position_known: bool


@dataclass(frozen=True, slots=True)
class Searched:
    """A gallery's result for one probe, and the seconds it took: waiting, nominating, rescoring.

    The last two are the whole batch's: the probes of a batch wait for each other. `ended`: when the search was done, on
    the monotonic clock.
    """

    result: SearchResult
    queue_seconds: float
    nominate_seconds: float
    rescore_seconds: float
    ended: float


@dataclass(slots=True, eq=False)
class _Waiting:
    probe: Probe
    claim: Claim
    candidates: int
    deadline: float
    future: asyncio.Future[Searched]
    loop: asyncio.AbstractEventLoop

    def resolve(self, outcome: Searched | BaseException) -> None:
        """Hand the outcome to the event loop; a caller who has gone gets nothing."""

        def deliver() -> None:
            if self.future.done():
                return
            if isinstance(outcome, BaseException):
                self.future.set_exception(outcome)
            else:
                self.future.set_result(outcome)

        self.loop.call_soon_threadsafe(deliver)


class _Cost:
    """Seconds of a search by its probes: a * n + b, fitted to the latest searches, old ones fading."""

    _KEPT = 0.9

    def __init__(self) -> None:
        self._weight = self._n = self._t = self._nn = self._nt = 0.0

    def learn(self, probes: int, seconds: float) -> None:
        """A search of so many probes took so long."""
        kept = self._KEPT
        self._weight = kept * self._weight + 1
        self._n = kept * self._n + probes
        self._t = kept * self._t + seconds
        self._nn = kept * self._nn + probes * probes
        self._nt = kept * self._nt + probes * seconds

    def seconds(self, probes: int) -> float:
        """What a search of so many will take; 0 before anything is known, so that nothing is refused on a guess."""
        if not self._weight or not probes:
            return 0.0
        spread = self._weight * self._nn - self._n * self._n
        mean = self._n / self._weight
        if spread < 1e-6 * self._weight * self._nn:  # all batches were of one size
            return self._t / self._n * max(probes, mean)
        slope = max(0.0, (self._weight * self._nt - self._n * self._t) / spread)
        return slope * probes + max(0.0, (self._t - slope * self._n) / self._weight)


@dataclass(slots=True, eq=False)
class _Line:
    """A gallery, what waits for it, and what its searches cost."""

    gallery: Gallery
    waiting: TurnQueue[_Waiting] = field(default_factory=TurnQueue)
    cost: _Cost = field(default_factory=_Cost)


class Scheduler:
    """Searches the galleries for everyone, batch by batch, in one thread.

    Args:
        galleries: by name.
        metrics: told of searches and of what was dropped.
        max_queued: probes that may wait for one gallery. A probe's vector is of one size, so this bounds the bytes too.
        max_batch: probes of one search at most.

    Attributes:
        searched: told which probes of known position a gallery was just searched for, float32 [n, 10 * d].
    """

    def __init__(self, galleries: Mapping[str, Gallery], metrics: Metrics, *, max_queued: int, max_batch: int) -> None:
        self._metrics, self._max_queued, self._max_batch = metrics, max_queued, max_batch
        self._lines = {name: _Line(gallery) for name, gallery in galleries.items()}
        self._changed = threading.Condition()
        self.searched: Callable[[str, NDArray[np.float32]], None] = lambda _, __: None
        self._answering_seconds = 0.0  # from the end of a search to its answer, of the latest
        self._busy_until = 0.0  # when the search that runs will end, as far as its cost tells
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="search", daemon=True)
        self._thread.start()

    def admit(self, galleries: Collection[str], deadline: float, claim: Claim) -> None:
        """See whether all of a request's galleries can search a new probe in time; refuse it where one cannot.

        Args:
            galleries: their names.
            deadline: a `time.monotonic()` by which the answer must be there.
            claim: by what the probe's turn is decided.

        Raises:
            OverloadedError: if a queue is full.
            TooLateError: if its turn in one of them will come too late for the deadline.
            ShuttingDownError: if the scheduler is closed.
        """
        with self._changed:
            self._refuse_unless_in_time([self._lines[name] for name in galleries], deadline, claim)

    def search(
        self, galleries: Collection[str], probe: Probe, candidates: int, deadline: float, claim: Claim
    ) -> dict[str, asyncio.Future[Searched]]:
        """Search galleries for one probe: all of them, or none if `admit` would refuse.

        Args:
            galleries: their names.
            probe: what to look for.
            candidates: the most candidates wanted, >= 1.
            deadline: a `time.monotonic()` after which a search is not begun.
            claim: by what its turn is decided.

        Returns:
            Each gallery's result, to be awaited, and cancelled where nobody waits for it any longer. A gallery that
            refuses the probe raises GalleryError, one whose turn did not come in time DeadlinePassedError.

        Raises:
            OverloadedError: as `admit`, and so on.
        """
        loop = asyncio.get_running_loop()
        lines = [self._lines[name] for name in galleries]
        found: dict[str, asyncio.Future[Searched]] = {}
        with self._changed:
            self._refuse_unless_in_time(lines, deadline, claim)
            for line in lines:
                future: asyncio.Future[Searched] = loop.create_future()
                line.waiting.add(claim, _Waiting(probe, claim, candidates, deadline, future, loop))
                found[line.gallery.name] = future
            self._changed.notify()
        return found

    def answered(self, searches: Iterable[asyncio.Future[Searched]]) -> None:
        """Learn from an answer that is on its way how long that takes once the last of its searches has ended."""
        ended = [search.result().ended for search in searches if not search.cancelled() and search.exception() is None]
        if ended:
            with self._changed:
                self._answering_seconds += _LEARNED * (time.monotonic() - max(ended) - self._answering_seconds)

    def close(self) -> None:
        """Finish what waits, then stop the thread. Blocks until it has."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is searched."""
        with self._changed:
            return self._is_idle()

    def _is_idle(self) -> bool:
        return not self._busy_until and not any(len(line.waiting) for line in self._lines.values())

    def _refuse_unless_in_time(self, lines: Sequence[_Line], deadline: float, claim: Claim) -> None:
        if self._closed:
            raise ShuttingDownError("the server is shutting down")
        if self._is_idle():  # whatever was learned: one bad search must not have all that follow it refused
            return
        remaining = deadline - time.monotonic()
        for line in lines:
            name, waiting = line.gallery.name, len(line.waiting)
            if waiting >= self._max_queued:
                self._drop(line, "queue_full")
                raise OverloadedError(f"probes for gallery {name!r}", self._max_queued, retry_after_seconds=1)
            # Counting who is ahead takes longer the more wait. Mostly there is time even if all of them are.
            if self._seconds_late(line, waiting, remaining) > 0:
                late = self._seconds_late(line, line.waiting.ahead(claim), remaining)
                if late > 0:
                    self._drop(line, "too_late")
                    raise TooLateError(f"gallery {name!r}", math.ceil(late))

    def _seconds_late(self, line: _Line, ahead: int, remaining: float) -> float:
        """By how much a new probe behind so many would come too late; below 0 where it does not."""
        done = self._seconds_until_done(line, ahead)
        waits = done - line.cost.seconds(1)
        return max(done + self._answering_seconds - remaining, waits - _WAITING_SHARE * remaining)

    def _seconds_until_done(self, line: _Line, ahead: int) -> float:
        """How long a new probe behind so many takes to its answer: the search that runs, then the galleries in turn."""
        rest = max(0.0, self._busy_until - time.monotonic())
        batches = ahead // self._max_batch
        own = batches * line.cost.seconds(self._max_batch) + line.cost.seconds(ahead % self._max_batch + 1)
        # In each round that this probe waits, each other gallery has one batch searched.
        others = sum(
            other.cost.seconds(min(self._max_batch, waiting))
            for other in self._lines.values()
            if other is not line
            for waiting in range(len(other.waiting), 0, -self._max_batch)[: batches + 1]
        )
        return rest + own + others

    def _drop(self, line: _Line, reason: str) -> None:
        self._metrics.dropped.labels(line.gallery.name, reason).inc()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy_until = 0.0
                self._changed.wait_for(lambda: self._closed or any(len(line.waiting) for line in self._lines.values()))
                if not any(len(line.waiting) for line in self._lines.values()):
                    return
            for line in self._lines.values():
                with self._changed:
                    batch = line.waiting.take(self._max_batch)
                    self._busy_until = time.monotonic() + line.cost.seconds(len(batch))
                live = [waiting for waiting in batch if self._is_live(line, waiting)]
                for known, most in ((True, self._max_batch), (False, MAX_PROBES // FINGERS)):
                    group = [waiting for waiting in live if waiting.probe.position_known is known]
                    for start in range(0, len(group), most):
                        self._search(line, group[start : start + most], position_known=known)

    def _is_live(self, line: _Line, waiting: _Waiting) -> bool:
        if waiting.future.cancelled():
            self._drop(line, "cancelled")
            return False
        if time.monotonic() >= waiting.deadline:
            self._drop(line, "expired")
            waiting.resolve(DeadlinePassedError("the deadline passed while the probe waited for its search"))
            return False
        return True

    def _search(self, line: _Line, group: Sequence[_Waiting], *, position_known: bool) -> None:
        begun = time.monotonic()
        gallery = line.gallery
        probes = np.stack([waiting.probe.vector for waiting in group])
        k = max(waiting.candidates for waiting in group)
        search = gallery.search if position_known else gallery.search_unknown_position
        try:
            batch: SearchBatch = search(probes, k)
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to the callers; this thread must live on
            for waiting in group:
                waiting.resolve(error)
            return
        ended = time.monotonic()
        line.cost.learn(len(group), ended - begun)
        name = gallery.name
        self._metrics.searches.labels(name).inc()
        self._metrics.probes.labels(name).inc(len(group))
        self._metrics.batch_probes.labels(name).observe(len(group))
        for waiting, result in zip(group, batch.results, strict=True):
            searched = Searched(
                SearchResult(result.candidates[: waiting.candidates], result.coverage),
                begun - waiting.claim.since,
                batch.timing.nominate_seconds,
                batch.timing.rescore_seconds,
                ended,
            )
            stages = (
                ("queue", searched.queue_seconds),
                ("search", searched.nominate_seconds),
                ("rescore", searched.rescore_seconds),
            )
            for stage, seconds in stages:
                self._metrics.search_seconds.labels(name, stage).observe(seconds)
            waiting.resolve(searched)
        if position_known:
            self.searched(name, probes)
