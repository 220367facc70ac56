"""The client of the workflow: its services' stubs on one channel, with deadlines, and errors as exceptions.

Messages are the generated ones: what the workflow says is said once, in the protos.
"""

from collections.abc import Callable, Generator, Iterator
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import grpc

from tenprint.client.channel import Target
from tenprint.client.errors import translated
from tenprint.v1 import (
    adjudication_pb2_grpc,
    disseminations_pb2_grpc,
    findings_pb2_grpc,
    messages_pb2_grpc,
    redress_pb2_grpc,
    statistics_pb2_grpc,
    submissions_pb2_grpc,
    subscriptions_pb2_grpc,
)

DEFAULT_ADDRESS: Final = "localhost:50061"
"""Where `tenprint workflow serve` listens unless told otherwise."""

_Response = TypeVar("_Response")


class WorkflowClient:
    """Calls a workflow server. Thread-safe; close it, or use it as a context.

    Args:
        target: where the server is; a string is an address without TLS.
        timeout: seconds a call may take.

    Attributes:
        address: host:port of the server.
        submissions: stub of tenprint.v1.Submissions.
        messages: stub of tenprint.v1.Messages.
        subscriptions: stub of tenprint.v1.Subscriptions.
        disseminations: stub of tenprint.v1.Disseminations.
        adjudication: stub of tenprint.v1.Adjudication.
        redress: stub of tenprint.v1.Redress.
        findings: stub of tenprint.v1.Findings.
        statistics: stub of tenprint.v1.Statistics.
    """

    def __init__(self, target: Target | str, timeout: float = 60.0) -> None:
        place = Target(target) if isinstance(target, str) else target
        credentials, options = place.credentials, place.options
        self._channel = (
            grpc.insecure_channel(place.address, options)
            if credentials is None
            else grpc.secure_channel(place.address, credentials, options)
        )
        self._timeout = timeout
        self.address = place.address
        self.submissions = submissions_pb2_grpc.SubmissionsStub(self._channel)
        self.messages = messages_pb2_grpc.MessagesStub(self._channel)
        self.subscriptions = subscriptions_pb2_grpc.SubscriptionsStub(self._channel)
        self.disseminations = disseminations_pb2_grpc.DisseminationsStub(self._channel)
        self.adjudication = adjudication_pb2_grpc.AdjudicationStub(self._channel)
        self.redress = redress_pb2_grpc.RedressStub(self._channel)
        self.findings = findings_pb2_grpc.FindingsStub(self._channel)
        self.statistics = statistics_pb2_grpc.StatisticsStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the channel; running calls are cancelled."""
        self._channel.close()

    def call(self, method: Callable[..., _Response], request: Any) -> _Response:
        """Call a method of a stub: `client.call(client.submissions.Submit, request)`.

        Raises:
            TenprintError: for anything but an answer.
        """
        with translated():
            return method(request, timeout=self._timeout)

    def stream(self, method: Callable[..., Iterator[_Response]], request: Any) -> Generator[_Response, None, None]:
        """Call a method that answers with a stream; it lasts as long as it is read.

        Raises:
            TenprintError: where it breaks off.
        """
        call: Any = method(request)
        try:
            with translated():
                yield from call
        finally:
            call.cancel()
