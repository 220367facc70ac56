"""Messages reach their receivers, by every channel, whatever happens on the way."""

import contextlib
import dataclasses
import os
import queue
import signal
import threading
import time
import uuid
from datetime import UTC, datetime

import grpc
import pytest
from google.protobuf import json_format
from sqlalchemy import insert, select

from tenprint.client.errors import InvalidRequestError, TenprintError
from tenprint.client.webhooks import WebhookError, verify
from tenprint.store import Database
from tenprint.v1 import disseminations_pb2, messages_pb2, subscriptions_pb2
from tenprint.workflow import deliveries, links, notices, outbox, schema, submissions, webhooks
from tenprint.workflow.agencies import Agency
from tenprint.workflow.outbox import Dissemination, NewMessage
from tenprint.workflow.policy import Policy
from tenprint.workflow.types import (
    Band,
    Candidate,
    Channel,
    Gallery,
    Hold,
    LegKey,
    LinkState,
    MessageKind,
    MessageState,
    Role,
)
from tests.workflow.receivers import WebhookReceiver
from tests.workflow.servers import AGENCIES, BUREAU, COUNTY, OVERSIGHT, eventually, make_workflow

POLICY = Policy(delivery_attempts=3)
WHY = Dissemination(("outcome",), "C", 1)
ANSWER = {
    "kind": "answer", "ori": COUNTY, "tcr": "T-1", "gallery": "criminal", "source": "test", "complaints": "nobody",
    "as_of": "2026-01-05T00:00:00+00:00", "outcome": "no_match", "policy_version": 1,
    "coverage": {"total": 3, "searched": 3, "incomparable": 0}, "demographics": {"NAM": ["DOE,JANE"]},
}  # fmt: skip


@pytest.fixture
def receiver():
    made = WebhookReceiver().open()
    yield made
    made.close()


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    """Starts workflow processes; whatever still runs at the end is killed."""
    running = []

    def start(**settings):
        made = make_workflow(tmp_path_factory.mktemp("flow") / "flow", AGENCIES, POLICY, **settings)
        database = Database(made.url, migrations=schema.MIGRATIONS)
        made.write = database.write  # one for all of a test's transactions
        running.append((made, database))
        return made.start()

    yield start
    for workflow, database in running:
        if workflow.process.poll() is None:
            workflow.kill()
        database.close()


@pytest.fixture(scope="module")
def drop(tmp_path_factory):
    return tmp_path_factory.mktemp("drop")


@pytest.fixture(scope="module")
def workflow(serve, drop):
    """One for the tests that do not end it: each uses agencies of its own."""
    return serve(DELIVERY_SECONDS="1", DROP_FOLDER=str(drop))


_numbers = iter(range(100, 1000))


def agency(workflow, **profile):
    """A new agency, in the database."""
    made = Agency(f"ZZTEST{next(_numbers)}", "Test", profile.pop("role", Role.BOOKING), "Test", **profile)
    workflow.write(lambda connection: deliveries.agencies.replace(connection, [made]))
    return made


def webhook(workflow, receiver, **profile):
    return agency(workflow, channel=Channel.WEBHOOK, address=receiver.url, secret=webhooks.new_secret(), **profile)


def put(workflow, recipient, **fields):
    """A message to a recipient; its id."""
    given = {"kind": MessageKind.ANSWER, "about": str(uuid.uuid4()), "body": ANSWER, "submission_id": "none"} | fields
    return workflow.write(lambda connection: outbox.put(connection, NewMessage(recipient=recipient, **given), WHY))


def listed(workflow, recipient, *states):
    request = messages_pb2.ListMessagesRequest(ori=recipient.ori, states=states)
    return list(workflow.client.call(workflow.client.messages.ListMessages, request).deliveries)


def state_of(workflow, recipient, message_id):
    (found,) = [item for item in listed(workflow, recipient) if item.message.message_id == message_id]
    return messages_pb2.MessageState.Name(found.state).removeprefix("MESSAGE_STATE_").lower()


def acknowledge(workflow, recipient, *ids):
    request = messages_pb2.AcknowledgeRequest(ori=recipient.ori, message_ids=ids)
    workflow.client.call(workflow.client.messages.Acknowledge, request)


def redeliver(workflow, recipient, *ids, **more):
    request = messages_pb2.RedeliverRequest(ori=recipient.ori, message_ids=ids, **more)
    return list(workflow.client.call(workflow.client.messages.Redeliver, request).message_ids)


