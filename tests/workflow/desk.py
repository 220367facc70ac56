"""A workflow's database with agencies, submissions and candidates in it, for tests of what people decide."""

import itertools
import uuid
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, select

from tenprint.store import Database
from tenprint.workflow import (
    agencies,
    cases,
    deliveries,
    examination,
    findings,
    legs,
    links,
    policy,
    redress,
    schema,
    submissions,
)
from tenprint.workflow.agencies import Agency
from tenprint.workflow.opinions import Verdict
from tenprint.workflow.policy import Policy
from tenprint.workflow.services import messages_codec
from tenprint.workflow.types import Band, Candidate, Decision, FingerScore, Gallery, Leg, LegKey, LegState, Role

MIGRATIONS = "tenprint.workflow:migrations"
COUNTY, BUREAU, OFFICE, UNIT, OTHER_UNIT, OVERSIGHT = (
    "ZZCOUNTY0",
    "ZZBUREAU0",
    "ZZOFFICE0",
    "ZZUNIT000",
    "ZZUNIT001",
    "ZZOVERSE0",
)
AGENCIES = (
    Agency(COUNTY, "County", Role.BOOKING, "county", bureau=BUREAU, field_office=OFFICE),
    Agency(BUREAU, "Bureau", Role.STATE_BUREAU, "state"),
    Agency(OFFICE, "Office", Role.FIELD_OFFICE, "region"),
    Agency(UNIT, "Unit", Role.EXAMINER_UNIT, "state"),
    Agency(OTHER_UNIT, "Other unit", Role.EXAMINER_UNIT, "state"),
    Agency(OVERSIGHT, "Oversight", Role.OVERSIGHT, "all", reviews_both=True),
)
IDENTIFIED, EXCLUDED, UNDECIDED = Decision.IDENTIFICATION, Decision.EXCLUSION, Decision.INCONCLUSIVE


def candidate(subject="S1", rank=1, band=Band.REVIEW, score=0.6, fpir=1e-2):
    fingers = (FingerScore(2, score, 0.7, 21),)
    return Candidate(rank, subject, f"E-{subject}", score, fpir, fingers, band)


class Desk:
    """Opens a database and does what the services do, one transaction a call, on a clock of its own."""

    def __init__(self, url):
        self.database = Database(url, migrations=MIGRATIONS)
        self.now = datetime.now(UTC)
        self._numbers = itertools.count(1)
        self.do(lambda c: agencies.replace(c, AGENCIES))

    def close(self):
        self.database.close()

    def do(self, work):
        return self.database.write(work)

    def later(self, seconds):
        self.now += timedelta(seconds=seconds)

    def policy(self, **values):
        return self.do(lambda c: policy.replace(c, Policy(**values), "test"))

    def submit(self, *, retain=True, claimed="", images=(), **values):
        """A submission with both legs pending; its id."""
        submission_id = str(uuid.uuid4())
        row = {
            "submission_id": submission_id,
            "ori": COUNTY,
            "tcn": f"BOOKING-{next(self._numbers):06d}",
            "digest": "0" * 64,
            "received_at": self.now,
            "tot": "CAR",
            "purpose": "C",
            "destination": BUREAU,
            "controlling_agency": COUNTY,
            "jurisdiction": "county",
            "priority": 2,
            "level": 0,
            "offence": "",
            "custody": True,
            "retain": retain,
            "attention": "",
            "claimed": claimed,
            "demographics": "{}",
            "file": b"the file",
            "faults": "[]",
            "retention": "waiting" if retain else "none",
            "subject_id": "",
            "encounter_id": "",
            **values,
        }

        def work(connection):
            connection.execute(insert(schema.submission).values(row))
            for digest in images:
                connection.execute(insert(schema.impression_digest).values(submission_id=submission_id, digest=digest))
            legs.open_legs(connection, submission_id, tuple(Gallery), self.now)
            findings.at_submission(connection, submissions.by_id(connection, submission_id))

        self.do(work)
        self.later(1)
        return submission_id

    def answer(self, submission_id, candidates, gallery=Gallery.IMMIGRATION, *, searched=100):
        """What a matcher says: candidates go to the examiners, nobody is no match. The case's id."""
        key = LegKey(submission_id, gallery)

        def work(connection):
            version, in_force = policy.current(connection)
            coverage = {"total": 100, "searched": searched, "incomparable": 0}
            leg = Leg(key, LegState.PENDING, 0, version, self.now, None, "", coverage, tuple(candidates), [])
            legs.record_answer(connection, leg)
            submission = submissions.by_id(connection, submission_id)
            findings.at_answer(connection, submission, key, candidates)
            if not candidates:
                state = LegState.NO_MATCH if searched == 100 else LegState.PARTIAL
                legs.settle(connection, key, state, reason="nobody")
                return ""
            legs.review(connection, key, "to examine")
            return cases.open_hit(connection, submission, key, in_force)

        return self.do(work)

    def next(self, examiner, ori=UNIT):
        return self.do(lambda c: examination.next_case(c, examiner, ori, self.now))

    def decide(self, case_id, examiner, decision, subject="", ori=UNIT, reason="ridge flow and minutiae"):
        said = Verdict(decision, subject)
        return self.do(lambda c: examination.decide(c, case_id, examiner, ori, said, reason, self.now))

    def examine(self, examiner, decision, subject="", ori=UNIT):
        """Take the next case and decide it."""
        return self.decide(self.next(examiner, ori).case_id, examiner, decision, subject, ori)

    def confirm(self, submission_id, gallery=Gallery.IMMIGRATION, subject="S1"):
        """Two examiners identify a candidate; the link."""
        self.answer(submission_id, [candidate(subject)], gallery)
        self.examine("ann", IDENTIFIED, subject)
        self.examine("ben", IDENTIFIED, subject)
        return self.links(submission_id)[-1]

    def dispute(self, link_id, ori=COUNTY):
        return self.do(lambda c: redress.dispute(c, link_id, ori, "complaint 7", "it was not them", self.now))[0]

    def leg(self, submission_id, gallery=Gallery.IMMIGRATION):
        with self.database.read() as connection:
            return legs.find(connection, LegKey(submission_id, gallery))

    def links(self, submission_id):
        with self.database.read() as connection:
            return links.of_submission(connection, submission_id)

    def kept(self, submission_id):
        with self.database.read() as connection:
            return submissions.by_id(connection, submission_id)

    def messages(self, kind=None):
        """Rows of the outbox, oldest first."""
        table = schema.message
        query = select(table).order_by(table.c.number)
        with self.database.read() as connection:
            rows = connection.execute(query).all()
        return [row for row in rows if kind is None or row.kind == kind]

    def sent(self, ori, kind):
        """A recipient's messages of a kind, as they go out."""
        with self.database.read() as connection:
            found = deliveries.page(connection, ori, (), 0, 100)
        return [getattr(messages_codec.message(item), kind) for item, _ in found if item.kind == kind]

    def rows(self, table):
        with self.database.read() as connection:
            return connection.execute(select(table)).all()
