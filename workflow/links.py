"""Links: hits, and what is held of them."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from tenprint.store.database import utc
from tenprint.workflow import schema
from tenprint.workflow.errors import UnknownItemError
from tenprint.workflow.types import Candidate, Gallery, LegKey, Link, LinkState


def make(connection: Connection, key: LegKey, candidate: Candidate, state: LinkState) -> Link:
    """Hold that a leg's prints are a candidate's. The same said again, by examiners say, raises the link it made."""
    table = schema.link
    same = (
        table.c.submission_id == key.submission_id,
        table.c.gallery == key.gallery,
        table.c.subject_id == candidate.subject_id,
    )
    before = connection.execute(select(table.c.link_id).where(*same)).scalar_one_or_none()
    if before is not None:
        connection.execute(update(table).where(table.c.link_id == before).values(state=state, before_freeze=""))
        return by_id(connection, before)
    link_id = str(uuid.uuid4())
    connection.execute(
        insert(table).values(
            link_id=link_id,
            submission_id=key.submission_id,
            gallery=key.gallery,
            subject_id=candidate.subject_id,
            encounter_id=candidate.encounter_id,
            state=state,
            before_freeze="",
            expected_fpir=candidate.expected_fpir,
            at=datetime.now(UTC),
        )
    )
    return by_id(connection, link_id)


def by_id(connection: Connection, link_id: str) -> Link:
    """A link that must be there.

    Raises:
        UnknownItemError: if it is not.
    """
    row = connection.execute(select(schema.link).where(schema.link.c.link_id == link_id)).mappings().one_or_none()
    if row is None:
        raise UnknownItemError("link", link_id)
    return _read(row)


def of_submission(connection: Connection, submission_id: str) -> list[Link]:
    """A submission's links, oldest first."""
    query = select(schema.link).where(schema.link.c.submission_id == submission_id).order_by(schema.link.c.at)
    return [_read(row) for row in connection.execute(query).mappings()]


def _read(row: Mapping[Any, Any]) -> Link:
    return Link(
        link_id=row["link_id"],
        submission_id=row["submission_id"],
        gallery=Gallery(row["gallery"]),
        subject_id=row["subject_id"],
        encounter_id=row["encounter_id"],
        state=LinkState(row["state"]),
        expected_fpir=row["expected_fpir"],
        at=utc(row["at"]),
    )
