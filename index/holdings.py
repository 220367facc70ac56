"""A gallery's books: in which segment each encounter lies, and how many encounters each subject has."""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

import numpy as np
from numpy.typing import NDArray

from tenprint.index.census import Census
from tenprint.index.results import Record
from tenprint.index.segments import Segment
from tenprint.index.vectors import FINGERS


class Holdings:
    """Says where encounters lie, and finds places for new ones.

    Belongs to the writer that holds the gallery's lock, but for `new_serial`, which any thread may call. Segments are
    handed in by serial and changed in place: a write's own dictionary, which it publishes when it is done.

    Args:
        dimension: numbers a finger.
    """

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._serials = itertools.count()
        self._serial_of: dict[str, int] = {}  # encounter id -> serial of its segment
        self._encounters_of: Counter[str] = Counter()  # subject id -> encounters

    @property
    def subjects(self) -> int:
        """Different subject ids."""
        return len(self._encounters_of)

    def new_serial(self) -> int:
        """A serial that no segment has had."""
        return next(self._serials)

    def adopt(self, segment: Segment) -> None:
        """Write down the live encounters of a segment that comes with them."""
        self.move_to(segment)
        self._encounters_of.update(segment.subject_ids[segment.live_rows()])

    def move_to(self, segment: Segment) -> None:
        """Write down that the live encounters of a segment, held before, lie there now."""
        self._serial_of.update(dict.fromkeys(segment.encounter_ids[segment.live_rows()], segment.serial))

    def remove(self, segments: dict[int, Segment], encounter_ids: AbstractSet[str]) -> None:
        """Make encounters dead where they lie; those that are not held are passed over."""
        by_serial: dict[int, set[str]] = {}
        for encounter_id in encounter_ids & self._serial_of.keys():
            by_serial.setdefault(self._serial_of.pop(encounter_id), set()).add(encounter_id)
        for serial, ids in by_serial.items():
            segments[serial], subjects = segments[serial].without(ids)
            self._discount(subjects)

    def add(
        self,
        segments: dict[int, Segment],
        census: Census,
        records: Sequence[Record],
        units: NDArray[np.float32],
        masks: NDArray[np.uint16],
    ) -> None:
        """Add encounters that are not held to the segments of their kinds.

        Args:
            segments: by serial.
            census: that says the kinds.
            records: any number.
            units: float32 [n, 10, d], theirs.
            masks: uint16 [n], theirs.
        """
        kinds = census.kinds[masks]
        for kind in np.unique(kinds).tolist():
            numbers = np.flatnonzero(kinds == kind)
            while len(numbers):
                segment = self._with_room(segments.values(), kind)
                now, numbers = numbers[: segment.room], numbers[segment.room :]
                added = [records[number] for number in now.tolist()]
                segments[segment.serial] = segment.extended(units[now], masks[now], added)
                self._serial_of.update((record.encounter_id, segment.serial) for record in added)
        self._encounters_of.update(record.subject_id for record in records)

    def settle(self, segments: dict[int, Segment], census: Census) -> None:
        """Move what is of another kind by now, because its set of fingers has become common or rare."""
        for segment in list(segments.values()):
            rows = segment.misplaced(census)
            if len(rows):
                records = list(segment.records(rows))
                units = np.stack([record.vector for record in records]).reshape(len(rows), FINGERS, -1)
                segments[segment.serial] = segment.without_rows(rows)
                self._discount(record.subject_id for record in records)
                self.add(segments, census, records, units, segment.masks[rows])

    def _discount(self, subject_ids: Iterable[str]) -> None:
        """One encounter less of each."""
        for subject_id in subject_ids:
            self._encounters_of[subject_id] -= 1
            if not self._encounters_of[subject_id]:
                del self._encounters_of[subject_id]

    def _with_room(self, segments: Iterable[Segment], kind: int) -> Segment:
        for segment in segments:
            if segment.kind == kind and segment.room:
                return segment
        return Segment.empty(self.new_serial(), kind, self._dimension)
