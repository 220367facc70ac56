"""What waits: counts for the metrics."""

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import func, select

from tenprint.store import Database
from tenprint.workflow import cases, schema

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
