"""Examiners at work over gRPC and on the command line: real matchers, a real workflow, a person booked twice."""

import json
from pathlib import Path

import grpc
import pytest
from typer.testing import CliRunner

from tenprint.client import Client
from tenprint.client.cli import app
from tenprint.client.errors import TenprintError
from tenprint.client.types import Enrolment, Originator, TransactionFile
from tenprint.fingerprint.synthetic import write_card
from tenprint.fingerprint.template import read_template
from tenprint.v1 import adjudication_pb2, findings_pb2, redress_pb2, submissions_pb2
from tenprint.workflow.policy import Bands, Policy
from tenprint.workflow.types import Gallery
from tests.server.conftest import start_server
from tests.workflow.people import TAKEN, person
from tests.workflow.servers import BUREAU, COUNTY, OFFICE, OVERSIGHT, SECOND, UNIT, eventually, make_workflow, tcn

POLICY = Policy(bands=dict.fromkeys(Gallery, Bands(least_score=0.5)))
REVIEW, MATCH = submissions_pb2.LEG_STATE_REVIEW, submissions_pb2.LEG_STATE_MATCH
UNKNOWN = "00000000-0000-0000-0000-000000000000"


def card(tcn, capture, *, ori=SECOND, name="DOE,JANE", fingers=TAKEN):
    """A booking of one and the same person."""
    return write_card(
        person(1),
        tot="CAR",
        ori=ori,
        tcn=tcn,
        cri=[ori],
        retain=True,
        capture=capture,
        type2={"NAM": name},
        slaps=False,
        fingers=fingers,
    )


