"""The Identification service."""

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import grpc

from tenprint.fingerprint.calibration import Kind
from tenprint.index import FINGERS
from tenprint.server import audit, codec
from tenprint.server.capture import PreparedCapture
from tenprint.server.decision import Outcome, decide
from tenprint.server.engine import Engine
from tenprint.server.errors import DeadlinePassedError, status_of
from tenprint.server.metrics import Metrics
from tenprint.server.preparation import Preparation
from tenprint.server.queues import LAST_PRIORITY, Claim
from tenprint.server.reranking import Reranking
from tenprint.server.scheduler import Probe, Searched
from tenprint.server.thresholds import Thresholds, Wish, kind_of
from tenprint.server.validation import validate
from tenprint.store import Position
from tenprint.v1 import identification_pb2, identification_pb2_grpc

if TYPE_CHECKING:
    _Context = grpc.aio.ServicerContext[object, object]

DEFAULT_CANDIDATES = 20
"""Candidates a gallery answers with at most where the request does not say."""

STREAM_WINDOW = 32
"""Items of one IdentifyStream that may be unanswered before the server reads on."""

_REPLY_MARGIN = 0.1
_REPLY_MARGIN_SECONDS = 0.25
"""A tenth of the time left, at most a quarter of a second, is kept back from the deadline, so that the answer of one
gallery still reaches the caller when another is late."""


class IdentificationService(identification_pb2_grpc.IdentificationServicer):
    """Searches captures in galleries."""

    def __init__(
        self,
        engine: Engine,
        preparation: Preparation,
        reranking: Reranking,
        thresholds: Thresholds,
        model_version: str,
        metrics: Metrics,
        *,
        default_deadline: float,
    ) -> None:
        self._engine, self._preparation, self._metrics = engine, preparation, metrics
        self._reranking, self._thresholds, self._model_version = reranking, thresholds, model_version
        self._default_deadline = default_deadline

    async def Identify(
        self, request: identification_pb2.IdentifyRequest, context: "_Context"
    ) -> identification_pb2.IdentifyResponse:
        """One capture."""
        return await self._identify(request, self._deadline(context))

    async def IdentifyBatch(
        self, request: identification_pb2.IdentifyBatchRequest, context: "_Context"
    ) -> identification_pb2.IdentifyBatchResponse:
        """Several captures, each with its own result."""
        deadline = self._deadline(context)
        results = await asyncio.gather(*(self._result(item, deadline) for item in request.requests))
        return identification_pb2.IdentifyBatchResponse(results=results)

    async def IdentifyStream(
        self, requests: AsyncIterator[identification_pb2.IdentifyStreamRequest], context: "_Context"
    ) -> AsyncIterator[identification_pb2.IdentifyStreamResponse]:
        """Captures as they come. A task an item; no more than STREAM_WINDOW at once."""
        window = asyncio.Semaphore(STREAM_WINDOW)
        answers: asyncio.Queue[identification_pb2.IdentifyStreamResponse | None] = asyncio.Queue()

        async def answer(item: identification_pb2.IdentifyStreamRequest) -> None:
            result = await self._result(item.request, self._deadline(context))
            await answers.put(identification_pb2.IdentifyStreamResponse(item=item.item, result=result))

        async def read() -> None:
            async with asyncio.TaskGroup() as tasks:
                async for item in requests:
                    await window.acquire()
                    tasks.create_task(answer(item))

        reader = asyncio.create_task(read())
        reader.add_done_callback(lambda _: answers.put_nowait(None))  # also where reading failed: the loop below ends
        try:
            while (response := await answers.get()) is not None:
                yield response
                window.release()
            await reader
        finally:
            reader.cancel()

    def _deadline(self, context: "_Context") -> float:
        """When the answer must be on its way, on the monotonic clock."""
        remaining = cast("float | None", context.time_remaining())  # None without a deadline, whatever the stubs say
        return time.monotonic() + (self._default_deadline if remaining is None else remaining)

    async def _result(
        self, request: identification_pb2.IdentifyRequest, deadline: float
    ) -> identification_pb2.IdentifyResult:
        try:
            validate(request)
            return identification_pb2.IdentifyResult(response=await self._identify(request, deadline))
        except Exception as error:  # noqa: BLE001 - one capture's fault, whatever it is, must not reach the others
            return identification_pb2.IdentifyResult(status=status_of(error))

    async def _identify(
        self, request: identification_pb2.IdentifyRequest, deadline: float
    ) -> identification_pb2.IdentifyResponse:
        originator = codec.originator(request.originator)
        with audit.access("identify", originator, galleries=list(request.galleries)) as facts:
            response = await self._search(request, deadline)
            facts["answers"] = [identification_pb2.Outcome.Name(answer.outcome) for answer in response.answers]
            return response

    async def _search(
        self, request: identification_pb2.IdentifyRequest, deadline: float
    ) -> identification_pb2.IdentifyResponse:
        names = [self._engine.held(name).index.name for name in request.galleries]
        scheduler = self._engine.scheduler
        # What cannot be answered in time is refused before any work goes into it.
        scheduler.admit(names, _in_time(deadline), _claim(request))
        wish = codec.wish(request)
        capture = codec.capture(request.probe)
        if request.min_position:
            await self._engine.reached(Position.parse(request.min_position), _in_time(deadline))
        async with _until(deadline, "while the capture was prepared"):
            prepared = await self._preparation.prepare(capture, "probe", for_enrolment=False)
        wanted = request.max_candidates if request.HasField("max_candidates") else DEFAULT_CANDIDATES
        asked = self._reranking.candidates_wanted(wanted, prepared.features)
        probe = Probe(prepared.vector, prepared.position_known)
        searches = scheduler.search(names, probe, asked, _in_time(deadline), _claim(request))
        await _all_done(searches.values(), _in_time(deadline))
        answers = [
            await self._answer(name, search, prepared, wanted, wish, deadline) for name, search in searches.items()
        ]
        scheduler.answered(searches.values())
        return identification_pb2.IdentifyResponse(
            tcr=request.originator.tcn,
            answers=answers,
            samples=codec.sample_reports(prepared.reports),
            model_version=self._model_version,
            timing=identification_pb2.PreparationTiming(
                decode_seconds=prepared.decode_seconds,
                extract_seconds=prepared.extract_seconds,
                embed_seconds=prepared.embed_seconds,
            ),
        )

    async def _answer(
        self,
        name: str,
        search: asyncio.Future[Searched],
        prepared: PreparedCapture,
        wanted: int,
        wish: Wish,
        deadline: float,
    ) -> identification_pb2.GalleryAnswer:
        """One gallery's answer. Its failure is its answer: the other galleries' stand."""
        answer = identification_pb2.GalleryAnswer(gallery=name, calibration_version=self._thresholds.version)
        try:
            searched = _result(search, name)
            async with _until(_in_time(deadline), f"while the short list of gallery {name!r} was compared"):
                ranked = await self._reranking.rank(prepared.features, searched.result)
            size = _comparisons(searched.result.coverage.total, prepared)

            @functools.cache  # of many candidates few differ in both; finding a target's score takes a millisecond
            def least(kind: Kind, fingers: int) -> float:
                of_probe = prepared.features if kind is Kind.FUSED else prepared.fingers
                return self._thresholds.least(wish, kind, fingers, size, fewer=fingers < len(of_probe))

            compared = [item for item in ranked.candidates if item.match is not None]
            answer.score_threshold = (
                least(Kind.FUSED, compared[0].fingers) if compared else least(Kind.VECTOR, len(prepared.fingers))
            )
            decision = decide(ranked, wanted, lambda item: least(kind_of(item), item.fingers))
        except Exception as error:  # noqa: BLE001 - whatever stopped this gallery must not stop the other
            outcome = Outcome.ERROR
            answer.error.CopyFrom(status_of(error))
        else:
            if compared:
                self._metrics.search_seconds.labels(name, "rerank").observe(ranked.seconds)
            outcome = decision.outcome
            expectations = [self._thresholds.expected(item, size) for item in decision.candidates]
            answer.candidates.extend(codec.candidates(decision.candidates, expectations))
            answer.coverage.CopyFrom(codec.coverage(searched.result.coverage))
            answer.timing.queue_seconds = searched.queue_seconds
            answer.timing.search_seconds = searched.nominate_seconds
            answer.timing.rescore_seconds = searched.rescore_seconds
            answer.timing.rerank_seconds = ranked.seconds
        answer.outcome = codec.outcome(outcome)
        self._metrics.outcomes.labels(name, outcome.value).inc()
        return answer


