"""tenprint.v1.Statistics."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from tenprint.server import audit
from tenprint.server.errors import InvalidRequestError, Violation
from tenprint.store import Database, Originator
from tenprint.v1 import statistics_pb2, statistics_pb2_grpc
from tenprint.workflow import agencies
from tenprint.workflow.policy import current
from tenprint.workflow.services import statistics_codec as codec
from tenprint.workflow.statistics import report
from tenprint.workflow.statistics.counts import Period
from tenprint.workflow.statistics.measures import PUBLIC, Dimension
from tenprint.workflow.types import Role

if TYPE_CHECKING:
    _Context = grpc.aio.ServicerContext[object, object]


class StatisticsService(statistics_pb2_grpc.StatisticsServicer):
    """Counts what happened."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def Report(self, request: statistics_pb2.ReportRequest, context: "_Context") -> statistics_pb2.ReportResponse:
        """One report."""
        with audit.access("report", Originator(request.ori, "-"), public=request.public) as facts:
            told = await asyncio.to_thread(self._report, request)
            facts["public"] = told.public
        return told

    def _report(self, request: statistics_pb2.ReportRequest) -> statistics_pb2.ReportResponse:
        now = datetime.now(UTC)
        by = tuple(dict.fromkeys((Dimension.TOTAL, *(codec.DIMENSIONS[number] for number in request.by))))
        period = Period(_moment(request, "from_time"), _moment(request, "until_time"))
        with self._database.read() as connection:
            agency = agencies.known(connection, request.ori, "ori")
            _, policy = current(connection)
            if agency.role is Role.OVERSIGHT and not request.public:
                told = report.full(connection, period, by, now)
            else:
                period = Period(period.since, period.until or report.months_over(now))
                _refuse_narrow(period, by, now)
                told = report.public(connection, period, by, policy, now)
        return codec.report(told, policy.complaints)


def _moment(request: statistics_pb2.ReportRequest, field: str) -> datetime | None:
    if not request.HasField(field):
        return None
    written: Timestamp = getattr(request, field)
    try:
        return codec.moment(written)
    except ValueError as error:
        raise InvalidRequestError([Violation(field, "is no moment between the years 1 and 9999")]) from error


def _refuse_narrow(period: Period, by: Sequence[Dimension], now: datetime) -> None:
    """Refuse a public report that would single out days: two that differ by a day tell what happened on it.

    Raises:
        InvalidRequestError: naming what is too narrow.
    """
    over = report.months_over(now)
    problems = [
        Violation("by", f"{dimension} is not in public reports; {', '.join(PUBLIC)} are")
        for dimension in by
        if dimension not in PUBLIC
    ]
    for field, bound in (("from_time", period.since), ("until_time", period.until)):
        if bound is not None and (bound != report.months_over(bound) or bound > over):
            problem = f"a public report has whole months that are over, UTC; the last ends at {over:%Y-%m-%d}"
            problems.append(Violation(field, problem))
    if problems:
        raise InvalidRequestError(problems)
