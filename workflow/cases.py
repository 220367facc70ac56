"""Cases: what examiners are asked to decide, and which is first. What they do with one: `examination`."""

import json
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, case, func, insert, select, update

from tenprint.store.database import utc
from tenprint.workflow import answers, schema
from tenprint.workflow.agencies import NOBODY
from tenprint.workflow.errors import UnknownItemError
from tenprint.workflow.opinions import Opinion, Verdict
from tenprint.workflow.policy import Policy
from tenprint.workflow.submissions import Kept
from tenprint.workflow.types import CaseKind, CaseState, Decision, Gallery, LegKey, Level

WITHDRAWN: Final = "withdrawn"
"""The outcome of a case that was closed undecided: another took its place, or what it was about is gone."""

_LEVELS: Final = (Level.ONE, Level.TWO, Level.UNKNOWN, Level.THREE)
"""Whose turn is first within a priority. Unknown is no mild level: nothing is gained by leaving the charge out, and
nobody waits behind what is known to be mild because the charge was not sent."""


@dataclass(frozen=True, slots=True)
class Case:
    """Something for examiners to decide.

    Attributes:
        case_id: its name.
        kind: why they look. Not shown to them before it is closed.
        key: the leg whose candidates they look at.
        link_id: of a dispute: the hit that is disputed; "" otherwise.
        state: open or closed.
        priority: 1 to 9, of the submission.
        level: of the most serious charge.
        opened_at: when it was opened.
        due_at: from when on it is overdue.
        closed_at: when it was decided or withdrawn; None: open.
        outcome: a decision, `withdrawn`, or "" while it is open.
        subject_id: identified as; "": nobody.
        leased_by: whose it is until `leased_until`; "": nobody's.
        leased_until: None: nobody's.
        barred: examiners who may not decide it.
    """

    case_id: str
    kind: CaseKind
    key: LegKey
    link_id: str
    state: CaseState
    priority: int
    level: Level
    opened_at: datetime
    due_at: datetime
    closed_at: datetime | None
    outcome: str
    subject_id: str
    leased_by: str
    leased_until: datetime | None
    barred: frozenset[str]


def open_hit(connection: Connection, submission: Kept, key: LegKey, policy: Policy) -> str:
    """Ask examiners who a leg's candidates are; the case's id.

    Level and priority order the queue: they are copied into the case, and nothing else is made of them.
    """
    return _open(connection, CaseKind.HIT, submission, key, policy)


def open_dispute(connection: Connection, submission: Kept, key: LegKey, link_id: str, policy: Policy) -> str:
    """Ask examiners who have not looked at this leg before whether a hit stands; the case's id.

    A case about the same leg that is still open is withdrawn: this one takes its place.
    """
    earlier = of_leg(connection, key)
    withdraw(connection, [item for item in earlier if item.state is CaseState.OPEN])
    barred = {opinion.examiner for item in earlier for opinion in opinions_of(connection, item.case_id)}
    return _open(connection, CaseKind.DISPUTE, submission, key, policy, link_id, barred)


def by_id(connection: Connection, case_id: str) -> Case:
    """A case that must be there.

    Raises:
        UnknownItemError: if it is not.
    """
    return _found(connection, select(schema.case).where(schema.case.c.case_id == case_id), case_id)


def held(connection: Connection, case_id: str) -> Case:
    """As `by_id`, and no other transaction changes it before this one ends."""
    query = select(schema.case).where(schema.case.c.case_id == case_id).with_for_update()
    return _found(connection, query, case_id)


def of_leg(connection: Connection, key: LegKey) -> list[Case]:
    """Every case about a leg, oldest first."""
    table = schema.case
    which = (table.c.submission_id == key.submission_id, table.c.gallery == key.gallery)
    query = select(table).where(*which).order_by(table.c.opened_at)
    return [read(row) for row in connection.execute(query).mappings()]


def opinions_of(connection: Connection, case_id: str) -> list[Opinion]:
    """What was said of a case, first to last. Not for examiners before it is closed."""
    table = schema.opinion
    rows = connection.execute(select(table).where(table.c.case_id == case_id).order_by(table.c.at))
    return [
        Opinion(row.examiner, row.ori, Verdict(Decision(row.decision), row.subject_id), row.reason, utc(row.at))
        for row in rows
    ]


