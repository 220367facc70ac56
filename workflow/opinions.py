"""Opinions: what examiners say of a case, and what several of them come to. No database is needed for it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tenprint.workflow.types import CaseKind, Decision

MOST: Final = 3
"""Examiners who look at a case at most."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of a case. `subject_id`: who it is, of an identification; "" otherwise."""

    decision: Decision
    subject_id: str = ""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one examiner said, why, and when. `ori`: of the examiner's unit."""

    examiner: str
    ori: str
    verdict: Verdict
    reason: str
    at: datetime


def verdict(opinions: Sequence[Opinion], kind: CaseKind, *, second_examiner: bool) -> Verdict | None:
    """What the opinions come to; None: another examiner is to look.

    Two who say the same decide. One alone decides where policy asks for no second examiner, and where a hit is not
    identified: nobody is told of somebody then. In a dispute one alone never does, whatever is said. Three who all
    say something else are inconclusive; two identifications of different persons do not agree.

    Args:
        opinions: of different examiners, in the order they were given.
        kind: of the case.
        second_examiner: whether policy asks for one.
    """
    if not opinions:
        return None
    first = opinions[0].verdict
    if len(opinions) == 1:
        needs_another = first.decision is Decision.IDENTIFICATION or kind is CaseKind.DISPUTE
        return None if second_examiner and needs_another else first
    (most, votes), *_ = Counter(opinion.verdict for opinion in opinions).most_common()
    if votes > 1:
        return most
    return Verdict(Decision.INCONCLUSIVE) if len(opinions) >= MOST else None
