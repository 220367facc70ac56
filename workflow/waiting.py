"""What waits: counts for the metrics."""

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import func, select

from tenprint.store import Database
from tenprint.workflow import cases, deliveries, schema
from tenprint.workflow.types import Channel, MessageKind

_WATCHED = {"leg": schema.leg, "case": schema.case, "message": schema.message, "finding": schema.finding}


def counts(database: Database) -> Mapping[tuple[str, str], int]:
    """Rows by (what, state); "overdue" are those of the open cases that are.

    Raises:
        StoreUnavailableError: if the database does not answer.
    """
    found: dict[tuple[str, str], int] = {}
    with database.read() as connection:
        for what, table in _WATCHED.items():
            query = select(table.c.state, func.count().label("rows")).group_by(table.c.state)
            found |= {(what, row.state): row.rows for row in connection.execute(query)}
        found["case", "overdue"] = cases.overdue(connection, datetime.now(UTC))
    return found


def outbox(database: Database) -> tuple[Mapping[str, float], int]:
    """Seconds since the oldest waiting message of each channel was written, 0 where none waits; and how many notices
    went by an office's profile, because they fitted no subscription.

    Raises:
        StoreUnavailableError: if the database does not answer.
    """
    table, now = schema.message, datetime.now(UTC)
    unsubscribed = select(func.count()).where(table.c.kind == MessageKind.NOTICE, table.c.subscription_id == "")
    with database.read() as connection:
        oldest = deliveries.oldest_waiting(connection)
        count = connection.execute(unsubscribed).scalar_one()
    return {channel: max((now - oldest.get(channel, now)).total_seconds(), 0.0) for channel in Channel}, count
