"""Compare fingers minutia by minutia: re-ranks a short list, and shows an examiner which minutiae correspond.

After Minutia Cylinder-Code (R. Cappelli, M. Ferrara, D. Maltoni, "Minutia Cylinder-Code: A New Representation and
Matching Technique for Fingerprint Recognition", IEEE TPAMI 32(12), 2010): local similarities, a greedy choice of
pairs, their relaxation by mutual geometry; with the descriptors of :mod:`tenprint.fingerprint.embedding` for cylinders.
Alignment by the pairs that survive, and a count of what then coincides, follow (ADR 0008).

1. Every candidate minutia proposes the probe minutia most like it; the 32 pairs most alike are kept.
2. Two pairs support each other as far as the distance between their minutiae, the difference of their directions and
   the bearing of one from the other agree in both prints. The principal eigenvector of that support, by power
   iteration, tells the pairs of the largest group that agrees with itself (M. Leordeanu, M. Hebert, ICCV 2005).
3. The turn and shift that bring those pairs together best, in the least squares, are applied to all of the candidate.
4. Minutiae that then lie near each other, point alike and look alike, each the other's best, are the pairs. The score
   is the sum of their weights over the geometric mean of how many minutiae of either print lie where both prints are.

A pair's result depends on nothing beside it. Every sum is one of whole numbers, small enough to be exact in the type
that carries it, and everything else is IEEE arithmetic on one element at a time: so no order of adding, no padding and
no companion in a batch can change a bit. That is why there is no arctan and no exp here, and why weights are rounded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tenprint.fingerprint.alignment import COSINES, PAIRS, SCALE, SINES, Aligned, Prints, align
from tenprint.fingerprint.errors import FeaturesError
from tenprint.fingerprint.features import DESCRIPTOR_LENGTH, FingerFeatures
from tenprint.fingerprint.positions import FingerPosition

# As in alignment.py: chosen on simulated fingers alone, mates against the 20 fingers nearest by their vectors.
_NEAR: Final = 24
"""Pixels within which aligned minutiae may correspond. Skin stretches: 24 are 1.2 mm."""
_ALIKE: Final = 0.3
"""1 - cosine within which the directions of aligned minutiae may differ: 46 degrees."""
_FLOOR: Final = 0.5
"""Added to the similarity of descriptors before it weighs in: place and direction have spoken already."""
_REACH: Final = 48
"""Pixels: a minutia lies where both prints are if the other has a minutia within so many columns and rows of it."""
_FULL: Final = 32
"""Minutiae from which on more of them make a finger count no more beside the others (ADR 0017)."""
_LEAST_OVERLAP: Final = 18
"""Minutiae that the overlap counts for at least: four that coincide in an overlap of four are no print."""

_LONGEST_LIST: Final = 100
"""Candidates of a short list at most."""

_MOST_CELLS: Final = 1 << 18
"""Most cells of an array, which sets how many candidates share a turn: bounds memory, keeps arrays in the cache."""
_WEIGHT_STEPS: Final = 1 << 16
_LEAST_STEPS: Final = _WEIGHT_STEPS // 20
"""A pair of less weight is chance."""

_Floats = NDArray[np.float32]
_Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """What two impressions of a finger position have in common.

    Attributes:
        score: 0 to 1: the share of what both prints show that coincides.
        pairs: int64 [k, 2], the minutiae that correspond, greatest weight first, each minutia at most once: places in
            the probe's and in the candidate's stored features.
        weights: float32 [k] in (0, 1]: how near, how alike in direction and how alike in their surroundings they are.
    """

    score: float
    pairs: _Integers
    weights: _Floats


@dataclass(frozen=True, slots=True, eq=False)
class CaptureMatch:
    """What two captures of up to ten fingers have in common.

    Attributes:
        score: 0 to 1: the mean of the fingers' scores by their weights; 0 if no finger is in both.
        fingers: the match of every finger that both hold.
        weights: what each counts for: the minutiae of whichever print has fewer, 32 at most. Poor prints tell less.
    """

    score: float
    fingers: Mapping[FingerPosition, Match]
    weights: Mapping[FingerPosition, int]


def short_list(pairs: int, fingers: int) -> int:
    """How many candidates are worth comparing with a probe, minutia by minutia, at the cost of so many finger pairs.

    The fewer the fingers, the less their vectors know and the further down the mate may stand: comparing pairs, not
    people, costs every probe the same and looks further where it is needed.

    Args:
        pairs: of fingers, at most; 0: none.
        fingers: of the probe, 1 to 10.

    Returns:
        `pairs // fingers`, but at least 1 and at most 100; 0 without pairs.
    """
    return min(max(pairs // fingers, 1), _LONGEST_LIST) if pairs else 0


def match_capture(
    probe: Mapping[FingerPosition, FingerFeatures], candidates: Sequence[Mapping[FingerPosition, FingerFeatures]]
) -> list[CaptureMatch]:
    """Compare a probe's fingers with the same fingers of each candidate.

    Returns:
        One match a candidate, in the candidates' order. It depends on that candidate and the probe alone.

    Raises:
        FeaturesError: if a candidate's features are of another model than the probe's.
    """
    found: list[dict[FingerPosition, Match]] = [{} for _ in candidates]
    for position in sorted(probe):
        holders = [place for place, candidate in enumerate(candidates) if position in candidate]
        matches = match(probe[position], [candidates[place][position] for place in holders])
        for place, result in zip(holders, matches, strict=True):
            found[place][position] = result
    return [_weighed(probe, candidate, fingers) for candidate, fingers in zip(candidates, found, strict=True)]


def weighted_mean(values: Mapping[FingerPosition, float], weights: Mapping[FingerPosition, int]) -> float:
    """The mean of fingers' values by their weights, in the order of the fingers; 0 if all weigh nothing.

    Args:
        values: by finger.
        weights: of those fingers and maybe others, whole numbers from 0.
    """
    total = max(sum(weights[position] for position in values), 1)
    return sum(weights[position] / total * values[position] for position in sorted(values))  # of one finger, its own


def match(probe: FingerFeatures, candidates: Sequence[FingerFeatures]) -> list[Match]:
    """Compare one finger with candidates.

    Args:
        probe: features of the finger searched for.
        candidates: features of the finger it is compared with; any number.

    Returns:
        One match a candidate, in the candidates' order. It depends on that candidate and the probe alone, to the bit.

    Raises:
        FeaturesError: if a candidate's features are of another model than the probe's.
    """
    for candidate in candidates:
        if candidate.axes != probe.axes:
            raise FeaturesError("features.axes", f"{candidate.axes} against {probe.axes}: features of two models")
    if not len(probe):
        return [Match(0.0, np.zeros((0, 2), np.int64), np.zeros(0, np.float32)) for _ in candidates]
    one = Prints.of([probe], len(probe))
    matches: list[Match] = []
    width = max([PAIRS, *map(len, candidates)])
    turn = _MOST_CELLS // max(width * len(probe), PAIRS**2)
    for start in range(0, len(candidates), turn):
        matches += _compare(one, Prints.of(candidates[start : start + turn], width))
    return matches


def _weighed(
    probe: Mapping[FingerPosition, FingerFeatures],
    candidate: Mapping[FingerPosition, FingerFeatures],
    fingers: Mapping[FingerPosition, Match],
) -> CaptureMatch:
    weights = {position: min(len(probe[position]), len(candidate[position]), _FULL) for position in fingers}
    scores = {position: result.score for position, result in fingers.items()}
    return CaptureMatch(weighted_mean(scores, weights), fingers, weights)


def _compare(probe: Prints, candidates: Prints) -> list[Match]:
    """One turn of candidates."""
    alike = np.matmul(candidates.descriptors, probe.descriptors[0].T)  # [C, M, n], whole numbers
    return _coincidence(probe, align(probe, candidates, alike), alike)


def _coincidence(probe: Prints, aligned: Aligned, alike: _Floats) -> list[Match]:
    """Step 4: pairs and score."""
    count, rows, width = alike.shape
    apart = _apart(probe, aligned)
    cell = np.flatnonzero(apart <= _NEAR)
    row, a = np.divmod(cell, width)
    across, along = probe.x[0].take(a) - aligned.x.take(row), probe.y[0].take(a) - aligned.y.take(row)
    weight = np.maximum(1 - (across * across + along * along) * (1 / _NEAR**2), 0)
    facing = COSINES.take(probe.direction[0]).take(a) * aligned.cosine.take(row)
    facing += SINES.take(probe.direction[0]).take(a) * aligned.sine.take(row)
    weight *= np.maximum(1 - (1 - facing * (1 / SCALE)) * (1 / _ALIKE), 0)
    similarity = alike.take(cell).astype(np.float64) * (1 / DESCRIPTOR_LENGTH**2)
    weight *= np.clip((similarity + _FLOOR) * (1 / (1 + _FLOOR)), 0, 1)
    steps = np.rint(np.minimum(weight, 1) * _WEIGHT_STEPS).astype(np.int64)
    enough = np.flatnonzero(steps >= _LEAST_STEPS)
    steps, row, a = steps.take(enough), row.take(enough), a.take(enough)
    c, b = np.divmod(row, rows)
    # Of equal weights the first is the greater: no two keys of a candidate are the same.
    key = (steps << 14) + ((1 << 14) - 1) - (b * width + a)
    best_b, best_a = np.zeros(count * rows, np.int64), np.zeros(count * width, np.int64)
    np.maximum.at(best_b, row, key)
    np.maximum.at(best_a, c * width + a, key)
    chosen = np.flatnonzero((key == best_b.take(row)) & (key == best_a.take(c * width + a)))
    chosen = chosen[np.lexsort((-key[chosen], c[chosen]))]
    c, a, b, steps = c[chosen], a[chosen], b[chosen], steps[chosen]
    sums = np.bincount(c, weights=steps, minlength=count) / _WEIGHT_STEPS
    scores = np.minimum(sums / np.sqrt(_overlap(apart)), 1)
    pairs, weights = np.stack([a, b], axis=1), (steps / _WEIGHT_STEPS).astype(np.float32)
    ends = np.searchsorted(c, np.arange(count + 1)).tolist()
    return [
        Match(score, pairs[start:end], weights[start:end])
        for score, start, end in zip(scores.tolist(), ends[:-1], ends[1:], strict=True)
    ]


def _overlap(apart: NDArray[np.uint16]) -> _Integers:
    """The product of how many minutiae either print has where both are, `_LEAST_OVERLAP` at least, [C]."""
    counts = ((apart.min(axis=axis) <= _REACH).sum(axis=1) for axis in (1, 2))
    probes, candidates = (np.maximum(count, _LEAST_OVERLAP) for count in counts)
    product: _Integers = probes * candidates
    return product


def _apart(probe: Prints, aligned: Aligned) -> NDArray[np.uint16]:
    """How many columns or rows, whichever are more, lie between minutiae [n] and [C, M]: [C, M, n].

    In 16 bits, which wrap; but these differences are below 2**15 + 2**14, and wrapped none is less than 2**14.
    """
    columns, rows = (
        np.clip(other, -32_000, 32_000).astype(np.int16)[:, :, np.newaxis] - one[0].astype(np.int16)
        for one, other in ((probe.x, aligned.x), (probe.y, aligned.y))
    )
    np.abs(columns, out=columns)
    np.abs(rows, out=rows)
    # The one value whose absolute does not fit, -2**15, reads as 2**15 again without a sign.
    apart: NDArray[np.uint16] = columns.view(np.uint16)
    np.maximum(apart, rows.view(np.uint16), out=apart)
    return apart
