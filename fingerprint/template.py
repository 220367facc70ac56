"""ISO/IEC 19794-2 finger minutiae records: read the 2005 and 2011 editions, write the 2005 edition.

A record is big-endian. Both editions hold views (one finger impression each) of minutiae: x, y (growing downwards), an
angle in units of 1.40625 degrees counter-clockwise from +x, a type and a quality. Extended data (ridge counts, cores,
deltas, vendor blocks) are skipped.
"""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tenprint.fingerprint.errors import TemplateError
from tenprint.fingerprint.minutiae import Minutiae
from tenprint.fingerprint.positions import FingerPosition

_FIELD: Final = "template.data"
_EDITION_2005: Final = b"FMR\x00 20\x00"
_EDITION_2011: Final = b"FMR\x00030\x00"
_PIXELS_PER_CM: Final = 197
"""500 ppi, as both editions round it (500 / 2.54 = 196.85)."""
_MIN_PIXELS_PER_CM: Final = 99
_MAX_PIXELS_PER_CM: Final = 788
"""250 and 2000 ppi, the bounds of images too. Below 99 the standard itself forbids."""
_ANGLE: Final = 2.0 * math.pi / 256.0

MAX_BYTES: Final = 1 << 20
"""Longest record that is read."""
MAX_VIEWS: Final = 32
"""Most views in one record: ten rolled, ten plain, and room. The standard allows 176."""
MAX_SIDE: Final = 16_383
"""Most pixels of an image's side: 14 bits."""
MAX_MINUTIAE: Final = 255
"""Most minutiae in one view: the count is one byte."""

_HEADER_2005: Final = struct.Struct(">8sIHHHHHBB")
_VIEW_2005: Final = struct.Struct(">BBBB")
_HEADER_2011: Final = struct.Struct(">8sIHB")
_VIEW_2011: Final = struct.Struct(">BBHHBHHBB")
_CAPTURE_2011: Final = 9 + 1 + 2 + 2
"""Date and time, device technology, device vendor, device type."""
_MINUTIA: Final = np.dtype([("kind_x", ">u2"), ("y", ">u2"), ("angle", "u1"), ("quality", "u1")])
_MINUTIA_WITHOUT_QUALITY: Final = np.dtype([("kind_x", ">u2"), ("y", ">u2"), ("angle", "u1")])


@dataclass(frozen=True, slots=True, eq=False)
class FingerView:
    """One view of a finger minutiae record.

    Attributes:
        position: which finger; the record's code, 0-10 or a plain impression's 13-15.
        minutiae: at 500 ppi.
        quality: 0-100, of the finger; None where the record does not say.
        impression_type: the record's code, 0-15 in 2005, 0-255 in 2011 (0 live plain, 1 live rolled).
    """

    position: FingerPosition
    minutiae: Minutiae
    quality: int | None
    impression_type: int


class _Reader:
    """Takes fixed pieces off the front of a record; running out names the byte."""

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self._data, self.position, self._end = data, start, end

    @property
    def left(self) -> int:
        return self._end - self.position

    def take(self, count: int, what: str) -> bytes:
        if count > self.left:
            raise TemplateError(_FIELD, f"the {what} at byte {self.position} needs {count} bytes, {self.left} are left")
        self.position += count
        return self._data[self.position - count : self.position]

    def number(self, count: int, what: str) -> int:
        return int.from_bytes(self.take(count, what), "big")


def read_template(data: bytes) -> tuple[FingerView, ...]:
    """Read an ISO/IEC 19794-2:2005 or :2011 finger minutiae record.

    Coordinates come back at 500 ppi, converted with the record's own resolution. Minutia quality 1-100 becomes a
    reliability of 0.01-1; 0, 254 and 255 (not reported, not computed) become 0.

    Raises:
        TemplateError: field ``template.data``, when the record is malformed, of another version, or breaks a limit.
    """
    if len(data) > MAX_BYTES:
        raise TemplateError(_FIELD, f"{len(data)} bytes; at most {MAX_BYTES} are allowed")
    edition = data[:8]
    if edition not in (_EDITION_2005, _EDITION_2011):
        raise TemplateError(
            _FIELD, "not an ISO/IEC 19794-2:2005 or :2011 finger minutiae record (FMR, version 20 or 30)"
        )
    return _read_2005(data) if edition == _EDITION_2005 else _read_2011(data)


