"""The way in: a file becomes a submission, durable before it is acknowledged, or is refused by tag and rule."""

import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, insert, select

from tenprint.store import Database
from tenprint.workflow import agencies, findings, legs, schema, submissions
from tenprint.workflow.agencies import Agency
from tenprint.workflow.ebts.errors import Problem, Sender, SubmissionError
from tenprint.workflow.ebts.levels import most_serious
from tenprint.workflow.ebts.submission import Submission
from tenprint.workflow.errors import NotEntitledError, SubmissionReusedError
from tenprint.workflow.submissions import Kept, Retention
from tenprint.workflow.types import Gallery, Role

_REPOSITORIES: Final = {1: Gallery.CRIMINAL, 9: Gallery.IMMIGRATION}
"""NDR codes (EBTS 9.1, field 2.098) of the two databases: Criminal Master File, DHS IDENT."""

_BOTH: Final = frozenset({"CAR", "CNA", "CPNU", "CPDR", "DOCE", "EMUF"})
"""Criminal bookings: the ones whose prints go to both databases."""

_SUBMITTERS: Final = (Role.BOOKING, Role.STATE_BUREAU)


@dataclass(frozen=True, slots=True)
class Offered:
    """What an agency hands in.

    Attributes:
        ori: who hands it in.
        purpose: code under which it does.
        file: the EBTS file.
        offences: NCIC codes beside those in the file.
        custody: whether the person is in custody, where known.
    """

    ori: str
    purpose: str
    file: bytes
    offences: tuple[str, ...] = ()
    custody: bool | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """What became of it; `repeated`: it had been taken before."""

    submission: Kept
    repeated: bool


def take(database: Database, offered: Offered, faults: Sequence[str], read: Submission) -> Taken:
    """Keep a file that was read, and begin its legs.

    Args:
        database: where to.
        offered: the file and who hands it in.
        faults: sequence faults found in its prints.
        read: what the file says.

    Raises:
        UnknownAgencyError: if the ORI is not known.
        NotEntitledError: if the agency may not submit, or not for this purpose.
        SubmissionReusedError: if the TCN has been used for another file.
        SubmissionError: if it asks for repositories that are not here.
    """
    digest = hashlib.sha256(offered.file).hexdigest()
    galleries = galleries_of(read)

    def work(connection: Connection) -> Taken:
        agency = agencies.in_role(connection, offered.ori, "ori", *_SUBMITTERS)
        if offered.purpose not in agency.purposes:
            allowed = ", ".join(agency.purposes) or "none"
            raise NotEntitledError("purpose", f"{offered.purpose} is not allowed to {agency.ori}; allowed: {allowed}")
        before = submissions.by_transaction(connection, read.ori, read.tcn)
        if before is not None:
            if before.digest != digest:
                raise SubmissionReusedError(before.digest)
            return Taken(before, repeated=True)
        now = datetime.now(UTC)
        submission_id = _insert(connection, offered, read, agency, digest, faults, now)
        legs.open_legs(connection, submission_id, galleries, now)
        kept = submissions.by_id(connection, submission_id)
        findings.at_submission(connection, kept)
        return Taken(kept, repeated=False)

    return database.write(work)


def galleries_of(read: Submission) -> tuple[Gallery, ...]:
    """Which databases a submission asks: those that it names (2.098), both for a criminal booking, else the criminal.

    Raises:
        SubmissionError: if it names a repository that is not here.
    """
    if read.repositories:
        unknown = [code for code in read.repositories if code not in _REPOSITORIES]
        if unknown:
            message = f"2.098 NDR: repository {unknown[0]} is not here; 1 (criminal) and 9 (immigration) are"
            raise SubmissionError(
                [Problem("2.098", "NOT_TAKEN_HERE", message)], Sender(read.ori, read.destination, read.tcn)
            )
        wanted = {_REPOSITORIES[code] for code in read.repositories}
        return tuple(gallery for gallery in Gallery if gallery in wanted)
    return tuple(Gallery) if read.tot in _BOTH else (Gallery.CRIMINAL,)


def _insert(
    connection: Connection,
    offered: Offered,
    read: Submission,
    agency: Agency,
    digest: str,
    faults: Sequence[str],
    now: datetime,
) -> str:
    submission_id = str(uuid.uuid4())
    station = read.controlling_agencies[0] if read.controlling_agencies else read.ori
    booking = agencies.find(connection, station) or agency
    codes = [*offered.offences, *(item.ncic_code for item in read.offences)]  # a charge in words has none
    offence, level = most_serious(codes)
    key = _key(connection)
    claimed = f"{read.claimed.name}|{read.claimed.birth_date}" if read.claimed.name else ""
    connection.execute(
        insert(schema.submission).values(
            submission_id=submission_id,
            ori=read.ori,
            tcn=read.tcn,
            digest=digest,
            received_at=now,
            tot=read.tot,
            purpose=offered.purpose,
            destination=read.destination,
            controlling_agency=booking.ori,
            jurisdiction=booking.jurisdiction,
            priority=read.priority,
            level=level,
            offence=offence,
            custody=offered.custody if offered.custody is not None else read.custody,
            retain=read.retain,
            attention=read.attention or "",
            claimed=_keyed(key, claimed.encode()) if claimed else "",
            demographics=json.dumps({name: list(values) for name, values in read.demographics.items()}),
            file=offered.file,
            faults=json.dumps(list(faults)),
            retention=Retention.WAITING if read.retain else Retention.NONE,
            subject_id="",
            encounter_id="",
        )
    )
    digests = {_keyed(key, impression.data) for impression in read.file.impressions}
    if digests:
        connection.execute(
            insert(schema.impression_digest),
            [{"submission_id": submission_id, "digest": digest} for digest in sorted(digests)],
        )
    return submission_id


def _key(connection: Connection) -> bytes:
    """The key that digests of identities and images are made with: without it they tell nothing to who has a name."""
    table = schema.secret
    found = connection.execute(select(table.c.value).where(table.c.name == "digests")).scalar_one_or_none()
    if found is None:
        found = secrets.token_bytes(32)
        connection.execute(insert(table).values(name="digests", value=found))
    return bytes(found)


def _keyed(key: bytes, data: bytes) -> str:
    return hmac.new(key, data, hashlib.sha256).hexdigest()
