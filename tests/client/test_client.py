"""Both clients against a real server, and against a stub that fails in chosen ways."""

from concurrent import futures

import grpc
import numpy as np
import pytest

from tenprint.client import AsyncClient, Client, Target
from tenprint.client.errors import (
    AlreadyExistsError,
    DeadlineError,
    InvalidRequestError,
    ModelMismatchError,
    NotFoundError,
    UnavailableError,
)
from tenprint.client.types import EmbeddingSample, Enrolment, Fingers, Originator, Outcome, Search, TransactionFile
from tenprint.v1 import enrolment_pb2, enrolment_pb2_grpc, galleries_pb2, galleries_pb2_grpc
from tests.server.conftest import unit_vectors

_numbers = iter(range(10**6))


def originator():
    return Originator("ZZCLIENT0", f"CLIENT{next(_numbers):06d}")


@pytest.fixture(scope="module")
def client(server):
    with Client(server.address, timeout=30) as made:
        yield made


@pytest.fixture(scope="module")
def model(client):
    return client.describe("criminal").model_version


def person(seed, model):
    vectors = unit_vectors(np.random.default_rng(seed), (10, 256))
    return Fingers(tuple(EmbeddingSample(i + 1, vectors[i], model) for i in range(10)))


def test_enrol_identify_get_delete(client, model):
    receipt = client.enrol(Enrolment(originator(), "criminal", person(1, model), "P1"))
    assert (receipt.subject_id, receipt.repeated) == ("P1", False)
    found = client.identify(Search(originator(), ("criminal", "immigration"), person(1, model)))
    assert [answer.gallery for answer in found.answers] == ["criminal", "immigration"]
    criminal, immigration = found.of("criminal"), found.of("immigration")
    assert (criminal.outcome, criminal.candidates[0].subject_id) == (Outcome.CANDIDATES, "P1")
    assert criminal.candidates[0].score == pytest.approx(1.0, abs=1e-6)
    assert len(criminal.candidates[0].finger_scores) == 10
    assert (immigration.outcome, immigration.candidates) == (Outcome.NO_CANDIDATES, ())
    (encounter,) = client.get(originator(), "criminal", "P1")
    assert encounter.fingers == tuple(range(1, 11))
    assert client.delete(originator(), "criminal", subject_id="P1") == (receipt.encounter_id,)
    with pytest.raises(NotFoundError, match="P1"):
        client.get(originator(), "criminal", "P1")


def test_batches_and_streams_carry_failures_item_by_item(client, model):
    client.enrol(Enrolment(originator(), "criminal", person(2, model), "P2"))
    good, bad = Search(originator(), ("criminal",), person(2, model)), Search(originator(), (), person(2, model))
    batch = client.identify_batch([good, bad])
    assert batch[0].answers[0].candidates[0].subject_id == "P2"
    assert isinstance(batch[1], InvalidRequestError)
    assert [violation.field for violation in batch[1].violations] == ["galleries"]
    streamed = dict(client.identify_stream([good, bad, good], timeout=30))
    assert isinstance(streamed[1], InvalidRequestError)
    assert streamed[0].answers[0].candidates == streamed[2].answers[0].candidates == batch[0].answers[0].candidates
    receipts = dict(client.enrol_stream([Enrolment(originator(), "nowhere", person(3, model))], timeout=30))
    assert isinstance(receipts[0], NotFoundError)


async def test_the_asyncio_client_says_the_same(server, client, model):
    client.enrol(Enrolment(originator(), "criminal", person(4, model), "P4"))
    search = Search(originator(), ("criminal",), person(4, model))
    expected = client.identify(search).answers[0].candidates

    async def searches():
        yield search

    async with AsyncClient(server.address, timeout=30) as aclient:
        assert (await aclient.identify(search)).answers[0].candidates == expected
        assert (await aclient.identify_batch([search]))[0].answers[0].candidates == expected
        async for number, result in aclient.identify_stream(searches(), timeout=30):
            assert (number, result.answers[0].candidates) == (0, expected)
        assert {gallery.name for gallery in await aclient.galleries()} == {"criminal", "immigration"}
        assert (await aclient.describe("criminal")).dimension == 256
        receipt = await aclient.enrol(Enrolment(originator(), "criminal", person(5, model)))
        assert len(await aclient.get(originator(), "criminal", receipt.subject_id)) == 1
        assert await aclient.delete(originator(), "criminal", encounter_id=receipt.encounter_id)
        with pytest.raises(InvalidRequestError):
            await aclient.identify(Search(Originator("x", "y"), ("criminal",), person(4, model)))


def test_errors_are_told_apart(client, model):
    first = Enrolment(originator(), "criminal", person(6, model))
    client.enrol(first)
    with pytest.raises(AlreadyExistsError, match="TCN"):
        client.enrol(Enrolment(first.originator, "criminal", person(7, model)))
    with pytest.raises(ModelMismatchError):
        client.identify(Search(originator(), ("criminal",), person(8, "another-model")))
    with pytest.raises(DeadlineError):  # of one that has passed: a quick answer may come before any other
        client.identify(Search(originator(), ("criminal",), person(6, model)), timeout=-1)
    with Client("127.0.0.1:1", timeout=2) as nobody, pytest.raises((UnavailableError, DeadlineError)):
        nobody.galleries()


class _Flaky(galleries_pb2_grpc.GalleriesServicer, enrolment_pb2_grpc.EnrolmentServicer):
    """Unavailable twice, then well."""

    def __init__(self):
        self.calls = {"List": 0, "Delete": 0, "Enrol": 0, "EnrolStream": 0}

    def _fail(self, method, context):
        self.calls[method] += 1
        if self.calls[method] <= 2:
            context.abort(grpc.StatusCode.UNAVAILABLE, "going away")

    def List(self, request, context):
        self._fail("List", context)
        return galleries_pb2.ListResponse()

    def Enrol(self, request, context):
        self._fail("Enrol", context)
        return enrolment_pb2.EnrolResponse()

    def Delete(self, request, context):
        self._fail("Delete", context)
        return enrolment_pb2.DeleteResponse()

    def EnrolStream(self, requests, context):
        self._fail("EnrolStream", context)
        yield enrolment_pb2.EnrolStreamResponse()


@pytest.fixture
def flaky():
    servicer = _Flaky()
    stub = grpc.server(futures.ThreadPoolExecutor(2))
    galleries_pb2_grpc.add_GalleriesServicer_to_server(servicer, stub)
    enrolment_pb2_grpc.add_EnrolmentServicer_to_server(servicer, stub)
    address = f"127.0.0.1:{stub.add_insecure_port('127.0.0.1:0')}"
    stub.start()
    yield servicer, address
    stub.stop(0).wait()


def test_only_what_is_safe_is_repeated(flaky):
    servicer, address = flaky
    with Client(address, timeout=20) as client:
        assert client.galleries() == ()
        assert servicer.calls["List"] == 3
        card = TransactionFile(b"\0" * 2_000_000)  # more than gRPC keeps for a retry by default
        client.enrol(Enrolment(originator(), "criminal", card))
        assert servicer.calls["Enrol"] == 3
        client.delete(originator(), "criminal", subject_id="P1")
        assert servicer.calls["Delete"] == 3
        with pytest.raises(UnavailableError):
            list(client.enrol_stream([Enrolment(originator(), "criminal", card)], timeout=20))
        assert servicer.calls["EnrolStream"] == 1, "half of a stream may have been answered"


def test_half_a_key_pair_is_refused(tmp_path):
    with pytest.raises(ValueError, match="certificate and key"):
        Target("localhost:1", certificate=tmp_path / "cert.pem")
