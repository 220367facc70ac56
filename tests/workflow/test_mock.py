"""`tenprint mock` in a process of its own: every pattern, through the doors that a vendor uses."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenprint.client.errors import InvalidRequestError
from tenprint.client.workflow import WorkflowClient
from tenprint.store import Database
from tenprint.v1 import adjudication_pb2, messages_pb2, statistics_pb2, submissions_pb2
from tenprint.workflow import agencies, submissions
from tenprint.workflow.mock import AGENCIES, LONGEST_DELAY, Script, script_of
from tenprint.workflow.schema import MIGRATIONS
from tenprint.workflow.types import Gallery
from tests.workflow.ebts.conftest import ebts_file, image
from tests.workflow.servers import eventually

COUNTY, BUREAU, OFFICE, UNIT, OVERSIGHT = "ZZCOUNTY1", "ZZBUREAU1", "ZZOFFICE1", "ZZEXAMIN1", "ZZOVERSE1"
COMMAND = Path(sys.executable).parent / "tenprint"
PENDING, REVIEW, MATCH, NO_MATCH, PARTIAL, ERROR = (
    submissions_pb2.LegState.Value(f"LEG_STATE_{name}")
    for name in ("PENDING", "REVIEW", "MATCH", "NO_MATCH", "PARTIAL", "ERROR")
)


def start(folder, *options):
    ports, log = folder / "ports.json", folder / "log.jsonl"
    command = [COMMAND, "mock", "--listen", "127.0.0.1:0", "--port-file", ports, *options]
    with log.open("w") as file:
        process = subprocess.Popen([str(part) for part in command], stdout=file, stderr=file)
    deadline = time.monotonic() + 60
    while not ports.exists():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
    return process, json.loads(ports.read_text())["listen"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """URL of the mock's database."""
    return f"sqlite:///{tmp_path_factory.mktemp('kept')}/mock.db"


@pytest.fixture(scope="module")
def mock(tmp_path_factory, kept):
    process, address = start(tmp_path_factory.mktemp("mock"), "--database-url", kept)
    with WorkflowClient(address) as client:
        yield client
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def submit(client, tcn, ori=COUNTY):
    file = ebts_file(header={8: ori, 9: tcn}, fields={73: ori})
    return client.call(client.submissions.Submit, submissions_pb2.SubmitRequest(ori=ori, purpose="C", file=file))


def legs(client, tcn, ori=COUNTY):
    request = submissions_pb2.GetSubmissionRequest(ori=ori, tcn=tcn)
    return {leg.gallery: leg for leg in client.call(client.submissions.GetSubmission, request).submission.legs}


def until(client, tcn, *states):
    """Wait until the legs, criminal first, stand as stated."""
    deadline = time.monotonic() + 30
    while True:
        found = legs(client, tcn)
        if tuple(found[gallery].state for gallery in Gallery) == states:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def received(client, ori, tcn, many):
    """The messages about a submission, off a recipient's stream; each is acknowledged."""
    stream = client.stream(client.messages.Receive, messages_pb2.ReceiveRequest(ori=ori))
    found = []
    for response in stream:
        request = messages_pb2.AcknowledgeRequest(ori=ori, message_ids=[response.message.message_id])
        client.call(client.messages.Acknowledge, request)
        content = getattr(response.message, response.message.WhichOneof("content"))
        if content.tcr == tcn:
            found.append(response.message)
        if len(found) == many:
            stream.close()
            return found
    raise AssertionError("the stream ended")


def test_a_hit_is_answered_and_announced_and_marked_unconfirmed(mock):
    tcn = "VENDOR-HIT-000001"
    submit(mock, tcn)
    found = until(mock, tcn, MATCH, MATCH)
    for gallery, leg in found.items():
        assert leg.statement == "identity only, not a status; verify before action"
        assert not leg.confirmed
        assert leg.file
        assert leg.subject_id == f"MOCK-{gallery.upper()}-1"
    answers = received(mock, BUREAU, tcn, 2)
    assert {message.WhichOneof("content") for message in answers} == {"answer"}
    (notice,) = received(mock, OFFICE, tcn, 1)
    assert not notice.notice.confirmed


