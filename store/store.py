"""The store: every change is one SQL transaction that is on disk before the call returns."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from alembic import command
from alembic.config import Config
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, create_engine, delete, event, insert, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError

from tenprint.store import schema
from tenprint.store.errors import GalleryModelError, NotStoredError, TransactionTakenError
from tenprint.store.types import Encounter, NewEncounter, Originator, Position, Receipt, StoredVector

_FINGERS: Final = 10
_READ_ROWS: Final = 1000
_POOL: Final = {"pool_size": 8, "max_overflow": 0, "pool_timeout": 10, "pool_pre_ping": True}
_POSTGRESQL_LIMITS: Final = (
    "SET LOCAL statement_timeout = '30s'",
    "SET LOCAL lock_timeout = '10s'",
    "SET LOCAL idle_in_transaction_session_timeout = '30s'",  # an idle writer would hold every follower back
)
"""Set inside each transaction, because a pooler such as pgbouncer hands sessions around between them."""


@dataclass(frozen=True, slots=True)
class GallerySpec:
    """A gallery to hold: its name, and the model whose vectors it holds."""

    name: str
    model_version: str
    dimension: int


class Store:
    """The store of record. Thread-safe; calls block, so keep them off an event loop.

    Opening brings the schema up to date. On SQLite there is one writer at a time, journal in WAL mode, and
    `synchronous=FULL`: a commit is on disk, and erased rows are overwritten (`secure_delete`).

    Args:
        url: a SQLAlchemy URL: `sqlite:///path/to/file.db` or `postgresql+psycopg://user@host/database`.
        galleries: the galleries to hold. New ones are made.

    Raises:
        GalleryModelError: if a gallery holds vectors of another model.
    """

    def __init__(self, url: str, galleries: Sequence[GallerySpec]) -> None:
        self._sqlite = make_url(url).get_backend_name() == "sqlite"
        self._engine = _sqlite_engine(url) if self._sqlite else _postgresql_engine(url)
        self._writing = threading.Lock()
        self._dimensions = {gallery.name: gallery.dimension for gallery in galleries}
        try:
            _migrate(self._engine)
            with self._write() as connection:
                for gallery in galleries:
                    _hold(connection, gallery)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()

    def enrol(self, new: NewEncounter) -> Receipt:
        """Store an enrolment with its receipt; or, where its (ORI, TCN) has been enrolled, give that receipt again.

        Raises:
            TransactionTakenError: if the (ORI, TCN) stands for other content.
        """
        try:
            with self._write() as connection:
                return _insert(connection, new, self._dimensions[new.gallery], sqlite=self._sqlite)
        except IntegrityError:
            # The one constraint that a well-formed enrolment can break: the receipt is there already.
            found = self.receipt(new.encounter.originator, new.digest)
            if found is None:
                raise
            return found

    def receipt(self, originator: Originator, digest: str) -> Receipt | None:
        """The receipt of an earlier enrolment, marked repeated; None where there was none.

        Raises:
            TransactionTakenError: if there was one with other content.
        """
        table = schema.receipt
        with self._engine.connect() as connection:
            row = connection.execute(
                select(table).where(table.c.ori == originator.ori, table.c.tcn == originator.tcn)
            ).one_or_none()
        if row is None:
            return None
        if row.digest != digest:
            raise TransactionTakenError(row.digest)
        encounter = Encounter(
            row.encounter_id, row.subject_id, _utc(row.enrolled_at), _fingers(row.fingers), originator
        )
        position = Position(row.transaction, row.number)
        return Receipt(encounter, json.loads(row.reports), position, row.digest, repeated=True)

    def encounters(self, gallery: str, subject_id: str) -> list[Encounter]:
        """The encounters of a subject, oldest first.

        Raises:
            NotStoredError: if the gallery has no such subject.
        """
        with self._engine.connect() as connection:
            found = _encounters(connection, gallery, schema.encounter.c.subject_id == subject_id)
        if not found:
            raise NotStoredError("subject", subject_id)
        return found

    def delete_subject(self, gallery: str, subject_id: str, by: Originator) -> tuple[list[str], Position]:
        """Remove a subject with all its encounters; their ids, and the position of the last removal.

        Raises:
            NotStoredError: if the gallery has no such subject.
        """
        with self._write() as connection:
            found = _encounters(connection, gallery, schema.encounter.c.subject_id == subject_id)
            if not found:
                raise NotStoredError("subject", subject_id)
            return self._delete(connection, gallery, found, by)

    def delete_encounter(self, gallery: str, encounter_id: str, by: Originator) -> tuple[list[str], Position]:
        """Remove one encounter, and its subject with the last one.

        Raises:
            NotStoredError: if the gallery has no such encounter.
        """
        with self._write() as connection:
            found = _encounters(connection, gallery, schema.encounter.c.encounter_id == encounter_id)
            if not found:
                raise NotStoredError("encounter", encounter_id)
            return self._delete(connection, gallery, found, by)

    def vectors(self, gallery: str) -> Iterator[list[StoredVector]]:
        """Every encounter's vector, in batches, in the order of enrolment: what an index is rebuilt from."""
        encounter, template = schema.encounter, schema.template
        query = (
            select(encounter.c.encounter_id, encounter.c.subject_id, template.c.fingers, template.c.vector)
            .join(template, template.c.encounter_id == encounter.c.encounter_id)
            .where(encounter.c.gallery == gallery)
            .order_by(encounter.c.number)
            .execution_options(yield_per=_READ_ROWS)
        )
        dimension = self._dimensions[gallery]
        with self._engine.connect() as connection:
            for rows in connection.execute(query).partitions():
                yield [
                    StoredVector(row.encounter_id, row.subject_id, _unpack(row.vector, row.fingers, dimension))
                    for row in rows
                ]

    def position(self) -> Position:
        """The position of the latest change; zero before any."""
        table = schema.operation
        with self._engine.connect() as connection:
            row = connection.execute(
                select(table.c.transaction, table.c.number)
                .order_by(table.c.transaction.desc(), table.c.number.desc())
                .limit(1)
            ).one_or_none()
        return Position(0, 0) if row is None else Position(row.transaction, row.number)

    def _delete(
        self, connection: Connection, gallery: str, encounters: Sequence[Encounter], by: Originator
    ) -> tuple[list[str], Position]:
        ids = [encounter.encounter_id for encounter in encounters]
        connection.execute(delete(schema.template).where(schema.template.c.encounter_id.in_(ids)))
        connection.execute(delete(schema.encounter).where(schema.encounter.c.encounter_id.in_(ids)))
        left = select(schema.encounter.c.subject_id).where(schema.encounter.c.gallery == gallery)
        connection.execute(
            delete(schema.subject).where(
                schema.subject.c.gallery == gallery,
                schema.subject.c.subject_id.in_({encounter.subject_id for encounter in encounters}),
                schema.subject.c.subject_id.not_in(left),
            )
        )
        positions = [_log(connection, gallery, "delete", id_, by, sqlite=self._sqlite) for id_ in ids]
        return ids, positions[-1]

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        """A transaction; on SQLite the only writing one."""
        if self._sqlite:
            with self._writing, self._engine.begin() as connection:
                yield connection
        else:
            with self._engine.begin() as connection:
                for limit in _POSTGRESQL_LIMITS:
                    connection.execute(text(limit))
                yield connection


