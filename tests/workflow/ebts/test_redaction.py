"""What the matcher gets of a submission: the prints, and no byte about the person."""

import nistitl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenprint.fingerprint.errors import TransactionError
from tenprint.fingerprint.itl import MissingFinger, MissingReason, read_transaction
from tenprint.fingerprint.positions import FingerPosition
from tenprint.workflow.ebts import matcher_file, read_submission
from tests.workflow.ebts.conftest import CAR, PIXELS, ebts_file, image

FREE = {14: "", 15: "", 18: "", 19: "", 37: "", 39: "", 40: "", 41: "", 55: "", 56: "", 2_022: ""}


def summary(transaction):
    return (
        transaction.type_of_transaction,
        transaction.originating_agency,
        transaction.control_number,
        transaction.missing,
        [
            (each.position, each.impression_type, each.record_type, each.idc, each.data, each.ppi, each.segments)
            for each in transaction.impressions
        ],
    )


def type_4(number, position):
    record = nistitl.BinaryRecord(4)
    record.IDC = number
    record.pack(">B6sBHHB", 3, bytes([position] + [255] * 5), 0, 72, 80, 0, PIXELS.tobytes())
    return record


def photo(number, words):
    record = nistitl.AsciiRecord(10)
    record.IDC = number
    record += nistitl.Field(10, 38, words)
    record.DATA = words.encode()
    return record


_SECRET = st.text("ABCDEFGHJKLMNPQRSTUVWXYZ -'.,", min_size=8, max_size=30).filter(lambda text: len(text.strip()) >= 8)


@settings(max_examples=150, deadline=None)
@given(
    secrets=st.lists(_SECRET, min_size=len(FREE) + 2, max_size=len(FREE) + 2, unique=True),
    positions=st.lists(st.integers(0, 15), min_size=1, max_size=4, unique=True),
    remark=st.booleans(),
    amputated=st.sampled_from([None, [["09", "XX"]], [["09", "XX"], ["10", "UP"]]]),
    native=st.sampled_from(["19.69", "39.37"]),
)
def test_nothing_of_the_person_is_sent_and_nothing_of_the_prints_is_lost(secrets, positions, remark, amputated, native):
    literal, comment, *others = secrets
    fields = {**dict(zip(FREE, others, strict=True)), 47: [["20260101", literal]], 84: amputated}
    images = [image(1, positions[0], _21=[["2", "1", "30", "2", "40"]], **({"_20": comment} if remark else {}))]
    images += [type_4(number, position) for number, position in enumerate(positions[1:], start=2)]
    images += [photo(8, literal), image(9, 21, _20=comment)]
    data = ebts_file(header={11: native, 12: native}, fields=fields, images=images)
    for secret in secrets:
        assert secret.strip().encode() in data or (secret == comment and not remark)
    sent = matcher_file(data)
    for secret in secrets:
        assert secret.strip().encode() not in sent
    before, after = read_transaction(data), read_transaction(sent)
    assert summary(after) == summary(before)
    assert len(after.impressions) == len(positions)
    assert not after.skipped
    assert matcher_file(sent) == sent


def test_the_records_of_prints_are_sent_byte_for_byte():
    card = [image(1, 1), type_4(2, 2)]
    sent = matcher_file(ebts_file(images=card))
    for record in card:
        assert record.NIST in sent
    message = nistitl.Message()
    message.parse(sent)
    person = message[1]
    assert person.type == 2
    assert [tag for tag in range(1, 3000) if person[tag] is not None] == [1, 2, 5]
    assert [record.type for record in message] == [1, 2, 14, 4]


@pytest.mark.parametrize(
    ("tot", "fields", "kept"),
    [("CAR", {}, True), ("CAR", {5: "N"}, False), ("CAR", {5: None}, False), ("RPIS", {5: "Y"}, False)],
)
def test_the_matcher_is_told_what_may_be_kept(tot, fields, kept):
    assert read_transaction(matcher_file(ebts_file(tot, fields=fields))).may_be_kept is kept


def test_missing_fingers_of_both_kinds_of_field_are_told():
    data = ebts_file(fields={84: [["04", "XX"]]}, images=[image(1, 13, _18=[["05", "UP"]])])
    assert read_transaction(matcher_file(data)).missing == (
        MissingFinger(FingerPosition.RIGHT_RING, MissingReason.AMPUTATED),
        MissingFinger(FingerPosition.RIGHT_LITTLE, MissingReason.UNABLE_TO_PRINT),
    )


def test_what_cannot_be_read_is_not_sent():
    with pytest.raises(TransactionError):
        matcher_file(ebts_file()[:-1])


@pytest.mark.real
def test_real_cards_keep_their_prints_and_lose_the_rest(real_data):
    for name in (
        "an2/type-14-tpcard-nqm.an2",
        "an2/type-4-tpcard.an2",
        "an2/type-14-amp-nqm-utf8.an2",
        "an2/nbis/valid1.9.an2",
        "ebts/NISTFile2.ebts",
    ):
        data = (real_data / "interchange" / name).read_bytes()
        sent = matcher_file(data)
        assert summary(read_transaction(sent)) == summary(read_transaction(data))
        assert b"LISA" not in sent
        assert b"smith" not in sent


def test_a_submission_and_what_is_sent_of_it_agree():
    data = ebts_file(fields={**CAR, 84: [["04", "XX"]]})
    assert summary(read_submission(data).file) == summary(read_transaction(matcher_file(data)))
