"""Re-ranking: the short list that the vectors found is compared minutia by minutia, and gets one fused score each."""

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tenprint.fingerprint.features import FingerFeatures, unpack_capture
from tenprint.fingerprint.fusion import FusedThresholds, fused_capture_score
from tenprint.fingerprint.matching import CaptureMatch, match_capture, short_list
from tenprint.fingerprint.positions import FingerPosition
from tenprint.index import Candidate, SearchResult, Yardstick


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """A candidate with the score that decides.

    Attributes:
        candidate: as the gallery found it, with the vectors' scores.
        score: fused where both captures keep minutiae of a finger in common; else the vectors'.
        match: what coincides, finger by finger, with the pairs of minutiae an examiner is shown; None: not compared.
    """

    candidate: Candidate
    score: float
    match: CaptureMatch | None = None

    @property
    def fingers(self) -> int:
        """How many fingers the score rests on."""
        return len(self.candidate.positions if self.match is None else self.match.fingers)


@dataclass(frozen=True, slots=True, eq=False)
class RankedResult:
    """A gallery's answer in the order that decides.

    Attributes:
        candidates: best first.
        result: as the gallery found it.
        seconds: that re-ranking took; 0 where nothing was compared.
    """

    candidates: tuple[Ranked, ...]
    result: SearchResult
    seconds: float


class Reranking:
    """Re-ranks short lists in a pool of its own, so that no search and no other call waits for it.

    Args:
        thresholds: of the model that is served.
        pairs: of fingers compared for a probe and gallery; 0: none, re-ranking is off.
        workers: threads.
    """

    def __init__(self, thresholds: FusedThresholds, pairs: int, workers: int) -> None:
        self._thresholds, self._pairs = thresholds, pairs
        self._yardstick = Yardstick.of_thresholds(
            thresholds.strangers_score, [thresholds.of(fingers) for fingers in range(1, 11)]
        )
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="rerank")

    def candidates_wanted(self, wanted: int, features: Mapping[FingerPosition, FingerFeatures]) -> int:
        """How many candidates a gallery is to be asked for, so that the best after re-ranking are among them."""
        return max(wanted, short_list(self._pairs, len(features))) if features else wanted

    def threshold(self, fingers: int) -> float:
        """The least score of a candidate that was compared, by how many fingers were."""
        return self._thresholds.of(fingers)

    async def rank(self, features: Mapping[FingerPosition, FingerFeatures], result: SearchResult) -> RankedResult:
        """Re-rank what a gallery found.

        Args:
            features: of the probe, by finger; empty: of a probe of which vectors alone are known.
            result: the gallery's, best first.

        Returns:
            All candidates. First those that were compared, by falling standing of the fused score, which is 1 at the
            threshold of as many fingers; then the others as they stood. A score depends on the two captures alone, and
            equal ones are ordered by subject id.
        """
        if not features or not self._pairs:
            return RankedResult(tuple(Ranked(item, item.score) for item in result.candidates), result, 0.0)
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._rank, features, result)

    def close(self) -> None:
        """Let running comparisons finish, and stop."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _rank(self, features: Mapping[FingerPosition, FingerFeatures], result: SearchResult) -> RankedResult:
        begun = time.perf_counter()
        longest = short_list(self._pairs, len(features))
        listed = [(item, unpack_capture(item.features)) for item in result.candidates[:longest]]
        comparable = [(item, held) for item, held in listed if features.keys() & held.keys()]
        matches = match_capture(features, [held for _, held in comparable])
        compared = [
            Ranked(item, fused_capture_score(found, _vector_scores(item)), found)
            for (item, _), found in zip(comparable, matches, strict=True)
        ]
        done = {item.candidate.encounter_id for item in compared}
        rest = [Ranked(item, item.score) for item in result.candidates if item.encounter_id not in done]
        standing = self._yardstick.standing
        ordered = sorted(compared, key=lambda item: (-standing(item.score, item.fingers), item.candidate.subject_id))
        return RankedResult((*ordered, *rest), result, time.perf_counter() - begun)


def _vector_scores(candidate: Candidate) -> dict[FingerPosition, float]:
    return {FingerPosition(finger.position): finger.score for finger in candidate.finger_scores}
