"""Corrections: what follows once examiners have looked, and who is told when an announced hit was looked at again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, or_, select, update

from tenprint.workflow import agencies, findings, legs, links, outbox, retention, schema, submissions
from tenprint.workflow.agencies import Agency
from tenprint.workflow.opinions import Verdict
from tenprint.workflow.outbox import Dissemination, NewMessage
from tenprint.workflow.policy import current
from tenprint.workflow.responses import IDENTITY_ONLY
from tenprint.workflow.types import (
    Decision,
    Gallery,
    Hit,
    Hold,
    Leg,
    LegState,
    Link,
    MessageKind,
    MessageState,
    Role,
)

UPHELD: Final = "upheld"
"""Looked at again, and it is the same person's."""
REVERSED: Final = "reversed"
"""Looked at again, and not upheld."""

_STATEMENTS: Final = {
    UPHELD: f"examined again and upheld: {IDENTITY_ONLY}",
    REVERSED: "examined again and not upheld: the hit is none; undo what was done because of it",
}

_NEVER_SENT: Final = (MessageState.CANCELLED, MessageState.FROZEN)
"""Who has only such messages about a hit, none of them tried, was told nothing of it."""


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody who was told of something.

    Attributes:
        ori: who.
        via: the bureau that passes it on; "": straight.
        message_ids: what they got, or are about to get.
    """

    ori: str
    via: str
    message_ids: tuple[str, ...]


def conclude(
    connection: Connection, leg: Leg, come_to: Verdict, *, case_id: str, link_id: str = "", actor: str = ""
) -> None:
    """Do what follows from a closed case: answer its leg, and correct what was said of it before.

    A hit that was announced, by the lights-out bar or before a dispute, is upheld where examiners identify the same
    person, and reversed by anything else: what cannot be upheld is not. Either is sent to everybody who was told of it.

    Args:
        connection: in a writing transaction, in which the case was closed.
        leg: its leg.
        come_to: what the examiners say.
        case_id: the case.
        link_id: the hit that is disputed; "": none is.
        actor: the examiner who decided last; "": the server.
    """
    link = links.by_id(connection, link_id) if link_id else _announced(connection, leg)
    if link is None:
        _answer(connection, leg, come_to, actor)
        return
    upheld = come_to == Verdict(Decision.IDENTIFICATION, link.subject_id)
    if upheld:
        was_confirmed = link.is_confirmed_beneath
        link = links.let_go(connection, links.confirm(connection, link), Hold.DISPUTED)
        if not link.holds:
            outbox.thaw(connection, link.link_id)
        if not was_confirmed:
            _answer(connection, leg, come_to, actor)
    else:
        links.refute(connection, link)
        outbox.cancel(connection, link.link_id)
        _answer(connection, leg, come_to, actor)
        findings.at_reversal(connection, submissions.by_id(connection, link.submission_id), link)
    outcome = UPHELD if upheld else REVERSED
    told = told_of_link(connection, link.link_id)
    dispute = schema.dispute
    closed = {"outcome": outcome, "closed_at": datetime.now(UTC)}
    connection.execute(update(dispute).where(dispute.c.case_id == case_id).values(closed))
    _tell(connection, link, case_id, outcome, told)
    submission = submissions.by_id(connection, link.submission_id)
    retention.advance(connection, submission, legs.of_submission(connection, link.submission_id))


def told_of_link(connection: Connection, link_id: str) -> list[Told]:
    """Everybody who was told of a hit or is about to be, from the log of disseminations."""
    return _told(connection, schema.dissemination.c.link_id == link_id)


def told_of_submission(connection: Connection, submission_id: str) -> list[Told]:
    """Everybody who was sent an answer or a notice about a submission."""
    return _told(connection, schema.dissemination.c.submission_id == submission_id)


def tell(
    connection: Connection,
    kind: MessageKind,
    about: str,
    told: Sequence[Told],
    body: Mapping[str, Any],
    *,
    submission_id: str,
    gallery: Gallery,
    link_id: str = "",
) -> int:
    """Write one message to each who was told before; how many.

    What they are sent names nothing that they were not told already. An agency that is no longer known is logged as
    one that could not be told.
    """
    version, policy = current(connection)
    submission = submissions.by_id(connection, submission_id)
    common = {
        "kind": kind,
        "ori": submission.ori,
        "tcr": submission.tcn,
        "gallery": gallery,
        "source": policy.source,
        "as_of": datetime.now(UTC).isoformat(timespec="seconds"),
        "complaints": policy.complaints,
        **body,
    }
    written = 0
    for earlier in told:
        recipient = agencies.find(connection, earlier.ori)
        named = recipient or Agency(earlier.ori, "", Role.BOOKING, "")  # for the log alone
        content = {**common, "corrects": list(earlier.message_ids)}
        message = NewMessage(kind, about, named, content, submission_id, gallery, link_id)
        if recipient is None:
            why = Dissemination((), submission.purpose, version, "the agency is no longer known here", earlier.via)
            outbox.log(connection, message, why)
            continue
        outbox.put(connection, message, Dissemination(tuple(body), submission.purpose, version, via=earlier.via))
        written += 1
    return written


def _announced(connection: Connection, leg: Leg) -> Link | None:
    """The hit by which a leg was answered before anybody looked."""
    if leg.state is not LegState.MATCH:
        return None
    held = [link for link in links.of_submission(connection, leg.key.submission_id) if link.gallery is leg.key.gallery]
    return held[-1]


def _answer(connection: Connection, leg: Leg, come_to: Verdict, actor: str) -> None:
    """Answer a leg as the examiners say.

    Everybody excluded is "no match" where everything was compared, and "partial" where not. Undecided is "partial",
    too: nobody was identified, and nobody may read it as "no match".
    """
    if come_to.decision is Decision.IDENTIFICATION:
        candidate = next(item for item in leg.candidates if item.subject_id == come_to.subject_id)
        hit = Hit(candidate, confirmed=True)
        reason = "examiners identified the person"
        legs.settle(connection, leg.key, LegState.MATCH, reason=reason, actor=actor, hit=hit)
        return
    state, reason = LegState.NO_MATCH, "examiners excluded every candidate"
    if come_to.decision is Decision.INCONCLUSIVE:
        state, reason = LegState.PARTIAL, "examiners could not decide whether a candidate is this person"
        if not actor:
            reason = "the prints are erased: nobody can examine the hit again"
    elif leg.is_partial:
        searched, total = leg.coverage["searched"], leg.coverage["total"]
        state, reason = LegState.PARTIAL, f"{reason}; only {searched} of {total} records were compared"
    legs.settle(connection, leg.key, state, reason=reason, actor=actor)


def _tell(connection: Connection, link: Link, case_id: str, outcome: str, told: Sequence[Told]) -> None:
    body = {"link_id": link.link_id, "outcome": outcome, "statement": _STATEMENTS[outcome]}
    tell(
        connection,
        MessageKind.CORRECTION,
        case_id,
        told,
        body,
        submission_id=link.submission_id,
        gallery=link.gallery,
        link_id=link.link_id,
    )


def _told(connection: Connection, which: Any) -> list[Told]:
    log, message = schema.dissemination, schema.message
    query = (
        select(log.c.recipient, log.c.via, log.c.message_id)
        .join(message, message.c.message_id == log.c.message_id)
        .where(
            which,
            log.c.kind.in_(outbox.TELLS_OF_HITS),
            or_(message.c.state.not_in(_NEVER_SENT), message.c.attempts > 0, message.c.delivered_at.is_not(None)),
        )
        .order_by(log.c.number)
    )
    found: dict[str, tuple[str, list[str]]] = {}
    for row in connection.execute(query):
        found.setdefault(row.recipient, (row.via, []))[1].append(row.message_id)
    return [Told(ori, via, tuple(dict.fromkeys(ids))) for ori, (via, ids) in found.items()]
