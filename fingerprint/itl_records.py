"""The records of an ANSI/NIST-ITL file in the traditional encoding: framing, limits, fields.

Fields are read by ``nistitl``; its parser is quadratic in fields and records, so a file is walked by the lengths of its
records first and held against the limits. Each record also keeps its bytes as they came, so that one can be passed on
untouched.
"""

import re
import struct
from dataclasses import dataclass
from typing import Any, Final

import nistitl

from tenprint.fingerprint.errors import TransactionError
from tenprint.fingerprint.image import ImageLimits

_FIELD: Final = "transaction.data"
_FS, _GS, _RS, _US = b"\x1c", b"\x1d", b"\x1e", b"\x1f"
_BINARY_TYPES: Final = frozenset({3, 4, 5, 6, 7, 8})
_KNOWN_TYPES: Final = frozenset(nistitl.ALIASES) | _BINARY_TYPES
_TEXT_LENGTH: Final = re.compile(rb"(\d{1,2})\.0*1:(\d{1,9})\x1d")


@dataclass(frozen=True, slots=True)
class TransactionLimits:
    """What a transaction from outside may be.

    Attributes:
        max_bytes: of the whole transaction; a card of 14 WSQ images is under 2 MB.
        max_records: Type-1 counted; EBTS allows about 30 in a criminal booking.
        max_text_bytes: of one record without its image.
        max_fields: of one record.
        image: limits of each image.
    """

    max_bytes: int = 32_000_000
    max_records: int = 64
    max_text_bytes: int = 1_000_000
    max_fields: int = 1_000
    image: ImageLimits = ImageLimits()  # noqa: RUF009 - frozen, so shared safely


DEFAULT_LIMITS: Final = TransactionLimits()


@dataclass(frozen=True, slots=True, eq=False)
class ItlRecord:
    """One record of a file.

    Attributes:
        type: its type, 1 for the header.
        idc: image designation character, the record's number within the file; None where it has none (Type-1).
        encoded: the record's bytes as they came, its length included.
        fields: the library's record, whose values this class reads out.
    """

    type: int
    idc: int | None
    encoded: bytes
    fields: Any

    @property
    def is_binary(self) -> bool:
        """Whether the record has a fixed layout and no tagged fields (Types 3 to 8)."""
        return self.type in _BINARY_TYPES

    @property
    def binary(self) -> bytes:
        """What follows length and IDC in a binary record."""
        return bytes(self.fields.value)

    @property
    def image(self) -> bytes:
        """The image of a tagged record (field 999); empty where there is none."""
        field = self.fields[999]
        return bytes(field.value) if field is not None and isinstance(field.value, bytes) else b""

    def rows(self, tag: int) -> list[list[str]]:
        """A field as rows of items, however the library has split it; empty where the record has no such field.

        Text is Latin-1, one character a byte.
        """
        field = self.fields[tag]
        if field is None:
            return []
        value = field.value
        rows = value if isinstance(value, list) else [value]
        return [[str(item) for item in row] if isinstance(row, list) else [str(row)] for row in rows]

    def text(self, tag: int) -> str:
        """The first item of a field, without blanks around it; empty where there is none."""
        rows = self.rows(tag)
        return rows[0][0].strip() if rows and rows[0] else ""

    def number(self, tag: int) -> int | None:
        """The first item of a field as a whole number; None for anything else."""
        return whole_number(self.text(tag))


def whole_number(text: str) -> int | None:
    """A whole number of up to nine ASCII digits; None for anything else."""
    stripped = text.strip()
    return int(stripped) if re.fullmatch(r"[0-9]{1,9}", stripped) else None


class _Message(nistitl.Message):  # type: ignore[misc] # the library ships no types
    """``nistitl``'s parser without its DeprecationWarning on Types 3, 5 and 6, which are skipped here anyway."""

    __slots__ = ()

    def _factory(self, record: int, autocreate: bool, autosort: bool) -> Any:  # noqa: FBT001 - the library's signature
        if record in _BINARY_TYPES:
            return nistitl.BinaryRecord(record)
        return nistitl.AsciiRecord(record, autocreate=autocreate, autosort=autosort)


