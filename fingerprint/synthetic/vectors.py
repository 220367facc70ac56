"""Vectors of people whom nobody is, whose scores are spread as those of the real model: galleries of any size, at once.

What the model gives on fingers of the training simulator is in `models/finger.json`, measured at its export. A mated
score is drawn from the quantiles written there, so it follows them by construction. Non-mated scores come of how the
vectors lie: a finger is a mixture of what all have in common, which makes the mean of these scores; of the centre of
its kind (7 kinds, as far apart as they can be); and of a direction of its own, the last two at shares drawn from
Beta(2.27, 12.55). These three numbers are the best of 400 drawn at random, by how near quantiles and deviation of
simulated scores came to the card's (2026-11-26): quantile 0.0001 -0.126 (card -0.125), 0.95 0.271 (0.270), 0.99 0.359
(0.356), 0.999 0.444 (0.460), 0.9999 0.505 (0.583); standard deviation 0.081 (0.083).

Real prints are spread wider than simulated ones, FVC2002 and 2004 through LEADER on the same day: mated 0.59, standard
deviation 0.20; non-mated, within a database, 0.09 and 0.10. The cost of a search does not depend on it. Error rates do:
none is taken here.
"""

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tenprint.fingerprint.onnx_model import ModelCard
from tenprint.fingerprint.positions import SLOTS

_KINDS: Final = 7
_SHARE: Final = (2.27, 12.55)
_ALL: Final = 0x3FF

INCOMPLETE_SHARES: Final = {1: 0.03, 2: 0.012, 5: 0.004, 8: 0.004}
"""Share of subjects that lack so many fingers: 5 in 100 are incomplete. Assumed, not measured."""


