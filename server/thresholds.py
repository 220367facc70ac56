"""The least score of a candidate: the request's, the one a target FPIR asks for in this gallery now, or the model's."""

from dataclasses import dataclass

from tenprint.fingerprint.calibration import Calibration, Kind
from tenprint.fingerprint.embedding import Embedder
from tenprint.index import Yardstick
from tenprint.server.errors import UncalibratedError
from tenprint.server.reranking import Ranked, Reranking


@dataclass(frozen=True, slots=True)
class Wish:
    """What a search asks of scores; at most one of the two.

    Attributes:
        score: the least, whatever the fingers and the gallery; None: not stated.
        fpir: the expected FPIR, 0 to 1, that no candidate is to exceed; None: not stated.
    """

    score: float | None = None
    fpir: float | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the calibration says of a candidate's score; at most one of the two, none where it says nothing.

    Attributes:
        fpir: expected share of non-mated searches with a candidate of this score or more.
        bound: what that share does not exceed, of a score above the calibration's range.
    """

    fpir: float | None = None
    bound: float | None = None


class Thresholds:
    """What scores have to be and what they mean.

    Args:
        embedder: with the model's thresholds of vectors.
        reranking: with those of fused scores.
        calibration: of the same model; None: nothing is claimed, and no target can be promised.
    """

    def __init__(self, embedder: Embedder, reranking: Reranking, calibration: Calibration | None) -> None:
        self._embedder, self._reranking, self._calibration = embedder, reranking, calibration

    @property
    def version(self) -> str:
        """Of the calibration; empty: there is none."""
        return "" if self._calibration is None else self._calibration.version

    def least(self, wish: Wish, kind: Kind, fingers: int, gallery_size: int, *, fewer: bool = False) -> float:
        """The least score of a candidate.

        Args:
            wish: what the search asks.
            kind: of the candidate's score.
            fingers: that it rests on.
            gallery_size: records of the gallery; for a finger of unknown position ten times as many.
            fewer: the record lacks some of the probe's fingers. Where the target cannot be promised for such a record,
                its score must be beyond the calibration's range, so that its candidate is not lost in silence.

        Raises:
            UncalibratedError: if the target cannot be promised.
        """
        if wish.score is not None:
            return wish.score
        if wish.fpir is None:
            fused = kind is Kind.FUSED
            return self._reranking.threshold(fingers) if fused else self._embedder.candidate_threshold(fingers)
        if self._calibration is None:
            raise UncalibratedError("there is no calibration for this server's model")
        score = self._calibration.score_for(kind, wish.fpir, fingers, gallery_size)
        if score is not None:
            return score
        reach = self._calibration.reach(kind, fingers, gallery_size)
        if reach is None:
            told = f"says nothing of {kind} scores of {fingers} finger(s) in a gallery of {gallery_size}"
            raise UncalibratedError(f"calibration {self._calibration.version!r} {told}")
        if wish.fpir > reach.greatest:
            return reach.lowest  # exceeded less often than was asked
        if fewer:
            return reach.highest
        raise UncalibratedError(
            f"{wish.fpir:g}; calibration {self._calibration.version!r} promises {reach.least:.2g} to "
            f"{reach.greatest:.2g} for {kind} scores of {fingers} finger(s) in a gallery of {gallery_size}"
        )

    def expected(self, ranked: Ranked, gallery_size: int) -> Expectation:
        """What the calibration says of a candidate's score in a gallery of that many records."""
        if self._calibration is None:
            return Expectation()
        of = (kind_of(ranked), ranked.score, ranked.fingers, gallery_size)
        return Expectation(self._calibration.expected_fpir(*of), self._calibration.fpir_bound(*of))


def yardstick(embedder: Embedder) -> Yardstick:
    """By which galleries compare scores of different numbers of fingers: 1 stands for the model's threshold."""
    thresholds = [embedder.candidate_threshold(fingers) for fingers in range(1, 11)]
    return Yardstick.of_thresholds(embedder.strangers_score, thresholds)


def kind_of(ranked: Ranked) -> Kind:
    """Which score a candidate has."""
    return Kind.VECTOR if ranked.match is None else Kind.FUSED