def test_prints_of_a_hit_that_nobody_examines_are_kept_under_the_person_hit(mock, kept):
    """The mock's policy: the lights-out bar answers, and no examiner looks afterwards."""
    tcn, print_ = "VENDOR-CRIMINAL.HIT-0009", image(1, 1)
    print_.DATA = bytes(reversed(print_.DATA))  # nobody else's
    person = {5: "Y", 18: "ROE,RICHARD", 22: "19700101", 73: COUNTY}
    file = ebts_file(header={8: COUNTY, 9: tcn}, fields=person, images=[print_])
    mock.call(mock.submissions.Submit, submissions_pb2.SubmitRequest(ori=COUNTY, purpose="C", file=file))
    until(mock, tcn, MATCH, NO_MATCH)
    database = Database(kept, migrations=MIGRATIONS)

    def enrolled():
        with database.read() as connection:
            return submissions.by_transaction(connection, COUNTY, tcn).subject_id

    assert eventually(enrolled) == "MOCK-CRIMINAL-1"
    database.close()


def test_without_a_word_it_is_no_match(mock):
    submit(mock, "VENDOR-00000000002")
    found = until(mock, "VENDOR-00000000002", NO_MATCH, NO_MATCH)
    assert all(leg.file and not leg.statement for leg in found.values())


@pytest.mark.parametrize("word", ["ERROR", "PARTIAL"])
def test_error_and_partial_never_read_as_no_match(mock, word):
    tcn = f"VENDOR-{word}-0003"
    submit(mock, tcn)
    state = {"ERROR": ERROR, "PARTIAL": PARTIAL}[word]
    found = until(mock, tcn, state, state)
    assert all(leg.problem and not leg.statement for leg in found.values())
    for message in received(mock, BUREAU, tcn, 2):
        assert word.lower() in str(message.answer).lower()
        assert "NO_MATCH" not in str(message.answer)


def test_galleries_are_scripted_apart(mock):
    tcn = "VENDOR-CRIMINAL.HIT-IMMIGRATION.ERROR-4"
    submit(mock, tcn)
    until(mock, tcn, MATCH, ERROR)


def test_delay_keeps_one_leg_pending_while_the_other_answers(mock):
    tcn = "VENDOR-IMMIGRATION.DELAY4-HIT-05"
    submit(mock, tcn)
    until(mock, tcn, MATCH, PENDING)
    until(mock, tcn, MATCH, MATCH)


def test_review_is_a_case_that_examiners_of_the_mock_decide(mock):
    tcn = "VENDOR-CRIMINAL.REVIEW-0006"
    submit(mock, tcn)
    until(mock, tcn, REVIEW, NO_MATCH)
    for examiner in ("E-ONE", "E-TWO"):
        request = adjudication_pb2.NextCaseRequest(ori=UNIT, examiner=examiner)
        case = mock.call(mock.adjudication.NextCase, request).case
        decision = adjudication_pb2.DecideRequest(
            ori=UNIT,
            examiner=examiner,
            case_id=case.case_id,
            decision=adjudication_pb2.CASE_DECISION_IDENTIFICATION,
            subject_id="MOCK-CRIMINAL-1",
            reason="the script says so",
        )
        mock.call(mock.adjudication.Decide, decision)
    assert until(mock, tcn, MATCH, NO_MATCH)["criminal"].confirmed


