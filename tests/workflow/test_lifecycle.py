"""Records are sealed, unsealed and expunged, and everybody who was told of a hit hears of it, also after a crash."""

import asyncio
import json

import grpc
import pytest

from tenprint.client.errors import TenprintError
from tenprint.server.errors import RefusedError, TransactionReusedError
from tenprint.workflow import lifecycle, schema
from tenprint.workflow.doorbell import Doorbell
from tenprint.workflow.errors import NotEntitledError, UnknownItemError
from tenprint.workflow.lifecycle import ENCOUNTER, SUBJECT, Changed, Intention, Lifecycle
from tenprint.workflow.types import Gallery, LegState, LinkState, RecordChange
from tests.workflow.desk import BUREAU, COUNTY, IDENTIFIED, OFFICE, OVERSIGHT, UNIT, candidate

SEALED, UNSEALED, EXPUNGED = RecordChange


class Matchers:
    """Changes records as a matcher would: once under a transaction, however often it is asked."""

    def __init__(self, encounters=("E-S1",)):
        self.encounters, self.made, self.error = encounters, {}, None

    async def change(self, change, gallery, by, target, reference):
        if self.error is not None:
            raise TenprintError(self.error, "it says no")
        self.made.setdefault((by.ori, by.tcn), (change, gallery, target))
        return self.encounters


def intention(change, name="S1", target=SUBJECT, ori=OVERSIGHT, tcn="ORDER-00001", gallery=Gallery.IMMIGRATION):
    return Intention(ori, tcn, gallery, target, name, change, "order 7")


def change(desk, matchers, wanted):
    return asyncio.run(Lifecycle(desk.database, matchers, Doorbell()).change(wanted))


def told(desk):
    return {(row.recipient, json.loads(row.body)["action"]) for row in desk.messages("lifecycle")}


def test_sealed_and_unsealed(desk):
    submission, matchers = desk.submit(), Matchers()
    link = desk.confirm(submission)
    assert change(desk, matchers, intention(SEALED)) == Changed(done=True, told=0, repeated=False)
    assert desk.links(submission)[0].state is LinkState.FROZEN
    assert {row.state for row in desk.messages() if row.link_id == link.link_id} == {"frozen"}
    change(desk, matchers, intention(UNSEALED, tcn="ORDER-00002"))
    assert desk.links(submission)[0].state is LinkState.CONFIRMED
    assert {row.state for row in desk.messages("notice")} == {"waiting"}


def test_everybody_who_was_told_hears_of_it_once(desk):
    submission, matchers = desk.submit(), Matchers()
    desk.confirm(submission)
    sent = schema.message.update().values(state="acknowledged")
    desk.do(lambda c: c.execute(sent))
    wanted = intention(EXPUNGED)
    assert change(desk, matchers, wanted) == Changed(done=True, told=3, repeated=False)
    assert told(desk) == {(BUREAU, "expunged"), (COUNTY, "expunged"), (OFFICE, "expunged")}
    (notice,) = desk.sent(OFFICE, "lifecycle")
    assert (notice.action, notice.reference, "erase" in notice.statement) == ("expunged", "order 7", True)
    assert change(desk, matchers, wanted) == Changed(done=True, told=3, repeated=True)
    assert len(desk.messages("lifecycle")) == 3
    assert desk.links(submission)[0].state is LinkState.FROZEN
    with pytest.raises(TransactionReusedError):
        change(desk, matchers, intention(SEALED))


