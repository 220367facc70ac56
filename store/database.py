"""The database under the store: connections, transactions, the two dialects' ways, and the log of operations."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, Table, create_engine, event, insert, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from tenprint.store import schema
from tenprint.store.errors import StoreUnavailableError
from tenprint.store.types import Kind, Originator, Position

_T = TypeVar("_T")

Observe = Callable[[str, float], None]
"""Told the name of a stage ("write", "commit") and the seconds it took."""

_POOL: Final = {"pool_size": 10, "max_overflow": 0, "pool_timeout": 10, "pool_pre_ping": True}
_SQLITE_BUSY_SECONDS: Final = 30
"""How long a writer waits for another process's, a command beside the server's say."""

_POSTGRESQL_LIMITS: Final = (
    "SET LOCAL statement_timeout = '30s'",
    "SET LOCAL lock_timeout = '10s'",
    "SET LOCAL idle_in_transaction_session_timeout = '30s'",  # an idle writer would hold every follower back
)
"""Set inside each transaction, because a pooler such as pgbouncer hands sessions around between them."""

_TRIES: Final = 5
_AGAIN: Final = frozenset({"40001", "40P01"})  # serialization_failure, deadlock_detected


class Database:
    """A SQLite file or a PostgreSQL database, brought to the newest schema. Thread-safe; calls block.

    On SQLite there is one writer at a time, journal in WAL mode, and `synchronous=FULL`: a commit is on disk, and
    erased rows are overwritten (`secure_delete`).

    Args:
        url: a SQLAlchemy URL: `sqlite:///path/to/file.db` or `postgresql+psycopg://user@host/database`.
        observe: told how long the stages of a transaction took.
        migrations: the Alembic revisions that make its tables, as "package:folder".
    """

    def __init__(
        self, url: str, observe: Observe = lambda *_: None, migrations: str = "tenprint.store:migrations"
    ) -> None:
        self.is_sqlite: Final = make_url(url).get_backend_name() == "sqlite"
        self.engine: Final = _sqlite_engine(url) if self.is_sqlite else _postgresql_engine(url)
        self._observe = observe
        self._writing = threading.Lock()
        try:
            with _told():
                _migrate(self.engine, migrations)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that reads: everything it sees is of one moment.

        Raises:
            StoreUnavailableError: if the database does not answer.
        """
        with _told(), self.engine.connect() as connection:
            if not self.is_sqlite:  # SQLite's are of one moment by themselves
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    def write(self, work: Callable[[Connection], _T]) -> _T:
        """Run `work` in a transaction and commit it. On PostgreSQL, what collided with another writer is run again.

        Raises:
            StoreUnavailableError: if the database does not take it.
        """
        for trial in range(1, _TRIES + 1):
            try:
                with _told():
                    return self._write_once(work)
            except (IntegrityError, _CollisionError):
                # Another writer was first, with the same receipt say: this time its rows are seen.
                if trial == _TRIES:
                    raise
        raise AssertionError("unreachable")

    def _write_once(self, work: Callable[[Connection], _T]) -> _T:
        begun = time.perf_counter()
        if self.is_sqlite:
            with self._writing, self.engine.connect() as connection:
                # A writer from the start: one that began as a reader may find that it cannot become one.
                result = self._committed(connection.execution_options(writes=True), work, begun)
        else:
            with self.engine.connect() as connection:
                result = self._committed(connection, work, begun)
        return result

    def _committed(self, connection: Connection, work: Callable[[Connection], _T], begun: float) -> _T:
        with connection.begin() as transaction:
            if not self.is_sqlite:
                for limit in _POSTGRESQL_LIMITS:
                    connection.execute(text(limit))
            result = work(connection)
            written = time.perf_counter()
            transaction.commit()
        self._observe("write", written - begun)
        self._observe("commit", time.perf_counter() - written)
        return result

    def insert_if_absent(self, connection: Connection, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
        """INSERT ... ON CONFLICT DO NOTHING: the dialects spell it alike and offer it apart."""
        make: Any = sqlite_dialect.insert if self.is_sqlite else postgresql.insert
        connection.execute(make(table).on_conflict_do_nothing(), list(rows))

    def log(self, connection: Connection, rows: Sequence[Mapping[str, Any]], kind: Kind) -> list[Position]:
        """Write rows of the operation log; their positions, in order.

        Args:
            connection: in a writing transaction.
            rows: `gallery`, `encounter_id`, `subject_id`, `ori`, `tcn`, and where they apply `previous_subject_id` and
                `reference`.
            kind: what was done.
        """
        # A serial number is drawn before the commit, so a reader may see 7 before 6. The transaction's id in front lets
        # a follower on PostgreSQL stop short of what may still be uncommitted.
        transaction = 0
        if not self.is_sqlite:
            transaction = connection.execute(select(text("pg_current_xact_id()::text::bigint"))).scalar_one()
        common = {"transaction": transaction, "kind": kind.value, "at": datetime.now(UTC)}
        optional = {"previous_subject_id": None, "reference": None}
        table = schema.operation
        inserted = connection.execute(
            insert(table).returning(table.c.number, sort_by_parameter_order=True),
            [{**common, **optional, **row} for row in rows],
        )
        return [Position(transaction, number) for number in inserted.scalars()]

    def horizon(self, connection: Connection) -> int | None:
        """The transaction id below which everything has been decided; None on SQLite, where everything visible has."""
        if self.is_sqlite:
            return None
        found = connection.execute(select(text("pg_snapshot_xmin(pg_current_snapshot())::text::bigint"))).scalar_one()
        return int(found)

    def next_transaction(self, connection: Connection) -> int | None:
        """A transaction id that has not been given out yet; None on SQLite, which has none."""
        if self.is_sqlite:
            return None
        found = connection.execute(select(text("pg_snapshot_xmax(pg_current_snapshot())::text::bigint"))).scalar_one()
        return int(found)

    def scrub(self, tables: Sequence[Table] = (schema.template, schema.minutiae)) -> None:
        """Make erased rows unreadable in the database's files.

        Args:
            tables: where rows were erased; by default those that hold prints in the store of record.

        SQLite: the write-ahead log, which still holds them, is written back and cut off; the pages were overwritten
        when the rows were deleted. PostgreSQL: the tables are written anew (VACUUM FULL, which locks them
        meanwhile); its own write-ahead log and its backups are the operator's.

        Raises:
            StoreUnavailableError: if readers stood in the way. To be tried again.
        """
        with _told(), self.engine.connect() as connection:
            plain = connection.execution_options(isolation_level="AUTOCOMMIT")
            if self.is_sqlite:
                with self._writing:
                    busy = plain.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).one()[0]
                if busy:
                    raise StoreUnavailableError("the write-ahead log is being read; it is erased the next time")
            else:
                for table in tables:
                    plain.execute(text(f"VACUUM (FULL) {table.name}"))

    def number_from(self, connection: Connection) -> None:
        """After rows of the log were copied in: let the next one be numbered beyond them."""
        if not self.is_sqlite:  # SQLite's counter follows the rows by itself
            connection.execute(
                text(
                    "SELECT setval(pg_get_serial_sequence('operation', 'number'), coalesce(max(number), 1)) "
                    "FROM operation"
                )
            )

    def store_id(self) -> str:
        """Which store this is."""
        with self.read() as connection:
            return str(connection.execute(select(schema.identity.c.store_id)).scalar_one())


