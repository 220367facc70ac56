"""Bringing the galleries up: from the newest sound snapshot and the log after it, or from the store alone."""

import fcntl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from tenprint.index import SCAN_FROM, DamagedSnapshotError, Gallery, Record, SnapshotFolder, Yardstick
from tenprint.server.ledger import Ledger
from tenprint.store import GallerySpec, Position, Store, StoredRecord

_log = structlog.get_logger(__name__)


class IndexFolderError(Exception):
    """The folder of the snapshots is in use by another process."""


class SnapshotAheadError(Exception):
    """A snapshot knows more than the store: the database is an older copy of itself."""

    def __init__(self, gallery: str, snapshot: Position, store: Position) -> None:
        super().__init__(
            f"the snapshot of gallery {gallery!r} stands at {snapshot}, the database at {store}: the database is an "
            "older copy. Bring the newer one back; or, if this one is to be the truth, run tenprint rebuild-index"
        )


class IndexFolder:
    """A folder on a disk of this machine: each gallery's snapshots, and the ledger. For one process at a time.

    All but the ledger can be deleted: it is made again from the store.

    Args:
        path: made where it is not there.
        fsynced: told the seconds of each fsync of a snapshot.

    Raises:
        IndexFolderError: if another process has it.
    """

    def __init__(self, path: Path, fsynced: Callable[[float], None] = lambda _: None) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.path: Final = path
        self.ledger: Final = Ledger(path / "tombstones.jsonl")
        self._fsynced = fsynced
        self._lock = (path / "lock").open("a")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise IndexFolderError(f"index_folder: {path} is in use by another server or command; stop it") from error

    def close(self) -> None:
        """Let others have it."""
        self._lock.close()

    def snapshots(self, gallery: str) -> SnapshotFolder:
        """A gallery's snapshots."""
        return SnapshotFolder(self.path / gallery, self._fsynced)


@dataclass(frozen=True, slots=True, eq=False)
class Recovered:
    """A gallery brought up.

    Attributes:
        gallery: it.
        folder: its snapshots.
        position: where in the store's log it stands.
        refused: what was wrong with the snapshots that could not be used.
        from_snapshot: whether one could.
    """

    gallery: Gallery
    folder: SnapshotFolder
    position: Position
    refused: tuple[DamagedSnapshotError, ...]
    from_snapshot: bool


def replay_tombstones(store: Store, ledger: Ledger) -> None:
    """Make the store and the ledger know the same tombstones; what an older database brought back goes again.

    Raises:
        LedgerError: if the ledger cannot be read.
    """
    if returned := store.erasure.replay(ledger.tombstones()):
        _log.warning("expunged_again", encounters=len(returned))
    ledger.add(store.erasure.tombstones())


def recover(
    store: Store,
    folder: IndexFolder,
    spec: GallerySpec,
    scan_from: int | None = SCAN_FROM,
    yardstick: Yardstick | None = None,
) -> Recovered:
    """Bring a gallery up to where its snapshot stands; without one, to where the store stands.

    Args:
        store: the store.
        folder: of the snapshots.
        spec: which gallery.
        scan_from: as of `Gallery`.
        yardstick: likewise.

    Raises:
        SnapshotAheadError: if the snapshot stands beyond the store's last change.
    """
    gallery = Gallery(
        spec.name,
        dimension=spec.dimension,
        model_version=spec.model_version,
        scan_from=scan_from,
        yardstick=yardstick,
    )
    snapshots = folder.snapshots(spec.name)
    token, refused = gallery.restore(snapshots, store.origin(spec.name))
    for fault in refused:
        _log.warning("snapshot_refused", gallery=spec.name, file=fault.file, problem=fault.problem)
    if token:
        position = Position.parse(token)
        if position > (latest := store.latest()):
            raise SnapshotAheadError(spec.name, position, latest)
        return Recovered(gallery, snapshots, position, tuple(refused), from_snapshot=True)
    # Read before the records: what comes after is in the records at least, never missing from them.
    position = store.position()
    for rows in store.vectors(spec.name):
        gallery.apply([record(row) for row in rows])
    gallery.apply(position=str(position))
    return Recovered(gallery, snapshots, position, tuple(refused), from_snapshot=False)


def catch_up(store: Store, galleries: Mapping[str, Gallery], position: Position) -> tuple[Position, int]:
    """Apply the log from a position to its decided end; where that is, and how many operations it took."""
    replayed = 0
    while (changes := store.changes(position)).operations:
        for name, gallery in galleries.items():
            put = [record(row) for row in changes.put.get(name, ())]
            gallery.apply(put, changes.drop.get(name, ()), str(changes.position))
        position = changes.position
        replayed += changes.operations
    return position, replayed


def record(row: StoredRecord) -> Record:
    """A record of the store as a gallery takes it."""
    return Record(row.encounter_id, row.subject_id, row.vector, row.features)
