"""What a gallery holds, by sets of fingers, and what follows: which encounters lie together, and which have codes.

Encounters whose fingers many others have too lie by themselves: their rows hold these fingers and no others. There are
1,023 sets of fingers, and incomplete captures fall into hundreds of them with a few dozen encounters each; asking FAISS
and sorting answers set by set costs more than all the rest of a search. So all others lie in pools, one for each number
of fingers: their rows hold ten slots, those of absent fingers zero, which adds nothing to an inner product. A pool
costs what its encounters cost, into however many sets they fall.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tenprint.index.scan import SCAN_ROWS
from tenprint.index.vectors import FINGERS, slots_of

MASKS: Final = 1 << FINGERS
"""Presence masks there are, that of no finger among them."""

COMPLETE: Final = MASKS - 1
"""The presence mask of ten fingers."""

_MASKS: Final = np.arange(MASKS, dtype=np.uint16)
_COUNTS: Final = np.bitwise_count(_MASKS).astype(np.int64)


def slots_of_kind(kind: int) -> tuple[int, ...]:
    """The slots that a row of this kind has room for, rising."""
    return slots_of(kind if kind > 0 else COMPLETE)


def shared_by_all(kind: int, mask: int) -> int | None:
    """How many fingers a probe shares with every encounter of a kind; None: not the same number with each."""
    if kind > 0:
        return (kind & mask).bit_count()
    return -kind if mask == COMPLETE else None


@dataclass(frozen=True, slots=True, eq=False)
class Census:
    """How many live encounters have each set of fingers, and the kinds they are of.

    A kind is a presence mask, of encounters that all have exactly these fingers; or, negative, a number of fingers, of
    the encounters that have so many and whose set of fingers is rare.

    Attributes:
        held: int64 [1024]: live encounters by presence mask.
        kinds: int64 [1024]: the kind of an encounter with this mask.
        coded: the kinds of which scan codes nominate.
    """

    held: NDArray[np.int64]
    kinds: NDArray[np.int64]
    coded: frozenset[int]

    @classmethod
    def of(cls, held: NDArray[np.int64], scan_from: int | None) -> "Census":
        """Of these encounters.

        Args:
            held: int64 [1024].
            scan_from: encounters from which on codes nominate, of kinds that 1,024 are of, or so many where that is
                less; None: never.
        """
        many = SCAN_ROWS if scan_from is None else min(SCAN_ROWS, scan_from)
        kinds = np.where(held >= many, _MASKS.astype(np.int64), -_COUNTS)
        coded: frozenset[int] = frozenset()
        if scan_from is not None and held.sum() >= scan_from:
            found, places = np.unique(kinds, return_inverse=True)
            counts = np.bincount(places, weights=held)
            coded = frozenset(found[counts >= many].tolist())
        return cls(held, kinds, coded)

    @property
    def records(self) -> int:
        """Live encounters."""
        return int(self.held.sum())

    @property
    def by_fingers(self) -> tuple[int, ...]:
        """Ten counts; item n - 1 is the number of encounters with n fingers."""
        return tuple(int(self.held[n == _COUNTS].sum()) for n in range(1, FINGERS + 1))

    def sharing(self, mask: int) -> int:
        """Live encounters that share a finger with a probe."""
        return int(self.held[(_MASKS & mask) != 0].sum())


def counts_of(masks: NDArray[np.uint16]) -> NDArray[np.int64]:
    """How many there are of each presence mask, int64 [1024]."""
    counts: NDArray[np.int64] = np.bincount(masks, minlength=MASKS)
    return counts
