"""One against all: captures searched in a gallery of the server's own index, and re-ranked as the server re-ranks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tenprint.client.evaluation.extraction import Extracted
from tenprint.client.evaluation.manifest import Capture, Person
from tenprint.client.evaluation.measures import Floats, Integers, Trials, bootstrap, found_by, penetration
from tenprint.fingerprint.features import FingerFeatures, pack_capture
from tenprint.fingerprint.fusion import FusedThresholds
from tenprint.fingerprint.positions import FingerPosition
from tenprint.index import MAX_CANDIDATES, Gallery, Record, SearchResult, Yardstick
from tenprint.server.reranking import Ranked, Reranking
from tenprint.server.settings import Settings

MISSED: Final = (0.001, 0.01, 0.05)
"""Shares of mates that a penetration rate may miss."""
FALSE_POSITIVES: Final = (0.1, 0.01, 0.001)
"""FPIRs at which an FNIR is stated."""
_RULE_OF_THREE: Final = 3.0
"""No rate below 3 / n can be claimed from n searches without an error (95 %)."""


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """What became of searches, all arrays of one length, by what decided.

    Attributes:
        ranks: float64, the mate's place from 1; infinite where it was not found, or something was not extracted.
        mates: float64, its score; minus infinity likewise.
        strangers: float64, the best score with the mate taken out of the gallery: of a search that is not mated.
    """

    ranks: Floats
    mates: Floats
    strangers: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Searches of some persons' probes in a gallery of all of them.

    Attributes:
        gallery: persons meant to be enrolled.
        by_vector: in the order of the vectors.
        reranked: with the short list in the order of the fused score, as the server answers.
        dataset: object [n], each probe's data set.
        unit: int64 [n], what the bootstrap draws.
    """

    gallery: int
    by_vector: Searches
    reranked: Searches
    dataset: NDArray[Any]
    unit: Integers


async def search(
    people: Sequence[Person],
    enrolled: Sequence[Extracted | None],
    probes: Sequence[Extracted | None],
    settings: Settings,
    seconds: dict[str, list[float]],
    done: Callable[[], None],
    *,
    dimension: int,
    yardstick: Yardstick,
) -> Found:
    """Enrol everybody, search every probe: once with the mate there, and once as if it were not.

    Args:
        people: whose captures they are; numbers in them are places in the next two.
        enrolled: what extraction made of the prints that are enrolled.
        probes: and of those that are searched for, by the same numbers.
        settings: of the server: how many pairs of fingers are re-ranked.
        seconds: what each search took is added under `search` and `rerank`.
        done: called after each search.
        dimension: how many of a vector's numbers are used.
        yardstick: the server's, by which a gallery orders.
    """
    gallery = Gallery("evaluation", dimension=dimension, model_version="-", scan_from=None, yardstick=yardstick)
    records = []
    for person in people:
        fingers = _fingers(person.enrolled, enrolled)
        if fingers:
            features = pack_capture({position: item.features for position, item in fingers.items()})
            records.append(Record(person.name, person.name, _vector(fingers, dimension), features))
    gallery.apply(put=records)
    reranking = Reranking(FusedThresholds(settings.model_path), settings.rerank_pairs, 1)
    asked = [(person, probe) for person in people for probe in person.probes]
    rows = []
    try:
        for person, probe in asked:
            fingers = _fingers(probe, probes)
            rows.append(await _one(gallery, reranking, person.name, fingers, seconds, dimension) if fingers else _MISS)
            done()
    finally:
        reranking.close()
    columns = np.array(rows, np.float64).reshape(len(rows), 2, 3)
    units = [person.unit for person, _ in asked]
    return Found(
        len(people),
        Searches(*columns[:, 0].T),
        Searches(*columns[:, 1].T),
        np.array([person.dataset for person, _ in asked], object),
        np.unique(units, return_inverse=True)[1].astype(np.int64),
    )


