"""From a finger's minutiae to its vector and its minutiae's descriptors, by the network in `models/`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from tenprint.fingerprint.errors import ModelError, NoPrintError
from tenprint.fingerprint.minutiae import Minutiae
from tenprint.fingerprint.onnx_model import ModelCard, one_thread

_CARD: Final = "finger.json"


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """One finger as the model sees it.

    Attributes:
        vector: float32 [dimension], unit length. The inner product of two is their score, -1 to 1.
        descriptors: float32 [m, descriptor_dimension], unit length, one for each minutia in `kept`.
        kept: int64 [m], which of the minutiae handed in were used, in rising order.
    """

    vector: NDArray[np.float32]
    descriptors: NDArray[np.float32]
    kept: NDArray[np.int64]


class Embedder:
    """Runs one model. Thread-safe, deterministic.

    Fingers are run one at a time, in a tensor of exactly their own minutiae: no neighbour and no padding could change
    a bit. That is also the fastest way on a CPU, measured on one core: 40 minutiae 1.7 ms, 80 3.0 ms; padded to 128
    either takes 4.5 ms, alone or in a batch of 16.

    Args:
        folder: holds `finger.json` and the ONNX file it names; None: the model in the package.

    Raises:
        ModelError: if a file is missing, damaged, or does not fit the other.
    """

    def __init__(self, folder: Path | None = None) -> None:
        card = ModelCard(folder, _CARD)
        try:
            self._version = str(card.fields["version"])
            self._dimension = int(card.fields["dimension"])
            self._descriptor_dimension = int(card.fields["descriptor_dimension"])
            self._maximum = int(card.fields["maximum_minutiae"])
            self._minimum = int(card.fields["minimum_minutiae"])
            scores = card.fields["scores"]
            self._thresholds = tuple(float(value) for value in scores["candidate_thresholds"])
            self._strangers_score = float(scores["fingers"]["1"]["non_mated"]["mean"])
        except (KeyError, TypeError, ValueError) as error:
            raise card.wrong(error) from error
        if len(self._thresholds) != 10:
            raise ModelError(_CARD, f"{card.path} has {len(self._thresholds)} candidate thresholds; needs 10")
        if min(self._thresholds) <= self._strangers_score:
            raise ModelError(_CARD, f"{card.path} has a threshold below what strangers score on the mean")
        path, model = card.model()
        try:
            self._session = onnxruntime.InferenceSession(model, one_thread(), providers=["CPUExecutionProvider"])
            widths = [output.shape[-1] for output in self._run(*_trial(self._minimum))]
        except Exception as error:  # the only base that onnxruntime's own exceptions share
            runtime = f"onnxruntime {onnxruntime.__version__}"
            raise ModelError("file", f"{path} is not a model that {runtime} runs on minutiae") from error
        if widths != [self._dimension, self._descriptor_dimension]:
            told = [self._dimension, self._descriptor_dimension]
            raise ModelError("dimension", f"{path} gives outputs of {widths} numbers; {_CARD} says {told}")

    @property
    def version(self) -> str:
        """The model's version. Vectors of two versions must never meet."""
        return self._version

    @property
    def dimension(self) -> int:
        """Numbers in a finger's vector."""
        return self._dimension

    @property
    def descriptor_dimension(self) -> int:
        """Numbers in a minutia's descriptor."""
        return self._descriptor_dimension

    @property
    def maximum_minutiae(self) -> int:
        """More than these are not looked at: the most reliable are kept."""
        return self._maximum

    @property
    def minimum_minutiae(self) -> int:
        """Fewer than these are not a print that can be searched."""
        return self._minimum

    @property
    def strangers_score(self) -> float:
        """The mean score of single fingers of different people, as simulated; of more fingers it is the same."""
        return self._strangers_score

    def candidate_threshold(self, fingers: int) -> float:
        """The least score of a candidate worth a person's time, by the number of fingers compared (1 to 10).

        It is the score that 1e-3 of *simulated* non-mated comparisons exceed: a starting point, not a calibration; it
        takes no account of the gallery's size.

        Raises:
            ValueError: if `fingers` is not 1 to 10.
        """
        if not 1 <= fingers <= len(self._thresholds):
            raise ValueError(f"fingers: {fingers}; allowed are 1 to {len(self._thresholds)}")
        return self._thresholds[fingers - 1]

    def embed(self, minutiae: Sequence[Minutiae]) -> list[Embedding]:
        """Embed fingers.

        Args:
            minutiae: one set a finger.

        Returns:
            One embedding a finger, in the same order.

        Raises:
            NoPrintError: if a finger has fewer than `minimum_minutiae`.
        """
        return [self._embed_one(finger) for finger in minutiae]

    def _embed_one(self, minutiae: Minutiae) -> Embedding:
        found = len(minutiae)
        if found < self._minimum:
            raise NoPrintError("minutiae", f"{found} found; a usable print has at least {self._minimum}")
        kept = _most_reliable(minutiae, self._maximum)
        vector, descriptors = self._run(minutiae.x[kept], minutiae.y[kept], minutiae.direction[kept])
        return Embedding(vector, descriptors, kept)

    def _run(
        self, x: NDArray[np.float32], y: NDArray[np.float32], direction: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Run the model on one finger's n minutiae: its vector [d], their descriptors [n, l]."""
        inputs = {
            "xy": np.stack([x, y], axis=1)[np.newaxis],
            "direction": direction[np.newaxis],
            "present": np.ones((1, len(x)), dtype=np.float32),
        }
        vectors, descriptors = self._session.run(["vector", "descriptors"], inputs)
        return vectors[0], descriptors[0]


def _most_reliable(minutiae: Minutiae, limit: int) -> NDArray[np.int64]:
    """Which minutiae to look at: the most reliable; of equals (all, where the source does not say) the most central."""
    if len(minutiae) <= limit:
        return np.arange(len(minutiae))
    distance = np.hypot(minutiae.x - minutiae.x.mean(), minutiae.y - minutiae.y.mean())
    order = np.lexsort((distance, -minutiae.reliability))
    return np.sort(order[:limit])


def _trial(count: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Any `count` minutiae (x, y, direction), to see that a model runs."""
    step = np.arange(count, dtype=np.float32)
    return step * np.float32(20), step * step, step * np.float32(0.1)
