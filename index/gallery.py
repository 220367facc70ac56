"""A gallery: encounters of subjects, searched by what a capture looks like."""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tenprint.index.errors import DuplicateRecordError, InvalidIdError, InvalidLimitError, UnknownRecordError
from tenprint.index.nomination import nominate
from tenprint.index.results import Coverage, GalleryInfo, Record, SearchBatch, SearchResult, SearchTiming
from tenprint.index.scoring import best_of_each_subject, score_nominees
from tenprint.index.segments import Segment
from tenprint.index.vectors import FINGERS, check_shape, presence_masks, unit_slots

MAX_CANDIDATES = 1000
"""Most candidates a search may ask for."""

MAX_PROBES = 1024
"""Most captures searched in one call; a probe of unknown position counts as ten."""

MAX_DIMENSION = 4096
"""Most numbers a finger."""

MAX_ID_LENGTH = 256
"""Most characters of a name, a model version or an id."""


@dataclass(frozen=True, slots=True, eq=False)
class _Snapshot:
    """What a search sees: one published state, replaced as a whole by every write."""

    segments: tuple[Segment, ...]
    records: int
    subjects: int


class Gallery:
    """Encounters of subjects under one model version, in memory, searched exactly.

    Thread-safe. Writes are serialised; each is published as a whole, at once, and a search works on the state that was
    published when it began: it never sees part of a write and never waits for one.

    A finger's score is the cosine of the two finger vectors; a capture's score is the mean over the fingers that both
    sides have. It depends on the two captures alone, to the last bit.

    Args:
        name: the gallery's name, 1 to 256 characters.
        dimension: numbers a finger, 1 to 4096.
        model_version: the embedding model of every vector, 1 to 256 characters. Vectors do not carry it: the caller
            checks it before it hands them in.

    Raises:
        InvalidIdError: if the name or the model version is empty or too long.
        InvalidLimitError: if the dimension is out of range.
    """

    def __init__(self, name: str, *, dimension: int, model_version: str) -> None:
        _check_id(name, "name")
        _check_id(model_version, "model_version")
        _check_range(dimension, "dimension", 1, MAX_DIMENSION)
        self._name = name
        self._dimension = dimension
        self._model_version = model_version
        self._published = _Snapshot(segments=(), records=0, subjects=0)
        # The rest belongs to the writer that holds the lock.
        self._writing = threading.Lock()
        self._serial_of: dict[str, int] = {}  # encounter id -> serial of its segment
        self._encounters_of: Counter[str] = Counter()  # subject id -> encounters
        self._next_serial = 0

    @property
    def name(self) -> str:
        """The gallery's name."""
        return self._name

    @property
    def dimension(self) -> int:
        """Numbers a finger."""
        return self._dimension

    @property
    def model_version(self) -> str:
        """The embedding model of every vector."""
        return self._model_version

    @property
    def size(self) -> int:
        """Encounters."""
        return self._published.records

    @property
    def subjects(self) -> int:
        """Persons: different subject ids."""
        return self._published.subjects

    @property
    def memory_bytes(self) -> int:
        """Bytes reserved for vectors and references to ids."""
        return sum(segment.memory_bytes for segment in self._published.segments)

    def describe(self) -> GalleryInfo:
        """The gallery's figures, all of one moment."""
        snapshot = self._published
        by_fingers = [0] * FINGERS
        for segment in snapshot.segments:
            by_fingers[segment.mask.bit_count() - 1] += segment.count
        return GalleryInfo(
            name=self._name,
            model_version=self._model_version,
            dimension=self._dimension,
            records=snapshot.records,
            subjects=snapshot.subjects,
            records_by_fingers=tuple(by_fingers),
            segments=len(snapshot.segments),
            memory_bytes=sum(segment.memory_bytes for segment in snapshot.segments),
        )

    def add(self, records: Sequence[Record]) -> None:
        """Add encounters, all or none. Every search that begins after the return sees them.

        Args:
            records: any number; the vectors are copied.

        Raises:
            InvalidIdError: if an id is empty or longer than 256 characters.
            InvalidVectorError: if a vector is not float32 [10 * d], holds NaN or infinity, has no finger, or has a
                slot whose norm is neither 0 nor 1 (within 1e-3).
            DuplicateRecordError: if an encounter is in the gallery already, or twice in ``records``.
        """
        for number, record in enumerate(records):
            _check_id(record.encounter_id, f"records[{number}].encounter_id")
            _check_id(record.subject_id, f"records[{number}].subject_id")
            check_shape(record.vector, (FINGERS * self._dimension,), f"records[{number}].vector")
        if not records:
            return
        matrix = np.stack([record.vector for record in records])
        units = unit_slots(matrix, FINGERS, self._dimension, "records[{}].vector")
        numbers_of: dict[int, list[int]] = {}
        for number, mask in enumerate(presence_masks(units)):
            numbers_of.setdefault(mask, []).append(number)
        with self._writing:
            self._check_new(records)
            segments = {segment.serial: segment for segment in self._published.segments}
            placed: dict[str, int] = {}
            for mask, numbers in numbers_of.items():
                while numbers:
                    segment = self._segment_with_room(segments.values(), mask)
                    now, numbers = numbers[: segment.room], numbers[segment.room :]
                    encounter_ids = [records[number].encounter_id for number in now]
                    subject_ids = [records[number].subject_id for number in now]
                    segments[segment.serial] = segment.extended(units[now], encounter_ids, subject_ids)
                    placed.update(dict.fromkeys(encounter_ids, segment.serial))
            self._serial_of.update(placed)
            self._encounters_of.update(record.subject_id for record in records)
            self._publish(segments.values())

    def remove(self, encounter_ids: Iterable[str]) -> int:
        """Remove encounters, all or none. No search that begins after the return sees them.

        Copies each segment that holds one of them (at most 8192 encounters), so removing many at once costs little
        more than one.

        Args:
            encounter_ids: any number; one that is named twice counts once.

        Returns:
            How many encounters were removed.

        Raises:
            UnknownRecordError: if one is not in the gallery.
        """
        numbered = list(encounter_ids)
        with self._writing:
            doomed: dict[int, set[str]] = {}
            for number, encounter_id in enumerate(numbered):
                if encounter_id not in self._serial_of:
                    raise UnknownRecordError(
                        f"encounter_ids[{number}]", "is not in the gallery; only its own encounters can be removed"
                    )
                doomed.setdefault(self._serial_of[encounter_id], set()).add(encounter_id)
            kept: list[Segment] = []
            gone: Counter[str] = Counter()
            for segment in self._published.segments:
                ids = doomed.get(segment.serial)
                if ids is None:
                    kept.append(segment)
                    continue
                held = zip(segment.encounter_ids[: segment.count], segment.subject_ids[: segment.count], strict=True)
                gone.update(subject_id for encounter_id, subject_id in held if encounter_id in ids)
                if len(ids) < segment.count:
                    kept.append(segment.without(ids))
            for encounter_id in set(numbered):
                del self._serial_of[encounter_id]
            for subject_id, encounters in gone.items():
                self._encounters_of[subject_id] -= encounters
                if not self._encounters_of[subject_id]:
                    del self._encounters_of[subject_id]
            self._publish(kept)
        return gone.total()

    def search(self, probes: NDArray[np.float32], k: int) -> SearchBatch:
        """Find the k best subjects of each probe, exactly.

        Args:
            probes: float32 [n, 10 * d], n from 0 to 1024; slots as in ``Record.vector``.
            k: subjects wanted, 1 to 1000.

        Raises:
            InvalidVectorError: if the probes are not float32 of that shape, or one holds NaN or infinity, has no
                finger, or has a slot whose norm is neither 0 nor 1 (within 1e-3).
            InvalidLimitError: if k or n is out of range.
        """
        _check_range(k, "k", 1, MAX_CANDIDATES)
        check_shape(probes, (None, FINGERS * self._dimension), "probes")
        _check_range(len(probes), "probes", 0, MAX_PROBES)
        return self._search(unit_slots(probes, FINGERS, self._dimension, "probes[{}]"), k)

    def search_unknown_position(self, finger_vectors: NDArray[np.float32], k: int) -> SearchBatch:
        """Find the k best subjects for single fingers whose position is unknown (FGP 0), exactly.

        Each finger is compared with all ten positions; a candidate's one finger score names the position that matched
        best. Costs ten probes of one finger.

        Args:
            finger_vectors: float32 [n, d] of unit norm, n from 0 to 102.
            k: subjects wanted, 1 to 1000.

        Raises:
            InvalidVectorError: if the vectors are not float32 of that shape, or one holds NaN or infinity or is not of
                norm 1 (within 1e-3).
            InvalidLimitError: if k or n is out of range.
        """
        _check_range(k, "k", 1, MAX_CANDIDATES)
        check_shape(finger_vectors, (None, self._dimension), "finger_vectors")
        _check_range(len(finger_vectors), "finger_vectors", 0, MAX_PROBES // FINGERS)
        fingers = unit_slots(finger_vectors, 1, self._dimension, "finger_vectors[{}]")
        shifted = np.zeros((len(fingers), FINGERS, FINGERS, self._dimension), dtype=np.float32)
        shifted[:, range(FINGERS), range(FINGERS)] = fingers
        batch = self._search(shifted.reshape(-1, FINGERS, self._dimension), k)
        results = []
        for start in range(0, len(batch.results), FINGERS):
            shifts = batch.results[start : start + FINGERS]
            candidates = [candidate for result in shifts for candidate in result.candidates]
            # Every record has a finger, and each is met by one of the ten shifts.
            total = shifts[0].coverage.total
            results.append(
                SearchResult(best_of_each_subject(candidates, k), Coverage(total=total, searched=total, incomparable=0))
            )
        return SearchBatch(tuple(results), batch.timing)

    def _search(self, probes: NDArray[np.float32], k: int) -> SearchBatch:
        """Search checked probes, float32 [n, 10, d], in the state published now."""
        snapshot = self._published
        masks = presence_masks(probes)
        began = time.perf_counter()
        nominated = nominate(snapshot.segments, probes, masks, k)
        halfway = time.perf_counter()
        results = []
        for probe, mask, by_segment in zip(probes, masks, nominated, strict=True):
            candidates = [c for nominees in by_segment for c in score_nominees(probe, mask, nominees)]
            searched = sum(segment.count for segment in snapshot.segments if segment.mask & mask)
            results.append(
                SearchResult(
                    best_of_each_subject(candidates, k),
                    Coverage(total=snapshot.records, searched=searched, incomparable=snapshot.records - searched),
                )
            )
        return SearchBatch(tuple(results), SearchTiming(halfway - began, time.perf_counter() - halfway))

    def _check_new(self, records: Sequence[Record]) -> None:
        seen: set[str] = set()
        for number, record in enumerate(records):
            field = f"records[{number}].encounter_id"
            if record.encounter_id in self._serial_of:
                raise DuplicateRecordError(field, "is in the gallery already; an encounter is added once")
            if record.encounter_id in seen:
                raise DuplicateRecordError(field, "stands twice in this call; an encounter is added once")
            seen.add(record.encounter_id)

    def _segment_with_room(self, segments: Iterable[Segment], mask: int) -> Segment:
        for segment in segments:
            if segment.mask == mask and segment.room:
                return segment
        serial = self._next_serial
        self._next_serial += 1
        return Segment.empty(serial, mask, self._dimension)

    def _publish(self, segments: Iterable[Segment]) -> None:
        self._published = _Snapshot(tuple(segments), len(self._serial_of), len(self._encounters_of))


def _check_id(value: object, field: str) -> None:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_ID_LENGTH:
        raise InvalidIdError(field, f"must be a text of 1 to {MAX_ID_LENGTH} characters")


def _check_range(value: int, field: str, lowest: int, highest: int) -> None:
    if not lowest <= value <= highest:
        raise InvalidLimitError(field, f"is {value}; {lowest} to {highest} is allowed")