def write_template(views: Sequence[FingerView]) -> bytes:
    """Write views as one ISO/IEC 19794-2:2005 record at 500 ppi (197 pixels a cm).

    Coordinates are rounded to whole pixels and angles to 1.40625 degrees. The record has one image size for all views:
    the largest. Views of one position are numbered in their order.

    Raises:
        TemplateError: when there is no view, or something does not fit the format: more than 32 views or 255 minutiae,
            a coordinate outside the image, an image of 16384 pixels or more, a position or impression type the 2005
            edition has no code for.
    """
    if not 1 <= len(views) <= MAX_VIEWS:
        raise TemplateError(_FIELD, f"{len(views)} views; a record holds 1 to {MAX_VIEWS}")
    width = max(view.minutiae.width for view in views)
    height = max(view.minutiae.height for view in views)
    if not (0 < width < 1 << 14 and 0 < height < 1 << 14):
        raise TemplateError(_FIELD, f"an image of {width} x {height} pixels; each side is 1 to 16383")
    numbered: dict[FingerPosition, int] = {}
    body = b""
    for view in views:
        number = numbered.get(view.position, 0)
        numbered[view.position] = number + 1
        body += _written(view, number)
    length = _HEADER_2005.size + len(body)
    resolution = (_PIXELS_PER_CM, _PIXELS_PER_CM)
    return _HEADER_2005.pack(_EDITION_2005, length, 0, width, height, *resolution, len(views), 0) + body


def _written(view: FingerView, number: int) -> bytes:
    minutiae = view.minutiae
    if len(minutiae) > MAX_MINUTIAE:
        raise TemplateError(_FIELD, f"{len(minutiae)} minutiae in a view; at most {MAX_MINUTIAE} fit")
    if number > 15 or not 0 <= view.impression_type <= 15:
        raise TemplateError(_FIELD, "16 views of one position, and impression types 0 to 15, are what 2005 can hold")
    if view.position in (FingerPosition.PLAIN_RIGHT_THUMB, FingerPosition.PLAIN_LEFT_THUMB):
        raise TemplateError(
            _FIELD, "2005 has no code for positions 11 and 12: give the finger and impression type 0 or 2"
        )
    x, y = np.rint(minutiae.x).astype(np.int64), np.rint(minutiae.y).astype(np.int64)
    if ((x < 0) | (x >= minutiae.width) | (y < 0) | (y >= minutiae.height)).any():
        raise TemplateError(_FIELD, "a minutia lies outside its image")
    rows = np.zeros(len(minutiae), _MINUTIA)
    rows["kind_x"] = (minutiae.kind.astype(np.int64) << 14) | x
    rows["y"] = y
    rows["angle"] = np.rint(minutiae.direction.astype(np.float64) / _ANGLE).astype(np.int64) % 256
    rows["quality"] = np.rint(minutiae.reliability * 100.0)
    quality = 0 if view.quality is None else view.quality
    head = _VIEW_2005.pack(view.position, (number << 4) | view.impression_type, quality, len(minutiae))
    return head + rows.tobytes() + b"\x00\x00"


def _read_2005(data: bytes) -> tuple[FingerView, ...]:
    reader = _Reader(data, 0, len(data))
    fields = _HEADER_2005.unpack(reader.take(_HEADER_2005.size, "record header"))
    _, length, _, width, height, across, down, count, _ = fields
    _check_record(length, len(data), count)
    scale = _scale(width, height, across, down)
    views = []
    for _ in range(count):
        start = reader.position
        code, type_code, quality, minutiae = _VIEW_2005.unpack(reader.take(_VIEW_2005.size, "view header"))
        rows = np.frombuffer(reader.take(minutiae * _MINUTIA.itemsize, "list of minutiae"), _MINUTIA)
        reader.take(reader.number(2, "extended data length"), "extended data")
        found = _minutiae(rows, width, height, scale, start)
        # In 2005 a quality of 0 is also what writers put where they have none.
        views.append(FingerView(_position(code, start), found, quality if 0 < quality <= 100 else None, type_code & 15))
    _check_end(reader)
    return tuple(views)


