"""Messages, subscriptions and the log of disseminations as protobuf messages; webhooks' JSON is made of those."""

from typing import Any, Final

from google.protobuf import json_format

from tenprint.v1 import disseminations_pb2, messages_pb2, subscriptions_pb2
from tenprint.workflow.deliveries import Outgoing
from tenprint.workflow.disseminations import Row
from tenprint.workflow.errors import DeliveryError
from tenprint.workflow.services.codec import timestamp
from tenprint.workflow.subscriptions import Filter, Subscription
from tenprint.workflow.types import Channel, Level, MessageKind, MessageState

KINDS: Final = {
    MessageKind.ANSWER: messages_pb2.MESSAGE_KIND_ANSWER,
    MessageKind.NOTICE: messages_pb2.MESSAGE_KIND_NOTICE,
    MessageKind.CORRECTION: messages_pb2.MESSAGE_KIND_CORRECTION,
    MessageKind.LIFECYCLE: messages_pb2.MESSAGE_KIND_LIFECYCLE,
}
STATES: Final = {
    MessageState.WAITING: messages_pb2.MESSAGE_STATE_WAITING,
    MessageState.DELIVERED: messages_pb2.MESSAGE_STATE_DELIVERED,
    MessageState.ACKNOWLEDGED: messages_pb2.MESSAGE_STATE_ACKNOWLEDGED,
    MessageState.DEAD: messages_pb2.MESSAGE_STATE_DEAD,
    MessageState.FROZEN: messages_pb2.MESSAGE_STATE_FROZEN,
    MessageState.CANCELLED: messages_pb2.MESSAGE_STATE_CANCELLED,
}
CHANNELS: Final = {
    Channel.STREAM: messages_pb2.CHANNEL_STREAM,
    Channel.WEBHOOK: messages_pb2.CHANNEL_WEBHOOK,
    Channel.FOLDER: messages_pb2.CHANNEL_FOLDER,
}

KIND_OF: Final = {number: kind for kind, number in KINDS.items()}
STATE_OF: Final = {number: state for state, number in STATES.items()}
CHANNEL_OF: Final = {number: channel for channel, number in CHANNELS.items()}


def message(outgoing: Outgoing) -> messages_pb2.Message:
    """A message with its content. The fields of the stored body are those of its protobuf form."""
    body: dict[str, Any] = {name: value for name, value in outgoing.body.items() if name != "kind"}
    if outgoing.kind is MessageKind.ANSWER and "outcome" in body:
        body["outcome"] = f"LEG_STATE_{body['outcome'].upper()}"
    if "demographics" in body:
        body["demographics"] = [
            {"name": name, "values": values} for name, values in sorted(body["demographics"].items())
        ]
    written = envelope(outgoing)
    json_format.ParseDict({outgoing.kind.value: body}, written)
    return written


def envelope(outgoing: Outgoing) -> messages_pb2.Message:
    """A message without its content."""
    return messages_pb2.Message(
        message_id=outgoing.message_id, recipient=outgoing.recipient, create_time=timestamp(outgoing.at)
    )


def payload(outgoing: Outgoing) -> bytes:
    """A message as webhooks carry it: proto3 JSON with the protos' own names. Always the same bytes for a message.

    Raises:
        DeliveryError: if the stored body has a field that the protos lack.
    """
    try:
        written = message(outgoing)
    except json_format.ParseError as error:
        raise DeliveryError("its body does not fit its protobuf form") from error
    return json_format.MessageToJson(written, preserving_proto_field_name=True, sort_keys=True, indent=None).encode()


def delivery(outgoing: Outgoing, *, shown: bool) -> messages_pb2.Delivery:
    """How far a message got. What is held back is named, and not told."""
    return messages_pb2.Delivery(
        message=message(outgoing) if shown else envelope(outgoing),
        channel=CHANNELS[outgoing.channel],
        subscription_id=outgoing.subscription_id,
        state=STATES[outgoing.state],
        attempts=outgoing.attempts,
        problem=outgoing.problem,
        due_time=timestamp(outgoing.due_at),
        deliver_time=timestamp(outgoing.delivered_at),
        acknowledge_time=timestamp(outgoing.acknowledged_at),
        after_message_id=outgoing.after_message_id,
    )


def subscription(held: Subscription) -> subscriptions_pb2.Subscription:
    """A subscription, without its secret."""
    return subscriptions_pb2.Subscription(
        subscription_id=held.subscription_id,
        ori=held.recipient,
        channel=CHANNELS[held.channel],
        address=held.address,
        filter=subscriptions_pb2.SubscriptionFilter(
            levels=[int(level) for level in held.filter.levels], jurisdictions=held.filter.jurisdictions
        ),
        create_time=timestamp(held.at),
        expire_time=timestamp(held.expires_at),
    )


def subscription_filter(asked: subscriptions_pb2.SubscriptionFilter) -> Filter:
    """Which notices are wanted."""
    return Filter(tuple(Level(level) for level in asked.levels), tuple(asked.jurisdictions))


def dissemination(row: Row) -> disseminations_pb2.Dissemination:
    """A row of the log."""
    return disseminations_pb2.Dissemination(
        decide_time=timestamp(row.at),
        recipient=row.recipient,
        via=row.via,
        kind=KINDS[row.kind],
        message_id=row.message_id,
        withheld=row.withheld,
        submission_id=row.submission_id,
        gallery=row.gallery,
        link_id=row.link_id,
        fields=row.fields,
        purpose=row.purpose,
        policy_version=row.policy_version,
        deliver_time=timestamp(row.delivered_at),
        acknowledge_time=timestamp(row.acknowledged_at),
    )