class SyntheticVectors:
    """Subjects and impressions by number; the same seed gives the same ones, in any order and on any machine's threads.

    Args:
        seed: of the population, 0 to 2**32 - 1.
        dimension: numbers a finger, at least 8.
        mated: probabilities and quantiles of the mated scores of single fingers, both rising.
        common: what every vector has in common with every other: their mean inner product, 0 to 1.
    """

    def __init__(self, seed: int, dimension: int, mated: Sequence[tuple[float, float]], common: float) -> None:
        self.dimension: Final = dimension
        self._seed = seed
        # Between two quantiles the scores are spread as a normal distribution's would be.
        self._deviates = np.array([NormalDist().inv_cdf(probability) for probability, _ in mated])
        self._quantiles = np.array([quantile for _, quantile in mated])
        # The corners of a simplex: unit vectors, each two at an inner product of -1 / (kinds - 1).
        corners = np.eye(_KINDS) - 1.0 / _KINDS
        corners /= np.linalg.norm(corners, axis=1, keepdims=True)
        directions = np.linalg.qr(_Stream(seed, 0).of(0).standard_normal((dimension, _KINDS + 1)))[0].T
        self._centres = (corners @ directions[1:]).astype(np.float32)
        self._common = (np.sqrt(common) * directions[0]).astype(np.float32)
        self._apart = np.float32(np.sqrt(1 - common))

    @classmethod
    def of_model(cls, seed: int, *, lowered: float = 0.0) -> "SyntheticVectors":
        """Spread as the model in the package spreads them.

        Args:
            seed: of the population.
            lowered: by how much the mated scores of every finger lie below the model's, 0 to 1: captures that are poor
                as a whole, of the same subjects. A finger by itself is poor often enough; ten at once are so here only.
        """
        fields = ModelCard(None, "finger.json").fields
        single = fields["scores"]["fingers"]["1"]
        mated = sorted((float(p), float(q) - lowered) for p, q in single["mated"]["quantiles"].items())
        # A mate is partly its record and partly, at right angles, another vector: both share what is common.
        score = float(single["mated"]["mean"])
        common = float(single["non_mated"]["mean"]) / (score + sqrt(1 - score * score))
        return cls(seed, int(fields["dimension"]), mated, max(0.0, common))

    def fingers(self, subject: int) -> int:
        """Which fingers a subject has: bit i for slot i, at least two."""
        return self._masks(_Stream(self._seed, 1), [subject])[0]

    def subject(self, number: int) -> NDArray[np.float32]:
        """The enrolled capture: float32 [10 * d], unit vectors, zeros where a finger is missing."""
        vectors: NDArray[np.float32] = self.subjects([number])[0]
        return vectors

    def subjects(self, numbers: Sequence[int]) -> NDArray[np.float32]:
        """The enrolled captures of many, float32 [n, 10 * d]: each as `subject` gives it, in a fifth of the time."""
        return self._masked(self._drawn(_Stream(self._seed, 2), numbers), numbers)

    def mate(self, number: int, impression: int) -> NDArray[np.float32]:
        """Another capture of the same subject, of the same fingers; impressions are numbered from 0."""
        vectors: NDArray[np.float32] = self.mates([number], impression)[0]
        return vectors

    def mates(self, numbers: Sequence[int], impression: int) -> NDArray[np.float32]:
        """Other captures of many, float32 [n, 10 * d]: each as `mate` gives it."""
        enrolled = self._drawn(_Stream(self._seed, 2), numbers)
        deviates = np.empty((len(numbers), SLOTS, 1))
        other = self._drawn(_Stream(self._seed, 3 + impression), numbers, deviates)
        other -= (other * enrolled).sum(axis=2, keepdims=True) * enrolled
        other /= np.linalg.norm(other, axis=2, keepdims=True)
        scores = np.interp(deviates, self._deviates, self._quantiles).astype(np.float32)
        return self._masked(scores * enrolled + np.sqrt(1 - scores * scores) * other, numbers)

    def _drawn(
        self, stream: "_Stream", numbers: Sequence[int], deviates: NDArray[np.float64] | None = None
    ) -> NDArray[np.float32]:
        """Unit vectors, float32 [n, 10, d]; standard normal deviates drawn after them go into `deviates`, if given."""
        own = np.empty((len(numbers), SLOTS, self.dimension), dtype=np.float32)
        share = np.empty((len(numbers), SLOTS, 1), dtype=np.float32)
        kinds = np.empty((len(numbers), SLOTS), dtype=np.int64)
        for i, number in enumerate(numbers):
            random = stream.of(number)
            random.standard_normal(out=own[i], dtype=np.float32)
            share[i] = random.beta(*_SHARE, size=(SLOTS, 1))
            kinds[i] = random.integers(_KINDS, size=SLOTS)
            if deviates is not None:
                deviates[i, :, 0] = random.standard_normal(SLOTS)
        own /= np.linalg.norm(own, axis=2, keepdims=True)
        own *= np.sqrt(1 - share)
        own += np.sqrt(share) * self._centres[kinds]
        own *= self._apart / np.linalg.norm(own, axis=2, keepdims=True)
        own += self._common
        own /= np.linalg.norm(own, axis=2, keepdims=True)
        return own

    def _masks(self, stream: "_Stream", numbers: Sequence[int]) -> list[int]:
        masks = []
        for number in numbers:
            random = stream.of(number)
            draw, mask = random.random(), _ALL
            for missing, share in INCOMPLETE_SHARES.items():
                draw -= share
                if draw < 0:
                    for slot in random.choice(SLOTS, missing, replace=False).tolist():
                        mask &= ~(1 << slot)
                    break
            masks.append(mask)
        return masks

    def _masked(self, vectors: NDArray[np.float32], numbers: Sequence[int]) -> NDArray[np.float32]:
        for i, mask in enumerate(self._masks(_Stream(self._seed, 1), numbers)):
            if mask != _ALL:
                vectors[i, [slot for slot in range(SLOTS) if not mask >> slot & 1]] = 0
        return vectors.reshape(len(numbers), -1)


class _Stream:
    """One generator that is set to the beginning of a number's draws: making one anew takes longer than the draws."""

    def __init__(self, seed: int, stream: int) -> None:
        self._philox = np.random.Philox(key=[seed << 32 | stream, 0])
        self._random = np.random.Generator(self._philox)
        self._beginning = self._philox.state

    def of(self, number: int) -> np.random.Generator:
        """The generator, at the beginning of this number's draws."""
        self._beginning["state"]["key"][1] = number
        self._philox.state = self._beginning
        return self._random
