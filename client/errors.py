"""What a call can fail with: the canonical gRPC statuses as exceptions, with what google.rpc details say."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A field of the request that breaks its rule."""

    field: str
    description: str


class TenprintError(Exception):
    """Base of every error a call ends with.

    Attributes:
        code: the gRPC status.
        violations: fields at fault, where the server named some.
        retry_after: seconds the server asks to wait, where it did.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        message: str,
        violations: tuple[FieldViolation, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.violations, self.retry_after = code, violations, retry_after


class InvalidRequestError(TenprintError):
    """INVALID_ARGUMENT: fields of the request break their rules."""


class NotFoundError(TenprintError):
    """NOT_FOUND: a gallery, subject or encounter that the server does not hold."""


class AlreadyExistsError(TenprintError):
    """ALREADY_EXISTS: this (ORI, TCN) stands for other content."""


class ModelMismatchError(TenprintError):
    """FAILED_PRECONDITION: a vector of another model."""


class OverloadedError(TenprintError):
    """RESOURCE_EXHAUSTED: a full queue or a message over the limit."""


class DeadlineError(TenprintError):
    """DEADLINE_EXCEEDED: no answer in time. Of an enrolment it says nothing: repeat it with the same TCN."""


class UnavailableError(TenprintError):
    """UNAVAILABLE: nobody there, or the server is going away."""


_KINDS: dict[grpc.StatusCode, type[TenprintError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequestError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExistsError,
    grpc.StatusCode.FAILED_PRECONDITION: ModelMismatchError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: OverloadedError,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
}
_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode if code is not grpc.StatusCode.OK}


def from_status(status: status_pb2.Status) -> TenprintError:
    """The exception a google.rpc.Status stands for; UNKNOWN for a code that is no error, or that nobody has defined."""
    violations: list[FieldViolation] = []
    retry_after = None
    for detail in status.details:
        bad, retry = error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
        if detail.Unpack(bad):
            violations += [FieldViolation(item.field, item.description) for item in bad.field_violations]
        elif detail.Unpack(retry):
            retry_after = retry.retry_delay.ToTimedelta().total_seconds()
    code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    message = status.message or f"the server gave no reason (status {status.code})"
    return _KINDS.get(code, TenprintError)(code, message, tuple(violations), retry_after)


def from_rpc(error: grpc.RpcError) -> TenprintError:
    """The exception a failed call stands for."""
    if isinstance(error, grpc.aio.AioRpcError):
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin" and isinstance(value, bytes):
                return from_status(status_pb2.Status.FromString(value))
        return _KINDS.get(error.code(), TenprintError)(error.code(), error.details() or "")
    status = rpc_status.from_call(error)
    if status is not None:
        return from_status(status)
    return _KINDS.get(error.code(), TenprintError)(error.code(), error.details() or "")


@contextmanager
def translated() -> Iterator[None]:
    """Turn a failed call inside into its exception."""
    try:
        yield
    except grpc.RpcError as error:
        raise from_rpc(error) from error
