"""What may not be kept is nowhere any more: not in a table, not in a file of the database."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import update

from tenprint.v1 import submissions_pb2
from tenprint.workflow import deliveries, schema
from tenprint.workflow.doorbell import Doorbell
from tenprint.workflow.eraser import Eraser
from tenprint.workflow.metrics import WorkflowMetrics
from tenprint.workflow.types import Gallery, MessageState
from tests.workflow.desk import BUREAU

DELIVERIES = "tenprint_workflow_deliveries"
NAME, FILE = "NOBODY,NAMED NOWHERE ELSE", b"a file that stands nowhere else" * 500


def files_of(tmp_path):
    return b"".join(path.read_bytes() for path in tmp_path.glob("workflow.db*"))


def submitted(desk, *, retain):
    demographics = json.dumps({"NAM": [NAME]})
    return desk.submit(
        retain=retain, claimed="c" * 64, demographics=demographics, file=FILE, attention="DET NOWHERE ELSE"
    )


def answered(desk, submission):
    for gallery in Gallery:
        desk.answer(submission, [], gallery)


def an_eraser(desk):
    """One, and what it counts as expired by channel."""
    metrics = WorkflowMetrics()

    def expired():
        samples = (sample for item in metrics.registry.collect() for sample in item.samples)
        return sum(s.value for s in samples if s.name == f"{DELIVERIES}_total" and s.labels["outcome"] == "expired")

    return Eraser(desk.database, Doorbell(), metrics), expired


def turned(desk, state):
    desk.do(lambda c: c.execute(update(schema.message).values(state=state)) and None)


def test_nothing_about_the_person_is_left_once_the_answers_are_acknowledged(sqlite_desk, tmp_path):
    desk = sqlite_desk
    submission = submitted(desk, retain=False)
    answered(desk, submission)
    kept = desk.kept(submission)
    assert (kept.file, kept.demographics, kept.claimed, kept.attention) == (None, {}, "", "")
    assert NAME in desk.sent(BUREAU, "answer")[0].demographics[0].values  # it has to go out
    eraser, _ = an_eraser(desk)
    assert eraser.scrub() == 1
    assert FILE[:40] not in files_of(tmp_path)
    turned(desk, MessageState.ACKNOWLEDGED)
    eraser.forget(desk.now)
    assert eraser.scrub() == 1
    left = files_of(tmp_path)
    assert NAME.encode() not in left
    assert b"DET NOWHERE ELSE" not in left
    assert eraser.scrub() == 0
    assert desk.kept(submission).scrubbed_at is not None


def test_what_is_to_be_kept_stays(sqlite_desk):
    desk = sqlite_desk
    submission = submitted(desk, retain=True)
    answered(desk, submission)
    turned(desk, MessageState.ACKNOWLEDGED)
    eraser, _ = an_eraser(desk)
    eraser.forget(desk.now + timedelta(days=4000))
    assert eraser.scrub() == 0
    kept = desk.kept(submission)
    assert (kept.file, kept.demographics) == (FILE, {"NAM": [NAME]})


def test_half_answered_is_not_erased(sqlite_desk):
    desk = sqlite_desk
    submission = submitted(desk, retain=False)
    desk.answer(submission, [], Gallery.CRIMINAL)
    assert desk.kept(submission).file == FILE


@pytest.mark.parametrize("state", [MessageState.WAITING, MessageState.DELIVERED])
def test_what_nobody_acknowledges_is_erased_after_the_policys_days_and_dead(sqlite_desk, tmp_path, state):
    desk = sqlite_desk
    desk.policy(keep_undelivered_days=7)
    answered(desk, submitted(desk, retain=False))
    turned(desk, state)
    eraser, expired = an_eraser(desk)
    eraser.forget(desk.now + timedelta(days=6))
    assert expired() == 0
    assert NAME in desk.sent(BUREAU, "answer")[0].demographics[0].values
    eraser.forget(desk.now + timedelta(days=8))
    messages = desk.messages()
    assert {(row.state, row.due_at, row.file) for row in messages if row.recipient == BUREAU} == {("dead", None, None)}
    assert "not acknowledged in 7 days" in messages[0].problem
    assert expired() == len([row for row in messages if row.state == "dead"]) > 0
    (answer, _) = desk.sent(BUREAU, "answer")
    assert (list(answer.demographics), answer.outcome) == ([], submissions_pb2.LEG_STATE_NO_MATCH)
    eraser.scrub()
    assert NAME.encode() not in files_of(tmp_path)
    ids = [row.message_id for row in messages if row.recipient == BUREAU]
    desk.do(lambda c: deliveries.redeliver(c, BUREAU, ids, desk.now))
    eraser.forget(desk.now + timedelta(days=9))
    assert {row.state for row in desk.messages() if row.recipient == BUREAU} == {"waiting"}, "to go without it"


@pytest.mark.parametrize(
    ("state", "days"), [(MessageState.CANCELLED, 0), (MessageState.DEAD, 31), (MessageState.FROZEN, 31)]
)
def test_what_will_not_go_out_or_waits_for_examiners_is_erased_and_stays_what_it_is(sqlite_desk, tmp_path, state, days):
    desk = sqlite_desk
    answered(desk, submitted(desk, retain=False))
    turned(desk, state)
    eraser, expired = an_eraser(desk)
    eraser.forget(desk.now + timedelta(days=days))
    eraser.scrub()
    assert NAME.encode() not in files_of(tmp_path)
    assert {row.state for row in desk.messages()} == {state}
    assert expired() == 0
