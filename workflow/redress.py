"""Redress: a hit is disputed, frozen, and examined again by people who have not looked at it before."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from tenprint.store.database import utc
from tenprint.workflow import agencies, cases, corrections, legs, links, outbox, retention, schema, submissions
from tenprint.workflow.errors import StateError, UnknownItemError
from tenprint.workflow.opinions import Verdict
from tenprint.workflow.policy import current
from tenprint.workflow.submissions import Kept
from tenprint.workflow.types import Decision, Hold, LegKey, LinkState, Role


@dataclass(frozen=True, slots=True)
class Dispute:
    """A disputed hit.

    Attributes:
        dispute_id: its name.
        link_id: the hit.
        case_id: the case in which examiners look at it again.
        raised_by: ORI of the agency that disputes it.
        reference: the order or complaint behind it; no name of a person.
        reason: why.
        at: when it was raised.
        outcome: `upheld` or `reversed`; "" while it is open.
        closed_at: None: open.
    """

    dispute_id: str
    link_id: str
    case_id: str
    raised_by: str
    reference: str
    reason: str
    at: datetime
    outcome: str
    closed_at: datetime | None


def dispute(
    connection: Connection, link_id: str, ori: str, reference: str, reason: str, now: datetime
) -> tuple[Dispute, bool]:
    """Dispute a hit: nothing more is sent about it until others have examined it again.

    A hit whose prints are erased, because nothing of the submission may be kept, cannot be examined again; what cannot
    be upheld is not: it is reversed at once.

    Args:
        connection: in a writing transaction.
        link_id: the hit.
        ori: of the agency that disputes it: the booking station, the submitter, their bureau, their field office, or
            oversight.
        reference: the order or complaint behind it; no name of a person.
        reason: why, 1 to 1000 characters.
        now: the time.

    Returns:
        The dispute, and whether it had been raised before: a hit is disputed once at a time, by whomever.

    Raises:
        UnknownAgencyError: if the ORI is not known.
        UnknownItemError: if there is no such hit, or it is not this agency's.
        StateError: if the hit is refuted already.
    """
    link = links.by_id(connection, link_id)
    submission = submissions.by_id(connection, link.submission_id)
    if not _concerns(connection, submission, ori):
        raise UnknownItemError("link", link_id)
    if (standing := _open_dispute(connection, link_id)) is not None:
        return standing, True
    if link.state is LinkState.REFUTED:
        raise StateError("link_id", "the hit has been refuted already; nothing is held of it that could be disputed")
    links.hold(connection, link, Hold.DISPUTED)
    outbox.freeze(connection, link_id)
    _, policy = current(connection)
    key = LegKey(link.submission_id, link.gallery)
    dispute_id, case_id = str(uuid.uuid4()), cases.open_dispute(connection, submission, key, link_id, policy)
    connection.execute(
        insert(schema.dispute).values(
            dispute_id=dispute_id,
            link_id=link_id,
            case_id=case_id,
            raised_by=ori,
            reference=reference,
            reason=reason,
            at=now,
            outcome="",
        )
    )
    if submission.file is None:
        undecidable = Verdict(Decision.INCONCLUSIVE)
        cases.close(connection, case_id, undecidable.decision, "", now)
        corrections.conclude(connection, legs.find(connection, key), undecidable, case_id=case_id, link_id=link_id)
    else:
        retention.advance(connection, submission, legs.of_submission(connection, link.submission_id))
    return by_id(connection, dispute_id), False


def by_id(connection: Connection, dispute_id: str) -> Dispute:
    """A dispute that must be there.

    Raises:
        UnknownItemError: if it is not.
    """
    query = select(schema.dispute).where(schema.dispute.c.dispute_id == dispute_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise UnknownItemError("dispute", dispute_id)
    return _read(row)


def seen(connection: Connection, dispute_id: str, ori: str) -> Dispute:
    """A dispute, for an agency that might have raised it.

    Raises:
        UnknownAgencyError: if the ORI is not known.
        UnknownItemError: if there is none, or it is not this agency's.
    """
    found = by_id(connection, dispute_id)
    submission = submissions.by_id(connection, links.by_id(connection, found.link_id).submission_id)
    if not _concerns(connection, submission, ori):
        raise UnknownItemError("dispute", dispute_id)
    return found


def _concerns(connection: Connection, submission: Kept, ori: str) -> bool:
    agency = agencies.known(connection, ori, "ori")
    return agency.role is Role.OVERSIGHT or ori in cases.parties(connection, submission)


def _open_dispute(connection: Connection, link_id: str) -> Dispute | None:
    table = schema.dispute
    query = select(table).where(table.c.link_id == link_id, table.c.closed_at.is_(None))
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _read(row)


def _read(row: Mapping[Any, Any]) -> Dispute:
    closed_at = None if row["closed_at"] is None else utc(row["closed_at"])
    return Dispute(**{**row, "at": utc(row["at"]), "closed_at": closed_at})
