"""The compiled rules refuse what protovalidate refuses, field for field and rule for rule."""

import copy
import itertools
import math

import protovalidate
import pytest
from buf.validate import validate_pb2
from google.protobuf import descriptor_pb2, descriptor_pool
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenprint.server.errors import InvalidRequestError
from tenprint.server.rules import Rules, UnknownRuleError
from tenprint.server.validation import validate
from tenprint.v1 import capture_pb2, enrolment_pb2, galleries_pb2, identification_pb2

ORACLE = protovalidate.Validator()
ORIGINATOR = capture_pb2.Originator(ori="CA0340000", tcn="TCN0000001")
# What a refusal must say of each rule, by protovalidate's id of it.
WORDS = {
    "required": ("is required", "must be given"),
    "string.pattern": ("must match",),
    "string.min_len": ("at least",),
    "string.max_len": ("at most",),
    "bytes.min_len": ("at least",),
    "bytes.max_len": ("at most",),
    "uint32.gte_lte": ("must be 1 to 100", "must be 1 to 9", "must be 4 to 90"),
    "float.gte_lte": ("must be -1 to 1",),
    "double.gte_lte": ("must be 1e-09 to 0.5",),
    "enum.in": ("must be one of",),
    "enum.defined_only": ("must be one of",),
    "repeated.min_items": ("at least",),
    "repeated.max_items": ("at most",),
    "repeated.unique": ("must differ",),
}
TEXT = [
    *("", "\n", "criminal", "criminal\n", "-", "1", "né", "a\0", "S-1", "S-1\n", "a" * 63, "a" * 64, "a" * 65),
    *("CA0340000", "CA0340000\n", "CA034000", "CA03400000", "ca0340000", "\u0660" * 9, "\uff21" * 9),
    *("TCN0000001", "TCN0000001\n", "TCN 000001", "\x7f" * 10, "x" * 40, "x" * 41),
    *("0-17", "0-17\n", "0-", "\u00b2-1", "1" * 20 + "-1", "1" * 21 + "-1"),
    *("x" * 100, "x" * 101, "é" * 100, "\U0001d538" * 100, "\U0001d538" * 101),
]
BYTES = [bytes(length) for length in (0, 1, 3, 4, 23, 24, 25, 16384, 16385, 65536, 65537)]
NUMBERS = [0, 1, 2, 3, 4, 90, 91, 99, 100, 101, 2**32 - 1]
ENUMS = [-(2**31), -1, 0, 1, 2, 3, 5, 6, 10, 11, 15, 16, 2**31 - 1]
DOUBLES = [0.0, -0.0, 1e-9, 9.9e-10, 0.5, 0.5000001, 1.0, -1.0, math.nan, math.inf, -math.inf]
FLOATS = [-1.0, -0.0, 0.0, 1.0, 1.0000002, -1.0000002, 3e38, math.nan, math.inf, -math.inf]


def edges(field):
    """Values on and beside every bound of our protos, and what readers of a pattern or a number get wrong."""
    match field.type:
        case field.TYPE_STRING:
            return TEXT
        case field.TYPE_BYTES:
            return BYTES
        case field.TYPE_ENUM:
            return ENUMS
        case field.TYPE_FLOAT:
            return FLOATS
        case field.TYPE_DOUBLE:
            return DOUBLES
        case _:
            return NUMBERS


@st.composite
def samples(draw):
    position = draw(st.integers(0, 15))
    match draw(st.sampled_from(["embedding", "template", "image"])):
        case "embedding":
            content = capture_pb2.Embedding(vector=bytes(draw(st.sampled_from([4, 16384]))), model_version="v1")
            return capture_pb2.FingerSample(position=position, embedding=content)
        case "template":
            return capture_pb2.FingerSample(position=position, template=capture_pb2.MinutiaeTemplate(data=bytes(24)))
        case _:
            return capture_pb2.FingerSample(position=position, image=capture_pb2.Image(format=draw(st.integers(0, 5))))


@st.composite
def captures(draw):
    if draw(st.booleans()):
        positions = draw(st.lists(st.integers(0, 15), unique=True, max_size=16))
        return capture_pb2.Capture(transaction=capture_pb2.Transaction(data=b"x", positions=positions))
    fingers = capture_pb2.FingerSamples(samples=draw(st.lists(samples(), min_size=1, max_size=3)))
    for position in draw(st.lists(st.integers(1, 10), max_size=3)):
        fingers.missing.add(position=position, reason=draw(st.integers(1, 2)))
    return capture_pb2.Capture(fingers=fingers)


