"""tenprint.v1.Redress."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import grpc
from sqlalchemy import Connection

from tenprint.server import audit
from tenprint.server.errors import InvalidRequestError, Violation
from tenprint.store import Database, Originator
from tenprint.v1 import redress_pb2, redress_pb2_grpc
from tenprint.workflow import redress
from tenprint.workflow.doorbell import Doorbell
from tenprint.workflow.lifecycle import ENCOUNTER, SUBJECT, Intention, Lifecycle
from tenprint.workflow.redress import Dispute
from tenprint.workflow.services.codec import timestamp
from tenprint.workflow.types import Gallery, RecordChange

if TYPE_CHECKING:
    _Context = grpc.aio.ServicerContext[object, object]

_CHANGES = {
    redress_pb2.RECORD_CHANGE_SEALED: RecordChange.SEALED,
    redress_pb2.RECORD_CHANGE_UNSEALED: RecordChange.UNSEALED,
    redress_pb2.RECORD_CHANGE_EXPUNGED: RecordChange.EXPUNGED,
}


class RedressService(redress_pb2_grpc.RedressServicer):
    """Takes disputes, and changes to records that others must hear of."""

    def __init__(self, database: Database, lifecycle: Lifecycle, doorbell: Doorbell) -> None:
        self._database, self._lifecycle, self._doorbell = database, lifecycle, doorbell

    async def Dispute(self, request: redress_pb2.DisputeRequest, context: "_Context") -> redress_pb2.DisputeResponse:
        """Freeze a hit, and have it examined again."""

        def dispute(connection: Connection) -> tuple[Dispute, bool]:
            now = datetime.now(UTC)
            return redress.dispute(connection, request.link_id, request.ori, request.reference, request.reason, now)

        with audit.access("dispute", Originator(request.ori, "-"), link=request.link_id) as facts:
            raised, repeated = await asyncio.to_thread(self._database.write, dispute)
            facts |= {"dispute": raised.dispute_id, "repeated": repeated}
        self._doorbell.ring()
        return redress_pb2.DisputeResponse(dispute=_dispute(raised), repeated=repeated)

    async def GetDispute(
        self, request: redress_pb2.GetDisputeRequest, context: "_Context"
    ) -> redress_pb2.GetDisputeResponse:
        """Tell where one stands."""

        def read() -> Dispute:
            with self._database.read() as connection:
                return redress.seen(connection, request.dispute_id, request.ori)

        with audit.access("get_dispute", Originator(request.ori, "-"), dispute=request.dispute_id):
            found = await asyncio.to_thread(read)
        return redress_pb2.GetDisputeResponse(dispute=_dispute(found))

    async def ChangeRecord(
        self, request: redress_pb2.ChangeRecordRequest, context: "_Context"
    ) -> redress_pb2.ChangeRecordResponse:
        """Seal, unseal or expunge a record, and tell earlier recipients."""
        wanted = _intention(request)
        by = Originator(request.ori, request.tcn)
        with audit.access("change_record", by, gallery=wanted.gallery, change=wanted.change) as facts:
            changed = await self._lifecycle.change(wanted)
            facts |= {"done": changed.done, "told": changed.told, "repeated": changed.repeated}
        return redress_pb2.ChangeRecordResponse(done=changed.done, told=changed.told, repeated=changed.repeated)


def _intention(request: redress_pb2.ChangeRecordRequest) -> Intention:
    try:
        gallery = Gallery(request.gallery)
    except ValueError:
        raise InvalidRequestError([Violation("gallery", f"must be one of {', '.join(Gallery)}")]) from None
    is_subject = request.target.WhichOneof("target") == "subject_id"
    target, name = (SUBJECT, request.target.subject_id) if is_subject else (ENCOUNTER, request.target.encounter_id)
    change = _CHANGES[request.change]
    return Intention(request.ori, request.tcn, gallery, target, name, change, request.reference)


def _dispute(value: Dispute) -> redress_pb2.HitDispute:
    return redress_pb2.HitDispute(
        dispute_id=value.dispute_id,
        link_id=value.link_id,
        raised_by=value.raised_by,
        reference=value.reference,
        raise_time=timestamp(value.at),
        outcome=value.outcome,
        close_time=timestamp(value.closed_at),
    )
