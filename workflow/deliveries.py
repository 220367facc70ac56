"""Messages on their way: what is due, what became of an attempt, what a recipient takes and asks for again.

A row of `message` is a message on one of its ways; the state is in the row alone, so that a process may end at any
moment. An attempt whose outcome was not written down is made again, under the same message id.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select, update

from tenprint.store.database import utc
from tenprint.workflow import agencies, outbox, schema
from tenprint.workflow.errors import StateError, UnknownItemError
from tenprint.workflow.types import Channel, LinkState, MessageKind, MessageState

_PUSHED: Final = (Channel.WEBHOOK, Channel.FOLDER)
"""Channels that the server serves by itself."""

_SILENCED: Final = (LinkState.FROZEN, LinkState.REFUTED)
"""States of a hit in which nothing that told of it is sent again."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Where messages follow each other: one receiver."""

    recipient: str
    channel: Channel
    address: str


@dataclass(frozen=True, slots=True, eq=False)
class Outgoing:
    """A message on one of its ways: a row of `message`, as schema.py describes it. `number` orders them."""

    number: int
    message_id: str
    kind: MessageKind
    recipient: str
    submission_id: str
    link_id: str
    channel: Channel
    address: str
    subscription_id: str
    after_message_id: str
    body: Mapping[str, Any]
    file: bytes | None
    at: datetime
    state: MessageState
    attempts: int
    due_at: datetime | None
    problem: str
    delivered_at: datetime | None
    acknowledged_at: datetime | None


def lanes(connection: Connection, now: datetime) -> list[Lane]:
    """The receivers for whom something is due."""
    table = schema.message
    query = select(table.c.recipient, table.c.channel, table.c.address).where(*_due(now)).distinct()
    return [Lane(row.recipient, Channel(row.channel), row.address) for row in connection.execute(query)]


def claim(connection: Connection, lane: Lane, now: datetime, until: datetime) -> Outgoing | None:
    """Take a lane's oldest due message for an attempt, which counts; None: there is none.

    Until `until` nobody else takes it: an attempt that nothing is heard of is then made again.
    """
    table = schema.message
    query = (
        select(table)
        .where(
            *_due(now),
            table.c.recipient == lane.recipient,
            table.c.channel == lane.channel,
            table.c.address == lane.address,
        )
        .order_by(table.c.number)
        .limit(1)
        .with_for_update(skip_locked=True)  # PostgreSQL: two processes take two; SQLite has one writer anyway
    )
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    values = {"attempts": row["attempts"] + 1, "due_at": until}
    connection.execute(update(table).where(table.c.number == row["number"]).values(values))
    return _read({**row, **values})


def arrived(connection: Connection, number: int, now: datetime) -> None:
    """Write down that a webhook or a folder has it, even where it was frozen meanwhile: what went out, went out."""
    table = schema.message
    connection.execute(
        update(table)
        .where(table.c.number == number)
        .values(
            state=MessageState.ACKNOWLEDGED,
            due_at=None,
            problem="",
            delivered_at=func.coalesce(table.c.delivered_at, now),
            acknowledged_at=now,
        )
    )


def failed(connection: Connection, number: int, problem: str, again: datetime | None) -> None:
    """Write down that an attempt failed, and when it is made again; None: never, it is dead."""
    table = schema.message
    values: dict[str, Any] = {"problem": problem, "due_at": again}
    if again is None:
        values["state"] = MessageState.DEAD
    connection.execute(
        update(table).where(table.c.number == number, table.c.state == MessageState.WAITING).values(values)
    )


def take(
    connection: Connection, ori: str, kinds: Sequence[MessageKind], beyond: int, limit: int, now: datetime
) -> list[Outgoing]:
    """The next messages of a recipient's stream, oldest first, each marked as delivered.

    Args:
        connection: in a writing transaction.
        ori: the recipient.
        kinds: these alone; empty: all.
        beyond: number of the last one that this stream has had.
        limit: this many at most.
        now: the time.
    """
    table = schema.message
    wanted = [
        table.c.recipient == ori,
        table.c.number > beyond,
        table.c.channel == Channel.STREAM,
        table.c.state.in_((MessageState.WAITING, MessageState.DELIVERED)),
        ~_silenced(),  # one that went out before its hit was disputed is not sent again meanwhile
        _released(),
    ]
    if kinds:
        wanted.append(table.c.kind.in_(kinds))
    query = select(table).where(*wanted).order_by(table.c.number).limit(limit)
    taken = [_read(row) for row in connection.execute(query).mappings()]
    if taken:
        connection.execute(
            update(table)
            .where(table.c.number.in_([item.number for item in taken]))
            .values(
                state=MessageState.DELIVERED,
                attempts=table.c.attempts + 1,
                delivered_at=func.coalesce(table.c.delivered_at, now),
            )
        )
    return taken


