"""A gallery: encounters of subjects, searched by what a capture looks like."""

import threading
import time
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tenprint.index.census import MASKS, Census, counts_of
from tenprint.index.errors import (
    DamagedSnapshotError,
    DuplicateRecordError,
    ForeignSnapshotError,
    InvalidIdError,
    InvalidLimitError,
)
from tenprint.index.holdings import Holdings
from tenprint.index.nomination import nominate
from tenprint.index.results import Coverage, GalleryInfo, Record, SearchBatch, SearchResult, SearchTiming
from tenprint.index.scan import PIECE, SCAN_FROM, simulated_codebook
from tenprint.index.scoring import best_nominees, best_of_each_subject
from tenprint.index.segment_file import open_segment, write_segment
from tenprint.index.segments import Segment, plan_rewrites
from tenprint.index.snapshots import Manifest, SegmentEntry, SnapshotFolder, packed_dead
from tenprint.index.vectors import FINGERS, check_shape, presence_masks, unit_slots
from tenprint.index.yardstick import Yardstick

MAX_CANDIDATES = 1000
"""Most candidates a search may ask for."""

MAX_PROBES = 1024
"""Most captures searched in one call; a probe of unknown position counts as ten."""

MAX_DIMENSION = 4096
"""Most numbers a finger."""

MAX_ID_LENGTH = 256
"""Most characters of a name, a model version or an id."""


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """What a search sees: one published state, replaced as a whole by every write.

    Attributes:
        segments: all of them; those whose kind has scan codes have them.
        census: of their live encounters, each of which lies in a segment of its kind.
        subjects: of those.
        position: in the caller's log.
    """

    census: Census
    segments: tuple[Segment, ...] = ()
    subjects: int = 0
    position: str = ""


