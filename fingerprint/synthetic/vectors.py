"""Vectors of people whom nobody is, whose scores are spread as those of the real model: galleries of any size, at once.

What the model gives on fingers of the training simulator is in `models/finger.json`, measured at its export. A mated
score is drawn from the quantiles written there, so it follows them by construction. Non-mated scores come of how the
vectors lie: a finger is a mixture of the centre of its kind (16 kinds, as far apart as they can be) and of a direction
of its own, at shares drawn from Beta(2, 12). These three numbers are the best of 400 drawn at random, by how near the
nine quantiles of simulated scores came to the card's (2026-11-24): quantile 0.0001 -0.210 (card -0.215), 0.99 0.21
(0.21), 0.999 0.315 (0.318), 0.9999 0.395 (0.473); standard deviation 0.065 (0.069).

Real prints are spread wider than simulated ones, FVC2002 and 2004 through LEADER on the same day: mated 0.59, standard
deviation 0.21; non-mated 0.11, 0.11. The cost of a search does not depend on it. Error rates do: none is taken here.
"""

from collections.abc import Sequence
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tenprint.fingerprint.onnx_model import ModelCard
from tenprint.fingerprint.positions import SLOTS

_KINDS: Final = 16
_SHARE: Final = (2.0, 12.0)
_ALL: Final = 0x3FF

INCOMPLETE_SHARES: Final = {1: 0.03, 2: 0.012, 5: 0.004, 8: 0.004}
"""Share of subjects that lack so many fingers: 5 in 100 are incomplete. Assumed, not measured."""


class SyntheticVectors:
    """Subjects and impressions by number; the same seed gives the same ones, in any order and on any machine's threads.

    Args:
        seed: of the population, 0 to 2**32 - 1.
        dimension: numbers a finger, at least 16.
        mated: probabilities and quantiles of the mated scores of single fingers, both rising.
    """

    def __init__(self, seed: int, dimension: int, mated: Sequence[tuple[float, float]]) -> None:
        self.dimension: Final = dimension
        self._seed = seed
        # Between two quantiles the scores are spread as a normal distribution's would be.
        self._deviates = np.array([NormalDist().inv_cdf(probability) for probability, _ in mated])
        self._quantiles = np.array([quantile for _, quantile in mated])
        # The corners of a simplex: unit vectors, each two at an inner product of -1 / (kinds - 1).
        corners = np.eye(_KINDS) - 1.0 / _KINDS
        corners /= np.linalg.norm(corners, axis=1, keepdims=True)
        directions = np.linalg.qr(self._random(0, 0).standard_normal((dimension, _KINDS)))[0].T
        self._centres = (corners @ directions).astype(np.float32)

    @classmethod
    def of_model(cls, seed: int) -> "SyntheticVectors":
        """Spread as the model in the package spreads them."""
        fields = ModelCard(None, "finger.json").fields
        quantiles = fields["scores"]["fingers"]["1"]["mated"]["quantiles"]
        return cls(seed, int(fields["dimension"]), sorted((float(p), float(q)) for p, q in quantiles.items()))

    def fingers(self, subject: int) -> int:
        """Which fingers a subject has: bit i for slot i, at least two."""
        random = self._random(subject, 1)
        draw, mask = random.random(), _ALL
        for missing, share in INCOMPLETE_SHARES.items():
            draw -= share
            if draw < 0:
                for slot in random.choice(SLOTS, missing, replace=False).tolist():
                    mask &= ~(1 << slot)
                break
        return mask

    def subject(self, number: int) -> NDArray[np.float32]:
        """The enrolled capture: float32 [10 * d], unit vectors, zeros where a finger is missing."""
        return self._masked(self._drawn(self._random(number, 2)), number)

    def mate(self, number: int, impression: int) -> NDArray[np.float32]:
        """Another capture of the same subject, of the same fingers; impressions are numbered from 0."""
        enrolled = self._drawn(self._random(number, 2))
        random = self._random(number, 3 + impression)
        other = self._drawn(random)
        other -= (other * enrolled).sum(axis=1, keepdims=True) * enrolled
        other /= np.linalg.norm(other, axis=1, keepdims=True)
        scores = np.interp(random.standard_normal(SLOTS), self._deviates, self._quantiles).astype(np.float32)[
            :, np.newaxis
        ]
        return self._masked(scores * enrolled + np.sqrt(1 - scores * scores) * other, number)

    def _random(self, number: int, stream: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=[self._seed << 32 | stream, number]))

    def _drawn(self, random: np.random.Generator) -> NDArray[np.float32]:
        own = random.standard_normal((SLOTS, self.dimension), dtype=np.float32)
        own /= np.linalg.norm(own, axis=1, keepdims=True)
        share = random.beta(*_SHARE, size=(SLOTS, 1)).astype(np.float32)
        vectors: NDArray[np.float32] = (
            np.sqrt(share) * self._centres[random.integers(_KINDS, size=SLOTS)] + np.sqrt(1 - share) * own
        )
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def _masked(self, vectors: NDArray[np.float32], number: int) -> NDArray[np.float32]:
        mask = self.fingers(number)
        if mask != _ALL:
            vectors[[slot for slot in range(SLOTS) if not mask >> slot & 1]] = 0
        return vectors.reshape(-1)
