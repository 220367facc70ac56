"""The examiners' queue, and what follows from what they say."""

import inspect
import threading

import pytest

from tenprint.client import types as matcher
from tenprint.server.errors import InvalidRequestError
from tenprint.workflow import cases, decision, examination, schema, waiting
from tenprint.workflow.errors import NotEntitledError, StateError
from tenprint.workflow.policy import Bands
from tenprint.workflow.types import Band, Gallery, LegState, LinkState
from tests.workflow.desk import (
    BUREAU,
    COUNTY,
    EXCLUDED,
    IDENTIFIED,
    OFFICE,
    OTHER_UNIT,
    OVERSIGHT,
    UNDECIDED,
    UNIT,
    candidate,
)


def open_case(desk, candidates=None, **values):
    return desk.answer(desk.submit(**values), candidates or [candidate()])


def test_two_who_agree_identify(desk):
    submission = desk.submit()
    case_id = desk.answer(submission, [candidate("S1"), candidate("S2", 2)])
    assert desk.examine("ann", IDENTIFIED, "S1").outcome == ""
    assert desk.leg(submission).state is LegState.REVIEW
    assert desk.messages() == []
    closed = desk.examine("ben", IDENTIFIED, "S1", OTHER_UNIT)
    assert (closed.case_id, closed.outcome, closed.subject_id) == (case_id, "identification", "S1")
    assert desk.leg(submission).state is LegState.MATCH
    assert [(link.subject_id, link.state) for link in desk.links(submission)] == [("S1", LinkState.CONFIRMED)]
    assert [row.recipient for row in desk.messages("notice")] == [OFFICE]


def test_a_third_decides_and_without_a_majority_it_is_partial(desk):
    one, two = desk.submit(), desk.submit()
    desk.answer(one, [candidate("S1")])
    desk.examine("ann", IDENTIFIED, "S1")
    desk.examine("ben", EXCLUDED)
    assert desk.examine("cas", EXCLUDED).outcome == "exclusion"
    assert desk.leg(one).state is LegState.NO_MATCH
    desk.answer(two, [candidate("S1")])
    for examiner, said, subject in (("ann", IDENTIFIED, "S1"), ("ben", EXCLUDED, ""), ("cas", UNDECIDED, "")):
        closed = desk.examine(examiner, said, subject)
    assert closed.outcome == "inconclusive"
    assert desk.leg(two).state is LegState.PARTIAL
    assert "could not decide" in desk.leg(two).problem
    assert desk.messages("notice") == []


def test_everybody_excluded_is_no_match_only_where_everything_was_compared(sqlite_desk):
    desk = sqlite_desk
    whole, part = desk.submit(), desk.submit()
    desk.answer(whole, [candidate()])
    desk.examine("ann", EXCLUDED)
    desk.answer(part, [candidate()], searched=40)
    desk.examine("ann", EXCLUDED)
    assert [desk.leg(item).state for item in (whole, part)] == [LegState.NO_MATCH, LegState.PARTIAL]
    assert "only 40 of 100" in desk.leg(part).problem


def test_one_is_enough_where_policy_says_so(sqlite_desk):
    sqlite_desk.policy(second_examiner=False)
    submission = sqlite_desk.submit()
    sqlite_desk.answer(submission, [candidate("S1")])
    assert sqlite_desk.examine("ann", IDENTIFIED, "S1").outcome == "identification"


def test_queue_order(sqlite_desk):
    """Priority; within it what is overdue, then levels 1, 2, unknown, 3."""
    desk = sqlite_desk
    desk.policy(case_hours={3: 0.01})
    late = open_case(desk, priority=3, level=3)
    desk.policy(case_hours={3: 2.0})
    desk.later(60)
    by_level = {level: open_case(desk, priority=3, level=level) for level in (3, 0, 2, 1)}
    urgent = open_case(desk, priority=1, level=3)
    expected = [urgent, late, *(by_level[level] for level in (1, 2, 0, 3))]
    with desk.database.read() as connection:
        assert [item.case_id for item in cases.queue(connection, None, 100, desk.now)] == expected
        assert cases.overdue(connection, desk.now) == 1
    assert waiting.counts(desk.database)["case", "open"] == 6
    taken = [desk.next(f"examiner {number}").case_id for number in range(6)]
    assert taken == expected
    assert desk.next("one more") is None


def test_leases(desk):
    case_id = open_case(desk)
    assert desk.next("ann").case_id == case_id
    assert desk.next("ben") is None
    desk.later(1700)
    again = desk.next("ann")  # a lost answer costs nothing
    assert (again.case_id, again.leased_until > desk.now) == (case_id, True)
    desk.do(lambda c: examination.renew(c, case_id, "ann", UNIT, desk.now))
    desk.later(1799)
    assert desk.next("ben") is None
    desk.later(2)
    assert desk.next("ben").case_id == case_id
    with pytest.raises(StateError, match="not leased to ann"):
        desk.decide(case_id, "ann", EXCLUDED)
    desk.do(lambda c: examination.release(c, case_id, "ben", UNIT, desk.now))
    assert desk.next("ann").case_id == case_id
    with pytest.raises(StateError, match="not leased to ben"):
        desk.do(lambda c: examination.renew(c, case_id, "ben", UNIT, desk.now))


