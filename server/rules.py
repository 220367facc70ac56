"""protovalidate's rules, compiled once into plain checks.

The rules are read from the very annotations in the protos. protovalidate for Python interprets them as CEL at every
call, which costs 25 to 30 ms for a ten-finger request; compiled they cost a hundredth (ADR 0005). Only the kinds of
rule that our protos use are known; any other stops the server at its start, so that no rule is skipped in silence. A
test holds the compiled checks against protovalidate itself.
"""

import re
from collections.abc import Callable, Iterable, Set
from typing import Any

from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

Report = Callable[[str, str], None]
"""Takes a field's path and what is wrong and allowed."""

_Check = Callable[[Any], str | None]
"""Takes a value; says what is wrong and allowed, or None."""

_Field = Callable[[Message, str, Report], None]

_TYPES = {
    "string": FieldDescriptor.TYPE_STRING,
    "bytes": FieldDescriptor.TYPE_BYTES,
    "uint32": FieldDescriptor.TYPE_UINT32,
    "float": FieldDescriptor.TYPE_FLOAT,
    "double": FieldDescriptor.TYPE_DOUBLE,
    "enum": FieldDescriptor.TYPE_ENUM,
}
"""The scalar rules that are compiled, and the one type of field that each is for."""

_PATTERN = re.compile(
    r"\^(?P<body>(?:\((?!\?)|(?:\)|\[\^?[^\[\]\\]+\]|[A-Za-z0-9 _:@-])(?:[?*+]|\{\d+(?:,\d*)?\})?)*)\$", re.ASCII
)
"""Patterns that RE2 and Python read alike: from ^ to $, of letters, digits, classes, groups and simple repetitions."""

_NOT_UNIQUE = (FieldDescriptor.TYPE_MESSAGE, FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE)
"""Types whose items a set cannot tell apart as protovalidate does."""


class UnknownRuleError(Exception):
    """A proto states a rule of a kind that is not compiled here."""


class Rules:
    """The compiled rules of some messages and of every message inside them.

    Args:
        messages: descriptors of the messages to be checked.

    Raises:
        UnknownRuleError: if one of them states a rule of an unknown kind.
    """

    def __init__(self, messages: Iterable[Descriptor]) -> None:
        self._fields: dict[str, list[_Field]] = {}
        for message in messages:
            self._compile(message)

    def check(self, message: Message, report: Report, path: str = "") -> None:
        """Report every field of a message that breaks a rule.

        Args:
            message: of a type this was made with, or of one inside those.
            report: called once for each.
            path: of the message in the request; empty for the request itself.
        """
        for field in self._fields[message.DESCRIPTOR.full_name]:
            field(message, f"{path}." if path else "", report)

    def _compile(self, message: Descriptor) -> None:
        if message.full_name in self._fields:
            return
        fields: list[_Field] = []
        self._fields[message.full_name] = fields
        if _stated(message, validate_pb2.message) is not None:
            raise UnknownRuleError(f"{message.full_name}: rules of a whole message are not compiled")
        fields.extend(check for field in message.fields if (check := self._field(field)) is not _nothing)
        for oneof in message.oneofs:
            rules = _stated(oneof, validate_pb2.oneof)
            if rules is not None and rules.required:
                fields.append(_required_oneof(oneof.name, [member.name for member in oneof.fields]))

    def _field(self, field: FieldDescriptor) -> _Field:
        rules: validate_pb2.FieldRules = _stated(field, validate_pb2.field) or validate_pb2.FieldRules()
        if field.is_repeated:
            return self._repeated(field, rules)
        if field.message_type is not None:
            _only(rules, field, {"required"})
            return self._message(field, field.message_type, required=rules.required)
        check = _scalar(field, rules)
        name, has_presence = field.name, field.has_presence

        def scalar(message: Message, prefix: str, report: Report) -> None:
            if has_presence and not message.HasField(name):
                return
            if (problem := check(getattr(message, name))) is not None:
                report(prefix + name, problem)

        return scalar if check is not _anything else _nothing

    def _message(self, field: FieldDescriptor, inner: Descriptor, *, required: bool) -> _Field:
        name, ours = field.name, inner.full_name.startswith("tenprint.")  # google's messages carry no rules
        if ours:
            self._compile(inner)

        def nested(message: Message, prefix: str, report: Report) -> None:
            if message.HasField(name):
                if ours:
                    self.check(getattr(message, name), report, prefix + name)
            elif required:
                report(prefix + name, "is required")

        return nested

    def _repeated(self, field: FieldDescriptor, rules: validate_pb2.FieldRules) -> _Field:
        name, repeated = field.name, rules.repeated
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            raise UnknownRuleError(f"{field.full_name}: maps are not compiled")
        _only(rules, field, {"repeated"})
        _only(repeated, field, {"min_items", "max_items", "unique", "items"})
        least, most = repeated.min_items, repeated.max_items if repeated.HasField("max_items") else None
        unique = repeated.unique
        if unique and field.type in _NOT_UNIQUE:
            raise UnknownRuleError(f"{field.full_name}: `unique` is not compiled for items of this type")
        ignored = repeated.items.ignore == validate_pb2.IGNORE_ALWAYS
        item: _Check = _anything
        if field.message_type is not None:
            _only(repeated.items, field, {"ignore"} if ignored else set())
            self._compile(field.message_type)
        elif not ignored:
            item = _scalar(field, repeated.items)
        descend = field.message_type is not None and not ignored

        def items(message: Message, prefix: str, report: Report) -> None:
            values = getattr(message, name)
            path = prefix + name
            count = len(values)
            if count < least:
                report(path, f"has {count} items; at least {least} must be given")
            if most is not None and count > most:
                report(path, f"has {count} items; at most {most} are allowed")
                return  # what is too long is not looked through
            if unique and len(set(values)) != count:
                report(path, "has an item twice; items must differ")
            if descend:
                for number, value in enumerate(values):
                    self.check(value, report, f"{path}[{number}]")
            elif item is not _anything:
                for number, value in enumerate(values):
                    if (problem := item(value)) is not None:
                        report(f"{path}[{number}]", problem)

        return items


