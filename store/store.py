"""The store: every change is one SQL transaction that is on disk before the call returns."""

import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, and_, false, or_, select, true, tuple_, update
from sqlalchemy import insert as insert_into

from tenprint.store import schema
from tenprint.store.database import Database, Observe, originator_row, utc
from tenprint.store.epochs import Epochs, hold_gallery, live_galleries
from tenprint.store.erasure import Erasure
from tenprint.store.errors import NotStoredError, TransactionTakenError
from tenprint.store.records import Records
from tenprint.store.types import (
    Changes,
    Encounter,
    GallerySpec,
    Kind,
    NewEncounter,
    Operation,
    Originator,
    Position,
    Receipt,
    StoredRecord,
)

_FINGERS: Final = 10
_READ_ROWS: Final = 1000


class Store:
    """The store of record. Thread-safe; calls block, so keep them off an event loop.

    Opening brings the schema up to date.

    Attributes:
        database: where it lies.
        records: changes to what is enrolled.
        erasure: what is to be gone for good.
        epochs: the models of the galleries.

    Args:
        url: as :class:`Database`.
        galleries: the galleries to hold. New ones are made.
        observe: as :class:`Database`.

    Raises:
        GalleryModelError: if a gallery's live epoch is of another model.
        StoreUnavailableError: if the database cannot be opened. Of every call: if it does not answer.
    """

    def __init__(self, url: str, galleries: Sequence[GallerySpec], observe: Observe = lambda *_: None) -> None:
        self.database: Final = Database(url, observe)
        self.records: Final = Records(self.database)
        self.erasure: Final = Erasure(self.database)
        self.epochs: Final = Epochs(self.database)
        try:
            self.database.write(self._adopt_log)
            self._live = self.database.write(
                lambda connection: {
                    spec.name: hold_gallery(connection, spec.name, spec.model_version, spec.dimension)
                    for spec in galleries
                }
            )
        except BaseException:
            self.close()
            raise
        self._dimensions = {gallery.name: gallery.dimension for gallery in galleries}

    def close(self) -> None:
        """Give all connections back."""
        self.database.close()

    def origin(self, gallery: str) -> str:
        """What an index of a gallery is a view of: the store and the epoch."""
        return f"{self.database.store_id()}/{self._live[gallery]}"

    def enrol(self, new: Sequence[NewEncounter]) -> list[Receipt | TransactionTakenError]:
        """Store enrolments with their receipts, in one transaction.

        An enrolment whose (ORI, TCN) has been enrolled gets that receipt again, or TransactionTakenError where it
        stands for other content. Neither touches the others.

        Returns:
            One for each, in order.

        Raises:
            EpochError: if another model has been swapped in since this store was opened.
        """
        return self.database.write(lambda connection: self._enrol(connection, new))

    def receipt(self, originator: Originator, digest: str) -> Receipt | None:
        """The receipt of an earlier enrolment, marked repeated; None where there was none.

        Raises:
            TransactionTakenError: if there was one with other content.
        """
        with self.database.read() as connection:
            found = _receipts(connection, [originator]).get(originator)
        return None if found is None else _repeated(found, digest)

    def encounters(self, gallery: str, subject_id: str) -> list[Encounter]:
        """The encounters of a subject, oldest first, sealed ones too.

        Raises:
            NotStoredError: if the gallery has no such subject.
        """
        encounter, template = schema.encounter, schema.template
        query = (
            select(encounter, template.c.fingers)
            .join(template, template.c.encounter_id == encounter.c.encounter_id)
            .where(
                encounter.c.gallery == gallery,
                encounter.c.subject_id == subject_id,
                template.c.epoch == self._live[gallery],
            )
            .order_by(encounter.c.number)
        )
        with self.database.read() as connection:
            rows = connection.execute(query).all()
        if not rows:
            raise NotStoredError("subject", subject_id)
        return [
            Encounter(
                row.encounter_id,
                row.subject_id,
                utc(row.enrolled_at),
                fingers_of(row.fingers),
                Originator(row.ori, row.tcn),
                row.sealed,
            )
            for row in rows
        ]

    def minutiae(self, gallery: str, encounter_id: str) -> bytes:
        """The minutiae kept of an encounter, sealed or not: ISO/IEC 19794-2:2005, a view a finger; empty: none are.

        Raises:
            NotStoredError: if the gallery has no such encounter.
        """
        encounter, kept = schema.encounter, schema.minutiae
        query = (
            select(kept.c.record)
            .select_from(encounter.join(kept, kept.c.encounter_id == encounter.c.encounter_id, isouter=True))
            .where(encounter.c.gallery == gallery, encounter.c.encounter_id == encounter_id)
        )
        with self.database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise NotStoredError("encounter", encounter_id)
        return bytes(row.record or b"")

    def history(self, gallery: str, *, subject_id: str | None, encounter_id: str | None) -> list[Operation]:
        """Everything that was done to a subject's encounters, or to one encounter, oldest first; also after its end.

        Raises:
            NotStoredError: if nothing ever was.
        """
        table = schema.operation
        which: ColumnElement[bool] = table.c.encounter_id == encounter_id
        if subject_id is not None:
            which = or_(table.c.subject_id == subject_id, table.c.previous_subject_id == subject_id)
        named = select(table.c.encounter_id).where(table.c.gallery == gallery, which)  # moved ones: in both galleries
        query = select(table).where(table.c.encounter_id.in_(named)).order_by(table.c.number)
        with self.database.read() as connection:
            rows = connection.execute(query).all()
        if not rows:
            kind = "encounter" if subject_id is None else "subject"
            raise NotStoredError(kind, subject_id or encounter_id or "")
        return [
            Operation(
                Position(row.transaction, row.number),
                Kind(row.kind),
                row.gallery,
                row.encounter_id,
                row.subject_id or "",
                row.previous_subject_id or "",
                utc(row.at),
                Originator(row.ori, row.tcn),
                row.reference or "",
            )
            for row in rows
        ]

    def vectors(self, gallery: str) -> Iterator[list[StoredRecord]]:
        """Every encounter that is searched, in batches, in the order of enrolment: what an index is rebuilt from."""
        searched = self._searched().where(schema.encounter.c.gallery == gallery).order_by(schema.encounter.c.number)
        with self.database.read() as connection:
            rows = connection.execute(searched.execution_options(yield_per=_READ_ROWS))
            for batch in rows.partitions():
                yield [self._record(row) for row in batch]

    def changes(self, after: Position, limit: int = _READ_ROWS) -> Changes:
        """The log after a position, as far as it is decided: the state now of every encounter that it names.

        To apply it twice, or to apply a later stretch first, changes nothing: it holds states, not steps.
        """
        table = schema.operation
        with self.database.read() as connection:
            horizon = self.database.horizon(connection)
            decided = true() if horizon is None else table.c.transaction < horizon
            operations = connection.execute(
                select(table.c.transaction, table.c.number, table.c.gallery, table.c.encounter_id)
                .where(tuple_(table.c.transaction, table.c.number) > (after.transaction, after.number), decided)
                .order_by(table.c.transaction, table.c.number)
                .limit(limit)
            ).all()
            if not operations:
                return Changes(after, 0, {}, {})
            named = {(row.gallery, row.encounter_id) for row in operations}
            ids = {encounter_id for _, encounter_id in named}
            found = connection.execute(self._searched().where(schema.encounter.c.encounter_id.in_(ids))).all()
        put: dict[str, list[StoredRecord]] = {}
        for row in found:
            if row.gallery in self._live:
                put.setdefault(row.gallery, []).append(self._record(row))
        drop: dict[str, list[str]] = {}
        for gallery, encounter_id in named - {(row.gallery, row.encounter_id) for row in found}:
            if gallery in self._live:
                drop.setdefault(gallery, []).append(encounter_id)
        last = operations[-1]
        return Changes(Position(last.transaction, last.number), len(operations), put, drop)

    def position(self) -> Position:
        """The position up to which the log is decided: nothing will appear before it any more."""
        table = schema.operation
        with self.database.read() as connection:
            horizon = self.database.horizon(connection)
            return self._last(connection, true() if horizon is None else table.c.transaction < horizon)

    def latest(self) -> Position:
        """The position of the latest change that can be seen; zero before any."""
        with self.database.read() as connection:
            return self._last(connection, true())

    def _last(self, connection: Connection, which: Any) -> Position:
        table = schema.operation
        row = connection.execute(
            select(table.c.transaction, table.c.number)
            .where(which)
            .order_by(table.c.transaction.desc(), table.c.number.desc())
            .limit(1)
        ).one_or_none()
        return Position(0, 0) if row is None else Position(row.transaction, row.number)

    def _searched(self) -> Any:
        encounter, template = schema.encounter, schema.template
        return (
            select(
                encounter.c.encounter_id,
                encounter.c.subject_id,
                encounter.c.gallery,
                template.c.fingers,
                template.c.vector,
                template.c.features,
            )
            .join(
                template,
                and_(
                    template.c.encounter_id == encounter.c.encounter_id,
                    or_(*(self._epoch_of(name, epoch) for name, epoch in self._live.items())),
                ),
            )
            .where(encounter.c.sealed.is_(False))
        )

    def _epoch_of(self, gallery: str, epoch: int) -> Any:
        """The epoch this store serves, also while another is being swapped in: that is for the next start."""
        return and_(schema.encounter.c.gallery == gallery, schema.template.c.epoch == epoch)

    def _record(self, row: Any) -> StoredRecord:
        vector = unpack_vector(row.vector, row.fingers, self._dimensions[row.gallery])
        return StoredRecord(row.encounter_id, row.subject_id, vector, row.features)

    def _enrol(self, connection: Connection, new: Sequence[NewEncounter]) -> list[Receipt | TransactionTakenError]:
        Epochs.check_live(connection, {item.gallery: self._live[item.gallery] for item in new})
        known = _receipts(connection, [item.encounter.originator for item in new])
        fresh: dict[Originator, NewEncounter] = {}
        for item in new:
            if item.encounter.originator not in known:
                fresh.setdefault(item.encounter.originator, item)
        made = self._insert(connection, list(fresh.values()))
        answers: list[Receipt | TransactionTakenError] = []
        for item in new:
            key = item.encounter.originator
            if fresh.get(key) is item:
                answers.append(made[key])
                continue
            try:
                answers.append(_repeated(known.get(key) or made[key], item.digest))
            except TransactionTakenError as error:
                answers.append(error)
        return answers

    def _insert(self, connection: Connection, new: Sequence[NewEncounter]) -> dict[Originator, Receipt]:
        if not new:
            return {}
        ordered = sorted(new, key=lambda item: (item.encounter.originator.ori, item.encounter.originator.tcn))
        named = [
            {
                "gallery": item.gallery,
                "encounter_id": item.encounter.encounter_id,
                "subject_id": item.encounter.subject_id,
                **originator_row(item.encounter.originator),
            }
            for item in ordered
        ]
        positions = self.database.log(connection, named, Kind.ENROL)
        rows = list(zip(ordered, named, positions, strict=True))
        connection.execute(
            insert_into(schema.receipt),
            [
                {
                    **name,
                    "digest": item.digest,
                    "enrolled_at": item.encounter.enrolled_at,
                    "fingers": _mask(item.encounter.fingers),
                    "reports": json.dumps(item.reports),
                    "transaction": position.transaction,
                    "number": position.number,
                }
                for item, name, position in rows
            ],
        )
        # In one order, so that two writers cannot wait for each other.
        subjects = sorted({(item.gallery, item.encounter.subject_id) for item in ordered})
        self.database.insert_if_absent(
            connection, schema.subject, [{"gallery": gallery, "subject_id": subject} for gallery, subject in subjects]
        )
        connection.execute(
            insert_into(schema.encounter),
            [
                {
                    **name,
                    "number": position.number,
                    "enrolled_at": item.encounter.enrolled_at,
                    "sealed": False,
                }
                for item, name, position in rows
            ],
        )
        connection.execute(
            insert_into(schema.template),
            [
                {
                    "encounter_id": item.encounter.encounter_id,
                    "epoch": self._live[item.gallery],
                    "fingers": _mask(item.encounter.fingers),
                    "vector": pack_vector(item.vector, self._dimensions[item.gallery]),
                    "features": item.features,
                }
                for item in ordered
            ],
        )
        if kept := [item for item in ordered if item.minutiae]:
            connection.execute(
                insert_into(schema.minutiae),
                [{"encounter_id": item.encounter.encounter_id, "record": item.minutiae} for item in kept],
            )
        return {
            item.encounter.originator: Receipt(item.encounter, item.reports, position, item.digest, repeated=False)
            for item, _, position in rows
        }

    def _adopt_log(self, connection: Connection) -> None:
        """Make the log usable after its rows came from another PostgreSQL cluster, whose transaction ids mean nothing.

        Rows with ids that this cluster has not given out yet would stay invisible to every follower.
        """
        coming = self.database.next_transaction(connection)
        table = schema.operation
        if coming is None or self._last(connection, true()).transaction < coming:
            return
        for rows in (table, schema.receipt, schema.change):
            connection.execute(update(rows).values(transaction=0))
        renew_identity(connection)


