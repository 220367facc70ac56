"""The galleries this server holds: each an index, its queue of probes, its part of the store."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import structlog

from tenprint.fingerprint.embedding import Embedder
from tenprint.index.gallery import Gallery
from tenprint.index.results import Record
from tenprint.server.errors import DeadlinePassedError, NotHeldError
from tenprint.server.metrics import Metrics
from tenprint.server.scheduler import GalleryScheduler
from tenprint.server.settings import Settings
from tenprint.store import GallerySpec, NewEncounter, Originator, Position, Receipt, Store

_T = TypeVar("_T")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class HeldGallery:
    """One gallery. `writer` is the one thread that changes it: the store first, then the index, in the same order."""

    title: str
    index: Gallery
    scheduler: GalleryScheduler
    writer: ThreadPoolExecutor


class Engine:
    """All galleries of this server, and the store they are views of.

    Making one opens the store and rebuilds every index from it.

    Raises:
        GalleryModelError: if a gallery's records are of another model.
    """

    def __init__(self, settings: Settings, embedder: Embedder, metrics: Metrics) -> None:
        self._metrics = metrics
        self._held: dict[str, HeldGallery] = {}
        begun = time.perf_counter()
        specs = [GallerySpec(gallery.name, embedder.version, embedder.dimension) for gallery in settings.galleries]
        self.store = Store(settings.database_url.get_secret_value(), specs)
        # Read before the vectors: what comes after is in the vectors at least, never missing from them.
        self._applied = self.store.position()
        self._moved = asyncio.Condition()
        self._changes: set[asyncio.Task[object]] = set()  # the loop itself keeps only weak references to tasks
        for gallery in settings.galleries:
            index = Gallery(gallery.name, dimension=embedder.dimension, model_version=embedder.version)
            for rows in self.store.vectors(gallery.name):
                index.apply([Record(row.encounter_id, row.subject_id, row.vector) for row in rows])
            scheduler = GalleryScheduler(
                index, metrics, max_queued=settings.max_queued_probes, max_batch=settings.max_batch_probes
            )
            writer = ThreadPoolExecutor(1, thread_name_prefix=f"write-{gallery.name}")
            self._held[gallery.name] = HeldGallery(gallery.title, index, scheduler, writer)
        seconds = time.perf_counter() - begun
        metrics.recovery_seconds.set(seconds)
        _log.info(
            "recovered",
            seconds=round(seconds, 3),
            position=str(self._applied),
            encounters={name: held.index.size for name, held in self._held.items()},
        )
        metrics.watch_galleries(lambda: [held.index for held in self._held.values()])

    def __iter__(self) -> Iterator[HeldGallery]:
        return iter(self._held.values())

    def held(self, name: str) -> HeldGallery:
        """The gallery of that name.

        Raises:
            NotHeldError: if there is none; names those there are.
        """
        try:
            return self._held[name]
        except KeyError:
            raise NotHeldError("gallery", name, f"; held are {', '.join(sorted(self._held))}") from None

    async def enrol(self, gallery: HeldGallery, new: NewEncounter) -> Receipt:
        """Commit an enrolment, then make it searchable. When this returns, both are done.

        Raises:
            TransactionTakenError: as :meth:`Store.enrol`.
        """

        def commit_and_apply() -> Receipt:
            receipt = self._timed("commit", lambda: self.store.enrol(new))
            if not receipt.repeated:
                record = Record(receipt.encounter.encounter_id, receipt.encounter.subject_id, new.vector)
                self._timed("apply", lambda: gallery.index.apply([record]))
            return receipt

        return await self._change(gallery, commit_and_apply, lambda receipt: receipt.position)

    async def delete(
        self, gallery: HeldGallery, by: Originator, *, subject_id: str | None, encounter_id: str | None
    ) -> tuple[Sequence[str], Position]:
        """Commit the removal of a subject or an encounter, then take it out of the index.

        Returns:
            The encounters removed, and the position from which they are.

        Raises:
            NotStoredError: as :meth:`Store.delete_subject`.
        """
        name = gallery.index.name

        def commit_and_apply() -> tuple[Sequence[str], Position]:
            if subject_id is not None:
                ids, position = self._timed("commit", lambda: self.store.delete_subject(name, subject_id, by))
            else:
                ids, position = self._timed("commit", lambda: self.store.delete_encounter(name, encounter_id or "", by))
            self._timed("apply", lambda: gallery.index.apply(drop=ids))
            return ids, position

        return await self._change(gallery, commit_and_apply, lambda removed: removed[1])

    async def reached(self, position: Position, deadline: float) -> None:
        """Wait until every change up to a position is searchable.

        Args:
            position: as a receipt gave it.
            deadline: on the monotonic clock.

        Raises:
            DeadlinePassedError: if it is not by then; says where the server stands.
        """
        try:
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())), self._moved:
                await self._moved.wait_for(lambda: self._applied >= position)
        except TimeoutError as error:
            raise DeadlinePassedError(
                f"min_position: {position} is not reached; this server stands at {self._applied}"
            ) from error

    def close(self) -> None:
        """Finish waiting searches and changes, stop the threads, close the store."""
        for held in self._held.values():
            held.scheduler.close()
            held.writer.shutdown(wait=True)
        self.store.close()

    async def _change(self, gallery: HeldGallery, work: Callable[[], _T], position_of: Callable[[_T], Position]) -> _T:
        """Run a change in the gallery's writing thread, and say how far it brought the server.

        Once begun it goes on to its end, even when the caller goes away: a store and an index that disagree would be
        the alternative.
        """

        async def change() -> _T:
            result = await asyncio.get_running_loop().run_in_executor(gallery.writer, work)
            async with self._moved:
                self._applied = max(self._applied, position_of(result))
                self._moved.notify_all()
            return result

        task = asyncio.create_task(change())
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)
        return await asyncio.shield(task)

    def _timed(self, stage: str, work: Callable[[], _T]) -> _T:
        with self._metrics.change_seconds.labels(stage).time():
            return work()
