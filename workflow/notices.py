"""Hit forwarding: an immigration match is announced to the field office responsible for the booking's jurisdiction."""

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection

from tenprint.workflow import agencies, answers, outbox, subscriptions
from tenprint.workflow.agencies import NOBODY
from tenprint.workflow.outbox import Dissemination, NewMessage
from tenprint.workflow.policy import Policy, current
from tenprint.workflow.responses import IDENTITY_ONLY
from tenprint.workflow.submissions import Kept
from tenprint.workflow.types import Gallery, Link, MessageKind, Role

NO_OFFENCE: Final = "0399"
"""In the place of the most serious charge where none is known (Nlets IAQ, field OFF)."""


def issue(connection: Connection, submission: Kept, link: Link) -> None:
    """Write the notice of an immigration match into the outbox.

    It goes by every live subscription of the office that it fits, under one message id; where it fits none, by the
    office's profile. An unconfirmed hit comes here only by the lights-out bar of the policy, and says so. Where no
    office is responsible, that is logged as withheld: statistics count it.
    """
    version, policy = current(connection)
    booking = answers.station(connection, submission)
    office = None if booking is None else agencies.find(connection, booking.field_office)
    if booking is None or office is None:
        nobody = agencies.Agency(NOBODY, "", Role.FIELD_OFFICE, submission.jurisdiction)
        message = NewMessage(
            MessageKind.NOTICE, link.link_id, nobody, {}, submission.submission_id, link.gallery, link.link_id
        )
        why = Dissemination((), submission.purpose, version, "no field office is set for the booking station")
        outbox.log(connection, message, why)
        return
    granted = policy.shares.get(Role.FIELD_OFFICE, ())
    ways = subscriptions.routes(connection, office.ori, submission.level, submission.jurisdiction, datetime.now(UTC))
    message = NewMessage(
        MessageKind.NOTICE,
        link.link_id,
        office,
        body(submission, link, policy),
        submission.submission_id,
        Gallery.IMMIGRATION,
        link.link_id,
        routes=ways,
    )
    if not office.can_receive and not ways:
        withheld = "its profile says that it cannot receive notices"
        outbox.log(connection, message, Dissemination((), submission.purpose, version, withheld))
        return
    outbox.put(connection, message, Dissemination(granted, submission.purpose, version))


def body(submission: Kept, link: Link, policy: Policy) -> dict[str, Any]:
    """A notice as plain data: what an Immigration Alien Query needs, and that it tells of no status."""
    granted = policy.shares.get(Role.FIELD_OFFICE, ())
    told: dict[str, Any] = {
        "kind": MessageKind.NOTICE,
        "link_id": link.link_id,
        "ori": submission.ori,
        "controlling_agency": submission.controlling_agency,
        "tcr": submission.tcn,
        "jurisdiction": submission.jurisdiction,
        "purpose": submission.purpose,
        "attention": submission.attention,
        "custody": submission.custody,
        "offence": submission.offence or NO_OFFENCE,
        "level": submission.level.value or None,
        "subject_id": link.subject_id,
        "gallery": link.gallery,
        "confirmed": link.is_confirmed,
        "source": policy.source,
        "as_of": datetime.now(UTC).isoformat(timespec="seconds"),
        "statement": IDENTITY_ONLY,
        "complaints": policy.complaints,
    }
    if not told["confirmed"]:
        told["caution"] = "no examiner has looked at this hit: it passed the lights-out bar of the policy"
    if "expected_fpir" in granted:
        told["expected_fpir"] = link.expected_fpir
    if "demographics" in granted:
        told["demographics"] = dict(submission.demographics)
    return told
