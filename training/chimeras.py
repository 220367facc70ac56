"""Searches in galleries of ten-print people who are put together of a pool's single fingers: a million at little cost.

Person t of a gallery has, at position k, the finger `(t + shift) % fingers` of the pool, with a shift of its own for
each position and each time round the pool. A search needs the products of the probe's ten vectors with the pool's, and
the score of any person is a sum of ten of them: no record of a million is ever made.

What is not independent: each finger of the pool is in one person in `fingers` at each position. With one finger there
are only as many different people as the pool has fingers, so larger galleries of one finger are left out. With two, a
finger that resembles the probe's is met again beside other fingers; with four and ten that no longer matters.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tenprint.fingerprint.features import FingerFeatures
from tenprint.fingerprint.fusion import fused_capture_score
from tenprint.fingerprint.matching import match_capture, short_list
from tenprint.fingerprint.positions import FingerPosition
from tenprint.server.settings import Settings
from training.pool import Impressions

POSITIONS: Final = 10
RERANKED_PAIRS: Final[int] = Settings.model_fields["rerank_pairs"].default
"""So many pairs of fingers are compared minutia by minutia."""

_AT_ONCE: Final = 16
"""Probes whose products with the pool are in memory together: 51 MB for 80,000 fingers."""

Fingers = Mapping[FingerPosition, FingerFeatures]

_Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What one probe found in galleries of rising size.

    Attributes:
        best: by number of fingers and size: the best scores of vectors in separate galleries of that size.
        lists: by number of fingers and size: the people of the first gallery nearest by vectors, and their scores.
    """

    best: dict[int, dict[int, _Floats]]
    lists: dict[int, dict[int, tuple[NDArray[np.int64], _Floats]]]


