"""Disputes: a hit freezes, others look at it again, and everybody who was told hears what they found."""

import json

import pytest

from tenprint.workflow import outbox, redress, schema
from tenprint.workflow.agencies import NOBODY, Agency
from tenprint.workflow.errors import StateError, UnknownAgencyError, UnknownItemError
from tenprint.workflow.outbox import Dissemination, NewMessage
from tenprint.workflow.policy import Bands
from tenprint.workflow.types import CaseKind, FindingKind, Gallery, LegState, LinkState, MessageKind, Role
from tests.workflow.desk import (
    BUREAU,
    COUNTY,
    EXCLUDED,
    IDENTIFIED,
    OFFICE,
    OVERSIGHT,
    UNDECIDED,
    UNIT,
    candidate,
)


def states(desk, kind, link_id):
    return {row.recipient: row.state for row in desk.messages(kind) if row.link_id == link_id}


def corrections(desk):
    return {row.recipient: json.loads(row.body) for row in desk.messages("correction")}


@pytest.mark.parametrize("ori", [COUNTY, BUREAU, OFFICE, OVERSIGHT])
def test_a_dispute_freezes_what_has_not_gone_out(desk, ori):
    link = desk.confirm(desk.submit())
    assert states(desk, "notice", link.link_id) == {OFFICE: "waiting"}
    raised = desk.dispute(link.link_id, ori)
    assert states(desk, "notice", link.link_id) == {OFFICE: "frozen"}
    assert set(states(desk, "answer", link.link_id).values()) == {"frozen"}
    assert desk.links(link.submission_id)[0].state is LinkState.FROZEN
    assert desk.dispute(link.link_id, OVERSIGHT) == raised  # disputed once at a time
    message = NewMessage(MessageKind.NOTICE, "another", _office(), {}, link.submission_id, link_id=link.link_id)
    desk.do(lambda c: outbox.put(c, message, Dissemination((), "C", 1)))
    assert [row.state for row in desk.messages("notice")] == ["frozen", "frozen"]


def _office():
    return Agency(OFFICE, "Office", Role.FIELD_OFFICE, "region")


def test_who_has_nothing_to_do_with_it_cannot_dispute(sqlite_desk):
    link = sqlite_desk.confirm(sqlite_desk.submit())
    with pytest.raises(UnknownItemError):
        sqlite_desk.dispute(link.link_id, UNIT)
    with pytest.raises(UnknownAgencyError):
        sqlite_desk.dispute(link.link_id, "ZZNOBODY0")
    assert sqlite_desk.rows(schema.dispute) == []


def test_upheld_by_others_and_everybody_is_told(desk):
    submission = desk.submit()
    link = desk.confirm(submission)
    raised = desk.dispute(link.link_id)
    assert desk.next("ann") is None  # they have looked before
    assert desk.next("ben") is None
    desk.examine("cas", IDENTIFIED, "S1")
    desk.examine("dot", IDENTIFIED, "S1")
    assert desk.links(submission)[0].state is LinkState.CONFIRMED
    assert desk.leg(submission).state is LegState.MATCH
    assert states(desk, "notice", link.link_id) == {OFFICE: "waiting"}
    told = corrections(desk)
    assert set(told) == {BUREAU, COUNTY, OFFICE}
    assert {body["outcome"] for body in told.values()} == {"upheld"}
    (correction,) = desk.sent(OFFICE, "correction")
    assert correction.link_id == link.link_id
    assert list(correction.corrects) == [row.message_id for row in desk.messages("notice")]
    assert "identity only" in correction.statement
    with desk.database.read() as connection:
        found = redress.seen(connection, raised.dispute_id, COUNTY)
    assert (found.outcome, found.closed_at is not None) == ("upheld", True)


def test_reversed_where_it_cannot_be_upheld(desk):
    submission = desk.submit()
    link = desk.confirm(submission)
    delivered = next(row for row in desk.messages("answer") if row.recipient == BUREAU)
    table = schema.message
    sent = table.update().where(table.c.message_id == delivered.message_id).values(state="acknowledged", attempts=1)
    desk.do(lambda c: c.execute(sent))
    desk.dispute(link.link_id)
    desk.examine("cas", UNDECIDED)
    desk.examine("dot", UNDECIDED)
    assert desk.links(submission)[0].state is LinkState.REFUTED
    assert desk.leg(submission).state is LegState.PARTIAL
    assert states(desk, "notice", link.link_id) == {OFFICE: "cancelled"}
    told = corrections(desk)
    assert set(told) == {BUREAU}  # nobody else was ever told of the hit
    assert (told[BUREAU]["outcome"], told[BUREAU]["corrects"]) == ("reversed", [delivered.message_id])
    assert "subject_id" not in told[BUREAU]
    log = [row for row in desk.rows(schema.dissemination) if row.kind == "correction"]
    assert [(row.recipient, row.link_id, row.withheld) for row in log] == [(BUREAU, link.link_id, "")]
    with pytest.raises(StateError, match="refuted"):
        desk.dispute(link.link_id)


def test_excluded_again_is_no_match_and_another_person_is_another_hit(sqlite_desk):
    desk = sqlite_desk
    one, two = desk.submit(), desk.submit()
    desk.dispute(desk.confirm(one).link_id)
    desk.examine("cas", EXCLUDED)
    desk.examine("dot", EXCLUDED)
    assert desk.leg(one).state is LegState.NO_MATCH
    desk.answer(two, [candidate("S1"), candidate("S2", 2)])
    desk.examine("ann", IDENTIFIED, "S1")
    desk.examine("ben", IDENTIFIED, "S1")
    desk.dispute(desk.links(two)[0].link_id)
    desk.examine("cas", IDENTIFIED, "S2")
    desk.examine("dot", IDENTIFIED, "S2")
    held = [(link.subject_id, link.state) for link in desk.links(two)]
    assert held == [("S1", LinkState.REFUTED), ("S2", LinkState.CONFIRMED)]
    assert desk.leg(two).state is LegState.MATCH


