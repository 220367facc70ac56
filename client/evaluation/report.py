"""An evaluation for machines, JSON, and for people, Markdown."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tenprint.client.evaluation.comparisons import MOST_PAIRS
from tenprint.client.evaluation.measures import REPLICATES
from tenprint.client.evaluation.searches import FALSE_POSITIVES, MISSED
from tenprint.index import MAX_CANDIDATES

_DIGITS: Final = 6
_NAMES: Final = {"embedding": "vector alone", "reranked": "re-ranked", "bozorth3": "bozorth3"}

PROTOCOL: Final = (
    "Every print goes through the server's own preparation (decode, extract, embed), in this process; galleries are "
    "the server's index, short lists are re-ranked by the server's code. Scores and order are those of a served "
    "answer; nothing goes over a network.",
    "The print of the least impression number of each finger is enrolled, all others are searched, one finger of known "
    "position, in the gallery of all fingers of all data sets.",
    "EER, FMR100 and FMR1000 (FNMR at the threshold where FMR is 1 % and 0.1 %): all pairs of impressions inside a "
    f"data set, mated and non-mated, not only first impressions; of more than {MOST_PAIRS} of a kind so many are "
    "drawn. Pooled: those pairs under one threshold. EER as FVC defines it.",
    "A print that cannot be extracted is a miss wherever it is compared or searched, and never a false match.",
    "FNIR at an FPIR: each probe is searched once more with its mate taken out; the threshold is the lowest that the "
    "stated share of those searches does not reach. A mate beyond the re-ranked short list has no fused score and is "
    "missed. Where FPIR times searches is below 3, nothing is stated (rule of three).",
    "Penetration: the share of the gallery to be looked through, best first, to miss at most so many mates; mates "
    f"beyond the first {MAX_CANDIDATES} candidates are not found.",
    f"Intervals: 95 %, percentiles of {REPLICATES} bootstrap draws of fingers (persons, where there are any) with "
    "replacement; the gallery stays as it is.",
    "Chimeric persons are made of different people's fingers of one data set, each finger used once.",
)


def to_json(report: Mapping[str, Any]) -> str:
    """The report as one JSON document: rates as fractions of six digits; null where a figure cannot be stated."""
    return json.dumps({"protocol": list(PROTOCOL), **_plain(report)}, indent=2) + "\n"


def to_markdown(report: Mapping[str, Any]) -> str:
    """The report as Markdown: rates in per cent or as shares, with intervals where there is room."""
    given = report["input"]
    lines = [
        "# Evaluation",
        "",
        f"{given['prints']} prints of {given['fingers']} fingers in {given['datasets']} data set(s); extractor "
        f"{given['extractor']}, model {given['model_version']}, {given['reranked_pairs']} pairs of fingers re-ranked, "
        f"seed {given['seed']}. {report['failures_to_extract']['pooled']} print(s) could not be extracted.",
        "",
        *(f"* {sentence}" for sentence in PROTOCOL),
        "",
    ]
    for name, title in _NAMES.items():
        if name in report:
            lines += _by_dataset(title, report[name], report["failures_to_extract"])
    lines += _by_fingers(report) + _prefixes(report) + _pose(report) + _seconds(report["seconds"])
    return "\n".join(lines)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return round(value, _DIGITS) if math.isfinite(value) else None
    return value


def _by_dataset(title: str, part: Mapping[str, Any], failures: Mapping[str, int]) -> list[str]:
    searched = "rank_1" in part["pooled"]
    head = ["data set", "unusable", "EER %", "FMR100 %", "FMR1000 %"] + ["rank-1", "rank-10"] * searched
    rows = []
    for name, figures in (*part["datasets"].items(), ("pooled", part["pooled"])):
        cells = [name, str(failures[name]), *(_percent(figures, key) for key in ("eer", "fmr100", "fmr1000"))]
        rows.append(cells + [_share(figures, key) for key in ("rank_1", "rank_10")] * searched)
    mean = part["mean_of_datasets"]
    rows.append(["mean of data sets", "", *(f"{100 * mean[key]:.2f}" for key in mean)] + ["", ""] * searched)
    lines = [f"## By data set, {title}", "", *_table(head, rows)]
    pooled = part["pooled"]
    return [*lines, f"Pairs, pooled: {pooled['mated_pairs']} mated, {pooled['non_mated_pairs']} non-mated.", ""]


def _by_fingers(report: Mapping[str, Any]) -> list[str]:
    head = ["fingers", "persons", "decides", "gallery", "searches", "rank-1", "rank-10"]
    head += [f"FNIR at FPIR {rate:g}" for rate in FALSE_POSITIVES] + [
        f"penetration, {miss:.1%} missed" for miss in MISSED
    ]
    rows = []
    for name in ("embedding", "reranked"):
        for count, figures in report[name]["fingers"].items():
            cells = [count, figures["persons"], _NAMES[name], str(figures["gallery"]), str(figures["searches"])]
            keys = ["rank_1", "rank_10", *(f"fnir_{rate:g}" for rate in FALSE_POSITIVES)]
            keys += [f"penetration_{miss:g}" for miss in MISSED]
            rows.append(cells + [_share(figures, key) for key in keys])
    return ["## By number of fingers", "", *_table(head, rows)]


def _prefixes(report: Mapping[str, Any]) -> list[str]:
    whole = report["embedding"]["pooled"]
    rows = [["all", _share(whole, "rank_1"), _share(whole, "rank_10"), ""]]
    for numbers, figures in report["embedding"]["prefixes"].items():
        lost = f"{100 * (whole['rank_1'] - figures['rank_1']):.1f}"
        rows.append([numbers, _share(figures, "rank_1"), _share(figures, "rank_10"), lost])
    head = ["first numbers of the vector", "rank-1", "rank-10", "points of rank-1 lost"]
    return ["## Shorter vectors, alone", "", *_table(head, rows)]


def _pose(report: Mapping[str, Any]) -> list[str]:
    if "pose" not in report:
        return []
    part = report["pose"]
    head = ["probes", "decides", "unusable", "FNMR % at FMR 1 %", "against upright", "EER %", "rank-1", "rank-10"]
    rows = []
    for name in ("embedding", "reranked"):
        upright = part["upright"][name]["fmr100"]
        for kind in ("upright", "rotated", "partial"):
            if kind in part:
                figures = part[kind][name]
                ratio = f"{figures['fmr100'] / upright:.2f}" if upright else "-"
                unusable = str(part[kind]["failures_to_extract"])
                cells = [kind, _NAMES[name], unusable, _percent(figures, "fmr100"), ratio, _percent(figures, "eer")]
                rows.append([*cells, _share(figures, "rank_1"), _share(figures, "rank_10")])
    said = "The enrolled prints are as they are. Pairs: each probe against the first impressions of its data set."
    if "degrees" in part:
        said += f" Rotated: each probe by an angle drawn from -{part['degrees']:g} to {part['degrees']:g} degrees."
    if "partial" in part:
        said += " Partial: half of each probe, cut through the median of its minutiae; the side that stays is drawn."
    return ["## Pose", "", said, "", *_table(head, rows)]


def _seconds(seconds: Mapping[str, Any]) -> list[str]:
    stages = [(name, taken) for name, taken in seconds.items() if isinstance(taken, Mapping)]
    rows = [[name, *(f"{1000 * taken[key]:.1f}" for key in ("mean", "p50", "p95"))] for name, taken in stages]
    said = f"Preparation ran on {seconds['threads']} thread(s); the evaluation took {seconds['wall']:.0f} s."
    return ["## Seconds", "", said, "", *_table(["stage", "mean ms", "p50 ms", "p95 ms"], rows)]


def _percent(figures: Mapping[str, Any], key: str) -> str:
    if figures.get(key) is None:
        return "-"
    low, high = figures["intervals"][key]
    return f"{100 * figures[key]:.2f} ({100 * low:.1f} - {100 * high:.1f})"


def _share(figures: Mapping[str, Any], key: str) -> str:
    if figures.get(key) is None:
        return "-"
    if not math.isfinite(figures[key]):
        return "not reached"
    low, high = figures["intervals"][key]
    return f"{figures[key]:.3f} ({low:.3f} - {f'{high:.3f}' if math.isfinite(high) else 'not reached'})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines] + [""]
