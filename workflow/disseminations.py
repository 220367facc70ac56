"""The log of disseminations, read: who was sent what, who was not, and why."""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, or_, select

from tenprint.store.database import utc
from tenprint.workflow import agencies, schema
from tenprint.workflow.types import MessageKind, Role


@dataclass(frozen=True, slots=True)
class Asked:
    """Which rows: what is not "" must fit."""

    submission_id: str = ""
    link_id: str = ""
    recipient: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A decision, as schema.py describes `dissemination`, and how far the message got.

    Attributes:
        delivered_at: when it was handed over first, on whichever of its ways; None: not yet, or withheld.
        acknowledged_at: likewise.
    """

    number: int
    at: datetime
    recipient: str
    via: str
    kind: MessageKind
    message_id: str
    withheld: str
    submission_id: str
    gallery: str
    link_id: str
    fields: tuple[str, ...]
    purpose: str
    policy_version: int
    delivered_at: datetime | None
    acknowledged_at: datetime | None


def page(connection: Connection, ori: str, asked: Asked, beyond: int, limit: int) -> list[Row]:
    """Rows in the order they were written: all of them to oversight; to a state bureau those about submissions of its
    own and of its booking stations.

    Args:
        connection: to read with.
        ori: who asks.
        asked: which rows.
        beyond: number of the last one of the page before; 0: none.
        limit: this many at most.

    Raises:
        UnknownAgencyError, NotEntitledError: if the ORI is neither oversight's nor a state bureau's.
    """
    asker = agencies.in_role(connection, ori, "ori", Role.OVERSIGHT, Role.STATE_BUREAU)
    log, message, submission, agency = schema.dissemination, schema.message, schema.submission, schema.agency
    wanted = [log.c.number > beyond]
    for column, value in (
        (log.c.submission_id, asked.submission_id),
        (log.c.link_id, asked.link_id),
        (log.c.recipient, asked.recipient),
    ):
        if value:
            wanted.append(column == value)
    if asker.role is Role.STATE_BUREAU:
        stations = select(agency.c.ori).where(agency.c.bureau == ori)
        own = select(submission.c.submission_id).where(
            or_(
                submission.c.ori == ori,
                submission.c.controlling_agency == ori,
                submission.c.controlling_agency.in_(stations),
            )
        )
        wanted.append(log.c.submission_id.in_(own))
    rows = connection.execute(select(log).where(*wanted).order_by(log.c.number).limit(limit)).mappings().all()
    reached = (
        select(message.c.message_id, func.min(message.c.delivered_at), func.min(message.c.acknowledged_at))
        .where(message.c.message_id.in_({row["message_id"] for row in rows} - {""}))
        .group_by(message.c.message_id)
    )
    times = {row[0]: (_utc(row[1]), _utc(row[2])) for row in connection.execute(reached)}
    made = []
    for row in rows:
        delivered_at, acknowledged_at = times.get(row["message_id"], (None, None))
        values = {**row, "at": utc(row["at"]), "kind": MessageKind(row["kind"])}
        values["fields"] = tuple(json.loads(row["fields"]))
        made.append(Row(**values, delivered_at=delivered_at, acknowledged_at=acknowledged_at))
    return made


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else utc(moment)
