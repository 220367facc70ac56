"""What is kept of a submission once it is answered."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select, update

from tenprint.workflow import findings, schema, submissions
from tenprint.workflow.submissions import Kept, Retention
from tenprint.workflow.types import CaseState, Gallery, Leg, LegState


def advance(connection: Connection, submission: Kept, legs: Sequence[Leg]) -> None:
    """Take a submission's prints a step further, after a leg was settled, or a finding or a case closed.

    Nothing kept: with the last answer the prints and everything about the person are erased, once examiners who look
    at them have decided. Kept: once the criminal answer stands, and neither a finding about the submission nor a case
    about that answer is open, they are due for enrolment. An answer that is partial or in error decides nothing about
    who somebody is: the prints wait.
    """
    if submission.retention is Retention.NONE:
        answered = all(leg.state.is_settled for leg in legs)
        examined = not _open_cases(connection, submission.submission_id, *Gallery)
        if submission.erased_at is None and answered and examined:
            submissions.erase(connection, submission.submission_id, datetime.now(UTC))
        return
    if submission.retention in {Retention.WAITING, Retention.HELD, Retention.DUE}:
        known = any(
            leg.key.gallery is Gallery.CRIMINAL and leg.state in {LegState.MATCH, LegState.NO_MATCH} for leg in legs
        )
        if known:
            held = findings.holding(connection, submission.submission_id) or _open_cases(
                connection, submission.submission_id, Gallery.CRIMINAL
            )
            _set(connection, submission.submission_id, Retention.HELD if held else Retention.DUE)


def _set(connection: Connection, submission_id: str, retention: Retention) -> None:
    table = schema.submission
    connection.execute(update(table).where(table.c.submission_id == submission_id).values(retention=retention))


def _open_cases(connection: Connection, submission_id: str, *galleries: Gallery) -> int:
    table = schema.case
    about = (table.c.submission_id == submission_id, table.c.gallery.in_(galleries))
    query = select(func.count()).where(*about, table.c.state == CaseState.OPEN)
    return int(connection.execute(query).scalar_one())
