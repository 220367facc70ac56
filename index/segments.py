"""A segment: encounters that all have the same fingers, in one block that a search reads without copying."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tenprint.index.results import Record
from tenprint.index.scan import Codebook, ScanCodes
from tenprint.index.vectors import FINGERS, slots_of

SEGMENT_ROWS = 16_384
"""Most encounters of a segment in memory. Searching 16 segments costs 2 % over searching one."""

MERGED_ROWS = 65_536
"""Most encounters of a file: 670 MB at ten fingers of 256."""

_SMALL_ROWS = 4096
"""Encounters of a file that is cheap to write anew: 42 MB at most."""

_DEAD_SHARE = 0.1
"""Dead rows at which a file is rewritten."""

_FIRST_ROWS = 4
"""Rows of the smallest block. Blocks double from here, so that a rare set of fingers costs little."""


class Features(Protocol):
    """What re-ranking reads of each row, opaque here; empty where there is none."""

    def __getitem__(self, row: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """An immutable view of the first ``count`` encounters of a block.

    Every encounter has exactly the fingers of ``mask``, so the number of fingers shared with a given probe is one
    number for the whole segment and the inner product orders its encounters as the final score does.

    A block in memory has room beyond ``count``. The writer fills that room and publishes a new segment over the same
    block; a reader that holds this one never looks there. Only the newest segment of a block may be extended. A sealed
    segment is not extended any more; one with a ``file`` is memory-mapped from it.

    Attributes:
        serial: names the segment in the gallery through all its versions.
        mask: the fingers present, bit i for slot i; not 0.
        count: encounters in this version, dead ones too.
        rows: float32 [capacity, fingers * d]; only the slots of ``mask``, by rising position.
        encounter_ids: str objects [capacity].
        subject_ids: str objects [capacity].
        features: bytes [capacity].
        dead: bool [capacity]; rows that no answer may name. They go when the segment is next rewritten.
        dead_count: how many of the first ``count`` are dead.
        sealed: whether it takes no more encounters.
        file: name of the file it lies in; None: in memory.
        codes: the scan codes of the first ``count`` rows; None: none have been needed yet.
        codes_filed: whether its file holds them too.
    """

    serial: int
    mask: int
    count: int
    rows: NDArray[np.float32]
    encounter_ids: NDArray[np.object_]
    subject_ids: NDArray[np.object_]
    features: Features
    dead: NDArray[np.bool_]
    dead_count: int = 0
    sealed: bool = False
    file: str | None = None
    codes: ScanCodes | None = None
    codes_filed: bool = False

    @classmethod
    def empty(cls, serial: int, mask: int, dimension: int) -> "Segment":
        """A segment without encounters, in memory."""
        return _with_block(serial, mask, len(slots_of(mask)) * dimension, _FIRST_ROWS)

    @property
    def vectors(self) -> NDArray[np.float32]:
        """The published rows, float32 [count, fingers * d], a view."""
        return self.rows[: self.count]

    @property
    def live(self) -> int:
        """Encounters that answers may name."""
        return self.count - self.dead_count

    @property
    def room(self) -> int:
        """Encounters that may still be added."""
        return 0 if self.sealed else SEGMENT_ROWS - self.count

    @property
    def memory_bytes(self) -> int:
        """Bytes in memory that are not those of a file: vectors, scan codes, references to ids, marks."""
        own = (0 if self.file is not None else self.rows.nbytes) + (0 if self.codes is None else self.codes.nbytes)
        return own + self.encounter_ids.nbytes + self.subject_ids.nbytes + self.dead.nbytes

    @property
    def file_bytes(self) -> int:
        """Bytes of vectors mapped from a file."""
        return self.rows.nbytes if self.file is not None else 0

    def gather(self, rows: NDArray[np.int64], slots: tuple[int, ...]) -> NDArray[np.float32]:
        """Copy the vectors of some fingers of some encounters: float32 [len(rows), len(slots), d]."""
        own = slots_of(self.mask)
        fingers = self.rows.reshape(len(self.rows), len(own), -1)
        return fingers[rows[:, np.newaxis], [own.index(slot) for slot in slots]]

    def live_rows(self) -> NDArray[np.int64]:
        """The rows that answers may name, rising."""
        return np.flatnonzero(~self.dead[: self.count])

    def records(self) -> Iterator[Record]:
        """Every live encounter, in the order of rows."""
        slots = list(slots_of(self.mask))
        for row in self.live_rows().tolist():
            vector = np.zeros((FINGERS, self.rows.shape[1] // len(slots)), dtype=np.float32)
            vector[slots] = self.rows[row].reshape(len(slots), -1)
            yield Record(self.encounter_ids[row], self.subject_ids[row], vector.reshape(-1), self.features[row])

    def extended(self, units: NDArray[np.float32], records: Sequence[Record]) -> "Segment":
        """A segment with more encounters, over this block if they fit, else over a larger copy.

        Args:
            units: float32 [n, 10, d], captures with exactly the fingers of ``mask``; n at most ``room``.
            records: the n encounters.
        """
        count = self.count + len(units)
        target = self if count <= len(self.rows) else self._copied(count)
        added = slice(self.count, count)
        target.rows[added] = units[:, list(slots_of(self.mask))].reshape(len(units), -1)
        target.encounter_ids[added] = [record.encounter_id for record in records]
        target.subject_ids[added] = [record.subject_id for record in records]
        for row, record in enumerate(records, start=self.count):
            target.features[row] = record.features  # type: ignore[index]  # in memory it is an array of objects
        codes = None if self.codes is None else self.codes.extended(target.rows[added])
        return replace(target, count=count, codes=codes)

    def encoded(self, codebook: Codebook) -> "Segment":
        """The segment with scan codes."""
        if self.codes is not None:
            return self
        return replace(self, codes=ScanCodes(codebook, self.rows.shape[1]).extended(self.vectors))

    def without(self, encounter_ids: AbstractSet[str]) -> tuple["Segment", list[str]]:
        """The segment with the named live encounters dead, and the subjects of those, one for each."""
        doomed = [row for row in self.live_rows().tolist() if self.encounter_ids[row] in encounter_ids]
        dead = self.dead.copy()
        dead[doomed] = True
        lighter = replace(self, dead=dead, dead_count=self.dead_count + len(doomed))
        return lighter, [self.subject_ids[row] for row in doomed]

    def _copied(self, capacity: int) -> "Segment":
        target = _with_block(self.serial, self.mask, self.rows.shape[1], capacity)
        filled = slice(0, self.count)
        for name in ("rows", "encounter_ids", "subject_ids", "features", "dead"):
            getattr(target, name)[filled] = getattr(self, name)[filled]
        return replace(target, count=self.count, dead_count=self.dead_count)


def plan_rewrites(segments: Sequence[Segment], erase: AbstractSet[str], coded: AbstractSet[int]) -> list[list[Segment]]:
    """Which segments to write anew, in groups of one file each.

    A segment is due when it is in memory, has too many dead rows, holds a dead encounter of ``erase``, or is of
    fingers in ``coded`` and its file has no scan codes of this codebook: else every start would encode it. A group is
    filled up with files of the same fingers that are small or no larger than what it holds already, so that the number
    of files grows with the logarithm of the encounters, and an encounter is rewritten about as often.
    """
    groups: list[list[Segment]] = []
    for mask in sorted({segment.mask for segment in segments}):
        own = [segment for segment in segments if segment.mask == mask]
        due = [segment for segment in own if _is_due(segment, erase, coded)]
        idle = sorted((segment for segment in own if segment not in due), key=lambda segment: segment.live)
        filling: list[Segment] = []
        held = 0
        for segment in due:
            if filling and held + segment.live > MERGED_ROWS:
                groups.append(filling)
                filling, held = [], 0
            filling.append(segment)
            held += segment.live
        for segment in idle:
            if not filling or segment.live > max(held, _SMALL_ROWS) or held + segment.live > MERGED_ROWS:
                break
            filling.append(segment)
            held += segment.live
        if filling:
            groups.append(filling)
    return groups


def _is_due(segment: Segment, erase: AbstractSet[str], coded: AbstractSet[int]) -> bool:
    if segment.file is None or segment.dead_count > _DEAD_SHARE * segment.count:
        return True
    if segment.mask in coded and not segment.codes_filed:
        return True
    dead = np.flatnonzero(segment.dead).tolist() if erase else []
    return any(segment.encounter_ids[row] in erase for row in dead)


def _with_block(serial: int, mask: int, width: int, rows: int) -> Segment:
    """An empty segment whose block holds at least ``rows``: the next power of two."""
    capacity = max(_FIRST_ROWS, 1 << (rows - 1).bit_length())
    return Segment(
        serial=serial,
        mask=mask,
        count=0,
        rows=np.empty((capacity, width), dtype=np.float32),
        encounter_ids=np.empty(capacity, dtype=np.object_),
        subject_ids=np.empty(capacity, dtype=np.object_),
        features=np.empty(capacity, dtype=np.object_),
        dead=np.zeros(capacity, dtype=np.bool_),
    )
