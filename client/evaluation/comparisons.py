"""One print against one: the scores that verification rests on."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tenprint.client.evaluation.extraction import Extracted
from tenprint.client.evaluation.manifest import Print
from tenprint.client.evaluation.measures import Curve, Floats, Integers, Trials, bootstrap
from tenprint.fingerprint.fusion import fused_score
from tenprint.fingerprint.matching import match

MOST_PAIRS: Final = 5000
"""Mated, and again non-mated, pairs of a data set that are compared; of more, so many are drawn. A full FVC database
of 100 fingers x 8 has 2,800 mated ones."""

NEVER: Final = -np.inf
"""The score of a pair of which one print could not be extracted."""


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of prints inside data sets.

    Attributes:
        first: int64 [n], the print that is enrolled.
        second: int64 [n], the print that is held against it.
        mated: bool [n], whether both are of one finger.
        dataset: int64 [n], number of the data set.
    """

    first: Integers
    second: Integers
    mated: NDArray[np.bool_]
    dataset: Integers


def all_pairs(prints: Sequence[Print], seed: int) -> Pairs:
    """Every pair of impressions inside a data set, mated and non-mated; of too many, `MOST_PAIRS` of a kind are drawn.

    More than FVC's protocol, which holds only first impressions against each other as non-mated: of ten fingers those
    are 45 pairs, too few for an FMR of 1 %.
    """
    draw = np.random.default_rng(seed)
    finger = np.unique([item.name for item in prints], return_inverse=True)[1]
    parts = []
    for number, (_, group) in enumerate(groupby(range(len(prints)), key=lambda i: prints[i].dataset)):
        held = np.array(list(group))
        one, other = np.triu_indices(len(held), 1)
        first, second = held[one], held[other]
        for mated in (True, False):
            chosen = np.flatnonzero((finger[first] == finger[second]) == mated)
            if len(chosen) > MOST_PAIRS:
                chosen = np.sort(draw.choice(chosen, MOST_PAIRS, replace=False))
            parts.append((first[chosen], second[chosen], np.full(len(chosen), mated), np.full(len(chosen), number)))
    return Pairs(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def vector_scores(extracted: Sequence[Extracted | None], pairs: Pairs) -> Floats:
    """The inner product of each pair's vectors, float64 [n]."""
    dimension = next((len(item.vector) for item in extracted if item is not None), 1)
    vectors = np.stack([np.zeros(dimension) if item is None else item.vector.astype(np.float64) for item in extracted])
    scores: Floats = np.einsum("nd,nd->n", vectors[pairs.first], vectors[pairs.second])
    return np.where(_both(extracted, pairs), scores, NEVER)


def fused_scores(extracted: Sequence[Extracted | None], pairs: Pairs, vectors: Floats) -> Floats:
    """The score that decides in the server: the match minutia by minutia and the vectors', float64 [n].

    Args:
        extracted: of all prints.
        pairs: which of them.
        vectors: what :func:`vector_scores` gave.
    """
    scores = np.full(len(vectors), NEVER)
    compared = np.flatnonzero(_both(extracted, pairs))
    ordered = compared[np.argsort(pairs.second[compared], kind="stable")]
    for second, group in groupby(ordered.tolist(), key=lambda place: int(pairs.second[place])):
        places = list(group)
        probe = extracted[second]
        held = [extracted[int(pairs.first[place])] for place in places]
        if probe is None:
            continue  # for the type checker: `compared` holds none
        found = match(probe.features, [item.features for item in held if item is not None])
        for place, one in zip(places, found, strict=True):
            scores[place] = fused_score(one.score, float(vectors[place]))
    return scores


def bozorth3_scores(
    extracted: Sequence[Extracted | None], pairs: Pairs, workers: int, done: Callable[[], None]
) -> Floats:
    """What bozorth3 (NBIS) says of the same minutiae, read from ISO records: float64 [n], whole numbers from 0.

    Args:
        extracted: of all prints.
        pairs: which of them.
        workers: threads; the library runs without the interpreter lock.
        done: called after each pair.
    """
    from tenprint.fingerprint.mindtct import new_extractor

    reader = new_extractor(compute_nfiq2=False)
    held: list[Any] = [
        None if item is None else reader.load_iso_19794_2_2005(_as_nbis_writes(item.record)) for item in extracted
    ]

    def one(place: int) -> float:
        first, second = held[int(pairs.first[place])], held[int(pairs.second[place])]
        score = NEVER if first is None or second is None else float(second.compare(first))
        done()
        return score

    with ThreadPoolExecutor(workers) as pool:
        return np.array(list(pool.map(one, range(len(pairs.first)))), np.float64)


def verification(
    scores: Floats, pairs: Pairs, units: Integers, chosen: NDArray[np.bool_], seed: int
) -> dict[str, Any] | None:
    """EER, FMR100 and FMR1000 of some pairs, with intervals; None where one kind of pair is missing.

    Args:
        scores: float64 [n].
        pairs: what was compared.
        units: int64 [prints], what the bootstrap draws.
        chosen: bool [n], which of the pairs count.
        seed: of the bootstrap.
    """
    mated, non_mated = np.flatnonzero(chosen & pairs.mated), np.flatnonzero(chosen & ~pairs.mated)
    if not len(mated) or not len(non_mated):
        return None
    trials = Trials(scores[mated], scores[non_mated])
    names = np.unique(units[np.concatenate([pairs.first[chosen], pairs.second[chosen]])])
    place_of = np.zeros(int(units.max()) + 1, np.int64)
    place_of[names] = np.arange(len(names))
    own = place_of[units[pairs.first[mated]]]
    one, other = place_of[units[pairs.first[non_mated]]], place_of[units[pairs.second[non_mated]]]

    def measure(drawn: Floats | None) -> dict[str, float]:
        if drawn is None:
            curve = trials.curve()
        else:
            curve = trials.curve(drawn[own], np.where(one == other, drawn[one], drawn[one] * drawn[other]))
        return {
            "eer": curve.equal_error,
            "fmr100": curve.false_non_match_at(0.01),
            "fmr1000": curve.false_non_match_at(0.001),
        }

    return {
        **measure(None),
        "mated_pairs": len(mated),
        "non_mated_pairs": len(non_mated),
        "intervals": bootstrap(measure, len(names), seed),
    }


def det(scores: Floats, pairs: Pairs) -> Curve:
    """The error rates of all pairs under one threshold."""
    return Trials(scores[pairs.mated], scores[~pairs.mated]).curve()


def _as_nbis_writes(record: bytes) -> bytes:
    """A record of one view in the layout that `nbis-py` 0.1.3 reads and writes, which is not quite the standard's.

    It leaves out resolution, position and type, has the number of minutiae two bytes early, and no extended data.
    """
    length = len(record) - 4
    return record[:8] + length.to_bytes(4, "big") + record[12:18] + bytes(7) + record[27:-2]


def _both(extracted: Sequence[Extracted | None], pairs: Pairs) -> NDArray[np.bool_]:
    there = np.array([item is not None for item in extracted])
    both: NDArray[np.bool_] = there[pairs.first] & there[pairs.second]
    return both
