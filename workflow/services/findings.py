"""tenprint.v1.Findings."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import grpc

from tenprint.server import audit
from tenprint.store import Database, Originator
from tenprint.v1 import findings_pb2, findings_pb2_grpc
from tenprint.workflow import reviews
from tenprint.workflow.reviews import Finding
from tenprint.workflow.runner import Runner
from tenprint.workflow.services import adjudication_codec as codec
from tenprint.workflow.types import FindingState

if TYPE_CHECKING:
    _Context = grpc.aio.ServicerContext[object, object]

_LISTED: Final = 100
"""Findings in a list where the caller does not say."""


class FindingsService(findings_pb2_grpc.FindingsServicer):
    """Shows reviewers what does not fit together."""

    def __init__(self, database: Database, runner: Runner) -> None:
        self._database, self._runner = database, runner

    async def ListFindings(
        self, request: findings_pb2.ListFindingsRequest, context: "_Context"
    ) -> findings_pb2.ListFindingsResponse:
        """List findings."""
        limit = request.limit if request.HasField("limit") else _LISTED

        def read() -> list[Finding]:
            with self._database.read() as connection:
                return reviews.listed(connection, request.ori, codec.finding_state(request.state), limit)

        with audit.access("list_findings", Originator(request.ori, "-")) as facts:
            found = await asyncio.to_thread(read)
            facts["findings"] = [item.finding_id for item in found]
        return findings_pb2.ListFindingsResponse(findings=[codec.finding(item) for item in found])

    async def CloseFinding(
        self, request: findings_pb2.CloseFindingRequest, context: "_Context"
    ) -> findings_pb2.CloseFindingResponse:
        """Close one; its prints go on."""
        state = codec.finding_state(request.state) or FindingState.QUARANTINED
        with audit.access(
            "close_finding",
            Originator(request.ori, "-"),
            reviewer=request.reviewer,
            finding=request.finding_id,
            state=state,
        ):
            closed = await asyncio.to_thread(
                self._database.write,
                lambda c: reviews.close(
                    c, request.finding_id, request.ori, request.reviewer, state, request.reason, datetime.now(UTC)
                ),
            )
        self._runner.wake()
        return findings_pb2.CloseFindingResponse(finding=codec.finding(closed))
