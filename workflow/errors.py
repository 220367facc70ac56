"""What the workflow refuses, as the server's errors: `server/errors.py` says how each becomes a status."""

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2

from tenprint.server.errors import ServiceError


class WorkflowError(ServiceError):
    """Base of what the workflow refuses."""


class UnknownAgencyError(WorkflowError):
    """An ORI that is none of the agencies known here."""

    code = grpc.StatusCode.PERMISSION_DENIED
    reason = "UNKNOWN_AGENCY"

    def __init__(self, field: str, ori: str) -> None:
        super().__init__(f"{field}: {ori} is not among the agencies of this server (tenprint agencies import)")


class NotEntitledError(WorkflowError):
    """Something that an agency of this role or profile, or this examiner, may not do."""

    code = grpc.StatusCode.PERMISSION_DENIED
    reason = "NOT_ENTITLED"

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")


class UnknownItemError(WorkflowError):
    """A submission, case, message, link or the like that is not held, or not this agency's."""

    code = grpc.StatusCode.NOT_FOUND
    reason = "NOT_HELD"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name!r} is not held here, or is not yours")
        self._kind, self._name = kind, name

    def details(self) -> tuple[Message, ...]:
        """A ResourceInfo that names what was looked for."""
        return (error_details_pb2.ResourceInfo(resource_type=self._kind, resource_name=self._name),)


class SubmissionReusedError(WorkflowError):
    """A TCN under which this ORI has submitted another file."""

    code = grpc.StatusCode.ALREADY_EXISTS
    reason = "TRANSACTION_REUSED"

    def __init__(self, digest: str) -> None:
        super().__init__(
            f"1.009 TCN: this ORI has submitted another file under it (SHA-256 of the first: {digest}); "
            "send the same again, or take a new TCN"
        )


class StateError(WorkflowError):
    """Something that the state of a case, link or message does not allow now."""

    code = grpc.StatusCode.FAILED_PRECONDITION
    reason = "WRONG_STATE"

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")


class DeliveryError(Exception):
    """An attempt to deliver a message that failed. Its words name the fault: no address, secret or content."""
