"""The workflow's words: what a submission, a leg, a link, a case and a message can be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any


class Gallery(StrEnum):
    """The two databases. Each answers for itself."""

    CRIMINAL = "criminal"
    IMMIGRATION = "immigration"


class Role(StrEnum):
    """What an agency is in the flow."""

    BOOKING = "booking"
    STATE_BUREAU = "state_bureau"
    FIELD_OFFICE = "field_office"
    EXAMINER_UNIT = "examiner_unit"
    OVERSIGHT = "oversight"


class Level(IntEnum):
    """How serious the most serious charge is. It orders the human queue and nothing else."""

    UNKNOWN = 0
    ONE = 1
    TWO = 2
    THREE = 3


class LegState(StrEnum):
    """Where one of the two questions stands."""

    PENDING = "pending"
    """The matcher has not answered yet, or could not, and is asked again."""
    REVIEW = "review"
    """Candidates are with the examiners."""
    MATCH = "match"
    """Answered: an examiner identified the person, or the lights-out bar did, and says so."""
    NO_MATCH = "no_match"
    """Answered: everything comparable was compared, and nobody was identified."""
    PARTIAL = "partial"
    """Answered in part: not everything was compared, and nobody was identified. Never "no match"."""
    ERROR = "error"
    """The question could not be answered. Never "no match"."""

    @property
    def is_settled(self) -> bool:
        """Whether an answer goes out."""
        return self not in {LegState.PENDING, LegState.REVIEW}


class Band(StrEnum):
    """Where a candidate falls by the policy's bands."""

    MATCH = "match"
    REVIEW = "review"


class LinkState(StrEnum):
    """What is held of a hit."""

    CONFIRMED = "confirmed"
    """Examiners agreed."""
    UNCONFIRMED = "unconfirmed"
    """Above the lights-out bar; nobody has looked."""
    FROZEN = "frozen"
    """Disputed, or its record is withdrawn: nothing is sent about it."""
    REFUTED = "refuted"
    """Examined again, and not upheld."""


class CaseKind(StrEnum):
    """Why examiners look."""

    HIT = "hit"
    DISPUTE = "dispute"


class CaseState(StrEnum):
    """Where a case stands. Whose turn it is follows from its opinions."""

    OPEN = "open"
    CLOSED = "closed"


class Decision(StrEnum):
    """What an examiner says of a case."""

    IDENTIFICATION = "identification"
    EXCLUSION = "exclusion"
    INCONCLUSIVE = "inconclusive"


class MessageKind(StrEnum):
    """What goes out."""

    ANSWER = "answer"
    """One gallery's answer to a submission."""
    NOTICE = "notice"
    """An immigration match, to the responsible field office."""
    CORRECTION = "correction"
    """A dispute's outcome, to every earlier recipient."""
    LIFECYCLE = "lifecycle"
    """A record was sealed, unsealed or expunged, to every earlier recipient."""


class MessageState(StrEnum):
    """How far a message got."""

    WAITING = "waiting"
    """To be delivered, at `due_at`."""
    DELIVERED = "delivered"
    """Handed over; the recipient has not said so."""
    ACKNOWLEDGED = "acknowledged"
    """The recipient said so; or the webhook answered 2xx; or the file is in the folder."""
    DEAD = "dead"
    """Given up after the policy's attempts. Redelivery brings it back."""
    FROZEN = "frozen"
    """Its link is disputed."""
    CANCELLED = "cancelled"
    """Its link was refuted before it went out."""


class Channel(StrEnum):
    """How a recipient gets its messages."""

    STREAM = "stream"
    WEBHOOK = "webhook"
    FOLDER = "folder"


class FindingKind(StrEnum):
    """What does not fit together."""

    SEVERAL_SUBJECTS = "several_subjects"
    """The same prints under several identities of one gallery."""
    SEVERAL_PRINTS = "several_prints"
    """One claimed identity with the prints of several people."""
    ONE_CAPTURE_SEVERAL_PEOPLE = "one_capture_several_people"
    """The same images filed for different people."""
    BOTH_GALLERIES = "both_galleries"
    """One person's records in both databases: for authorised reviewers alone."""


class FindingState(StrEnum):
    """Where a finding stands."""

    QUARANTINED = "quarantined"
    """No reviewer has closed it."""
    DISMISSED = "dismissed"
    """It is no contradiction."""
    UPHELD = "upheld"
    """It is one. What is to be corrected is corrected by people, record by record."""


