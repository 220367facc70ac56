"""Calibration: what the matchers' expected FPIR promised, against what examiners found."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from scipy.special import betaincinv
from sqlalchemy import Connection, select

from tenprint.workflow import schema
from tenprint.workflow.statistics.counts import Period, within
from tenprint.workflow.types import CaseKind, Decision, Gallery

BARS: Final = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
"""Expected FPIRs at which promise and finding are set side by side."""

_CONFIDENCE: Final = 0.95

_DECIDED: Final = {
    Decision.IDENTIFICATION: "confirmed",
    Decision.EXCLUSION: "refuted",
    Decision.INCONCLUSIVE: "inconclusive",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One gallery at one expected FPIR.

    Attributes:
        gallery: which.
        expected_fpir: what is promised: the share of searches of people who are not in the gallery that have a
            candidate as good as this.
        confirmed: searches with a candidate at or below it whom examiners identified.
        refuted: searches with a candidate at or below it, all of whose candidates examiners excluded.
        inconclusive: the same, and they could not decide.
        searches: searches whose person examiners did not identify: for them the promise is made.
        observed: refuted / searches; None: no searches.
        low: lower end of the 95 % interval of it (Clopper and Pearson, 1934: quantiles of beta distributions, which are
            inverses of the incomplete beta function); None: no searches.
        high: upper end.
    """

    gallery: Gallery
    expected_fpir: float
    confirmed: int
    refuted: int
    inconclusive: int
    searches: int
    observed: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class BandOutcome:
    """What examiners found of the candidates of one band: of the person identified, else of the best candidate."""

    gallery: Gallery
    band: str
    confirmed: int
    refuted: int
    inconclusive: int


def outcomes(connection: Connection, period: Period) -> tuple[list[BandOutcome], list[Bar]]:
    """Outcomes by band, and promises against findings, of the submissions of a period.

    Cases that were opened because somebody disputed a hit are left out: they are no sample of what the matcher gives.
    """
    searched = _searched(connection, period)
    bands: Counter[tuple[Gallery, str, str]] = Counter()
    best: list[tuple[Gallery, float, str]] = []
    for gallery, band, expected_fpir, outcome in _decided(connection, period):
        bands[gallery, band, outcome] += 1
        if expected_fpir is not None:
            best.append((gallery, expected_fpir, outcome))
    by_band = [
        BandOutcome(gallery, band, *(bands[gallery, band, outcome] for outcome in _DECIDED.values()))
        for gallery, band in sorted({key[:2] for key in bands})
    ]
    bars = []
    for gallery in Gallery:
        identified = sum(bands[gallery, band, "confirmed"] for band in {key[1] for key in bands})
        for bar in BARS:
            found = Counter(outcome for of, fpir, outcome in best if of is gallery and fpir <= bar)
            bars.append(_bar(gallery, bar, found, searched[gallery] - identified))
    return by_band, bars


def _bar(gallery: Gallery, expected_fpir: float, found: Counter[str], searches: int) -> Bar:
    refuted = found["refuted"]
    low = high = observed = None
    if searches > 0:
        observed, tail = refuted / searches, (1 - _CONFIDENCE) / 2
        low = float(betaincinv(refuted, searches - refuted + 1, tail)) if refuted else 0.0
        high = float(betaincinv(refuted + 1, searches - refuted, 1 - tail)) if refuted < searches else 1.0
    return Bar(
        gallery, expected_fpir, found["confirmed"], refuted, found["inconclusive"], searches, observed, low, high
    )


def _searched(connection: Connection, period: Period) -> Counter[Gallery]:
    leg = schema.leg
    query = (
        select(leg.c.gallery)
        .join(schema.submission, schema.submission.c.submission_id == leg.c.submission_id)
        .where(leg.c.asked_at.is_not(None))
    )
    return Counter(Gallery(name) for name in connection.execute(within(query, period)).scalars())


def _decided(connection: Connection, period: Period) -> Iterator[tuple[Gallery, str, float | None, str]]:
    """Of each question's last examination: gallery, band, expected FPIR and outcome."""
    case, leg = schema.case, schema.leg
    same = (case.c.submission_id == leg.c.submission_id) & (case.c.gallery == leg.c.gallery)
    query = (
        select(leg.c.submission_id, leg.c.gallery, leg.c.candidates, case.c.outcome, case.c.subject_id)
        .join(case, same)
        .join(schema.submission, schema.submission.c.submission_id == leg.c.submission_id)
        .where(case.c.kind == CaseKind.HIT)
        .order_by(case.c.opened_at)
    )
    last = {(row.submission_id, row.gallery): row for row in connection.execute(within(query, period))}
    for row in last.values():
        candidates = json.loads(row.candidates)
        if row.outcome not in _DECIDED or not candidates:
            continue
        about = next((item for item in candidates if item["subject_id"] == row.subject_id), candidates[0])
        yield Gallery(row.gallery), about["band"], about["expected_fpir"], _DECIDED[Decision(row.outcome)]
