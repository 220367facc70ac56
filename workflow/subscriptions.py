"""Subscriptions of field offices: which notices go which way. A filter parts notices; it never loses one."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from tenprint.store.database import utc
from tenprint.workflow import agencies, policy, schema
from tenprint.workflow.errors import StateError, UnknownItemError
from tenprint.workflow.outbox import Route
from tenprint.workflow.types import Channel, Level, Role

MOST: Final = 100
"""Live subscriptions of one office at most."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which notices are wanted: of these levels, unknown among them, and of these jurisdictions. Empty: all."""

    levels: tuple[Level, ...] = ()
    jurisdictions: tuple[str, ...] = ()

    def fits(self, level: Level, jurisdiction: str) -> bool:
        """Whether a notice is wanted."""
        return (not self.levels or level in self.levels) and (
            not self.jurisdictions or jurisdiction in self.jurisdictions
        )


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription: a row of `subscription`, without its secret."""

    subscription_id: str
    recipient: str
    channel: Channel
    address: str
    filter: Filter
    at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an office asks for.

    Attributes:
        channel: STREAM or WEBHOOK.
        address: of a webhook, checked; "" of a stream.
        secret: signs the webhook; "" of a stream.
        filter: which notices.
        days: of its life; 0: as many as policy allows, which is the most.
    """

    channel: Channel
    address: str
    secret: str
    filter: Filter
    days: int


def subscribe(connection: Connection, ori: str, wanted: Wanted, now: datetime) -> Subscription:
    """Begin a subscription.

    Raises:
        UnknownAgencyError, NotEntitledError: if the ORI is no field office's.
        StateError: if the office has too many.
    """
    agencies.in_role(connection, ori, "ori", Role.FIELD_OFFICE)
    if len(live(connection, ori, now)) >= MOST:
        raise StateError("ori", f"{ori} has {MOST} live subscriptions, which is the most; end one first")
    subscription_id = str(uuid.uuid4())
    filters = {"levels": [int(level) for level in wanted.filter.levels], "jurisdictions": wanted.filter.jurisdictions}
    connection.execute(
        insert(schema.subscription).values(
            subscription_id=subscription_id,
            recipient=ori,
            channel=wanted.channel,
            address=wanted.address,
            secret=wanted.secret,
            filters=json.dumps(filters),
            at=now,
            expires_at=_expiry(connection, wanted.days, now),
        )
    )
    return _own(connection, ori, subscription_id, now)


def live(connection: Connection, ori: str, now: datetime) -> list[Subscription]:
    """An office's live subscriptions, oldest first."""
    table = schema.subscription
    query = (
        select(table)
        .where(table.c.recipient == ori, table.c.ended_at.is_(None), table.c.expires_at > now)
        .order_by(table.c.at, table.c.subscription_id)
    )
    return [_read(row) for row in connection.execute(query).mappings()]


def renew(connection: Connection, ori: str, subscription_id: str, days: int, now: datetime) -> Subscription:
    """Let a live subscription end so many days from now; 0: as many as policy allows, which is the most.

    Raises:
        UnknownItemError: if it is not held, or another's.
        StateError: if it has ended.
    """
    _own(connection, ori, subscription_id, now)
    table = schema.subscription
    values = {"expires_at": _expiry(connection, days, now)}
    connection.execute(update(table).where(table.c.subscription_id == subscription_id).values(values))
    return _own(connection, ori, subscription_id, now)


def end(connection: Connection, ori: str, subscription_id: str, now: datetime) -> None:
    """End a subscription. What was written for it is still delivered.

    Raises:
        UnknownItemError: if it is not held, or another's.
        StateError: if it has ended.
    """
    _own(connection, ori, subscription_id, now)
    table = schema.subscription
    connection.execute(update(table).where(table.c.subscription_id == subscription_id).values(ended_at=now))


def routes(connection: Connection, ori: str, level: Level, jurisdiction: str, now: datetime) -> list[Route]:
    """The ways of a notice to an office: its live subscriptions that it fits, one of each receiver. Empty: by profile.

    An office reads one stream, and a URL is one receiver, however many subscriptions name it.
    """
    found: dict[tuple[Channel, str], Route] = {}
    for held in live(connection, ori, now):
        if held.filter.fits(level, jurisdiction):
            found.setdefault((held.channel, held.address), Route(held.channel, held.address, held.subscription_id))
    return list(found.values())


def _expiry(connection: Connection, days: int, now: datetime) -> datetime:
    _, in_force = policy.current(connection)
    return now + timedelta(days=min(days or in_force.subscription_days, in_force.subscription_days))


def _own(connection: Connection, ori: str, subscription_id: str, now: datetime) -> Subscription:
    table = schema.subscription
    query = select(table).where(table.c.subscription_id == subscription_id, table.c.recipient == ori)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise UnknownItemError("subscription", subscription_id)
    held = _read(row)
    if row["ended_at"] is not None or held.expires_at <= now:
        raise StateError("subscription_id", f"{subscription_id} has ended; subscribe anew")
    return held


def _read(row: Mapping[Any, Any]) -> Subscription:
    filters = json.loads(row["filters"])
    return Subscription(
        subscription_id=row["subscription_id"],
        recipient=row["recipient"],
        channel=Channel(row["channel"]),
        address=row["address"],
        filter=Filter(tuple(Level(level) for level in filters["levels"]), tuple(filters["jurisdictions"])),
        at=utc(row["at"]),
        expires_at=utc(row["expires_at"]),
    )
