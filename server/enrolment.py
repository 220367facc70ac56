"""The Enrolment service."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import grpc

from tenprint.fingerprint.embedding import Embedder
from tenprint.fingerprint.features import pack_capture
from tenprint.server import audit, codec
from tenprint.server.engine import Engine
from tenprint.server.errors import ServiceError, status_of
from tenprint.server.inflight import InFlight
from tenprint.server.metrics import Metrics
from tenprint.server.preparation import Preparation
from tenprint.server.validation import validate
from tenprint.store import Encounter, NewEncounter, Originator, Receipt, Request
from tenprint.v1 import enrolment_pb2, enrolment_pb2_grpc

if TYPE_CHECKING:
    _Context = grpc.aio.ServicerContext[object, object]

STREAM_WINDOW: Final = 128
"""Items of one EnrolStream that are worked on at once: those that wait together are committed together."""

EXTRACTION_WINDOW: Final = 8
"""How many of those may need extraction: enough to keep its pool busy."""


class EnrolmentService(enrolment_pb2_grpc.EnrolmentServicer):
    """Puts captures into galleries, and takes them out."""

    def __init__(self, engine: Engine, preparation: Preparation, embedder: Embedder, metrics: Metrics) -> None:
        self._engine, self._preparation, self._embedder, self._metrics = engine, preparation, embedder, metrics
        self._running = InFlight()

    async def Enrol(
        self,
        request: enrolment_pb2.EnrolRequest,
        context: "_Context",
    ) -> enrolment_pb2.EnrolResponse:
        """One capture."""
        return await self._enrol(request)

    async def EnrolStream(
        self,
        requests: AsyncIterator[enrolment_pb2.EnrolStreamRequest],
        context: "_Context",
    ) -> AsyncIterator[enrolment_pb2.EnrolStreamResponse]:
        """Captures as they come, receipts in the same order; STREAM_WINDOW are worked on at once."""
        answers: asyncio.Queue[asyncio.Task[enrolment_pb2.EnrolStreamResponse] | None] = asyncio.Queue()
        window, extraction = asyncio.Semaphore(STREAM_WINDOW), asyncio.Semaphore(EXTRACTION_WINDOW)
        working: set[asyncio.Task[enrolment_pb2.EnrolStreamResponse]] = set()

        async def read() -> None:
            async for item in requests:
                await window.acquire()
                extracted = not _holds_vectors(item.request)
                if extracted:
                    await extraction.acquire()
                task = asyncio.create_task(self._answer(item))
                if extracted:
                    task.add_done_callback(lambda _: extraction.release())
                working.add(task)
                answers.put_nowait(task)

        reader = asyncio.create_task(read())
        reader.add_done_callback(lambda _: answers.put_nowait(None))  # also where reading failed: the loop below ends
        try:
            while (task := await answers.get()) is not None:
                yield await task
                working.discard(task)
                window.release()
            await reader
        finally:
            for left in (reader, *working):
                left.cancel()

    async def Delete(
        self,
        request: enrolment_pb2.DeleteRequest,
        context: "_Context",
    ) -> enrolment_pb2.DeleteResponse:
        """Remove an encounter, or a subject."""
        originator = codec.originator(request.originator)
        target = codec.target(request)
        named = target.subject_id or target.encounter_id
        with audit.access("delete", originator, gallery=request.gallery, target=named) as facts:
            gallery = self._engine.held(request.gallery).index.name
            asked = Request(originator, codec.content_digest(request))
            receipt = await self._engine.change(lambda: self._engine.store.records.delete(gallery, target, asked))
            facts |= {"encounters": list(receipt.encounter_ids), "repeated": receipt.repeated}
        return enrolment_pb2.DeleteResponse(
            tcr=originator.tcn,
            encounter_ids=receipt.encounter_ids,
            position=str(receipt.position),
            repeated=receipt.repeated,
        )

    async def Get(
        self,
        request: enrolment_pb2.GetRequest,
        context: "_Context",
    ) -> enrolment_pb2.GetResponse:
        """Tell which encounters a subject has."""
        originator = codec.originator(request.originator)
        with audit.access("get", originator, gallery=request.gallery, target=request.subject_id):
            gallery = self._engine.held(request.gallery).index.name
            encounters = await self._engine.read(lambda: self._engine.store.encounters(gallery, request.subject_id))
        return enrolment_pb2.GetResponse(
            subject_id=request.subject_id, encounters=[codec.encounter(encounter) for encounter in encounters]
        )

    async def _answer(self, item: enrolment_pb2.EnrolStreamRequest) -> enrolment_pb2.EnrolStreamResponse:
        try:
            validate(item)
            return enrolment_pb2.EnrolStreamResponse(item=item.item, response=await self._enrol(item.request))
        except Exception as error:  # noqa: BLE001 - one capture's fault, whatever it is, must not reach the others
            return enrolment_pb2.EnrolStreamResponse(item=item.item, status=status_of(error))

    async def _enrol(self, request: enrolment_pb2.EnrolRequest) -> enrolment_pb2.EnrolResponse:
        originator, digest = codec.originator(request.originator), codec.content_digest(request)
        with audit.access("enrol", originator, gallery=request.gallery) as facts:
            self._engine.held(request.gallery)  # an unknown gallery is refused before anything is claimed
            receipt = await self._running.once(originator, digest, lambda: self._once(request, originator, digest))
            encounter = receipt.encounter
            facts |= {"encounter": encounter.encounter_id, "repeated": receipt.repeated}
        return enrolment_pb2.EnrolResponse(
            tcr=originator.tcn,
            subject_id=encounter.subject_id,
            encounter_id=encounter.encounter_id,
            samples=codec.sample_reports(codec.reports_of(receipt.reports)),
            model_version=self._embedder.version,
            repeated=receipt.repeated,
            position=str(receipt.position),
        )

    async def _once(self, request: enrolment_pb2.EnrolRequest, originator: Originator, digest: str) -> Receipt:
        """The receipt of an earlier enrolment, or a new one's."""
        if _holds_vectors(request):  # cheaper to prepare than to ask about: the transaction finds an earlier receipt
            try:
                return await self._new(request, originator, digest)
            except ServiceError:  # a repetition is answered also where it would be refused today, its model say
                earlier = await self._earlier(originator, digest)
                if earlier is None:
                    raise
                return earlier
        return await self._earlier(originator, digest) or await self._new(request, originator, digest)

    async def _earlier(self, originator: Originator, digest: str) -> Receipt | None:
        earlier = await self._engine.read(lambda: self._engine.store.receipt(originator, digest))
        if earlier is not None:
            await self._engine.searchable(earlier.position)
        return earlier

    async def _new(self, request: enrolment_pb2.EnrolRequest, originator: Originator, digest: str) -> Receipt:
        prepared = await self._preparation.prepare(codec.capture(request.capture), "capture", for_enrolment=True)
        encounter = Encounter(
            encounter_id=str(uuid.uuid4()),
            subject_id=request.subject_id if request.HasField("subject_id") else str(uuid.uuid4()),
            enrolled_at=datetime.now(UTC),
            fingers=tuple(int(finger) for finger in prepared.fingers),
            originator=originator,
        )
        new = NewEncounter(
            gallery=request.gallery,
            encounter=encounter,
            vector=prepared.vector,
            digest=digest,
            reports=codec.report_rows(prepared.reports),
            features=pack_capture(prepared.features),
            minutiae=prepared.minutiae_record(),
        )
        receipt = await self._engine.enrol(new)
        if not receipt.repeated:
            self._metrics.enrolments.labels(request.gallery).inc()
        return receipt


def _holds_vectors(request: enrolment_pb2.EnrolRequest) -> bool:
    """Whether it brings embeddings alone: nothing to extract."""
    samples = request.capture.fingers.samples
    return bool(samples) and all(sample.HasField("embedding") for sample in samples)
