"""A sealed segment's file: written once, checksummed, memory-mapped.

Layout, little-endian: one page of header, then sections, each beginning on a page of 4096 bytes.

    0     8   magic "TPSEG\\0\\0\\2" (the last byte is the layout's version)
    8     4   length of the header's JSON
    12    4   CRC-32 of the header's JSON
    16        JSON {"kind", "count", "dimension", "sections": {name: {"offset", "bytes", "crc32"}}}

Sections: `vectors` float32 [count, slots * d], the slots of the kind (`census.py`); `masks`, uint16 [count]: which
fingers each row has; `encounters`, `subjects`, `features`: uint64 [count + 1] of ends, then the bytes of all rows one
after another. Where codes nominate also `codebook`, float32 [16, 4], and `codes`, uint8, as FastScan reads them
(`scan.py`). A reader ignores sections it does not know, so others can join.
"""

import itertools
import json
import mmap
import os
import struct
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from tenprint.index.census import slots_of_kind
from tenprint.index.errors import DamagedSnapshotError
from tenprint.index.scan import CENTROIDS, PIECE, Codebook, ScanCodes
from tenprint.index.segments import Segment

_MAGIC: Final = b"TPSEG\0\0\2"
_PAGE: Final = 4096
_HEAD: Final = struct.Struct("<8sII")
_CHUNK_ROWS: Final = 512
"""Rows written at a time: 5 MB at ten fingers of 256."""

_CHECK_BYTES: Final = 1 << 24
"""Bytes checksummed at a time; read in order, which also brings them into the page cache before the first search."""

Observe = Callable[[float], None]


class _PackedBytes:
    """Byte strings of different lengths in one mapped section."""

    def __init__(self, section: memoryview, count: int) -> None:
        head = 8 * (count + 1)
        self._ends = np.frombuffer(section[:head], dtype="<u8")
        self._bytes = section[head:]

    def __getitem__(self, row: int) -> bytes:
        return bytes(self._bytes[int(self._ends[row]) : int(self._ends[row + 1])])

    def texts(self) -> NDArray[np.object_]:
        """All of them as text."""
        whole, ends = bytes(self._bytes), self._ends.tolist()
        texts = np.empty(len(ends) - 1, dtype=np.object_)
        texts[:] = [whole[begin:end].decode() for begin, end in itertools.pairwise(ends)]
        return texts


def write_segment(
    path: Path, sources: Sequence[Segment], dimension: int, codebook: Codebook | None, fsynced: Observe
) -> int:
    """Write the live encounters of segments of one kind as one file, and bring it to the disk.

    Args:
        path: a file that is not there yet.
        sources: at least one; all of the same kind.
        dimension: numbers a finger.
        codebook: to make scan codes with; None: it gets none.
        fsynced: told the seconds of the fsync.

    Returns:
        The CRC-32 of the header, by which a manifest knows the file again.

    Raises:
        OSError: if it cannot be written; nothing is left behind.
    """
    kind = sources[0].kind
    kept = [(segment, segment.live_rows()) for segment in sources]
    count = sum(len(rows) for _, rows in kept)
    try:
        with path.open("xb") as file:
            file.write(b"\0" * _PAGE)
            sections = {
                "vectors": _write_section(file, _vector_chunks(kept)),
                "masks": _write_section(file, [segment.masks[rows].astype("<u2").tobytes() for segment, rows in kept]),
                "encounters": _write_section(file, _packed(lambda s, r: s.encounter_ids[r].encode(), kept)),
                "subjects": _write_section(file, _packed(lambda s, r: s.subject_ids[r].encode(), kept)),
                "features": _write_section(file, _packed(lambda s, r: s.features[r], kept)),
            }
            if codebook is not None:
                codes = _encoded(kept, codebook, len(slots_of_kind(kind)) * dimension)
                sections["codebook"] = _write_section(file, [codebook.centroids.astype("<f4").tobytes()])
                sections["codes"] = _write_section(file, [codes.packed().tobytes()])
            header = {"kind": kind, "count": count, "dimension": dimension, "sections": sections}
            text = json.dumps(header, sort_keys=True).encode()
            crc = zlib.crc32(text)
            file.seek(0)
            file.write(_HEAD.pack(_MAGIC, len(text), crc) + text)
            sync(file, fsynced)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return crc


def open_segment(
    path: Path, serial: int, *, kind: int, dimension: int, codebook: Codebook | None, header_crc: int, check: bool
) -> Segment:
    """Map a file as a segment with no dead rows.

    Args:
        path: the file.
        serial: the segment's name in the gallery.
        kind: that its encounters must be of.
        dimension: the numbers a finger it must have.
        codebook: whose codes to use; codes of another are left alone; None: none are used.
        header_crc: as `write_segment` returned it.
        check: whether to read the file through and hold every section against its checksum.

    Raises:
        DamagedSnapshotError: if the file is missing, or is not what was written.
    """
    try:
        with path.open("rb") as file:
            mapped = memoryview(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))
    except (OSError, ValueError) as error:  # ValueError: an empty file cannot be mapped
        raise DamagedSnapshotError(path.name, f"cannot be read: {error}") from error
    header = _header(path.name, mapped, header_crc)
    if (header["kind"], header["dimension"]) != (kind, dimension):
        raise DamagedSnapshotError(path.name, "holds another kind or another dimension than its manifest says")
    count, sections = int(header["count"]), header["sections"]
    parts = {name: _section(path.name, mapped, name, sections[name], check=check) for name in sections}
    width = len(slots_of_kind(kind)) * dimension
    if len(parts["vectors"]) != 4 * width * count or len(parts["masks"]) != 2 * count:
        raise DamagedSnapshotError(path.name, "its vectors are not as many as it says")
    codes = None if codebook is None else _codes(path.name, parts, codebook, width, count)
    return Segment(
        serial=serial,
        kind=kind,
        count=count,
        rows=np.frombuffer(parts["vectors"], dtype="<f4").reshape(count, width),
        masks=np.frombuffer(parts["masks"], dtype="<u2"),
        encounter_ids=_PackedBytes(parts["encounters"], count).texts(),
        subject_ids=_PackedBytes(parts["subjects"], count).texts(),
        features=_PackedBytes(parts["features"], count),
        dead=np.zeros(count, dtype=np.bool_),
        sealed=True,
        file=path.name,
        codes=codes,
        codes_filed=codes is not None,
    )