def queue(connection: Connection, state: CaseState | None, limit: int, now: datetime) -> list[Case]:
    """Cases, those that are to be decided first in front; `state` None: all."""
    query = select(schema.case).order_by(*order(now)).limit(limit)
    if state is not None:
        query = query.where(schema.case.c.state == state)
    return [read(row) for row in connection.execute(query).mappings()]


def order(now: datetime) -> tuple[Any, ...]:
    """Priority; within one what is overdue, then by level; then what is due first, and what was opened first."""
    table = schema.case
    places = {level.value: place for place, level in enumerate(_LEVELS)}
    return (
        table.c.priority,
        case((table.c.due_at < now, 0), else_=1),
        case(places, value=table.c.level),
        table.c.due_at,
        table.c.opened_at,
        table.c.case_id,
    )


def read(row: Mapping[Any, Any]) -> Case:
    """A row of `case` as a value."""
    return Case(
        case_id=row["case_id"],
        kind=CaseKind(row["kind"]),
        key=LegKey(row["submission_id"], Gallery(row["gallery"])),
        link_id=row["link_id"],
        state=CaseState(row["state"]),
        priority=row["priority"],
        level=Level(row["level"]),
        opened_at=utc(row["opened_at"]),
        due_at=utc(row["due_at"]),
        closed_at=None if row["closed_at"] is None else utc(row["closed_at"]),
        outcome=row["outcome"],
        subject_id=row["subject_id"],
        leased_by=row["leased_by"],
        leased_until=None if row["leased_until"] is None else utc(row["leased_until"]),
        barred=frozenset(json.loads(row["barred"])),
    )


def parties(connection: Connection, submission: Kept) -> frozenset[str]:
    """ORIs of the agencies a submission is about: who sent it, who booked, who passes it on, who is told of hits."""
    station = answers.station(connection, submission)
    others = () if station is None else (station.ori, station.bureau, station.field_office)
    return frozenset({submission.ori, submission.controlling_agency, *others} - {NOBODY})


def close(connection: Connection, case_id: str, outcome: str, subject_id: str, now: datetime) -> None:
    """End a case."""
    values = {"state": CaseState.CLOSED, "outcome": outcome, "subject_id": subject_id, "closed_at": now}
    change(connection, case_id, **values, leased_by="", leased_until=None)


def change(connection: Connection, case_id: str, **values: Any) -> None:
    """Set columns of a case."""
    connection.execute(update(schema.case).where(schema.case.c.case_id == case_id).values(values))


def withdraw(connection: Connection, open_cases: Collection[Case]) -> None:
    """Close cases undecided; nothing is answered by it."""
    now = datetime.now(UTC)
    for item in open_cases:
        close(connection, item.case_id, WITHDRAWN, "", now)


def overdue(connection: Connection, now: datetime) -> int:
    """How many open cases are overdue."""
    table = schema.case
    query = select(func.count()).where(table.c.state == CaseState.OPEN, table.c.due_at < now)
    return int(connection.execute(query).scalar_one())


def _open(
    connection: Connection,
    kind: CaseKind,
    submission: Kept,
    key: LegKey,
    policy: Policy,
    link_id: str = "",
    barred: Collection[str] = (),
) -> str:
    case_id = str(uuid.uuid4())
    now = datetime.now(UTC)
    connection.execute(
        insert(schema.case).values(
            case_id=case_id,
            kind=kind,
            submission_id=submission.submission_id,
            gallery=key.gallery,
            link_id=link_id,
            state=CaseState.OPEN,
            priority=submission.priority,
            level=submission.level,
            opened_at=now,
            due_at=now + timedelta(hours=policy.hours(submission.priority)),
            outcome="",
            subject_id="",
            leased_by="",
            barred=json.dumps(sorted(barred)),
        )
    )
    return case_id


def _found(connection: Connection, query: Any, case_id: str) -> Case:
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise UnknownItemError("case", case_id)
    return read(row)