def unacknowledged(connection: Connection, numbers: Collection[int]) -> set[int]:
    """Those of some messages that are still out on a stream."""
    table = schema.message
    query = select(table.c.number).where(table.c.number.in_(numbers), table.c.state == MessageState.DELIVERED)
    return set(connection.execute(query).scalars())


def acknowledge(connection: Connection, ori: str, message_ids: Collection[str], now: datetime) -> None:
    """Write down that a recipient has messages. It speaks for its streams, and ends what was given up.

    A webhook or a folder speaks for itself: another of the recipient's systems may be behind it.

    Raises:
        UnknownItemError: if one is not held, or is another's; none is written down then.
    """
    table = schema.message
    _own(connection, ori, message_ids)
    connection.execute(
        update(table)
        .where(
            table.c.message_id.in_(message_ids),
            table.c.recipient == ori,
            or_(
                and_(
                    table.c.channel == Channel.STREAM,
                    table.c.state.in_((MessageState.WAITING, MessageState.DELIVERED, MessageState.FROZEN)),
                    table.c.delivered_at.is_not(None),
                ),
                table.c.state == MessageState.DEAD,
            ),
        )
        .values(state=MessageState.ACKNOWLEDGED, due_at=None, acknowledged_at=now)
    )


def redeliver(connection: Connection, ori: str, message_ids: Collection[str], now: datetime) -> None:
    """Send messages once more under their ids, by the ways that the profile and the subscriptions say now.

    Raises:
        UnknownItemError: if one is not held, or is another's.
        StateError: if the hit that one tells of is disputed or was refuted. None is sent then.
    """
    _own(connection, ori, message_ids)
    table = schema.message
    mine = (table.c.message_id.in_(message_ids), table.c.recipient == ori)
    silent = select(table.c.message_id).where(*mine, _silenced()).order_by(table.c.number).limit(1)
    if (refused := connection.execute(silent).scalar_one_or_none()) is not None:
        raise StateError("message_ids", f"{refused} tells of a hit that is disputed, or was refuted: it is not sent")
    for number, subscription_id in connection.execute(select(table.c.number, table.c.subscription_id).where(*mine)):
        channel, address = _way(connection, ori, subscription_id)
        connection.execute(
            update(table)
            .where(table.c.number == number)
            .values(
                channel=channel,
                address=address,
                state=MessageState.WAITING,
                attempts=0,
                due_at=outbox.due(channel, now),
                problem="",
                acknowledged_at=None,
            )
        )


def dead(connection: Connection, ori: str) -> list[str]:
    """Ids of a recipient's dead letters that may be sent again, oldest first."""
    return _sendable(connection, ori, schema.message.c.state == MessageState.DEAD)


def answers(connection: Connection, ori: str, submission_id: str) -> list[str]:
    """Ids of a recipient's answers to a submission that may be sent again, oldest first: not those of refuted hits."""
    table = schema.message
    return _sendable(connection, ori, table.c.submission_id == submission_id, table.c.kind == MessageKind.ANSWER)


def reroute(connection: Connection, agency: agencies.Agency, now: datetime) -> None:
    """Let what waits for an agency by its profile go the way that the profile says now."""
    table = schema.message
    connection.execute(
        update(table)
        .where(
            table.c.recipient == agency.ori,
            table.c.subscription_id == "",
            table.c.state.in_((MessageState.WAITING, MessageState.DELIVERED)),
            or_(table.c.channel != agency.channel, table.c.address != agency.address),
        )
        .values(
            channel=agency.channel,
            address=agency.address,
            state=MessageState.WAITING,
            due_at=outbox.due(agency.channel, now),
        )
    )


