"""A report of the workflow's statistics as CSV and JSON. The page: `statistics_page`."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Final

from google.protobuf.json_format import MessageToDict

from tenprint.v1 import statistics_pb2

HIDDEN: Final = "hidden"
"""In the place of a count that would tell a small one."""

COLUMNS: Final = (
    "dimension", "value", "gallery", "measure", "statistic", "shown", "of", "of_count", "rate", "definition",
)  # fmt: skip
"""Of the CSV: one line a number, with what it is a part of and what it means."""

_FINDINGS: Final = ("confirmed", "refuted", "inconclusive")
_BAND_DEFINITION: Final = "Last examinations, by the band of the candidate identified, else of the best candidate."
_BAR_DEFINITION: Final = (
    "Searches with a candidate of at most this expected FPIR, all of whose candidates examiners excluded; of searches "
    "whose person examiners did not identify. The expected FPIR is what is promised of the rate."
)


def dimension_name(number: statistics_pb2.Dimension) -> str:
    """A dimension's word: "jurisdiction"."""
    return statistics_pb2.Dimension.Name(number).removeprefix("DIMENSION_").lower()


def shown(count: statistics_pb2.Count, report: statistics_pb2.ReportResponse) -> str:
    """A count as it is shown: a number, "<10", or "hidden"."""
    if count.hidden == statistics_pb2.HIDDEN_SMALL:
        return f"<{report.least_count}"
    return str(count.count) if count.HasField("count") else HIDDEN


def as_json(report: statistics_pb2.ReportResponse) -> str:
    """The report as one JSON document, with the proto's own names."""
    return json.dumps(MessageToDict(report, preserving_proto_field_name=True), indent=1) + "\n"


def as_csv(report: statistics_pb2.ReportResponse) -> str:
    """The report as CSV (RFC 4180), one line a number."""
    written = io.StringIO()
    lines = csv.writer(written)
    lines.writerow(COLUMNS)
    lines.writerows(_lines(report))
    return written.getvalue()


def _lines(report: statistics_pb2.ReportResponse) -> Iterator[tuple[object, ...]]:
    definitions = {item.measure: item.definition for item in report.definitions}
    for row in report.rows:
        place = (dimension_name(row.dimension), row.value, row.gallery)
        numbers = {count.measure: shown(count, report) for count in row.counts}
        for count in row.counts:
            rate = f"{count.rate:.6g}" if count.HasField("rate") else ""
            of = numbers.get(count.of, "")
            yield *place, count.measure, "count", numbers[count.measure], count.of, of, rate, definitions[count.measure]
        for item in row.seconds:
            for name in ("p50", "p90", "p99"):
                value = f"{getattr(item, name):.3f}" if item.HasField(name) else ""
                of = numbers[item.of]
                yield *place, item.measure, f"{name} seconds", value, item.of, of, "", definitions[item.measure]
    for band in report.bands:
        every = sum(getattr(band, name) for name in _FINDINGS)
        for name in _FINDINGS:
            found = getattr(band, name)
            rate = f"{found / every:.6g}" if every else ""
            yield "band", band.band, band.gallery, name, "count", found, "examined", every, rate, _BAND_DEFINITION
    for bar in report.bars:
        rate = f"{bar.observed_fpir:.6g}" if bar.HasField("observed_fpir") else ""
        place = ("expected_fpir", f"{bar.expected_fpir:g}", bar.gallery)
        yield *place, "refuted", "count", bar.refuted, "searches", bar.searches, rate, _BAR_DEFINITION
