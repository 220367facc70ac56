"""The drop folder: what is handed in, refused, put aside, left alone, and what a crash leaves behind."""

import os

import nistitl
import pytest

from tenprint.store import StoreUnavailableError
from tenprint.workflow.drop_folder import UNREADABLE, DropFolder, FolderLimits
from tenprint.workflow.ebts import SubmissionError, read_submission
from tenprint.workflow.ebts.errors import Problem, Sender
from tenprint.workflow.metrics import WorkflowMetrics
from tests.workflow.ebts.conftest import ebts_file
from tests.workflow.servers import BUREAU, eventually, make_workflow

ORI = "WVSIB0000"
GOOD = ebts_file()
BAD = ebts_file(fields={18: None}, header={9: "TCN-0000000002"})


class Taker:
    """What stands behind the folder: takes valid files once, and fails where it is told to."""

    def __init__(self):
        self.calls, self.taken, self.fault = [], {}, None

    async def __call__(self, ori, name, data):
        self.calls.append((ori, name))
        if self.fault is not None:
            raise self.fault
        self.taken[(ori, read_submission(data).tcn)] = data


@pytest.fixture
def taker():
    return Taker()


@pytest.fixture
def home(tmp_path):
    for ori in (ORI, "notanagency"):
        (tmp_path / ori / "in").mkdir(parents=True)
    return tmp_path / ORI


@pytest.fixture
def metrics():
    return WorkflowMetrics()


@pytest.fixture
def folder(home, taker, metrics):
    """One without pauses."""
    return DropFolder(home.parent, taker, metrics, FolderLimits(max_bytes=20_000, max_files=3, seconds=0, attempts=4))


def listing(home):
    """Folder by folder what lies there, claims taken off."""
    return {
        name: sorted(path.name.partition(".")[2] if name in {"taken", "refused"} else path.name for path in here)
        for name in ("in", "taken", "refused")
        if (here := list((home / name).iterdir()))
    }


def answers(home):
    found = []
    for path in sorted((home / "out").iterdir()):
        message = nistitl.Message()
        message.parse(path.read_bytes())
        found.append(message)
    return found


async def settle(folder):
    """A first look, and a second that finds the same."""
    return await folder.turn() + await folder.turn()


async def test_a_file_at_rest_is_handed_in_and_gone(folder, home, taker):
    (home / "in" / "booking 1.ebts").write_bytes(GOOD)
    assert await folder.turn() == 0
    assert await folder.turn() == 1
    assert taker.calls == [(ORI, "booking 1.ebts")]
    assert listing(home) == {}
    assert answers(home) == []


async def test_a_file_that_grows_is_left_until_it_rests(folder, home, taker):
    path = home / "in" / "booking.ebts"
    for size in (100, 200, len(GOOD)):
        path.write_bytes(GOOD[:size])
        assert await folder.turn() == 0
    assert await folder.turn() == 1
    assert list(taker.taken) == [(ORI, "TCN-0000000001")]


async def test_what_is_unfinished_or_no_file_is_left_alone(folder, home, taker):
    for name in (".hidden", "a.tmp", "b.part"):
        (home / "in" / name).write_bytes(GOOD)
    (home / "in" / "c").mkdir()
    (home / "secret").write_bytes(GOOD)
    (home / "in" / "link.ebts").symlink_to(home / "secret")
    os.mkfifo(home / "in" / "pipe")
    (home.parent / "notanagency" / "in" / "x.ebts").write_bytes(GOOD)
    assert await settle(folder) == 0
    assert taker.calls == []
    assert len(list((home / "in").iterdir())) == 6
    (home / "in" / "a.tmp").rename(home / "in" / "a.ebts")
    assert await settle(folder) == 1


async def test_a_refused_file_is_answered_and_put_aside(folder, home):
    (home / "in" / "bad.ebts").write_bytes(BAD)
    assert await settle(folder) == 1
    assert listing(home) == {"refused": ["bad.ebts"]}
    (refused,) = (home / "refused").iterdir()
    assert refused.read_bytes() == BAD
    assert [path.name for path in (home / "out").iterdir()] == [f"errt-{refused.name.partition('.')[0]}.ebts"]
    ((head, person),) = answers(home)
    assert (head.TOT, head.DAI, head.ORI, head.TCR) == ("ERRT", ORI, "WVIAFIS0Z", "TCN-0000000002")
    assert person[60].value.startswith("2.018 MISSING_FIELD")


