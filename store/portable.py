"""A store copied whole from one database into another, of either kind."""

from typing import Final

from sqlalchemy import Connection, insert, select, update

from tenprint.store import schema
from tenprint.store.database import Database
from tenprint.store.errors import NotEmptyError
from tenprint.store.store import renew_identity

_ROWS: Final = 500


def copy_store(source: Database, target: Database, *, same_identity: bool) -> None:
    """Copy every row, in one transaction on either side: what is read is of one moment, what is written all or nothing.

    Args:
        source: what to copy.
        target: an empty store.
        same_identity: whether the copy is the same store (a backup), or another from now on (a restored one): snapshots
            of the original are then not its own, and the log's transaction ids are made those of the past.

    Raises:
        NotEmptyError: if the target holds a gallery.
    """
    with source.read() as reader:

        def work(writer: Connection) -> None:
            if writer.execute(select(schema.gallery.c.name).limit(1)).first() is not None:
                raise NotEmptyError("the database to copy into holds galleries already; name an empty one")
            writer.execute(schema.identity.delete())
            for table in schema.metadata.sorted_tables:
                rows = reader.execute(select(table).execution_options(yield_per=_ROWS))
                for batch in rows.mappings().partitions():
                    writer.execute(insert(table), [dict(row) for row in batch])
            if not same_identity:
                for table in (schema.operation, schema.receipt, schema.change):
                    writer.execute(update(table).values(transaction=0))
                renew_identity(writer)
            target.number_from(writer)

        target.write(work)
