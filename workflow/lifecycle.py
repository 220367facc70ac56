"""Lifecycle: records are sealed, unsealed or expunged, and everybody who was told of a hit to one hears of it.

The intention is written down first, under its (ORI, TCN); then the matcher makes the change, which is safe to repeat
under the same; then, in one transaction, links freeze or thaw, messages are written, and the intention is marked as
done. A crash between any two leaves an intention that is not done, and `finish` goes on with it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Final

import grpc
import structlog
from sqlalchemy import Connection, insert, select, update

from tenprint.client.errors import TenprintError
from tenprint.client.types import OneEncounter, Originator, Subject
from tenprint.server.errors import RefusedError, TransactionReusedError
from tenprint.store import Database
from tenprint.workflow import agencies, answers, cases, corrections, legs, links, outbox, schema, submissions
from tenprint.workflow.agencies import Agency
from tenprint.workflow.cases import Case
from tenprint.workflow.corrections import Told
from tenprint.workflow.doorbell import Doorbell
from tenprint.workflow.errors import NotEntitledError, UnknownItemError
from tenprint.workflow.matcher import Matcher
from tenprint.workflow.opinions import Verdict
from tenprint.workflow.submissions import Kept
from tenprint.workflow.types import (
    CaseState,
    Decision,
    Gallery,
    Hold,
    LegKey,
    LegState,
    Link,
    LinkState,
    MessageKind,
    RecordChange,
    Role,
)

SUBJECT: Final = "subject"
ENCOUNTER: Final = "encounter"

_STATEMENTS: Final = {
    RecordChange.SEALED: "the record is sealed: neither use nor pass on what you were told of it",
    RecordChange.UNSEALED: "the record is no longer sealed",
    RecordChange.EXPUNGED: "the record is expunged: erase what you were told of it",
}

_LOOK_SECONDS: Final = 5.0
"""How long an intention that could not be carried out waits for its next try."""

_AGAIN: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.INTERNAL})
"""The matcher's statuses after which the same is tried again."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Intention:
    """A change that an agency asks for.

    Attributes:
        ori: who asks.
        tcn: under which transaction; (ORI, TCN) is the idempotency key.
        gallery: of the record.
        target: SUBJECT or ENCOUNTER.
        name: its id.
        change: what is to happen.
        reference: the order or case that asks for it.
    """

    ori: str
    tcn: str
    gallery: Gallery
    target: str
    name: str
    change: RecordChange
    reference: str


@dataclass(frozen=True, slots=True)
class Changed:
    """How far a change got. `done` False: the matcher does not answer now. `told`: messages written."""

    done: bool
    told: int
    repeated: bool


class Lifecycle:
    """Carries out changes to records. One a database."""

    def __init__(self, database: Database, matchers: Matcher, doorbell: Doorbell) -> None:
        self._database, self._matchers, self._doorbell = database, matchers, doorbell

    async def change(self, wanted: Intention) -> Changed:
        """Change a record and tell who must hear of it.

        Raises:
            UnknownAgencyError: if the ORI is not known.
            NotEntitledError: if the agency may not change this record.
            TransactionReusedError: if the (ORI, TCN) stands for another change.
            UnknownItemError: if the gallery holds no such record.
            RefusedError: if the matcher does not allow it.
        """
        before = await asyncio.to_thread(self._database.write, lambda c: intend(c, wanted, datetime.now(UTC)))
        if before is not None and before.done:
            return before
        return await self._carry_out(wanted)

    async def run(self) -> None:
        """Go on with what is not done, until cancelled."""
        while True:
            try:
                await self.finish()
            except Exception as error:  # noqa: BLE001 - looked at again, and said
                _log.warning("lifecycle_postponed", error_type=type(error).__name__)
            await asyncio.sleep(_LOOK_SECONDS)

    async def finish(self) -> None:
        """Carry out what was intended and is not done."""
        for wanted in await asyncio.to_thread(self._read_undone):
            try:
                await self._carry_out(wanted)
            except (UnknownItemError, RefusedError) as error:
                _log.warning("lifecycle_refused", ori=wanted.ori, tcn=wanted.tcn, reason=str(error))

    def _read_undone(self) -> list[Intention]:
        with self._database.read() as connection:
            return undone(connection)

    async def _carry_out(self, wanted: Intention) -> Changed:
        by = Originator(wanted.ori, wanted.tcn)
        target = Subject(wanted.name) if wanted.target == SUBJECT else OneEncounter(wanted.name)
        try:
            encounters = await self._matchers.change(wanted.change, wanted.gallery, by, target, wanted.reference)
        except TenprintError as error:
            if error.code in _AGAIN:
                return Changed(done=False, told=0, repeated=False)
            refusal = f"the {wanted.gallery} database: {error.code.name}"
            await asyncio.to_thread(self._database.write, lambda c: refuse(c, wanted, refusal))
            if error.code is grpc.StatusCode.NOT_FOUND:
                raise UnknownItemError(wanted.target, wanted.name) from error
            raise RefusedError("target", refusal) from error
        told = await asyncio.to_thread(self._database.write, lambda c: done(c, wanted, encounters, datetime.now(UTC)))
        self._doorbell.ring()
        return Changed(done=True, told=told, repeated=False)


