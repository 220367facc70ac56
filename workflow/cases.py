"""Cases: what examiners are asked to decide."""

import uuid
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, insert

from tenprint.workflow import schema
from tenprint.workflow.policy import Policy
from tenprint.workflow.submissions import Kept
from tenprint.workflow.types import CaseKind, CaseState, LegKey


def open_hit(connection: Connection, submission: Kept, key: LegKey, policy: Policy) -> str:
    """Ask examiners who a leg's candidates are; the case's id.

    Level and priority order the queue: they are copied into the case, and nothing else is made of them.
    """
    case_id = str(uuid.uuid4())
    now = datetime.now(UTC)
    connection.execute(
        insert(schema.case).values(
            case_id=case_id,
            kind=CaseKind.HIT,
            submission_id=submission.submission_id,
            gallery=key.gallery,
            link_id="",
            state=CaseState.OPEN,
            priority=submission.priority,
            level=submission.level,
            opened_at=now,
            due_at=now + timedelta(hours=policy.hours(submission.priority)),
            outcome="",
            subject_id="",
            leased_by="",
            barred="[]",
        )
    )
    return case_id