class _CollisionError(StoreUnavailableError):
    """PostgreSQL broke off a transaction in favour of another, again and again where a caller meets this."""


@contextmanager
def _told() -> Iterator[None]:
    """A database's own errors, in the store's words. Their messages are not passed on: they may quote a row."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _AGAIN:
            raise _CollisionError("other writers were in the way") from error
        raise StoreUnavailableError(f"the database does not take it: {_kind(error.orig)}") from error
    except PoolTimeoutError as error:
        raise StoreUnavailableError("every connection to the database is in use") from error


def _kind(error: BaseException | None) -> str:
    """What went wrong, in words without content: SQLite's name of the error, or PostgreSQL's SQLSTATE."""
    told = getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None)
    return f"{type(error).__name__} {told}" if told else type(error).__name__


def originator_row(by: Originator) -> dict[str, str]:
    """An originator as columns."""
    return {"ori": by.ori, "tcn": by.tcn}


def utc(moment: datetime) -> datetime:
    """SQLite gives times back without their zone; they were written in UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _sqlite_engine(url: str) -> Engine:
    file = make_url(url).database
    if file:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": _SQLITE_BUSY_SECONDS}, hide_parameters=True, **_POOL)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins no transactions of its own: `begin` below does
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes") else "BEGIN")

    return engine


def _postgresql_engine(url: str) -> Engine:
    # Server-side prepared statements belong to a session, which a pooler may swap: none are made.
    arguments = {"prepare_threshold": None, "connect_timeout": 10}
    return create_engine(url, connect_args=arguments, hide_parameters=True, **_POOL)


def _migrate(engine: Engine, migrations: str) -> None:
    """Bring the schema to the newest revision."""
    config = Config()
    config.set_main_option("script_location", migrations)
    with engine.connect() as connection, connection.execution_options(writes=True).begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
