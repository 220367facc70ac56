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

TELLS_OF_HITS: Final = (MessageKind.ANSWER, MessageKind.NOTICE)
"""Kinds that are held back while the hit that they tell of is disputed."""


@dataclass(frozen=True, slots=True)
class Route:
    """Which way a message goes: by its recipient's profile, or by a subscription."""

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
        routes: its ways, each under the one message id; none: by the recipient's profile.
        after: it goes once the message of this id was acknowledged; "": at once.
    """

    kind: MessageKind
    about: str
    recipient: Agency
    body: Mapping[str, Any]
    submission_id: str
    gallery: str = ""
    link_id: str = ""
    file: bytes | None = None
    routes: Sequence[Route] = ()
    after: str = ""


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
    table = schema.message
    same = select(table.c.message_id).where(
        table.c.kind == message.kind,
        table.c.recipient == message.recipient.ori,
        table.c.about == message.about,
    )
    if (before := connection.execute(same.limit(1)).scalar_one_or_none()) is not None:
        return str(before)
    now = datetime.now(UTC)
    message_id = str(uuid.uuid4())
    state = MessageState.FROZEN if _is_disputed(connection, message) else MessageState.WAITING
    for route in message.routes or (Route(message.recipient.channel, message.recipient.address),):
        connection.execute(
            insert(table).values(
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
                after_message_id=message.after,
                body=json.dumps(dict(message.body), sort_keys=True),
                file=message.file,
                at=now,
                state=state,
                attempts=0,
                due_at=due(route.channel, now),
                problem="",
            )
        )
    log(connection, message, why, message_id)
    return message_id


def due(channel: Channel, now: datetime) -> datetime | None:
    """When a message is due that is to go now; None: its recipient comes for it."""
    return None if channel is Channel.STREAM else now


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


def _at_once() -> Any:
    """When a message that is to go out now is tried; streams are read by their recipients."""
    return case((schema.message.c.channel == Channel.STREAM, None), else_=datetime.now(UTC))


def _is_disputed(connection: Connection, message: NewMessage) -> bool:
    """Whether a message tells of a hit that is frozen. What corrects one is never held back."""
    if message.kind not in TELLS_OF_HITS or not message.link_id:
        return False
    state = select(schema.link.c.state).where(schema.link.c.link_id == message.link_id)
    return bool(connection.execute(state).scalar_one() == LinkState.FROZEN)


def _turn(connection: Connection, link_id: str, before: MessageState, values: Mapping[str, Any]) -> None:
    table = schema.message
    which = (table.c.link_id == link_id, table.c.kind.in_(TELLS_OF_HITS), table.c.state == before)
    connection.execute(update(table).where(*which).values(values))
