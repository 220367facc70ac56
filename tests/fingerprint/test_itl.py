"""ANSI/NIST-ITL transactions built here, damaged here, and every real sample."""

import struct

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tenprint.fingerprint.errors import FingerprintError, ImageError, TransactionError
from tenprint.fingerprint.itl import (
    MissingFinger,
    MissingReason,
    Segment,
    SkippedRecord,
    read_transaction,
)
from tenprint.fingerprint.itl_records import TransactionLimits
from tenprint.fingerprint.positions import FingerPosition

PIXELS = np.random.default_rng(3).integers(0, 256, (80, 72)).astype(np.uint8)
RAW = PIXELS.tobytes()


def text_record(kind, fields, image=None):
    """A tagged record with its own length in its first field."""
    body = b"\x1d".join(b"%d.%03d:" % (kind, tag) + value for tag, value in fields)
    if image is not None:
        body += b"\x1d%d.999:" % kind + image
    for digits in range(1, 9):
        head = b"%d.001:" % kind
        length = len(head) + digits + 1 + len(body) + 1
        if len(str(length)) == digits:
            return head + str(length).encode() + b"\x1d" + body + b"\x1c"
    raise AssertionError


def type_4(idc, position=1, impression=3, scanning=0, size=(72, 80), compression=0, data=RAW):
    body = struct.pack(">BB6sBHHB", idc, impression, bytes([position] + [255] * 5), scanning, *size, compression) + data
    return struct.pack(">I", len(body) + 4) + body


def type_14(idc, image=RAW, extra=(), **changed):
    fields = {2: idc, 3: 1, 4: "AGENCY", 5: 20240101, 6: 72, 7: 80, 8: 2, 9: 197, 10: 197, 11: "NONE", 12: 8, 13: 2}
    fields.update({int(tag[1:]): value for tag, value in changed.items()})
    return text_record(14, [(tag, str(value).encode()) for tag, value in fields.items()] + list(extra), image)


def transaction(*records, type_2=(), resolution=b"19.69"):
    """Records as (type, bytes), behind a Type-1 and a Type-2 record."""
    records = ((2, text_record(2, [(2, b"0"), (18, b"DOE,JANE"), *type_2])), *records)
    contents = b"1\x1f%d\x1e" % len(records) + b"\x1e".join(b"%d\x1f%d" % (k, i) for i, (k, _) in enumerate(records))
    head = [(2, b"0400"), (3, contents), (4, b"CAR"), (5, b"20240101"), (7, b"DAI"), (8, b"ORI000001"), (9, b"TCN-1")]
    return text_record(1, [*head, (11, resolution), (12, b"19.69")]) + b"".join(data for _, data in records)


def test_a_card_gives_its_impressions_missing_fingers_and_what_was_skipped():
    amputated = (84, b"9\x1fXX\x1e10\x1fUP")
    read = read_transaction(
        transaction(
            (4, type_4(1)),
            (14, type_14(2, extra=[(21, b"7\x1f1\x1f30\x1f2\x1f40\x1e8\x1f9\x1f9\x1f0\x1f1")], _3=2, _13=14)),
            (13, text_record(13, [(2, b"3")], b"latent")),
            (14, type_14(4, _13=21)),
            (4, type_4(5, impression=4)),
            type_2=[amputated],
        )
    )
    assert (read.type_of_transaction, read.originating_agency, read.control_number) == ("CAR", "ORI000001", "TCN-1")
    rolled, slap = read.impressions
    assert (rolled.position, rolled.impression_type, rolled.rolled, rolled.idc) == (
        FingerPosition.RIGHT_THUMB,
        3,
        True,
        1,
    )
    assert (slap.position, slap.rolled, slap.ppi) == (FingerPosition.PLAIN_LEFT_FOUR, False, 500)
    assert slap.segments == (Segment(FingerPosition.LEFT_INDEX, 1, 30, 2, 40),)
    for impression in read.impressions:
        np.testing.assert_array_equal(impression.decode().pixels, PIXELS)
    assert read.missing == (
        MissingFinger(FingerPosition.LEFT_RING, MissingReason.AMPUTATED),
        MissingFinger(FingerPosition.LEFT_LITTLE, MissingReason.UNABLE_TO_PRINT),
    )
    assert [(record.record_type, record.idc) for record in read.skipped] == [(13, 3), (14, 4), (4, 5)]


def test_nothing_of_the_person_is_kept():
    assert "JANE" not in repr(read_transaction(transaction((4, type_4(1)))))


def test_one_unreadable_finger_leaves_the_others():
    read = read_transaction(
        transaction(*[(4, type_4(i, i, data=b"x" if i == 4 else PIXELS.tobytes())) for i in range(1, 11)])
    )
    failed = []
    for impression in read.impressions:
        try:
            impression.decode()
        except ImageError:
            failed.append(impression.position)
    assert failed == [FingerPosition.RIGHT_RING]


@pytest.mark.parametrize(("resolution", "ppi"), [(b"19.69", 500), (b"39.37", 1000), (b"00.00", 0)])
def test_a_type_4_image_has_the_resolution_of_the_type_1_record(resolution, ppi):
    (impression,) = read_transaction(transaction((4, type_4(1)), resolution=resolution)).impressions
    assert impression.ppi == ppi
    if not ppi:
        with pytest.raises(ImageError, match="resolution") as caught:
            impression.decode()
        assert caught.value.field == "image.ppi"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"_12": 1}, "8 bits"),
        ({"_9": 300}, "not square"),
        ({"_3": 4}, "latent"),
        ({"_13": "x"}, "not a finger"),
    ],
)
def test_type_14_records_that_cannot_be_used_are_skipped_with_a_reason(changed, reason):
    read = read_transaction(transaction((14, type_14(1, **changed))))
    assert read.impressions == ()
    (skipped,) = read.skipped
    assert isinstance(skipped, SkippedRecord)
    assert reason in skipped.reason


