"""The exact score of a probe against records, and the order of candidates: the one path every answer takes."""

import math
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tenprint.index.nomination import Nominees
from tenprint.index.results import Candidate
from tenprint.index.vectors import slots_of
from tenprint.index.yardstick import Yardstick

_CHUNK = 64
"""Records scored at a time, to keep the float64 working copy near the cache (1.3 MB at ten fingers of 256)."""


def finger_scores(probe: NDArray[np.float32], records: NDArray[np.float32]) -> NDArray[np.float64]:
    """Cosine of each finger of a probe with the same finger of each record.

    The product of two float32 numbers is exact in float64. The products of one finger pair are summed in float64 along
    a contiguous axis by NumPy's pairwise sum, whose order depends on d alone: no BLAS, no threads. So a score is the
    same to the last bit whatever else is scored in the call and wherever the record lies.

    Args:
        probe: float32 [s, d], unit vectors.
        records: float32 [n, s, d], unit vectors of the same fingers.

    Returns:
        float64 [n, s] in [-1, 1]; the rounding of unit vectors to float32 (a few 1e-8) is clipped.
    """
    wide = probe.astype(np.float64)
    scores = np.empty(records.shape[:2], dtype=np.float64)
    for start in range(0, len(records), _CHUNK):
        products = records[start : start + _CHUNK].astype(np.float64, order="C")
        products *= wide
        scores[start : start + _CHUNK] = products.sum(axis=-1)
    return np.clip(scores, -1.0, 1.0)


def best_nominees(
    probe: NDArray[np.float32], mask: int, nominated: Sequence[Nominees], k: int, yardstick: Yardstick
) -> tuple[Candidate, ...]:
    """Score the nominated encounters exactly; the first k subjects, each by its best encounter.

    The score of an encounter is the sum of its finger scores, rounded once (``math.fsum``: the built-in ``sum`` gives
    other last bits from Python 3.12 on), over their number. Order: falling standing, then rising subject id and
    encounter id. The features are read for these candidates alone: they may lie on a disk.

    Args:
        probe: float32 [10, d].
        mask: the probe's fingers.
        nominated: encounters that share at least one with it.
        k: at least 1.
        yardstick: that says how scores stand.
    """
    if not nominated:
        return ()
    slots = slots_of(mask)
    by_finger = finger_scores(
        probe[list(slots)], np.concatenate([nominees.segment.gather(nominees.rows, slots) for nominees in nominated])
    ).tolist()
    places = (
        (nominees.segment, row, held)
        for nominees in nominated
        for row, held in zip(nominees.rows.tolist(), nominees.segment.masks[nominees.rows].tolist(), strict=True)
    )
    scored = []
    for number, ((segment, row, held), fingers) in enumerate(zip(places, by_finger, strict=True)):
        shared = slots_of(held & mask)
        own = fingers if len(shared) == len(slots) else [fingers[slots.index(slot)] for slot in shared]
        score = math.fsum(own) / len(own)
        falling = -yardstick.standing(score, len(own))
        names = segment.subject_ids[row], segment.encounter_ids[row]
        scored.append((falling, *names, number, score, segment, row, shared, own))
    best: dict[str, Candidate] = {}
    for _, subject_id, encounter_id, _, score, segment, row, shared, own in sorted(scored):
        if subject_id not in best:
            best[subject_id] = Candidate(
                subject_id, encounter_id, score, _positions(shared), tuple(own), segment.features[row]
            )
            if len(best) == k:
                break
    return tuple(best.values())


@cache
def _positions(slots: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(slot + 1 for slot in slots)


def best_of_each_subject(candidates: Iterable[Candidate], k: int) -> tuple[Candidate, ...]:
    """The first k subjects of several searches for one finger at different positions, each by its best encounter.

    Order: falling score, which of one finger is the order of standings, then rising subject id, encounter id, and
    position of the finger.
    """
    best: dict[str, Candidate] = {}
    for candidate in sorted(candidates, key=lambda c: (-c.score, c.subject_id, c.encounter_id, c.positions[0])):
        if candidate.subject_id not in best:
            if len(best) == k:
                break
            best[candidate.subject_id] = candidate
    return tuple(best.values())
