"""The eraser: what was erased from the tables is made unreadable in the database's files."""

import asyncio
from datetime import UTC, datetime
from typing import Final

import structlog
from sqlalchemy import select, update

from tenprint.store import Database, StoreUnavailableError
from tenprint.workflow import schema
from tenprint.workflow.doorbell import Doorbell

_LOOK_SECONDS: Final = 5.0
"""How long after its erasure a submission's bytes are looked after at the latest, where the database is not busy."""

_TABLES: Final = (schema.submission, schema.impression_digest, schema.message, schema.leg)

_log = structlog.get_logger(__name__)


class Eraser:
    """Scrubs the database's files after erasures. One a database."""

    def __init__(self, database: Database, doorbell: Doorbell) -> None:
        self._database, self._doorbell = database, doorbell

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.scrub)
            except StoreUnavailableError as error:
                _log.warning("scrub_postponed", reason=str(error))
            await self._doorbell.wait(_LOOK_SECONDS)

    def scrub(self) -> int:
        """Scrub, where something was erased since the last time; how many submissions that were.

        Raises:
            StoreUnavailableError: if readers stood in the way. To be tried again.
        """
        table = schema.submission
        erased = select(table.c.submission_id).where(table.c.erased_at.is_not(None), table.c.scrubbed_at.is_(None))
        with self._database.read() as connection:
            found = list(connection.execute(erased).scalars())
        if found:
            self._database.scrub(_TABLES)
            gone = update(table).where(table.c.submission_id.in_(found)).values(scrubbed_at=datetime.now(UTC))
            self._database.write(lambda connection: connection.execute(gone) and None)
        return len(found)