def intend(connection: Connection, wanted: Intention, now: datetime) -> Changed | None:
    """Write a change down before it is made; how far it got, where it was written down before.

    Raises:
        UnknownAgencyError: if the ORI is not known.
        NotEntitledError: if the agency may not change this record.
        TransactionReusedError: if the (ORI, TCN) stands for another change.
    """
    agency = agencies.known(connection, wanted.ori, "ori")
    if agency.role is not Role.OVERSIGHT and not _submitted(connection, wanted, agency):
        raise NotEntitledError("ori", "the record is not one that this agency submitted; ask oversight")
    table = schema.lifecycle
    mine = (table.c.ori == wanted.ori, table.c.tcn == wanted.tcn)
    row = connection.execute(select(table).where(*mine)).mappings().one_or_none()
    if row is None:
        connection.execute(insert(table).values(**_row(wanted), at=now, refused="", told=0))
        return None
    if any(row[name] != value for name, value in _row(wanted).items()):
        raise TransactionReusedError(f"{row['change']} {row['target']} {row['name']}")
    connection.execute(update(table).where(*mine).values(refused=""))
    return Changed(done=row["done_at"] is not None, told=row["told"], repeated=True)


def undone(connection: Connection) -> list[Intention]:
    """What was intended and is neither done nor refused, oldest first."""
    table = schema.lifecycle
    query = select(table).where(table.c.done_at.is_(None), table.c.refused == "").order_by(table.c.at)
    return [
        Intention(row.ori, row.tcn, Gallery(row.gallery), row.target, row.name, RecordChange(row.change), row.reference)
        for row in connection.execute(query)
    ]


def refuse(connection: Connection, wanted: Intention, why: str) -> None:
    """Keep that the matcher will not make a change: it is not tried again by itself."""
    table = schema.lifecycle
    mine = (table.c.ori == wanted.ori, table.c.tcn == wanted.tcn)
    connection.execute(update(table).where(*mine).values(refused=why))


def done(connection: Connection, wanted: Intention, encounters: Sequence[str], now: datetime) -> int:
    """Do what follows from a change that the matcher has made; how many messages were written.

    Args:
        connection: in a writing transaction.
        wanted: the change.
        encounters: ids of the encounters it was about.
        now: the time.
    """
    table = schema.lifecycle
    mine = (table.c.ori == wanted.ori, table.c.tcn == wanted.tcn)
    row = connection.execute(select(table).where(*mine).with_for_update()).one()
    if row.done_at is not None:
        return int(row.told)
    told = 0
    enrolled = [kept for kept in (submissions.by_encounter(connection, name) for name in encounters) if kept]
    hits = links.of_record(connection, wanted.gallery, f"{wanted.target}_id", wanted.name)
    for link in hits:
        _freeze_or_thaw(connection, link, wanted.change)
        about = {"link_id": link.link_id}
        told += _tell(connection, wanted, link.submission_id, corrections.told_of_link(connection, link.link_id), about)
    for kept in enrolled:
        own = links.of_submission(connection, kept.submission_id)
        for link in own:
            if link.state is not LinkState.REFUTED:
                _freeze_or_thaw(connection, link, wanted.change)
        told += _tell(
            connection, wanted, kept.submission_id, corrections.told_of_submission(connection, kept.submission_id), {}
        )
        hits += own
    if wanted.change is not RecordChange.UNSEALED:
        _ask_again(connection, wanted)
    if wanted.change is RecordChange.EXPUNGED:
        for link in hits:
            _end_dispute(connection, link)
        for kept in enrolled:
            _forget(connection, kept, now)
    connection.execute(update(table).where(*mine).values(done_at=now, told=told))
    return told