def _read_2011(data: bytes) -> tuple[FingerView, ...]:
    reader = _Reader(data, 0, len(data))
    _, length, count, certified = _HEADER_2011.unpack(reader.take(_HEADER_2011.size, "record header"))
    _check_record(length, len(data), count)
    views = []
    for _ in range(count):
        start = reader.position
        size = reader.number(4, "representation length")
        inner = _Reader(data, reader.position, reader.position + max(size - 4, 0))
        reader.take(max(size - 4, 0), "representation")
        inner.take(_CAPTURE_2011, "capture device fields")
        scores = inner.take(5 * inner.number(1, "count of quality blocks"), "quality blocks")[::5]
        if certified:
            inner.take(3 * inner.number(1, "count of certification blocks"), "certification blocks")
        fields = _VIEW_2011.unpack(inner.take(_VIEW_2011.size, "representation header"))
        code, _, across, down, type_code, width, height, form, minutiae = fields
        if form >> 4 not in (5, 6):
            raise TemplateError(
                _FIELD, f"minutiae of {form >> 4} bytes in the view at byte {start}; 5 or 6 are allowed"
            )
        layout = _MINUTIA if form >> 4 == 6 else _MINUTIA_WITHOUT_QUALITY
        rows = np.frombuffer(inner.take(minutiae * layout.itemsize, "list of minutiae"), layout)
        inner.take(inner.number(2, "extended data length"), "extended data")
        _check_end(inner)
        found = _minutiae(rows, width, height, _scale(width, height, across, down), start)
        quality = next((score for score in scores if score <= 100), None)
        views.append(FingerView(_position(code, start), found, quality, type_code))
    _check_end(reader)
    return tuple(views)


def _check_record(length: int, actual: int, views: int) -> None:
    if length != actual:
        raise TemplateError(_FIELD, f"the header states {length} bytes, the record has {actual}: truncated or padded")
    if not 1 <= views <= MAX_VIEWS:
        raise TemplateError(_FIELD, f"{views} views; 1 to {MAX_VIEWS} are allowed")


def _check_end(reader: _Reader) -> None:
    if reader.left:
        raise TemplateError(_FIELD, f"{reader.left} unexpected bytes at byte {reader.position}")


def _scale(width: int, height: int, across: int, down: int) -> tuple[float, float]:
    """Factors from record pixels to pixels at 500 ppi; 197 pixels a cm are 500 ppi exactly."""
    low, high = _MIN_PIXELS_PER_CM, _MAX_PIXELS_PER_CM
    if not (low <= across <= high and low <= down <= high):
        raise TemplateError(_FIELD, f"a resolution of {across} x {down} pixels a cm; {low} to {high} are allowed")
    if not (0 < width < 1 << 14 and 0 < height < 1 << 14):
        raise TemplateError(_FIELD, f"an image of {width} x {height} pixels; each side is 1 to 16383")
    return _PIXELS_PER_CM / across, _PIXELS_PER_CM / down


def _position(code: int, start: int) -> FingerPosition:
    try:
        return FingerPosition(code)
    except ValueError:
        raise TemplateError(
            _FIELD, f"finger position {code} in the view at byte {start}; 0 to 15 are allowed"
        ) from None


def _minutiae(rows: NDArray[np.void], width: int, height: int, scale: tuple[float, float], start: int) -> Minutiae:
    x, y = rows["kind_x"] & 0x3FFF, rows["y"] & 0x3FFF
    kind = rows["kind_x"] >> 14
    if len(rows) and (int(x.max()) >= width or int(y.max()) >= height):
        raise TemplateError(_FIELD, f"a minutia of the view at byte {start} lies outside its {width} x {height} image")
    if (kind == 3).any():
        raise TemplateError(_FIELD, f"a minutia of the view at byte {start} has type 3; 0, 1 and 2 are allowed")
    names = rows.dtype.names or ()
    quality = rows["quality"] if "quality" in names else np.zeros(len(rows), np.uint8)
    return Minutiae(
        x=(x * scale[0]).astype(np.float32),
        y=(y * scale[1]).astype(np.float32),
        direction=(rows["angle"] * _ANGLE).astype(np.float32),
        kind=kind.astype(np.uint8),
        reliability=np.where(quality <= 100, quality / 100.0, 0.0).astype(np.float32),
        width=max(1, round(width * scale[0])),
        height=max(1, round(height * scale[1])),
    )