class Gallery:
    """Encounters of subjects under one model version, searched by similarity.

    Thread-safe. Writes are serialised; each is published as a whole, at once, and a search works on the state that was
    published when it began: it never sees part of a write and never waits for one.

    A finger's score is the cosine of the two finger vectors; a capture's score is the mean over the fingers that both
    sides have. It depends on the two captures alone, to the last bit. Which of two scores is better depends on their
    numbers of fingers, too (`yardstick.py`). Those scored are proven to include the best, but
    in a large gallery: there scan codes choose whom to score, and what they miss is measured (`nomination.py`). Whom
    they choose, and so the whole answer, depends on the encounters that the gallery holds, and not on where they lie:
    in memory or in which files, in which order they came, what was deleted.

    Args:
        name: the gallery's name, 1 to 256 characters.
        dimension: numbers a finger, 1 to 4096.
        model_version: the embedding model of every vector, 1 to 256 characters. Vectors do not carry it: the caller
            checks it before it hands them in.
        scan_from: encounters from which on scan codes nominate, of kinds that 1,024 of them are of, or ``scan_from``
            where that is less; None: never, every search is exact. Where the dimension is no multiple of 4 there are
            none either.
        yardstick: by which scores of different numbers of fingers are compared; None: as of independent fingers.

    Raises:
        InvalidIdError: if the name or the model version is empty or too long.
        InvalidLimitError: if the dimension is out of range.
    """

    def __init__(
        self,
        name: str,
        *,
        dimension: int,
        model_version: str,
        scan_from: int | None = SCAN_FROM,
        yardstick: Yardstick | None = None,
    ) -> None:
        _check_id(name, "name")
        _check_id(model_version, "model_version")
        _check_range(dimension, "dimension", 1, MAX_DIMENSION)
        self._name = name
        self._dimension = dimension
        self._model_version = model_version
        self._yardstick = Yardstick() if yardstick is None else yardstick
        self._scan_from = None if dimension % PIECE else scan_from
        self._codebook = None if self._scan_from is None else simulated_codebook(dimension)
        self._published = _State(self._census(()))
        # The rest belongs to the writer that holds the lock, the last to the one that makes snapshots.
        self._writing = threading.Lock()
        self._holdings = Holdings(dimension)
        self._crc_of: dict[str, int] = {}  # segment file -> CRC-32 of its header

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
        return self._published.census.records

    @property
    def subjects(self) -> int:
        """Persons: different subject ids."""
        return self._published.subjects

    @property
    def position(self) -> str:
        """Up to where in the caller's log of changes it stands."""
        return self._published.position

    @property
    def in_memory(self) -> int:
        """Encounters that are in no file yet."""
        return sum(segment.live for segment in self._published.segments if segment.file is None)

    def describe(self) -> GalleryInfo:
        """The gallery's figures, all of one moment."""
        state = self._published
        states = dict.fromkeys(("growing", "sealed", "mapped"), 0)
        for segment in state.segments:
            states["mapped" if segment.file is not None else "sealed" if segment.sealed else "growing"] += 1
        return GalleryInfo(
            name=self._name,
            model_version=self._model_version,
            dimension=self._dimension,
            records=state.census.records,
            subjects=state.subjects,
            records_by_fingers=state.census.by_fingers,
            segments=states,
            dead=sum(segment.dead_count for segment in state.segments),
            memory_bytes=sum(segment.memory_bytes for segment in state.segments),
            file_bytes=sum(segment.file_bytes for segment in state.segments),
        )

    def apply(self, put: Sequence[Record] = (), drop: Iterable[str] = (), position: str | None = None) -> None:
        """Bring encounters to the state named: all at once or, after an error, none.

        Every search that begins after the return sees it. To say the same again changes nothing, so a log of changes
        may be read twice.

        Args:
            put: encounters to hold, any number; one that is held already is replaced. The vectors are copied.
            drop: encounters to hold no longer; those that are not held are passed over. Not one of ``put``.
            position: up to where in the caller's log the gallery stands now; opaque; None: where it stood.

        Raises:
            InvalidIdError: if an id is empty or longer than 256 characters.
            InvalidVectorError: if a vector is not float32 [10 * d], holds NaN or infinity, has no finger, or has a
                slot whose norm is neither 0 nor 1 (within 1e-3).
            DuplicateRecordError: if an encounter stands twice in ``put``, or in ``put`` and in ``drop``.
        """
        gone = set(drop)
        units, masks = self._checked(put, gone)
        with self._writing:
            segments = {segment.serial: segment for segment in self._published.segments}
            self._holdings.remove(segments, gone | {record.encounter_id for record in put})
            census = self._census(segments.values(), counts_of(masks))
            self._holdings.settle(segments, census)
            self._holdings.add(segments, census, put, units, masks)
            self._publish(segments, census, position)

    def snapshot(self, folder: SnapshotFolder, origin: str, erase: Collection[str] = ()) -> int:
        """Write what is in memory to files and say so in a manifest; on the way, rewrite the files that should be.

        Rewritten are files with a tenth of their encounters dead, small files of the same kind (together into one),
        and those that hold a dead encounter of `erase`. Searches and changes go on meanwhile; no answer changes.
        Called by one thread at a time.

        Args:
            folder: where the gallery's snapshots lie.
            origin: of which store and epoch it is a view: opaque.
            erase: encounters, dead already, that no file may hold any more when this returns. Manifests before this
                one, which name the old files, are no longer there then.

        Returns:
            How many segment files were written.

        Raises:
            OSError: if the disk does not take it. The gallery goes on as it was.
        """
        state = self._sealed()
        plan = plan_rewrites(state.segments, frozenset(erase), state.census.coded)
        kept = [
            SegmentEntry(segment.file, segment.kind, self._crc_of[segment.file], packed_dead(segment.dead))
            for segment in state.segments
            if segment.file is not None and not any(segment in group for group in plan)
        ]
        try:
            written = [self._written(folder, group, state.census.coded) for group in plan]
            manifest = Manifest(
                gallery=self._name,
                origin=origin,
                model_version=self._model_version,
                dimension=self._dimension,
                position=state.position,
                segments=(*kept, *(entry for entry in written if entry is not None)),
            )
            folder.publish(manifest)
        except OSError:
            folder.forget(self._files())  # a full disk must not keep what nothing names
            raise
        for group, entry in zip(plan, written, strict=True):
            self._replace(group, None if entry is None else self._mapped(folder, entry, check=False))
        if erase:
            folder.publish(manifest)  # once more, so that neither of the two that are kept names an old file
        folder.forget(self._files())
        self._crc_of = {file: self._crc_of[file] for file in self._files()}
        return sum(entry is not None for entry in written)

    def restore(self, folder: SnapshotFolder, origin: str) -> tuple[str, list[DamagedSnapshotError]]:
        """Take over the newest sound snapshot of this gallery. Only before anything is in it.

        Every file is read through and held against its checksums, which also brings it into memory.

        Returns:
            The position it stands at, "" where no snapshot could be used; and what was wrong with those passed over.
        """
        refused: list[DamagedSnapshotError] = []
        for name, manifest in folder.manifests():
            if isinstance(manifest, DamagedSnapshotError):
                refused.append(manifest)
                continue
            is_of = (manifest.gallery, manifest.origin, manifest.model_version, manifest.dimension)
            if is_of != (self._name, origin, self._model_version, self._dimension):
                refused.append(ForeignSnapshotError(name, "is of another gallery, store, epoch or model"))
                continue
            try:
                # Checksums are computed without the interpreter's lock: as many files at once as there are cores.
                with ThreadPoolExecutor() as pool:
                    mapped = list(pool.map(partial(self._mapped, folder, check=True), manifest.segments))
            except DamagedSnapshotError as error:
                refused.append(error)
                continue
            with self._writing:
                for segment in mapped:
                    self._holdings.adopt(segment)
                segments = {segment.serial: segment for segment in mapped}
                census = self._census(mapped)
                self._holdings.settle(segments, census)
                self._publish(segments, census, manifest.position)
            return manifest.position, refused
        return "", refused

    def records(self) -> Iterator[Record]:
        """Every encounter, as it is held: for whoever checks the gallery against the store."""
        for segment in self._published.segments:
            yield from segment.records(segment.live_rows())

    def search(self, probes: NDArray[np.float32], k: int, *, exact: bool = False) -> SearchBatch:
        """Find the k best subjects of each probe.

        Args:
            probes: float32 [n, 10 * d], n from 0 to 1024; slots as in ``Record.vector``.
            k: subjects wanted, 1 to 1000.
            exact: do without scan codes: the reference by which what they miss is measured.

        Raises:
            InvalidVectorError: if the probes are not float32 of that shape, or one holds NaN or infinity, has no
                finger, or has a slot whose norm is neither 0 nor 1 (within 1e-3).
            InvalidLimitError: if k or n is out of range.
        """
        _check_range(k, "k", 1, MAX_CANDIDATES)
        check_shape(probes, (None, FINGERS * self._dimension), "probes")
        _check_range(len(probes), "probes", 0, MAX_PROBES)
        return self._search(unit_slots(probes, FINGERS, self._dimension, "probes[{}]"), k, exact=exact)

    def search_unknown_position(self, finger_vectors: NDArray[np.float32], k: int) -> SearchBatch:
        """Find the k best subjects for single fingers whose position is unknown (FGP 0).

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
        batch = self._search(shifted.reshape(-1, FINGERS, self._dimension), k, exact=False)
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

    def _search(self, probes: NDArray[np.float32], k: int, *, exact: bool) -> SearchBatch:
        """Search checked probes, float32 [n, 10, d], in the state published now."""
        state = self._published
        masks = presence_masks(probes)
        began = time.perf_counter()
        coded = frozenset[int]() if exact else state.census.coded
        nominated = nominate(state.segments, probes, masks, k, yardstick=self._yardstick, coded=coded)
        halfway = time.perf_counter()
        results = []
        total = state.census.records
        sharing = {mask: state.census.sharing(mask) for mask in set(masks)}
        for probe, mask, by_segment in zip(probes, masks, nominated, strict=True):
            coverage = Coverage(total=total, searched=sharing[mask], incomparable=total - sharing[mask])
            results.append(SearchResult(best_nominees(probe, mask, by_segment, k, self._yardstick), coverage))
        return SearchBatch(tuple(results), SearchTiming(halfway - began, time.perf_counter() - halfway))

    def _checked(self, put: Sequence[Record], gone: AbstractSet[str]) -> tuple[NDArray[np.float32], NDArray[np.uint16]]:
        """The unit slots of the records to put, float32 [n, 10, d], and which fingers they have, uint16 [n]."""
        seen: set[str] = set()
        for number, record in enumerate(put):
            field = f"put[{number}]"
            _check_id(record.encounter_id, f"{field}.encounter_id")
            _check_id(record.subject_id, f"{field}.subject_id")
            check_shape(record.vector, (FINGERS * self._dimension,), f"{field}.vector")
            if record.encounter_id in seen:
                raise DuplicateRecordError(f"{field}.encounter_id", "stands twice in this call; once is allowed")
            if record.encounter_id in gone:
                raise DuplicateRecordError(f"{field}.encounter_id", "is to be put and dropped; one of them is allowed")
            seen.add(record.encounter_id)
        matrix = np.stack([record.vector for record in put]) if put else np.empty((0, FINGERS * self._dimension), "f4")
        units = unit_slots(matrix, FINGERS, self._dimension, "put[{}].vector")
        return units, np.array(presence_masks(units), dtype=np.uint16)

    def _sealed(self) -> _State:
        """The published state, after every segment in memory has been sealed: nothing is added to those any more."""
        with self._writing:
            now = self._published
            sealed = {segment.serial: replace(segment, sealed=True) for segment in now.segments if segment.count}
            self._publish(sealed, now.census)
            return self._published

    def _replace(self, old: Sequence[Segment], new: Segment | None) -> None:
        """Publish a rewritten segment in place of those it was made from, which may have lost encounters meanwhile."""
        with self._writing:
            now = {segment.serial: segment for segment in self._published.segments}
            lost = {
                segment.encounter_ids[row]
                for segment in old
                for row in np.flatnonzero(now[segment.serial].dead[: segment.count] & ~segment.dead[: segment.count])
            }
            for segment in old:
                del now[segment.serial]
            if new is not None:
                # Those lost may be elsewhere by now: only what still points at the old segments moves over.
                moved = new.without(lost)[0] if lost else new
                now[new.serial] = moved
                self._holdings.move_to(moved)
            self._publish(now, self._published.census)

    def _files(self) -> list[str]:
        return [segment.file for segment in self._published.segments if segment.file is not None]

    def _census(self, segments: Iterable[Segment], more: NDArray[np.int64] | None = None) -> Census:
        """Of what segments hold, and of `more` beside it, by presence mask."""
        held = np.zeros(MASKS, dtype=np.int64) if more is None else more.copy()
        for segment in segments:
            held += segment.held()
        return Census.of(held, self._scan_from)

    def _written(
        self, folder: SnapshotFolder, group: Sequence[Segment], coded: AbstractSet[int]
    ) -> SegmentEntry | None:
        """The live encounters of a group of segments as one new file, with codes where these nominate; None where there
        are none."""
        if not any(segment.live for segment in group):
            return None
        codebook = self._codebook if group[0].kind in coded else None
        path = folder.path / f"{uuid.uuid4().hex}.segment"
        crc = write_segment(path, group, self._dimension, codebook, folder.fsynced)
        return SegmentEntry(path.name, group[0].kind, crc, "")

    def _mapped(self, folder: SnapshotFolder, entry: SegmentEntry, *, check: bool) -> Segment:
        """A file as a segment under a new serial."""
        segment = open_segment(
            folder.path / entry.file,
            self._holdings.new_serial(),
            kind=entry.kind,
            dimension=self._dimension,
            codebook=self._codebook,
            header_crc=entry.header_crc,
            check=check,
        )
        self._crc_of[entry.file] = entry.header_crc
        dead = entry.dead_rows(segment.count)
        return replace(segment, dead=dead, dead_count=int(dead.sum()))

    def _publish(self, segments: Mapping[int, Segment], census: Census, position: str | None = None) -> None:
        """Have searches see these from now on, encoded where their kinds have codes."""
        held = tuple(segments.values())
        if self._codebook is not None and census.coded:
            held = tuple(
                segment.encoded(self._codebook) if segment.kind in census.coded else segment for segment in held
            )
        self._published = _State(
            census, held, self._holdings.subjects, self._published.position if position is None else position
        )


def _check_id(value: object, field: str) -> None:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_ID_LENGTH:
        raise InvalidIdError(field, f"must be a text of 1 to {MAX_ID_LENGTH} characters")


def _check_range(value: int, field: str, lowest: int, highest: int) -> None:
    if not lowest <= value <= highest:
        raise InvalidLimitError(field, f"is {value}; {lowest} to {highest} is allowed")
