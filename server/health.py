"""grpc.health.v1, with watchers that are let go when the server drains."""

import asyncio
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health, health_pb2

if TYPE_CHECKING:
    _Context = grpc.aio.ServicerContext[object, object]

_NOTICE_SECONDS = 0.1
"""From telling watchers NOT_SERVING to ending their streams: time for the message to leave."""


class HealthService(health.aio.HealthServicer):  # type: ignore[misc]  # the library has no types
    """The library's service; but a Watch, which lasts as long as its client likes, must not hold up a drain."""

    def __init__(self) -> None:
        super().__init__()
        self._released = asyncio.Event()

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: "_Context") -> None:
        """Tell a service's state, and every change of it, until the client goes or the server drains."""
        watching = asyncio.ensure_future(super().Watch(request, context))
        released = asyncio.ensure_future(self._released.wait())
        try:
            await asyncio.wait({watching, released}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            released.cancel()
            watching.cancel()

    async def drain(self) -> None:
        """Answer NOT_SERVING from now on, to watchers at once, and end their streams."""
        await self.enter_graceful_shutdown()
        await asyncio.sleep(_NOTICE_SECONDS)
        self._released.set()
