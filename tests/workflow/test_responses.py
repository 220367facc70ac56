"""An answer goes out also where its EBTS file cannot be written."""

from tenprint.workflow.types import Gallery
from tests.workflow.desk import BUREAU


def test_a_policy_that_no_file_can_carry_costs_the_file_and_not_the_answer(sqlite_desk):
    desk = sqlite_desk
    desk.policy(complaints="a box\x1fwith a separator")
    submission = desk.submit()
    for gallery in Gallery:
        desk.answer(submission, [], gallery)
    assert {answer.complaints for answer in desk.sent(BUREAU, "answer")} == {"a box\x1fwith a separator"}
    assert [row.file for row in desk.messages()] == [None] * len(desk.messages())
