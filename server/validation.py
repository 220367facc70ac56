"""Requests against the rules their proto states, once, before any service sees them."""

import protovalidate
from buf.validate import validate_pb2
from google.protobuf.message import Message

from tenprint.server.errors import InvalidRequestError, Violation

_validator = protovalidate.Validator()  # type: ignore[no-untyped-call]  # its constructor has no annotation


def validate(message: Message) -> None:
    """Check a message against its protovalidate rules.

    Raises:
        InvalidRequestError: naming every field that breaks one.
    """
    violations = [violation.proto for violation in _validator.collect_violations(message)]
    if violations:
        raise InvalidRequestError([Violation(_path(violation), violation.message) for violation in violations])


def _path(violation: validate_pb2.Violation) -> str:
    """The field as a reader writes it: ``probe.fingers.samples[2].position``."""
    path = ""
    for element in violation.field.elements:
        path += f".{element.field_name}" if path else element.field_name
        if element.WhichOneof("subscript") == "index":
            path += f"[{element.index}]"
    return path or "request"