def _submitted(connection: Connection, wanted: Intention, agency: Agency) -> bool:
    """Whether a record came from an agency: an encounter that was enrolled from its submission."""
    kept = submissions.by_encounter(connection, wanted.name) if wanted.target == ENCOUNTER else None
    return kept is not None and wanted.gallery is Gallery.CRIMINAL and answers.concerns(connection, kept, agency)


def _row(wanted: Intention) -> dict[str, str]:
    return {field.name: str(getattr(wanted, field.name)) for field in fields(wanted)}


def _freeze_or_thaw(connection: Connection, link: Link, change: RecordChange) -> None:
    if change is RecordChange.UNSEALED:
        if not links.let_go(connection, link, Hold.WITHDRAWN).holds:
            outbox.thaw(connection, link.link_id)
        return
    links.hold(connection, link, Hold.WITHDRAWN)
    if change is RecordChange.SEALED:
        outbox.freeze(connection, link.link_id)
    else:
        outbox.cancel(connection, link.link_id)


def _tell(
    connection: Connection, wanted: Intention, submission_id: str, told: Sequence[Told], about: Mapping[str, str]
) -> int:
    name = about.get("link_id", submission_id)
    return corrections.tell(
        connection,
        MessageKind.LIFECYCLE,
        f"{wanted.ori}/{wanted.tcn}/{name}",
        told,
        {**about, "action": wanted.change, "statement": _STATEMENTS[wanted.change], "reference": wanted.reference},
        submission_id=submission_id,
        gallery=wanted.gallery,
        link_id=about.get("link_id", ""),
    )


def _ask_again(connection: Connection, wanted: Intention) -> None:
    """What examiners were to compare with a record that is withdrawn is searched again without it."""
    table = schema.leg
    query = select(table.c.submission_id).where(table.c.gallery == wanted.gallery, table.c.state == LegState.REVIEW)
    for submission_id in connection.execute(query).scalars().all():
        leg = legs.find(connection, LegKey(submission_id, wanted.gallery))
        if any(getattr(candidate, f"{wanted.target}_id") == wanted.name for candidate in leg.candidates):
            cases.withdraw(connection, _open_cases(connection, leg.key))
            legs.ask_again(connection, leg.key, f"a candidate's record was {wanted.change}")


def _end_dispute(connection: Connection, link: Link) -> None:
    """A disputed hit whose prints are gone cannot be examined again: what cannot be upheld is not."""
    key = LegKey(link.submission_id, link.gallery)
    for case in _open_cases(connection, key):
        if case.link_id == link.link_id:
            nobody = Verdict(Decision.INCONCLUSIVE)
            cases.close(connection, case.case_id, nobody.decision, "", datetime.now(UTC))
            leg = legs.find(connection, key)
            corrections.conclude(connection, leg, nobody, case_id=case.case_id, link_id=link.link_id)


def _forget(connection: Connection, kept: Kept, now: datetime) -> None:
    """Erase a submission whose record is expunged; what was not answered cannot be any more."""
    for leg in legs.of_submission(connection, kept.submission_id):
        cases.withdraw(connection, _open_cases(connection, leg.key))
        if not leg.state.is_settled:
            legs.settle(connection, leg.key, LegState.ERROR, reason="the prints were expunged")
    submissions.erase(connection, kept.submission_id, now)


def _open_cases(connection: Connection, key: LegKey) -> list[Case]:
    return [case for case in cases.of_leg(connection, key) if case.state is CaseState.OPEN]
