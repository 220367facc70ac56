"""The two questions of a submission: their states, and the one way into a settled one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from tenprint.store.database import utc
from tenprint.workflow import answers, findings, links, notices, retention, schema, submissions
from tenprint.workflow.errors import StateError, UnknownItemError
from tenprint.workflow.types import Band, Candidate, FingerScore, Gallery, Hit, Leg, LegKey, LegState, LinkState


def of_submission(connection: Connection, submission_id: str) -> list[Leg]:
    """A submission's legs, criminal first."""
    query = select(schema.leg).where(schema.leg.c.submission_id == submission_id).order_by(schema.leg.c.gallery)
    return [_read(row) for row in connection.execute(query).mappings()]


def find(connection: Connection, key: LegKey) -> Leg:
    """A leg that must be there.

    Raises:
        UnknownItemError: if it is not.
    """
    row = connection.execute(select(schema.leg).where(*_is(key))).mappings().one_or_none()
    if row is None:
        raise UnknownItemError("leg", f"{key.submission_id}/{key.gallery}")
    return _read(row)


def open_legs(connection: Connection, submission_id: str, galleries: Sequence[Gallery], now: datetime) -> None:
    """Begin a submission's legs: their matchers are to be asked at once."""
    for gallery in galleries:
        key = LegKey(submission_id, gallery)
        connection.execute(
            insert(schema.leg).values(
                submission_id=submission_id,
                gallery=gallery,
                state=LegState.PENDING,
                attempts=0,
                due_at=now,
                policy_version=0,
                problem="",
                coverage="{}",
                candidates="[]",
                samples="[]",
            )
        )
        _tell(connection, key, LegState.PENDING, "submitted", "", now)


def record_answer(connection: Connection, leg: Leg) -> None:
    """Keep what a matcher said. The state stays; `review` or `settle` follows in the same transaction."""
    connection.execute(
        update(schema.leg)
        .where(*_is(leg.key))
        .values(
            policy_version=leg.policy_version,
            asked_at=leg.asked_at,
            problem=leg.problem,
            coverage=json.dumps(dict(leg.coverage)),
            candidates=json.dumps([asdict(candidate) for candidate in leg.candidates]),
            samples=json.dumps([dict(sample) for sample in leg.samples]),
        )
    )


def count_attempt(connection: Connection, key: LegKey, attempts: int, due_at: datetime | None, problem: str) -> None:
    """Keep that a matcher did not answer, and when it is asked again; None: not again."""
    values = {"attempts": attempts, "due_at": due_at, "problem": problem}
    connection.execute(update(schema.leg).where(*_is(key)).values(values))


def ask_again(connection: Connection, key: LegKey, reason: str) -> None:
    """Put a question to its matcher once more: what it had answered does not hold any more."""
    now = datetime.now(UTC)
    values = {"state": LegState.PENDING, "attempts": 0, "due_at": now, "candidates": "[]", "problem": reason}
    connection.execute(update(schema.leg).where(*_is(key)).values(values))
    _tell(connection, key, LegState.PENDING, reason, "", now)


def review(connection: Connection, key: LegKey, reason: str) -> None:
    """Hand a leg's candidates to the examiners."""
    now = datetime.now(UTC)
    connection.execute(update(schema.leg).where(*_is(key)).values(state=LegState.REVIEW, due_at=None))
    _tell(connection, key, LegState.REVIEW, reason, "", now)


def settle(
    connection: Connection, key: LegKey, state: LegState, *, reason: str, actor: str = "", hit: Hit | None = None
) -> None:
    """Answer a leg: its state, the hit, the answers, the notice and what is kept, all in the caller's transaction.

    May be called again with another state, by examiners who look again: the new answer says which it replaces.

    Args:
        connection: in a writing transaction.
        key: which leg.
        state: MATCH, NO_MATCH, PARTIAL or ERROR.
        reason: why, for the log and the recipients; safe to show.
        actor: the examiner who decided last; "": the server.
        hit: of MATCH alone: who it is.

    Raises:
        StateError: if the state is none that an answer can have.
    """
    if not state.is_settled or (state is LegState.MATCH) != (hit is not None):
        raise StateError("state", f"{state} is no answer; MATCH names a hit, and NO_MATCH, PARTIAL and ERROR name none")
    now = datetime.now(UTC)
    values = {"state": state, "due_at": None, "settled_at": now, "problem": reason if hit is None else ""}
    connection.execute(update(schema.leg).where(*_is(key)).values(values))
    _tell(connection, key, state, reason, actor, now)
    link = None
    if hit is not None:
        link = links.make(
            connection, key, hit.candidate, LinkState.CONFIRMED if hit.confirmed else LinkState.UNCONFIRMED
        )
    submission = submissions.by_id(connection, key.submission_id)
    leg = find(connection, key)
    findings.at_settled(connection, submission, key, state, hit)
    answers.issue(connection, submission, leg, link)
    if link is not None and key.gallery is Gallery.IMMIGRATION:
        notices.issue(connection, submission, link)
    retention.advance(connection, submission, of_submission(connection, key.submission_id))


def _tell(connection: Connection, key: LegKey, state: LegState, reason: str, actor: str, now: datetime) -> None:
    values = {"submission_id": key.submission_id, "gallery": key.gallery, "at": now, "state": state, "reason": reason}
    connection.execute(insert(schema.leg_event).values(**values, actor=actor))


def _is(key: LegKey) -> tuple[Any, Any]:
    return schema.leg.c.submission_id == key.submission_id, schema.leg.c.gallery == key.gallery


def _read(row: Mapping[Any, Any]) -> Leg:
    return Leg(
        key=LegKey(row["submission_id"], Gallery(row["gallery"])),
        state=LegState(row["state"]),
        attempts=row["attempts"],
        policy_version=row["policy_version"],
        asked_at=None if row["asked_at"] is None else utc(row["asked_at"]),
        settled_at=None if row["settled_at"] is None else utc(row["settled_at"]),
        problem=row["problem"],
        coverage=json.loads(row["coverage"]),
        candidates=tuple(_candidate(item) for item in json.loads(row["candidates"])),
        samples=json.loads(row["samples"]),
    )


def _candidate(item: Mapping[str, Any]) -> Candidate:
    fingers = tuple(FingerScore(**finger) for finger in item["fingers"])
    return Candidate(**{**item, "fingers": fingers, "band": Band(item["band"])})
