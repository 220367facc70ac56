"""The asyncio client."""

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from types import TracebackType
from typing import Any, Self

import grpc

from tenprint.client import codec
from tenprint.client.channel import Target
from tenprint.client.client import DEFAULT_TIMEOUT
from tenprint.client.errors import TenprintError, translated
from tenprint.client.streams import Source
from tenprint.client.types import (
    Encounter,
    Enrolment,
    GalleryInfo,
    Identification,
    Operation,
    Originator,
    Receipt,
    RecordReceipt,
    RecordTarget,
    Search,
)
from tenprint.v1 import (
    enrolment_pb2,
    enrolment_pb2_grpc,
    galleries_pb2,
    galleries_pb2_grpc,
    identification_pb2,
    identification_pb2_grpc,
    records_pb2,
    records_pb2_grpc,
)


class AsyncClient:
    """:class:`tenprint.client.Client` for asyncio. Make it inside the running loop; close it, or use it as a context.

    Every call has a deadline, and raises a :class:`TenprintError` for anything but an answer. Calls that are safe to
    repeat are repeated while the server is unavailable, within their deadline.

    Args:
        target: where the server is; a string is an address without TLS.
        timeout: seconds each call may take, unless it is given its own.
    """

    def __init__(self, target: Target | str, timeout: float = DEFAULT_TIMEOUT) -> None:
        place = Target(target) if isinstance(target, str) else target
        credentials, options = place.credentials, place.options
        self._channel = (
            grpc.aio.insecure_channel(place.address, options)
            if credentials is None
            else grpc.aio.secure_channel(place.address, credentials, options)
        )
        self._identification = identification_pb2_grpc.IdentificationStub(self._channel)
        self._enrolment = enrolment_pb2_grpc.EnrolmentStub(self._channel)
        self._records = records_pb2_grpc.RecordsStub(self._channel)
        self._galleries = galleries_pb2_grpc.GalleriesStub(self._channel)
        self._timeout = timeout

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the channel; running calls are cancelled."""
        await self._channel.close()

    async def _call(self, method: Any, request: Any, timeout: float | None) -> Any:
        with translated():
            return await method(request, timeout=self._timeout if timeout is None else timeout)

    async def identify(self, search: Search, timeout: float | None = None) -> Identification:
        """Search one capture."""
        return codec.identification(await self._call(self._identification.Identify, codec.search(search), timeout))

    async def identify_batch(
        self, searches: Sequence[Search], timeout: float | None = None
    ) -> list[Identification | TenprintError]:
        """Search up to 64 captures in one message; one result each, in order."""
        request = identification_pb2.IdentifyBatchRequest(requests=[codec.search(search) for search in searches])
        response = await self._call(self._identification.IdentifyBatch, request, timeout)
        return [codec.result(result) for result in response.results]

    async def identify_stream(
        self, searches: AsyncIterable[Search], timeout: float
    ) -> AsyncIterator[tuple[int, Identification | TenprintError]]:
        """Search captures as they come; yields (number in `searches`, result) as answers are ready, in no set order.

        Args:
            searches: read as fast as the server takes them. An error of theirs is raised once what was sent before
                it is answered.
            timeout: seconds the whole stream may take.
        """

        async def requests() -> AsyncIterator[identification_pb2.IdentifyStreamRequest]:
            number = 0
            async for search in searches:
                yield identification_pb2.IdentifyStreamRequest(item=number, request=codec.search(search))
                number += 1

        source = Source()
        with source.answered():
            async for answer in self._identification.IdentifyStream(source.read_async(requests()), timeout=timeout):
                yield answer.item, codec.result(answer.result)

    async def enrol(self, enrolment: Enrolment, timeout: float | None = None) -> Receipt:
        """Enrol one capture. Safe to repeat with the same originator and content."""
        return codec.receipt(await self._call(self._enrolment.Enrol, codec.enrolment(enrolment), timeout))

    async def enrol_stream(
        self, enrolments: AsyncIterable[Enrolment], timeout: float
    ) -> AsyncIterator[tuple[int, Receipt | TenprintError]]:
        """Enrol captures as they come; yields (number in `enrolments`, receipt) in their order.

        Args:
            enrolments: read as fast as the server takes them. An error of theirs is raised once what was sent before
                it is answered.
            timeout: seconds the whole stream may take.
        """

        async def requests() -> AsyncIterator[enrolment_pb2.EnrolStreamRequest]:
            number = 0
            async for enrolment in enrolments:
                yield enrolment_pb2.EnrolStreamRequest(item=number, request=codec.enrolment(enrolment))
                number += 1

        source = Source()
        with source.answered():
            async for answer in self._enrolment.EnrolStream(source.read_async(requests()), timeout=timeout):
                yield answer.item, codec.streamed_receipt(answer)

    async def delete(
        self,
        originator: Originator,
        gallery: str,
        *,
        subject_id: str | None = None,
        encounter_id: str | None = None,
        timeout: float | None = None,
    ) -> tuple[str, ...]:
        """Remove a subject or one encounter, exactly one of the two; the ids of the encounters removed."""
        request = enrolment_pb2.DeleteRequest(
            originator=codec.originator(originator), gallery=gallery, subject_id=subject_id, encounter_id=encounter_id
        )
        return tuple((await self._call(self._enrolment.Delete, request, timeout)).encounter_ids)

    async def get(
        self, originator: Originator, gallery: str, subject_id: str, timeout: float | None = None
    ) -> tuple[Encounter, ...]:
        """The encounters of a subject, oldest first."""
        request = enrolment_pb2.GetRequest(
            originator=codec.originator(originator), gallery=gallery, subject_id=subject_id
        )
        return codec.encounters(await self._call(self._enrolment.Get, request, timeout))

    async def seal(
        self,
        originator: Originator,
        gallery: str,
        target: RecordTarget,
        reference: str = "",
        timeout: float | None = None,
    ) -> RecordReceipt:
        """Take a subject's encounters, or one, out of every search, and keep them. Safe to repeat, as all changes."""
        request = codec.change(records_pb2.SealRequest, originator, gallery, target, reference)
        return codec.record_receipt((await self._call(self._records.Seal, request, timeout)).receipt)

    async def unseal(
        self,
        originator: Originator,
        gallery: str,
        target: RecordTarget,
        reference: str = "",
        timeout: float | None = None,
    ) -> RecordReceipt:
        """Let what was sealed be searched again."""
        request = codec.change(records_pb2.UnsealRequest, originator, gallery, target, reference)
        return codec.record_receipt((await self._call(self._records.Unseal, request, timeout)).receipt)

    async def expunge(
        self,
        originator: Originator,
        gallery: str,
        target: RecordTarget,
        reference: str = "",
        timeout: float | None = None,
    ) -> RecordReceipt:
        """Remove a subject's encounters, or one, for good; `erased_by` says by when the last byte is gone."""
        request = codec.change(records_pb2.ExpungeRequest, originator, gallery, target, reference)
        return codec.expunction(await self._call(self._records.Expunge, request, timeout))

    async def merge(
        self,
        originator: Originator,
        gallery: str,
        subject_id: str,
        into_subject_id: str,
        reference: str = "",
        timeout: float | None = None,
    ) -> RecordReceipt:
        """File all encounters of a subject under another."""
        request = records_pb2.MergeRequest(
            originator=codec.originator(originator),
            gallery=gallery,
            subject_id=subject_id,
            into_subject_id=into_subject_id,
            reference=reference,
        )
        return codec.record_receipt((await self._call(self._records.Merge, request, timeout)).receipt)

    async def split(
        self,
        originator: Originator,
        gallery: str,
        encounter_ids: Sequence[str],
        into_subject_id: str,
        reference: str = "",
        timeout: float | None = None,
    ) -> RecordReceipt:
        """File encounters of one subject under another, which need not be held yet."""
        request = records_pb2.SplitRequest(
            originator=codec.originator(originator),
            gallery=gallery,
            encounter_ids=encounter_ids,
            into_subject_id=into_subject_id,
            reference=reference,
        )
        return codec.record_receipt((await self._call(self._records.Split, request, timeout)).receipt)

    async def move(
        self,
        originator: Originator,
        gallery: str,
        subject_id: str,
        into_gallery: str,
        reference: str = "",
        timeout: float | None = None,
    ) -> RecordReceipt:
        """Move a subject into another gallery, where the server's configuration allows it."""
        request = records_pb2.MoveRequest(
            originator=codec.originator(originator),
            gallery=gallery,
            subject_id=subject_id,
            into_gallery=into_gallery,
            reference=reference,
        )
        return codec.record_receipt((await self._call(self._records.Move, request, timeout)).receipt)

    async def history(
        self, originator: Originator, gallery: str, target: RecordTarget, timeout: float | None = None
    ) -> tuple[Operation, ...]:
        """Everything that was done to a subject's encounters, or to one, oldest first; also after its end."""
        request = records_pb2.HistoryRequest(
            originator=codec.originator(originator), gallery=gallery, target=codec.target(target)
        )
        return codec.operations(await self._call(self._records.History, request, timeout))

    async def minutiae(
        self, originator: Originator, gallery: str, encounter_id: str, timeout: float | None = None
    ) -> bytes:
        """The minutiae kept of an encounter: ISO/IEC 19794-2:2005, a view a finger; empty: none are kept."""
        request = records_pb2.GetMinutiaeRequest(
            originator=codec.originator(originator), gallery=gallery, encounter_id=encounter_id
        )
        return bytes((await self._call(self._records.GetMinutiae, request, timeout)).record)

    async def galleries(self, timeout: float | None = None) -> tuple[GalleryInfo, ...]:
        """Every gallery of the server, by name."""
        response = await self._call(self._galleries.List, galleries_pb2.ListRequest(), timeout)
        return tuple(codec.gallery(gallery) for gallery in response.galleries)

    async def describe(self, gallery: str, timeout: float | None = None) -> GalleryInfo:
        """One gallery."""
        request = galleries_pb2.DescribeRequest(gallery=gallery)
        return codec.gallery((await self._call(self._galleries.Describe, request, timeout)).gallery)
