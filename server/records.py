"""The Records service."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import grpc

from tenprint.server import audit, codec
from tenprint.server.engine import Engine
from tenprint.server.errors import RefusedError
from tenprint.store import ChangeReceipt, Request
from tenprint.v1 import records_pb2, records_pb2_grpc

if TYPE_CHECKING:
    _Context = grpc.aio.ServicerContext[object, object]

_Changing = (
    records_pb2.SealRequest
    | records_pb2.UnsealRequest
    | records_pb2.ExpungeRequest
    | records_pb2.MergeRequest
    | records_pb2.SplitRequest
    | records_pb2.MoveRequest
)


class RecordsService(records_pb2_grpc.RecordsServicer):
    """Changes records, and tells what was done to them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def Seal(self, request: records_pb2.SealRequest, context: "_Context") -> records_pb2.SealResponse:
        """Take records out of searches."""
        gallery, target, asked = request.gallery, codec.target(request.target), _asked(request)
        receipt = await self._change(
            "seal", request, lambda: self._engine.store.records.seal(gallery, target, asked, sealed=True)
        )
        return records_pb2.SealResponse(receipt=receipt)

    async def Unseal(self, request: records_pb2.UnsealRequest, context: "_Context") -> records_pb2.UnsealResponse:
        """Let them be searched again."""
        gallery, target, asked = request.gallery, codec.target(request.target), _asked(request)
        receipt = await self._change(
            "unseal", request, lambda: self._engine.store.records.seal(gallery, target, asked, sealed=False)
        )
        return records_pb2.UnsealResponse(receipt=receipt)

    async def Expunge(self, request: records_pb2.ExpungeRequest, context: "_Context") -> records_pb2.ExpungeResponse:
        """Remove records for good."""
        originator = codec.originator(request.originator)
        with audit.access("expunge", originator, gallery=request.gallery) as facts:
            self._engine.held(request.gallery)
            receipt, erase_time = await self._engine.expunge(
                request.gallery, codec.target(request.target), _asked(request)
            )
            facts |= {"encounters": list(receipt.encounter_ids), "repeated": receipt.repeated}
        return records_pb2.ExpungeResponse(
            receipt=codec.record_receipt(receipt, originator.tcn), erase_time=codec.timestamp(erase_time)
        )

    async def Merge(self, request: records_pb2.MergeRequest, context: "_Context") -> records_pb2.MergeResponse:
        """File a subject's encounters under another."""
        asked = _asked(request)
        receipt = await self._change(
            "merge",
            request,
            lambda: self._engine.store.records.merge(
                request.gallery, request.subject_id, request.into_subject_id, asked
            ),
        )
        return records_pb2.MergeResponse(receipt=receipt)

    async def Split(self, request: records_pb2.SplitRequest, context: "_Context") -> records_pb2.SplitResponse:
        """File some of them under another."""
        asked = _asked(request)
        receipt = await self._change(
            "split",
            request,
            lambda: self._engine.store.records.split(
                request.gallery, list(request.encounter_ids), request.into_subject_id, asked
            ),
        )
        return records_pb2.SplitResponse(receipt=receipt)

    async def Move(self, request: records_pb2.MoveRequest, context: "_Context") -> records_pb2.MoveResponse:
        """Move a subject into another gallery, where the configuration allows it."""
        asked = _asked(request)

        def move() -> ChangeReceipt:
            return self._engine.store.records.move(request.gallery, request.subject_id, request.into_gallery, asked)

        return records_pb2.MoveResponse(receipt=await self._change("move", request, move))

    async def History(self, request: records_pb2.HistoryRequest, context: "_Context") -> records_pb2.HistoryResponse:
        """Tell what was done."""
        target = codec.target(request.target)
        named = target.subject_id or target.encounter_id
        with audit.access("history", codec.originator(request.originator), gallery=request.gallery, target=named):
            self._engine.held(request.gallery)
            operations = await self._engine.read(
                lambda: self._engine.store.history(
                    request.gallery, subject_id=target.subject_id, encounter_id=target.encounter_id
                )
            )
        return records_pb2.HistoryResponse(operations=[codec.operation(operation) for operation in operations])

    async def GetMinutiae(
        self, request: records_pb2.GetMinutiaeRequest, context: "_Context"
    ) -> records_pb2.GetMinutiaeResponse:
        """Give out what is kept of a capture."""
        gallery, encounter_id = request.gallery, request.encounter_id
        originator = codec.originator(request.originator)
        with audit.access("get_minutiae", originator, gallery=gallery, encounter=encounter_id) as facts:
            self._engine.held(gallery)
            record = await self._engine.read(lambda: self._engine.store.minutiae(gallery, encounter_id))
            facts["bytes"] = len(record)
        return records_pb2.GetMinutiaeResponse(record=record)

    async def _change(
        self, event: str, request: _Changing, work: Callable[[], ChangeReceipt]
    ) -> records_pb2.RecordReceipt:
        originator = codec.originator(request.originator)
        with audit.access(event, originator, gallery=request.gallery) as facts:
            self._engine.held(request.gallery)
            if isinstance(request, records_pb2.MoveRequest):
                facts["into"] = request.into_gallery
                accepted = self._engine.held(request.into_gallery).settings.accepts_moves_from
                if request.gallery not in accepted:
                    raise RefusedError(
                        "into_gallery", f"does not accept moves from {request.gallery!r}; its configuration decides"
                    )
            receipt = await self._engine.change(work)
            facts |= {"encounters": list(receipt.encounter_ids), "repeated": receipt.repeated}
        return codec.record_receipt(receipt, originator.tcn)


def _asked(request: _Changing) -> Request:
    return Request(codec.originator(request.originator), codec.content_digest(request), request.reference)