def identifications():
    return st.builds(
        identification_pb2.IdentifyRequest,
        originator=st.just(ORIGINATOR),
        galleries=st.sampled_from([["criminal"], [f"g{number}" for number in range(8)]]),
        probe=captures(),
        max_candidates=st.sampled_from([None, 1, 100]),
        score_threshold=st.sampled_from([None, -1.0, 0.0, 1.0]),
        min_position=st.sampled_from(["", "0-17"]),
        priority=st.sampled_from([None, 1, 9]),
    )


def enrolments():
    return st.builds(
        enrolment_pb2.EnrolRequest,
        originator=st.just(ORIGINATOR),
        gallery=st.just("criminal"),
        subject_id=st.sampled_from([None, "S-1", "a" * 64]),
        capture=captures(),
    )


SOUND = {
    identification_pb2.IdentifyRequest: identifications(),
    identification_pb2.IdentifyBatchRequest: st.builds(
        identification_pb2.IdentifyBatchRequest,
        requests=st.sampled_from([1, 64]).map(lambda count: [identification_pb2.IdentifyRequest()] * count),
    ),
    identification_pb2.IdentifyStreamRequest: st.builds(
        identification_pb2.IdentifyStreamRequest, item=st.sampled_from(NUMBERS), request=identifications()
    ),
    enrolment_pb2.EnrolRequest: enrolments(),
    enrolment_pb2.EnrolStreamRequest: st.builds(
        enrolment_pb2.EnrolStreamRequest, item=st.sampled_from(NUMBERS), request=enrolments()
    ),
    enrolment_pb2.DeleteRequest: st.sampled_from(["subject_id", "encounter_id"]).map(
        lambda target: enrolment_pb2.DeleteRequest(originator=ORIGINATOR, gallery="criminal", **{target: "S-1"})
    ),
    enrolment_pb2.GetRequest: st.just(
        enrolment_pb2.GetRequest(originator=ORIGINATOR, gallery="criminal", subject_id="S-1")
    ),
    galleries_pb2.DescribeRequest: st.just(galleries_pb2.DescribeRequest(gallery="criminal")),
    galleries_pb2.ListRequest: st.just(galleries_pb2.ListRequest()),
}
RULES = Rules(kind.DESCRIPTOR for kind in SOUND)
"""As the server compiles them; asked directly, because a refusal names sixteen fields at most."""


def disturb(draw, message):
    """Change one field of a message, or of a message inside it: absent, empty, or another value."""
    if not message.DESCRIPTOR.fields:
        return
    field = draw(st.sampled_from(list(message.DESCRIPTOR.fields)))
    how = draw(st.integers(0, 7))
    if how == 0:
        message.ClearField(field.name)
    elif field.is_repeated and field.message_type is not None:
        items = getattr(message, field.name)
        if how == 1 or not items:
            for _ in range(draw(st.sampled_from([1, 15, 65]))):
                items.add()
        else:
            disturb(draw, items[draw(st.integers(0, len(items) - 1))])
    elif field.is_repeated:
        items = getattr(message, field.name)
        items.extend(items[:1] if how == 1 else draw(st.lists(st.sampled_from(edges(field)), min_size=1, max_size=17)))
    elif field.message_type is not None:
        inner = getattr(message, field.name)
        inner.SetInParent()
        if how > 1:
            disturb(draw, inner)
    else:
        setattr(message, field.name, draw(st.sampled_from(edges(field))))


@st.composite
def requests(draw):
    """A request that breaks no rule, then up to three changes anywhere in it."""
    sound = draw(st.sampled_from(list(SOUND.values())).flatmap(lambda strategy: strategy))
    request = type(sound).FromString(sound.SerializeToString())
    for _ in range(draw(st.integers(0, 3))):
        disturb(draw, request)
    return request


def told(message):
    try:
        validate(message)
    except InvalidRequestError as error:
        return {violation.field for violation in error.violations}, error
    return set(), None


def path(violation):
    steps = [
        step.field_name + (f"[{step.index}]" if step.WhichOneof("subscript") else "")
        for step in violation.field.elements
    ]
    return ".".join(steps)


def undefined_positions(request):
    """Items of `Transaction.positions` that no FingerPosition is: protovalidate 1.2 for Python overlooks them."""
    inner, prefix = request, ""
    for name in ("request", "probe", "capture", "transaction"):
        if name in inner.DESCRIPTOR.fields_by_name and inner.HasField(name):
            inner, prefix = getattr(inner, name), f"{prefix}{name}."
    positions = inner.positions if isinstance(inner, capture_pb2.Transaction) else []
    return {
        (f"{prefix}positions[{number}]", "enum.defined_only")
        for number, position in enumerate(positions)
        if position not in capture_pb2.FingerPosition.values()
    }


