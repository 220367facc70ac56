"""Backup and restore of the store, with proof: what is restored answers as the original did, bit for bit."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tenprint.index import Gallery
from tenprint.server.ledger import Ledger
from tenprint.server.recovery import record, replay_tombstones
from tenprint.store import Database, GallerySpec, Store, copy_store, opened_as_it_is

SAMPLED: Final = 50
"""Probes a gallery whose answers are recorded: its own records, spread evenly over it."""

_CANDIDATES: Final = 20
_FORMAT: Final = 1
_DATABASE: Final = "tenprint.db"
_RECORD: Final = "backup.json"

_Answer = list[tuple[str, str, str]]
"""Subject, encounter and score of each candidate, best first; the score as float.hex writes it: every bit."""


class BackupError(Exception):
    """A backup that cannot be made there, is not whole, or does not answer as the original did."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What was backed up or restored.

    Attributes:
        store_id: of the store that was backed up.
        encounters: by gallery, those that are searched.
        probes: whose answers were recorded, or were compared and are the same.
        expunged: encounters of the backup that were expunged since, and are expunged in the restored store.
    """

    store_id: str
    encounters: Mapping[str, int]
    probes: int
    expunged: int = 0


def back_up(database_url: str, folder: Path) -> Summary:
    """Copy a store into a folder, beside the server that uses it if need be: of one moment, and of either database.

    Args:
        database_url: the store.
        folder: not there yet, or empty. Gets `tenprint.db`, a SQLite database, and `backup.json`, with its checksum and
            the answers to sample probes. As sensitive as the store itself.

    Raises:
        BackupError: if the folder is not empty.
        StoreError: if the store cannot be read.
        OSError: if the disk does not take it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise BackupError(f"{folder} is not empty; name a new folder")
    copy_url = f"sqlite:///{folder / _DATABASE}"
    source = Database(database_url)
    try:
        copy = Database(copy_url)
        try:
            copy_store(source, copy, same_identity=True)
            store_id = copy.store_id()
            copy.scrub()  # everything in the one file
        finally:
            copy.close()
    finally:
        source.close()
    answers, sizes = {}, {}
    with opened_as_it_is(copy_url) as (store, specs):
        for spec in specs:
            gallery = _index(store, spec)
            answers[spec.name] = _answers(store, gallery)
            sizes[spec.name] = gallery.size
    content = {
        "format": _FORMAT,
        "made_at": datetime.now(UTC).isoformat(),
        "store_id": store_id,
        "encounters": sizes,
        "answers": answers,
        "sha256": _sha256(folder / _DATABASE),
    }
    (folder / _RECORD).write_text(json.dumps(content), encoding="utf-8")
    return Summary(store_id, sizes, sum(len(found) for found in answers.values()))


def restore(folder: Path, database_url: str, ledger: Ledger) -> Summary:
    """Copy a backup into an empty database and see that it answers as the original did.

    What the ledger says was expunged is expunged in the restored store; the restored store is another one to every
    snapshot of the original.

    Args:
        folder: as `back_up` made it.
        database_url: an empty database.
        ledger: the tombstones of the original, wherever they are kept; with the restored store's from then on.

    Raises:
        BackupError: if the backup is damaged, or an answer differs.
        NotEmptyError: if the database holds galleries.
        LedgerError: if the ledger cannot be read.
        OSError: if the backup cannot be read.
    """
    content = _content(folder)
    with tempfile.TemporaryDirectory(prefix="tenprint-restore-") as place:
        copied = Path(place) / _DATABASE
        shutil.copyfile(folder / _DATABASE, copied)  # opening it would change it
        source = Database(f"sqlite:///{copied}")
        try:
            target = Database(database_url)
            try:
                copy_store(source, target, same_identity=False)
            finally:
                target.close()
        finally:
            source.close()
    sizes, compared = {}, 0
    with opened_as_it_is(database_url) as (store, specs):
        replay_tombstones(store, ledger)
        gone = {tombstone.encounter_id for tombstone in store.erasure.tombstones()}
        for spec in specs:
            gallery = _index(store, spec)
            sizes[spec.name] = gallery.size
            compared += _compare(spec.name, content["answers"].get(spec.name, {}), store, gallery, gone)
        store.database.scrub()
    return Summary(content["store_id"], sizes, compared, len(gone))


def _content(folder: Path) -> dict[str, Any]:
    """What `backup.json` says, when it is whole and the database is what it was made with."""
    try:
        content: dict[str, Any] = json.loads((folder / _RECORD).read_bytes())
        version, digest = content["format"], content["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{folder / _RECORD} is not the record of a backup") from error
    if version != _FORMAT:
        raise BackupError(f"{folder / _RECORD} is of format {version}; this version reads {_FORMAT}")
    if _sha256(folder / _DATABASE) != digest:
        raise BackupError(f"{folder / _DATABASE} does not have the checksum it was backed up with")
    return content


def _index(store: Store, spec: GallerySpec) -> Gallery:
    gallery = Gallery(spec.name, dimension=spec.dimension, model_version=spec.model_version)
    for rows in store.vectors(spec.name):
        gallery.apply([record(row) for row in rows])
    return gallery


def _answers(store: Store, gallery: Gallery) -> dict[str, _Answer]:
    """The candidates of sample probes, by the encounter that was the probe."""
    step = max(1, gallery.size // SAMPLED)
    found: dict[str, _Answer] = {}
    number = 0
    for rows in store.vectors(gallery.name):
        for row in rows:
            if number % step == 0:
                found[row.encounter_id] = _candidates(gallery, row.vector)
            number += 1
    return found


def _compare(
    gallery: str, recorded: Mapping[str, Sequence[Sequence[str]]], store: Store, index: Gallery, gone: AbstractSet[str]
) -> int:
    """How many probes answered as recorded.

    Raises:
        BackupError: if one did not, or if one of `gone` is there.
    """
    probes = {probe: answer for probe, answer in recorded.items() if probe not in gone}
    vectors = {}
    for rows in store.vectors(gallery):
        if any(row.encounter_id in gone for row in rows):
            raise BackupError(f"gallery {gallery!r}: an expunged encounter is in the restored store")
        vectors.update({row.encounter_id: row.vector for row in rows if row.encounter_id in probes})
    for probe, answer in probes.items():
        if probe not in vectors:
            raise BackupError(f"gallery {gallery!r}: an encounter of the backup is not in the restored store")
        now = _candidates(index, vectors[probe])
        # Without what was expunged since, the others move up, and new ones may follow them.
        expected = [tuple(candidate) for candidate in answer if candidate[1] not in gone]
        if now[: len(expected)] != expected:
            raise BackupError(f"gallery {gallery!r}: the restored store does not answer as the original did")
    return len(probes)


def _candidates(gallery: Gallery, vector: NDArray[np.float32]) -> _Answer:
    (result,) = gallery.search(vector[np.newaxis], _CANDIDATES).results
    return [(item.subject_id, item.encounter_id, item.score.hex()) for item in result.candidates]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
