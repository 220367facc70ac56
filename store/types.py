"""What goes into the store and what comes out."""

import re
from dataclasses import dataclass
from datetime import datetime
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


@dataclass(frozen=True, slots=True)
class Encounter:
    """One capture of one subject in one gallery. `fingers` are FGP codes 1 to 10, rising."""

    encounter_id: str
    subject_id: str
    enrolled_at: datetime
    fingers: tuple[int, ...]
    originator: Originator


@dataclass(frozen=True, slots=True, eq=False)
class NewEncounter:
    """An enrolment to store.

    Attributes:
        gallery: into which gallery.
        encounter: what is enrolled.
        vector: float32 [10 * d], zeros where a finger is absent.
        digest: SHA-256, hexadecimal, of the request's content, against which repetitions are held.
        reports: what became of each sample, as JSON-able rows: part of the receipt.
    """

    gallery: str
    encounter: Encounter
    vector: NDArray[np.float32]
    digest: str
    reports: list[dict[str, Any]]


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


@dataclass(frozen=True, slots=True, eq=False)
class StoredVector:
    """One encounter as an index needs it; vector float32 [10 * d]."""

    encounter_id: str
    subject_id: str
    vector: NDArray[np.float32]
