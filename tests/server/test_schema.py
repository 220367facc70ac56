"""What the protos may and may not say."""

import re

import pytest
from google.protobuf.descriptor import Descriptor

from tenprint.v1 import capture_pb2, enrolment_pb2, galleries_pb2, identification_pb2

FILES = [module.DESCRIPTOR for module in (capture_pb2, enrolment_pb2, galleries_pb2, identification_pb2)]
DEMOGRAPHIC = re.compile(
    r"(^|_)(name|surname|alias|race|ethnic\w*|sex|gender|birth\w*|dob|age|place|pob|nationality|citizen\w*|country|"
    r"immigration_status|language|religion|height|weight|eye\w*|hair|photo|face|address)(_|$)"
)


def reachable(message: Descriptor, seen=None):
    """A message and every message of ours that it can hold."""
    seen = {} if seen is None else seen
    if message.full_name in seen or not message.full_name.startswith("tenprint."):
        return seen
    seen[message.full_name] = message
    for field in message.fields:
        if field.message_type is not None:
            reachable(field.message_type, seen)
    return seen


@pytest.mark.parametrize(
    "request_type",
    [
        identification_pb2.IdentifyRequest,
        identification_pb2.IdentifyBatchRequest,
        identification_pb2.IdentifyStreamRequest,
        enrolment_pb2.EnrolRequest,
        enrolment_pb2.EnrolStreamRequest,
    ],
    ids=lambda kind: kind.DESCRIPTOR.name,
)
def test_no_request_that_reaches_the_matcher_can_carry_demographics(request_type):
    messages = reachable(request_type.DESCRIPTOR)
    assert "tenprint.v1.Originator" in messages, "the walk must go all the way down"
    fields = [f"{message.full_name}.{field.name}" for message in messages.values() for field in message.fields]
    assert [field for field in fields if DEMOGRAPHIC.search(field.rpartition(".")[2])] == []
    # Nor can it be smuggled: nothing in a request is open-ended.
    for message in messages.values():
        for field in message.fields:
            assert field.message_type is None or not field.message_type.full_name.startswith("google.protobuf.")


def test_the_demographic_pattern_would_see_one():
    for field in ("name", "family_name", "race", "sex", "birth_date", "place_of_birth", "country_of_citizenship"):
        assert DEMOGRAPHIC.search(field), field


def test_every_enum_begins_unspecified():
    enums = [enum for file in FILES for enum in file.enum_types_by_name.values()]
    assert len(enums) >= 5
    for enum in enums:
        assert enum.values[0].number == 0
        assert enum.values[0].name.endswith("_UNSPECIFIED")


def test_finger_positions_are_the_fgp_codes():
    from tenprint.fingerprint.positions import FingerPosition

    codes = {value.number: value.name for value in capture_pb2.FingerPosition.DESCRIPTOR.values}
    assert codes.keys() == {int(position) for position in FingerPosition}
    for position in FingerPosition:
        if position:
            assert codes[int(position)] == f"FINGER_POSITION_{position.name}"
