"""The whole flow through its public doors: real matchers, a real workflow, EBTS files, receivers that come and go."""

import contextlib
import http.server
import itertools
import json
import socket
import threading
import time

import pytest
from typer.testing import CliRunner

from tenprint.client import Client
from tenprint.client.cli import app
from tenprint.client.errors import TenprintError
from tenprint.client.types import Enrolment, Originator, TransactionFile
from tenprint.client.webhooks import verify
from tenprint.v1 import adjudication_pb2 as adjudication
from tenprint.v1 import disseminations_pb2 as disseminations
from tenprint.v1 import messages_pb2 as messages
from tenprint.v1 import redress_pb2 as redress
from tenprint.v1 import statistics_pb2 as statistics
from tenprint.v1 import submissions_pb2 as submissions
from tenprint.v1 import subscriptions_pb2 as subscriptions
from tenprint.workflow.policy import Bands, Policy
from tenprint.workflow.types import Gallery
from tests.server.conftest import start_server
from tests.workflow.people import booked, card
from tests.workflow.servers import (
    BUREAU,
    COUNTY,
    OFFICE,
    OVERSIGHT,
    SECOND,
    UNIT,
    eventually,
    make_workflow,
    tcn,
)

pytestmark = pytest.mark.timeout(600)

FLOOR = 0.5
"""Synthetic strangers resemble each other: candidates score at least this."""

POLICY = Policy(
    bands=dict.fromkeys(Gallery, Bands(least_score=FLOOR)),
    complaints="complaints@example.invalid",
    leg_attempts=1000,  # a matcher that is down comes back here before it is given up, however slow the machine
)

_enrolments = itertools.count(1)


class Matcher:
    """A matching server on a port that it keeps when it comes back."""

    def __init__(self, folder, gallery):
        self.folder, self.gallery = folder, gallery
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{taken.getsockname()[1]}"
        folder.mkdir()
        self.start()

    def start(self):
        galleries = f'[{{"name": "{self.gallery}"}}]'
        (self.folder / "ports.json").unlink(missing_ok=True)
        self.server = start_server(self.folder, extractor="mindtct", galleries=galleries, listen=self.address)

    def kill(self):
        self.server.channel.close()
        self.server.process.kill()
        self.server.process.wait()

    def enrol(self, subject, file, positions=()):
        with Client(self.address) as client:
            by = Originator("ZZLOADER0", f"LOADED-{next(_enrolments):06d}")
            return client.enrol(Enrolment(by, self.gallery, TransactionFile(file, positions), subject))