class RecordChange(StrEnum):
    """What happens to a record after its enrolment."""

    SEALED = "sealed"
    UNSEALED = "unsealed"
    EXPUNGED = "expunged"


@dataclass(frozen=True, slots=True)
class FingerScore:
    """One finger's part of a candidate's score: FGP 1 to 10; scores as tenprint.v1.FingerScore has them."""

    position: int
    score: float
    match_score: float | None
    matched_minutiae: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record that a matcher named, and the band it fell into.

    Attributes:
        rank: 1 for the best.
        subject_id: the person, as its gallery knows it.
        encounter_id: the capture that matched best.
        score: as the matcher gave it.
        expected_fpir: of a score like this in a gallery of that size; None: the calibration claims nothing.
        fingers: each finger compared, in FGP order.
        band: by the policy in force when it was decided.
        fpir_is_bound: the score is above all the calibration was fitted on: its expected FPIR is at most that.
    """

    rank: int
    subject_id: str
    encounter_id: str
    score: float
    expected_fpir: float | None
    fingers: tuple[FingerScore, ...]
    band: Band
    fpir_is_bound: bool = False


@dataclass(frozen=True, slots=True)
class LegKey:
    """One of a submission's legs."""

    submission_id: str
    gallery: Gallery


@dataclass(frozen=True, slots=True)
class Leg:
    """Where a leg stands.

    Attributes:
        key: which it is.
        state: where it stands.
        attempts: times its matcher was asked.
        policy_version: under which its candidates were sorted into bands; 0: not yet.
        asked_at: when its matcher answered last; None: not yet.
        settled_at: when its answer went out; None: not yet.
        problem: why it is in error, partial or not answered yet; safe to show.
        coverage: encounters `total`, `searched` and `incomparable`; empty: not yet.
        candidates: best first; those in a band.
        samples: what became of each print: `position`, `status`, `detail`, ...
    """

    key: LegKey
    state: LegState
    attempts: int
    policy_version: int
    asked_at: datetime | None
    settled_at: datetime | None
    problem: str
    coverage: Mapping[str, int]
    candidates: tuple[Candidate, ...]
    samples: Sequence[Mapping[str, Any]]

    @property
    def is_partial(self) -> bool:
        """Whether records that should have been compared were not: then nobody found says nothing."""
        if not self.coverage:
            return False
        total, searched = self.coverage["total"], self.coverage["searched"]
        return searched + self.coverage["incomparable"] < total or (searched == 0 and total > 0)


@dataclass(frozen=True, slots=True)
class Hit:
    """Who a leg's prints are, and who says so."""

    candidate: Candidate
    confirmed: bool


class Hold(StrEnum):
    """Why a link is frozen. It may be so for both reasons at once."""

    DISPUTED = "disputed"
    """Examiners look at it again."""
    WITHDRAWN = "withdrawn"
    """Its record was sealed or expunged."""


@dataclass(frozen=True, slots=True)
class Link:
    """A hit: these prints and that record are one person's.

    Attributes:
        link_id: its name, told to those who are told of the hit.
        submission_id: whose prints.
        gallery: of the record.
        subject_id: the person, as that gallery knows it.
        encounter_id: the capture that matched best.
        state: what is held of it.
        beneath: the same, but for being frozen.
        holds: why it is frozen; empty: it is not.
        expected_fpir: of its score; None: the calibration claimed nothing.
        at: when it was made.
    """

    link_id: str
    submission_id: str
    gallery: Gallery
    subject_id: str
    encounter_id: str
    state: LinkState
    beneath: LinkState
    holds: frozenset[Hold]
    expected_fpir: float | None
    at: datetime

    @property
    def is_confirmed(self) -> bool:
        """Whether examiners said so, and nobody disputes it."""
        return self.state is LinkState.CONFIRMED

    @property
    def stands(self) -> bool:
        """Whether the prints are held to be the person's, by examiners or the lights-out bar, undisputed."""
        return self.state in {LinkState.CONFIRMED, LinkState.UNCONFIRMED}

    @property
    def is_confirmed_beneath(self) -> bool:
        """Whether examiners said so, frozen or not."""
        return self.beneath is LinkState.CONFIRMED