def test_an_unknown_compression_is_named_when_decoding():
    (impression,) = read_transaction(transaction((14, type_14(1, _11="JPEGB")))).impressions
    with pytest.raises(ImageError, match="JPEGB") as caught:
        impression.decode()
    assert caught.value.field == "image.format"


GOOD = transaction((4, type_4(1)), (14, type_14(2)))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "empty"),
        (b"Dear sir, please find attached the fingerprints.", "does not begin with a Type-1"),
        (GOOD[: len(GOOD) // 2], "truncated"),
        (GOOD[:-1], "truncated"),
        (GOOD + b"xyz", "3 bytes follow"),
        (transaction((77, b"?")), "no such record type"),
        (transaction(*[(4, type_4(1))] * 70), "at most 64"),
        (transaction((9, text_record(9, [(tag, b"1") for tag in range(2, 1500)]))), "1000 fields"),
        (b"1.001:40\x1d1.002:0400\x1d1.004:CAR\x1d1.005:202\x1c", "table of contents"),
    ],
)
def test_what_is_no_transaction_is_refused(data, problem):
    with pytest.raises(TransactionError, match=problem) as caught:
        read_transaction(data)
    assert caught.value.field == "transaction.data"


def test_an_oversized_transaction_is_refused():
    with pytest.raises(TransactionError, match="at most 100"):
        read_transaction(GOOD, TransactionLimits(max_bytes=100))


@settings(max_examples=300, deadline=None)
@example(changes=[(31, 32)], cut=None, head=False)  # a blank in the table of contents, found here once
@given(
    changes=st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), max_size=6),
    cut=st.none() | st.integers(0, 1 << 20),
    head=st.booleans(),
)
def test_damaged_transactions_raise_nothing_but_the_rooms_errors(changes, cut, head):
    data = bytearray(GOOD)
    for place, value in changes:
        data[place % (300 if head else len(data))] = value
    if cut is not None:
        del data[cut % len(data) :]
    try:
        for impression in read_transaction(bytes(data)).impressions:
            impression.decode()
    except FingerprintError as error:
        assert error.field.split(".")[0] in ("transaction", "image")  # noqa: PT017 - most examples raise, a few may not


REAL = {
    # name: positions of its impressions; None where the file is refused
    "biomeval/type3.an2k": [],
    "biomeval/type4-slaps.an2k": [14, 12, 11, 13],
    "biomeval/type9-13.an2k": None,  # field 2.034 twice
    "biomeval/type9-efs.an2k": [],
    "biomeval/type9.an2k": [],
    "nbis/valid1.1.an2": [10],
    "nbis/valid1.2.an2": [10],
    "nbis/valid1.7.an2": [],
    "nbis/valid1.8.an2": [13, 14, 15],
    "nbis/valid1.9.an2": [1],
    "nbis/valid1.10.an2": [],
    "nbis/valid1.11.an2": [10, 13],
    "nbis/valid1.14.an2": [1],
    "nbis/valid1.16.an2": [10, 13],
    "type-13-14-latent-match.an2": [8],
    "type-14-amp-nqm-utf8.an2": [15, 13, 14],
    "type-14-tpcard-nqm.an2": [*range(1, 11), 14, 12, 11, 13],
    "type-4-14-slaps.an2": [14, 13, 15],
    "type-4-slaps.an2": [14, 12, 11, 13],
    "type-4-tpcard.an2": [*range(1, 11), 14, 12, 11, 13],
    "type-9-13-9-14-m1.an2": [8],
    "type-9-14-m1.an2": [8],
    "type-9-4-iafis.an2": [8],
    "../ebts/NISTFile.ebts": [2],
    "../ebts/NISTFile2.ebts": [2, 13],
}
UNREADABLE = {("nbis/valid1.11.an2", 13), ("nbis/valid1.16.an2", 13)}  # their images are placeholders of ASCII digits


@pytest.mark.real
def test_every_real_sample_is_read_or_clearly_refused(real_data):
    folder = real_data / "interchange" / "an2"
    named = {(folder / name).resolve(): name for name in REAL}
    files = [*folder.rglob("*.an2*"), *(folder.parent / "ebts").glob("*.ebts")]
    assert len(files) == 42
    assert named.keys() <= {path.resolve() for path in files}
    for path in files:
        name = named.get(path.resolve())
        expected = REAL.get(name, []) if name else []
        if expected is None:
            with pytest.raises(TransactionError):
                read_transaction(path.read_bytes())
            continue
        read = read_transaction(path.read_bytes())
        assert [int(impression.position) for impression in read.impressions] == expected, path.name
        assert expected or read.skipped, path.name
        for impression in read.impressions:
            if (name, impression.position) in UNREADABLE:
                with pytest.raises(ImageError):
                    impression.decode()
            elif impression.width * impression.height < 700_000:  # the slaps take longer and prove no more
                assert impression.decode().ppi == 500


@pytest.mark.real
def test_the_amputation_of_a_real_card_is_read(real_data):
    read = read_transaction((real_data / "interchange" / "an2" / "type-14-amp-nqm-utf8.an2").read_bytes())
    assert read.missing == (MissingFinger(FingerPosition.LEFT_RING, MissingReason.AMPUTATED),)
