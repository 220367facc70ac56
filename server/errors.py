"""What can go wrong with a call, and how each becomes a google.rpc.Status: the one mapping of the server."""

from collections.abc import Sequence
from dataclasses import dataclass

import grpc
import structlog
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

MAX_VIOLATIONS = 16
"""Fields named in one refusal at most: a status travels in metadata, of which gRPC takes 16 KiB."""

DOMAIN = "tenprint"
"""The `domain` of every ErrorInfo this server sends."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Violation:
    """One field of a request that breaks its rule: its path, and what is wrong and allowed."""

    field: str
    description: str


class ServiceError(Exception):
    """Base of what the services refuse with. `code` is the canonical status, `reason` a stable word for programs."""

    code: grpc.StatusCode
    reason: str

    def details(self) -> Sequence[Message]:
        """google.rpc detail messages beside the ErrorInfo; none unless a subclass has some."""
        return ()


class InvalidRequestError(ServiceError):
    """Fields of the request break their rules."""

    code = grpc.StatusCode.INVALID_ARGUMENT
    reason = "INVALID_REQUEST"

    def __init__(self, violations: Sequence[Violation]) -> None:
        more = len(violations) - MAX_VIOLATIONS
        told = [f"{violation.field}: {violation.description}" for violation in violations[:MAX_VIOLATIONS]]
        super().__init__("; ".join([*told, f"and {more} more"] if more > 0 else told))
        self.violations = tuple(violations[:MAX_VIOLATIONS])

    def details(self) -> Sequence[Message]:
        """A BadRequest that names each field."""
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=violation.field, description=violation.description)
            for violation in self.violations
        ]
        return (error_details_pb2.BadRequest(field_violations=violations),)


class NotHeldError(ServiceError):
    """A gallery, subject or encounter that this server does not hold."""

    code = grpc.StatusCode.NOT_FOUND
    reason = "NOT_HELD"

    def __init__(self, kind: str, name: str, hint: str = "") -> None:
        super().__init__(f"{kind} {name!r} is not held here{hint}")
        self._kind, self._name = kind, name

    def details(self) -> Sequence[Message]:
        """A ResourceInfo that names what was looked for."""
        return (error_details_pb2.ResourceInfo(resource_type=self._kind, resource_name=self._name),)


class TransactionReusedError(ServiceError):
    """An (ORI, TCN) that stands for another enrolment or change already."""

    code = grpc.StatusCode.ALREADY_EXISTS
    reason = "TRANSACTION_REUSED"

    def __init__(self, digest: str) -> None:
        super().__init__(
            "originator.tcn: this ORI has used this TCN for other content, or for another gallery "
            f"(SHA-256 of the first: {digest}); send the same again, or take a new TCN for each change"
        )


class RefusedError(ServiceError):
    """A change that the state of the records, or the configuration, does not allow."""

    code = grpc.StatusCode.FAILED_PRECONDITION
    reason = "REFUSED"

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self._field = field

    def details(self) -> Sequence[Message]:
        """A PreconditionFailure that names the field."""
        violation = error_details_pb2.PreconditionFailure.Violation(
            type="RECORDS", subject=self._field, description=str(self)
        )
        return (error_details_pb2.PreconditionFailure(violations=[violation]),)


class StoreDownError(ServiceError):
    """The store does not take a change now. To be repeated: it has happened as a whole, or not at all."""

    code = grpc.StatusCode.UNAVAILABLE
    reason = "STORE_DOWN"


class ModelMismatchError(ServiceError):
    """An embedding made by another model than this server's."""

    code = grpc.StatusCode.FAILED_PRECONDITION
    reason = "MODEL_MISMATCH"

    def __init__(self, field: str, sent: str, served: str) -> None:
        super().__init__(f"{field}: made by model {sent!r}; this server compares vectors of model {served!r} only")
        self._field = field

    def details(self) -> Sequence[Message]:
        """A PreconditionFailure that names the field."""
        violation = error_details_pb2.PreconditionFailure.Violation(
            type="MODEL_VERSION", subject=self._field, description=str(self)
        )
        return (error_details_pb2.PreconditionFailure(violations=[violation]),)


class UncalibratedError(ServiceError):
    """A target FPIR that the server's calibration cannot promise in this gallery."""

    code = grpc.StatusCode.FAILED_PRECONDITION
    reason = "UNCALIBRATED"

    def __init__(self, problem: str) -> None:
        super().__init__(f"target_fpir: {problem}")

    def details(self) -> Sequence[Message]:
        """A PreconditionFailure that names the field."""
        violation = error_details_pb2.PreconditionFailure.Violation(
            type="CALIBRATION", subject="target_fpir", description=str(self)
        )
        return (error_details_pb2.PreconditionFailure(violations=[violation]),)


class OverloadedError(ServiceError):
    """More work is waiting than this server lets wait."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    reason = "OVERLOADED"

    def __init__(self, what: str, waiting: int, retry_after_seconds: int) -> None:
        super().__init__(f"{waiting} {what} are waiting, no more are taken; try again in {retry_after_seconds} s")
        self._retry_after_seconds = retry_after_seconds

    def details(self) -> Sequence[Message]:
        """A RetryInfo."""
        info = error_details_pb2.RetryInfo()
        info.retry_delay.FromSeconds(self._retry_after_seconds)
        return (info,)


class TooLateError(OverloadedError):
    """Work whose turn would come too late for its deadline: refused when it comes, so that it costs nobody anything."""

    reason = "TOO_LATE"

    def __init__(self, what: str, retry_after_seconds: int) -> None:
        ServiceError.__init__(
            self, f"{what} has so much before it that the deadline would pass; try again in {retry_after_seconds} s"
        )
        self._retry_after_seconds = retry_after_seconds


class DeadlinePassedError(ServiceError):
    """The caller's deadline passed before the work was done."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED
    reason = "DEADLINE_PASSED"


class ShuttingDownError(ServiceError):
    """The server is going away and takes no new work."""

    code = grpc.StatusCode.UNAVAILABLE
    reason = "SHUTTING_DOWN"


def status_of(error: Exception) -> status_pb2.Status:
    """The google.rpc.Status an error is answered with.

    An error nobody foresaw is logged with its traceback and answered as INTERNAL without a word of it: a message of
    an unknown error may hold anything.
    """
    if not isinstance(error, ServiceError):
        _log.error("unforeseen_error", error_type=type(error).__name__, exc_info=error)
        return status_pb2.Status(
            code=_number(grpc.StatusCode.INTERNAL), message="an error inside the server; its log has the request id"
        )
    status = status_pb2.Status(code=_number(error.code), message=str(error))
    for detail in (error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN), *error.details()):
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def code_of(status: status_pb2.Status) -> grpc.StatusCode:
    """The grpc.StatusCode of a google.rpc.Status."""
    return _CODES[status.code]


def _number(code: grpc.StatusCode) -> int:
    number: int = code.value[0]
    return number


_CODES = {_number(code): code for code in grpc.StatusCode}
