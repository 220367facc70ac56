"""A calibration fitted on a gallery: its people searched in it, each with the own record left out."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tenprint.fingerprint.calibration import FINGERS, Calibration, Kind
from tenprint.fingerprint.features import FingerFeatures, unpack_capture
from tenprint.fingerprint.fusion import fused_capture_score
from tenprint.fingerprint.matching import match_capture, short_list
from tenprint.fingerprint.positions import FingerPosition
from tenprint.fingerprint.tail import Tail
from tenprint.fingerprint.tail_fit import (
    FEWEST_SEARCHES,
    FUSED_FINGERS,
    FUSED_SIZES,
    SEPARATE,
    SIZES,
    fit_tail,
)
from tenprint.server.settings import Settings
from tenprint.store import Store, opened_as_it_is

MOST_PEOPLE: Final = 100_000
"""People of the gallery that are searched at most, 1 GB of vectors; the fit speaks of galleries ten times as large."""
_NEARLY_ALL: Final = 0.9
"""Share of the people in the largest gallery searched, so that records that lack a finger do not count."""
_AT_ONCE: Final = 16
"""Probes whose products with everybody are in memory together."""
_SEED: Final = 20261126

_Best = dict[int, list[NDArray[np.float64]]]
"""By size of the gallery, for each probe the best scores in separate galleries of that size."""


class CalibratingError(Exception):
    """A gallery that no calibration can be fitted on."""


@dataclass(frozen=True, slots=True, eq=False)
class _Person:
    """One encounter of one person: vectors, float32 [10, d], zeros where a finger is absent, and packed features."""

    vectors: NDArray[np.float32]
    features: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """What was fitted.

    Attributes:
        calibration: the fit.
        people: who were searched.
        probes: of them, who were searched for.
        fused: of these, whose short lists were compared minutia by minutia.
    """

    calibration: Calibration
    people: int
    probes: int
    fused: int


def calibrate(settings: Settings, gallery: str, probes: int, progress: Callable[[int, int], None]) -> Calibrated:
    """Fit on a gallery of the store. The server may run.

    One encounter of each person takes part, so that nobody is found by another record of the own. Each probe is
    searched by one to ten of its fingers, drawn at random; records that lack one of them take no part in that search.

    Args:
        settings: with the store.
        gallery: its name.
        probes: people to search for at most, evenly over the gallery; 3 / probes is the least FPIR that is promised.
        progress: told how many were searched for, and of how many.

    Raises:
        CalibratingError: if the store has no such gallery, or it has too few people.
        StoreError: if the store cannot be read.
    """
    with opened_as_it_is(settings.database_url.get_secret_value()) as (store, specs):
        spec = next((spec for spec in specs if spec.name == gallery), None)
        if spec is None:
            held = ", ".join(sorted(spec.name for spec in specs)) or "none"
            raise CalibratingError(f"gallery: the store has no {gallery!r}; it has {held}")
        people = _people(store, gallery, spec.dimension)
    if len(people) < FEWEST_SEARCHES:
        needed = f"a fit needs {FEWEST_SEARCHES} to search for"
        raise CalibratingError(f"gallery: {gallery!r} has {len(people)} people; {needed}")
    draw = np.random.default_rng(_SEED)
    searches = _Searches([people[number] for number in draw.permutation(len(people))], settings.rerank_pairs)
    searched = min(probes, len(people))
    found: dict[Kind, dict[int, _Best]] = {kind: {n: {} for n in FINGERS} for kind in Kind}
    with ThreadPoolExecutor(settings.rerank_workers) as workers:
        for done, one in enumerate(searches.each(searched, draw, workers), start=1):
            for (kind, n, size), best in one.items():
                found[kind][n].setdefault(size, []).append(best)
            progress(done, searched)
    tails = {kind: dict(_tails(of)) for kind, of in found.items()}
    if not tails[Kind.VECTOR]:
        raise CalibratingError(f"gallery: too few people of {gallery!r} have a finger in common")
    fused = max((tail.searches for tail in tails[Kind.FUSED].values()), default=0)
    source = f"gallery {gallery!r}: {len(people)} people, {searched} of them searched for, {fused} re-ranked"
    version = f"{gallery}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    return Calibrated(Calibration(version, spec.model_version, source, tails), len(people), searched, fused)


def _people(store: Store, gallery: str, dimension: int) -> list[_Person]:
    """The first encounter of each person; of too many people a random sample."""
    draw = np.random.default_rng(_SEED)
    seen: set[str] = set()
    people: list[_Person] = []
    for rows in store.vectors(gallery):
        for row in rows:
            if row.subject_id in seen:
                continue
            seen.add(row.subject_id)
            person = _Person(row.vector.reshape(-1, dimension), row.features)
            if len(people) < MOST_PEOPLE:
                people.append(person)
            elif (place := int(draw.integers(len(seen)))) < MOST_PEOPLE:
                people[place] = person
    return people


def _tails(of: Mapping[int, _Best]) -> Iterator[tuple[int, Tail]]:
    """The fits by number of fingers, as far as enough people have so many."""
    for n, by_size in of.items():
        enough = {size: rows for size, rows in by_size.items() if len(rows) >= FEWEST_SEARCHES}
        if 1 in enough:
            yield n, fit_tail(enough)


class _Searches:
    """Searches of people among each other.

    Args:
        people: in random order.
        pairs: of fingers that a search compares minutia by minutia.
    """

    def __init__(self, people: Sequence[_Person], pairs: int) -> None:
        self._people, self._pairs = people, pairs
        self._vectors = [np.stack([person.vectors[k] for person in people]) for k in range(len(FINGERS))]
        self._present = np.stack([vectors.any(axis=1) for vectors in self._vectors])
        self._kept = np.array([bool(person.features) for person in people])
        largest = int(_NEARLY_ALL * len(people))
        self._sizes = (*(size for size in SIZES if size < largest), largest)
        self._fused_sizes = (*(size for size in FUSED_SIZES if size < largest), largest)

    def each(
        self, probes: int, draw: np.random.Generator, workers: ThreadPoolExecutor
    ) -> Iterator[dict[tuple[Kind, int, int], NDArray[np.float64]]]:
        """Search for the first people: by kind, number of fingers and size, the best scores in separate galleries."""
        for start in range(0, probes, _AT_ONCE):
            chunk = range(start, min(start + _AT_ONCE, probes))
            products = np.stack([vectors[chunk.start : chunk.stop] @ vectors.T for vectors in self._vectors], axis=1)
            orders = [draw.permutation(np.flatnonzero(self._present[:, number])).tolist() for number in chunk]
            yield from workers.map(self._one, chunk, orders, products)

    def _one(
        self, probe: int, order: Sequence[int], products: NDArray[np.float32]
    ) -> dict[tuple[Kind, int, int], NDArray[np.float64]]:
        """One probe, by the first fingers of an order; the products [10, people] are with everybody's fingers."""
        found: dict[tuple[Kind, int, int], NDArray[np.float64]] = {}
        total, usable = np.zeros(len(self._people)), np.ones(len(self._people), bool)
        usable[probe] = False
        for n, finger in enumerate(order, start=1):
            total += products[finger]
            usable &= self._present[finger]
            others = np.flatnonzero(usable)
            scores = total[others] / n
            for size in self._sizes:
                if times := min(SEPARATE, len(others) // size):
                    found[Kind.VECTOR, n, size] = scores[: times * size].reshape(times, size).max(axis=1)
            if n in FUSED_FINGERS and self._kept[probe] and self._pairs:
                kept = self._kept[others]
                for size, best in self._fused(probe, order[:n], others[kept], scores[kept], products):
                    found[Kind.FUSED, n, size] = np.array([best])
        return found

    def _fused(
        self,
        probe: int,
        fingers: Sequence[int],
        others: NDArray[np.intp],
        scores: NDArray[np.float64],
        products: NDArray[np.float32],
    ) -> Iterator[tuple[int, float]]:
        """The best fused score of the short list, by size of the gallery."""
        positions = {FingerPosition(finger + 1) for finger in fingers}
        features = _features(self._people[probe], positions)
        if features.keys() != positions:
            return
        longest = short_list(self._pairs, len(fingers))
        lists = {
            size: others[np.argsort(-scores[:size], kind="stable")[:longest]].tolist()
            for size in self._fused_sizes
            if size <= len(others)
        }
        listed = sorted({person for some in lists.values() for person in some})
        held = [_features(self._people[person], positions) for person in listed]
        fused = {
            person: fused_capture_score(match, {place: float(products[place - 1, person]) for place in match.fingers})
            for person, match in zip(listed, match_capture(features, held), strict=True)
            if match.fingers.keys() == positions
        }
        for size, some in lists.items():
            if best := [fused[person] for person in some if person in fused]:
                yield size, max(best)


def _features(person: _Person, positions: Iterable[FingerPosition]) -> dict[FingerPosition, FingerFeatures]:
    held = unpack_capture(person.features)
    return {position: held[position] for position in positions if position in held}
