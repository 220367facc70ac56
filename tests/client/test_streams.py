"""Streams whose source breaks, and refusals with details, against a stub."""

from concurrent import futures

import grpc
import pytest
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from tenprint.client import AsyncClient, Client
from tenprint.client.errors import DeadlineError, FieldViolation, InvalidRequestError, OverloadedError
from tenprint.client.types import Enrolment, Originator, Search, TransactionFile
from tenprint.v1 import enrolment_pb2, enrolment_pb2_grpc, identification_pb2, identification_pb2_grpc

SEARCH = Search(Originator("ZZ0000000", "TCN0000001"), ("criminal",), TransactionFile(b"card"))
ENROLMENT = Enrolment(Originator("ZZ0000000", "TCN0000001"), "criminal", TransactionFile(b"card"))


class _Stub(identification_pb2_grpc.IdentificationServicer, enrolment_pb2_grpc.EnrolmentServicer):
    """Answers streams at once; refuses single calls as a full server, and as one that names fields."""

    def __init__(self):
        self.deadlines = []

    def Identify(self, request, context):
        details = status_pb2.Status(code=8, message="the queue is full")
        details.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=2)))
        context.abort_with_status(rpc_status.to_status(details))

    def Enrol(self, request, context):
        bad = error_details_pb2.BadRequest()
        bad.field_violations.add(field="capture", description="holds no usable finger")
        details = status_pb2.Status(code=3, message="capture: holds no usable finger")
        details.details.add().Pack(bad)
        context.abort_with_status(rpc_status.to_status(details))

    def IdentifyStream(self, requests, context):
        self.deadlines.append(context.time_remaining())
        for request in requests:
            if request.request.galleries[0] == "stuck":
                context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "stuck")
            result = identification_pb2.IdentifyResult(response=identification_pb2.IdentifyResponse(tcr="T"))
            yield identification_pb2.IdentifyStreamResponse(item=request.item, result=result)

    def EnrolStream(self, requests, context):
        for request in requests:
            yield enrolment_pb2.EnrolStreamResponse(item=request.item, response=enrolment_pb2.EnrolResponse(tcr="T"))


@pytest.fixture(scope="module")
def stub():
    servicer = _Stub()
    server = grpc.server(futures.ThreadPoolExecutor(4))
    identification_pb2_grpc.add_IdentificationServicer_to_server(servicer, server)
    enrolment_pb2_grpc.add_EnrolmentServicer_to_server(servicer, server)
    servicer.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield servicer
    server.stop(0).wait()


def breaking(item):
    yield item
    yield item
    raise OSError("the disk is gone")


async def async_breaking(item):
    for sent in breaking(item):
        yield sent


@pytest.mark.parametrize(("method", "item"), [("identify_stream", SEARCH), ("enrol_stream", ENROLMENT)])
def test_an_error_of_the_source_is_raised_after_the_answers_to_what_was_sent(stub, method, item):
    answered = []
    with Client(stub.address, timeout=20) as client:
        answers = getattr(client, method)(breaking(item), timeout=20)
        with pytest.raises(OSError, match="the disk is gone"):
            answered.extend(number for number, _ in answers)
    assert answered == [0, 1]


@pytest.mark.parametrize(("method", "item"), [("identify_stream", SEARCH), ("enrol_stream", ENROLMENT)])
async def test_it_is_no_cancellation_for_asyncio_either(stub, method, item):
    async with AsyncClient(stub.address, timeout=20) as client:
        answers = getattr(client, method)(async_breaking(item), timeout=20)
        answered = [(await anext(answers))[0], (await anext(answers))[0]]
        with pytest.raises(OSError, match="the disk is gone"):
            await anext(answers)
    assert answered == [0, 1]


def test_an_item_that_cannot_be_written_is_such_an_error(stub):
    unwritable = Search(SEARCH.originator, ("criminal",), SEARCH.probe, max_candidates=2**40)
    with Client(stub.address, timeout=20) as client, pytest.raises(ValueError, match="out of range"):
        list(client.identify_stream([SEARCH, unwritable], timeout=20))


def test_a_failed_stream_is_told_by_its_status(stub):
    stuck = Search(SEARCH.originator, ("stuck",), SEARCH.probe)
    with Client(stub.address, timeout=20) as client, pytest.raises(DeadlineError, match="stuck"):
        list(client.identify_stream([SEARCH, stuck], timeout=20))


def test_a_stream_may_be_left_before_its_end(stub):
    with Client(stub.address, timeout=20) as client:
        assert next(iter(client.identify_stream([SEARCH] * 5, timeout=20)))[0] == 0
        assert len(list(client.identify_stream([SEARCH] * 5, timeout=20))) == 5


def test_a_stream_brings_its_deadline(stub):
    with Client(stub.address) as client:
        list(client.identify_stream([SEARCH], timeout=17))
    assert 0 < stub.deadlines[-1] <= 17


async def test_details_of_a_refusal_reach_the_caller(stub):
    with Client(stub.address, timeout=20) as client:
        with pytest.raises(OverloadedError, match="full") as full:
            client.identify(SEARCH)
        with pytest.raises(InvalidRequestError) as refused:
            client.enrol(ENROLMENT)
    violations = (FieldViolation("capture", "holds no usable finger"),)
    assert (full.value.retry_after, refused.value.violations) == (2.0, violations)
    async with AsyncClient(stub.address, timeout=20) as client:
        with pytest.raises(OverloadedError, match="full") as full:
            await client.identify(SEARCH)
        with pytest.raises(InvalidRequestError) as refused:
            await client.enrol(ENROLMENT)
    assert (full.value.retry_after, refused.value.violations) == (2.0, violations)
