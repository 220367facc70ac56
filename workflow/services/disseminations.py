"""tenprint.v1.Disseminations."""

import asyncio
from typing import TYPE_CHECKING

import grpc

from tenprint.server import audit
from tenprint.store import Database, Originator
from tenprint.v1 import disseminations_pb2, disseminations_pb2_grpc
from tenprint.workflow import disseminations
from tenprint.workflow.disseminations import Asked, Row
from tenprint.workflow.services import messages_codec as codec
from tenprint.workflow.services import pages

if TYPE_CHECKING:
    _Context = grpc.aio.ServicerContext[object, object]


class DisseminationsService(disseminations_pb2_grpc.DisseminationsServicer):
    """Tells who was sent what, who was not, and why."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ListDisseminations(
        self, request: disseminations_pb2.ListDisseminationsRequest, context: "_Context"
    ) -> disseminations_pb2.ListDisseminationsResponse:
        """The rows that fit."""
        asked, limit = Asked(request.submission_id, request.link_id, request.recipient), pages.size(request.page_size)

        def read() -> list[Row]:
            with self._database.read() as connection:
                return disseminations.page(connection, request.ori, asked, pages.after(request.page_token), limit)

        facts = {"submission": asked.submission_id, "link": asked.link_id, "recipient": asked.recipient}
        with audit.access("list_disseminations", Originator(request.ori, "-"), **facts) as told:
            rows = await asyncio.to_thread(read)
            told["listed"] = len(rows)
        return disseminations_pb2.ListDisseminationsResponse(
            disseminations=[codec.dissemination(row) for row in rows], next_page_token=pages.token(rows, limit)
        )
