"""What a client sends and gets back: plain values, free of protobuf."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Originator:
    """Who asks: ORI, nine capital letters and digits; TCN, 10 to 40 printable characters, unique for the ORI."""

    ori: str
    tcn: str


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddingSample:
    """One finger, FGP 0 to 12, as a vector of the server's model: float32 [dimension], unit length."""

    position: int
    vector: NDArray[np.float32]
    model_version: str


@dataclass(frozen=True, slots=True)
class TemplateSample:
    """One finger as an ISO/IEC 19794-2 record with one view."""

    position: int
    data: bytes


@dataclass(frozen=True, slots=True)
class ImageSample:
    """One finger as an encoded image. `ppi` None: as the file says."""

    position: int
    data: bytes
    ppi: int | None = None


Sample = EmbeddingSample | TemplateSample | ImageSample


class MissingReason(StrEnum):
    """Why a finger was not taken."""

    AMPUTATED = "amputated"
    UNABLE_TO_PRINT = "unable_to_print"


@dataclass(frozen=True, slots=True)
class MissingFinger:
    """A finger, FGP 1 to 10, that could not be taken."""

    position: int
    reason: MissingReason


@dataclass(frozen=True, slots=True)
class Fingers:
    """A capture sent finger by finger."""

    samples: tuple[Sample, ...]
    missing: tuple[MissingFinger, ...] = ()


@dataclass(frozen=True, slots=True)
class TransactionFile:
    """A capture sent as a whole ANSI/NIST-ITL file. `positions` empty: all it holds."""

    data: bytes
    positions: tuple[int, ...] = ()


Capture = Fingers | TransactionFile


@dataclass(frozen=True, slots=True)
class Search:
    """One search.

    Attributes:
        originator: who asks.
        galleries: which galleries, at least one.
        probe: the prints.
        max_candidates: 1 to 100; None: the server's default.
        score_threshold: -1 to 1; None: the model's, by number of fingers compared.
        min_position: a receipt's position: search nothing older. Empty: as the server stands.
        priority: 1 (rapid) to 9 (delayed), where searches wait; None: 9.
        target_fpir: in place of `score_threshold`: no candidate whose expected FPIR is above this, 1e-9 to 0.5.
    """

    originator: Originator
    galleries: tuple[str, ...]
    probe: Capture
    max_candidates: int | None = None
    score_threshold: float | None = None
    min_position: str = ""
    priority: int | None = None
    target_fpir: float | None = None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One enrolment. `subject_id` None: a new person."""

    originator: Originator
    gallery: str
    capture: Capture
    subject_id: str | None = None


@dataclass(frozen=True, slots=True)
class SampleReport:
    """What became of one sample.

    `status` is `used`, `not_used_slap`, ... as tenprint.v1.SampleStatus names them; `unknown`: the server is newer.
    `poor` is why the print tells little, `few_minutiae`, `small_area`, `low_nfiq2`; empty where it is not poor.
    """

    position: int
    status: str
    detail: str
    minutiae: int | None
    nfiq2: int | None
    record_type: int
    area_mm2: float | None = None
    poor: tuple[str, ...] = ()


class Outcome(StrEnum):
    """What a gallery said."""

    CANDIDATES = "candidates"
    NO_CANDIDATES = "no_candidates"
    PARTIAL = "partial"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class FingerScore:
    """One finger's score, -1 to 1; `match_score`, 0 to 1: by minutiae, where both sides keep them."""

    position: int
    score: float
    match_score: float | None = None
    matched_minutiae: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record that resembles the probe. Not an identification: a person decides.

    Attributes:
        rank: 1 for the best.
        subject_id: the person, as the gallery knows it.
        encounter_id: which of the person's captures matched best.
        score: that decides.
        finger_scores: of each finger compared.
        match_score: by minutiae; None: not compared so.
        expected_fpir: the share of searches of people who are not in the gallery that would have a candidate of this
            score or more; None: nothing can be claimed.
        fpir_bound: set in its place where the score is above all the calibration knows: it is at most this.
    """

    rank: int
    subject_id: str
    encounter_id: str
    score: float
    finger_scores: tuple[FingerScore, ...]
    match_score: float | None = None
    expected_fpir: float | None = None
    fpir_bound: float | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """Encounters a gallery holds, compared, and could not compare."""

    total: int
    searched: int
    incomparable: int


@dataclass(frozen=True, slots=True)
class Answer:
    """One gallery's answer. Read `outcome` before `candidates`.

    `calibration_version` is empty where the server has no calibration for its model.
    """

    gallery: str
    outcome: Outcome
    candidates: tuple[Candidate, ...]
    coverage: Coverage
    error: str | None
    score_threshold: float
    queue_seconds: float
    search_seconds: float
    rescore_seconds: float
    rerank_seconds: float
    calibration_version: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether the gallery answered for everything it could compare. Partial and error are not complete."""
        return self.outcome in {Outcome.CANDIDATES, Outcome.NO_CANDIDATES}


@dataclass(frozen=True, slots=True)
class Identification:
    """The answers to one search, one a gallery, never fused."""

    tcr: str
    answers: tuple[Answer, ...]
    samples: tuple[SampleReport, ...]
    model_version: str
    decode_seconds: float
    extract_seconds: float
    embed_seconds: float

    def of(self, gallery: str) -> Answer:
        """The answer of one gallery.

        Raises:
            KeyError: if it was not asked.
        """
        for answer in self.answers:
            if answer.gallery == gallery:
                return answer
        raise KeyError(gallery)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an enrolment was answered with.

    `repeated`: it had been enrolled before. `position`: hand it to a search that must see this record.
    """

    tcr: str
    subject_id: str
    encounter_id: str
    samples: tuple[SampleReport, ...]
    model_version: str
    repeated: bool
    position: str


@dataclass(frozen=True, slots=True)
class Encounter:
    """One capture of a subject, as a gallery keeps it. `sealed`: kept, and not searched."""

    encounter_id: str
    enrolled_at: datetime
    fingers: tuple[int, ...]
    ori: str
    tcn: str
    sealed: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """A person in a gallery, with all encounters: what a change is for."""

    subject_id: str


@dataclass(frozen=True, slots=True)
class OneEncounter:
    """One encounter: what a change is for."""

    encounter_id: str


RecordTarget = Subject | OneEncounter


@dataclass(frozen=True, slots=True)
class RecordReceipt:
    """What a change to records was answered with.

    Attributes:
        tcr: the TCN of the request.
        encounter_ids: the encounters it was about.
        changed_at: when, by the server's clock.
        position: hand it to a search that must see the change.
        repeated: it had been made before.
        erased_by: of an expunction: by when the last byte is gone from the store's files and the snapshots.
    """

    tcr: str
    encounter_ids: tuple[str, ...]
    changed_at: datetime
    position: str
    repeated: bool
    erased_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that was done to one encounter.

    `kind` is `enrol`, `seal`, `expunge`, ... as tenprint.v1.OperationKind names them; `unknown`: the server is newer.
    `previous_subject_id` is empty where the person did not change.
    """

    kind: str
    gallery: str
    encounter_id: str
    subject_id: str
    previous_subject_id: str
    at: datetime
    ori: str
    tcn: str
    reference: str
    position: str


@dataclass(frozen=True, slots=True)
class GalleryInfo:
    """A gallery's facts."""

    name: str
    title: str
    subjects: int
    encounters: int
    complete_encounters: int
    model_version: str
    dimension: int
    memory_bytes: int
