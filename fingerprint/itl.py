"""ANSI/NIST-ITL transactions (traditional encoding): the friction ridge images of Type-4 and Type-14 records.

Framing and fields are read by ``nistitl``; Type-4's binary header is read here, because the library hands it over as it
is. Of the Type-1 record the transaction type, the originating agency and the control number are kept; of the Type-2
record fields 2.005 (whether it may be kept) and 2.084 (fingers that are missing) and nothing else: no name, date or
description of a person leaves this module. Images stay encoded until :meth:`Impression.decode`, so that one unreadable
finger costs only itself.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import nistitl

from tenprint.fingerprint.errors import ImageError, TransactionError
from tenprint.fingerprint.image import GreyImage, ImageFormat, ImageLimits, decode_image, decode_raw
from tenprint.fingerprint.positions import FINGERS, FingerPosition

_FIELD: Final = "transaction.data"
_FS, _GS, _RS, _US = b"\x1c", b"\x1d", b"\x1e", b"\x1f"
_BINARY_TYPES: Final = frozenset({3, 4, 5, 6, 7, 8})
_KNOWN_TYPES: Final = frozenset(nistitl.ALIASES) | _BINARY_TYPES
_TEXT_LENGTH: Final = re.compile(rb"(\d{1,2})\.0*1:(\d{1,9})\x1d")
_TYPE_4: Final = struct.Struct(">B6sBHHB")
"""After LEN and IDC: IMP, six possible FGP (255 unused), ISR, HLL, VLL, GCA (ANSI/NIST-ITL 1-2011, Type 4)."""
_UNUSED_POSITION: Final = 255
_MM_PER_INCH: Final = 25.4
_IMPRESSIONS: Final = frozenset({0, 1, 2, 3, 8, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 43})
"""IMP codes of exemplar fingerprints; 4-7 are latent, 10-15 and 30-42 palm or foot (ITL-1 2011 Table 7)."""
_ROLLED: Final = frozenset({1, 3, 21, 23, 25, 27})
_COMPRESSIONS: Final[dict[str, ImageFormat | None]] = {
    "NONE": None,
    "WSQ": ImageFormat.WSQ,
    "WSQ20": ImageFormat.WSQ,
    "JP2": ImageFormat.JPEG2000,
    "JP2L": ImageFormat.JPEG2000,
    "PNG": ImageFormat.PNG,
}
_BINARY_COMPRESSIONS: Final = {0: "NONE", 1: "WSQ20"}


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


_DEFAULT_LIMITS: Final = TransactionLimits()


class MissingReason(StrEnum):
    """Why a finger is not on the card (fields 2.084 and 14.018)."""

    AMPUTATED = "XX"
    UNABLE_TO_PRINT = "UP"


@dataclass(frozen=True, slots=True)
class MissingFinger:
    """A finger the card says cannot be printed."""

    position: FingerPosition
    reason: MissingReason


@dataclass(frozen=True, slots=True)
class Segment:
    """Where one finger lies in a slap (field 14.021), in pixels of the image as sent, origin at the top left."""

    position: FingerPosition
    left: int
    right: int
    top: int
    bottom: int


@dataclass(frozen=True, slots=True, eq=False)
class Impression:
    """One fingerprint image of a transaction, still encoded.

    Attributes:
        position: FGP. UNKNOWN where the record gives several possible positions or code 0.
        impression_type: IMP.
        rolled: whether IMP says rolled.
        record_type: 4 or 14.
        idc: image designation character, the record's number within the transaction.
        data: the image as sent.
        compression: ``"NONE"``, ``"WSQ20"``, ... as in field 14.011.
        width: pixels a row, as the record states.
        height: rows, as the record states.
        ppi: resolution as the record states; 0 where it states none.
        segments: the fingers of a slap, where the record gives them.
        limits: what :meth:`decode` refuses.
    """

    position: FingerPosition
    impression_type: int
    rolled: bool
    record_type: int
    idc: int
    data: bytes
    compression: str
    width: int
    height: int
    ppi: int
    segments: tuple[Segment, ...] = ()
    limits: ImageLimits = ImageLimits()  # noqa: RUF009 - frozen, so shared safely

    def decode(self) -> GreyImage:
        """The image at 500 ppi.

        Raises:
            ImageError: when it cannot be decoded, or breaks a limit.
        """
        if self.compression not in _COMPRESSIONS:
            allowed = ", ".join(_COMPRESSIONS)
            raise ImageError(
                "image.format",
                f"compression {self.compression[:8]!r} is not read; allowed are {allowed}",
            )
        if not self.ppi:
            raise ImageError("image.ppi", "the record states no usable resolution")
        form = _COMPRESSIONS[self.compression]
        if form is None:
            return decode_raw(self.data, width=self.width, height=self.height, ppi=self.ppi, limits=self.limits)
        return decode_image(self.data, format=form, ppi=self.ppi, limits=self.limits)


@dataclass(frozen=True, slots=True)
class SkippedRecord:
    """A record that was not used, and why."""

    record_type: int
    idc: int | None
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Transaction:
    """What a fingerprint search needs of a transaction, and nothing about the person.

    Attributes:
        type_of_transaction: TOT (1.004), ``"CAR"``.
        originating_agency: ORI (1.008).
        control_number: TCN (1.009).
        may_be_kept: False where the submitter says that nothing of it may be (RET, field 2.005, is N).
        impressions: the fingerprint images, in the order of the file.
        missing: fingers declared amputated or unable to print; one entry a finger.
        skipped: every other record beyond Types 1 and 2.
    """

    type_of_transaction: str
    originating_agency: str
    control_number: str
    may_be_kept: bool
    impressions: tuple[Impression, ...]
    missing: tuple[MissingFinger, ...]
    skipped: tuple[SkippedRecord, ...]


class _Message(nistitl.Message):  # type: ignore[misc] # the library ships no types
    """``nistitl``'s parser without its DeprecationWarning on Types 3, 5 and 6, which are skipped here anyway."""

    __slots__ = ()

    def _factory(self, record: int, autocreate: bool, autosort: bool) -> Any:  # noqa: FBT001 - the library's signature
        if record in _BINARY_TYPES:
            return nistitl.BinaryRecord(record)
        return nistitl.AsciiRecord(record, autocreate=autocreate, autosort=autosort)


