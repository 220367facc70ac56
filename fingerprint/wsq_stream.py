"""The structure of a WSQ stream, checked to the last code word before native code sees it.

The decoder behind the ``wsq`` package is NBIS's C code. It trusts its input: a Huffman table numbered 8 or more, a
filter of zero taps, a run of coefficients one too long or a code word that no table holds make it read or write outside
its buffers; a stream without tables or with too few coefficients is decoded with what an earlier image or the heap left
behind; and it prints its complaints to stderr. So this module walks the stream first: markers, segment lengths, table
contents, frame size, and every Huffman code of every block, counting coefficients. What it passes on is the same stream
without comments and trailing bytes. What remains in C is arithmetic over buffers whose sizes have been proved. A
coefficient flipped into another valid one gives a wrong picture, not an error, because WSQ carries no checksum.

Reference: FBI CJIS, IAFIS-IC-0110(V3), WSQ Gray-Scale Fingerprint Image Compression Specification; the subband sizes
follow NBIS ``tree.c``.
"""

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tenprint.fingerprint.errors import ImageError

_SOI, _EOI, _SOF, _SOB, _DTT, _DQT, _DHT, _COM = (
    b"\xff\xa0",
    b"\xff\xa1",
    b"\xff\xa2",
    b"\xff\xa3",
    b"\xff\xa4",
    b"\xff\xa5",
    b"\xff\xa6",
    b"\xff\xa8",
)
_FRAME_BYTES: Final = 15
_QUANTIZATION_BYTES: Final = 3 + 64 * 6
_FILTER_TAPS: Final = frozenset({(7, 9), (9, 7), (8, 8)})
"""The synthesis filter lengths of the FBI-certified encoders."""
_MAX_TABLES: Final = 8
_MAX_BLOCKS: Final = 16
_MAX_COMMENTS: Final = 64
_MAX_EXPONENT: Final = 30
"""Decimal exponents beyond this turn a float32 bin width into zero, or nearly."""
_MAX_STREAM_BYTES: Final = 4 << 20
"""Twice what a 16-megapixel image takes at 8:1; the walk needs about 30 bytes of memory for each byte."""
_MIN_SIDE: Final = 64
"""Five levels of decomposition leave two coefficients of 64 pixels, the least the C filters can reflect at."""
_MAX_PADDING_BITS: Final = 16
"""Bits after the last word of a block. Seven would fill the byte; some encoders add a byte of ones, and the C decoder
stays inside its code tables up to sixteen."""
_MARKER: Final = re.compile(rb"\xff[^\x00]", re.DOTALL)
_PPI: Final = re.compile(rb"^PPI +(\d{1,5})\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class WsqHeader:
    """What a WSQ stream says of its image.

    Attributes:
        width: pixels.
        height: pixels.
        ppi: the PPI line of a NISTCOM comment; None where there is none.
    """

    width: int
    height: int
    ppi: int | None


@dataclass(frozen=True, slots=True)
class _Segment:
    marker: bytes
    start: int
    body: bytes
    entropy: bytes

    def encoded(self) -> bytes:
        if self.marker in (_SOI, _EOI):
            return self.marker
        return self.marker + (len(self.body) + 2).to_bytes(2, "big") + self.body + self.entropy


@dataclass(frozen=True, slots=True, eq=False)
class _HuffmanTable:
    size: NDArray[np.uint8]
    value: NDArray[np.uint8]


def read_wsq_header(data: bytes) -> WsqHeader:
    """Read the size and resolution, and check the frame of segments; no coefficient is looked at.

    Raises:
        ImageError: field ``image.data``, when the markers or segment lengths are not those of a WSQ stream.
    """
    ppi: int | None = None
    width = height = 0
    for segment in _segments(data):
        if segment.marker == _SOF:
            height, width = int.from_bytes(segment.body[2:4], "big"), int.from_bytes(segment.body[4:6], "big")
        elif segment.marker == _COM and ppi is None and segment.body.startswith(b"NIST_COM"):
            stated = _PPI.search(segment.body)
            ppi = int(stated.group(1)) if stated else None
    if min(width, height) < _MIN_SIDE:
        raise _damaged(f"the frame is {width} x {height} pixels, a WSQ print has at least {_MIN_SIDE} on each side")
    return WsqHeader(width, height, ppi)


def checked_wsq(data: bytes) -> bytes:
    """The stream without comments and trailing bytes, every table and every code word of it checked.

    Takes about 15 ms for a rolled finger at 15:1.

    Raises:
        ImageError: field ``image.data``, when the native decoder could not decode it exactly and safely.
    """
    header = read_wsq_header(data)
    tables: dict[int, _HuffmanTable] = {}
    zero_bins: NDArray[np.bool_] | None = None
    transform = False
    coefficients = 0
    kept: list[bytes] = []
    for segment in _segments(data):
        if segment.marker == _COM:
            continue
        kept.append(segment.encoded())
        if segment.marker == _DTT:
            _check_transform(segment)
            transform = True
        elif segment.marker == _DQT:
            if zero_bins is not None:
                raise _damaged(f"a second quantization table at byte {segment.start}")
            zero_bins = _zero_bins(segment)
        elif segment.marker == _DHT:
            tables.update(_huffman_tables(segment))
        elif segment.marker == _SOB:
            if zero_bins is None:
                raise _damaged(f"the block at byte {segment.start} comes before the quantization table")
            table = tables.get(segment.body[0])
            if table is None:
                raise _damaged(f"the block at byte {segment.start} names a Huffman table that is not defined")
            coefficients += _count_coefficients(segment, table)
    if zero_bins is None or not transform:
        raise _damaged("the transform or the quantization table is missing")
    areas = _subband_areas(header.width, header.height)
    wanted = int(areas[:60][~zero_bins[:60]].sum())
    if not wanted <= coefficients <= header.width * header.height - int(areas[zero_bins].sum()):
        raise _damaged(f"it holds {coefficients} coefficients, the frame and its tables call for {wanted}")
    return b"".join(kept)


def _damaged(problem: str) -> ImageError:
    return ImageError("image.data", f"the WSQ stream is damaged or incomplete: {problem}")


def _segments(data: bytes) -> list[_Segment]:
    """Split the stream at its markers; checks order, lengths and counts."""
    if len(data) > _MAX_STREAM_BYTES:
        raise ImageError("image.data", f"a WSQ stream of {len(data)} bytes; at most {_MAX_STREAM_BYTES} are allowed")
    if data[:2] != _SOI:
        raise _damaged("it does not begin with the start-of-image marker")
    found = [_Segment(_SOI, 0, b"", b"")]
    position, frames, blocks, comments = 2, 0, 0, 0
    while True:
        marker = data[position : position + 2]
        if marker == _EOI and blocks:
            found.append(_Segment(_EOI, position, b"", b""))
            return found
        if marker not in (_SOF, _SOB, _DTT, _DQT, _DHT, _COM):
            raise _damaged(f"no known marker at byte {position} of {len(data)}")
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        body = data[position + 4 : position + 2 + length]
        if length < 2 or len(body) != length - 2:
            raise _damaged(f"the segment at byte {position} runs past the end of the data")
        start, position = position, position + 2 + length
        entropy = b""
        if marker == _SOF:
            frames += 1
            if len(body) != _FRAME_BYTES or body[6] > _MAX_EXPONENT or body[9] > _MAX_EXPONENT:
                raise _damaged(f"the frame header at byte {start} is malformed")
        elif marker == _SOB:
            blocks += 1
            end = _MARKER.search(data, position)
            if len(body) != 1 or not frames or end is None:
                raise _damaged(f"the block at byte {start} is malformed or has no end")
            entropy = data[position : end.start()]
            position = end.start()
        comments += marker == _COM
        if frames > 1 or blocks > _MAX_BLOCKS or comments > _MAX_COMMENTS:
            raise _damaged(f"more frames, blocks or comments than a print can have, at byte {start}")
        found.append(_Segment(marker, start, body, entropy))


def _check_transform(segment: _Segment) -> None:
    body = segment.body
    if len(body) < 2 or (body[0], body[1]) not in _FILTER_TAPS:
        raise _damaged(f"the filters at byte {segment.start} are not of 7 and 9 or 8 and 8 taps")
    stored = (body[0] + 1) // 2 + (body[1] + 1) // 2
    if len(body) != 2 + 6 * stored or max(body[3::6]) > _MAX_EXPONENT:
        raise _damaged(f"the transform table at byte {segment.start} is malformed")


def _zero_bins(segment: _Segment) -> NDArray[np.bool_]:
    """Which of the 64 subbands carry no coefficients: bool [64]."""
    body = segment.body
    if len(body) != _QUANTIZATION_BYTES or max(body[0::3]) > _MAX_EXPONENT:
        raise _damaged(f"the quantization table at byte {segment.start} is malformed")
    bins = np.frombuffer(body, np.uint8, offset=3).reshape(64, 6)
    zero: NDArray[np.bool_] = (bins[:, 1] == 0) & (bins[:, 2] == 0)
    return zero


def _huffman_tables(segment: _Segment) -> dict[int, _HuffmanTable]:
    body, tables = segment.body, dict[int, _HuffmanTable]()
    while body:
        number, counts = body[0], body[1:17]
        total = sum(counts)
        values = np.frombuffer(body[17 : 17 + total], np.uint8)
        used = sum(count << (16 - size) for size, count in enumerate(counts, 1))
        # A complete code (used == 65536) would hold the all-ones word, which WSQ keeps for the padding.
        if number >= _MAX_TABLES or number in tables or len(values) != total or not 0 < used < 65536:
            raise _damaged(f"the Huffman tables at byte {segment.start} are malformed")
        sizes = np.repeat(np.arange(1, 17), np.frombuffer(counts, np.uint8))
        size, value = np.zeros(65536, np.uint8), np.zeros(65536, np.uint8)
        size[:used] = np.repeat(sizes, 1 << (16 - sizes))
        value[:used] = np.repeat(values, 1 << (16 - sizes))
        tables[number] = _HuffmanTable(size, value)
        body = body[17 + total :]
    return tables


def _count_coefficients(segment: _Segment, table: _HuffmanTable) -> int:
    """Walk every code word of a block: 1-100 a run of zeros, 101-106 with 8 or 16 bits more, 107-254 a coefficient."""
    packed = segment.entropy.replace(b"\xff\x00", b"\xff")
    end = 8 * len(packed)
    octets = np.frombuffer(packed + b"\xff\xff\xff\xff\xff\xff", np.uint8).astype(np.uint32)
    triples = (octets[:-2] << 16) | (octets[1:-1] << 8) | octets[2:]
    window = np.empty((len(triples), 8), np.uint16)
    for bit in range(8):
        window[:, bit] = triples >> (8 - bit)
    bits = window.reshape(-1)
    extra = np.zeros(256, np.uint8)
    extra[[101, 102, 105]] = 8
    extra[[103, 104, 106]] = 16
    steps = (table.size[bits] + extra[table.value[bits]]).tobytes()
    position, places = 0, list[int]()
    while position < end:
        step = steps[position]
        if not step:
            break
        places.append(position)
        position += step
    if position > end:  # the last word ends beyond the block: padding, unless only its extra bits do
        position = places.pop()
        if int(table.size[bits[position]]) <= end - position:
            raise _damaged(f"the block at byte {segment.start} ends within a coefficient")
    if end - position > _MAX_PADDING_BITS:
        raise _damaged(f"the block at byte {segment.start} holds a code that its table does not")
    at = np.array(places, np.int64)
    words = bits[at]
    value, after = table.value[words], at + table.size[words]
    if np.isin(value, (0, 255)).any():
        raise _damaged(f"the block at byte {segment.start} holds a code that WSQ does not define")
    runs = np.ones(len(at), np.int64)
    runs[value <= 100] = value[value <= 100]
    runs[value == 105] = bits[after[value == 105]] >> 8
    runs[value == 106] = bits[after[value == 106]]
    return int(runs.sum())


def _subband_areas(width: int, height: int) -> NDArray[np.int64]:
    """Coefficients in each of the 64 subbands: int64 [64] (NBIS ``build_q_tree``)."""
    areas = np.zeros(64, np.int64)
    half_x, half_y = (width + 1) // 2, (height + 1) // 2
    low_x, low_y = (half_x + 1) // 2, (half_y + 1) // 2
    areas[3:19] = _sixteen(_quarters(low_x), _quarters(low_y))
    areas[19:35] = _sixteen(_quarters(half_x - low_x, inverted=True), _quarters(low_y))
    areas[48:64] = _sixteen(_quarters(width), _quarters(height))
    areas[35:51] = _sixteen(_quarters(low_x), _quarters(half_y - low_y, inverted=True))
    least_x, least_y = ((low_x + 1) // 2 + 1) // 2, ((low_y + 1) // 2 + 1) // 2
    across, down = ((least_x + 1) // 2, least_x // 2), ((least_y + 1) // 2, least_y // 2)
    areas[0:4] = [x * y for y in down for x in across]
    return areas


def _quarters(length: int, *, inverted: bool = False) -> tuple[int, int, int, int]:
    first = length // 2 if inverted else (length + 1) // 2
    second = length - first
    return (first + 1) // 2, first // 2, second // 2, (second + 1) // 2


def _sixteen(x: tuple[int, int, int, int], y: tuple[int, int, int, int]) -> list[int]:
    return [
        x[2 * right + column] * y[2 * low + row]
        for low in (0, 1)
        for right in (0, 1)
        for row in (0, 1)
        for column in (0, 1)
    ]