def split_records(data: bytes, limits: TransactionLimits = DEFAULT_LIMITS) -> tuple[ItlRecord, ...]:
    """Read the records of an ANSI/NIST-ITL file, the Type-1 record first.

    Raises:
        TransactionError: field ``transaction.data``, when the file is not a complete, well-formed transaction or breaks
            a limit. No image is looked at.
    """
    if not data:
        raise TransactionError(
            _FIELD, "the transaction is empty: send an ANSI/NIST-ITL file in the traditional encoding"
        )
    if len(data) > limits.max_bytes:
        raise TransactionError(_FIELD, f"{len(data)} bytes; at most {limits.max_bytes} are allowed")
    places = _framed(data, limits)
    message = _Message()
    try:
        message.parse(data)
        return tuple(
            ItlRecord(record.type, _idc(record), data[start:end], record)
            for record, (start, end) in zip(message, places, strict=True)
        )
    except nistitl.NistException as error:
        kind = error.error.name.lower().replace("_", " ")  # the text of the exception may quote the file
        raise TransactionError(_FIELD, f"not a well-formed ANSI/NIST-ITL file ({kind})") from None
    except (ValueError, LookupError, TypeError, AttributeError, struct.error, UnboundLocalError):
        # What nistitl's parser runs into on fields that are not what their number says.
        raise TransactionError(_FIELD, "not a well-formed ANSI/NIST-ITL file (a field has no valid value)") from None


def _idc(record: Any) -> int | None:
    if record.type == 1:
        return None
    field = record.IDC if record.type in _BINARY_TYPES else getattr(record[2], "value", "")
    return whole_number(str(field))


def _framed(data: bytes, limits: TransactionLimits) -> list[tuple[int, int]]:
    """Where each record begins and ends, by their lengths."""
    first = _TEXT_LENGTH.match(data)
    if first is None or first.group(1) != b"1":
        raise TransactionError(_FIELD, "not an ANSI/NIST-ITL file: it does not begin with a Type-1 record (1.001:)")
    length = int(first.group(2))
    contents = re.search(rb"\x1d1\.0*3:([0-9\x1e\x1f ]+)[\x1d\x1c]", data[: min(length, limits.max_text_bytes)])
    if contents is None:
        raise TransactionError(_FIELD, "the Type-1 record has no table of contents (1.003)")
    codes = [entry.split(_US)[0].strip() for entry in contents.group(1).split(_RS)]
    if not all(code.isdigit() and len(code) <= 9 for code in codes):
        raise TransactionError(_FIELD, "the table of contents (1.003) names a record without a type")
    types = [int(code) for code in codes]
    if len(types) > limits.max_records:
        raise TransactionError(_FIELD, f"{len(types)} records; at most {limits.max_records} are allowed")
    position = 0
    places: list[tuple[int, int]] = []
    for index, record_type in enumerate(types):
        name = f"record {index + 1} of {len(types)} (Type-{record_type})"
        if record_type not in _KNOWN_TYPES:
            raise TransactionError(_FIELD, f"{name}: there is no such record type")
        if record_type in _BINARY_TYPES:
            length, least = int.from_bytes(data[position : position + 4], "big"), 5
        else:
            tagged = _TEXT_LENGTH.match(data, position)
            if tagged is None or int(tagged.group(1)) != record_type:
                raise TransactionError(_FIELD, f"{name} does not begin with its length (byte {position})")
            length, least = int(tagged.group(2)), tagged.end() - tagged.start()
        if length < least or position + length > len(data):
            raise TransactionError(_FIELD, f"{name} states {length} bytes, {len(data) - position} are left: truncated?")
        if record_type not in _BINARY_TYPES:
            _check_text(data[position : position + length], record_type, name, limits)
        places.append((position, position + length))
        position += length
    if position != len(data):
        raise TransactionError(_FIELD, f"{len(data) - position} bytes follow the last record")
    return places


def _check_text(record: bytes, record_type: int, name: str, limits: TransactionLimits) -> None:
    holds_data = "DATA" in nistitl.ALIASES[record_type].values()
    image = re.search(rb"\x1d\d+\.999:", record) if holds_data else None
    text = record[: image.start()] if image else record
    if len(text) > limits.max_text_bytes or text.count(_GS) > limits.max_fields:
        allowed = f"{limits.max_text_bytes} bytes of text and {limits.max_fields} fields"
        raise TransactionError(_FIELD, f"{name}: at most {allowed} are allowed")
    if record[-1:] != _FS:
        raise TransactionError(_FIELD, f"{name} does not end in a file separator where its length says")
