"""What is kept of a submission once it is answered."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select, update

from tenprint.workflow import schema, submissions
from tenprint.workflow.submissions import Kept, Retention
from tenprint.workflow.types import Gallery, Leg, LegState


def advance(connection: Connection, submission: Kept, legs: Sequence[Leg]) -> None:
    """Take a submission's prints a step further, after a leg was settled or a finding closed.

    Nothing kept: with the last answer the prints and everything about the person are erased. Kept: once the criminal
    answer stands, and no finding about the submission is open, they are due for enrolment. An answer that is partial
    or in error decides nothing about who somebody is: the prints wait.
    """
    if submission.retention is Retention.NONE:
        if submission.erased_at is None and all(leg.state.is_settled for leg in legs):
            submissions.erase(connection, submission.submission_id, datetime.now(UTC))
        return
    if submission.retention in {Retention.WAITING, Retention.HELD}:
        known = any(
            leg.key.gallery is Gallery.CRIMINAL and leg.state in {LegState.MATCH, LegState.NO_MATCH} for leg in legs
        )
        if known:
            held = _open_findings(connection, submission.submission_id)
            _set(connection, submission.submission_id, Retention.HELD if held else Retention.DUE)


def _set(connection: Connection, submission_id: str, retention: Retention) -> None:
    table = schema.submission
    connection.execute(update(table).where(table.c.submission_id == submission_id).values(retention=retention))


def _open_findings(connection: Connection, submission_id: str) -> int:
    table = schema.finding
    query = select(func.count()).where(table.c.submission_id == submission_id, table.c.closed_at.is_(None))
    return int(connection.execute(query).scalar_one())
