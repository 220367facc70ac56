"""What is to be gone for good: tombstones, how long their bytes have been waiting, and the database's own leftovers."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, func, select, update

from tenprint.store import schema
from tenprint.store.database import Database, originator_row, utc
from tenprint.store.records import Held, remove_encounters
from tenprint.store.types import Kind, Originator, Tombstone


class Erasure:
    """Follows expunged encounters until their last byte is gone."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    def tombstones(self) -> list[Tombstone]:
        """Every encounter that was ever expunged, oldest first."""
        with self._database.read() as connection:
            return _tombstones(connection)

    def pending(self) -> list[Tombstone]:
        """Those whose bytes may still lie somewhere, oldest first."""
        with self._database.read() as connection:
            return _tombstones(connection, schema.expunction.c.erased_at.is_(None))

    def oldest_pending(self) -> datetime | None:
        """When the oldest pending one was expunged; None: there is none."""
        table = schema.expunction
        with self._database.read() as connection:
            found = connection.execute(select(func.min(table.c.at)).where(table.c.erased_at.is_(None))).scalar()
        return None if found is None else utc(found)

    def done(self, encounter_ids: Sequence[str]) -> None:
        """Record that no byte of them is left in the store's files and in the snapshots."""
        table = schema.expunction
        self._database.write(
            lambda connection: connection.execute(
                update(table).where(table.c.encounter_id.in_(encounter_ids)).values(erased_at=datetime.now(UTC))
            )
        )

    def replay(self, tombstones: Iterable[Tombstone]) -> list[str]:
        """Expunge again what an older copy of the store brought back.

        Args:
            tombstones: every one that is known from outside the store.

        Returns:
            The encounters that this store did not know to be expunged.
        """
        known = {tombstone.encounter_id for tombstone in self.tombstones()}
        missing = [tombstone for tombstone in tombstones if tombstone.encounter_id not in known]
        for tombstone in missing:
            self._database.write(lambda connection, it=tombstone: self._expunge_again(connection, it))  # type: ignore[misc]
        return [tombstone.encounter_id for tombstone in missing]

    def _expunge_again(self, connection: Connection, tombstone: Tombstone) -> None:
        table, by = schema.encounter, originator_row(tombstone.originator)
        rows = connection.execute(
            select(table.c.encounter_id, table.c.subject_id, table.c.sealed).where(
                table.c.encounter_id == tombstone.encounter_id
            )
        ).all()
        held = [Held(row.encounter_id, row.subject_id, row.sealed) for row in rows]
        if held:
            remove_encounters(connection, tombstone.gallery, held)
            logged = [
                {"gallery": tombstone.gallery, "encounter_id": item.encounter_id, "subject_id": item.subject_id, **by}
                for item in held
            ]
            self._database.log(connection, logged, Kind.EXPUNGE)
        receipts = schema.receipt
        mine = receipts.c.encounter_id == tombstone.encounter_id
        connection.execute(update(receipts).where(mine).values(reports="[]"))
        row = {
            "encounter_id": tombstone.encounter_id,
            "gallery": tombstone.gallery,
            "at": tombstone.at,
            "erased_at": None,
            **by,
        }
        self._database.insert_if_absent(connection, schema.expunction, [row])


def _tombstones(connection: Connection, *which: ColumnElement[bool]) -> list[Tombstone]:
    table = schema.expunction
    query = select(table).where(*which).order_by(table.c.at, table.c.encounter_id)
    return [
        Tombstone(row.encounter_id, row.gallery, utc(row.at), Originator(row.ori, row.tcn))
        for row in connection.execute(query)
    ]
