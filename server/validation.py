"""Requests against the rules their protos state, once, before any service sees them."""

from typing import Final

from google.protobuf.message import Message

from tenprint.server.errors import InvalidRequestError, Violation
from tenprint.server.rules import Rules
from tenprint.v1 import (
    adjudication_pb2,
    capture_pb2,
    disseminations_pb2,
    enrolment_pb2,
    findings_pb2,
    galleries_pb2,
    identification_pb2,
    messages_pb2,
    records_pb2,
    redress_pb2,
    statistics_pb2,
    submissions_pb2,
    subscriptions_pb2,
)

_RULES: Final = Rules(
    message
    for file in (
        capture_pb2,
        adjudication_pb2,
        disseminations_pb2,
        enrolment_pb2,
        findings_pb2,
        galleries_pb2,
        identification_pb2,
        messages_pb2,
        records_pb2,
        redress_pb2,
        statistics_pb2,
        submissions_pb2,
        subscriptions_pb2,
    )
    for message in file.DESCRIPTOR.message_types_by_name.values()
    if message.name.endswith("Request") or file is capture_pb2
)


def validate(message: Message) -> None:
    """Check a request against its proto's rules.

    Raises:
        InvalidRequestError: naming every field that breaks one.
    """
    violations: list[Violation] = []
    _RULES.check(message, lambda path, problem: violations.append(Violation(path, problem)))
    if violations:
        raise InvalidRequestError(violations)
