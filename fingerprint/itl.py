"""ANSI/NIST-ITL transactions (traditional encoding): the friction ridge images of Type-4 and Type-14 records.

Records come from :mod:`tenprint.fingerprint.itl_records`; Type-4's binary header is read here. Of the Type-1 record the
transaction type, the originating agency and the control number are kept; of the Type-2 record fields 2.005 (whether it
may be kept) and 2.084 (fingers that are missing) and nothing else: no name, date or description of a person leaves this
module. Images stay encoded until :meth:`Impression.decode`, so that one unreadable finger costs only itself.
"""

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tenprint.fingerprint.errors import ImageError
from tenprint.fingerprint.image import GreyImage, ImageFormat, ImageLimits, decode_image, decode_raw
from tenprint.fingerprint.itl_records import (
    DEFAULT_LIMITS,
    ItlRecord,
    TransactionLimits,
    split_records,
    whole_number,
)
from tenprint.fingerprint.positions import FINGERS, FingerPosition

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


def read_transaction(data: bytes, limits: TransactionLimits = DEFAULT_LIMITS) -> Transaction:
    """Read an ANSI/NIST-ITL file.

    Raises:
        TransactionError: field ``transaction.data``, when the file is not a complete, well-formed transaction or breaks
            a limit. An image that cannot be decoded is not an error here: see :meth:`Impression.decode`.
    """
    return transaction_of(split_records(data, limits), limits)


def transaction_of(records: Sequence[ItlRecord], limits: TransactionLimits = DEFAULT_LIMITS) -> Transaction:
    """What :func:`read_transaction` makes of a file whose records have been read.

    Args:
        records: of one file, its Type-1 record first.
        limits: of each image.
    """
    header = records[0]
    impressions: list[Impression] = []
    missing: dict[FingerPosition, MissingFinger] = {}
    skipped: list[SkippedRecord] = []
    may_be_kept = True
    for record in records[1:]:
        if record.type == 2:
            missing.update((finger.position, finger) for finger in _missing(record, 84))
            may_be_kept = may_be_kept and record.text(5).upper() != "N"
            continue
        if record.type == 14:
            missing.update((finger.position, finger) for finger in _missing(record, 18))
        found = impression_of(record, header, limits)
        if isinstance(found, Impression):
            impressions.append(found)
        else:
            skipped.append(SkippedRecord(record.type, record.idc, found))
    return Transaction(
        type_of_transaction=header.text(4),
        originating_agency=header.text(8),
        control_number=header.text(9),
        may_be_kept=may_be_kept,
        impressions=tuple(impressions),
        missing=tuple(missing[position] for position in sorted(missing)),
        skipped=tuple(skipped),
    )


def impression_of(record: ItlRecord, header: ItlRecord, limits: TransactionLimits = DEFAULT_LIMITS) -> Impression | str:
    """The fingerprint image of a record; or why it holds none that a search uses, safe to show.

    Args:
        record: any record but Types 1 and 2.
        header: the file's Type-1 record.
        limits: of the image.
    """
    if record.type == 14:
        return _type_14(record, limits)
    if record.type == 4:
        return _type_4(record, _ppi_of_millimetres(header.text(11)), limits)
    return f"Type-{record.type} records are not used in a fingerprint search"


def _type_4(record: ItlRecord, native_ppi: int, limits: TransactionLimits) -> Impression | str:
    value = record.binary
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
        idc=record.idc or 0,
        data=value[_TYPE_4.size :],
        compression=_BINARY_COMPRESSIONS.get(compression, str(compression)),
        size=(width, height),
        ppi=native_ppi,
        segments=(),
        limits=limits,
    )


def _type_14(record: ItlRecord, limits: TransactionLimits) -> Impression | str:
    image = record.image
    if not image:
        return "the record holds no image (14.999)"
    codes = [whole_number(row[0]) for row in record.rows(13)]
    numbers = [record.number(tag) for tag in (3, 6, 7, 8, 9, 10)]
    impression_type, width, height, units, across, down = (-1 if number is None else number for number in numbers)
    if record.number(12) != 8:
        return "only 8 bits a pixel (14.012) are read"
    if abs(across - down) > 0.01 * across:
        return "pixels are not square (14.009 and 14.010 differ)"
    return _impression(
        codes=[-1 if code is None else code for code in codes],
        impression_type=impression_type,
        record_type=14,
        idc=record.idc or 0,
        data=image,
        compression=record.text(11).upper(),
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


def _segments(record: ItlRecord) -> Iterator[Segment]:
    """Those of 14.021 that name a finger and a box inside the image as (finger, left, right, top, bottom)."""
    for row in record.rows(21):
        numbers = [whole_number(item) for item in row[:5]]
        if len(numbers) == 5 and None not in numbers:
            finger, left, right, top, bottom = (number or 0 for number in numbers)
            if finger in FINGERS and left < right and top < bottom:
                yield Segment(FingerPosition(finger), left, right, top, bottom)


def _missing(record: ItlRecord, tag: int) -> Iterator[MissingFinger]:
    """Rows (position, XX or UP) of field 2.084 or 14.018; plain thumbs 11 and 12 count as thumbs."""
    for row in record.rows(tag):
        code = whole_number(row[0])
        if len(row) >= 2 and code is not None and 1 <= code <= 12 and row[1] in set(MissingReason):
            yield MissingFinger(FingerPosition(code).finger, MissingReason(row[1]))


def _ppi_of_millimetres(text: str) -> int:
    """1.011 NSR, ``"19.69"`` pixels a mm, as ppi; 0 where absent or zero."""
    return round(float(text) * _MM_PER_INCH) if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,4})?", text) else 0
