"""tenprint.v1.Messages."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar

import grpc
from sqlalchemy import Connection

from tenprint.server import audit
from tenprint.server.errors import InvalidRequestError, ShuttingDownError, Violation
from tenprint.store import Database, Originator
from tenprint.v1 import messages_pb2, messages_pb2_grpc
from tenprint.workflow import agencies, deliveries
from tenprint.workflow.deliveries import Outgoing
from tenprint.workflow.doorbell import Doorbell
from tenprint.workflow.services import messages_codec as codec
from tenprint.workflow.services import pages
from tenprint.workflow.types import MessageKind

if TYPE_CHECKING:
    _Context = grpc.aio.ServicerContext[object, object]

_T = TypeVar("_T")

WINDOW: Final = 100
"""Messages under way unacknowledged on one stream at most."""

_POLL_SECONDS: Final = 1.0
"""How long a message that another process wrote may wait."""


class MessagesService(messages_pb2_grpc.MessagesServicer):
    """Hands messages to their recipients."""

    def __init__(self, database: Database, doorbell: Doorbell) -> None:
        self._database, self._doorbell = database, doorbell
        self._closing = False

    def close(self) -> None:
        """End the streams: they would last as long as their readers."""
        self._closing = True
        self._doorbell.ring()

    async def Receive(
        self, request: messages_pb2.ReceiveRequest, context: "_Context"
    ) -> AsyncIterator[messages_pb2.ReceiveResponse]:
        """Everything unacknowledged, then what comes."""
        kinds = [codec.KIND_OF[kind] for kind in request.kinds]
        with audit.access("receive_messages", Originator(request.ori, "-")) as facts:
            await self._known(request.ori)
            facts["sent"], beyond = 0, 0
            out: set[int] = set()
            while not self._closing:
                ring = self._doorbell.listen()
                taken, out = await self._write(
                    lambda connection, beyond=beyond, out=out: _take(connection, request.ori, kinds, beyond, out)  # type: ignore[misc]  # mypy does not infer a lambda with defaults
                )
                for message in taken:
                    yield messages_pb2.ReceiveResponse(message=codec.message(message))
                    facts["sent"] += 1
                    beyond = message.number
                    out.add(message.number)
                if not taken:
                    await self._doorbell.wait(_POLL_SECONDS, ring)
            raise ShuttingDownError("the server is shutting down; open the stream anew")

    async def Acknowledge(
        self, request: messages_pb2.AcknowledgeRequest, context: "_Context"
    ) -> messages_pb2.AcknowledgeResponse:
        """The recipient has them."""
        ids = list(dict.fromkeys(request.message_ids))

        def work(connection: Connection) -> None:
            agencies.known(connection, request.ori, "ori")
            deliveries.acknowledge(connection, request.ori, ids, datetime.now(UTC))

        with audit.access("acknowledge_messages", Originator(request.ori, "-"), messages=ids):
            await self._write(work)
        self._doorbell.ring()  # streams go on, and what waited for this is released
        return messages_pb2.AcknowledgeResponse()

    async def ListMessages(
        self, request: messages_pb2.ListMessagesRequest, context: "_Context"
    ) -> messages_pb2.ListMessagesResponse:
        """How far each got."""
        states, limit = [codec.STATE_OF[state] for state in request.states], pages.size(request.page_size)

        def read() -> list[tuple[Outgoing, bool]]:
            with self._database.read() as connection:
                agencies.known(connection, request.ori, "ori")
                return deliveries.page(connection, request.ori, states, pages.after(request.page_token), limit)

        with audit.access("list_messages", Originator(request.ori, "-")) as facts:
            found = await asyncio.to_thread(read)
            facts["listed"] = len(found)
        return messages_pb2.ListMessagesResponse(
            deliveries=[codec.delivery(message, shown=shown) for message, shown in found],
            next_page_token=pages.token([message for message, _ in found], limit),
        )

    async def Redeliver(
        self, request: messages_pb2.RedeliverRequest, context: "_Context"
    ) -> messages_pb2.RedeliverResponse:
        """Once more."""
        if request.all_dead == bool(request.message_ids):
            raise InvalidRequestError([Violation("message_ids", "give message_ids or all_dead, and not both")])

        def work(connection: Connection) -> list[str]:
            agencies.known(connection, request.ori, "ori")
            ids = (
                deliveries.dead(connection, request.ori)
                if request.all_dead
                else list(dict.fromkeys(request.message_ids))
            )
            deliveries.redeliver(connection, request.ori, ids, datetime.now(UTC))
            return ids

        with audit.access("redeliver_messages", Originator(request.ori, "-")) as facts:
            facts["messages"] = ids = await self._write(work)
        self._doorbell.ring()
        return messages_pb2.RedeliverResponse(message_ids=ids)

    async def _known(self, ori: str) -> None:
        def read() -> None:
            with self._database.read() as connection:
                agencies.known(connection, ori, "ori")

        await asyncio.to_thread(read)

    async def _write(self, work: Callable[[Connection], _T]) -> _T:
        return await asyncio.to_thread(self._database.write, work)


def _take(
    connection: Connection, ori: str, kinds: list[MessageKind], beyond: int, out: set[int]
) -> tuple[list[Outgoing], set[int]]:
    """The next messages, as many as the window takes, and which of those before are still unacknowledged."""
    still = deliveries.unacknowledged(connection, out)
    room = WINDOW - len(still)
    taken = deliveries.take(connection, ori, kinds, beyond, room, datetime.now(UTC)) if room > 0 else []
    return taken, still