async def test_files_that_nobody_can_read_are_answered_too(folder, home, taker):
    (home / "in" / "letter.txt").write_bytes(b"Dear sir")
    (home / "in" / "huge.ebts").write_bytes(GOOD + b" " * 20_000)
    (home / "in" / "empty.ebts").write_bytes(b"")
    assert await settle(folder) == 3
    assert listing(home) == {"refused": ["empty.ebts", "huge.ebts", "letter.txt"]}
    told = {(message[0].TCR, message[1][60].value.split(":")[0]) for message in answers(home)}
    assert told == {(UNREADABLE, "1.001 NOT_READABLE"), ("TCN-0000000001", "1.001 TOO_LARGE")}
    assert (ORI, "huge.ebts") not in taker.calls


async def test_a_refusal_of_the_taker_itself_is_answered(home, metrics):
    async def refuse(*_):
        raise SubmissionError([Problem("1.008", "WRONG_ORI", "ORI: another agency's")], Sender(None, None, None))

    (home / "in" / "a.ebts").write_bytes(GOOD)
    assert await settle(DropFolder(home.parent, refuse, metrics, FolderLimits())) == 1
    ((head, person),) = answers(home)
    assert (head.TCR, person[60].value) == ("TCN-0000000001", "1.008 WRONG_ORI: ORI: another agency's")


async def test_what_cannot_be_taken_now_stays_and_is_handed_in_again(folder, home, taker):
    (home / "in" / "a.ebts").write_bytes(GOOD)
    taker.fault = StoreUnavailableError("away")
    assert await settle(folder) == 0
    assert listing(home) == {"taken": ["a.ebts"]}
    assert answers(home) == []
    taker.fault = None
    assert await folder.turn() == 1
    assert listing(home) == {}


def counted(metrics):
    """Attempts by what became of them."""
    (family,) = [item for item in metrics.registry.collect() if item.name == "tenprint_workflow_dropped_files"]
    return {sample.labels["outcome"]: sample.value for sample in family.samples}


async def test_a_database_that_is_away_for_long_costs_no_file(folder, home, taker, metrics):
    (home / "in" / "a.ebts").write_bytes(GOOD)
    taker.fault = StoreUnavailableError("away")
    for _ in range(20):
        assert await folder.turn() == 0
    assert listing(home) == {"taken": ["a.ebts"]}
    taker.fault = None
    assert await folder.turn() == 1
    assert taker.taken == {(ORI, "TCN-0000000001"): GOOD}
    assert counted(metrics) == {"postponed": 19, "taken": 1}


async def test_what_fails_for_the_servers_own_fault_is_given_up_answered_and_kept(folder, home, taker, metrics):
    (home / "in" / "a.ebts").write_bytes(GOOD)
    taker.fault = ZeroDivisionError()
    assert [await folder.turn() for _ in range(6)] == [0, 0, 0, 0, 1, 0]
    assert len(taker.calls) == 4
    assert listing(home) == {"refused": ["a.ebts"]}
    assert next((home / "refused").iterdir()).read_bytes() == GOOD
    ((head, person),) = answers(home)
    assert (head.TCR, person[60].value) == (
        "TCN-0000000001", "1.001 NOT_TAKEN: LEN: the server failed 4 times; ask its operator"
    )  # fmt: skip
    assert counted(metrics) == {"postponed": 3, "given_up": 1}


async def test_a_file_that_waits_keeps_no_other_from_being_taken(home, taker, metrics):
    folder = DropFolder(home.parent, taker, metrics, FolderLimits(max_files=1, seconds=3600))
    (home / "in" / "a.ebts").write_bytes(GOOD)
    taker.fault = ZeroDivisionError()
    assert await settle(folder) == 0
    taker.fault = None
    (home / "in" / "b.ebts").write_bytes(ebts_file(header={9: "TCN-0000000002"}))
    assert await settle(folder) == 1
    assert await folder.turn() == 0, "its pause is not over"
    assert listing(home) == {"taken": ["a.ebts"]}


async def test_a_file_that_cannot_be_read_is_given_up_too(folder, home, monkeypatch):
    (home / "in" / "a.ebts").write_bytes(GOOD)
    monkeypatch.setattr(DropFolder, "_read", lambda *_: (_ for _ in ()).throw(PermissionError()))
    assert [await folder.turn() for _ in range(5)] == [0, 0, 0, 0, 1]
    assert listing(home) == {"refused": ["a.ebts"]}


