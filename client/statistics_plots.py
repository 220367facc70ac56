"""The page's plots: plain SVG. What they show stands in a table beside them; nothing is told by colour alone."""

import math
from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as ET

from tenprint.client.statistics import shown
from tenprint.v1 import statistics_pb2

_STATES: Final = {
    "match": "#332288",
    "no_match": "#88ccee",
    "partial": "#ddcc77",
    "error": "#cc6677",
    "review": "#117733",
    "pending": "#bbbbbb",
}
"""In Paul Tol's "muted" colours, which most readers can tell apart."""

_MOST_BARS: Final = 40
"""Rows drawn, those of most questions; the table has all."""

_WIDTH, _LABEL, _BAR, _STEP = 860, 220, 18, 26
_SIDE, _MARGIN = 320, 60
_DECADES: Final = 7
"""Of the axes of the calibration plot, from 1 down to 10^-7."""


def outcomes(
    rows: Sequence[tuple[str, statistics_pb2.ReportRow]], report: statistics_pb2.ReportResponse, title: str
) -> ET.Element | None:
    """One bar a row, divided by where its questions stand; None where there is none to draw."""
    found = []
    for label, row in rows:
        counts = {count.measure: count for count in row.counts}
        parts = {name: counts[name].count for name in _STATES if counts[name].HasField("count")}
        missing = [f"{_words(name)} {shown(counts[name], report)}" for name in _STATES if name not in parts]
        found.append((label, parts, missing, sum(parts.values())))
    drawn = sorted(found, key=lambda item: -item[3])[:_MOST_BARS]
    most = max((item[3] for item in drawn), default=0)
    if most == 0:
        return None
    kept = [item for item in found if item in drawn]
    height = _STEP * len(kept) + 40
    svg = _svg(_WIDTH, height, title, "Length: questions; parts: where they stand. The same numbers are in the table.")
    for number, (name, colour) in enumerate(_STATES.items()):
        _rect(svg, _LABEL + number * 100, 4, 12, 12, colour)
        _label(svg, _LABEL + 16 + number * 100, 14, _words(name))
    scale = (_WIDTH - _LABEL - 130) / most
    for line, (label, parts, missing, total) in enumerate(kept):
        top, left = 30 + line * _STEP, float(_LABEL)
        _label(svg, _LABEL - 6, top + 13, label if len(label) < 34 else f"{label[:32]}...", anchor="end")
        for name, count in parts.items():
            if count:
                bar = _rect(svg, left, top, count * scale, _BAR, _STATES[name])
                ET.SubElement(bar, "title").text = f"{label}: {_words(name)} {count}"
                left += count * scale
        note = str(total) if not missing else f"{total} and " + ", ".join(missing)
        _label(svg, min(left + 6, _WIDTH - 124), top + 13, note if len(note) < 60 else f"{total} and hidden ones")
    return svg


def seconds(row: statistics_pb2.ReportRow, title: str) -> ET.Element | None:
    """A bar for each quantile that is shown, on a logarithmic axis from a hundredth of a second."""
    bars = [
        (f"{item.measure}, {int(name[1:])} of 100", getattr(item, name))
        for item in row.seconds
        for name in ("p50", "p90", "p99")
        if item.HasField(name)
    ]
    if not bars:
        return None
    decades = max(math.ceil(math.log10(max(value for _, value in bars) + 0.01)) + 2, 1)
    svg = _svg(_WIDTH, _STEP * len(bars) + 30, title, "Logarithmic. The same numbers are in the table.")
    scale = (_WIDTH - _LABEL - 130) / decades
    for line, (label, value) in enumerate(bars):
        top = line * _STEP + 4
        width = max(math.log10(max(value, 0.01)) + 2, 0.02) * scale
        _label(svg, _LABEL - 6, top + 13, label, anchor="end")
        _rect(svg, _LABEL, top, width, _BAR, "#332288")
        _label(svg, _LABEL + width + 6, top + 13, f"{value:.3g} s")
    base = _STEP * len(bars) + 20
    for decade in range(decades + 1):
        _label(svg, _LABEL + decade * scale, base, f"{10 ** (decade - 2):g} s", anchor="middle")
    return svg


