"""What goes into a gallery and what comes out of it."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tenprint.index.vectors import FINGERS


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One encounter of one subject, to be added to a gallery.

    Attributes:
        encounter_id: unique in the gallery, 1 to 256 characters.
        subject_id: the person in this gallery, 1 to 256 characters; a subject may have many encounters.
        vector: float32 [10 * d]; slot i is the finger of position i + 1, of unit norm, or zeros where it is absent.
        features: what re-ranking reads of the capture; opaque here, empty where nothing is kept.
    """

    encounter_id: str
    subject_id: str
    vector: NDArray[np.float32]
    features: bytes = b""


class FingerScore(NamedTuple):
    """How alike one finger is on both sides.

    Attributes:
        position: the record's finger position (FGP), 1 to 10.
        score: cosine of the two finger vectors, in [-1, 1].
    """

    position: int
    score: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A subject that may be the probe's, by the best of the subject's encounters.

    Attributes:
        subject_id: the subject.
        encounter_id: the encounter that stands highest; of equals, the one with the smallest id.
        score: mean of the finger scores, in [-1, 1].
        positions: of the fingers present on both sides (FGP, 1 to 10), rising; at least one.
        scores: of each, the cosine of the two finger vectors, in [-1, 1].
        features: what re-ranking reads of the encounter, as its record gave it.
    """

    subject_id: str
    encounter_id: str
    score: float
    positions: tuple[int, ...]
    scores: tuple[float, ...]
    features: bytes = b""

    @property
    def finger_scores(self) -> tuple[FingerScore, ...]:
        """Positions and scores, finger by finger. Made when asked for: most candidates are below the threshold."""
        return tuple(map(FingerScore, self.positions, self.scores))


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the gallery an answer speaks for, in encounters. ``total = searched + incomparable``.

    Attributes:
        total: encounters in the gallery when the search began.
        searched: those that share a finger with the probe. Each was considered; the answer is exact over them.
        incomparable: those that share none, of which the answer says nothing.
    """

    total: int
    searched: int
    incomparable: int


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The answer to one probe.

    Attributes:
        candidates: at most k, one a subject, best first: by falling standing (`yardstick.py`), which is the order of
            scores where as many fingers were compared; equals by rising subject id.
        coverage: what was searched.
    """

    candidates: tuple[Candidate, ...]
    coverage: Coverage


@dataclass(frozen=True, slots=True)
class SearchTiming:
    """Where the time of a batch went, wall clock.

    Attributes:
        nominate_seconds: FAISS's scans, and the proof that they missed nothing.
        rescore_seconds: exact scores and ranking.
    """

    nominate_seconds: float
    rescore_seconds: float


@dataclass(frozen=True, slots=True)
class SearchBatch:
    """The answers to the probes of one call, all from the same state of the gallery.

    Attributes:
        results: one a probe, in their order.
        timing: of the whole batch.
    """

    results: tuple[SearchResult, ...]
    timing: SearchTiming


@dataclass(frozen=True, slots=True)
class GalleryInfo:
    """A gallery at one moment.

    Attributes:
        name: the gallery.
        model_version: of every vector in it.
        dimension: numbers a finger.
        records: encounters.
        subjects: persons.
        records_by_fingers: ten counts; item n - 1 is the number of encounters with n fingers.
        segments: blocks of vectors, by state: "growing" in memory, "sealed" in memory and on their way to a file,
            "mapped" from a file.
        dead: encounters that are gone and still lie in a segment, until it is rewritten.
        memory_bytes: reserved for vectors and references to ids; the ids' own characters are not counted.
        file_bytes: of vectors mapped from files.
    """

    name: str
    model_version: str
    dimension: int
    records: int
    subjects: int
    records_by_fingers: tuple[int, ...]
    segments: dict[str, int]
    dead: int
    memory_bytes: int
    file_bytes: int

    @property
    def complete(self) -> int:
        """Encounters with all ten fingers."""
        return self.records_by_fingers[FINGERS - 1]

    @property
    def incomplete(self) -> int:
        """Encounters with one to nine fingers."""
        return self.records - self.complete
