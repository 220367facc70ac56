"""Links: hits, and what is held of them."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from tenprint.store.database import utc
from tenprint.workflow import schema
from tenprint.workflow.errors import UnknownItemError
from tenprint.workflow.types import Candidate, Gallery, Hold, LegKey, Link, LinkState


def make(connection: Connection, key: LegKey, candidate: Candidate, state: LinkState) -> Link:
    """Hold that a leg's prints are a candidate's.

    The same said again, by examiners say, raises the link it made. A refuted one stays so: this is another.
    """
    table = schema.link
    same = (
        table.c.submission_id == key.submission_id,
        table.c.gallery == key.gallery,
        table.c.subject_id == candidate.subject_id,
        table.c.state != LinkState.REFUTED,
    )
    before = connection.execute(select(table.c.link_id).where(*same)).scalar_one_or_none()
    if before is not None:
        link = by_id(connection, before)
        return _set(connection, link, state, link.holds)
    link_id = str(uuid.uuid4())
    connection.execute(
        insert(table).values(
            link_id=link_id,
            submission_id=key.submission_id,
            gallery=key.gallery,
            subject_id=candidate.subject_id,
            encounter_id=candidate.encounter_id,
            state=state,
            beneath=state,
            holds="[]",
            expected_fpir=candidate.expected_fpir,
            at=datetime.now(UTC),
        )
    )
    return by_id(connection, link_id)


def hold(connection: Connection, link: Link, why: Hold) -> Link:
    """Freeze a hit, for one reason more: nothing is sent about it."""
    return _set(connection, link, link.beneath, link.holds | {why})


def let_go(connection: Connection, link: Link, why: Hold) -> Link:
    """Take a reason away for which a hit is frozen. With the last it has the state again that it had."""
    return _set(connection, link, link.beneath, link.holds - {why})


def confirm(connection: Connection, link: Link) -> Link:
    """Hold that examiners agreed."""
    return _set(connection, link, LinkState.CONFIRMED, link.holds)


def refute(connection: Connection, link: Link) -> Link:
    """Hold that it is no hit, whatever it was frozen for."""
    return _set(connection, link, LinkState.REFUTED, frozenset())


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


def of_record(connection: Connection, gallery: Gallery, column: str, name: str) -> list[Link]:
    """The links to a record that are not refuted, by its "subject_id" or its "encounter_id"; oldest first."""
    table = schema.link
    which = (table.c.gallery == gallery, table.c[column] == name, table.c.state != LinkState.REFUTED)
    return [_read(row) for row in connection.execute(select(table).where(*which).order_by(table.c.at)).mappings()]


def _set(connection: Connection, link: Link, beneath: LinkState, holds: frozenset[Hold]) -> Link:
    table = schema.link
    values = {
        "state": LinkState.FROZEN if holds else beneath,
        "beneath": beneath,
        "holds": json.dumps(sorted(holds)),
    }
    connection.execute(update(table).where(table.c.link_id == link.link_id).values(values))
    return by_id(connection, link.link_id)


def _read(row: Mapping[Any, Any]) -> Link:
    return Link(
        link_id=row["link_id"],
        submission_id=row["submission_id"],
        gallery=Gallery(row["gallery"]),
        subject_id=row["subject_id"],
        encounter_id=row["encounter_id"],
        state=LinkState(row["state"]),
        beneath=LinkState(row["beneath"]),
        holds=frozenset(Hold(why) for why in json.loads(row["holds"])),
        expected_fpir=row["expected_fpir"],
        at=utc(row["at"]),
    )