def test_an_agency_that_cannot_receive_is_told_so(mock):
    tcn = "VENDOR-HIT-0000007"
    submit(mock, tcn, ori="ZZCOUNTY2")
    deadline = time.monotonic() + 30
    while not all(leg.withheld for leg in legs(mock, tcn, "ZZCOUNTY2").values()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_broken_file_is_refused_as_by_the_real_server(mock):
    file = ebts_file(header={8: COUNTY, 9: "VENDOR-HIT-0000008"}, fields={18: None, 73: COUNTY})
    request = submissions_pb2.SubmitRequest(ori=COUNTY, purpose="C", file=file)
    with pytest.raises(InvalidRequestError) as caught:
        mock.call(mock.submissions.Submit, request)
    assert [violation.field for violation in caught.value.violations] == ["file.2.018"]


def test_statistics_of_the_mock_and_its_command_line(tmp_path):
    database = tmp_path / "kept.db"
    process, address = start(tmp_path, "--database-url", f"sqlite:///{database}")
    try:
        with WorkflowClient(address) as client:
            for number, word in enumerate(("HIT", "ERROR", "NOHIT")):
                submit(client, f"VENDOR-{word}-000{number}")
            until(client, "VENDOR-HIT-0000", MATCH, MATCH)
            until(client, "VENDOR-ERROR-0001", ERROR, ERROR)
            until(client, "VENDOR-NOHIT-0002", NO_MATCH, NO_MATCH)
        here = ["--address", address, "--ori", OVERSIGHT]
        for form in ("csv", "json", "html"):
            out = tmp_path / f"all.{form}"
            command = [COMMAND, "workflow", "statistics", *here, "--format", form, "--out", out]
            subprocess.run(command, check=True, capture_output=True)
        lines = (tmp_path / "all.csv").read_text().splitlines()
        (hits,) = [line for line in lines if line.startswith("total,,immigration,match,count,")]
        assert hits.startswith("total,,immigration,match,count,1,asked,3,0.333333,")
        told = json.loads((tmp_path / "all.json").read_text())
        total = next(row for row in told["rows"] if row.get("gallery") == "criminal")
        counts = {count["measure"]: count["count"] for count in total["counts"]}
        assert (counts["asked"], counts["match"], counts["no_match"], counts["error"]) == (3, 1, 1, 1)
        assert "Not for the public" in (tmp_path / "all.html").read_text()
        command = [COMMAND, "workflow", "statistics", "--address", address, "--ori", BUREAU]
        shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        assert " 3 " not in shown  # the running month is in no public report
        refused = subprocess.run([*command, "--by", "day"], capture_output=True, text=True, check=False)
        assert refused.returncode == 4
        assert "day is not in public reports" in " ".join(refused.stderr.split())
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    # It goes on where it was: nothing of the mock but the match is unreal.
    (tmp_path / "ports.json").unlink()
    process, address = start(tmp_path, "--database-url", f"sqlite:///{database}")
    with WorkflowClient(address) as client:
        assert legs(client, "VENDOR-ERROR-0001")["criminal"].state == ERROR
        report = client.call(client.statistics.Report, statistics_pb2.ReportRequest(ori=OVERSIGHT))
        assert report.rows[0].counts[0].count == 3
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def test_a_database_of_somebody_else_is_left_alone(tmp_path):
    url = f"sqlite:///{tmp_path}/real.db"
    database = Database(url, migrations=MIGRATIONS)
    real = agencies.Agency("ZZREAL001", "Real", agencies.Role.BOOKING, "Real")
    database.write(lambda connection: agencies.replace(connection, [real]))
    database.close()
    command = [COMMAND, "mock", "--listen", "127.0.0.1:0", "--database-url", url]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert "a mock needs one to itself" in ended.stderr


@given(st.text(max_size=40), st.sampled_from(Gallery))
def test_any_tcn_is_a_script(tcn, gallery):
    script = script_of(tcn, gallery)
    assert 0 <= script.delay <= LONGEST_DELAY


@pytest.mark.parametrize(
    ("tcn", "criminal", "immigration"),
    [
        ("BOOKING-0000017", Script(), Script()),
        ("a-hit-delay5-01", Script("HIT", 5), Script("HIT", 5)),
        ("A-IMMIGRATION.HIT-ERROR", Script("ERROR"), Script("HIT")),
        ("A-WHITE-HITS-DELAYED", Script(), Script()),
        ("A-CRIMINAL.DELAY99999", Script(delay=LONGEST_DELAY), Script()),
    ],
)
def test_words_of_a_tcn(tcn, criminal, immigration):
    assert (script_of(tcn, Gallery.CRIMINAL), script_of(tcn, Gallery.IMMIGRATION)) == (criminal, immigration)


def test_the_manual_names_every_agency_and_word(pytestconfig):
    manual = (pytestconfig.rootpath / "docs" / "mock.md").read_text()
    for agency in AGENCIES:
        assert agency.ori in manual
    for word in ("HIT", "NOHIT", "REVIEW", "ERROR", "PARTIAL", "DELAY5", "CRIMINAL.HIT", "IMMIGRATION.ERROR"):
        assert f"`{word}`" in manual
