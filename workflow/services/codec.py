"""The one place where the workflow's values become protobuf messages."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from tenprint.v1 import submissions_pb2
from tenprint.workflow.submissions import Kept
from tenprint.workflow.types import LegState

LEG_STATES = {
    LegState.PENDING: submissions_pb2.LEG_STATE_PENDING,
    LegState.REVIEW: submissions_pb2.LEG_STATE_REVIEW,
    LegState.MATCH: submissions_pb2.LEG_STATE_MATCH,
    LegState.NO_MATCH: submissions_pb2.LEG_STATE_NO_MATCH,
    LegState.PARTIAL: submissions_pb2.LEG_STATE_PARTIAL,
    LegState.ERROR: submissions_pb2.LEG_STATE_ERROR,
}


def timestamp(moment: datetime | None) -> Timestamp | None:
    """A moment in UTC as protobuf's; None stays unset."""
    if moment is None:
        return None
    written = Timestamp()
    written.FromDatetime(moment)
    return written


def submission(kept: Kept, legs: list[submissions_pb2.Leg]) -> submissions_pb2.Submission:
    """Write a submission: nothing about the person."""
    return submissions_pb2.Submission(
        submission_id=kept.submission_id,
        ori=kept.ori,
        tcn=kept.tcn,
        receive_time=timestamp(kept.received_at),
        type_of_transaction=kept.tot,
        retain=kept.retain,
        erase_time=timestamp(kept.erased_at),
        level=kept.level.value or None,
        faults=kept.faults,
        legs=legs,
    )