def sync(file: BinaryIO, fsynced: Observe) -> None:
    """Bring a file's content to the disk, and tell how long the disk took."""
    file.flush()
    begun = time.perf_counter()
    os.fsync(file.fileno())
    fsynced(time.perf_counter() - begun)


def _codes(name: str, parts: Mapping[str, memoryview], codebook: Codebook, width: int, count: int) -> ScanCodes | None:
    if "codes" not in parts:
        return None
    if len(parts.get("codebook", b"")) != 4 * CENTROIDS * PIECE:
        raise DamagedSnapshotError(name, "has scan codes and no codebook that says what they stand for")
    kept = Codebook(np.frombuffer(parts["codebook"], dtype="<f4").reshape(CENTROIDS, PIECE))
    if kept.version != codebook.version:
        return None
    if len(parts["codes"]) != ScanCodes.packed_size(width, count):
        raise DamagedSnapshotError(name, "its scan codes are not as many as it says")
    return ScanCodes.of_packed(codebook, width, np.frombuffer(parts["codes"], dtype=np.uint8), count)


def _header(name: str, mapped: memoryview, expected_crc: int) -> dict[str, Any]:
    if len(mapped) < _PAGE:
        raise DamagedSnapshotError(name, "is cut off in its header")
    magic, length, crc = _HEAD.unpack(mapped[: _HEAD.size])
    text = bytes(mapped[_HEAD.size : _HEAD.size + min(length, _PAGE)])
    if magic != _MAGIC:
        raise DamagedSnapshotError(name, "is not a segment file of this version")
    if crc != expected_crc or zlib.crc32(text) != crc:
        raise DamagedSnapshotError(name, "is not the file its manifest names: the header's checksum differs")
    header: dict[str, Any] = json.loads(text)
    return header


def _section(name: str, mapped: memoryview, part: str, place: dict[str, int], *, check: bool) -> memoryview:
    begin, length = place["offset"], place["bytes"]
    if begin + length > len(mapped):
        raise DamagedSnapshotError(name, f"is cut off in its {part}")
    section = mapped[begin : begin + length]
    if check:
        crc = 0
        for start in range(0, length, _CHECK_BYTES):
            crc = zlib.crc32(section[start : start + _CHECK_BYTES], crc)
        if crc != place["crc32"]:
            raise DamagedSnapshotError(name, f"its {part} do not have the checksum they were written with")
    return section


def _write_section(file: BinaryIO, chunks: Iterable[bytes]) -> dict[str, int]:
    file.write(b"\0" * (-file.tell() % _PAGE))
    offset, crc, length = file.tell(), 0, 0
    for chunk in chunks:
        file.write(chunk)
        crc, length = zlib.crc32(chunk, crc), length + len(chunk)
    return {"offset": offset, "bytes": length, "crc32": crc}


def _vector_chunks(kept: Sequence[tuple[Segment, NDArray[np.int64]]]) -> Iterator[bytes]:
    for segment, rows in kept:
        for start in range(0, len(rows), _CHUNK_ROWS):
            yield segment.rows[rows[start : start + _CHUNK_ROWS]].astype("<f4", copy=False).tobytes()


def _encoded(kept: Sequence[tuple[Segment, NDArray[np.int64]]], codebook: Codebook, width: int) -> ScanCodes:
    """The codes of all rows: those that whole segments have already where they fit, the others made."""
    codes = ScanCodes(codebook, width)
    for segment, rows in kept:
        taken = None if segment.codes is None or segment.dead_count else codes.followed_by(segment.codes)
        if taken is not None:
            codes = taken
            continue
        for start in range(0, len(rows), _CHUNK_ROWS):
            codes = codes.extended(segment.rows[rows[start : start + _CHUNK_ROWS]])
    return codes


def _packed(
    value: Callable[[Segment, int], bytes], kept: Sequence[tuple[Segment, NDArray[np.int64]]]
) -> Iterator[bytes]:
    """The ends of all values, then the values."""
    lengths = [len(value(segment, row)) for segment, rows in kept for row in rows.tolist()]
    yield np.concatenate([[0], np.cumsum(lengths)]).astype("<u8").tobytes()
    for segment, rows in kept:
        for start in range(0, len(rows), _CHUNK_ROWS):
            yield b"".join(value(segment, row) for row in rows[start : start + _CHUNK_ROWS].tolist())
