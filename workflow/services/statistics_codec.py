"""Reports as messages."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from tenprint.v1 import statistics_pb2
from tenprint.workflow.services.codec import timestamp
from tenprint.workflow.statistics.calibration import BandOutcome, Bar
from tenprint.workflow.statistics.measures import MEASURES, TIMES, Dimension
from tenprint.workflow.statistics.report import Report, Row, Seconds
from tenprint.workflow.statistics.suppression import Mark

DIMENSIONS = {
    statistics_pb2.DIMENSION_TOTAL: Dimension.TOTAL,
    statistics_pb2.DIMENSION_JURISDICTION: Dimension.JURISDICTION,
    statistics_pb2.DIMENSION_AGENCY: Dimension.AGENCY,
    statistics_pb2.DIMENSION_LEVEL: Dimension.LEVEL,
    statistics_pb2.DIMENSION_DAY: Dimension.DAY,
    statistics_pb2.DIMENSION_WEEK: Dimension.WEEK,
    statistics_pb2.DIMENSION_MONTH: Dimension.MONTH,
}
_NUMBERS = {dimension: number for number, dimension in DIMENSIONS.items()}
_HIDDEN = {
    None: statistics_pb2.HIDDEN_UNSPECIFIED,
    Mark.SMALL: statistics_pb2.HIDDEN_SMALL,
    Mark.HIDDEN: statistics_pb2.HIDDEN_COMPLEMENTARY,
}


def moment(written: Timestamp) -> datetime:
    """A moment in UTC.

    Raises:
        ValueError: if it is none that a calendar has.
    """
    return written.ToDatetime(UTC)


def report(told: Report, complaints: str) -> statistics_pb2.ReportResponse:
    """Write a report."""
    return statistics_pb2.ReportResponse(
        public=told.least_count is not None,
        least_count=told.least_count or 0,
        from_time=timestamp(told.period.since),
        until_time=timestamp(told.period.until),
        as_of_time=timestamp(told.as_of),
        definitions=[
            statistics_pb2.MeasureDefinition(
                measure=measure.name, of=measure.of, definition=measure.definition, seconds=measure.name in TIMES
            )
            for measure in (*MEASURES.values(), *TIMES.values())
        ],
        rows=[_row(row) for row in told.rows],
        bands=[_band(item) for item in told.bands],
        bars=[_bar(item) for item in told.bars],
        complaints=complaints,
    )


def _row(row: Row) -> statistics_pb2.ReportRow:
    return statistics_pb2.ReportRow(
        dimension=_NUMBERS[row.group.dimension],
        value=row.group.value,
        gallery=row.group.gallery or "",
        counts=[_count(row, item.measure.name) for item in row.counts],
        seconds=[_seconds(item) for item in row.seconds],
    )


def _count(row: Row, measure: str) -> statistics_pb2.Count:
    shown = row.shown(measure)
    of = shown.measure.of
    whole = row.shown(of).count if of else None
    return statistics_pb2.Count(
        measure=measure,
        count=shown.count,
        hidden=_HIDDEN[shown.mark],
        of=of,
        of_count=whole,
        rate=shown.count / whole if shown.count is not None and whole else None,
    )


def _seconds(item: Seconds) -> statistics_pb2.Seconds:
    p50, p90, p99 = item.values
    return statistics_pb2.Seconds(measure=item.measure.name, of=item.measure.of, p50=p50, p90=p90, p99=p99)


def _band(item: BandOutcome) -> statistics_pb2.BandOutcome:
    return statistics_pb2.BandOutcome(
        gallery=item.gallery,
        band=item.band,
        confirmed=item.confirmed,
        refuted=item.refuted,
        inconclusive=item.inconclusive,
    )


def _bar(item: Bar) -> statistics_pb2.CalibrationBar:
    return statistics_pb2.CalibrationBar(
        gallery=item.gallery,
        expected_fpir=item.expected_fpir,
        confirmed=item.confirmed,
        refuted=item.refuted,
        inconclusive=item.inconclusive,
        searches=item.searches,
        observed_fpir=item.observed,
        low=item.low,
        high=item.high,
    )
