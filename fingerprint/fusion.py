"""The one score of a re-ranked candidate, and what it must reach to be worth a person's time."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tenprint.fingerprint.errors import ModelError
from tenprint.fingerprint.matching import CaptureMatch, weighted_mean
from tenprint.fingerprint.onnx_model import ModelCard
from tenprint.fingerprint.positions import FingerPosition

VECTOR_WEIGHT: Final = 0.1
"""What the vectors' score counts for beside the match: measured in ADR 0008."""

_CARD: Final = "reranking.json"


def fused_score(match_score: float, vector_score: float) -> float:
    """The match, and a tenth of the vectors' cosine; -0.1 to 1.1.

    Args:
        match_score: :attr:`tenprint.fingerprint.matching.CaptureMatch.score`, 0 to 1.
        vector_score: mean cosine of the fingers matched, -1 to 1, weighted as their matches are.
    """
    return match_score + VECTOR_WEIGHT * vector_score


def fused_capture_score(match: CaptureMatch, vector_scores: Mapping[FingerPosition, float]) -> float:
    """The fused score of two captures: both means are over the fingers matched, by the weights of the match.

    Args:
        match: of the two captures, of at least one finger.
        vector_scores: cosines by finger, of those matched and maybe others.
    """
    vector_score = weighted_mean({position: vector_scores[position] for position in match.fingers}, match.weights)
    return fused_score(match.score, vector_score)


class FusedThresholds:
    """The least fused scores of candidates, as measured for one model and its axes by `training.reranking`.

    Args:
        folder: holds the model and `reranking.json`; None: the folder of the model in the package.

    Raises:
        ModelError: if the file is missing, or lacks ten thresholds above the mean.
    """

    def __init__(self, folder: Path | None = None) -> None:
        card = ModelCard(folder, _CARD)
        try:
            self._thresholds = tuple(float(value) for value in card.fields["candidate_thresholds"])
            self._strangers_score = float(card.fields["mean"])
        except (KeyError, TypeError, ValueError) as error:
            raise card.wrong(error) from error
        if len(self._thresholds) != 10:
            raise ModelError(_CARD, f"{card.path} has {len(self._thresholds)} candidate thresholds; needs 10")
        if min(self._thresholds) <= self._strangers_score:
            raise ModelError(_CARD, f"{card.path} has a threshold below what strangers score on the mean")

    @property
    def strangers_score(self) -> float:
        """The mean fused score of short-listed strangers, of single fingers, as simulated."""
        return self._strangers_score

    def of(self, fingers: int) -> float:
        """By the number of fingers matched, 1 to 10.

        It is the fused score that the best of the short-listed strangers reaches in 1 of 50 *simulated* searches among
        2,000 fingers: a starting point, not a calibration; it takes no account of the gallery's size.

        Raises:
            ValueError: if `fingers` is not 1 to 10.
        """
        if not 1 <= fingers <= len(self._thresholds):
            raise ValueError(f"fingers: {fingers}; allowed are 1 to {len(self._thresholds)}")
        return self._thresholds[fingers - 1]