def read_transaction(data: bytes, limits: TransactionLimits = _DEFAULT_LIMITS) -> Transaction:
    """Read an ANSI/NIST-ITL file.

    Raises:
        TransactionError: field ``transaction.data``, when the file is not a complete, well-formed transaction or breaks
            a limit. An image that cannot be decoded is not an error here: see :meth:`Impression.decode`.
    """
    if not data:
        raise TransactionError(
            _FIELD, "the transaction is empty: send an ANSI/NIST-ITL file in the traditional encoding"
        )
    if len(data) > limits.max_bytes:
        raise TransactionError(_FIELD, f"{len(data)} bytes; at most {limits.max_bytes} are allowed")
    _check_framing(data, limits)
    message = _Message()
    try:
        message.parse(data)
    except nistitl.NistException as error:
        kind = error.error.name.lower().replace("_", " ")  # the text of the exception may quote the file
        raise TransactionError(_FIELD, f"not a well-formed ANSI/NIST-ITL file ({kind})") from None
    except (ValueError, LookupError, TypeError, AttributeError, struct.error, UnboundLocalError):
        # What nistitl's parser runs into on fields that are not what their number says.
        raise TransactionError(_FIELD, "not a well-formed ANSI/NIST-ITL file (a field has no valid value)") from None
    return _transaction(message, limits)


def _transaction(message: Any, limits: TransactionLimits) -> Transaction:
    header = message[0]
    native_ppi = _ppi_of_millimetres(_text(header, 11))
    impressions: list[Impression] = []
    missing: dict[FingerPosition, MissingFinger] = {}
    skipped: list[SkippedRecord] = []
    may_be_kept = True
    for record in list(message)[1:]:
        idc = _number(_text(record, 2)) if record.type not in _BINARY_TYPES else int(record.IDC)
        if record.type == 2:
            missing.update((finger.position, finger) for finger in _missing(record, 84))
            may_be_kept = may_be_kept and _text(record, 5).strip().upper() != "N"
            continue
        if record.type == 14:
            missing.update((finger.position, finger) for finger in _missing(record, 18))
            found = _type_14(record, idc, limits)
        elif record.type == 4:
            found = _type_4(record.value, idc, native_ppi, limits)
        else:
            found = f"Type-{record.type} records are not used in a fingerprint search"
        if isinstance(found, Impression):
            impressions.append(found)
        else:
            skipped.append(SkippedRecord(record.type, idc, found))
    return Transaction(
        type_of_transaction=_text(header, 4),
        originating_agency=_text(header, 8),
        control_number=_text(header, 9),
        may_be_kept=may_be_kept,
        impressions=tuple(impressions),
        missing=tuple(missing[position] for position in sorted(missing)),
        skipped=tuple(skipped),
    )


def _check_framing(data: bytes, limits: TransactionLimits) -> None:
    """Walk the records by their lengths, so that the parser, quadratic in fields and records, meets a bounded file."""
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
        position += length
    if position != len(data):
        raise TransactionError(_FIELD, f"{len(data) - position} bytes follow the last record")


def _check_text(record: bytes, record_type: int, name: str, limits: TransactionLimits) -> None:
    holds_data = "DATA" in nistitl.ALIASES[record_type].values()
    image = re.search(rb"\x1d\d+\.999:", record) if holds_data else None
    text = record[: image.start()] if image else record
    if len(text) > limits.max_text_bytes or text.count(_GS) > limits.max_fields:
        allowed = f"{limits.max_text_bytes} bytes of text and {limits.max_fields} fields"
        raise TransactionError(_FIELD, f"{name}: at most {allowed} are allowed")
    if record[-1:] != _FS:
        raise TransactionError(_FIELD, f"{name} does not end in a file separator where its length says")


