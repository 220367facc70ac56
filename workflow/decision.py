"""Which band a candidate falls into. It reads the score's expected FPIR and the policy's bands, and nothing else.

Offence levels and priorities are not among what it is given: they order the human queue and never move a threshold.
"""

from collections.abc import Iterable

from tenprint.client import types as matcher
from tenprint.workflow.policy import Bands
from tenprint.workflow.types import Band, Candidate, FingerScore


def in_bands(candidates: Iterable[matcher.Candidate], bands: Bands) -> tuple[Candidate, ...]:
    """The candidates that fall into a band, in the matcher's order.

    Args:
        candidates: best first.
        bands: of the gallery they are from.
    """
    kept = []
    for item in candidates:
        is_bound = item.expected_fpir is None and item.fpir_bound is not None
        expected = item.fpir_bound if is_bound else item.expected_fpir
        band = _band(item.score, expected, bands)
        if band is not None:
            fingers = tuple(
                FingerScore(finger.position, finger.score, finger.match_score, finger.matched_minutiae)
                for finger in item.finger_scores
            )
            found = Candidate(
                item.rank, item.subject_id, item.encounter_id, item.score, expected, fingers, band, is_bound
            )
            kept.append(found)
    return tuple(kept)


def passes_lights_out(candidate: Candidate, bands: Bands) -> bool:
    """Whether policy answers for a candidate without an examiner. Off unless policy states a bar."""
    return (
        bands.lights_out_fpir is not None
        and candidate.expected_fpir is not None
        and candidate.expected_fpir <= bands.lights_out_fpir
    )


def _band(score: float, expected_fpir: float | None, bands: Bands) -> Band | None:
    if bands.least_score is not None and score < bands.least_score:
        return None
    if expected_fpir is None:
        return Band.REVIEW
    if expected_fpir <= bands.match_fpir:
        return Band.MATCH
    return Band.REVIEW if expected_fpir <= bands.review_fpir else None
