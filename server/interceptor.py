"""The one interceptor: request id, validation, errors to status, metrics, and the log line of every RPC."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any

import grpc
import structlog
from google.protobuf.message import Message

from tenprint.server.errors import ShuttingDownError, code_of, status_of
from tenprint.server.rpc_metrics import RpcMetrics
from tenprint.server.validation import validate

REQUEST_ID = "x-request-id"
"""Metadata key of the request id: taken from the caller where it is sane, made here otherwise, sent back either way."""

_STATUS_DETAILS = "grpc-status-details-bin"
"""Trailing metadata key of a google.rpc.Status (the gRPC richer error model)."""

_MAX_REQUEST_ID = 100

_log = structlog.get_logger("tenprint.rpc")


@dataclass(frozen=True, slots=True)
class _Method:
    """An RPC's names, as the metrics' labels say them."""

    type: str
    service: str
    method: str

    @property
    def labels(self) -> tuple[str, str, str]:
        return (self.type, self.service, self.method)


class RpcInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every RPC of every service, health and reflection included."""

    def __init__(self, metrics: RpcMetrics) -> None:
        self._metrics = metrics
        self._calls = _Calls()

    async def drained(self) -> None:
        """Refuse new RPCs from now on, and wait until none is running."""
        self._calls.closed = True
        self._calls.note()
        await self._calls.idle.wait()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Wrap the handler found for a call; a method nobody serves is left to gRPC's own UNIMPLEMENTED."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        _, service, name = handler_call_details.method.split("/")
        sent_id = dict(handler_call_details.invocation_metadata).get(REQUEST_ID)
        kind = ("bidi_stream" if handler.response_streaming else "client_stream") if handler.request_streaming else (
            "server_stream" if handler.response_streaming else "unary"
        )  # fmt: skip
        method = _Method(kind, service, name)
        serializers = {
            "request_deserializer": handler.request_deserializer,
            "response_serializer": handler.response_serializer,
        }
        if handler.response_streaming:
            behaviour = handler.stream_stream if handler.request_streaming else handler.unary_stream
            make = (
                grpc.stream_stream_rpc_method_handler
                if handler.request_streaming
                else grpc.unary_stream_rpc_method_handler
            )

            async def stream(request: Any, context: Any) -> AsyncIterator[Any]:
                call = _Call(method, self._metrics, self._calls, context, sent_id)
                async with call:
                    await call.greet()
                    result = behaviour(call.receive(request), context)
                    if isawaitable(result):  # a handler that writes to the context itself, as health's Watch does
                        await result
                    else:
                        async for message in result:
                            call.count_sent()
                            yield message

            return make(stream, **serializers)
        behaviour = handler.stream_unary if handler.request_streaming else handler.unary_unary
        make = (
            grpc.stream_unary_rpc_method_handler if handler.request_streaming else grpc.unary_unary_rpc_method_handler
        )

        async def unary(request: Any, context: Any) -> Any:
            call = _Call(method, self._metrics, self._calls, context, sent_id)
            async with call:
                await call.greet()
                response = await behaviour(call.receive(request), context)
                call.count_sent()
                return response

        return make(unary, **serializers)


@dataclass(slots=True, eq=False)
class _Calls:
    """How many RPCs are running, and whether new ones are taken."""

    running: int = 0
    closed: bool = False
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self) -> None:
        """Tell who waits for the last one."""
        if self.closed and self.running == 0:
            self.idle.set()


class _Call:
    """One RPC in progress: an async context whose end, however it comes, is counted, logged and answered."""

    def __init__(
        self,
        method: _Method,
        metrics: RpcMetrics,
        calls: "_Calls",
        context: Any,
        sent_id: str | bytes | None,
    ) -> None:
        self._method, self._metrics, self._calls, self._context = method, metrics, calls, context
        self._id = sent_id if isinstance(sent_id, str) and _is_sane(sent_id) else uuid.uuid4().hex
        self._begun = time.perf_counter()
        # Asked now: at the end the call may be gone, and its context is not to be touched then.
        self._peer = context.peer()
        self._time_allowed = context.time_remaining()

    async def __aenter__(self) -> None:
        self._calls.running += 1
        self._metrics.grpc_started.labels(*self._method.labels).inc()
        structlog.contextvars.bind_contextvars(request_id=self._id, rpc=f"{self._method.service}/{self._method.method}")

    async def greet(self) -> None:
        """Send the request id back, or refuse the call where the server is going away."""
        await self._context.send_initial_metadata(((REQUEST_ID, self._id),))
        if self._calls.closed:
            raise ShuttingDownError("the server is shutting down; call another")

    def receive(self, request: Any) -> Any:
        """Count and validate what comes in: a message at once; a stream's messages as they are read.

        The items of a stream are validated by the service, which answers a bad one alone.
        """
        received = self._metrics.grpc_received.labels(*self._method.labels)
        if isinstance(request, Message):
            received.inc()
            if self._method.service.startswith("tenprint."):
                validate(request)
            return request

        async def counted() -> AsyncIterator[Any]:
            async for message in request:
                received.inc()
                yield message

        return counted()

    def count_sent(self) -> None:
        """Count a message sent."""
        self._metrics.grpc_sent.labels(*self._method.labels).inc()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._calls.running -= 1
        self._calls.note()
        status = None
        if error is None:
            code = self._context.code() or grpc.StatusCode.OK
        elif isinstance(error, grpc.aio.AbortError):
            code = self._context.code()
        elif isinstance(error, Exception):
            status = status_of(error)
            code = code_of(status)
        else:  # cancelled: the deadline passed, the caller went away, or the server stops
            late = self._time_allowed is not None and time.perf_counter() - self._begun >= self._time_allowed
            code = grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED
        seconds = time.perf_counter() - self._begun
        self._metrics.grpc_handled.labels(*self._method.labels, code.name).inc()
        self._metrics.grpc_seconds.labels(*self._method.labels).observe(seconds)
        _log.info("rpc", code=code.name, seconds=round(seconds, 6), peer=self._peer)
        if status is not None:
            await self._context.abort(code, status.message, ((_STATUS_DETAILS, status.SerializeToString()),))


def _is_sane(request_id: str) -> bool:
    return 0 < len(request_id) <= _MAX_REQUEST_ID and request_id.isascii() and request_id.isprintable()