def _type_4(value: bytes, idc: int | None, native_ppi: int, limits: TransactionLimits) -> Impression | str:
    if len(value) < _TYPE_4.size:
        return "the record is shorter than its header"
    impression_type, positions, scanning, width, height, compression = _TYPE_4.unpack_from(value)
    # ISR 0 is the minimum resolution, 19.69 px/mm or what 1.011 says; 1 is the native resolution of 1.011.
    if scanning > 1:
        return f"image scanning resolution code {scanning} is not 0 or 1"
    return _impression(
        codes=[code for code in positions if code != _UNUSED_POSITION],
        impression_type=impression_type,
        record_type=4,
        idc=idc or 0,
        data=value[_TYPE_4.size :],
        compression=_BINARY_COMPRESSIONS.get(compression, str(compression)),
        size=(width, height),
        ppi=native_ppi,
        segments=(),
        limits=limits,
    )


def _type_14(record: Any, idc: int | None, limits: TransactionLimits) -> Impression | str:
    image = record[999]
    if image is None or not image.value:
        return "the record holds no image (14.999)"
    codes = [_number(row[0]) for row in _rows(record, 13)]
    numbers = [_number(_text(record, tag)) for tag in (3, 6, 7, 8, 9, 10)]
    impression_type, width, height, units, across, down = (-1 if number is None else number for number in numbers)
    if _number(_text(record, 12)) != 8:
        return "only 8 bits a pixel (14.012) are read"
    if abs(across - down) > 0.01 * across:
        return "pixels are not square (14.009 and 14.010 differ)"
    return _impression(
        codes=[-1 if code is None else code for code in codes],
        impression_type=impression_type,
        record_type=14,
        idc=idc or 0,
        data=image.value,
        compression=_text(record, 11).upper(),
        size=(width, height),
        ppi=across if units == 1 else round(across * 2.54) if units == 2 else 0,
        segments=tuple(_segments(record)),
        limits=limits,
    )


def _impression(
    *,
    codes: list[int],
    impression_type: int,
    record_type: int,
    idc: int,
    data: bytes,
    compression: str,
    size: tuple[int, int],
    ppi: int,
    segments: tuple[Segment, ...],
    limits: TransactionLimits,
) -> Impression | str:
    if impression_type not in _IMPRESSIONS:
        return f"impression type {impression_type} is latent, palm or unknown; only exemplar fingerprints are used"
    if not codes or not all(0 <= code <= 15 for code in codes):
        return "the position is not a finger (codes 0 to 15)"
    return Impression(
        position=FingerPosition(codes[0]) if len(codes) == 1 else FingerPosition.UNKNOWN,
        impression_type=impression_type,
        rolled=impression_type in _ROLLED,
        record_type=record_type,
        idc=idc,
        data=data,
        compression=compression,
        width=size[0],
        height=size[1],
        ppi=max(ppi, 0),
        segments=segments,
        limits=limits.image,
    )


def _segments(record: Any) -> Iterator[Segment]:
    """Those of 14.021 that name a finger and a box inside the image as (finger, left, right, top, bottom)."""
    for row in _rows(record, 21):
        numbers = [_number(item) for item in row[:5]]
        if len(numbers) == 5 and None not in numbers:
            finger, left, right, top, bottom = (number or 0 for number in numbers)
            if finger in FINGERS and left < right and top < bottom:
                yield Segment(FingerPosition(finger), left, right, top, bottom)


def _missing(record: Any, tag: int) -> Iterator[MissingFinger]:
    """Rows (position, XX or UP) of field 2.084 or 14.018; plain thumbs 11 and 12 count as thumbs."""
    for row in _rows(record, tag):
        code = _number(row[0])
        if len(row) >= 2 and code is not None and 1 <= code <= 12 and row[1] in set(MissingReason):
            yield MissingFinger(FingerPosition(code).finger, MissingReason(row[1]))


def _rows(record: Any, tag: int) -> list[list[str]]:
    """A field as rows of items, however the library has split it."""
    field = record[tag]
    if field is None:
        return []
    value = field.value
    rows = value if isinstance(value, list) else [value]
    return [[str(item) for item in row] if isinstance(row, list) else [str(row)] for row in rows]


def _text(record: Any, tag: int) -> str:
    rows = _rows(record, tag)
    return rows[0][0].strip() if rows and rows[0] else ""


def _number(text: str) -> int | None:
    """A whole number of up to nine ASCII digits; None for anything else."""
    stripped = text.strip()
    return int(stripped) if re.fullmatch(r"[0-9]{1,9}", stripped) else None


def _ppi_of_millimetres(text: str) -> int:
    """1.011 NSR, ``"19.69"`` pixels a mm, as ppi; 0 where absent or zero."""
    return round(float(text) * _MM_PER_INCH) if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,4})?", text) else 0