def test_killed_between_the_matchers_change_and_the_notices(desk, monkeypatch):
    """What was intended is finished by the next process, and nobody is told twice."""
    submission, matchers = desk.submit(), Matchers()
    desk.confirm(submission)
    desk.do(lambda c: c.execute(schema.message.update().values(state="acknowledged")))
    with monkeypatch.context() as patch:
        patch.setattr(lifecycle, "done", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(Lifecycle(desk.database, matchers, Doorbell())._carry_out(_intended(desk, intention(EXPUNGED))))
    assert list(matchers.made) == [(OVERSIGHT, "ORDER-00001")]
    assert desk.messages("lifecycle") == []
    for _ in range(2):
        asyncio.run(Lifecycle(desk.database, matchers, Doorbell()).finish())
    assert len(told(desk)) == len(desk.messages("lifecycle")) == 3
    assert len(matchers.made) == 1


def _intended(desk, wanted):
    desk.do(lambda c: lifecycle.intend(c, wanted, desk.now))
    return wanted


def test_a_matcher_that_is_away_is_asked_again_and_one_that_refuses_is_not(sqlite_desk):
    desk, matchers = sqlite_desk, Matchers()
    matchers.error = grpc.StatusCode.UNAVAILABLE
    assert not change(desk, matchers, intention(SEALED)).done
    matchers.error = None
    asyncio.run(Lifecycle(desk.database, matchers, Doorbell()).finish())
    assert change(desk, matchers, intention(SEALED)).repeated
    matchers.error = grpc.StatusCode.NOT_FOUND
    with pytest.raises(UnknownItemError):
        change(desk, matchers, intention(SEALED, "S9", tcn="ORDER-00002"))
    matchers.error = grpc.StatusCode.FAILED_PRECONDITION
    with pytest.raises(RefusedError):
        change(desk, matchers, intention(SEALED, "S8", tcn="ORDER-00003"))
    matchers.error = None
    asyncio.run(Lifecycle(desk.database, matchers, Doorbell()).finish())
    assert len(matchers.made) == 1


def test_who_may_change_what(sqlite_desk):
    desk = sqlite_desk
    submission = desk.submit()
    enrolled = {"retention": "done", "subject_id": "C1", "encounter_id": "E-C1"}
    table = schema.submission
    desk.do(lambda c: c.execute(table.update().where(table.c.submission_id == submission).values(enrolled)))
    matchers = Matchers(("E-C1",))
    for ori, target, name in ((UNIT, ENCOUNTER, "E-C1"), (COUNTY, SUBJECT, "C1"), (COUNTY, ENCOUNTER, "E-C2")):
        with pytest.raises(NotEntitledError):
            change(desk, matchers, intention(SEALED, name, target, ori, gallery=Gallery.CRIMINAL))
    assert matchers.made == {}
    for number, ori in enumerate((COUNTY, BUREAU, OVERSIGHT)):
        wanted = intention(SEALED, "E-C1", ENCOUNTER, ori, f"ORDER-0000{number}", Gallery.CRIMINAL)
        assert change(desk, matchers, wanted).done


def test_an_expunged_booking_is_erased_here_too_and_its_recipients_are_told(sqlite_desk):
    desk = sqlite_desk
    submission = desk.submit(demographics='{"NAM": ["DOE, JOHN"]}', claimed="john", images=["one"])
    desk.answer(submission, [], Gallery.CRIMINAL)
    desk.confirm(submission)
    enrolled = {"retention": "done", "subject_id": "C1", "encounter_id": "E-C1"}
    table = schema.submission
    desk.do(lambda c: c.execute(table.update().where(table.c.submission_id == submission).values(enrolled)))
    desk.do(lambda c: c.execute(schema.message.update().values(state="acknowledged")))
    wanted = intention(EXPUNGED, "C1", gallery=Gallery.CRIMINAL)
    assert change(desk, Matchers(("E-C1",)), wanted).told == 3
    kept = desk.kept(submission)
    assert (kept.file, kept.demographics, kept.claimed) == (None, {}, "")
    assert desk.rows(schema.impression_digest) == []
    assert desk.links(submission)[0].state is LinkState.FROZEN


def test_what_examiners_were_to_compare_with_it_is_searched_again(sqlite_desk):
    desk = sqlite_desk
    submission = desk.submit()
    desk.answer(submission, [candidate("S1"), candidate("S2", 2)])
    desk.examine("ann", IDENTIFIED, "S2")
    change(desk, Matchers(), intention(SEALED))
    leg = desk.leg(submission)
    assert (leg.state, leg.candidates) == (LegState.PENDING, ())
    assert desk.next("ben") is None


def test_a_disputed_hit_to_an_expunged_record_cannot_be_upheld(sqlite_desk):
    desk = sqlite_desk
    submission = desk.submit()
    link = desk.confirm(submission)
    desk.dispute(link.link_id)
    change(desk, Matchers(), intention(SEALED))
    desk.examine("cas", IDENTIFIED, "S1")
    desk.examine("dot", IDENTIFIED, "S1")
    assert desk.links(submission)[0].state is LinkState.FROZEN  # upheld, and sealed all the same
    other = desk.submit()
    link = desk.confirm(other, subject="S2")
    desk.dispute(link.link_id)
    change(desk, Matchers(), intention(EXPUNGED, "S2", tcn="ORDER-00002"))
    assert desk.links(other)[0].state is LinkState.REFUTED
    assert [row.outcome for row in desk.rows(schema.dispute)] == ["upheld", "reversed"]
    assert desk.leg(other).state is LegState.PARTIAL