def _claim(request: identification_pb2.IdentifyRequest) -> Claim:
    """By what a request's turn is decided, as one that comes now."""
    return Claim(request.priority if request.HasField("priority") else LAST_PRIORITY, request.originator.ori)


def _comparisons(records: int, prepared: PreparedCapture) -> int:
    """How many chances of a false candidate a search has: a finger of unknown position has ten of every record."""
    return max(1, records) * (1 if prepared.position_known else FINGERS)


async def _all_done(searches: Collection[asyncio.Future[Searched]], deadline: float) -> None:
    """Wait for searches; what is not done by a monotonic time, or when the caller goes, is cancelled."""
    try:
        await asyncio.wait(searches, timeout=max(0.0, deadline - time.monotonic()))
    finally:
        for search in searches:
            if not search.cancel() and not search.cancelled():
                search.exception()  # seen, whether or not there is still somebody to tell


def _result(search: asyncio.Future[Searched], gallery: str) -> Searched:
    if search.cancelled():
        raise DeadlinePassedError(f"the deadline passed while gallery {gallery!r} was searched")
    return search.result()


def _in_time(deadline: float) -> float:
    """When to stop waiting, so that an answer still reaches the caller by the deadline."""
    return deadline - min(_REPLY_MARGIN_SECONDS, _REPLY_MARGIN * max(0.0, deadline - time.monotonic()))


@asynccontextmanager
async def _until(deadline: float, when: str) -> AsyncIterator[None]:
    """asyncio.timeout at a monotonic time, ending in the domain's error."""
    try:
        async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
            yield
    except TimeoutError as error:
        raise DeadlinePassedError(f"the deadline passed {when}") from error