def hold_against_the_oracle(request_message):
    found = {}
    RULES.check(request_message, lambda field, problem: found.setdefault(field, []).append(problem))
    expected = {
        (path(violation.proto), violation.proto.rule_id) for violation in ORACLE.collect_violations(request_message)
    }
    expected |= undefined_positions(request_message)
    # What is longer than allowed is not looked through here: neither its items nor whether they differ.
    long = {field for field, rule in expected if rule == "repeated.max_items"}
    expected = {
        (field, rule)
        for field, rule in expected
        if field.rpartition("[")[0] not in long
        and not field.startswith(tuple(f"{name}[" for name in long))
        and not (field in long and rule == "repeated.unique")
    }
    assert found.keys() == {field for field, _ in expected}
    assert sum(map(len, found.values())) == len(expected)
    for field, rule in expected:
        assert any(word in problem for word in WORDS[rule] for problem in found[field]), (rule, found[field])
    assert bool(told(request_message)[0]) == bool(expected)


@given(requests())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the oracle is slow
def test_the_same_fields_are_refused_for_the_same_rules(request_message):
    hold_against_the_oracle(request_message)


def changed(message):
    """A message again and again, each time with one scalar, at any depth, set to one of its edges."""
    for field in message.DESCRIPTOR.fields:
        values = getattr(message, field.name)
        if field.message_type is None:
            for edge in edges(field):
                other = copy.deepcopy(message)
                if field.is_repeated:
                    getattr(other, field.name).append(edge)
                else:
                    setattr(other, field.name, edge)
                yield other
        elif field.is_repeated:
            for number, value in enumerate(values):
                for inner in changed(value):
                    other = copy.deepcopy(message)
                    getattr(other, field.name)[number].CopyFrom(inner)
                    yield other
        elif message.HasField(field.name):
            for inner in changed(values):
                other = copy.deepcopy(message)
                getattr(other, field.name).CopyFrom(inner)
                yield other


SMALL = [
    identification_pb2.IdentifyRequest(
        originator=ORIGINATOR,
        galleries=["criminal"],
        probe=capture_pb2.Capture(
            fingers=capture_pb2.FingerSamples(
                samples=[
                    capture_pb2.FingerSample(embedding=capture_pb2.Embedding(vector=bytes(4), model_version="v1")),
                    capture_pb2.FingerSample(template=capture_pb2.MinutiaeTemplate(data=bytes(24))),
                    capture_pb2.FingerSample(image=capture_pb2.Image()),
                ],
                missing=[capture_pb2.MissingFinger(position=1, reason=1)],
            )
        ),
    ),
    enrolment_pb2.EnrolRequest(
        originator=ORIGINATOR,
        gallery="criminal",
        capture=capture_pb2.Capture(transaction=capture_pb2.Transaction(data=b"x")),
    ),
    enrolment_pb2.DeleteRequest(originator=ORIGINATOR, gallery="criminal", encounter_id="E-1"),
    enrolment_pb2.GetRequest(originator=ORIGINATOR, gallery="criminal", subject_id="S-1"),
    galleries_pb2.DescribeRequest(gallery="criminal"),
]


@pytest.mark.parametrize("request_message", SMALL, ids=lambda message: message.DESCRIPTOR.name)
def test_every_field_is_refused_at_the_same_edges(request_message):
    for other in changed(request_message):
        hold_against_the_oracle(other)


@given(st.sampled_from(list(SOUND.values())).flatmap(lambda strategy: strategy))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_sound_request_passes(request_message):
    validate(request_message)


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (galleries_pb2.DescribeRequest(gallery="criminal\n"), "must match"),
        (identification_pb2.IdentifyBatchRequest(), "at least 1"),
        (identification_pb2.IdentifyBatchRequest(requests=[identification_pb2.IdentifyRequest()] * 65), "at most 64"),
        (galleries_pb2.DescribeRequest(), "must match"),
    ],
)
def test_a_refusal_says_what_is_allowed(message, says):
    assert says in str(told(message)[1])


def test_what_is_too_long_is_not_looked_through():
    many = capture_pb2.FingerSamples(samples=[capture_pb2.FingerSample()] * 20_000)
    request = identification_pb2.IdentifyRequest(probe=capture_pb2.Capture(fingers=many))
    assert "probe.fingers.samples" in told(request)[0]
    assert not any("samples[" in field for field in told(request)[0])


TYPE = descriptor_pb2.FieldDescriptorProto
ONE, MANY = TYPE.LABEL_OPTIONAL, TYPE.LABEL_REPEATED
CEL = validate_pb2.Rule(id="x", expression="false")
FILES = itertools.count()
R = validate_pb2.FieldRules


def with_items(**rules):
    return R(repeated=validate_pb2.RepeatedRules(items=R(**rules)))


def with_pattern(pattern, **others):
    return R(string=validate_pb2.StringRules(pattern=pattern, **others))


