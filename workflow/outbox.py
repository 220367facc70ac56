"""The outbox: a message is written in the transaction that gives cause for it, and delivered afterwards."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, case, insert, select, update

from tenprint.workflow import schema
from tenprint.workflow.agencies import NOBODY, Agency
from tenprint.workflow.types import Channel, LinkState, MessageKind, MessageState

_TELLS_OF_HITS: Final = (MessageKind.ANSWER, MessageKind.NOTICE)


@dataclass(frozen=True, slots=True)
class Route:
    """Which way a message goes: by a recipient's profile, or by one of its subscriptions."""

    channel: Channel
    address: str = ""
    subscription_id: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class NewMessage:
    """A message to be sent.

    Attributes:
        kind: what it is.
        about: names its cause; of one kind, recipient and cause there is one message, however often it is put.
        recipient: to whom.
        body: what it says, as plain data for JSON.
        submission_id: which submission it is about.
        gallery: which database's answer; "" where it is about none.
        link_id: which hit; "" where it is about none. A disputed hit's messages wait.
        file: the EBTS response, for recipients that take files.
        route: None: by the recipient's profile.
    """

    kind: MessageKind
    about: str
    recipient: Agency
    body: Mapping[str, Any]
    submission_id: str
    gallery: str = ""
    link_id: str = ""
    file: bytes | None = None
    route: Route | None = None


@dataclass(frozen=True, slots=True)
class Dissemination:
    """A decision about what a recipient gets.

    Attributes:
        fields: names of the fields that were sent; empty where nothing was.
        withheld: why nothing was sent; "" where something was.
        via: ORI of the bureau that passes it on: a secondary dissemination; "": direct.
        purpose: under which the submission came.
        policy_version: that allowed or withheld it.
    """

    fields: Sequence[str]
    purpose: str
    policy_version: int
    withheld: str = ""
    via: str = NOBODY


def put(connection: Connection, message: NewMessage, why: Dissemination) -> str:
    """Write a message and the log row that says who was sent what; its id, the first one's where it was put before."""
    same = select(schema.message.c.message_id).where(
        schema.message.c.kind == message.kind,
        schema.message.c.recipient == message.recipient.ori,
        schema.message.c.about == message.about,
    )
    if (before := connection.execute(same).scalar_one_or_none()) is not None:
        return str(before)
    route = message.route or Route(message.recipient.channel, message.recipient.address)
    now = datetime.now(UTC)
    message_id = str(uuid.uuid4())
    connection.execute(
        insert(schema.message).values(
            message_id=message_id,
            kind=message.kind,
            about=message.about,
            recipient=message.recipient.ori,
            submission_id=message.submission_id,
            gallery=message.gallery,
            link_id=message.link_id,
            channel=route.channel,
            address=route.address,
            subscription_id=route.subscription_id,
            body=json.dumps({"message_id": message_id, **message.body}, sort_keys=True),
            file=message.file,
            at=now,
            state=MessageState.FROZEN if _is_disputed(connection, message) else MessageState.WAITING,
            attempts=0,
            due_at=None if route.channel is Channel.STREAM else now,  # streams are read by their recipients
            problem="",
        )
    )
    log(connection, message, why, message_id)
    return message_id


def log(connection: Connection, message: NewMessage, why: Dissemination, message_id: str = "") -> None:
    """Write down a decision about a message: sent, or withheld and why."""
    connection.execute(
        insert(schema.dissemination).values(
            at=datetime.now(UTC),
            recipient=message.recipient.ori,
            via=why.via,
            kind=message.kind,
            message_id=message_id,
            withheld=why.withheld,
            submission_id=message.submission_id,
            gallery=message.gallery,
            link_id=message.link_id,
            fields=json.dumps(list(why.fields)),
            purpose=why.purpose,
            policy_version=why.policy_version,
        )
    )


def freeze(connection: Connection, link_id: str) -> None:
    """Hold back what tells of a hit and has not gone out."""
    _turn(connection, link_id, MessageState.WAITING, {"state": MessageState.FROZEN})


def thaw(connection: Connection, link_id: str) -> None:
    """Let what was held back about a hit go out."""
    again = {"state": MessageState.WAITING, "due_at": _at_once()}
    _turn(connection, link_id, MessageState.FROZEN, again)


def cancel(connection: Connection, link_id: str) -> None:
    """Never send what tells of a hit and has not gone out."""
    for state in (MessageState.WAITING, MessageState.FROZEN):
        _turn(connection, link_id, state, {"state": MessageState.CANCELLED, "due_at": None})


def of_submission(connection: Connection, submission_id: str, recipient: str, kind: MessageKind) -> list[str]:
    """Ids of the messages of a kind that a recipient was sent about a submission, oldest first."""
    table = schema.message
    query = (
        select(table.c.message_id)
        .where(table.c.submission_id == submission_id, table.c.recipient == recipient, table.c.kind == kind)
        .order_by(table.c.number)
    )
    return [str(found) for found in connection.execute(query).scalars()]


def redeliver(connection: Connection, recipient: str, message_ids: Sequence[str]) -> list[str]:
    """Let messages go out once more, under their ids; those that went out, or were given up. Which they are."""
    table = schema.message
    again = (MessageState.DELIVERED, MessageState.ACKNOWLEDGED, MessageState.DEAD)
    mine = (table.c.recipient == recipient, table.c.message_id.in_(message_ids), table.c.state.in_(again))
    found = list(connection.execute(select(table.c.message_id).where(*mine)).scalars())
    connection.execute(
        update(table)
        .where(table.c.message_id.in_(found))
        .values(
            state=MessageState.WAITING,
            attempts=0,
            due_at=_at_once(),
            problem="",
        )
    )
    return found


def _at_once() -> Any:
    """When a message that is to go out now is tried; streams are read by their recipients."""
    return case((schema.message.c.channel == Channel.STREAM, None), else_=datetime.now(UTC))


def _is_disputed(connection: Connection, message: NewMessage) -> bool:
    """Whether a message tells of a hit that is frozen. What corrects one is never held back."""
    if message.kind not in _TELLS_OF_HITS or not message.link_id:
        return False
    state = select(schema.link.c.state).where(schema.link.c.link_id == message.link_id)
    return bool(connection.execute(state).scalar_one() == LinkState.FROZEN)


def _turn(connection: Connection, link_id: str, before: MessageState, values: Mapping[str, Any]) -> None:
    table = schema.message
    which = (table.c.link_id == link_id, table.c.kind.in_(_TELLS_OF_HITS), table.c.state == before)
    connection.execute(update(table).where(*which).values(values))
