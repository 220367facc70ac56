"""tenprint workflow statistics"""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tenprint.client import console, statistics_page
from tenprint.client import statistics as report_files
from tenprint.client.commands.workflow.options import DEFAULT_ADDRESS, Address, connect
from tenprint.v1 import statistics_pb2


class Format(StrEnum):
    """What is written."""

    CSV = "csv"
    JSON = "json"
    HTML = "html"


class By(StrEnum):
    """What a report can be broken down by."""

    JURISDICTION = "jurisdiction"
    AGENCY = "agency"
    LEVEL = "level"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


_WRITERS = {Format.CSV: report_files.as_csv, Format.JSON: report_files.as_json, Format.HTML: statistics_page.page}
_DAY = ["%Y-%m-%d"]


def statistics(
    ori: console.Ori,
    out: Annotated[Path | None, typer.Option(dir_okay=False, help="file to write; without it, a table")] = None,
    form: Annotated[Format, typer.Option("--format", help="of the file")] = Format.HTML,
    by: Annotated[list[By] | None, typer.Option(help="may be repeated; all but day and week, unless given")] = None,
    since: Annotated[
        datetime | None, typer.Option("--from", formats=_DAY, help="first day, UTC; public: of a month")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="day after the last, UTC; public: first of a month")
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="hide small counts, as for the public")] = False,
    address: Address = DEFAULT_ADDRESS,
    ca: console.Ca = None,
    timeout: console.Timeout = 60.0,
) -> None:
    """Count what happened: in full for oversight; for everybody else with small counts hidden."""
    dimensions = by or [By.JURISDICTION, By.AGENCY, By.LEVEL, By.MONTH]
    request = statistics_pb2.ReportRequest(ori=ori, by=[f"DIMENSION_{name.name}" for name in dimensions], public=public)
    for moment, field in ((since, request.from_time), (until, request.until_time)):
        if moment is not None:
            field.FromDatetime(moment.replace(tzinfo=UTC))
    with console.reported(as_json=False), connect(address, ca, timeout) as client:
        report = client.call(client.statistics.Report, request)
    if out is None:
        _show(report)
    else:
        out.write_text(_WRITERS[form](report), encoding="utf-8")
        console.err.print(f"wrote {out}", markup=False)


def _show(report: statistics_pb2.ReportResponse) -> None:
    table = Table("gallery", "measure", "count", "of", "", "rate")
    for row in report.rows:
        if row.dimension != statistics_pb2.DIMENSION_TOTAL:
            continue
        numbers = {count.measure: report_files.shown(count, report) for count in row.counts}
        for count in row.counts:
            rate = f"{count.rate:.1%}" if count.HasField("rate") else ""
            table.add_row(row.gallery, count.measure, numbers[count.measure], count.of, numbers.get(count.of, ""), rate)
    console.out.print(table)
