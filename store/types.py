"""What goes into the store and what comes out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Originator:
    """Who asks: ORI, the agency; TCN, its transaction control number."""

    ori: str
    tcn: str


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where in the log of changes something stands. Later changes have greater positions.

    Opaque to callers: on PostgreSQL it begins with the transaction's id, because serial numbers alone are handed out
    before a commit and so may appear out of order; on SQLite, which has one writer, with 0.
    """

    transaction: int
    number: int

    def __str__(self) -> str:
        return f"{self.transaction}-{self.number}"

    @classmethod
    def parse(cls, token: str) -> Self:
        """Read a position as `str` writes it.

        Raises:
            ValueError: if it is none.
        """
        if not re.fullmatch(r"\d{1,20}-\d{1,20}", token):
            raise ValueError("is not a position that this server gave out")
        transaction, _, number = token.partition("-")
        return cls(int(transaction), int(number))


class Kind(StrEnum):
    """What an operation did to an encounter."""

    ENROL = "enrol"
    DELETE = "delete"
    SEAL = "seal"
    UNSEAL = "unseal"
    EXPUNGE = "expunge"
    MERGE = "merge"
    SPLIT = "split"
    MOVE = "move"


@dataclass(frozen=True, slots=True)
class Encounter:
    """One capture of one subject in one gallery. `fingers` are FGP codes 1 to 10, rising."""

    encounter_id: str
    subject_id: str
    enrolled_at: datetime
    fingers: tuple[int, ...]
    originator: Originator
    sealed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class NewEncounter:
    """An enrolment to store.

    Attributes:
        gallery: into which gallery.
        encounter: what is enrolled.
        vector: float32 [10 * d], zeros where a finger is absent.
        digest: SHA-256, hexadecimal, of the request's content, against which repetitions are held.
        reports: what became of each sample, as JSON-able rows: part of the receipt.
        features: what re-ranking reads; empty where nothing is kept.
        minutiae: an ISO/IEC 19794-2 record from which another model can embed the capture; empty where there is none.
    """

    gallery: str
    encounter: Encounter
    vector: NDArray[np.float32]
    digest: str
    reports: list[dict[str, Any]]
    features: bytes = b""
    minutiae: bytes = b""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an enrolment is answered with.

    Attributes:
        encounter: what was enrolled.
        reports: as they were handed in.
        position: from where on the encounter is in the log.
        digest: of the content.
        repeated: whether this receipt was given before.
    """

    encounter: Encounter
    reports: list[dict[str, Any]]
    position: Position
    digest: str
    repeated: bool


@dataclass(frozen=True, slots=True)
class ChangeReceipt:
    """What a change to records is answered with.

    Attributes:
        kind: what was done.
        encounter_ids: to which encounters.
        at: when.
        position: from where on it is in the log.
        repeated: whether this receipt was given before.
    """

    kind: Kind
    encounter_ids: tuple[str, ...]
    at: datetime
    position: Position
    repeated: bool


@dataclass(frozen=True, slots=True)
class Request:
    """A change that somebody asks for.

    Attributes:
        originator: who; (ORI, TCN) is the key under which a repetition is known.
        digest: SHA-256, hexadecimal, of what is asked, against which repetitions are held.
        reference: the order or case that asks for it; no name of a person.
    """

    originator: Originator
    digest: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What a change is for: a subject with all its encounters, or one encounter. Exactly one is set."""

    subject_id: str | None = None
    encounter_id: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the log, for auditors.

    Attributes:
        position: where it stands.
        kind: what was done.
        gallery: in which gallery.
        encounter_id: to which encounter.
        subject_id: the person it belongs to since.
        previous_subject_id: the person it belonged to before, where that was another.
        at: when.
        originator: who asked.
        reference: the order or case that asked for it.
    """

    position: Position
    kind: Kind
    gallery: str
    encounter_id: str
    subject_id: str
    previous_subject_id: str
    at: datetime
    originator: Originator
    reference: str


@dataclass(frozen=True, slots=True, eq=False)
class StoredRecord:
    """One encounter as an index needs it; vector float32 [10 * d]."""

    encounter_id: str
    subject_id: str
    vector: NDArray[np.float32]
    features: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """A stretch of the log as an index applies it: the state now of every encounter that it names.

    Attributes:
        position: where the stretch ends.
        operations: how many it has.
        put: by gallery, the encounters that are to be searched.
        drop: by gallery, the ids of those that are not.
    """

    position: Position
    operations: int
    put: Mapping[str, list[StoredRecord]]
    drop: Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Tombstone:
    """An encounter that was expunged and must never come back."""

    encounter_id: str
    gallery: str
    at: datetime
    originator: Originator


@dataclass(frozen=True, slots=True)
class GallerySpec:
    """A gallery to hold: its name, and the model whose vectors it holds."""

    name: str
    model_version: str
    dimension: int


@dataclass(frozen=True, slots=True)
class Epoch:
    """The vectors of one model in one gallery.

    Attributes:
        gallery: the gallery.
        number: 1 for the first.
        model_version: of every vector.
        dimension: numbers a finger.
        live: whether it is the one that is searched.
        encounters: encounters that have a vector in it.
        missing: encounters of the gallery that have none.
    """

    gallery: str
    number: int
    model_version: str
    dimension: int
    live: bool
    encounters: int
    missing: int
