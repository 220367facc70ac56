"""Checking the indexes against the store, and making them anew from it. The server is stopped meanwhile."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from tenprint.index.vectors import FINGERS, unit_slots
from tenprint.server.recovery import IndexFolder, Recovered, catch_up, recover, replay_tombstones
from tenprint.server.settings import Settings
from tenprint.store import Store, opened_as_it_is


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found of one gallery.

    Attributes:
        encounters: that the store has and searches are to see.
        missing: of those, how many the index has not.
        different: how many it has otherwise: of another person, or with other vectors.
        ghosts: how many the index has and the store has not.
        refused: why snapshots could not be used.
        from_snapshot: whether one was; otherwise the index was made from the store for this check, and proves nothing.
    """

    encounters: int
    missing: int
    different: int
    ghosts: int
    refused: tuple[str, ...]
    from_snapshot: bool

    @property
    def is_sound(self) -> bool:
        """Whether index and store say the same."""
        return not (self.missing or self.different or self.ghosts)


def verify(settings: Settings) -> Mapping[str, Verified]:
    """Bring every gallery up as a start would, and hold each record against the store's.

    Raises:
        SnapshotAheadError, IndexFolderError, LedgerError, StoreError: as a start would.
    """
    with _opened(settings) as (store, recovered):
        return {item.gallery.name: _verified(store, item) for item in recovered}


def rebuild_index(settings: Settings) -> Mapping[str, int]:
    """Remove every snapshot and make new ones from the store; encounters by gallery.

    Raises:
        IndexFolderError, LedgerError, StoreError: as a start would.
        OSError: if the disk does not take them.
    """
    with _folder(settings) as folder:
        for path in folder.path.iterdir():
            if path.is_dir():
                folder.snapshots(path.name).clear()
    with _opened(settings) as (store, recovered):
        for item in recovered:
            item.gallery.snapshot(item.folder, store.origin(item.gallery.name))
        return {item.gallery.name: item.gallery.size for item in recovered}


@contextmanager
def _folder(settings: Settings) -> Iterator[IndexFolder]:
    folder = IndexFolder(settings.index_path)
    try:
        yield folder
    finally:
        folder.close()


@contextmanager
def _opened(settings: Settings) -> Iterator[tuple[Store, list[Recovered]]]:
    """The store with the galleries that are in it, of whatever model, each brought up to the log's end."""
    url = settings.database_url.get_secret_value()
    with _folder(settings) as folder, opened_as_it_is(url) as (store, specs):
        replay_tombstones(store, folder.ledger)
        recovered = [recover(store, folder, spec) for spec in specs]
        if recovered:
            galleries = {item.gallery.name: item.gallery for item in recovered}
            catch_up(store, galleries, min(item.position for item in recovered))
        yield store, recovered


def _verified(store: Store, item: Recovered) -> Verified:
    held = {record.encounter_id: record for record in item.gallery.records()}
    encounters = missing = different = 0
    for rows in store.vectors(item.gallery.name):
        # An index holds slots of unit norm to the last bit; what was enrolled is so within a tolerance.
        units = unit_slots(np.stack([row.vector for row in rows]), FINGERS, item.gallery.dimension, "vectors[{}]")
        for row, unit in zip(rows, units, strict=True):
            encounters += 1
            record = held.pop(row.encounter_id, None)
            if record is None:
                missing += 1
            elif (record.subject_id, record.vector.tobytes(), record.features) != (
                row.subject_id,
                unit.tobytes(),
                row.features,
            ):
                different += 1
    refused = tuple(str(error) for error in item.refused)
    return Verified(encounters, missing, different, len(held), refused, item.from_snapshot)