def test_one_examiner_alone_reverses_nothing(sqlite_desk):
    desk = sqlite_desk
    submission = desk.submit()
    link = desk.confirm(submission)
    desk.dispute(link.link_id)
    assert desk.examine("cas", EXCLUDED).outcome == ""
    assert desk.links(submission)[0].state is LinkState.FROZEN


def test_a_hit_whose_prints_are_erased_is_reversed_at_once(sqlite_desk):
    desk = sqlite_desk
    submission = desk.submit(retain=False)
    desk.answer(submission, [], Gallery.CRIMINAL)
    link = desk.confirm(submission)
    assert desk.kept(submission).file is None
    assert desk.dispute(link.link_id).outcome == "reversed"
    assert desk.leg(submission).state is LegState.PARTIAL
    assert "erased" in desk.leg(submission).problem


def lights_out(desk, submission, candidates):
    """What the runner does with a candidate above the bar."""
    from tenprint.workflow import cases, legs, policy, submissions
    from tenprint.workflow.types import Hit, Leg, LegKey

    key = LegKey(submission, Gallery.IMMIGRATION)

    def work(connection):
        version, in_force = policy.current(connection)
        coverage = {"total": 100, "searched": 100, "incomparable": 0}
        legs.record_answer(
            connection, Leg(key, LegState.PENDING, 0, version, desk.now, None, "", coverage, tuple(candidates), [])
        )
        cases.open_hit(connection, submissions.by_id(connection, submission), key, in_force)
        hit = Hit(candidates[0], confirmed=False)
        legs.settle(connection, key, LegState.MATCH, reason="lights out", hit=hit)

    desk.do(work)


@pytest.mark.parametrize(
    ("said", "subject", "state", "outcome"),
    [(IDENTIFIED, "S1", LinkState.CONFIRMED, "upheld"), (EXCLUDED, "", LinkState.REFUTED, "reversed")],
)
def test_examiners_look_afterwards_at_what_the_lights_out_bar_answered(sqlite_desk, said, subject, state, outcome):
    desk = sqlite_desk
    submission = desk.submit()
    lights_out(desk, submission, [candidate("S1", fpir=1e-6)])
    assert [link.state for link in desk.links(submission)] == [LinkState.UNCONFIRMED]
    assert desk.kept(submission).retention == "waiting"
    while desk.next("ann") or desk.next("ben"):
        examiner = "ann" if desk.next("ann") else "ben"
        desk.examine(examiner, said, subject)
    assert [link.state for link in desk.links(submission)] == [state]
    told = {body["outcome"] for body in corrections(desk).values()}
    assert told == ({outcome} if outcome == "upheld" else set())  # cancelled before anybody was told
    assert states(desk, "notice", desk.links(submission)[0].link_id) == {
        OFFICE: "waiting" if outcome == "upheld" else "cancelled"
    }


def test_a_disputed_criminal_hit_is_not_enrolled_meanwhile_and_reviewers_hear_of_one_that_was(sqlite_desk):
    desk = sqlite_desk
    one, two = desk.submit(), desk.submit()
    desk.dispute(desk.confirm(one, Gallery.CRIMINAL).link_id)
    assert desk.kept(one).retention == "held"
    for examiner in ("cas", "dot"):
        desk.examine(examiner, EXCLUDED)
    assert desk.kept(one).retention == "due"
    link = desk.confirm(two, Gallery.CRIMINAL)
    table = schema.submission
    enrolled = {"retention": "done", "subject_id": "S1", "encounter_id": "E-NEW"}
    desk.do(lambda c: c.execute(table.update().where(table.c.submission_id == two).values(enrolled)))
    desk.dispute(link.link_id)
    for examiner in ("cas", "dot"):
        desk.examine(examiner, EXCLUDED)
    assert [row.kind for row in desk.rows(schema.finding)] == [FindingKind.SEVERAL_PRINTS]


def test_a_dispute_takes_the_place_of_an_open_case(sqlite_desk):
    desk = sqlite_desk
    submission = desk.submit()
    lights_out(desk, submission, [candidate("S1", fpir=1e-6)])
    desk.examine("ann", IDENTIFIED, "S1")
    desk.dispute(desk.links(submission)[0].link_id)
    kinds = [(row.kind, row.outcome) for row in desk.rows(schema.case)]
    assert sorted(kinds) == [(CaseKind.DISPUTE, ""), (CaseKind.HIT, "withdrawn")]
    assert desk.next("ann") is None


def test_an_agency_that_is_gone_is_logged(sqlite_desk):
    desk = sqlite_desk
    link = desk.confirm(desk.submit())
    desk.do(lambda c: c.execute(schema.agency.delete().where(schema.agency.c.ori == BUREAU)))
    desk.dispute(link.link_id)
    for examiner in ("cas", "dot"):
        desk.examine(examiner, IDENTIFIED, "S1")
    log = {row.recipient: row.withheld for row in desk.rows(schema.dissemination) if row.kind == "correction"}
    assert log == {COUNTY: "", OFFICE: "", BUREAU: "the agency is no longer known here"}
    assert Bands().lights_out_fpir is None
    assert NOBODY == ""
