"""What may not be kept is nowhere any more: not in a table, not in a file of the database."""

import json

from sqlalchemy import update

from tenprint.workflow import schema
from tenprint.workflow.doorbell import Doorbell
from tenprint.workflow.eraser import Eraser, forget_delivered
from tenprint.workflow.types import Gallery, MessageState
from tests.workflow.desk import BUREAU

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


def acknowledged(desk):
    desk.do(lambda c: c.execute(update(schema.message).values(state=MessageState.ACKNOWLEDGED)) and None)


def test_nothing_about_the_person_is_left_once_the_answers_are_acknowledged(sqlite_desk, tmp_path):
    desk = sqlite_desk
    submission = submitted(desk, retain=False)
    answered(desk, submission)
    kept = desk.kept(submission)
    assert (kept.file, kept.demographics, kept.claimed, kept.attention) == (None, {}, "", "")
    assert NAME in desk.sent(BUREAU, "answer")[0].demographics[0].values  # it has to go out
    eraser = Eraser(desk.database, Doorbell())
    assert eraser.scrub() == 1
    assert FILE[:40] not in files_of(tmp_path)
    acknowledged(desk)
    desk.do(forget_delivered)
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
    acknowledged(desk)
    desk.do(forget_delivered)
    assert Eraser(desk.database, Doorbell()).scrub() == 0
    kept = desk.kept(submission)
    assert (kept.file, kept.demographics) == (FILE, {"NAM": [NAME]})


def test_half_answered_is_not_erased(sqlite_desk):
    desk = sqlite_desk
    submission = submitted(desk, retain=False)
    desk.answer(submission, [], Gallery.CRIMINAL)
    assert desk.kept(submission).file == FILE
