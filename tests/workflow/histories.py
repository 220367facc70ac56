"""Small histories: what happened to some submissions, told once to the workflow and once kept as a list."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st
from sqlalchemy import String, insert, select, update

from tenprint.workflow import agencies, cases, legs, policy, schema, submissions
from tenprint.workflow.agencies import Agency
from tenprint.workflow.types import (
    Band,
    Candidate,
    CaseState,
    Gallery,
    Hit,
    Leg,
    LegKey,
    LegState,
    LinkState,
    Role,
)

START = datetime(2026, 1, 5, tzinfo=UTC)
OVERSIGHT, OFFICE, BUREAU = "ZZOVERSE0", "ZZOFFICE0", "ZZBUREAU0"
STATIONS = {"ZZALPHA01": "Alpha County", "ZZALPHA02": "Alpha County", "ZZBETA001": "Beta/County"}
AGENCIES = (
    Agency("ZZALPHA01", "One", Role.BOOKING, "Alpha County", bureau=BUREAU, field_office=OFFICE),
    Agency("ZZALPHA02", "Two", Role.BOOKING, "Alpha County", bureau=BUREAU, can_receive=False),
    Agency("ZZBETA001", "Three", Role.BOOKING, "Beta/County", field_office=OFFICE),
    Agency(BUREAU, "Bureau", Role.STATE_BUREAU, "State"),
    Agency(OFFICE, "Office", Role.FIELD_OFFICE, "Region"),
    Agency(OVERSIGHT, "Oversight", Role.OVERSIGHT, "State"),
)
RECIPIENTS = {  # of an answer, by station: how many get it, and how many it is withheld from
    "ZZALPHA01": (2, 0),
    "ZZALPHA02": (1, 1),
    "ZZBETA001": (1, 0),
}
COURSES = (
    "pending",
    "no_match",
    "partial",
    "error",
    "lights_out",
    "open",
    "identified",
    "excluded",
    "undecided",
    "upheld",
    "reversed",
    "disputed",
    "acknowledged",
)
"""What may become of a question."""

IDENTIFIED = {"identified", "upheld", "reversed", "disputed", "acknowledged"}


@dataclass(frozen=True)
class Booking:
    """One submission, and what became of each question."""

    station: str
    level: int
    days: int
    retain: bool
    courses: dict[Gallery, str] = field(hash=False)
    seconds: int = 1

    @property
    def received(self):
        return START + timedelta(days=self.days, hours=3)

    @property
    def erased(self):
        courses = list(self.courses.values())
        answered = all(course not in {"pending", "open"} for course in courses)
        # A dispute that is open when the other question is answered keeps the prints until examiners have decided.
        return not self.retain and answered and "disputed" not in courses[:-1]


def bookings(courses=COURSES):
    one = st.sampled_from(courses)
    asked = st.one_of(
        st.fixed_dictionaries({Gallery.CRIMINAL: one, Gallery.IMMIGRATION: one}),
        st.fixed_dictionaries({Gallery.CRIMINAL: one}),
    )
    station, level, days = st.sampled_from(sorted(STATIONS)), st.integers(0, 3), st.integers(0, 70)
    return st.builds(Booking, station, level, days, st.booleans(), asked, st.integers(1, 5000))


def put_agencies(connection, least_count=10):
    agencies.replace(connection, AGENCIES)
    policy.replace(connection, policy.Policy(least_count=least_count), "test")


def clear(connection):
    for table in reversed(schema.metadata.sorted_tables):
        connection.execute(table.delete())


def happen(connection, booking):
    """Let a booking happen."""
    submission_id = str(uuid.uuid4())
    row = {
        "submission_id": submission_id,
        "ori": booking.station,
        "tcn": submission_id,
        "received_at": booking.received,
        "tot": "CAR",
        "purpose": "C",
        "destination": BUREAU,
        "controlling_agency": booking.station,
        "jurisdiction": STATIONS[booking.station],
        "level": booking.level,
        "retain": booking.retain,
        "retention": submissions.Retention.WAITING if booking.retain else submissions.Retention.NONE,
        "demographics": "{}",
        "faults": "[]",
        "file": b"file",
        "priority": 4,
    }
    empty = {column.name: "" for column in schema.submission.c if isinstance(column.type, String)}
    connection.execute(insert(schema.submission).values({**empty, **row}))
    legs.open_legs(connection, submission_id, list(booking.courses), booking.received)
    for gallery, course in booking.courses.items():
        _question(connection, LegKey(submission_id, gallery), booking, course)


def _question(connection, key, booking, course):
    settled = booking.received + timedelta(seconds=booking.seconds)
    found = Candidate(1, "S1", "E1", 0.7, 10.0 ** -(1 + booking.days % 6), (), Band.REVIEW)
    candidates = () if course in {"pending", "no_match", "partial", "error"} else (found,)
    if course not in {"pending", "error"}:
        coverage = {"total": 9, "searched": 9, "incomparable": 0}
        answer = Leg(key, LegState.PENDING, 0, 1, booking.received, None, "", coverage, candidates, [])
        legs.record_answer(connection, answer)
    if course in {"no_match", "partial", "error"}:
        legs.settle(connection, key, LegState(course), reason="so")
    elif course == "lights_out":
        legs.settle(connection, key, LegState.MATCH, reason="so", hit=Hit(found, confirmed=False))
    elif course != "pending":
        _examine(connection, key, course, found)
    event = schema.leg_event
    which = (event.c.submission_id == key.submission_id, event.c.gallery == key.gallery)
    connection.execute(update(event).where(*which).values(at=settled))
    if course == "reversed":  # answered once more, later: the first answer is what is timed
        later = [state for state in LegState if state is not LegState.MATCH]
        connection.execute(update(event).where(*which, event.c.state.in_(later)).values(at=settled + timedelta(days=1)))


def _examine(connection, key, course, found):
    legs.review(connection, key, "so")
    submission = submissions.by_id(connection, key.submission_id)
    case_id = cases.open_hit(connection, submission, key, policy.current(connection)[1])
    if course == "open":
        return
    outcome = {"excluded": "exclusion", "undecided": "inconclusive"}.get(course, "identification")
    _close(connection, case_id, outcome, "S1" if course in IDENTIFIED else "")
    if course == "excluded":
        legs.settle(connection, key, LegState.NO_MATCH, reason="so", actor="X")
    elif course == "undecided":
        legs.settle(connection, key, LegState.PARTIAL, reason="so", actor="X")
    else:
        legs.settle(connection, key, LegState.MATCH, reason="so", actor="X", hit=Hit(found, confirmed=True))
    if course == "acknowledged":
        message = schema.message
        mine = (message.c.submission_id == key.submission_id, message.c.gallery == key.gallery)
        connection.execute(update(message).where(*mine).values(acknowledged_at=datetime.now(UTC)))
    if course in {"upheld", "reversed", "disputed"}:
        _dispute(connection, key, course)


def _dispute(connection, key, course):
    link = schema.link
    which = (link.c.submission_id == key.submission_id, link.c.gallery == key.gallery)
    link_id = connection.execute(select(link.c.link_id).where(*which)).scalar_one()
    submission = submissions.by_id(connection, key.submission_id)
    case_id = cases.open_hit(connection, submission, key, policy.current(connection)[1])
    connection.execute(update(schema.case).where(schema.case.c.case_id == case_id).values(kind="dispute"))
    row = {"dispute_id": str(uuid.uuid4()), "link_id": link_id, "case_id": case_id, "raised_by": BUREAU}
    at = datetime.now(UTC)
    row |= {"reference": "", "reason": "so", "at": at, "outcome": "" if course == "disputed" else course}
    connection.execute(insert(schema.dispute).values(row))
    if course == "disputed":
        connection.execute(update(link).where(*which).values(state=LinkState.FROZEN))
        return
    _close(connection, case_id, "identification" if course == "upheld" else "exclusion", "")
    if course == "reversed":
        connection.execute(update(link).where(*which).values(state=LinkState.REFUTED))
        legs.settle(connection, key, LegState.NO_MATCH, reason="so", actor="Y")


def _close(connection, case_id, outcome, subject_id):
    values = {"state": CaseState.CLOSED, "outcome": outcome, "subject_id": subject_id, "closed_at": datetime.now(UTC)}
    connection.execute(update(schema.case).where(schema.case.c.case_id == case_id).values(values))


def counted(told, gallery):
    """What a report should say of some bookings' questions to a gallery, counted one by one."""
    courses = [(b, b.courses[gallery]) for b in told if gallery in b.courses]

    def many(*names):
        return sum(course in names for _, course in courses)

    hits = [(b, course) for b, course in courses if course in IDENTIFIED | {"lights_out"}]
    offices = {agency.ori: bool(agency.field_office) for agency in AGENCIES}
    notices = [(b, course) for b, course in hits if gallery is Gallery.IMMIGRATION]
    notified = [(b, course) for b, course in notices if offices[b.station]]
    times = {course: 2 if course == "reversed" else 0 if course in {"pending", "open"} else 1 for course in COURSES}
    sent = sum(RECIPIENTS[b.station][0] * times[course] for b, course in courses)
    withheld = sum(RECIPIENTS[b.station][1] * times[course] for b, course in courses)
    return {
        "asked": len(courses),
        "searched": len(courses) - many("pending", "error"),
        "answered": len(courses) - many("pending", "open"),
        "pending": many("pending"),
        "review": many("open"),
        "match": many("lights_out", "identified", "upheld", "disputed", "acknowledged"),
        "no_match": many("no_match", "excluded", "reversed"),
        "partial": many("partial", "undecided"),
        "error": many("error"),
        "match_confirmed": many("identified", "upheld", "acknowledged"),
        "match_unconfirmed": many("lights_out"),
        "match_frozen": many("disputed"),
        "reviewed": many("open", "excluded", "undecided", *IDENTIFIED),
        "review_open": many("open"),
        "confirmed": many(*IDENTIFIED),
        "refuted": many("excluded"),
        "inconclusive": many("undecided"),
        "review_withdrawn": 0,
        "hits": len(hits),
        "reversed": many("reversed"),
        "disputed": many("upheld", "reversed", "disputed"),
        "dispute_open": many("disputed"),
        "dispute_upheld": many("upheld"),
        "dispute_reversed": many("reversed"),
        "notices": len(notices),
        "notified": len(notified),
        "notices_withheld": len(notices) - len(notified),
        "acknowledged": sum(course == "acknowledged" for _, course in notified),
        "answers": sent + withheld,
        "answers_sent": sent,
        "answers_withheld": withheld,
        "answers_acknowledged": sum(RECIPIENTS[b.station][0] for b, course in courses if course == "acknowledged"),
    }


def timed(told, gallery):
    """Seconds to the first answer, of each question that has one."""
    return [b.seconds for b in told if b.courses.get(gallery, "pending") not in {"pending", "open"}]
