"""One queue and one search thread for each gallery: probes that wait together are searched together.

Nothing waits for a batch to fill: the thread takes what is there. An idle server searches a lone probe at once; a busy
one forms batches as large as its backlog. Scores do not depend on the batch (the gallery rescores on one fixed path),
so a caller cannot tell the difference. Galleries have threads of their own: a slow one does not delay another.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tenprint.index.gallery import MAX_PROBES, Gallery
from tenprint.index.results import SearchBatch, SearchResult
from tenprint.index.vectors import FINGERS
from tenprint.server.errors import DeadlinePassedError, OverloadedError, ShuttingDownError
from tenprint.server.metrics import Metrics


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

    The last two are the whole batch's: the probes of a batch wait for each other.
    """

    result: SearchResult
    queue_seconds: float
    nominate_seconds: float
    rescore_seconds: float


@dataclass(slots=True, eq=False)
class _Waiting:
    probe: Probe
    candidates: int
    deadline: float
    future: asyncio.Future[Searched]
    loop: asyncio.AbstractEventLoop
    since: float = field(default_factory=time.monotonic)

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


class GalleryScheduler:
    """Searches one gallery for everyone, batch by batch, in a thread of its own."""

    def __init__(self, gallery: Gallery, metrics: Metrics, *, max_queued: int, max_batch: int) -> None:
        self._gallery, self._metrics = gallery, metrics
        self._max_queued, self._max_batch = max_queued, max_batch
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"search-{gallery.name}", daemon=True)
        self._thread.start()

    async def search(self, probe: Probe, candidates: int, deadline: float) -> Searched:
        """Search the gallery for one probe.

        Args:
            probe: what to look for.
            candidates: the most candidates wanted, >= 1.
            deadline: a `time.monotonic()` after which the search is not begun.

        Raises:
            OverloadedError: if the queue is full.
            DeadlinePassedError: if the deadline passed while the probe waited.
            ShuttingDownError: if the scheduler is closed.
            GalleryError: if the gallery refuses the probe.
        """
        if self._closed:
            raise ShuttingDownError("the server is shutting down")
        if self._queue.qsize() >= self._max_queued:
            self._drop("queue_full")
            raise OverloadedError(f"probes for gallery {self._gallery.name!r}", self._max_queued, retry_after_seconds=1)
        loop = asyncio.get_running_loop()
        waiting = _Waiting(probe, candidates, deadline, loop.create_future(), loop)
        self._queue.put(waiting)
        return await waiting.future

    def close(self) -> None:
        """Finish what waits, then stop the thread. Blocks until it has."""
        self._closed = True
        self._queue.put(None)
        self._thread.join()

    def _drop(self, reason: str) -> None:
        self._metrics.dropped.labels(self._gallery.name, reason).inc()

    def _run(self) -> None:
        while True:
            batch, last = self._take()
            live = [waiting for waiting in batch if self._is_live(waiting)]
            for known, most in ((True, self._max_batch), (False, MAX_PROBES // FINGERS)):
                group = [waiting for waiting in live if waiting.probe.position_known is known]
                for start in range(0, len(group), most):
                    self._search(group[start : start + most], position_known=known)
            if last:
                return

    def _take(self) -> tuple[list[_Waiting], bool]:
        """All that waits, up to the largest batch, and whether the scheduler is to stop after it."""
        batch: list[_Waiting] = []
        item = self._queue.get()
        while item is not None:
            batch.append(item)
            if len(batch) == self._max_batch:
                return batch, False
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _is_live(self, waiting: _Waiting) -> bool:
        if waiting.future.cancelled():
            self._drop("cancelled")
            return False
        if time.monotonic() >= waiting.deadline:
            self._drop("expired")
            waiting.resolve(DeadlinePassedError("the deadline passed while the probe waited for its search"))
            return False
        return True

    def _search(self, group: Sequence[_Waiting], *, position_known: bool) -> None:
        begun = time.monotonic()
        probes = np.stack([waiting.probe.vector for waiting in group])
        k = max(waiting.candidates for waiting in group)
        search = self._gallery.search if position_known else self._gallery.search_unknown_position
        try:
            batch: SearchBatch = search(probes, k)
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to the callers; this thread must live on
            for waiting in group:
                waiting.resolve(error)
            return
        name = self._gallery.name
        self._metrics.searches.labels(name).inc()
        self._metrics.probes.labels(name).inc(len(group))
        self._metrics.batch_probes.labels(name).observe(len(group))
        for waiting, result in zip(group, batch.results, strict=True):
            searched = Searched(
                SearchResult(result.candidates[: waiting.candidates], result.coverage),
                begun - waiting.since,
                batch.timing.nominate_seconds,
                batch.timing.rescore_seconds,
            )
            stages = (
                ("queue", searched.queue_seconds),
                ("search", searched.nominate_seconds),
                ("rescore", searched.rescore_seconds),
            )
            for stage, seconds in stages:
                self._metrics.search_seconds.labels(name, stage).observe(seconds)
            waiting.resolve(searched)