def calibration(bars: Sequence[statistics_pb2.CalibrationBar], title: str) -> ET.Element | None:
    """Observed against promised FPIR, both logarithmic, with 95 % intervals; on the line they agree."""
    drawn = [bar for bar in bars if bar.HasField("observed_fpir")]
    if not drawn:
        return None
    side, size = _SIDE, _SIDE + 2 * _MARGIN
    svg = _svg(
        size, size, title,
        "Across: promised. Up: observed, with its 95 % interval; nothing observed is at the bottom. Diagonal: equal. "
        "The same numbers are in the table.",
    )  # fmt: skip

    def place(value: float) -> float:
        return side * (1 + math.log10(max(value, 10**-_DECADES)) / _DECADES)

    ET.SubElement(svg, "rect", _numbers(x=_MARGIN, y=_MARGIN, width=side, height=side), fill="none", stroke="#999")
    _line(svg, _MARGIN, _MARGIN + side, _MARGIN + side, _MARGIN, "#999", dashed=True)
    for power in range(-_DECADES, 1):
        along = place(10.0**power)
        _label(svg, _MARGIN + along, _MARGIN + side + 16, f"1e{power}", anchor="middle")
        _label(svg, _MARGIN - 6, _MARGIN + side - along + 4, f"1e{power}", anchor="end")
    _label(svg, _MARGIN + side / 2, size - 20, "promised FPIR", anchor="middle")
    _label(svg, _MARGIN, _MARGIN - 12, "observed FPIR")
    for bar in drawn:
        across = _MARGIN + place(bar.expected_fpir)
        _line(svg, across, _MARGIN + side - place(bar.low), across, _MARGIN + side - place(bar.high), "#332288")
        dot = ET.SubElement(svg, "circle", _numbers(cx=across, cy=_MARGIN + side - place(bar.observed_fpir), r=4))
        dot.set("fill", "#332288")
        text = f"promised {bar.expected_fpir:g}, observed {bar.observed_fpir:.2g}: {bar.refuted} of {bar.searches}"
        ET.SubElement(dot, "title").text = text
    return svg


def _svg(width: float, height: float, title: str, description: str) -> ET.Element:
    svg = ET.Element("svg", {
        "xmlns": "http://www.w3.org/2000/svg", "role": "img", "aria-label": f"{title}. {description}",
        "viewBox": f"0 0 {width:g} {height:g}", "width": f"{width:g}", "height": f"{height:g}",
    })  # fmt: skip
    ET.SubElement(svg, "title").text = title
    ET.SubElement(svg, "desc").text = description
    return svg


def _rect(svg: ET.Element, x: float, y: float, width: float, height: float, colour: str) -> ET.Element:
    outline = {"fill": colour, "stroke": "#fff"}
    return ET.SubElement(svg, "rect", {**_numbers(x=x, y=y, width=width, height=height), **outline})


def _line(
    svg: ET.Element, x1: float, y1: float, x2: float, y2: float, colour: str, *, dashed: bool = False
) -> ET.Element:
    look = {"stroke": colour, "stroke-width": "2"} | ({"stroke-dasharray": "4 4"} if dashed else {})
    return ET.SubElement(svg, "line", {**_numbers(x1=x1, y1=y1, x2=x2, y2=y2), **look})


def _label(svg: ET.Element, x: float, y: float, text: str, *, anchor: str = "start") -> None:
    ET.SubElement(svg, "text", {**_numbers(x=x, y=y), "text-anchor": anchor}).text = text


def _numbers(**values: float) -> dict[str, str]:
    return {name: f"{value:.1f}" for name, value in values.items()}


def _words(name: str) -> str:
    return name.replace("_", " ")
