"""Contradictions are found, held back, shown together and closed by people; nothing merges by itself."""

import pytest
from sqlalchemy import update

from tenprint.workflow import reviews, schema
from tenprint.workflow.errors import NotEntitledError, StateError, UnknownItemError
from tenprint.workflow.types import Band, FindingKind, FindingState, Gallery
from tests.workflow.desk import COUNTY, EXCLUDED, OVERSIGHT, UNIT, candidate


def enrolled(desk, submission, subject):
    """As the runner keeps it."""
    table = schema.submission
    done = {"retention": "done", "subject_id": subject, "encounter_id": f"E-{submission[:8]}"}
    desk.do(lambda c: c.execute(update(table).where(table.c.submission_id == submission).values(done)))


def listed(desk, ori=OVERSIGHT, state=None):
    with desk.database.read() as connection:
        return reviews.listed(connection, ori, state, 100)


def close(desk, finding, state=FindingState.DISMISSED, reviewer="rae", reason="twins"):
    return desk.do(lambda c: reviews.close(c, finding.finding_id, OVERSIGHT, reviewer, state, reason, desk.now))


def test_one_capture_filed_for_seven_people(desk):
    """OIG-12-111: the same prints filed for seven different people within hours."""
    people = [desk.submit(claimed=f"person {number}", images=[f"image {number}", "shared"]) for number in range(7)]
    desk.submit(claimed="person 8", images=["image 8"])
    (found,) = listed(desk)
    assert found.kind is FindingKind.ONE_CAPTURE_SEVERAL_PEOPLE
    assert [item.submission_id for item in found.submissions] == people
    assert [item.claim for item in found.submissions] == [1, 2, 3, 4, 5, 6, 7]
    for submission in people:
        desk.answer(submission, [], Gallery.CRIMINAL)
        assert desk.kept(submission).retention == "held"
    close(desk, found, FindingState.UPHELD, reason="the livescan was not cleared between bookings")
    assert {desk.kept(submission).retention for submission in people} == {"due"}


def test_the_same_person_booked_twice_with_the_same_images_is_no_contradiction(sqlite_desk):
    for _ in range(2):
        sqlite_desk.submit(claimed="one person", images=["shared"])
    sqlite_desk.submit(claimed="", images=["shared"])
    assert listed(sqlite_desk) == []


def test_a_closed_finding_opens_again_for_somebody_new_alone(sqlite_desk):
    desk = sqlite_desk
    for number in range(2):
        desk.submit(claimed=f"person {number}", images=["shared"])
    close(desk, listed(desk)[0])
    desk.submit(claimed="person 2", images=["shared"])
    (found,) = listed(desk)
    assert (found.state, len(found.submissions)) == (FindingState.QUARANTINED, 3)


def test_the_same_prints_under_several_identities(sqlite_desk):
    desk = sqlite_desk
    submission = desk.submit()
    candidates = [candidate("S2", 1, Band.MATCH), candidate("S1", 2, Band.MATCH), candidate("S3", 3, Band.REVIEW)]
    desk.answer(submission, candidates, Gallery.CRIMINAL)
    (found,) = listed(desk)
    assert found.kind is FindingKind.SEVERAL_SUBJECTS
    assert [(item.kind, item.name) for item in found.subjects] == [("criminal", "S1"), ("criminal", "S2")]
    again = desk.submit()
    desk.answer(again, candidates, Gallery.CRIMINAL)
    (found,) = listed(desk)
    assert [item.submission_id for item in found.submissions] == [submission, again]
    desk.examine("ann", EXCLUDED)
    assert desk.kept(submission).retention == "held"


@pytest.mark.parametrize("here", ["", "S2"])
def test_one_claimed_identity_with_several_peoples_prints(sqlite_desk, here):
    desk = sqlite_desk
    first, second = desk.submit(claimed="one"), desk.submit(claimed="one")
    desk.answer(first, [], Gallery.CRIMINAL)
    assert listed(desk) == []
    enrolled(desk, first, "S1")
    if here:
        desk.confirm(second, Gallery.CRIMINAL, here)
    else:
        desk.answer(second, [], Gallery.CRIMINAL)
    (found,) = listed(desk)
    assert found.kind is FindingKind.SEVERAL_PRINTS
    assert {item.name for item in found.subjects} == {"S1", here} - {""}
    assert desk.kept(second).retention == "held"
    close(desk, found)
    assert desk.kept(second).retention == "due"


def test_the_same_identity_and_the_same_person_is_no_contradiction(sqlite_desk):
    desk = sqlite_desk
    first, second = desk.submit(claimed="one"), desk.submit(claimed="one")
    enrolled(desk, first, "S1")
    desk.confirm(second, Gallery.CRIMINAL, "S1")
    assert listed(desk) == []
    assert desk.kept(second).retention == "due"


def test_two_people_of_one_name_are_told_apart_once(sqlite_desk):
    """A reviewer who has said that they are two is not asked again when either is booked again."""
    desk = sqlite_desk
    first, second, third, fourth = (desk.submit(claimed="one") for _ in range(4))
    enrolled(desk, first, "S1")
    desk.confirm(second, Gallery.CRIMINAL, "S2")
    enrolled(desk, second, "S2")
    close(desk, listed(desk)[0], reason="two people of one name and birth date")
    desk.confirm(third, Gallery.CRIMINAL, "S1")
    assert [item.state for item in listed(desk)] == [FindingState.DISMISSED]
    desk.confirm(fourth, Gallery.CRIMINAL, "S3")
    assert [item.state for item in listed(desk)] == [FindingState.QUARANTINED]


def test_one_person_in_both_databases_is_shown_to_few_and_holds_nothing(sqlite_desk):
    desk = sqlite_desk
    submission = desk.submit()
    desk.confirm(submission, Gallery.CRIMINAL, "C1")
    assert listed(desk) == []
    desk.confirm(submission, Gallery.IMMIGRATION, "I1")
    (found,) = listed(desk)
    assert found.kind is FindingKind.BOTH_GALLERIES
    assert [(item.kind, item.name) for item in found.subjects] == [("criminal", "C1"), ("immigration", "I1")]
    assert desk.kept(submission).retention == "due"
    assert listed(desk, UNIT) == []
    with pytest.raises(UnknownItemError):
        desk.do(lambda c: reviews.close(c, found.finding_id, UNIT, "u", FindingState.DISMISSED, "no", desk.now))


def test_only_reviewers_see_and_close_and_they_close_once(sqlite_desk):
    desk = sqlite_desk
    for number in range(2):
        desk.submit(claimed=f"person {number}", images=["shared"])
    with pytest.raises(NotEntitledError):
        listed(desk, COUNTY)
    (found,) = listed(desk, UNIT, FindingState.QUARANTINED)
    closed = close(desk, found)
    assert (closed.state, closed.reviewer) == (FindingState.DISMISSED, "rae")
    assert close(desk, found) == closed
    with pytest.raises(StateError, match="dismissed"):
        close(desk, found, FindingState.UPHELD)
    assert listed(desk, UNIT, FindingState.QUARANTINED) == []
