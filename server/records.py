"""Who is enrolled: subjects, their encounters, and the receipts that make an enrolment exactly-once.

Held in memory by the event loop's thread: a restart begins empty.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from tenprint.fingerprint.positions import FingerPosition
from tenprint.server.capture import SampleReport
from tenprint.server.errors import NotHeldError, TransactionReusedError


@dataclass(frozen=True, slots=True)
class Originator:
    """Who asks: ORI, the agency; TCN, its transaction control number."""

    ori: str
    tcn: str


@dataclass(frozen=True, slots=True)
class Encounter:
    """One capture of one subject in one gallery."""

    encounter_id: str
    subject_id: str
    enrolled_at: datetime
    fingers: tuple[FingerPosition, ...]
    originator: Originator


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an enrolment was answered with. `repeated` where it was given before."""

    encounter: Encounter
    reports: tuple[SampleReport, ...]
    repeated: bool = False


@dataclass(slots=True, eq=False)
class GalleryRecords:
    """The subjects of one gallery."""

    subjects: dict[str, list[Encounter]] = field(default_factory=dict)
    encounters: dict[str, Encounter] = field(default_factory=dict)

    def add(self, encounter: Encounter) -> None:
        """Put an encounter under its subject."""
        self.subjects.setdefault(encounter.subject_id, []).append(encounter)
        self.encounters[encounter.encounter_id] = encounter

    def of_subject(self, subject_id: str) -> list[Encounter]:
        """The encounters of a subject, oldest first.

        Raises:
            NotHeldError: if there is no such subject.
        """
        try:
            return list(self.subjects[subject_id])
        except KeyError:
            raise NotHeldError("subject", subject_id) from None

    def encounter(self, encounter_id: str) -> Encounter:
        """One encounter.

        Raises:
            NotHeldError: if there is no such encounter.
        """
        try:
            return self.encounters[encounter_id]
        except KeyError:
            raise NotHeldError("encounter", encounter_id) from None

    def remove(self, encounter: Encounter) -> None:
        """Forget an encounter, and its subject with the last one."""
        del self.encounters[encounter.encounter_id]
        rest = [other for other in self.subjects[encounter.subject_id] if other is not encounter]
        if rest:
            self.subjects[encounter.subject_id] = rest
        else:
            del self.subjects[encounter.subject_id]


@dataclass(frozen=True, slots=True)
class _Claim:
    digest: str
    receipt: "asyncio.Future[Receipt]"


class Receipts:
    """The first receipt of every (ORI, TCN): a repetition gets it again, other content is refused."""

    def __init__(self) -> None:
        self._claims: dict[Originator, _Claim] = {}

    async def once(self, originator: Originator, digest: str, enrol: Callable[[], Awaitable[Receipt]]) -> Receipt:
        """Run `enrol` unless this transaction has been enrolled; then give its receipt, marked repeated.

        Args:
            originator: the idempotency key.
            digest: of the content, hexadecimal.
            enrol: does the work; where it fails, the key is free again.

        Raises:
            TransactionReusedError: if the key stands for other content.
        """
        while (claim := self._claims.get(originator)) is not None:
            if claim.digest != digest:
                raise TransactionReusedError(claim.digest)
            done, _ = await asyncio.wait([claim.receipt])
            receipt = done.pop()
            if not receipt.cancelled():
                first = receipt.result()
                return Receipt(first.encounter, first.reports, repeated=True)
        future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self._claims[originator] = _Claim(digest, future)
        try:
            receipt_now = await enrol()
        except BaseException:
            del self._claims[originator]
            future.cancel()
            raise
        future.set_result(receipt_now)
        return receipt_now