@pytest.fixture(scope="module")
def matcher(tmp_path_factory):
    running = start_server(tmp_path_factory.mktemp("matcher"), extractor="mindtct")
    with Client(running.address) as client:
        prints = TransactionFile(card("LOADING-0001", 5, ori=COUNTY))
        client.enrol(Enrolment(Originator(COUNTY, "LOADING-0001"), "immigration", prints, "I-1"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def workflow(tmp_path_factory, matcher):
    addresses = {"CRIMINAL_MATCHER": matcher.address, "IMMIGRATION_MATCHER": matcher.address}
    made = make_workflow(tmp_path_factory.mktemp("workflow"), policy_=POLICY, **addresses).start()
    yield made
    assert made.stop() == 0


def run(workflow, *arguments, exit_code=0):
    """A command of `tenprint workflow`; its JSON."""
    address = ["--address", json.loads((workflow.folder / "ports.json").read_text())["listen"], "--json"]
    told = CliRunner().invoke(app, ["workflow", *map(str, arguments), *address])
    assert told.exit_code == exit_code, told.output
    return json.loads(told.stdout.splitlines()[0]) if told.stdout.startswith("{") else told.output


def by(examiner):
    return ("--ori", UNIT, "--examiner", examiner)


def take(workflow, examiner):
    return run(workflow, "cases", "next", *by(examiner)).get("case", {})


def decide(workflow, examiner, subject):
    case_id = take(workflow, examiner)["case_id"]
    run(
        workflow,
        "cases",
        "decide",
        case_id,
        "identification",
        *by(examiner),
        "--subject",
        subject,
        "--reason",
        "ridges",
    )
    return case_id


def refused(workflow, method, request):
    with pytest.raises(TenprintError) as caught:
        workflow.client.call(method, request)
    return caught.value.code


def test_from_the_queue_to_the_correction(workflow, matcher, tmp_path):
    first, second = tcn(), tcn()
    workflow.submit(SECOND, card(first, 1))
    eventually(lambda: workflow.legs(SECOND, first)["immigration"].state == REVIEW)

    # The first booking: nobody in the criminal gallery; a hit in the other. Shown blind, with the record's minutiae.
    case_id = take(workflow, "ann")["case_id"]
    assert take(workflow, "ben") == {}
    shown = run(workflow, "cases", "show", case_id, *by("ann"), "--images", tmp_path / "one")
    assert "opinions" not in shown
    assert set(shown["case"]) == {"case_id", "gallery", "due_time", "lease_time"}
    (candidate,) = shown["candidates"]
    assert (candidate["subject_id"], candidate["rank"]) == ("I-1", 1)
    assert all(finger["matched_minutiae"] > 0 for finger in candidate["fingers"])
    assert "not enrolled through this server" in candidate["prints"]["missing"]
    names = {path.name for path in (tmp_path / "one").iterdir()}
    assert "candidate-1.iso19794-2" in names
    assert len([name for name in names if name.startswith("probe-")]) == 4
    record = (tmp_path / "one" / "candidate-1.iso19794-2").read_bytes()
    assert sorted(int(view.position) for view in read_template(record)) == list(TAKEN)
    run(
        workflow, "cases", "decide", case_id, "identification", *by("ann"), "--subject", "I-1", "--reason", "ridge flow"
    )
    assert workflow.legs(SECOND, first)["immigration"].state == REVIEW
    decide(workflow, "ben", "I-1")
    leg = workflow.legs(SECOND, first)["immigration"]
    assert (leg.state, leg.confirmed) == (MATCH, True)
    closed = run(workflow, "cases", "show", case_id, *by("cas"))
    assert [item["examiner"] for item in closed["opinions"]] == ["ann", "ben"]

    # Booked again under another name: images of both sides, and the two identities do not fit the one claimed.
    eventually(lambda: matcher.gallery("criminal").encounters == 1)
    workflow.submit(SECOND, card(second, 2, name="ROE,RITA"), offences=["1201"])
    eventually(lambda: all(leg.state == REVIEW for leg in workflow.legs(SECOND, second).values()))
    entries = run(workflow, "cases", "list", "--ori", OVERSIGHT)["cases"]
    assert {(entry["kind"], entry["level"], entry["open"]) for entry in entries} == {("hit", 1, True)}
    listed = run(workflow, "cases", "list", "--ori", UNIT)["cases"]
    assert all(not {"kind", "level", "submission_id", "decided"} & set(entry) for entry in listed)
    criminal = next(entry["case"]["case_id"] for entry in entries if entry["case"]["gallery"] == "criminal")
    while (mine := take(workflow, "cas")["case_id"]) != criminal:
        run(workflow, "cases", "decide", mine, "exclusion", *by("cas"), "--reason", "other ridges")
    shown = run(workflow, "cases", "show", criminal, *by("cas"), "--finger", 2, "--images", tmp_path / "two")
    assert "missing" not in shown["candidates"][0]["prints"]
    names = {path.name for path in (tmp_path / "two").iterdir()}
    assert names == {"probe-finger-02-00.png", "candidate-1-finger-02-00.png", "candidate-1.iso19794-2"}
    assert (tmp_path / "two" / "candidate-1-finger-02-00.png").read_bytes().startswith(b"\x89PNG")
    run(workflow, "cases", "release", criminal, *by("cas"))
    subject = shown["candidates"][0]["subject_id"]
    assert decide(workflow, "ann", subject) == decide(workflow, "ben", subject) == criminal
    while other := take(workflow, "fay"):
        run(workflow, "cases", "decide", other["case_id"], "exclusion", *by("fay"), "--reason", "other ridges")

    # The first hit is disputed: everybody who looked is kept away, and what others find is told.
    link = workflow.legs(SECOND, first)["immigration"].link_id
    raised = run(workflow, "dispute", link, "--ori", OFFICE, "--reason", "another person", "--reference", "case 7")
    again = run(workflow, "dispute", link, "--ori", SECOND, "--reason", "another person")
    assert (again["repeated"], again["dispute"]["dispute_id"]) == (True, raised["dispute"]["dispute_id"])
    assert (take(workflow, "ann"), take(workflow, "ben")) == ({}, {})
    for examiner in ("dot", "eve"):
        decide(workflow, examiner, "I-1")
    request = redress_pb2.GetDisputeRequest(ori=BUREAU, dispute_id=raised["dispute"]["dispute_id"])
    found = workflow.client.call(workflow.client.redress.GetDispute, request)
    assert found.dispute.outcome == "upheld"

    # The record is sealed and unsealed through the workflow, at the matcher and here.
    sealed = run(workflow, "lifecycle", "seal", "immigration", "--ori", OVERSIGHT, "--subject", "I-1", "--tcn", tcn())
    assert sealed == {"done": True}  # nobody has fetched what tells of the hit, so nobody has to hear of it
    with Client(matcher.address) as client:
        record = client.get(Originator(OVERSIGHT, tcn()), "immigration", "I-1")
    assert [item.sealed for item in record] == [True]
    run(workflow, "lifecycle", "unseal", "immigration", "--ori", OVERSIGHT, "--subject", "I-1")
    assert run(workflow, "findings", "list", "--ori", OVERSIGHT) == {}


def test_one_capture_for_two_people_is_quarantined_and_closed(workflow):
    numbers = [tcn(), tcn()]
    for number, name in zip(numbers, ("POE,PIA", "COE,CAL"), strict=True):
        workflow.submit(SECOND, card(number, 7, name=name, fingers=TAKEN[:1]))
    (found,) = run(workflow, "findings", "list", "--ori", UNIT)["findings"]
    assert found["kind"] == "FINDING_KIND_ONE_CAPTURE_SEVERAL_PEOPLE"
    assert {(item["ori"], item["tcn"]) for item in found["submissions"]} == {(SECOND, number) for number in numbers}
    closing = ("--ori", UNIT, "--reviewer", "rae", "--reason", "the livescan was not cleared")
    closed = run(workflow, "findings", "close", found["finding_id"], "upheld", *closing)
    assert closed["finding"]["state"] == "FINDING_STATE_UPHELD"
    assert run(workflow, "findings", "list", "--ori", UNIT) == {}
    (told,) = run(workflow, "findings", "list", "--all", "--ori", UNIT)["findings"]
    assert told["reviewer"] == "rae"


def test_refusals(workflow):
    client = workflow.client
    stubs, request = client.adjudication, {"ori": UNIT, "examiner": "ann", "case_id": UNKNOWN}
    assert refused(workflow, stubs.NextCase, adjudication_pb2.NextCaseRequest(ori=COUNTY, examiner="ann")) is (
        grpc.StatusCode.PERMISSION_DENIED
    )
    assert refused(workflow, stubs.GetCase, adjudication_pb2.GetCaseRequest(**request)) is grpc.StatusCode.NOT_FOUND
    without_reason = adjudication_pb2.DecideRequest(**request, decision=adjudication_pb2.CASE_DECISION_EXCLUSION)
    assert refused(workflow, stubs.Decide, without_reason) is grpc.StatusCode.INVALID_ARGUMENT
    assert refused(workflow, stubs.ListCases, adjudication_pb2.ListCasesRequest(ori=BUREAU)) is (
        grpc.StatusCode.PERMISSION_DENIED
    )
    dispute = redress_pb2.DisputeRequest(ori=COUNTY, link_id=UNKNOWN, reason="why")
    assert refused(workflow, client.redress.Dispute, dispute) is grpc.StatusCode.NOT_FOUND
    listing = findings_pb2.ListFindingsRequest(ori=COUNTY)
    assert refused(workflow, client.findings.ListFindings, listing) is grpc.StatusCode.PERMISSION_DENIED
    told = run(workflow, "lifecycle", "seal", "criminal", "--ori", OVERSIGHT, "--subject", "NOBODY", exit_code=4)
    assert told["error"]["code"] == "NOT_FOUND"
    assert run(workflow, "lifecycle", "seal", "criminal", "--ori", OVERSIGHT, exit_code=2)


def test_the_log_tells_who_did_what_and_nothing_about_a_person(workflow):
    lines = [json.loads(line) for line in Path(workflow.log).read_text().splitlines() if line.startswith("{")]
    done = {line["event"]: line for line in lines if "ori" in line}
    assert {"next_case", "get_case", "decide", "dispute", "change_record", "close_finding"} <= set(done)
    assert done["decide"]["examiner"]
    text = Path(workflow.log).read_text()
    assert not any(name in text for name in ("DOE", "JANE", "ROE", "RITA", "POE", "PIA", "COE", "CAL"))
