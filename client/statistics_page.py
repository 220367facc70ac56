"""A report of the workflow's statistics as one HTML page: no script, no network, a table beside every plot."""

from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import Final
from xml.etree import ElementTree as ET

from google.protobuf.timestamp_pb2 import Timestamp

from tenprint.client import statistics_plots as plots
from tenprint.client.statistics import dimension_name, shown
from tenprint.v1 import statistics_pb2

_Report = statistics_pb2.ReportResponse

_STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;max-width:75rem;margin:0 auto;padding:1rem;color:#1a1a1a;background:#fff}
h1,h2,h3{line-height:1.2}section{margin-top:2.5rem}
.wide{overflow-x:auto}table{border-collapse:collapse;margin:1rem 0;font-size:.85rem}
caption{text-align:left;font-weight:600;padding:.3rem 0}
th,td{border-bottom:1px solid #ccc;padding:.25rem .5rem;text-align:right;white-space:nowrap}
th[scope=row],td.words{text-align:left}td.words{white-space:normal;min-width:20rem}thead th{vertical-align:bottom}
.of{display:block;font-weight:400;color:#555}figure{margin:1rem 0}svg{max-width:100%;height:auto}
svg text{font:12px system-ui,sans-serif;fill:#1a1a1a}
"""

_TITLES: Final = {
    statistics_pb2.DIMENSION_JURISDICTION: "By jurisdiction",
    statistics_pb2.DIMENSION_AGENCY: "By booking station",
    statistics_pb2.DIMENSION_LEVEL: "By level of the most serious charge",
    statistics_pb2.DIMENSION_DAY: "By day",
    statistics_pb2.DIMENSION_WEEK: "By week",
    statistics_pb2.DIMENSION_MONTH: "By month",
}


def page(report: _Report) -> str:
    """The whole page."""
    html = ET.Element("html", lang="en")
    head = ET.SubElement(html, "head")
    ET.SubElement(head, "meta", charset="utf-8")
    ET.SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    _text(head, "title", "Statistics of fingerprint identification")
    _text(head, "style", _STYLE)
    main = ET.SubElement(ET.SubElement(html, "body"), "main")
    _opening(main, report)
    for dimension in dict.fromkeys(row.dimension for row in report.rows):
        section = ET.SubElement(main, "section")
        rows = [row for row in report.rows if row.dimension == dimension]
        if dimension == statistics_pb2.DIMENSION_TOTAL:
            _text(section, "h2", "In all")
            for row in rows:
                _total(section, row, report)
        else:
            _text(section, "h2", _TITLES.get(dimension, dimension_name(dimension)))
            for gallery in dict.fromkeys(row.gallery for row in rows):
                _breakdown(section, [row for row in rows if row.gallery == gallery], report)
    if report.bars:
        _calibration(ET.SubElement(main, "section"), report)
    return "<!DOCTYPE html>\n" + ET.tostring(html, encoding="unicode", method="html") + "\n"


def _opening(main: ET.Element, report: _Report) -> None:
    _text(main, "h1", "Statistics of fingerprint identification")
    since = _day(report.from_time) if report.HasField("from_time") else "the first"
    until = f"before {_day(report.until_time)}" if report.HasField("until_time") else "now"
    _text(
        main, "p", f"Submissions received from {since} to {until}, as things stood on {_moment(report.as_of_time)}. "
        "Every row is of one database: the two answer apart, and are counted apart. A percentage is a share of the "
        "measure named with it, whose count is in the same table."
    )  # fmt: skip
    if report.public:
        least = report.least_count
        _text(
            main, "p", f"Counts from 1 to {least - 1} are shown as <{least}; counts that would tell such a one are "
            "hidden with it, and so are times of few. A 0 is a 0."
        )  # fmt: skip
    else:
        _text(main, "p", "Not for the public: small counts are in it.")
    _text(main, "p", f"A match is an identity only, not a status. Complaints: {report.complaints}")


def _total(section: ET.Element, row: statistics_pb2.ReportRow, report: _Report) -> None:
    name = _name(row.gallery)
    _text(section, "h3", name)
    if row.gallery:
        _figure(section, plots.outcomes([("all", row)], report, f"Answers: {name}"))
        _figure(section, plots.seconds(row, f"Seconds to an answer: {name}"))
    definitions = {item.measure: item.definition for item in report.definitions}
    numbers = {count.measure: shown(count, report) for count in row.counts}
    body = _table(section, f"{name}: counts", ("measure", "count", "part of", "which are", "share", "definition"))
    for count in row.counts:
        share = _share(count)
        _row(body, count.measure, (numbers[count.measure], count.of, numbers.get(count.of, ""), share),
             definitions[count.measure])  # fmt: skip
    if row.seconds:
        body = _table(section, f"{name}: seconds", ("time", "half within", "90 % within", "99 % within", "timed",
                                                    "definition"))  # fmt: skip
        for item in row.seconds:
            _row(body, item.measure, (*_quantiles(item), numbers[item.of]), definitions[item.measure])


def _breakdown(section: ET.Element, rows: Sequence[statistics_pb2.ReportRow], report: _Report) -> None:
    name = _name(rows[0].gallery)
    _text(section, "h3", name)
    if rows[0].gallery:
        _figure(section, plots.outcomes([(row.value, row) for row in rows], report, f"Answers: {name}"))
    of = {count.measure: count.of for count in rows[0].counts}
    timed = [f"{item.measure} {name} (s)" for item in rows[0].seconds for name in ("p50", "p90", "p99")]
    body = _table(section, name, ("", *of, *timed), of)
    for row in rows:
        cells = [
            f"{shown(count, report)} ({_share(count)})" if count.HasField("rate") else shown(count, report)
            for count in row.counts
        ]
        _row(body, row.value, (*cells, *(value for item in row.seconds for value in _quantiles(item))))


def _calibration(section: ET.Element, report: _Report) -> None:
    _text(section, "h2", "What the score promised, and what examiners found")
    _text(
        section, "p", "The expected FPIR of a candidate is the share of searches of people who are not in the gallery "
        "that have a candidate as good as it. Set beside it: searches whose best candidate was that good or better and "
        "was excluded by examiners, of all searches whose person examiners did not identify. Above the policy's "
        "review band nothing is examined, so nothing can be found there."
    )  # fmt: skip
    for gallery in dict.fromkeys(bar.gallery for bar in report.bars):
        bars = [bar for bar in report.bars if bar.gallery == gallery]
        _figure(section, plots.calibration(bars, f"Promised and observed: {_name(gallery)}"))
        body = _table(section, _name(gallery), ("expected FPIR up to", "confirmed", "refuted", "undecided", "searches",
                                                "observed", "95 % interval"))  # fmt: skip
        for bar in bars:
            observed = f"{bar.observed_fpir:.2g}" if bar.HasField("observed_fpir") else "none"
            interval = f"{bar.low:.2g} to {bar.high:.2g}" if bar.HasField("low") else ""
            counts = (str(bar.confirmed), str(bar.refuted), str(bar.inconclusive), str(bar.searches))
            _row(body, f"{bar.expected_fpir:g}", (*counts, observed, interval))
    if report.bands:
        body = _table(section, "Examinations by band", ("band", "confirmed", "refuted", "undecided"))
        for band in report.bands:
            _row(body, f"{band.gallery}, {band.band}", (str(band.confirmed), str(band.refuted), str(band.inconclusive)))


def _table(parent: ET.Element, caption: str, columns: Iterable[str], of: dict[str, str] | None = None) -> ET.Element:
    """A table with its head; its body, for rows. `of` names what a column is a part of."""
    table = ET.SubElement(ET.SubElement(parent, "div", {"class": "wide", "tabindex": "0"}), "table")
    _text(table, "caption", caption)
    row = ET.SubElement(ET.SubElement(table, "thead"), "tr")
    for column in columns:
        cell = _text(row, "th", column.replace("_", " "), scope="col")
        if of and of.get(column):
            _text(cell, "span", f"of {of[column].replace('_', ' ')}", **{"class": "of"})
    return ET.SubElement(table, "tbody")


def _row(body: ET.Element, name: str, cells: Iterable[str], words: str = "") -> None:
    row = ET.SubElement(body, "tr")
    _text(row, "th", name.replace("_", " "), scope="row")
    for cell in cells:
        _text(row, "td", cell.replace("_", " "))
    if words:
        _text(row, "td", words, **{"class": "words"})


def _figure(parent: ET.Element, plot: ET.Element | None) -> None:
    if plot is not None:
        ET.SubElement(parent, "figure").append(plot)


def _text(parent: ET.Element, tag: str, text: str, **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, tag, attributes)
    element.text = text
    return element


def _share(count: statistics_pb2.Count) -> str:
    return f"{count.rate:.1%}" if count.HasField("rate") else ""


def _quantiles(item: statistics_pb2.Seconds) -> list[str]:
    return [f"{getattr(item, name):.3g}" if item.HasField(name) else "not shown" for name in ("p50", "p90", "p99")]


def _name(gallery: str) -> str:
    return f"The {gallery} database" if gallery else "Submissions"


def _day(moment: Timestamp) -> str:
    return f"{moment.ToDatetime(UTC):%Y-%m-%d}"


def _moment(moment: Timestamp) -> str:
    return f"{moment.ToDatetime(UTC):%Y-%m-%d %H:%M} UTC"
