"""Submissions as they are kept: rows of `submission` as values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, select, update

from tenprint.store.database import utc
from tenprint.workflow import schema
from tenprint.workflow.errors import UnknownItemError
from tenprint.workflow.types import Level


class Retention(StrEnum):
    """What becomes of a submission's prints once it is answered."""

    NONE = "none"
    """Nothing is kept (RET is not Y, or the type of transaction is a search)."""
    WAITING = "waiting"
    """To be enrolled once the criminal answer is settled."""
    HELD = "held"
    """Not enrolled while a finding about it, or a case about its criminal answer, is open."""
    DUE = "due"
    """To be enrolled now."""
    DONE = "done"
    """Enrolled: `subject_id` and `encounter_id` say as what."""
    REFUSED = "refused"
    """The gallery refused them, for want of a usable print say, and would again."""


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """A submission. `file` is None, and `demographics` and `claimed` are empty, once they are erased."""

    submission_id: str
    ori: str
    tcn: str
    digest: str
    received_at: datetime
    tot: str
    purpose: str
    destination: str
    controlling_agency: str
    jurisdiction: str
    priority: int
    level: Level
    offence: str
    custody: bool | None
    retain: bool
    attention: str
    claimed: str
    demographics: Mapping[str, list[str]]
    file: bytes | None
    erased_at: datetime | None
    scrubbed_at: datetime | None
    faults: list[str]
    retention: Retention
    subject_id: str
    encounter_id: str


def by_id(connection: Connection, submission_id: str) -> Kept:
    """A submission that must be there.

    Raises:
        UnknownItemError: if it is not.
    """
    query = select(schema.submission).where(schema.submission.c.submission_id == submission_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise UnknownItemError("submission", submission_id)
    return read(row)


def by_transaction(connection: Connection, ori: str, tcn: str) -> Kept | None:
    """The submission of an (ORI, TCN)."""
    query = select(schema.submission).where(schema.submission.c.ori == ori, schema.submission.c.tcn == tcn)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else read(row)


def by_encounter(connection: Connection, encounter_id: str) -> Kept | None:
    """The submission that was enrolled as an encounter: whose file holds the prints of a candidate."""
    query = select(schema.submission).where(schema.submission.c.encounter_id == encounter_id)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else read(row)


def erase(connection: Connection, submission_id: str, now: datetime) -> None:
    """Remove the prints and everything about the person; what was asked and answered stays, to be counted."""
    connection.execute(
        update(schema.submission)
        .where(schema.submission.c.submission_id == submission_id)
        .values(file=None, demographics="{}", claimed="", offence="", attention="", erased_at=now)
    )
    connection.execute(
        delete(schema.impression_digest).where(schema.impression_digest.c.submission_id == submission_id)
    )


def refused(connection: Connection, submission_id: str) -> None:
    """Keep that a gallery would not take a submission's prints."""
    table = schema.submission
    connection.execute(update(table).where(table.c.submission_id == submission_id).values(retention=Retention.REFUSED))


def enrolled(connection: Connection, submission_id: str, subject_id: str, encounter_id: str) -> None:
    """Keep as what a submission's prints were enrolled."""
    done = {"retention": Retention.DONE, "subject_id": subject_id, "encounter_id": encounter_id}
    table = schema.submission
    connection.execute(update(table).where(table.c.submission_id == submission_id).values(done))


def read(row: Mapping[Any, Any]) -> Kept:
    """A row of `submission` as a value."""
    return Kept(
        **{
            **row,
            "received_at": utc(row["received_at"]),
            "erased_at": None if row["erased_at"] is None else utc(row["erased_at"]),
            "scrubbed_at": None if row["scrubbed_at"] is None else utc(row["scrubbed_at"]),
            "level": Level(row["level"]),
            "demographics": json.loads(row["demographics"]),
            "faults": json.loads(row["faults"]),
            "retention": Retention(row["retention"]),
        }
    )
