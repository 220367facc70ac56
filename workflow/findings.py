"""Findings: records and submissions that do not fit together. Kept for reviewers; nothing is merged by itself.

They are looked for when a file comes in, when a matcher answers, and when a leg is settled. While one is open, the
prints of every submission in it stay out of the gallery; not by BOTH_GALLERIES, which is no contradiction: one person
may well have records in both databases.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection, func, insert, select, update

from tenprint.workflow import links, schema
from tenprint.workflow.submissions import Kept
from tenprint.workflow.types import (
    Band,
    Candidate,
    FindingKind,
    FindingState,
    Gallery,
    Hit,
    LegKey,
    LegState,
    Link,
    LinkState,
)

SUBMISSION: Final = "submission"
"""Kind of the members that are submissions."""


@dataclass(frozen=True, slots=True, order=True)
class Member:
    """Part of a finding: a submission by its id, or a person of a gallery. `kind`: submission or the gallery's name."""

    kind: str
    name: str


def members_of(connection: Connection, finding_id: str) -> frozenset[Member]:
    """What a finding is about."""
    table = schema.finding_member
    rows = connection.execute(select(table.c.kind, table.c.name).where(table.c.finding_id == finding_id))
    return frozenset(Member(row.kind, row.name) for row in rows)


def holding(connection: Connection, submission_id: str) -> bool:
    """Whether an open finding keeps a submission's prints out of the gallery."""
    table, member = schema.finding, schema.finding_member
    query = (
        select(func.count())
        .select_from(table.join(member, member.c.finding_id == table.c.finding_id))
        .where(member.c.kind == SUBMISSION, member.c.name == submission_id)
        .where(table.c.state == FindingState.QUARANTINED, table.c.kind != FindingKind.BOTH_GALLERIES)
    )
    return int(connection.execute(query).scalar_one()) > 0


def at_submission(connection: Connection, submission: Kept) -> None:
    """Look at a new submission: the same images, filed before for somebody else."""
    if not submission.claimed:
        return
    table, digest = schema.submission, schema.impression_digest
    own = select(digest.c.digest).where(digest.c.submission_id == submission.submission_id)
    query = (
        select(table.c.submission_id, table.c.claimed)
        .join(digest, digest.c.submission_id == table.c.submission_id)
        .where(digest.c.digest.in_(own))
        .order_by(table.c.received_at, table.c.submission_id)
    )
    same = {row.submission_id: row.claimed for row in connection.execute(query)}
    if len({claimed for claimed in same.values() if claimed}) > 1:
        named = [submission_id for submission_id, claimed in same.items() if claimed]
        members = [Member(SUBMISSION, name) for name in named]
        _record(connection, FindingKind.ONE_CAPTURE_SEVERAL_PEOPLE, named[0], members, _member(submission))


def at_answer(connection: Connection, submission: Kept, key: LegKey, candidates: Sequence[Candidate]) -> None:
    """Look at what a matcher answered: the same prints under several identities of one gallery."""
    subjects = sorted({item.subject_id for item in candidates if item.band is Band.MATCH})
    if len(subjects) > 1:
        about = f"{key.gallery}:{sha256('|'.join(subjects).encode()).hexdigest()}"
        members = [_member(submission), *(Member(key.gallery, name) for name in subjects)]
        _record(connection, FindingKind.SEVERAL_SUBJECTS, about, members, None)


def at_settled(connection: Connection, submission: Kept, key: LegKey, state: LegState, hit: Hit | None) -> None:
    """Look at an answer: one claimed identity with several people's prints; one person in both databases."""
    if key.gallery is Gallery.CRIMINAL and state in {LegState.MATCH, LegState.NO_MATCH} and submission.claimed:
        _several_prints(connection, submission, "" if hit is None else hit.candidate.subject_id)
    held = {
        link.gallery: Member(link.gallery, link.subject_id)
        for link in links.of_submission(connection, submission.submission_id)
        if link.state is not LinkState.REFUTED
    }
    if hit is not None and len(held) == len(Gallery):
        both = [held[gallery] for gallery in Gallery]
        about = "|".join(member.name for member in both)
        _record(connection, FindingKind.BOTH_GALLERIES, about, [_member(submission), *both], None)


def at_reversal(connection: Connection, submission: Kept, link: Link) -> None:
    """Look at a hit that was not upheld: its prints may have been enrolled as the person's who they are not."""
    if link.gallery is Gallery.CRIMINAL and submission.subject_id == link.subject_id:
        person = Member(Gallery.CRIMINAL, link.subject_id)
        _record(connection, FindingKind.SEVERAL_PRINTS, link.link_id, [_member(submission), person], None)


def _several_prints(connection: Connection, submission: Kept, here: str) -> None:
    """`here`: whom the prints were identified as; "": nobody, so they are a person's who is new."""
    table = schema.submission
    query = (
        select(table.c.submission_id, table.c.subject_id)
        .where(table.c.claimed == submission.claimed, table.c.subject_id != "")
        .where(table.c.submission_id != submission.submission_id)
        .order_by(table.c.received_at, table.c.submission_id)
    )
    enrolled = connection.execute(query).all()
    people = {row.subject_id for row in enrolled} | ({here} if here else set())
    if enrolled and (not here or len(people) > 1):
        persons = [Member(Gallery.CRIMINAL, name) for name in sorted(people)]
        members = [_member(submission), *(Member(SUBMISSION, row.submission_id) for row in enrolled), *persons]
        matters = Member(Gallery.CRIMINAL, here) if here else _member(submission)
        _record(connection, FindingKind.SEVERAL_PRINTS, enrolled[0].submission_id, members, matters)


def _member(submission: Kept) -> Member:
    return Member(SUBMISSION, submission.submission_id)


def _record(
    connection: Connection, kind: FindingKind, about: str, members: Sequence[Member], matters: Member | None
) -> None:
    """Keep a finding, once: what is found again grows it while it is open.

    One that reviewers have closed is opened again where `matters` was not in it when they did; else nothing is said.
    """
    table = schema.finding
    same = select(table.c.finding_id, table.c.state).where(table.c.kind == kind, table.c.about == about)
    before = connection.execute(same).one_or_none()
    opened = {"state": FindingState.QUARANTINED, "reviewer": "", "reason": "", "closed_at": None}
    if before is None:
        finding_id = str(uuid.uuid4())
        values = {"finding_id": finding_id, "kind": kind, "about": about, "at": datetime.now(UTC), **opened}
        connection.execute(insert(table).values(values))
        known = frozenset[Member]()
    else:
        finding_id, known = before.finding_id, members_of(connection, before.finding_id)
        if before.state != FindingState.QUARANTINED:
            if matters is None or matters in known:
                return
            connection.execute(update(table).where(table.c.finding_id == finding_id).values(opened))
    if new := [member for member in dict.fromkeys(members) if member not in known]:
        rows = [{"finding_id": finding_id, "kind": member.kind, "name": member.name} for member in new]
        connection.execute(insert(schema.finding_member), rows)