@pytest.mark.parametrize("data", [GOOD, BAD])
async def test_a_process_killed_at_any_step_leaves_nothing_undone(home, taker, monkeypatch, data):
    """Every rename, every unlink, every sync is once the last thing that the process did."""

    class KilledError(BaseException):
        pass

    path = type(home)
    steps = {name: getattr(path, name) for name in ("rename", "unlink")} | {"fsync": os.fsync}
    survived = 0
    for last in range(12):
        left = [last]

        def dying(real, left=left):
            def step(*args, **named):
                if left[0] == 0:
                    raise KilledError
                left[0] -= 1
                return real(*args, **named)

            return step

        (home / "in" / "a.ebts").write_bytes(data)
        with monkeypatch.context() as patched:
            patched.setattr(path, "rename", dying(steps["rename"]))
            patched.setattr(path, "unlink", dying(steps["unlink"]))
            patched.setattr(os, "fsync", dying(steps["fsync"]))
            try:
                await settle(DropFolder(home.parent, taker, WorkflowMetrics(), FolderLimits()))
                survived += 1
            except KilledError:
                pass
        await settle(DropFolder(home.parent, taker, WorkflowMetrics(), FolderLimits()))
        if data is GOOD:
            assert listing(home) == {}
            assert taker.taken == {(ORI, "TCN-0000000001"): GOOD}
        else:
            assert listing(home) == {"refused": ["a.ebts"]}
            assert len({message[0].TCN for message in answers(home)}) == 1
        for name in ("out", "refused"):
            for each in (home / name).iterdir():
                each.unlink()
        taker.taken.clear()
    assert 0 < survived < 12


async def test_two_files_of_one_name_never_meet(folder, home, taker):
    taker.fault = StoreUnavailableError("away")
    for number in (1, 2):
        (home / "in" / "same.ebts").write_bytes(ebts_file(header={9: f"TCN-000000000{number}"}))
        await settle(folder)
    taker.fault = None
    assert await folder.turn() == 2
    assert len(taker.taken) == 2


async def test_a_turn_takes_only_so_many_and_a_long_name_stops_nobody(folder, home, taker):
    for number in range(5):
        data = ebts_file(header={9: f"TCN-000000000{number}"})
        (home / "in" / f"{number}{'x' * 200}.ebts").write_bytes(data)
    assert await settle(folder) == 3
    assert await folder.turn() == 2
    assert len(taker.taken) == 5


async def test_one_agencys_broken_folder_does_not_stop_the_others(folder, home):
    other = home.parent / "AASIB0000"
    other.mkdir()
    (other / "in").write_text("not a folder")
    (home / "in" / "a.ebts").write_bytes(GOOD)
    assert await settle(folder) == 1


async def test_the_process_takes_bookings_from_its_folder_and_refuses_the_others(tmp_path):
    root = tmp_path / "drop"
    for ori in (BUREAU, "ZZSIB0000"):
        (root / ori / "in").mkdir(parents=True)
    workflow = make_workflow(tmp_path / "workflow", DROP_FOLDER=str(root), CRIMINAL_MATCHER="127.0.0.1:1").start()
    try:
        good = ebts_file(header={8: BUREAU}, fields={73: BUREAU})
        (root / BUREAU / "in" / "good.ebts").write_bytes(good)
        (root / BUREAU / "in" / "foreign.ebts").write_bytes(GOOD)
        (root / "ZZSIB0000" / "in" / "stranger.ebts").write_bytes(ebts_file(header={8: "ZZSIB0000"}))
        eventually(lambda: list((root / "ZZSIB0000" / "refused").glob("*")))
        eventually(lambda: not list((root / BUREAU / "in").iterdir()) and not list((root / BUREAU / "taken").iterdir()))
        assert workflow.status(BUREAU, "TCN-0000000001").tcn == "TCN-0000000001"
        assert listing(root / BUREAU) == {"refused": ["foreign.ebts"]}
        ((_, foreign),) = answers(root / BUREAU)
        ((_, stranger),) = answers(root / "ZZSIB0000")
        assert foreign[60].value.startswith("1.008 WRONG_ORI")
        assert stranger[60].value.startswith("1.008 UNKNOWN_AGENCY")
    finally:
        workflow.stop()
