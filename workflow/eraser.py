"""The eraser: what may not be kept goes from the outbox, delivered or too old, and from the database's files."""

import asyncio
import json
import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Connection, select, update

from tenprint.store import Database, StoreUnavailableError
from tenprint.workflow import policy, schema
from tenprint.workflow.doorbell import Doorbell
from tenprint.workflow.metrics import WorkflowMetrics
from tenprint.workflow.types import MessageState

_LOOK_SECONDS: Final = 5.0
"""How long after its erasure a submission's bytes are looked after at the latest, where the database is not busy."""

_SPACING: Final = {True: 0.0, False: 900.0}
"""Seconds between two scrubs, by whether the database is SQLite: PostgreSQL writes whole tables anew for one."""

_TABLES: Final = (schema.submission, schema.impression_digest, schema.message, schema.leg)

_OVER: Final = (MessageState.ACKNOWLEDGED, MessageState.CANCELLED)
_UNDER_WAY: Final = (MessageState.WAITING, MessageState.DELIVERED)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A message that was given up because nobody acknowledged it in time."""

    message_id: str
    kind: str
    recipient: str
    channel: str


class Eraser:
    """Erases messages' content in time, and scrubs the database's files after erasures. One a database."""

    def __init__(self, database: Database, doorbell: Doorbell, metrics: WorkflowMetrics) -> None:
        self._database, self._doorbell, self._metrics = database, doorbell, metrics
        self._scrubbed_at = -math.inf

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.forget, datetime.now(UTC))
                if time.monotonic() - self._scrubbed_at >= _SPACING[self._database.is_sqlite]:
                    await asyncio.to_thread(self.scrub)
            except StoreUnavailableError as error:
                _log.warning("scrub_postponed", reason=str(error))
            await self._doorbell.wait(_LOOK_SECONDS)

    def forget(self, now: datetime) -> None:
        """Erase what the outbox holds no longer, and tell of what nobody had acknowledged.

        Raises:
            StoreUnavailableError: if the database does not take it.
        """
        for gone in self._database.write(lambda connection: forget(connection, now)):
            self._metrics.deliveries.labels(gone.kind, gone.channel, "expired").inc()
            facts = {"message": gone.message_id, "recipient": gone.recipient, "channel": gone.channel}
            _log.warning("undelivered_content_erased", **facts)

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


def forget(connection: Connection, now: datetime) -> list[Undelivered]:
    """Take what describes the person out of the messages about erased submissions.

    Until a message is acknowledged the outbox holds it, because it has to go out: for the policy's
    `keep_undelivered_days` at most. What was not acknowledged by then is dead. A redelivery after this goes without it,
    as does a message whose hit is disputed for so long.

    Returns:
        The messages that were given up.
    """
    message, submission = schema.message, schema.submission
    _, in_force = policy.current(connection)
    oldest = now - timedelta(days=in_force.keep_undelivered_days)
    told = select(message).join(submission, submission.c.submission_id == message.c.submission_id)
    holding = told.where(
        submission.c.erased_at.is_not(None),
        message.c.state.in_(_OVER) | (message.c.at <= oldest),
        message.c.file.is_not(None) | message.c.body.contains('"demographics"'),
    )
    given_up = []
    for row in connection.execute(holding).all():
        body = json.loads(row.body)
        body.pop("demographics", None)
        kept: dict[str, Any] = {"body": json.dumps(body, sort_keys=True), "file": None}
        if row.state in _UNDER_WAY:
            problem = f"not acknowledged in {in_force.keep_undelivered_days} days: what describes the person is erased"
            kept |= {"state": MessageState.DEAD, "due_at": None, "problem": problem}
            given_up.append(Undelivered(row.message_id, row.kind, row.recipient, row.channel))
        connection.execute(update(message).where(message.c.number == row.number).values(kept))
        again = update(submission).where(submission.c.submission_id == row.submission_id).values(scrubbed_at=None)
        connection.execute(again)
    return given_up