def test_of_many_who_ask_at_once_each_gets_another_case(desk):
    """And nobody the same: on PostgreSQL they ask in transactions of their own."""
    count = 6
    opened = {open_case(desk) for _ in range(count)}
    taken, start = [], threading.Barrier(count)

    def ask(number):
        start.wait()
        taken.append(desk.next(f"examiner {number}"))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {item.case_id for item in taken if item is not None} == opened


def test_nobody_decides_twice(sqlite_desk):
    desk = sqlite_desk
    case_id = open_case(desk, [candidate("S1")])
    desk.examine("ann", IDENTIFIED, "S1")
    assert desk.next("ann") is None
    assert desk.next("ann", OTHER_UNIT) is None
    assert desk.decide(case_id, "ann", IDENTIFIED, "S1").case_id == case_id  # the same again: nothing new
    with pytest.raises(StateError, match="decided it before"):
        desk.decide(case_id, "ann", EXCLUDED)
    with pytest.raises(StateError, match="not leased"):
        desk.decide(case_id, "ben", EXCLUDED)
    assert len(desk.rows(schema.opinion)) == 1


@pytest.mark.parametrize("ori", [COUNTY, BUREAU, OFFICE, OVERSIGHT])
def test_only_examiners_units_decide(sqlite_desk, ori):
    open_case(sqlite_desk)
    with pytest.raises(NotEntitledError, match="examiner_unit"):
        sqlite_desk.next("ann", ori)


def test_a_unit_that_booked_may_not_decide(sqlite_desk):
    """An ORI whose role has changed since: it is a party to what it booked."""
    case_id = open_case(sqlite_desk, ori=UNIT)
    assert sqlite_desk.next("ann") is None
    assert sqlite_desk.next("ann", OTHER_UNIT).case_id == case_id
    with pytest.raises(NotEntitledError):
        sqlite_desk.decide(case_id, "ann", EXCLUDED, ori=UNIT)


@pytest.mark.parametrize(("said", "subject"), [(IDENTIFIED, "S9"), (IDENTIFIED, ""), (EXCLUDED, "S1")])
def test_an_identification_names_a_candidate_and_nothing_else_does(sqlite_desk, said, subject):
    case_id = open_case(sqlite_desk, [candidate("S1")])
    sqlite_desk.next("ann")
    with pytest.raises(InvalidRequestError, match="subject_id"):
        sqlite_desk.decide(case_id, "ann", said, subject)
    assert sqlite_desk.rows(schema.opinion) == []


def test_what_is_not_kept_is_erased_once_examiners_are_done(sqlite_desk):
    desk = sqlite_desk
    submission = desk.submit(retain=False)
    desk.answer(submission, [], Gallery.CRIMINAL)
    desk.answer(submission, [candidate("S1")])
    desk.examine("ann", IDENTIFIED, "S1")
    assert desk.kept(submission).file is not None
    desk.examine("ben", IDENTIFIED, "S1")
    assert desk.kept(submission).file is None


def found(score, fpir, subject):
    return matcher.Candidate(1, subject, f"E-{subject}", score, (), None, fpir)


def test_bands_are_computed_from_the_score_and_the_policy_alone():
    """R10: no level, priority, offence or anything about a person can reach a threshold: it is not a parameter."""
    assert list(inspect.signature(decision.in_bands).parameters) == ["candidates", "bands"]
    assert list(inspect.signature(decision.passes_lights_out).parameters) == ["candidate", "bands"]
    assert set(Bands.model_fields) == {"match_fpir", "review_fpir", "least_score", "lights_out_fpir"}


def test_level_priority_and_offence_move_no_decision(sqlite_desk):
    """R10, through the flow: the same candidates come to the same, whatever the charge; only the order differs."""
    desk = sqlite_desk
    told = set()
    for priority in (1, 4, 9):
        for level, offence in ((1, "0999"), (2, "2399"), (3, "5404"), (0, "")):
            submission = desk.submit(priority=priority, level=level, offence=offence)
            desk.answer(submission, [candidate("S1", band=Band.MATCH, fpir=1e-4), candidate("S2", 2)])
            desk.examine("ann", IDENTIFIED, "S1")
            before = desk.leg(submission)
            desk.examine("ben", IDENTIFIED, "S1")
            after = desk.leg(submission)
            told.add((before.state, before.candidates, before.policy_version, after.state, after.problem))
    assert len(told) == 1