class Chimeras:
    """A gallery of people, each of ten fingers of a pool.

    Args:
        pool: single fingers.
        sizes: of the galleries, rising: the first so many people each.
        fingers: numbers of fingers to search by: the first so many positions.
        listed: which of those also give short lists.
        listed_sizes: of which galleries.
        separate: most galleries of a small size to search.
        seed: of the shifts.
    """

    def __init__(
        self,
        pool: Impressions,
        sizes: Sequence[int],
        fingers: Sequence[int],
        listed: Sequence[int],
        listed_sizes: Sequence[int],
        *,
        separate: int = 1,
        seed: int = 1,
    ) -> None:
        self._pool, self._sizes, self._fingers, self._listed = pool, sizes, fingers, listed
        self._listed_sizes, self._separate = listed_sizes, separate
        rounds = -(-max(sizes) // len(pool))
        draw = np.random.default_rng(seed)
        self._shifts = np.stack([draw.choice(len(pool), rounds, replace=False) for _ in range(POSITIONS)])

    def finger(self, person: int, position: int) -> int:
        """Which finger of the pool a person has at a position, 0 to 9."""
        turn, place = divmod(person, len(self._pool))
        return int((place + self._shifts[position, turn]) % len(self._pool))

    def search(self, probes: Sequence[_Floats]) -> Iterator[Found]:
        """Search probes, each float32 [10, d], one after the other."""
        for start in range(0, len(probes), _AT_ONCE):
            some = np.stack(probes[start : start + _AT_ONCE])
            products = np.stack([some[:, k] @ self._pool.vectors.T for k in range(max(self._fingers))], axis=1)
            for product in products:
                yield self._one(product)

    def _one(self, product: _Floats) -> Found:
        """One probe, of whose fingers the products [n, fingers of the pool] are given."""
        many = len(self._pool)
        found = Found({n: {} for n in self._fingers}, {n: {} for n in self._listed})
        so_far = {n: _Nearest(short_list(RERANKED_PAIRS, n)) for n in self._fingers}
        for turn in range(self._shifts.shape[1]):
            start = turn * many
            ends = [size for size in self._sizes if start < size <= start + many]
            if self._sizes[-1] > start + many and start + many not in ends:
                ends.append(start + many)
            total = np.zeros(ends[-1] - start, np.float32)
            for k in range(max(self._fingers)):
                shift = int(self._shifts[k, turn])
                total[: many - shift] += product[k, shift : shift + len(total)]
                total[many - shift :] += product[k, : max(0, len(total) - (many - shift))]
                n = k + 1
                if n not in self._fingers or (n == 1 and turn):
                    continue
                done = 0
                for end in ends:
                    so_far[n].add(total[done : end - start], start + done, listed=n in self._listed)
                    done = end - start
                    if end in self._sizes:
                        others = range(1, min(self._separate, len(total) // end)) if turn == 0 else range(0)
                        best = [so_far[n].top, *(total[end * i : end * (i + 1)].max() for i in others)]
                        found.best[n][end] = np.array(best) / np.float32(n)
                        if n in self._listed and end in self._listed_sizes:
                            found.lists[n][end] = so_far[n].people, so_far[n].sums / np.float32(n)
        return found


class _Nearest:
    """The people nearest to a probe so far, best first, by sums of scores: as many as a short list has."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self.top = np.float32(-np.inf)
        self.sums = np.empty(0, np.float32)
        self.people = np.empty(0, np.int64)

    def add(self, sums: _Floats, start: int, *, listed: bool) -> None:
        """Look at more people, numbered from `start`."""
        self.top = max(self.top, sums.max())
        if not listed:
            return
        if len(self.sums) == self._longest:
            chosen = np.flatnonzero(sums > self.sums[-1])
        elif len(sums) > self._longest:
            chosen = np.argpartition(sums, -self._longest)[-self._longest :]
        else:
            chosen = np.arange(len(sums))
        both = np.concatenate([self.sums, sums[chosen]])
        numbers = np.concatenate([self.people, start + chosen])
        order = np.argsort(-both, kind="stable")[: self._longest]
        self.sums, self.people = both[order], numbers[order]


class Fuser:
    """Compares probes with people minutia by minutia, as the server does.

    Args:
        chimeras: the people.
        pool: their fingers.
    """

    def __init__(self, chimeras: Chimeras, pool: Impressions) -> None:
        self._chimeras, self._pool = chimeras, pool
        self._read: dict[int, FingerFeatures] = {}

    def best(self, vectors: _Floats, features: Fingers, found: Found) -> dict[int, dict[int, float]]:
        """The best fused score of each short list, by number of fingers and size.

        Args:
            vectors: of the probe, float32 [10, d].
            features: of its fingers that are usable.
            found: its short lists.
        """
        best: dict[int, dict[int, float]] = {}
        for n, by in found.lists.items():
            people = sorted({person for listed, _ in by.values() for person in listed.tolist()})
            fingers = [[self._chimeras.finger(person, k) for k in range(n)] for person in people]
            scores = dict(zip(people, self._scores(vectors[:n], features, fingers), strict=True))
            best[n] = {size: max(scores[person] for person in listed.tolist()) for size, (listed, _) in by.items()}
        return best

    def score(self, vectors: _Floats, features: Fingers, fingers: Sequence[int]) -> float:
        """The fused score of a probe with the person of these fingers of the pool, as many as the vectors [n, d]."""
        return self._scores(vectors, features, [fingers])[0]

    def features(self, fingers: Sequence[int]) -> dict[FingerPosition, FingerFeatures]:
        """What a person of these fingers of the pool has: those that are usable."""
        held = {}
        for k, finger in enumerate(fingers):
            if finger not in self._read and self._pool.features[finger]:
                self._read[finger] = FingerFeatures.from_bytes(self._pool.features[finger])
            if finger in self._read:
                held[FingerPosition(k + 1)] = self._read[finger]
        return held

    def _scores(self, vectors: _Floats, features: Fingers, people: Sequence[Sequence[int]]) -> list[float]:
        searched = {position: finger for position, finger in features.items() if position.slot < len(vectors)}
        matches = match_capture(searched, [self.features(fingers) for fingers in people])
        scores = []
        for fingers, found in zip(people, matches, strict=True):
            cosines = (vectors * self._pool.vectors[list(fingers)]).sum(axis=1).tolist()
            scores.append(fused_capture_score(found, {FingerPosition(k + 1): one for k, one in enumerate(cosines)}))
        return scores