@contextlib.contextmanager
def stream(workflow, recipient, *kinds):
    """A stream read in the background; its messages come out of a queue, and its end as an exception."""
    got = queue.Queue()
    call = workflow.client.messages.Receive(messages_pb2.ReceiveRequest(ori=recipient.ori, kinds=kinds))

    def read():
        try:
            for item in call:
                got.put(item.message)
        except grpc.RpcError as error:
            got.put(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield got
    finally:
        call.cancel()
        thread.join(10)


def test_a_webhook_is_signed_and_says_what_the_stream_would(workflow, receiver):
    to = webhook(workflow, receiver)
    message_id = put(workflow, to)
    eventually(lambda: state_of(workflow, to, message_id) == "acknowledged")
    ((headers, body),) = receiver.got
    message = verify(to.secret, headers, body)
    assert message == listed(workflow, to)[0].message
    assert message.answer.demographics[0] == messages_pb2.Demographic(name="NAM", values=["DOE,JANE"])
    assert json_format.Parse(body, messages_pb2.Message()) == message
    for forged in (
        (to.secret, headers, body.replace(b"DOE", b"ROE")),
        (webhooks.new_secret(), headers, body),
        (to.secret, headers | {"webhook-timestamp": "1"}, body),
        (to.secret, headers | {"webhook-signature": "v1,é"}, body),
        (to.secret, headers | {"webhook-signature": "v1"}, body),
        (to.secret, headers | {"webhook-id": str(uuid.uuid4())}, body),
        (to.secret, {}, body),
        (to.secret, headers, b"\xff"),
    ):
        with pytest.raises(WebhookError):
            verify(*forged)


def test_a_receiver_that_fails_is_tried_again_under_one_id_and_then_given_up(workflow, receiver):
    to = webhook(workflow, receiver)
    receiver.script = [500, 302, 204]
    first = put(workflow, to)
    eventually(lambda: state_of(workflow, to, first) == "acknowledged")
    assert receiver.ids == [first] * 3  # the redirect was not followed
    receiver.script = [503] * 3
    dead = put(workflow, to)
    eventually(lambda: state_of(workflow, to, dead) == "dead")
    (letter,) = listed(workflow, to, messages_pb2.MESSAGE_STATE_DEAD)
    assert (letter.attempts, letter.problem) == (3, "answered 503")
    assert redeliver(workflow, to, all_dead=True) == [dead]
    eventually(lambda: state_of(workflow, to, dead) == "acknowledged")
    assert set(receiver.ids) == {first, dead}


def test_one_that_is_away_and_one_that_is_slow_hold_up_no_other(workflow, receiver):
    slow, away = WebhookReceiver().open(), WebhookReceiver().open()
    holding = threading.Event()
    slow.script = [lambda: holding.wait(30) and 204] * 2
    away.close()
    try:
        late = webhook(workflow, slow)
        stuck = put(workflow, late)
        gone = webhook(workflow, away)
        lost = put(workflow, gone)
        eventually(lambda: slow.got)
        to = webhook(workflow, receiver)
        ids = [put(workflow, to) for _ in range(3)]
        eventually(lambda: len(receiver.got) == 3)
        assert receiver.ids == ids  # in the order of writing
        assert state_of(workflow, late, stuck) == "waiting"
        eventually(lambda: listed(workflow, late)[0].problem == "no status within 1 s")
        away.open()
        eventually(lambda: state_of(workflow, gone, lost) == "acknowledged")
    finally:
        holding.set()
        slow.close()
        away.close()


def test_without_a_secret_nothing_is_sent(workflow, receiver):
    to = agency(workflow, channel=Channel.WEBHOOK, address=receiver.url)
    message_id = put(workflow, to)
    eventually(lambda: "no secret" in listed(workflow, to)[0].problem)
    workflow.write(
        lambda connection: deliveries.agencies.replace(
            connection, [dataclasses.replace(to, secret=webhooks.new_secret())]
        )
    )
    eventually(lambda: state_of(workflow, to, message_id) in {"acknowledged", "dead"})
    redeliver(workflow, to, message_id)
    eventually(lambda: state_of(workflow, to, message_id) == "acknowledged")


def test_files_appear_whole_under_the_id(workflow, drop):
    to = agency(workflow, channel=Channel.FOLDER)
    answer, notice = put(workflow, to, file=b"EBTS"), put(workflow, to)
    eventually(lambda: state_of(workflow, to, notice) == "acknowledged")
    out = drop / to.ori / "out"
    assert (out / f"{answer}.ebts").read_bytes() == b"EBTS"
    assert json_format.Parse((out / f"{notice}.json").read_bytes(), messages_pb2.Message()).message_id == notice
    assert len(list(out.iterdir())) == 2
    (out / f"{answer}.ebts").unlink()
    redeliver(workflow, to, answer)
    eventually((out / f"{answer}.ebts").exists)


def test_a_stream_sends_what_is_unacknowledged_again_and_then_what_comes(workflow):
    to = agency(workflow)
    first, second = put(workflow, to), put(workflow, to)
    with stream(workflow, to) as got:
        assert [got.get(timeout=20).message_id for _ in range(2)] == [first, second]
        third = put(workflow, to)  # from beside the server: found by looking
        assert got.get(timeout=20).message_id == third
        acknowledge(workflow, to, first, first)
    assert [state_of(workflow, to, item) for item in (first, second)] == ["acknowledged", "delivered"]
    with stream(workflow, to, messages_pb2.MESSAGE_KIND_NOTICE) as nothing, stream(workflow, to) as got:
        assert [got.get(timeout=20).message_id for _ in range(2)] == [second, third]
        assert nothing.empty()
    acknowledge(workflow, to, second, third)
    with stream(workflow, to) as got:
        redeliver(workflow, to, first)
        assert got.get(timeout=20).message_id == first
    with pytest.raises(TenprintError) as refused:
        acknowledge(workflow, agency(workflow), first)
    assert refused.value.code is grpc.StatusCode.NOT_FOUND
    with pytest.raises(InvalidRequestError):
        redeliver(workflow, to)


def test_a_hundred_are_under_way_on_a_stream_and_the_next_follows_an_acknowledgement(workflow):
    to = agency(workflow)

    def many(connection):
        for number in range(102):
            message = NewMessage(MessageKind.ANSWER, f"many-{number}", to, ANSWER, "none")
            outbox.put(connection, message, WHY)

    workflow.write(many)
    with stream(workflow, to) as got:
        ids = [got.get(timeout=20).message_id for _ in range(100)]
        with pytest.raises(queue.Empty):
            got.get(timeout=1.5)
        acknowledge(workflow, to, ids[50])
        assert got.get(timeout=20).message_id not in ids
        with pytest.raises(queue.Empty):
            got.get(timeout=1.5)
    pages, token = [], ""
    while True:
        request = messages_pb2.ListMessagesRequest(ori=to.ori, page_size=40, page_token=token)
        page = workflow.client.call(workflow.client.messages.ListMessages, request)
        pages.append(len(page.deliveries))
        if not (token := page.next_page_token):
            break
    assert pages == [40, 40, 22]


def hit(workflow, level=1):
    """A submission of the county and a confirmed hit of it, in the database."""
    submission_id = str(uuid.uuid4())
    candidate = Candidate(1, "X-1", "E-1", 0.9, 1e-6, (), Band.MATCH)

    def work(connection):
        connection.execute(
            insert(schema.submission).values(
                submission_id=submission_id, ori=COUNTY, tcn=submission_id, digest="d", received_at=datetime.now(UTC),
                tot="CAR", purpose="C", destination="", controlling_agency=COUNTY, jurisdiction="First", priority=4,
                level=level, offence="1201", retain=False, attention="", claimed="", demographics="{}", faults="[]",
                retention="none", subject_id="", encounter_id="",
            )
        )  # fmt: skip
        key = LegKey(submission_id, Gallery.IMMIGRATION)
        return submission_id, links.make(connection, key, candidate, LinkState.CONFIRMED).link_id

    return workflow.write(work)


def freeze(workflow, link_id):
    workflow.write(lambda connection: links.hold(connection, links.by_id(connection, link_id), Hold.DISPUTED))


def test_what_tells_of_a_disputed_hit_is_not_sent_and_not_sent_again(workflow, receiver):
    to, reader = webhook(workflow, receiver), agency(workflow)
    submission_id, link_id = hit(workflow)
    freeze(workflow, link_id)
    about = {"submission_id": submission_id, "link_id": link_id}
    frozen = put(workflow, to, **about)
    assert listed(workflow, to)[0].state == messages_pb2.MESSAGE_STATE_FROZEN
    assert listed(workflow, to)[0].message.WhichOneof("content") is None
    with pytest.raises(TenprintError, match="disputed"):
        redeliver(workflow, to, frozen)
    workflow.write(lambda c: links.let_go(c, links.by_id(c, link_id), Hold.DISPUTED) and outbox.thaw(c, link_id))
    eventually(lambda: state_of(workflow, to, frozen) == "acknowledged")
    sent = put(workflow, reader, **about)
    with stream(workflow, reader) as got:
        assert got.get(timeout=20).message_id == sent
    freeze(workflow, link_id)
    correction = {name: ANSWER[name] for name in ("kind", "ori", "tcr", "gallery", "source", "complaints", "as_of")}
    told = put(workflow, reader, kind=MessageKind.CORRECTION, body=correction | {"outcome": "reversed"}, **about)
    with stream(workflow, reader) as got:  # the answer went out before: not again; the correction does
        assert got.get(timeout=20).message_id == told
    assert redeliver(workflow, reader, told) == [told]
    assert receiver.ids == [frozen]


def test_what_goes_through_a_bureau_waits_for_its_acknowledgement(workflow, receiver):
    bureau, station = agency(workflow, role=Role.STATE_BUREAU), webhook(workflow, receiver)
    passed_on = put(workflow, bureau)
    secondary = put(workflow, station, after=passed_on)
    (waiting,) = listed(workflow, station)
    assert (waiting.after_message_id, waiting.message.WhichOneof("content")) == (passed_on, None)
    with stream(workflow, bureau) as got:
        assert got.get(timeout=20).message_id == passed_on
    assert not receiver.got
    acknowledge(workflow, bureau, passed_on)
    eventually(lambda: state_of(workflow, station, secondary) == "acknowledged")


def subscribe(workflow, office, channel, address="", **filters):
    request = subscriptions_pb2.SubscribeRequest(
        ori=office.ori, channel=channel, address=address, filter=subscriptions_pb2.SubscriptionFilter(**filters)
    )
    return workflow.client.call(workflow.client.subscriptions.Subscribe, request)


def notify(workflow, office, level):
    """The notice of a hit of the county, whose office this is now; its id."""
    workflow.write(
        lambda connection: deliveries.agencies.replace(
            connection, [Agency(COUNTY, "First county", Role.BOOKING, "First", BUREAU, office.ori, can_receive=False)]
        )
    )
    submission_id, link_id = hit(workflow, level=level)

    def work(connection):
        submission = submissions.by_id(connection, submission_id)
        notices.issue(connection, submission, links.by_id(connection, link_id))
        table = schema.message
        return connection.execute(
            select(table.c.message_id, table.c.channel).where(table.c.link_id == link_id).order_by(table.c.number)
        ).all()

    return workflow.write(work)


def test_notices_go_by_every_subscription_that_fits_under_one_id_and_else_by_the_profile(workflow, receiver):
    office = agency(workflow, role=Role.FIELD_OFFICE)
    made = subscribe(workflow, office, messages_pb2.CHANNEL_WEBHOOK, receiver.url, levels=[1, 0])
    subscribe(workflow, office, messages_pb2.CHANNEL_STREAM, levels=[1], jurisdictions=["First"])
    assert made.secret.startswith("whsec_")
    both = notify(workflow, office, 1)
    assert {row.channel for row in both} == {"webhook", "stream"}
    assert len({row.message_id for row in both}) == 1
    eventually(lambda: receiver.got)
    message = verify(made.secret, *receiver.got[0])
    assert message.notice.statement == "identity only, not a status; verify before action"
    with stream(workflow, office) as got:
        assert got.get(timeout=20) == message
    assert [row.channel for row in notify(workflow, office, 0)] == ["webhook"]  # level unknown
    assert [row.channel for row in notify(workflow, office, 3)] == ["stream"]  # fits none: by the profile
    held = made.subscription.subscription_id
    ended = subscriptions_pb2.EndSubscriptionRequest(ori=office.ori, subscription_id=held)
    workflow.client.call(workflow.client.subscriptions.EndSubscription, ended)
    listing = subscriptions_pb2.ListSubscriptionsRequest(ori=office.ori)
    left = workflow.client.call(workflow.client.subscriptions.ListSubscriptions, listing).subscriptions
    assert [item.channel for item in left] == [messages_pb2.CHANNEL_STREAM]
    renewed = subscriptions_pb2.RenewSubscriptionRequest(
        ori=office.ori, subscription_id=left[0].subscription_id, days=2
    )
    longer = workflow.client.call(workflow.client.subscriptions.RenewSubscription, renewed).subscription
    assert longer.expire_time.ToDatetime() < left[0].expire_time.ToDatetime()
    with pytest.raises(TenprintError, match="has ended"):
        workflow.client.call(
            workflow.client.subscriptions.RenewSubscription,
            subscriptions_pb2.RenewSubscriptionRequest(ori=office.ori, subscription_id=held),
        )
    with pytest.raises(InvalidRequestError, match="must be https"):
        subscribe(workflow, office, messages_pb2.CHANNEL_WEBHOOK, "http://office.example/hook")
    with pytest.raises(TenprintError, match="is for field_office alone"):
        subscribe(workflow, agency(workflow), messages_pb2.CHANNEL_STREAM)


def test_the_log_of_disseminations_is_for_oversight_and_the_bureau_in_between(workflow):
    submission_id, link_id = hit(workflow)
    to = agency(workflow)
    message_id = put(workflow, to, submission_id=submission_id, link_id=link_id)
    with stream(workflow, to) as got:
        got.get(timeout=20)
    acknowledge(workflow, to, message_id)
    client = workflow.client

    def log(ori, **asked):
        request = disseminations_pb2.ListDisseminationsRequest(ori=ori, **asked)
        return list(client.call(client.disseminations.ListDisseminations, request).disseminations)

    (row,) = log(OVERSIGHT, link_id=link_id)
    assert (row.recipient, row.message_id, list(row.fields)) == (to.ori, message_id, ["outcome"])
    assert row.HasField("deliver_time")
    assert row.HasField("acknowledge_time")
    assert log(BUREAU, submission_id=submission_id) == [row]
    assert log(BUREAU, recipient=to.ori) == [row]
    other = agency(workflow, role=Role.STATE_BUREAU)
    assert log(other.ori, submission_id=submission_id) == []
    with pytest.raises(TenprintError, match="oversight or state_bureau alone"):
        log(COUNTY)


def test_a_kill_between_delivery_and_its_mark_repeats_it_under_the_same_id(serve, receiver):
    workflow = serve(DELIVERY_SECONDS="1")
    to = webhook(workflow, receiver)

    def kill():
        os.kill(workflow.process.pid, signal.SIGKILL)  # the receiver has it; nobody will write that down
        return 204

    receiver.script = [kill]
    message_id = put(workflow, to)
    assert workflow.process.wait(30) == -signal.SIGKILL
    workflow.client.close()
    workflow.start()
    eventually(lambda: state_of(workflow, to, message_id) == "acknowledged")
    assert receiver.ids == [message_id] * 2
    with stream(workflow, agency(workflow)) as got:
        time.sleep(0.2)
        workflow.process.send_signal(signal.SIGTERM)
        assert got.get(timeout=10).code() is grpc.StatusCode.UNAVAILABLE  # it does not hold the drain up
    assert workflow.process.wait(30) == 0


def test_the_outbox_is_worked_on_either_database(url, tmp_path):
    """What is due, claimed, marked, streamed, acknowledged and sent again."""
    workflow = make_workflow(tmp_path / "flow", AGENCIES, POLICY, DATABASE_URL=url)
    hook = webhook(workflow, WebhookReceiver())
    now = datetime.now(UTC)
    first, second = put(workflow, hook), put(workflow, hook)
    (lane,) = workflow.write(lambda c: deliveries.lanes(c, datetime.now(UTC)))
    later = datetime(2100, 1, 1, tzinfo=UTC)
    claimed = [workflow.write(lambda c: deliveries.claim(c, lane, datetime.now(UTC), later)) for _ in range(3)]
    assert [item and item.message_id for item in claimed] == [first, second, None]
    workflow.write(lambda c: deliveries.failed(c, claimed[0].number, "no", None))
    workflow.write(lambda c: deliveries.arrived(c, claimed[1].number, now))
    shown = workflow.write(lambda c: deliveries.page(c, hook.ori, (), 0, 10))
    assert [item.state for item, _ in shown] == [MessageState.DEAD, MessageState.ACKNOWLEDGED]
    assert workflow.write(lambda c: deliveries.dead(c, hook.ori)) == [first]
    workflow.write(lambda c: deliveries.redeliver(c, hook.ori, [first, second], now))
    assert len(workflow.write(lambda c: deliveries.lanes(c, datetime.now(UTC)))) == 1
    moved = dataclasses.replace(hook, channel=Channel.STREAM, address="")
    workflow.write(lambda c: deliveries.agencies.replace(c, [moved]))
    workflow.write(lambda c: deliveries.reroute(c, moved, now))
    taken = workflow.write(lambda c: deliveries.take(c, hook.ori, (), 0, 10, now))
    assert [item.message_id for item in taken] == [first, second]
    numbers = [item.number for item in taken]
    assert workflow.write(lambda c: deliveries.unacknowledged(c, numbers)) == set(numbers)
    workflow.write(lambda c: deliveries.acknowledge(c, hook.ori, [first, second], now))
    assert workflow.write(lambda c: deliveries.take(c, hook.ori, (), 0, 10, now)) == []
