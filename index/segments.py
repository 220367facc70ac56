"""A segment: encounters that all have the same fingers, in one block that a search reads without copying."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tenprint.index.vectors import slots_of

SEGMENT_ROWS = 8192
"""Most encounters of a segment: what a removal copies at most; searching 16 segments costs 2 % over searching one."""

_FIRST_ROWS = 4
"""Rows of the smallest block. Blocks double from here, so that a rare set of fingers costs little."""


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """An immutable view of the first ``count`` encounters of a block.

    Every encounter has exactly the fingers of ``mask``, so the number of fingers shared with a given probe is one
    number for the whole segment and the inner product orders its encounters as the final score does.

    The block itself has room beyond ``count``. The writer fills that room and publishes a new segment over the same
    block; a reader that holds this one never looks there. Only the newest segment of a block may be extended.

    Attributes:
        serial: names the segment in the gallery through all its versions.
        mask: the fingers present, bit i for slot i; not 0.
        count: encounters in this version.
        rows: float32 [capacity, fingers * d]; only the slots of ``mask``, by rising position.
        encounter_ids: str objects [capacity].
        subject_ids: str objects [capacity].
    """

    serial: int
    mask: int
    count: int
    rows: NDArray[np.float32]
    encounter_ids: NDArray[np.object_]
    subject_ids: NDArray[np.object_]

    @classmethod
    def empty(cls, serial: int, mask: int, dimension: int) -> "Segment":
        """A segment without encounters."""
        return _with_block(serial, mask, len(slots_of(mask)) * dimension, _FIRST_ROWS)

    @property
    def vectors(self) -> NDArray[np.float32]:
        """The published rows, float32 [count, fingers * d], a view."""
        return self.rows[: self.count]

    @property
    def room(self) -> int:
        """Encounters that may still be added."""
        return SEGMENT_ROWS - self.count

    @property
    def memory_bytes(self) -> int:
        """Bytes reserved by the block: vectors and references to ids."""
        return self.rows.nbytes + self.encounter_ids.nbytes + self.subject_ids.nbytes

    def gather(self, rows: NDArray[np.int64], slots: tuple[int, ...]) -> NDArray[np.float32]:
        """Copy the vectors of some fingers of some encounters: float32 [len(rows), len(slots), d]."""
        own = slots_of(self.mask)
        fingers = self.rows.reshape(len(self.rows), len(own), -1)
        return fingers[rows[:, np.newaxis], [own.index(slot) for slot in slots]]

    def extended(
        self, units: NDArray[np.float32], encounter_ids: Sequence[str], subject_ids: Sequence[str]
    ) -> "Segment":
        """A segment with more encounters, over this block if they fit, else over a larger copy.

        Args:
            units: float32 [n, 10, d], captures with exactly the fingers of ``mask``; n at most ``room``.
            encounter_ids: n of them.
            subject_ids: n of them.
        """
        count = self.count + len(units)
        target = self if count <= len(self.rows) else self._copied(np.arange(self.count), count)
        added = slice(self.count, count)
        target.rows[added] = units[:, list(slots_of(self.mask))].reshape(len(units), -1)
        target.encounter_ids[added] = encounter_ids
        target.subject_ids[added] = subject_ids
        return replace(target, count=count)

    def without(self, encounter_ids: AbstractSet[str]) -> "Segment":
        """A segment over a new block, without the named encounters. The old block is freed by its last reader."""
        keep = [number for number, held in enumerate(self.encounter_ids[: self.count]) if held not in encounter_ids]
        return self._copied(np.array(keep, dtype=np.int64), len(keep))

    def _copied(self, keep: NDArray[np.int64], capacity: int) -> "Segment":
        target = _with_block(self.serial, self.mask, self.rows.shape[1], capacity)
        np.take(self.rows, keep, axis=0, out=target.rows[: len(keep)], mode="clip")  # "raise" would buffer a copy
        target.encounter_ids[: len(keep)] = self.encounter_ids[keep]
        target.subject_ids[: len(keep)] = self.subject_ids[keep]
        return replace(target, count=len(keep))


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
    )