def page(
    connection: Connection, ori: str, states: Sequence[MessageState], beyond: int, limit: int
) -> list[tuple[Outgoing, bool]]:
    """A recipient's messages, oldest first, each with whether its content may be shown now.

    It may once it went out, and before where nothing holds it back.

    Args:
        connection: to read with.
        ori: the recipient.
        states: in these alone; empty: all.
        beyond: number of the last one of the page before; 0: none.
        limit: this many at most.
    """
    table = schema.message
    wanted = [table.c.recipient == ori, table.c.number > beyond]
    if states:
        wanted.append(table.c.state.in_(states))
    shown = or_(table.c.delivered_at.is_not(None), and_(_released(), ~_silenced()))
    query = select(table, shown.label("shown")).where(*wanted).order_by(table.c.number).limit(limit)
    return [(_read(row), bool(row["shown"])) for row in connection.execute(query).mappings()]


def secret(connection: Connection, message: Outgoing) -> str:
    """What signs a webhook's message: its subscription's secret, else its recipient's; "" where there is none."""
    table: Any = schema.agency if not message.subscription_id else schema.subscription
    key = schema.agency.c.ori == message.recipient
    if message.subscription_id:
        key = schema.subscription.c.subscription_id == message.subscription_id
    return str(connection.execute(select(table.c.secret).where(key)).scalar_one_or_none() or "")


def oldest_waiting(connection: Connection) -> dict[Channel, datetime]:
    """When the oldest message was written that no receiver of a channel has taken yet; without an entry: none waits."""
    table = schema.message
    query = (
        select(table.c.channel, func.min(table.c.at))
        .where(table.c.state == MessageState.WAITING)
        .group_by(table.c.channel)
    )
    return {Channel(channel): utc(at) for channel, at in connection.execute(query)}


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    table = schema.message
    return (
        table.c.state == MessageState.WAITING,
        table.c.due_at <= now,
        table.c.channel.in_(_PUSHED),
        _released(),
    )


def _released() -> ColumnElement[bool]:
    """Whether the message that has to be acknowledged before was."""
    table, before = schema.message, schema.message.alias()
    acknowledged = exists().where(
        before.c.message_id == table.c.after_message_id, before.c.state == MessageState.ACKNOWLEDGED
    )
    return or_(table.c.after_message_id == "", acknowledged)


def _silenced() -> ColumnElement[bool]:
    table, link = schema.message, schema.link
    disputed = exists().where(link.c.link_id == table.c.link_id, link.c.state.in_(_SILENCED))
    return or_(
        table.c.state.in_((MessageState.FROZEN, MessageState.CANCELLED)),
        and_(table.c.kind.in_(outbox.TELLS_OF_HITS), disputed),
    )


def _sendable(connection: Connection, ori: str, *which: ColumnElement[bool]) -> list[str]:
    table = schema.message
    query = select(table.c.message_id).where(table.c.recipient == ori, *which, ~_silenced()).order_by(table.c.number)
    return list(dict.fromkeys(connection.execute(query).scalars()))


def _own(connection: Connection, ori: str, message_ids: Collection[str]) -> None:
    table = schema.message
    query = select(table.c.message_id).where(table.c.message_id.in_(message_ids), table.c.recipient == ori)
    found = set(connection.execute(query).scalars())
    for message_id in message_ids:
        if message_id not in found:
            raise UnknownItemError("message", message_id)


def _way(connection: Connection, ori: str, subscription_id: str) -> tuple[Channel, str]:
    if not subscription_id:
        agency = agencies.known(connection, ori, "ori")
        return agency.channel, agency.address
    table = schema.subscription
    query = select(table.c.channel, table.c.address).where(table.c.subscription_id == subscription_id)
    row = connection.execute(query).one()
    return Channel(row.channel), row.address


def _read(row: Mapping[Any, Any]) -> Outgoing:
    return Outgoing(
        number=row["number"],
        message_id=row["message_id"],
        kind=MessageKind(row["kind"]),
        recipient=row["recipient"],
        submission_id=row["submission_id"],
        link_id=row["link_id"],
        channel=Channel(row["channel"]),
        address=row["address"],
        subscription_id=row["subscription_id"],
        after_message_id=row["after_message_id"],
        body=json.loads(row["body"]),
        file=row["file"],
        at=utc(row["at"]),
        state=MessageState(row["state"]),
        attempts=row["attempts"],
        due_at=_utc(row["due_at"]),
        problem=row["problem"],
        delivered_at=_utc(row["delivered_at"]),
        acknowledged_at=_utc(row["acknowledged_at"]),
    )


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else utc(moment)
