"""The eraser: what may not be kept goes from the outbox once it is delivered, and from the database's files."""

import asyncio
import json
import math
import time
from datetime import UTC, datetime
from typing import Final

import structlog
from sqlalchemy import Connection, select, update

from tenprint.store import Database, StoreUnavailableError
from tenprint.workflow import schema
from tenprint.workflow.doorbell import Doorbell
from tenprint.workflow.types import MessageState

_LOOK_SECONDS: Final = 5.0
"""How long after its erasure a submission's bytes are looked after at the latest, where the database is not busy."""

_SPACING: Final = {True: 0.0, False: 900.0}
"""Seconds between two scrubs, by whether the database is SQLite: PostgreSQL writes whole tables anew for one."""

_TABLES: Final = (schema.submission, schema.impression_digest, schema.message, schema.leg)

_log = structlog.get_logger(__name__)


class Eraser:
    """Scrubs the database's files after erasures. One a database."""

    def __init__(self, database: Database, doorbell: Doorbell) -> None:
        self._database, self._doorbell = database, doorbell
        self._scrubbed_at = -math.inf

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self._database.write, forget_delivered)
                if time.monotonic() - self._scrubbed_at >= _SPACING[self._database.is_sqlite]:
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
            self._scrubbed_at = time.monotonic()
            gone = update(table).where(table.c.submission_id.in_(found)).values(scrubbed_at=datetime.now(UTC))
            self._database.write(lambda connection: connection.execute(gone))
        return len(found)


def forget_delivered(connection: Connection) -> None:
    """Take what describes the person out of the acknowledged messages about erased submissions.

    Until then the outbox holds it, because it has to go out; a redelivery after this goes without it.
    """
    message, submission = schema.message, schema.submission
    delivered = (
        select(message.c.number, message.c.body, message.c.submission_id)
        .join(submission, submission.c.submission_id == message.c.submission_id)
        .where(submission.c.erased_at.is_not(None), message.c.state == MessageState.ACKNOWLEDGED)
        .where(message.c.file.is_not(None) | message.c.body.contains('"demographics"'))
    )
    for row in connection.execute(delivered).all():
        body = json.loads(row.body)
        body.pop("demographics", None)
        kept = {"body": json.dumps(body, sort_keys=True), "file": None}
        connection.execute(update(message).where(message.c.number == row.number).values(kept))
        again = update(submission).where(submission.c.submission_id == row.submission_id).values(scrubbed_at=None)
        connection.execute(again)
