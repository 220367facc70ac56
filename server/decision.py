"""From a gallery's scores to its answer: which candidates are worth a person's time, and what the answer is called."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tenprint.server.reranking import Ranked, RankedResult


class Outcome(StrEnum):
    """What a gallery said; the names of tenprint.v1.Outcome."""

    CANDIDATES = "candidates"
    NO_CANDIDATES = "no_candidates"
    PARTIAL = "partial"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Decision:
    """An outcome and the candidates that go with it, best first."""

    outcome: Outcome
    candidates: tuple[Ranked, ...]


def decide(ranked: RankedResult, wanted: int, threshold: Callable[[Ranked], float]) -> Decision:
    """Keep the candidates that reach the threshold, and name the outcome.

    Args:
        ranked: what the gallery found, in the order that decides.
        wanted: the most candidates to keep.
        threshold: the least score of a candidate like that one.

    Returns:
        PARTIAL where records that should have been compared were not, or where the gallery has records and none could
        be compared: then the absence of candidates says nothing. An empty gallery has truly been searched.
    """
    kept = tuple(item for item in ranked.candidates if item.score >= threshold(item))[:wanted]
    coverage = ranked.result.coverage
    missed = coverage.searched + coverage.incomparable < coverage.total
    blind = coverage.searched == 0 and coverage.total > 0
    if missed or blind:
        return Decision(Outcome.PARTIAL, kept)
    return Decision(Outcome.CANDIDATES if kept else Outcome.NO_CANDIDATES, kept)
