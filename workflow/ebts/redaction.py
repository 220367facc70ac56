"""What the matcher is sent of a submission: its prints, and nothing about the person."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import nistitl

from tenprint.fingerprint.itl import Impression, Transaction, impression_of, transaction_of
from tenprint.fingerprint.itl_records import DEFAULT_LIMITS, ItlRecord, TransactionLimits, split_records
from tenprint.workflow.ebts.submission import retains
from tenprint.workflow.ebts.transaction_types import transaction_types

_HEADER_TAGS: Final = (2, 4, 5, 6, 7, 8, 9, 11, 12)
_IMAGE_TAGS: Final = frozenset({*range(1, 14), 16, 17, 18, 21, 22, 23, 24, 999})
"""Fields of a Type-14 record that say what the image is, and how good. Not among them is 14.020, free text."""
_IMAGE: Final = re.compile(rb"\x1d14\.0*999:")
_FIELD: Final = re.compile(rb"14\.0*([0-9]{1,3}):")


@dataclass(frozen=True, slots=True)
class _Verbatim:
    """A record that is written as it came; named as the library names a record's parts."""

    type: int
    IDC: int
    NIST: bytes


def matcher_file(data: bytes, limits: TransactionLimits = DEFAULT_LIMITS) -> bytes:
    """The same transaction without the person: the only file of a submission that a matcher is sent.

    Left are a Type-1 record with its contents (1.003) corrected; a Type-2 record of LEN, IDC, RET and AMP, in which RET
    is N unless the submitter asked in so many words that the prints be kept; and the exemplar fingerprints of Types 4
    and 14, byte for byte, but for fields of free text in a Type-14 record. What an encoded image holds beside its
    pixels (comments of WSQ and PNG) is not looked at.

    Args:
        data: an ANSI/NIST-ITL file.
        limits: what it may be.

    Raises:
        TransactionError: when it is not a complete, well-formed transaction or breaks a limit.
    """
    records = split_records(data, limits)
    header, file = records[0], transaction_of(records, limits)
    message = nistitl.Message()
    for tag in _HEADER_TAGS:
        if header.rows(tag):
            setattr(message[0], f"_{tag}", header.text(tag))
    message += _person(records, file)
    for record in records[1:]:
        if record.type in (4, 14) and isinstance(impression_of(record, header, limits), Impression):
            message += _Verbatim(record.type, record.idc or 0, _without_remarks(record))
    return bytes(message.NIST)


def _person(records: Sequence[ItlRecord], file: Transaction) -> nistitl.AsciiRecord:
    """A Type-2 record that says whether prints may be kept and which fingers are missing."""
    sent = next((record for record in records if record.type == 2), None)
    kind = transaction_types().get(file.type_of_transaction)
    kept = sent is not None and kind is not None and file.may_be_kept and retains(kind, sent.text(5))
    person = nistitl.AsciiRecord(2)
    person.IDC = (sent.idc if sent is not None else None) or 0
    person += nistitl.Field(2, 5, "Y" if kept else "N", alias="RET")
    if file.missing:
        rows = [[f"{int(finger.position):02}", finger.reason.value] for finger in file.missing]
        person += nistitl.Field(2, 84, rows, alias="AMP")
    return person


def _without_remarks(record: ItlRecord) -> bytes:
    """A record without the fields that a search does not need; the same bytes where it has none."""
    if record.type == 4:
        return record.encoded
    image = _IMAGE.search(record.encoded)
    end = image.start() if image else len(record.encoded) - 1
    text, rest = record.encoded[:end], record.encoded[end:]
    fields = text.split(b"\x1d")
    kept = [field for field in fields if (tag := _FIELD.match(field)) and int(tag.group(1)) in _IMAGE_TAGS]
    if len(kept) == len(fields):
        return record.encoded
    body = b"\x1d" + b"\x1d".join(kept[1:]) + rest
    length = len(b"14.001:") + len(body)
    digits = next(count for count in range(1, 10) if len(str(length + count)) == count)
    return b"14.001:%d" % (length + digits) + body
