"""The galleries this server holds: each an index and its queue of probes, kept where the store is."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import structlog
from platformdirs import user_cache_path

from tenprint.fingerprint.embedding import Embedder
from tenprint.index import SCAN_FROM, Gallery, self_test
from tenprint.server.commits import Commits
from tenprint.server.errors import NotHeldError, RefusedError, StoreDownError, TransactionReusedError
from tenprint.server.follower import Follower
from tenprint.server.maintenance import Maintenance
from tenprint.server.metrics import Metrics
from tenprint.server.recall import RecallSampler
from tenprint.server.recovery import IndexFolder, catch_up, recover, replay_tombstones
from tenprint.server.scheduler import Scheduler
from tenprint.server.settings import GallerySettings, Settings
from tenprint.server.thresholds import yardstick
from tenprint.store import (
    ChangeReceipt,
    EpochError,
    GallerySpec,
    NewEncounter,
    NotStoredError,
    Position,
    Receipt,
    RefusedChangeError,
    Request,
    Store,
    StoreUnavailableError,
    Target,
    TransactionTakenError,
)

_T = TypeVar("_T")

_POSTGRESQL_WRITERS: Final = 8
"""Transactions at once; their commits wait for the disk together."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class HeldGallery:
    """One gallery."""

    settings: GallerySettings
    index: Gallery


