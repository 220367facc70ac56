"""Findings: records and submissions that do not fit together. Kept for reviewers; nothing is merged by itself."""

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, insert, select

from tenprint.workflow import schema
from tenprint.workflow.submissions import Kept
from tenprint.workflow.types import Band, Candidate, FindingKind, LegKey

QUARANTINED: Final = "quarantined"
"""The state of a finding that no reviewer has closed: the prints of its submission are not enrolled meanwhile."""


def at_answer(connection: Connection, submission: Kept, key: LegKey, candidates: Sequence[Candidate]) -> None:
    """Look at what a matcher answered: the same prints under several identities of one gallery."""
    subjects = sorted({item.subject_id for item in candidates if item.band is Band.MATCH})
    if len(subjects) > 1:
        members = [f"{key.gallery}:{subject}" for subject in subjects]
        record(connection, FindingKind.SEVERAL_SUBJECTS, members, submission.submission_id)


def record(connection: Connection, kind: FindingKind, members: Sequence[str], submission_id: str) -> None:
    """Keep a finding, once: what is found again about the same members is the same finding."""
    about = "|".join(members)[:200]
    table = schema.finding
    same = select(table.c.finding_id).where(table.c.kind == kind, table.c.about == about)
    if connection.execute(same).scalar_one_or_none() is not None:
        return
    connection.execute(
        insert(table).values(
            finding_id=str(uuid.uuid4()),
            kind=kind,
            about=about,
            submission_id=submission_id,
            members=json.dumps(list(members)),
            at=datetime.now(UTC),
            state=QUARANTINED,
            reviewer="",
            reason="",
        )
    )
