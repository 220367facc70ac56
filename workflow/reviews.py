"""Reviews: people look at findings and close them. Nothing is merged, split or removed by it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select, update

from tenprint.store.database import utc
from tenprint.workflow import agencies, findings, legs, retention, schema, submissions
from tenprint.workflow.agencies import Agency
from tenprint.workflow.errors import StateError, UnknownItemError
from tenprint.workflow.findings import Member
from tenprint.workflow.types import FindingKind, FindingState, Role

REVIEWERS: Final = (Role.OVERSIGHT, Role.EXAMINER_UNIT)


@dataclass(frozen=True, slots=True)
class FoundSubmission:
    """A submission in a finding: whom to ask about the person claimed.

    Attributes:
        submission_id: which.
        ori: who submitted it.
        tcn: under which TCN.
        controlling_agency: the booking station.
        received_at: when it was taken.
        subject_id: as whom it was enrolled; "": it was not.
        claim: number of its claimed identity within the finding, from 1: equal numbers, equal claims; 0: no claim.
    """

    submission_id: str
    ori: str
    tcn: str
    controlling_agency: str
    received_at: datetime
    subject_id: str
    claim: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What does not fit together.

    Attributes:
        finding_id: its name.
        kind: what it is.
        submissions: those it is about, oldest first.
        subjects: the persons it is about: members whose kind is a gallery, sorted.
        at: when it was found first.
        state: where it stands.
        reviewer: who closed it; "": nobody has.
        reason: why it was closed so.
        closed_at: None: open.
    """

    finding_id: str
    kind: FindingKind
    submissions: tuple[FoundSubmission, ...]
    subjects: tuple[Member, ...]
    at: datetime
    state: FindingState
    reviewer: str
    reason: str
    closed_at: datetime | None


def listed(connection: Connection, ori: str, state: FindingState | None, limit: int) -> list[Finding]:
    """Findings, oldest first; `state` None: all. Those about both databases only for who may see them.

    Raises:
        NotEntitledError: if the agency reviews nothing.
    """
    reviewer = agencies.in_role(connection, ori, "ori", *REVIEWERS)
    table = schema.finding
    query = select(table).where(table.c.kind.in_(_seen_by(reviewer))).order_by(table.c.at, table.c.finding_id)
    if state is not None:
        query = query.where(table.c.state == state)
    return [_read(connection, row) for row in connection.execute(query.limit(limit)).mappings().all()]


def about_persons(connection: Connection, ori: str, gallery: str, subjects: frozenset[str]) -> list[Finding]:
    """Open and upheld findings that name one of some persons of a gallery, as far as an agency may see them."""
    reviewer = agencies.in_role(connection, ori, "ori", *REVIEWERS)
    table, member = schema.finding, schema.finding_member
    named = select(member.c.finding_id).where(member.c.kind == gallery, member.c.name.in_(subjects))
    query = (
        select(table)
        .where(table.c.finding_id.in_(named), table.c.state != FindingState.DISMISSED)
        .where(table.c.kind.in_(_seen_by(reviewer)))
        .order_by(table.c.at, table.c.finding_id)
    )
    return [_read(connection, row) for row in connection.execute(query).mappings().all()]


def close(
    connection: Connection, finding_id: str, ori: str, reviewer: str, state: FindingState, reason: str, now: datetime
) -> Finding:
    """Close a finding. The prints that it held back go on, unless another one holds them. Said again, nothing changes.

    Args:
        connection: in a writing transaction.
        finding_id: which.
        ori: of the reviewer's agency.
        reviewer: who closes it.
        state: DISMISSED or UPHELD.
        reason: why, 1 to 1000 characters.
        now: the time.

    Raises:
        UnknownItemError: if it is not there, or not for this agency.
        StateError: if it is closed, and otherwise.
    """
    agency = agencies.in_role(connection, ori, "ori", *REVIEWERS)
    table = schema.finding
    query = select(table).where(table.c.finding_id == finding_id).with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    if row is None or FindingKind(row["kind"]) not in _seen_by(agency):
        raise UnknownItemError("finding", finding_id)
    found = _read(connection, row)
    if found.state is not FindingState.QUARANTINED:
        if (found.state, found.reviewer, found.reason) == (state, reviewer, reason):
            return found
        raise StateError("finding_id", f"it was {found.state} before")
    closed = {"state": state, "reviewer": reviewer, "reason": reason, "closed_at": now}
    connection.execute(update(table).where(table.c.finding_id == finding_id).values(closed))
    for member in found.submissions:
        submission = submissions.by_id(connection, member.submission_id)
        retention.advance(connection, submission, legs.of_submission(connection, member.submission_id))
    row = connection.execute(select(table).where(table.c.finding_id == finding_id)).mappings().one()
    return _read(connection, row)


def _seen_by(agency: Agency) -> tuple[FindingKind, ...]:
    """Kinds of findings that an agency may see."""
    return tuple(kind for kind in FindingKind if kind is not FindingKind.BOTH_GALLERIES or agency.reviews_both)


def _read(connection: Connection, row: Mapping[Any, Any]) -> Finding:
    members = findings.members_of(connection, row["finding_id"])
    return Finding(
        finding_id=row["finding_id"],
        kind=FindingKind(row["kind"]),
        submissions=_submissions(connection, [item.name for item in members if item.kind == findings.SUBMISSION]),
        subjects=tuple(sorted(item for item in members if item.kind != findings.SUBMISSION)),
        at=utc(row["at"]),
        state=FindingState(row["state"]),
        reviewer=row["reviewer"],
        reason=row["reason"],
        closed_at=None if row["closed_at"] is None else utc(row["closed_at"]),
    )


def _submissions(connection: Connection, ids: Sequence[str]) -> tuple[FoundSubmission, ...]:
    """Without their files: findings are listed by the hundred."""
    table = schema.submission
    names = [name for name in FoundSubmission.__slots__ if name != "claim"]
    query = (
        select(table.c.claimed, *(table.c[name] for name in names))
        .where(table.c.submission_id.in_(ids))
        .order_by(table.c.received_at, table.c.submission_id)
    )
    claims: dict[str, int] = {"": 0}
    found = []
    for row in connection.execute(query).mappings():
        claim = claims.setdefault(row["claimed"], len(claims))
        told = {name: row[name] for name in names} | {"received_at": utc(row["received_at"])}
        found.append(FoundSubmission(**told, claim=claim))
    return tuple(found)