class Engine:
    """All galleries of this server, and the store they are views of.

    A change goes one way: committed to the store, read back from its log by the follower, applied to the index,
    acknowledged. Making an engine opens the store and brings every index up: from its newest sound snapshot and the log
    after it, or from the store alone.

    Raises:
        GalleryModelError: if a gallery's records are of another model.
        SnapshotAheadError: if a snapshot knows more than the store.
        IndexFolderError: if another process has the folder of the snapshots.
        LedgerError: if the ledger of tombstones cannot be read.
        StoreUnavailableError: if the database cannot be opened.
    """

    def __init__(self, settings: Settings, embedder: Embedder, metrics: Metrics) -> None:
        begun = time.perf_counter()
        self._erase_within = timedelta(seconds=settings.erase_within_seconds)
        self._changes: set[asyncio.Task[object]] = set()  # the loop itself keeps only weak references to tasks
        scan_from = _scan_from(settings)
        specs = [GallerySpec(gallery.name, embedder.version, embedder.dimension) for gallery in settings.galleries]
        with ExitStack() as opened:  # what was opened before something failed is closed again
            folder = IndexFolder(settings.index_path, metrics.fsync_seconds.observe)
            opened.callback(folder.close)
            store = Store(settings.database_url.get_secret_value(), specs, metrics.observe_transaction)
            opened.callback(store.close)
            replay_tombstones(store, folder.ledger)
            recovered = [recover(store, folder, spec, scan_from, yardstick(embedder)) for spec in specs]
            galleries = {item.gallery.name: item.gallery for item in recovered}
            position, replayed = catch_up(store, galleries, min(item.position for item in recovered))
            opened.pop_all()
        self.store: Final = store
        self._folder = folder
        self._commits = Commits(store, 1 if store.database.is_sqlite else _POSTGRESQL_WRITERS)
        self._follower = Follower(store, galleries, position, metrics)
        self._maintenance = Maintenance(
            store,
            self._follower,
            {item.gallery.name: (item.gallery, item.folder) for item in recovered},
            metrics,
            every_seconds=settings.snapshot_interval_seconds,
            after_encounters=settings.snapshot_after_encounters,
        )
        self._held = {gallery.name: HeldGallery(gallery, galleries[gallery.name]) for gallery in settings.galleries}
        self.scheduler: Final = Scheduler(
            galleries, metrics, max_queued=settings.max_queued_probes, max_batch=settings.max_batch_probes
        )
        self._recall = RecallSampler(galleries, settings.recall_sample_share, lambda: self.scheduler.idle)
        self.scheduler.searched = self._recall.offer
        seconds = time.perf_counter() - begun
        metrics.recovery_seconds.set(seconds)
        metrics.recovery_operations.set(replayed)
        for item in recovered:
            metrics.snapshots_refused.labels(item.gallery.name).inc(len(item.refused))
            metrics.snapshot_failures.labels(item.gallery.name)  # there from the start, so that a first one is a rise
        _log.info(
            "recovered",
            seconds=round(seconds, 3),
            position=str(position),
            operations_replayed=replayed,
            from_snapshot={item.gallery.name: item.from_snapshot for item in recovered},
            encounters={name: gallery.size for name, gallery in galleries.items()},
        )
        metrics.watch(
            galleries=galleries.values(),
            position=lambda: self._follower.position.number,
            lag=lambda: self._follower.lag,
            snapshot_ages=self._maintenance.ages,
            oldest_unerased=self.store.erasure.oldest_pending,
            recall=self._recall.recall,
        )

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

    async def enrol(self, new: NewEncounter) -> Receipt:
        """Commit an enrolment and make it searchable. When this returns, both are done.

        Raises:
            TransactionReusedError: if its (ORI, TCN) stands for other content.
            StoreDownError: if the database does not take it.
        """

        async def change() -> Receipt:
            with _in_service_words():
                receipt = await self._commits.enrol(new)
            await self.searchable(receipt.position)
            return receipt

        return await self._to_its_end(change())

    async def change(self, work: Callable[[], ChangeReceipt]) -> ChangeReceipt:
        """Commit another change to records, one of `store.records`, and make searches see it.

        Raises:
            NotHeldError: if the gallery does not hold what is named.
            RefusedError: if the change makes no sense for these records.
            TransactionReusedError: if its (ORI, TCN) stands for another change.
            StoreDownError: if the database does not take it.
        """

        async def change() -> ChangeReceipt:
            with _in_service_words():
                receipt = await self._commits.run(work)
            await self.searchable(receipt.position)
            return receipt

        return await self._to_its_end(change())

    async def read(self, query: Callable[[], _T]) -> _T:
        """Run a query of the store off the event loop.

        Raises:
            NotHeldError: if the gallery does not hold what is named.
            TransactionReusedError: if an (ORI, TCN) stands for other content.
            StoreDownError: if the database does not answer.
        """
        with _in_service_words():
            return await asyncio.to_thread(query)

    async def expunge(self, gallery: str, target: Target, request: Request) -> tuple[ChangeReceipt, datetime]:
        """Expunge records: as `change`, and the tombstones are in the ledger when this returns.

        Returns:
            The receipt, and by when the last byte of them is gone from the store's files and the snapshots.
        """

        def work() -> ChangeReceipt:
            receipt = self.store.records.expunge(gallery, target, request)
            try:
                self._folder.ledger.add(self.store.erasure.tombstones())
            except OSError as error:  # the repetition finds the change made, and writes what is missing here
                raise StoreUnavailableError(f"the ledger of tombstones does not take it: {error.strerror}") from error
            return receipt

        receipt = await self.change(work)
        self._maintenance.erase_soon()
        return receipt, receipt.at + self._erase_within

    async def searchable(self, position: Position) -> None:
        """Wait until every change up to a position that was committed here is seen by searches."""
        self._follower.expect(position)
        await self._follower.reached(position)

    async def reached(self, position: Position, deadline: float) -> None:
        """Wait until every change up to a position is searched, until a deadline on the monotonic clock.

        Raises:
            DeadlinePassedError: if it is not by then; says where the server stands.
        """
        await self._follower.reached(position, deadline)

    def close(self) -> None:
        """Finish waiting searches and changes, write the last snapshots, stop the threads, close the store."""
        self.scheduler.close()
        self._recall.close()
        self._commits.close()
        self._maintenance.close()
        self._follower.close()
        self.store.close()
        self._folder.close()

    async def _to_its_end(self, change: Coroutine[Any, Any, _T]) -> _T:
        """Once begun, a change goes on to its end, even when the caller goes away: it may be past its commit."""
        task = asyncio.create_task(change)
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)
        return await asyncio.shield(task)


def _scan_from(settings: Settings) -> int | None:
    """From which size on galleries have scan codes, by the settings and by what this machine makes of them."""
    found = self_test(user_cache_path("tenprint"))
    _log.info(
        "self_test",
        flat_seconds=round(found.flat_seconds, 6),
        scan_seconds=round(found.scan_seconds, 6),
        kernels=found.kernels,
        wait_policy=found.wait_policy,
        kept=found.is_kept,
    )
    for warning in found.warnings:
        _log.warning("slow_machine", problem=warning)
    return SCAN_FROM if settings.nomination == "auto" and found.scan_pays else None


@contextmanager
def _in_service_words() -> Iterator[None]:
    """The store's refusals as the services' own."""
    try:
        yield
    except NotStoredError as error:
        raise NotHeldError(error.kind, error.name) from error
    except RefusedChangeError as error:
        raise RefusedError(error.field, error.problem) from error
    except TransactionTakenError as error:
        raise TransactionReusedError(error.digest) from error
    except EpochError as error:
        raise RefusedError("gallery", str(error)) from error
    except StoreUnavailableError as error:
        raise StoreDownError(str(error)) from error