def _sqlite_engine(url: str) -> Engine:
    file = make_url(url).database
    if file:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": 30}, **_POOL)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins no transactions of its own: `begin` below does
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _postgresql_engine(url: str) -> Engine:
    # Server-side prepared statements belong to a session, which a pooler may swap: none are made.
    return create_engine(url, connect_args={"prepare_threshold": None, "connect_timeout": 10}, **_POOL)


def _migrate(engine: Engine) -> None:
    """Bring the schema to the newest revision."""
    config = Config()
    config.set_main_option("script_location", "tenprint.store:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _hold(connection: Connection, wanted: GallerySpec) -> None:
    table = schema.gallery
    row = connection.execute(select(table).where(table.c.name == wanted.name)).one_or_none()
    if row is None:
        values = {"name": wanted.name, "model_version": wanted.model_version, "dimension": wanted.dimension}
        connection.execute(insert(table).values(values))
    elif (row.model_version, row.dimension) != (wanted.model_version, wanted.dimension):
        raise GalleryModelError(wanted.name, row.model_version, wanted.model_version)


def _insert(connection: Connection, new: NewEncounter, dimension: int, *, sqlite: bool) -> Receipt:
    encounter = new.encounter
    position = _log(connection, new.gallery, "enrol", encounter.encounter_id, encounter.originator, sqlite=sqlite)
    mask = _mask(encounter.fingers)
    known = {"ori": encounter.originator.ori, "tcn": encounter.originator.tcn}
    named = {"encounter_id": encounter.encounter_id, "subject_id": encounter.subject_id, "gallery": new.gallery}
    receipt = {
        **known,
        **named,
        "digest": new.digest,
        "enrolled_at": encounter.enrolled_at,
        "fingers": mask,
        "reports": json.dumps(new.reports),
        "transaction": position.transaction,
        "number": position.number,
    }
    connection.execute(insert(schema.receipt).values(receipt))
    subject = {"gallery": new.gallery, "subject_id": encounter.subject_id}
    make = _insert_if_absent(sqlite=sqlite)
    connection.execute(make(schema.subject).values(subject).on_conflict_do_nothing())
    row = {**known, **named, "number": position.number, "enrolled_at": encounter.enrolled_at}
    connection.execute(insert(schema.encounter).values(row))
    packed = {
        "encounter_id": encounter.encounter_id,
        "fingers": mask,
        "vector": _pack(new.vector, mask, dimension),
    }
    connection.execute(insert(schema.template).values(packed))
    return Receipt(encounter, new.reports, position, new.digest, repeated=False)


def _insert_if_absent(*, sqlite: bool) -> Any:
    """The dialect's INSERT with ON CONFLICT: the two spell it alike and import it apart."""
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.dialects import sqlite as sqlite_dialect

    return sqlite_dialect.insert if sqlite else postgresql.insert


def _log(
    connection: Connection, gallery: str, kind: str, encounter_id: str, by: Originator, *, sqlite: bool
) -> Position:
    """Write a row of the operation log; its position."""
    table = schema.operation
    # A serial number is drawn before the commit, so a reader may see 7 before 6. The transaction's id in front lets a
    # follower on PostgreSQL stop short of what may still be uncommitted (pg_snapshot_xmin).
    transaction = 0 if sqlite else connection.execute(select(text("pg_current_xact_id()::text::bigint"))).scalar_one()
    values = {
        "transaction": transaction,
        "gallery": gallery,
        "kind": kind,
        "encounter_id": encounter_id,
        "at": datetime.now(UTC),
        "ori": by.ori,
        "tcn": by.tcn,
    }
    number = connection.execute(insert(table).values(values).returning(table.c.number)).scalar_one()
    return Position(transaction, number)


def _encounters(connection: Connection, gallery: str, which: Any) -> list[Encounter]:
    encounter, template = schema.encounter, schema.template
    rows = connection.execute(
        select(encounter, template.c.fingers)
        .join(template, template.c.encounter_id == encounter.c.encounter_id)
        .where(encounter.c.gallery == gallery, which)
        .order_by(encounter.c.number)
    )
    return [
        Encounter(
            row.encounter_id,
            row.subject_id,
            _utc(row.enrolled_at),
            _fingers(row.fingers),
            Originator(row.ori, row.tcn),
        )
        for row in rows
    ]


def _utc(moment: datetime) -> datetime:
    """SQLite gives times back without their zone; they were written in UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _mask(fingers: Sequence[int]) -> int:
    return sum(1 << (finger - 1) for finger in fingers)


def _fingers(mask: int) -> tuple[int, ...]:
    return tuple(finger for finger in range(1, _FINGERS + 1) if mask >> (finger - 1) & 1)


def _pack(vector: NDArray[np.float32], mask: int, dimension: int) -> bytes:
    """The slots that are there, one after another."""
    slots = vector.astype("<f4").reshape(_FINGERS, dimension)
    return slots[[finger - 1 for finger in _fingers(mask)]].tobytes()


def _unpack(packed: bytes, mask: int, dimension: int) -> NDArray[np.float32]:
    slots = np.zeros((_FINGERS, dimension), dtype=np.float32)
    slots[[finger - 1 for finger in _fingers(mask)]] = np.frombuffer(packed, dtype="<f4").reshape(-1, dimension)
    return slots.reshape(-1)
