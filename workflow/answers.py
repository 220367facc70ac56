"""Answers: what goes to whom once a leg is settled. One gallery's answer at a time; the two are never put together."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, func, select

from tenprint.workflow import agencies, outbox, schema
from tenprint.workflow.agencies import NOBODY, Agency
from tenprint.workflow.outbox import Dissemination, NewMessage
from tenprint.workflow.policy import Policy, current
from tenprint.workflow.responses import IDENTITY_ONLY, file_for
from tenprint.workflow.submissions import Kept
from tenprint.workflow.types import Gallery, Leg, LegState, Link, MessageKind, Role

_NO_ANSWER_WANTED: Final = frozenset({"CNA"})
"""Types of transaction that ask for no criminal answer (EBTS 9.1)."""


def issue(connection: Connection, submission: Kept, leg: Leg, link: Link | None) -> None:
    """Write a settled leg's answers into the outbox, and who gets none and why into the log of disseminations.

    The state bureau of the booking station gets it, and through the bureau the station, if its profile says that it can
    receive and policy grants it a field: the station's message waits for the bureau's acknowledgement, and what the
    bureau is not sent, it does not pass on. A station without a bureau gets it straight.
    """
    version, policy = current(connection)
    about = f"{submission.submission_id}/{leg.key.gallery}/{_revision(connection, leg)}"
    sent: dict[str, str] = {}
    for recipient, via in _recipients(connection, submission):
        granted, withheld = _granted(policy, submission, leg.key.gallery, recipient)
        if via and via not in sent and not withheld:
            granted, withheld = (), f"{via}, which would pass it on, is sent none"
        message = NewMessage(
            MessageKind.ANSWER,
            about,
            recipient,
            body(submission, leg, link, policy, granted),
            submission.submission_id,
            leg.key.gallery,
            "" if link is None else link.link_id,
            file_for(submission, leg, link, recipient, policy, granted) or None,
            after=sent.get(via, ""),
        )
        why = Dissemination(granted, submission.purpose, version, withheld, via)
        if withheld:
            outbox.log(connection, message, why)
        else:
            sent[recipient.ori] = outbox.put(connection, message, why)


def body(submission: Kept, leg: Leg, link: Link | None, policy: Policy, granted: Collection[str]) -> dict[str, Any]:
    """An answer as plain data, with the fields that are granted.

    `outcome` is match, no_match, partial or error, each by its own word: what is missing is never "no match".
    """
    told: dict[str, Any] = {
        "kind": MessageKind.ANSWER,
        "ori": submission.ori,
        "tcr": submission.tcn,
        "gallery": leg.key.gallery,
        "source": policy.source,
        "as_of": datetime.now(UTC).isoformat(timespec="seconds"),
        "complaints": policy.complaints,
    }
    if "outcome" in granted:
        told |= {"outcome": leg.state, "coverage": dict(leg.coverage), "policy_version": leg.policy_version}
        if leg.problem:
            told["problem"] = leg.problem
    if link is not None:
        told |= {"statement": IDENTITY_ONLY, "link_id": link.link_id, "confirmed": link.is_confirmed}
        if "subject_id" in granted:
            told["subject_id"] = link.subject_id
        if "expected_fpir" in granted:
            told["expected_fpir"] = link.expected_fpir
        if "score" in granted:
            told["score"] = next((item.score for item in leg.candidates if item.subject_id == link.subject_id), None)
    if "demographics" in granted:
        told["demographics"] = dict(submission.demographics)
    return told


def station(connection: Connection, submission: Kept) -> Agency | None:
    """The booking station: the controlling agency that the file names, else whoever submitted it."""
    return agencies.find(connection, submission.controlling_agency) or agencies.find(connection, submission.ori)


def concerns(connection: Connection, submission: Kept, agency: Agency) -> bool:
    """Whether an agency may know of a submission: it submitted it, booked the person, or is the bureau in between."""
    booking = station(connection, submission)
    return agency.ori in {submission.ori, submission.controlling_agency, "" if booking is None else booking.bureau}


def granted(connection: Connection, submission: Kept, gallery: Gallery, agency: Agency) -> tuple[tuple[str, ...], str]:
    """The fields of a gallery's answer that an agency may have; and why it has none, "" where it has some."""
    _, policy = current(connection)
    return _granted(policy, submission, gallery, agency)


def _recipients(connection: Connection, submission: Kept) -> list[tuple[Agency, str]]:
    """Each with the ORI of the bureau that passes it on."""
    booking = station(connection, submission)
    if booking is None:
        return []
    if booking.role is Role.STATE_BUREAU:
        return [(booking, NOBODY)]
    bureau = agencies.find(connection, booking.bureau) if booking.bureau else None
    if bureau is None:
        return [(booking, NOBODY)]
    return [(bureau, NOBODY), (booking, bureau.ori)]


def _granted(policy: Policy, submission: Kept, gallery: Gallery, recipient: Agency) -> tuple[tuple[str, ...], str]:
    fields = policy.shares.get(recipient.role, ())
    if not recipient.can_receive:
        return (), "its profile says that it cannot receive answers"
    if not fields:
        return (), f"policy grants a {recipient.role} no field"
    if gallery is Gallery.CRIMINAL and submission.tot in _NO_ANSWER_WANTED:
        return (), f"{submission.tot} asks for no answer"
    return fields, ""


def _revision(connection: Connection, leg: Leg) -> int:
    """How often the leg has been settled."""
    table = schema.leg_event
    settled = [state for state in LegState if state.is_settled]
    query = select(func.count()).where(
        table.c.submission_id == leg.key.submission_id,
        table.c.gallery == leg.key.gallery,
        table.c.state.in_(settled),
    )
    return int(connection.execute(query).scalar_one())