class Receiver:
    """A field office's webhook on a port of its own; it can be away."""

    def __init__(self):
        self.got, self._server = [], None
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.port = taken.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/notices"

    def open(self):
        got = self.got

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                got.append((dict(self.headers.items()), body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


@pytest.fixture
def matchers(tmp_path):
    made = {gallery: Matcher(tmp_path / gallery, gallery) for gallery in ("criminal", "immigration")}
    yield made
    for one in made.values():
        with contextlib.suppress(ProcessLookupError):
            one.kill()


@pytest.fixture
def workflow(tmp_path, matchers):
    made = make_workflow(
        tmp_path / "workflow",
        policy_=POLICY,
        CRIMINAL_MATCHER=matchers["criminal"].address,
        IMMIGRATION_MATCHER=matchers["immigration"].address,
        MATCHER_SECONDS="20",
    )
    made.start()
    yield made
    with contextlib.suppress(ProcessLookupError):
        made.kill()


def reviewed(workflow, ori, number):
    """Both legs of a submission, once both are with the examiners."""
    return eventually(
        lambda: (
            (found := workflow.legs(ori, number))
            and all(leg.state == submissions.LEG_STATE_REVIEW for leg in found.values())
            and found
        )
    )


def settled(workflow, ori, number):
    pending = {submissions.LEG_STATE_PENDING, submissions.LEG_STATE_REVIEW}
    return eventually(
        lambda: (
            (found := workflow.legs(ori, number)) and all(leg.state not in pending for leg in found.values()) and found
        )
    )


def decide(workflow, examiner, decision, subjects=()):
    """An examiner takes cases until there is none for them; names a candidate among `subjects`. How many they took."""
    client = workflow.client
    for taken in itertools.count():
        request = adjudication.NextCaseRequest(ori=UNIT, examiner=examiner)
        found = client.call(client.adjudication.NextCase, request)
        if not found.HasField("case"):
            return taken
        case_id = found.case.case_id
        shown = client.call(
            client.adjudication.GetCase,
            adjudication.GetCaseRequest(ori=UNIT, examiner=examiner, case_id=case_id),
        )
        assert not shown.opinions  # blind
        named = next((item.subject_id for item in shown.candidates if item.subject_id in subjects), "")
        client.call(
            client.adjudication.Decide,
            adjudication.DecideRequest(
                ori=UNIT,
                examiner=examiner,
                case_id=case_id,
                decision=decision,
                subject_id=named if decision == adjudication.CASE_DECISION_IDENTIFICATION else "",
                reason="compared ridge by ridge",
            ),
        )
    raise AssertionError("unreachable")


IDENTIFICATION, EXCLUSION = adjudication.CASE_DECISION_IDENTIFICATION, adjudication.CASE_DECISION_EXCLUSION


def identify(workflow, subjects):
    """Two examiners identify what is open; how many cases they closed."""
    first = decide(workflow, "examiner-1", IDENTIFICATION, subjects)
    assert decide(workflow, "examiner-2", IDENTIFICATION, subjects) == first
    return first


def mailbox(workflow, ori, *states):
    """What a recipient was or is to be sent, oldest first."""
    client = workflow.client
    request = messages.ListMessagesRequest(ori=ori, states=states)
    return list(client.call(client.messages.ListMessages, request).deliveries)


def receive(workflow, ori, count):
    """The next messages of a recipient's stream, acknowledged."""
    client = workflow.client
    stream = client.stream(client.messages.Receive, messages.ReceiveRequest(ori=ori))
    with contextlib.closing(stream):
        got = [item.message for item in itertools.islice(stream, count)]
    ids = [message.message_id for message in got]
    client.call(client.messages.Acknowledge, messages.AcknowledgeRequest(ori=ori, message_ids=ids))
    return got


def sent(workflow, **of):
    """The log of disseminations as oversight reads it: (recipient, kind, gallery, why withheld)."""
    client = workflow.client
    request = disseminations.ListDisseminationsRequest(ori=OVERSIGHT, page_size=1000, **of)
    rows = client.call(client.disseminations.ListDisseminations, request).disseminations
    return [(row.recipient, messages.MessageKind.Name(row.kind), row.gallery, row.withheld) for row in rows]


def counted(workflow):
    """The totals of oversight's report: by gallery, what was counted."""
    client = workflow.client
    request = statistics.ReportRequest(ori=OVERSIGHT, by=[statistics.DIMENSION_TOTAL])
    rows = client.call(client.statistics.Report, request).rows
    return {row.gallery: {item.measure: item.count for item in row.counts} for row in rows}


@pytest.mark.real
def test_a_known_person_from_booking_to_dispute_on_real_cards(workflow, matchers, real_data):
    cards = real_data / "interchange" / "an2"
    few = tuple(range(1, 5))  # as many of a record are enough to be found by
    matchers["criminal"].enrol("A-1", (cards / "type-4-tpcard.an2").read_bytes(), few)
    matchers["immigration"].enrol("X-9", (cards / "type-14-tpcard-nqm.an2").read_bytes(), few)
    number = tcn()
    file = booked(cards / "type-14-tpcard-nqm.an2", COUNTY, number, retain=True)

    submission = workflow.submit(COUNTY, file, offences=["1201"], custody=True)
    assert not submission.faults
    reviewed(workflow, COUNTY, number)
    assert not mailbox(workflow, OFFICE)  # nobody is notified of an unconfirmed hit
    assert identify(workflow, {"A-1", "X-9"}) == 2
    legs = settled(workflow, COUNTY, number).values()
    assert {leg.withheld for leg in legs} == {"its profile says that it cannot receive answers"}

    # Both answers reach the bureau, apart; the county gets nothing; the office is notified and acknowledges.
    answers = {message.answer.gallery: message.answer for message in receive(workflow, BUREAU, 2)}
    assert {name: (answer.outcome, answer.confirmed, answer.subject_id) for name, answer in answers.items()} == {
        "criminal": (submissions.LEG_STATE_MATCH, True, "A-1"),
        "immigration": (submissions.LEG_STATE_MATCH, True, "X-9"),
    }
    assert mailbox(workflow, COUNTY) == []
    (notice,) = (message.notice for message in receive(workflow, OFFICE, 1))
    assert (notice.subject_id, notice.offence, notice.custody, notice.confirmed) == ("X-9", "1201", True, True)
    assert notice.statement == "identity only, not a status; verify before action"
    assert notice.complaints == POLICY.complaints
    acknowledged = mailbox(workflow, OFFICE, messages.MESSAGE_STATE_ACKNOWLEDGED)
    assert [delivery.message.notice.link_id for delivery in acknowledged] == [notice.link_id]

    # A dispute freezes the link; others look again and do not uphold it; everybody who was told is told.
    client = workflow.client
    dispute = client.call(
        client.redress.Dispute,
        redress.DisputeRequest(ori=BUREAU, link_id=notice.link_id, reference="case 7", reason="not this person"),
    ).dispute
    assert decide(workflow, "examiner-1", EXCLUSION) == 0  # those who decided it may not look again
    assert decide(workflow, "examiner-3", EXCLUSION) == 1
    decide(workflow, "examiner-4", EXCLUSION)
    closed = client.call(
        client.redress.GetDispute, redress.GetDisputeRequest(ori=BUREAU, dispute_id=dispute.dispute_id)
    ).dispute
    assert closed.outcome == "reversed"
    told = {ori: [item.message.WhichOneof("content") for item in mailbox(workflow, ori)] for ori in (BUREAU, OFFICE)}
    assert "correction" in told[BUREAU]
    assert told[OFFICE] == ["notice", "correction"]
    assert ("ZZCOUNTY1", "MESSAGE_KIND_ANSWER", "criminal", "its profile says that it cannot receive answers") in sent(
        workflow, submission_id=submission.submission_id
    )
    totals = counted(workflow)
    assert totals["criminal"]["confirmed"] == 1
    assert (totals["immigration"]["disputed"], totals["immigration"]["reversed"]) == (1, 1)


def test_two_counties_a_leg_that_is_down_a_receiver_that_is_away_and_a_kill(workflow, matchers):
    matchers["criminal"].enrol("C-1", card(1, "ZZLOADER0", "LOADING-0001", retain=True, capture=5))
    matchers["immigration"].enrol("I-1", card(1, "ZZLOADER0", "LOADING-0002", retain=True, capture=6))
    matchers["criminal"].enrol("C-2", card(2, "ZZLOADER0", "LOADING-0003", retain=True, capture=5))
    client, receiver = workflow.client, Receiver()
    made = client.call(
        client.subscriptions.Subscribe,
        subscriptions.SubscribeRequest(ori=OFFICE, channel=messages.CHANNEL_WEBHOOK, address=receiver.url, days=7),
    )

    # A stranger of the second county: two answers of no match, to the bureau and through it to the county.
    stranger = tcn()
    workflow.submit(SECOND, card(3, SECOND, stranger))
    assert {leg.state for leg in settled(workflow, SECOND, stranger).values()} == {submissions.LEG_STATE_NO_MATCH}
    assert eventually(lambda: len(mailbox(workflow, SECOND)) == 2)
    assert not any(item.message.WhichOneof("content") for item in mailbox(workflow, SECOND))  # not passed on yet
    for ori in (BUREAU, SECOND):
        told = [message.answer for message in receive(workflow, ori, 2)]
        assert {answer.outcome for answer in told} == {submissions.LEG_STATE_NO_MATCH}
        assert {answer.gallery for answer in told} == {"criminal", "immigration"}

    # The immigration leg is down: the criminal answer comes; the other is not answered, and never "no match".
    matchers["immigration"].kill()
    half = tcn()
    workflow.submit(SECOND, card(2, SECOND, half))
    eventually(lambda: workflow.legs(SECOND, half)["criminal"].state == submissions.LEG_STATE_REVIEW)
    waiting = eventually(lambda: (leg := workflow.legs(SECOND, half)["immigration"]).problem and leg)
    assert waiting.state == submissions.LEG_STATE_PENDING
    assert identify(workflow, {"C-2"}) == 1
    assert workflow.legs(SECOND, half)["criminal"].subject_id == "C-2"
    matchers["immigration"].start()
    assert settled(workflow, SECOND, half)["immigration"].state == submissions.LEG_STATE_NO_MATCH

    # A known person; the server is killed right after the last decision, the office's webhook is away all the time.
    known = tcn()
    workflow.submit(COUNTY, card(1, COUNTY, known))
    reviewed(workflow, COUNTY, known)
    assert identify(workflow, {"C-1", "I-1"}) == 2
    workflow.kill()
    workflow.start()
    (waiting_notice,) = eventually(lambda: mailbox(workflow, OFFICE))
    assert waiting_notice.channel == messages.CHANNEL_WEBHOOK
    eventually(lambda: mailbox(workflow, OFFICE)[0].attempts >= 2)
    receiver.open()
    try:
        eventually(lambda: receiver.got)
        headers, body = receiver.got[0]
        verify(made.secret, headers, body)
        eventually(lambda: mailbox(workflow, OFFICE)[0].state == messages.MESSAGE_STATE_ACKNOWLEDGED)
        time.sleep(1.0)
        ids = {headers["webhook-id"] for headers, _ in receiver.got}
        assert ids == {waiting_notice.message.message_id}  # nothing lost, nothing under two ids
    finally:
        receiver.close()

    # The same from the command line: the bureau's messages, each acknowledged once it is printed.
    words = ["workflow", "messages", "receive", "--ori", BUREAU, "--count", "2", "--address", workflow.client.address]
    printed = CliRunner().invoke(app, words)
    assert printed.exit_code == 0, printed.output
    assert [json.loads(line)["answer"]["tcr"] for line in printed.stdout.splitlines()] == [half, half]

    # A refused file changes nothing; the reasons name tag and rule.
    with pytest.raises(TenprintError) as refused:
        workflow.submit(SECOND, card(3, SECOND, tcn(), tot="CAR").replace(b"2.045:", b"2.145:"))
    assert any(violation.field == "file.2.045" for violation in refused.value.violations)

    # What was counted is what happened here.
    totals = counted(workflow)
    assert totals["criminal"]["asked"] == totals["immigration"]["asked"] == 3
    assert totals["criminal"]["confirmed"] == 2
    assert totals["immigration"]["confirmed"] == 1