def identification(searches: Searches, found: Found, chosen: NDArray[np.bool_], seed: int) -> dict[str, Any]:
    """Rank-1, rank-10, penetration and FNIR of some searches, with intervals.

    Args:
        searches: of the ones below, those that count.
        found: what they are of.
        chosen: bool [n], which count.
        seed: of the bootstrap.
    """
    ranks, mates, strangers = searches.ranks[chosen], searches.mates[chosen], searches.strangers[chosen]
    unit = np.unique(found.unit[chosen], return_inverse=True)[1]
    trials = Trials(mates, strangers)
    stated = [rate for rate in FALSE_POSITIVES if rate * len(ranks) >= _RULE_OF_THREE]

    def measure(drawn: Floats | None) -> dict[str, float]:
        weights = None if drawn is None else drawn[unit]
        curve = trials.curve(weights, weights)
        return {
            "rank_1": found_by(ranks, 1, weights),
            "rank_10": found_by(ranks, 10, weights),
            **{f"penetration_{miss:g}": penetration(ranks, found.gallery, miss, weights) for miss in MISSED},
            **{f"fnir_{rate:g}": curve.false_non_match_at(rate) for rate in stated},
        }

    figures: dict[str, Any] = measure(None)
    intervals = bootstrap(measure, int(unit.max()) + 1, seed)
    for rate in FALSE_POSITIVES:
        figures.setdefault(f"fnir_{rate:g}", None)
    return {**figures, "gallery": found.gallery, "searches": len(ranks), "intervals": intervals}


_MISS: Final = ((np.inf, -np.inf, -np.inf), (np.inf, -np.inf, -np.inf))


async def _one(
    gallery: Gallery,
    reranking: Reranking,
    mate: str,
    fingers: Mapping[FingerPosition, Extracted],
    seconds: dict[str, list[float]],
    dimension: int,
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Rank and score of the mate and the best score of others: by the vectors, and re-ranked."""
    wanted = min(max(gallery.size, 1), MAX_CANDIDATES)
    batch = gallery.search(_vector(fingers, dimension)[np.newaxis], wanted)
    result = batch.results[0]
    seconds["search"].append(batch.timing.nominate_seconds + batch.timing.rescore_seconds)
    features = {position: item.features for position, item in fingers.items()}
    ranked = await _ranked(reranking, features, result, seconds)
    without = replace(result, candidates=tuple(item for item in result.candidates if item.subject_id != mate))
    others = await _ranked(reranking, features, without, {"rerank": []})
    plain = [(item.subject_id, item.score) for item in result.candidates]
    # A mate beyond the short list has no fused score: it keeps its place, but no threshold for such scores finds it.
    fused = [(item.candidate.subject_id, item.score if item.match is not None else -np.inf) for item in ranked]
    # The first of a list need not have the highest score, where captures have different numbers of fingers.
    best = max((item.score for item in without.candidates), default=-np.inf)
    compared = [item.score for item in others if item.match is not None] or [item.score for item in others]
    return (*_place(plain, mate), best), (*_place(fused, mate), max(compared, default=-np.inf))


async def _ranked(
    reranking: Reranking,
    features: Mapping[FingerPosition, FingerFeatures],
    result: SearchResult,
    seconds: dict[str, list[float]],
) -> tuple[Ranked, ...]:
    answer = await reranking.rank(features, result)
    seconds["rerank"].append(answer.seconds)
    return answer.candidates


def _place(ordered: Sequence[tuple[str, float]], mate: str) -> tuple[float, float]:
    return next(((rank, score) for rank, (name, score) in enumerate(ordered, 1) if name == mate), (np.inf, -np.inf))


def _fingers(capture: Capture, extracted: Sequence[Extracted | None]) -> dict[FingerPosition, Extracted]:
    """What was extracted of a capture, at positions 1, 2, ..."""
    found = {FingerPosition(place): extracted[number] for place, number in enumerate(capture.prints, 1)}
    return {position: item for position, item in found.items() if item is not None}


def _vector(fingers: Mapping[FingerPosition, Extracted], dimension: int) -> NDArray[np.float32]:
    """A capture's vector, float32 [10 * dimension]: slots as the server lays them.

    Of fewer numbers than the model gives, the first, at unit length again.
    """
    whole = np.zeros(10 * dimension, np.float32)
    for position, item in fingers.items():
        part = item.vector[:dimension]
        if dimension < len(item.vector):
            part = part / np.linalg.norm(part)
        whole[position.slot * dimension : (position.slot + 1) * dimension] = part
    return whole
