"""tenprint.v1.Adjudication."""

import asyncio
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import grpc
from sqlalchemy import Connection

from tenprint.client.errors import TenprintError
from tenprint.client.types import Originator as Asker
from tenprint.server import audit
from tenprint.store import Database, Originator
from tenprint.v1 import adjudication_pb2, adjudication_pb2_grpc
from tenprint.workflow import agencies, cases, examination, exhibits
from tenprint.workflow.doorbell import Doorbell
from tenprint.workflow.exhibits import Exhibit
from tenprint.workflow.matcher import Matcher
from tenprint.workflow.services import adjudication_codec as codec
from tenprint.workflow.types import Gallery, Role

if TYPE_CHECKING:
    _Context = grpc.aio.ServicerContext[object, object]

_LISTED: Final = 100
"""Cases in a list where the caller does not say."""


class AdjudicationService(adjudication_pb2_grpc.AdjudicationServicer):
    """Examiners decide who a candidate is."""

    def __init__(self, database: Database, matchers: Matcher, doorbell: Doorbell) -> None:
        self._database, self._matchers, self._doorbell = database, matchers, doorbell

    async def NextCase(
        self, request: adjudication_pb2.NextCaseRequest, context: "_Context"
    ) -> adjudication_pb2.NextCaseResponse:
        """Lease the first case."""
        with audit.access("next_case", Originator(request.ori, "-"), examiner=request.examiner) as facts:
            found = await asyncio.to_thread(
                self._database.write,
                lambda c: examination.next_case(c, request.examiner, request.ori, datetime.now(UTC)),
            )
            facts["case"] = "" if found is None else found.case_id
        return adjudication_pb2.NextCaseResponse(case=None if found is None else codec.case(found))

    async def RenewLease(
        self, request: adjudication_pb2.RenewLeaseRequest, context: "_Context"
    ) -> adjudication_pb2.RenewLeaseResponse:
        """Hold a case longer."""
        with _audited("renew_lease", request):
            found = await asyncio.to_thread(
                self._database.write,
                lambda c: examination.renew(c, request.case_id, request.examiner, request.ori, datetime.now(UTC)),
            )
        return adjudication_pb2.RenewLeaseResponse(case=codec.case(found))

    async def ReleaseCase(
        self, request: adjudication_pb2.ReleaseCaseRequest, context: "_Context"
    ) -> adjudication_pb2.ReleaseCaseResponse:
        """Give a case back."""
        with _audited("release_case", request):
            await asyncio.to_thread(
                self._database.write,
                lambda c: examination.release(c, request.case_id, request.examiner, request.ori, datetime.now(UTC)),
            )
        return adjudication_pb2.ReleaseCaseResponse()

    async def GetCase(
        self, request: adjudication_pb2.GetCaseRequest, context: "_Context"
    ) -> adjudication_pb2.GetCaseResponse:
        """Show both print sets."""

        def read() -> Exhibit:
            with self._database.read() as connection:
                now = datetime.now(UTC)
                found = examination.shown(connection, request.case_id, request.examiner, request.ori, now)
                return exhibits.build(connection, found, request.ori, set(request.positions))

        with _audited("get_case", request) as facts:
            shown = await asyncio.to_thread(read)
            by = Asker(request.ori, shown.case.case_id)
            gallery = shown.case.key.gallery
            names = [candidate.encounter_id for candidate, _ in shown.candidates]
            kept = await asyncio.gather(*(self._minutiae(gallery, by, name) for name in names))
            facts["images"] = len(shown.probe.images) + sum(len(prints.images) for _, prints in shown.candidates)
        return codec.exhibit(shown, dict(zip(names, kept, strict=True)))

    async def Decide(
        self, request: adjudication_pb2.DecideRequest, context: "_Context"
    ) -> adjudication_pb2.DecideResponse:
        """Take a decision."""
        said = codec.verdict(request)

        def decide(connection: Connection) -> None:
            now = datetime.now(UTC)
            examination.decide(connection, request.case_id, request.examiner, request.ori, said, request.reason, now)

        with _audited("decide", request) as facts:
            facts["decision"] = said.decision
            await asyncio.to_thread(self._database.write, decide)
        self._doorbell.ring()
        return adjudication_pb2.DecideResponse()

    async def ListCases(
        self, request: adjudication_pb2.ListCasesRequest, context: "_Context"
    ) -> adjudication_pb2.ListCasesResponse:
        """List cases."""
        limit = request.limit if request.HasField("limit") else _LISTED

        def read() -> list[adjudication_pb2.CaseEntry]:
            with self._database.read() as connection:
                agency = agencies.in_role(connection, request.ori, "ori", Role.EXAMINER_UNIT, Role.OVERSIGHT)
                oversees = agency.role is Role.OVERSIGHT
                now = datetime.now(UTC)
                return [
                    codec.entry(item, now, len(cases.opinions_of(connection, item.case_id)) if oversees else None)
                    for item in cases.queue(connection, codec.case_filter(request), limit, now)
                ]

        with audit.access("list_cases", Originator(request.ori, "-")):
            entries = await asyncio.to_thread(read)
        return adjudication_pb2.ListCasesResponse(cases=entries)

    async def _minutiae(self, gallery: Gallery, by: Asker, encounter_id: str) -> tuple[bytes, str]:
        """What a gallery keeps of a capture, and why there is nothing."""
        try:
            record = await self._matchers.minutiae(gallery, by, encounter_id)
        except TenprintError as error:
            return b"", f"no minutiae: the {gallery} database: {error.code.name}"
        return record, "" if record else "no minutiae are kept of it"


_Asked = (
    adjudication_pb2.RenewLeaseRequest
    | adjudication_pb2.ReleaseCaseRequest
    | adjudication_pb2.GetCaseRequest
    | adjudication_pb2.DecideRequest
)


def _audited(event: str, request: _Asked) -> AbstractContextManager[dict[str, Any]]:
    return audit.access(event, Originator(request.ori, "-"), examiner=request.examiner, case=request.case_id)
