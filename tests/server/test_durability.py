"""What is acknowledged survives: the server killed without warning, and started again on the same store.

Once, here; again and again, at every moment, in tests/crash.
"""

import signal
import time

import grpc
import numpy as np
import pytest

from tenprint.v1 import capture_pb2, enrolment_pb2, identification_pb2
from tests.server.conftest import embedding_sample, fingers, originator, refusal, unit_vectors
from tests.store.conftest import postgresql, url  # noqa: F401 - fixtures


def capture(seed, model):
    vectors = unit_vectors(np.random.default_rng(seed), (10, 256))
    return fingers(*(embedding_sample(i + 1, vectors[i], model) for i in range(10)))


def enrolment(seed, model, tcn, gallery="criminal"):
    return enrolment_pb2.EnrolRequest(
        originator=capture_pb2.Originator(ori="ZZDURABLE", tcn=tcn),
        gallery=gallery,
        subject_id=f"S{seed}",
        capture=capture(seed, model),
    )


def search(server, seed, model, **fields):
    request = identification_pb2.IdentifyRequest(
        originator=originator(), galleries=["criminal"], probe=capture(seed, model), score_threshold=0.99, **fields
    )
    return [candidate.subject_id for candidate in server.identification.Identify(request).answers[0].candidates]


def kill(server):
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    server.channel.close()


def test_killed_and_started_again_it_holds_what_it_acknowledged(launch, url):  # noqa: F811 - the fixture
    server = launch(database_url=url)
    model = server.gallery("criminal").model_version
    receipts = {seed: server.enrolment.Enrol(enrolment(seed, model, f"TCN{seed:07d}")) for seed in range(1, 6)}
    server.enrolment.Delete(enrolment_pb2.DeleteRequest(originator=originator(), gallery="criminal", subject_id="S2"))
    kill(server)
    again = launch(database_url=url)
    assert again.gallery("criminal").encounters == 4
    for seed in range(1, 6):
        assert search(again, seed, model) == ([] if seed == 2 else [f"S{seed}"])
    repeated = again.enrolment.Enrol(enrolment(1, model, "TCN0000001"))
    assert (repeated.repeated, repeated.encounter_id) == (True, receipts[1].encounter_id)
    assert repeated.samples == receipts[1].samples
    code, _, message = refusal(lambda: again.enrolment.Enrol(enrolment(7, model, "TCN0000001")))
    assert code is grpc.StatusCode.ALREADY_EXISTS
    assert "SHA-256" in message
    encounters = again.enrolment.Get(
        enrolment_pb2.GetRequest(originator=originator(), gallery="criminal", subject_id="S3")
    ).encounters
    assert [encounter.encounter_id for encounter in encounters] == [receipts[3].encounter_id]


def test_a_search_may_demand_a_position(server):
    model = server.gallery("criminal").model_version
    receipt = server.enrolment.Enrol(enrolment(900, model, "TCN-POSITION"))
    assert search(server, 900, model, min_position=receipt.position) == ["S900"]
    transaction, _, number = receipt.position.partition("-")
    request = identification_pb2.IdentifyRequest(
        originator=originator(),
        galleries=["criminal"],
        probe=capture(900, model),
        min_position=f"{transaction}-{int(number) + 1000}",
    )
    begun = time.monotonic()
    with pytest.raises(grpc.RpcError) as caught:
        server.identification.Identify(request, timeout=2)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert "stands at" in caught.value.details()
    assert "operations behind" in caught.value.details()
    assert time.monotonic() - begun < 2, "the refusal comes before the caller's own deadline"
    code, broken, _ = refusal(lambda: search(server, 900, model, min_position="tomorrow"))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "min_position" in broken


def test_two_galleries_of_one_store_stay_apart(server):
    model = server.gallery("criminal").model_version
    server.enrolment.Enrol(enrolment(901, model, "TCN-APART-1", gallery="immigration"))
    assert search(server, 901, model) == []