def _stated(described: Any, extension: Any) -> Any:
    """The rules a descriptor's options state; None where they state none."""
    options = described.GetOptions()
    return options.Extensions[extension] if options.HasExtension(extension) else None


def _only(rules: Message, field: FieldDescriptor, known: Set[str]) -> None:
    for stated, _ in rules.ListFields():
        if stated.name not in known:
            raise UnknownRuleError(f"{field.full_name}: the rule `{stated.name}` is not compiled")
    if unknown := UnknownFieldSet(rules):  # of a newer validate.proto than the stub's
        raise UnknownRuleError(f"{field.full_name}: the rule numbered {unknown[0].field_number} is not compiled")


def _nothing(_message: Message, _prefix: str, _report: Report) -> None:
    """The check of a field without rules."""


def _anything(_value: Any) -> None:
    """The check of a value without rules."""


def _required_oneof(name: str, members: list[str]) -> _Field:
    def check(message: Message, prefix: str, report: Report) -> None:
        if message.WhichOneof(name) is None:
            report(prefix + name, f"one of {', '.join(members)} must be given")

    return check


def _scalar(field: FieldDescriptor, rules: validate_pb2.FieldRules) -> _Check:
    _only(rules, field, _TYPES.keys())
    kind = rules.WhichOneof("type")
    if kind is None:
        return _anything
    if field.type != _TYPES[kind]:
        raise UnknownRuleError(f"{field.full_name}: `{kind}` rules do not fit the type of the field")
    match kind:
        case "string":
            return _string(field, rules.string)
        case "bytes":
            _only(rules.bytes, field, {"min_len", "max_len"})
            return _length("bytes", rules.bytes)
        case "uint32":
            _only(rules.uint32, field, {"gte", "lte"})
            return _between(field, rules.uint32)
        case "float":
            _only(rules.float, field, {"gte", "lte"})
            return _between(field, rules.float)
        case "double":
            _only(rules.double, field, {"gte", "lte"})
            return _between(field, rules.double)
        case _:
            return _enum(field, rules.enum)


def _string(field: FieldDescriptor, rules: validate_pb2.StringRules) -> _Check:
    _only(rules, field, {"pattern", "min_len", "max_len"})
    if not rules.HasField("pattern"):
        return _length("characters", rules)
    simple = _PATTERN.fullmatch(rules.pattern)
    if rules.HasField("min_len") or rules.HasField("max_len") or simple is None:
        raise UnknownRuleError(
            f"{field.full_name}: a pattern is compiled alone, from ^ to $, of letters, digits, classes, groups and "
            f"repetitions; not {rules.pattern}"
        )
    try:
        # Anchored by fullmatch: Python's $ would let a newline follow, RE2's does not.
        matches = re.compile(simple["body"], re.ASCII).fullmatch
    except re.error as error:
        raise UnknownRuleError(f"{field.full_name}: {rules.pattern} is no pattern: {error}") from error
    problem = f"must match {rules.pattern}"

    def check(value: str) -> str | None:
        return None if matches(value) else problem

    return check


def _length(what: str, rules: validate_pb2.StringRules | validate_pb2.BytesRules) -> _Check:
    least, most = rules.min_len, rules.max_len if rules.HasField("max_len") else None

    def check(value: str | bytes) -> str | None:
        if len(value) < least:
            return f"has {len(value)} {what}; at least {least} must be given"
        if most is not None and len(value) > most:
            return f"has {len(value)} {what}; at most {most} are allowed"
        return None

    return check


def _between(
    field: FieldDescriptor, rules: validate_pb2.UInt32Rules | validate_pb2.FloatRules | validate_pb2.DoubleRules
) -> _Check:
    # A lower bound above the upper one means "outside" to protovalidate.
    if not (rules.HasField("gte") and rules.HasField("lte") and rules.gte <= rules.lte):
        raise UnknownRuleError(f"{field.full_name}: numbers are compiled with both bounds, gte at most lte, only")
    least, most = rules.gte, rules.lte

    def check(value: float) -> str | None:
        # Written so that NaN, of which every comparison is false, is refused.
        return None if least <= value <= most else f"is {value:g}; must be {least:g} to {most:g}"

    return check


def _enum(field: FieldDescriptor, rules: validate_pb2.EnumRules) -> _Check:
    _only(rules, field, {"defined_only", "in"})
    defined = {value.number for value in field.enum_type.values} if field.enum_type is not None else set()
    listed = set(getattr(rules, "in"))
    if not listed and not rules.defined_only:
        return _anything
    if listed and rules.defined_only:
        raise UnknownRuleError(f"{field.full_name}: `in` and `defined_only` are not compiled together")
    allowed = listed or defined
    problem = f"must be one of {', '.join(str(number) for number in sorted(allowed))}"

    def check(value: int) -> str | None:
        return None if value in allowed else f"is {value}; {problem}"

    return check
