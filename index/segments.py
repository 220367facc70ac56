"""A segment: encounters of one kind (`census.py`), in one block that a search reads without copying."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tenprint.index.census import MASKS, Census, counts_of, slots_of_kind
from tenprint.index.results import Record
from tenprint.index.scan import Codebook, ScanCodes
from tenprint.index.vectors import FINGERS

SEGMENT_ROWS = 16_384
"""Most encounters of a segment in memory. Searching 16 segments costs 2 % over searching one."""

MERGED_ROWS = 65_536
"""Most encounters of a file: 670 MB at ten fingers of 256."""

_SMALL_ROWS = 4096
"""Encounters of a file that is cheap to write anew: 42 MB at most."""

_DEAD_SHARE = 0.1
"""Dead rows at which a file is rewritten."""

_FIRST_ROWS = 4
"""Rows of the smallest block. Blocks double from here, so that a kind of few encounters costs little."""


class Features(Protocol):
    """What re-ranking reads of each row, opaque here; empty where there is none."""

    def __getitem__(self, row: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """An immutable view of the first ``count`` encounters of a block.

    Where its kind is a set of fingers, the number of fingers shared with a given probe is one number for the whole
    segment and the inner product orders its encounters as the final score does. In a pool that is so for probes of ten
    fingers.

    A block in memory has room beyond ``count``. The writer fills that room and publishes a new segment over the same
    block; a reader that holds this one never looks there. Only the newest segment of a block may be extended. A sealed
    segment is not extended any more; one with a ``file`` is memory-mapped from it.

    Attributes:
        serial: names the segment in the gallery through all its versions.
        kind: what its encounters have in common, as `census.Census` says.
        count: encounters in this version, dead ones too.
        rows: float32 [capacity, slots * d]; the slots of the kind, by rising position, zeros where a finger is absent.
        masks: uint16 [capacity], which fingers each has: bit i for slot i.
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
    kind: int
    count: int
    rows: NDArray[np.float32]
    masks: NDArray[np.uint16]
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
    def empty(cls, serial: int, kind: int, dimension: int) -> "Segment":
        """A segment without encounters, in memory."""
        return _with_block(serial, kind, len(slots_of_kind(kind)) * dimension, _FIRST_ROWS)

    @property
    def pooled(self) -> bool:
        """Whether its encounters have different sets of fingers."""
        return self.kind < 0

    @property
    def slots(self) -> tuple[int, ...]:
        """Of its rows, rising."""
        return slots_of_kind(self.kind)

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
        return own + self.masks.nbytes + self.encounter_ids.nbytes + self.subject_ids.nbytes + self.dead.nbytes

    @property
    def file_bytes(self) -> int:
        """Bytes of vectors mapped from a file."""
        return self.rows.nbytes if self.file is not None else 0

    def gather(self, rows: NDArray[np.int64], slots: tuple[int, ...]) -> NDArray[np.float32]:
        """Copy the vectors of some fingers of some encounters, zeros where they are absent.

        Returns:
            float32 [len(rows), len(slots), d].
        """
        own = self.slots
        fingers = self.rows.reshape(len(self.rows), len(own), -1)
        if own == slots:
            return fingers[rows]
        gathered = np.zeros((len(rows), len(slots), fingers.shape[2]), dtype=np.float32)
        held = [place for place, slot in enumerate(slots) if slot in own]
        gathered[:, held] = fingers[rows[:, np.newaxis], [own.index(slots[place]) for place in held]]
        return gathered

    def live_rows(self) -> NDArray[np.int64]:
        """The rows that answers may name, rising."""
        return np.flatnonzero(~self.dead[: self.count])

    def held(self) -> NDArray[np.int64]:
        """Live encounters by presence mask, int64 [1024]."""
        if self.pooled:
            return counts_of(self.masks[self.live_rows()])
        held = np.zeros(MASKS, dtype=np.int64)
        held[self.kind] = self.live
        return held

    def misplaced(self, census: Census) -> NDArray[np.int64]:
        """The rows of live encounters that are of another kind by now, rising."""
        if not self.pooled and census.kinds[self.kind] == self.kind:
            return np.empty(0, dtype=np.int64)
        live = self.live_rows()
        misplaced: NDArray[np.int64] = live[census.kinds[self.masks[live]] != self.kind]
        return misplaced

    def records(self, rows: NDArray[np.int64]) -> Iterator[Record]:
        """Some encounters, in the order of their rows."""
        slots = list(self.slots)
        for row in rows.tolist():
            vector = np.zeros((FINGERS, self.rows.shape[1] // len(slots)), dtype=np.float32)
            vector[slots] = self.rows[row].reshape(len(slots), -1)
            yield Record(self.encounter_ids[row], self.subject_ids[row], vector.reshape(-1), self.features[row])

    def extended(self, units: NDArray[np.float32], masks: NDArray[np.uint16], records: Sequence[Record]) -> "Segment":
        """A segment with more encounters, over this block if they fit, else over a larger copy.

        Args:
            units: float32 [n, 10, d], captures of its kind; n at most ``room``.
            masks: which fingers they have.
            records: the n encounters.
        """
        count = self.count + len(units)
        target = self if count <= len(self.rows) else self._copied(count)
        added = slice(self.count, count)
        target.rows[added] = units[:, list(self.slots)].reshape(len(units), -1)
        target.masks[added] = masks
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
        return self.without_rows(doomed), [self.subject_ids[row] for row in doomed]

    def without_rows(self, doomed: Sequence[int] | NDArray[np.int64]) -> "Segment":
        """The segment with some live rows dead."""
        dead = self.dead.copy()
        dead[doomed] = True
        return replace(self, dead=dead, dead_count=self.dead_count + len(doomed))

    def _copied(self, capacity: int) -> "Segment":
        target = _with_block(self.serial, self.kind, self.rows.shape[1], capacity)
        filled = slice(0, self.count)
        for name in ("rows", "masks", "encounter_ids", "subject_ids", "features", "dead"):
            getattr(target, name)[filled] = getattr(self, name)[filled]
        return replace(target, count=self.count, dead_count=self.dead_count)


def plan_rewrites(segments: Sequence[Segment], erase: AbstractSet[str], coded: AbstractSet[int]) -> list[list[Segment]]:
    """Which segments to write anew, in groups of one file each.

    A segment is due when it is in memory, has too many dead rows, holds a dead encounter of ``erase``, or is of a
    kind in ``coded`` and its file has no scan codes of this codebook: else every start would encode it. A group is
    filled up with files of the same kind that are small or no larger than what it holds already, so that the number
    of files grows with the logarithm of the encounters, and an encounter is rewritten about as often.
    """
    groups: list[list[Segment]] = []
    for kind in sorted({segment.kind for segment in segments}):
        own = [segment for segment in segments if segment.kind == kind]
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
    if segment.kind in coded and not segment.codes_filed:
        return True
    dead = np.flatnonzero(segment.dead).tolist() if erase else []
    return any(segment.encounter_ids[row] in erase for row in dead)


def _with_block(serial: int, kind: int, width: int, rows: int) -> Segment:
    """An empty segment whose block holds at least ``rows``: the next power of two."""
    capacity = max(_FIRST_ROWS, 1 << (rows - 1).bit_length())
    return Segment(
        serial=serial,
        kind=kind,
        count=0,
        rows=np.empty((capacity, width), dtype=np.float32),
        masks=np.zeros(capacity, dtype=np.uint16),
        encounter_ids=np.empty(capacity, dtype=np.object_),
        subject_ids=np.empty(capacity, dtype=np.object_),
        features=np.empty(capacity, dtype=np.object_),
        dead=np.zeros(capacity, dtype=np.bool_),
    )