@contextmanager
def opened_as_it_is(url: str) -> Iterator[tuple[Store, list[GallerySpec]]]:
    """A store with the galleries that are in it, of whatever model; closed at the end."""
    database = Database(url)
    try:
        specs = live_galleries(database)
    finally:
        database.close()
    store = Store(url, specs)
    try:
        yield store, specs
    finally:
        store.close()


def renew_identity(connection: Connection) -> None:
    """Make it another store: snapshots of what it was are not its own."""
    connection.execute(update(schema.identity).values(store_id=str(uuid.uuid4())))


def _receipts(connection: Connection, originators: Iterable[Originator]) -> dict[Originator, Receipt]:
    table = schema.receipt
    tcns: dict[str, list[str]] = {}
    for ori, tcn in sorted({(originator.ori, originator.tcn) for originator in originators}):
        tcns.setdefault(ori, []).append(tcn)
    # Agency by agency: SQLite reads the whole table for a list of row values, and the index for these.
    sought = or_(false(), *(and_(table.c.ori == ori, table.c.tcn.in_(own)) for ori, own in tcns.items()))
    rows = connection.execute(select(table).where(sought))
    return {Originator(row.ori, row.tcn): _receipt(row) for row in rows}


def _receipt(row: Any) -> Receipt:
    encounter = Encounter(
        row.encounter_id,
        row.subject_id,
        utc(row.enrolled_at),
        fingers_of(row.fingers),
        Originator(row.ori, row.tcn),
    )
    position = Position(row.transaction, row.number)
    return Receipt(encounter, json.loads(row.reports), position, row.digest, repeated=True)


def _repeated(receipt: Receipt, digest: str) -> Receipt:
    if receipt.digest != digest:
        raise TransactionTakenError(receipt.digest)
    return replace(receipt, repeated=True)


def _mask(fingers: Sequence[int]) -> int:
    return sum(1 << (finger - 1) for finger in fingers)


def fingers_of(mask: int) -> tuple[int, ...]:
    """The finger positions of a template's mask, rising."""
    return tuple(finger for finger in range(1, _FINGERS + 1) if mask >> (finger - 1) & 1)


def pack_vector(vector: NDArray[np.float32], dimension: int) -> bytes:
    """The slots of a capture's vector, float32 [10 * d], that are not zero, one after another."""
    slots = vector.astype("<f4").reshape(_FINGERS, dimension)
    return slots[slots.any(axis=1)].tobytes()


def unpack_vector(packed: bytes, mask: int, dimension: int) -> NDArray[np.float32]:
    """A capture's vector, float32 [10 * d], as a template holds it."""
    slots = np.zeros((_FINGERS, dimension), dtype=np.float32)
    slots[[finger - 1 for finger in fingers_of(mask)]] = np.frombuffer(packed, dtype="<f4").reshape(-1, dimension)
    return slots.reshape(-1)