def one_field(rules, kind, label, *, entry=False):
    """A message of one field of ours, with these rules."""
    number = next(FILES)  # no two files of the pool may share a name
    file = descriptor_pb2.FileDescriptorProto(
        name=f"x{number}.proto",
        package=f"tenprint.x{number}",
        syntax="proto3",
        dependency=["buf/validate/validate.proto"],
    )
    file.enum_type.add(name="E").value.add(name="E_UNSPECIFIED", number=0)
    file.message_type.add(name="Y")
    message = file.message_type.add(name="X")
    field = message.field.add(name="mail", number=1, type=kind, label=label)
    if entry:
        inner = message.nested_type.add(name="MailEntry")
        inner.options.map_entry = True
        inner.field.add(name="key", number=1, type=TYPE.TYPE_STRING, label=1)
        inner.field.add(name="value", number=2, type=TYPE.TYPE_STRING, label=1)
        field.type_name = f".tenprint.x{number}.X.MailEntry"
    elif kind in (TYPE.TYPE_ENUM, TYPE.TYPE_MESSAGE):
        field.type_name = f".tenprint.x{number}.{'E' if kind == TYPE.TYPE_ENUM else 'Y'}"
    field.options.Extensions[validate_pb2.field].MergeFrom(rules)
    pool = descriptor_pool.Default()
    return pool.AddSerializedFile(file.SerializeToString()).message_types_by_name["X"]


FROM_A_NEWER_SCHEMA = bytes([0xF2, 0x7F, 1, 65])  # field 2046, one byte


@pytest.mark.parametrize(
    ("rules", "kind", "label"),
    [
        (R(string=validate_pb2.StringRules(email=True)), TYPE.TYPE_STRING, ONE),
        (R(string=validate_pb2.StringRules.FromString(FROM_A_NEWER_SCHEMA)), TYPE.TYPE_STRING, ONE),
        (R.FromString(FROM_A_NEWER_SCHEMA), TYPE.TYPE_STRING, ONE),
        (R(cel=[CEL]), TYPE.TYPE_STRING, ONE),
        (R(required=True), TYPE.TYPE_STRING, ONE),
        (R(ignore=validate_pb2.IGNORE_ALWAYS), TYPE.TYPE_STRING, ONE),
        (R(required=True), TYPE.TYPE_STRING, MANY),
        (R(string=validate_pb2.StringRules(min_len=3)), TYPE.TYPE_STRING, MANY),
        (R(string=validate_pb2.StringRules(min_len=3)), TYPE.TYPE_MESSAGE, ONE),
        (R(string=validate_pb2.StringRules(min_len=3)), TYPE.TYPE_BYTES, ONE),
        (with_items(cel=[CEL]), TYPE.TYPE_STRING, MANY),
        (with_items(required=True), TYPE.TYPE_STRING, MANY),
        (with_items(ignore=validate_pb2.IGNORE_IF_ZERO_VALUE), TYPE.TYPE_STRING, MANY),
        (with_items(cel=[CEL]), TYPE.TYPE_MESSAGE, MANY),
        (R(repeated=validate_pb2.RepeatedRules(unique=True)), TYPE.TYPE_MESSAGE, MANY),
        (R(repeated=validate_pb2.RepeatedRules(unique=True)), TYPE.TYPE_FLOAT, MANY),
        (R(uint32=validate_pb2.UInt32Rules(gte=1)), TYPE.TYPE_UINT32, ONE),
        (R(uint32=validate_pb2.UInt32Rules(gte=9, lte=3)), TYPE.TYPE_UINT32, ONE),
        (R(enum=validate_pb2.EnumRules(const=1)), TYPE.TYPE_ENUM, ONE),
        (R(enum=validate_pb2.EnumRules(defined_only=True, **{"in": [7]})), TYPE.TYPE_ENUM, ONE),
        (with_pattern("^a|b$"), TYPE.TYPE_STRING, ONE),
        (with_pattern("a"), TYPE.TYPE_STRING, ONE),
        (with_pattern(r"^a\$"), TYPE.TYPE_STRING, ONE),
        (with_pattern("^(?=a)b$"), TYPE.TYPE_STRING, ONE),
        (with_pattern("^[z-a]$"), TYPE.TYPE_STRING, ONE),
        (with_pattern("^a$", min_len=1), TYPE.TYPE_STRING, ONE),
    ],
    ids=lambda value: " ".join(str(value).split()) if isinstance(value, R) else None,
)
def test_a_rule_nobody_compiled_stops_the_start(rules, kind, label):
    descriptor = one_field(rules, kind, label)
    with pytest.raises(UnknownRuleError, match=r"X\.mail"):
        Rules([descriptor])


def test_a_map_stops_the_start():
    descriptor = one_field(R(), TYPE.TYPE_MESSAGE, MANY, entry=True)
    with pytest.raises(UnknownRuleError, match=r"X\.mail: maps"):
        Rules([descriptor])
