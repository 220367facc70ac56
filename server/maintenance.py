"""Maintenance: snapshots, compaction and erasure, in a thread of their own that no search waits for."""

import errno
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from tenprint.index import Gallery, SnapshotFolder
from tenprint.server.follower import Follower
from tenprint.server.metrics import Metrics
from tenprint.store import Store, StoreUnavailableError

_TICK_SECONDS: Final = 1.0
_AGAIN_SECONDS: Final = 5.0
"""How long after a failure it is tried again."""
_CATCH_UP_SECONDS: Final = 30.0

_log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Kept:
    """A gallery, its snapshots, and when and where the last one was made."""

    gallery: Gallery
    folder: SnapshotFolder
    position: str
    at: float


class Maintenance:
    """Writes snapshots when they are due, and erases what was expunged.

    Args:
        store: the store.
        follower: what brings changes into the galleries.
        galleries: each with its snapshots, by name.
        metrics: told of snapshots and failures.
        every_seconds: the age at which a snapshot is made anew where something changed.
        after_encounters: encounters in memory alone at which it is made at once.
    """

    def __init__(
        self,
        store: Store,
        follower: Follower,
        galleries: Mapping[str, tuple[Gallery, SnapshotFolder]],
        metrics: Metrics,
        *,
        every_seconds: float,
        after_encounters: int,
    ) -> None:
        self._store, self._follower, self._metrics = store, follower, metrics
        self._every, self._after = every_seconds, after_encounters
        now = time.monotonic()
        self._kept = {
            name: _Kept(gallery, folder, gallery.position, now) for name, (gallery, folder) in galleries.items()
        }
        self._woken = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="maintain", daemon=True)
        self._thread.start()

    def erase_soon(self) -> None:
        """Say that something was expunged."""
        self._woken.set()

    def ages(self) -> dict[str, float]:
        """Seconds since each gallery's last snapshot, or since the start."""
        now = time.monotonic()
        return {name: now - kept.at for name, kept in self._kept.items()}

    def close(self) -> None:
        """Make the last snapshots and stop."""
        self._closed = True
        self._woken.set()
        self._thread.join()

    def _run(self) -> None:
        self._woken.set()  # what a crash left unerased
        while not self._closed:
            woken = self._woken.wait(_TICK_SECONDS)
            self._woken.clear()
            if not self._round(erase=woken, final=False):
                self._woken.wait(_AGAIN_SECONDS)
                self._woken.set()
        self._round(erase=True, final=True)

    def _round(self, *, erase: bool, final: bool) -> bool:
        """What is due now; False where something failed and is to be tried again."""
        try:
            pending = self._store.erasure.pending() if erase else []
            if pending and not self._follower.wait(self._store.latest(), _CATCH_UP_SECONDS):
                return False
            whole = True
            for name, kept in self._kept.items():
                ids = [tombstone.encounter_id for tombstone in pending if tombstone.gallery == name]
                whole = self._snapshot(name, kept, ids, final=final) and whole
            if pending and whole:
                self._store.database.scrub()
                self._store.erasure.done([tombstone.encounter_id for tombstone in pending])
                _log.info("erased", encounters=len(pending))
        except StoreUnavailableError as error:
            _log.warning("maintenance_waits", reason=str(error))
            return False
        except Exception as error:  # noqa: BLE001 - a thread that ends would leave what was expunged on the disk
            _log.error("maintenance_failed", error_type=type(error).__name__, exc_info=error)
            return False
        return whole

    def _snapshot(self, name: str, kept: _Kept, erase: Sequence[str], *, final: bool) -> bool:
        gallery = kept.gallery
        # What a start rebuilt from the store is in no file either.
        changed = gallery.position != kept.position or gallery.in_memory > 0
        due = gallery.in_memory >= self._after or time.monotonic() - kept.at >= self._every
        if not erase and not (changed and (due or final)):
            return True
        position = gallery.position
        begun = time.perf_counter()
        try:
            written = gallery.snapshot(kept.folder, self._store.origin(name), erase)
        except OSError as error:
            self._metrics.snapshot_failures.labels(name).inc()
            _log.error("snapshot_failed", gallery=name, reason=errno.errorcode.get(error.errno or 0, "unknown"))
            return False
        kept.position, kept.at = position, time.monotonic()
        seconds = time.perf_counter() - begun
        self._metrics.snapshot_seconds.observe(seconds)
        _log.info("snapshot", gallery=name, position=position, segments_written=written, seconds=round(seconds, 3))
        return True
