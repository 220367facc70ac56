"""Rolled fingers held against the slaps of the same card: swapped fingers, one rolled twice, the wrong hand.

Who files a card rolls ten fingers one after the other, and one slip makes two of them somebody else's for every later
search. The slaps and plain thumbs of the same card tell: there the hand itself keeps the order. What is weak evidence
is none: a fault is claimed only where a rolled print clearly matches another finger's plain print and not its own, and
what could not be told is listed.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tenprint.fingerprint.embedding import Embedder
from tenprint.fingerprint.errors import ImageError, NoPrintError, SlapError
from tenprint.fingerprint.features import DescriptorAxes, FingerFeatures
from tenprint.fingerprint.image import GreyImage
from tenprint.fingerprint.itl import Impression
from tenprint.fingerprint.matching import match
from tenprint.fingerprint.mindtct import MindtctExtractor
from tenprint.fingerprint.positions import FINGERS, FingerPosition
from tenprint.fingerprint.slaps import segment_slap

CLEAR_SCORE: Final = 0.30
"""Least score (:mod:`tenprint.fingerprint.matching`) of a clear match."""
CLEAR_RATIO: Final = 1.5
"""Least ratio of a clear match's score to those of the same prints with others."""
_LEFT_HAND: Final = FingerPosition.LEFT_THUMB


class FaultKind(StrEnum):
    """What a rolled print of another finger means."""

    SWAPPED = "swapped"
    """Two fingers of one hand lie in each other's place."""
    DOUBLED = "doubled"
    """One finger lies in its own place and in this one too."""
    WRONG_HAND = "wrong_hand"
    """It is a finger of the other hand."""
    MISPLACED = "misplaced"
    """It is another finger of the same hand, whose own place shows neither."""


@dataclass(frozen=True, slots=True)
class SequenceFault:
    """A rolled print that is not of the finger that it is filed as.

    Attributes:
        kind: what that means.
        filed_as: the finger that the card says it is.
        shows: the finger whose plain print it matches.
        score: of that match, 0 to 1.
    """

    kind: FaultKind
    filed_as: FingerPosition
    shows: FingerPosition
    score: float

    def __str__(self) -> str:
        return (
            f"{self.kind.value.replace('_', ' ')}: the rolled print filed as {self.filed_as.label} "
            f"matches the plain {self.shows.label}"
        )


@dataclass(frozen=True, slots=True)
class UncheckedFinger:
    """A rolled print of which nothing can be said, and why; safe to show."""

    position: FingerPosition
    reason: str


@dataclass(frozen=True, slots=True)
class SequenceReport:
    """What the slaps say of the rolled prints. Every rolled print is in one of the three.

    Attributes:
        faults: in FGP order.
        confirmed: rolled prints that clearly match their own plain print, in FGP order.
        unchecked: the others, in FGP order.
    """

    faults: tuple[SequenceFault, ...]
    confirmed: tuple[FingerPosition, ...]
    unchecked: tuple[UncheckedFinger, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Prints:
    """What is compared of a card.

    Attributes:
        rolled: by the finger that each is filed as; None: its image cannot be read, or shows no print.
        plain: by the finger that each slap or plain thumb shows.
    """

    rolled: Mapping[FingerPosition, FingerFeatures | None]
    plain: Mapping[FingerPosition, FingerFeatures]


def sequence_faults(
    impressions: Iterable[Impression], missing: Collection[FingerPosition] = frozenset()
) -> SequenceReport:
    """Hold a card's rolled fingers (1 to 10) against its plain thumbs (11, 12, 15) and slaps (13, 14).

    Images that cannot be decoded, slaps that cannot be cut and prints without minutiae are left out, and what they
    would have told is unchecked. Takes seconds of one core for a card of fourteen images: not for an event loop.

    Args:
        impressions: of one card, in any order; of several of one position the first counts.
        missing: fingers that the card declares absent.
    """
    return compare_prints(read_prints(impressions, missing))


def read_prints(impressions: Iterable[Impression], missing: Collection[FingerPosition] = frozenset()) -> Prints:
    """The first half of :func:`sequence_faults`, nearly all of its work: decode, cut, find minutiae."""
    rolled: dict[FingerPosition, FingerFeatures | None] = {}
    plain: dict[FingerPosition, FingerFeatures] = {}
    for impression in impressions:
        position = impression.position
        if position in FINGERS and impression.rolled and position not in rolled:
            rolled[position] = _features(impression)
        elif position > FINGERS[-1]:
            for finger, image in _plain_fingers(impression, frozenset(missing)).items():
                found = None if finger in plain else _features_of(image)
                if found is not None:
                    plain[finger] = found
    return Prints(rolled, plain)


def compare_prints(prints: Prints) -> SequenceReport:
    """The second half of :func:`sequence_faults`: compare every rolled with every plain finger."""
    readable = {finger: found for finger, found in sorted(prints.rolled.items()) if found is not None}
    rows, columns = list(readable), sorted(prints.plain)
    scores = _scores(list(readable.values()), [prints.plain[finger] for finger in columns])
    shows = _clear_matches(rows, columns, scores)
    faults: list[SequenceFault] = []
    confirmed: list[FingerPosition] = []
    unchecked: list[UncheckedFinger] = []
    for finger in sorted(prints.rolled):
        if finger not in shows:
            unchecked.append(UncheckedFinger(finger, _why_not(finger, prints)))
        elif shows[finger][0] is finger:
            confirmed.append(finger)
        else:
            other, score = shows[finger]
            there = shows[other][0] if other in shows else None
            faults.append(SequenceFault(_kind(finger, other, there), finger, other, score))
    return SequenceReport(tuple(faults), tuple(confirmed), tuple(unchecked))


def _why_not(finger: FingerPosition, prints: Prints) -> str:
    if prints.rolled[finger] is None:
        return "its image cannot be read, or shows no print"
    if finger not in prints.plain:
        return "the card has no usable plain print of this finger, and it clearly matches no other"
    return "it clearly matches no plain print of the card"


def _clear_matches(
    rows: Sequence[FingerPosition], columns: Sequence[FingerPosition], scores: NDArray[np.float64]
) -> dict[FingerPosition, tuple[FingerPosition, float]]:
    """The plain finger that each rolled print clearly shows, and the score; without those that show none.

    Clear is a score that is high, and well above those of this rolled print with every other plain finger. Where it is
    not the finger that it is filed as, it must also be well above those of every other rolled print with that plain
    finger, but for the one filed as it, which shows it too where a finger was rolled twice.
    """
    found = {}
    for row, finger in enumerate(rows):
        if not columns:
            break
        best = int(np.argmax(scores[row]))
        score = float(scores[row, best])
        others = [*np.delete(scores[row], best)]
        if columns[best] is not finger:
            others += [scores[place, best] for place, other in enumerate(rows) if other not in (finger, columns[best])]
        if score >= CLEAR_SCORE and score >= CLEAR_RATIO * max(others, default=0.0):
            found[finger] = (columns[best], score)
    return found


def _kind(filed_as: FingerPosition, shows: FingerPosition, there: FingerPosition | None) -> FaultKind:
    """What a fault means, where `there` is what the print filed as the shown finger shows."""
    if (filed_as >= _LEFT_HAND) != (shows >= _LEFT_HAND):
        return FaultKind.WRONG_HAND
    if there is filed_as:
        return FaultKind.SWAPPED
    return FaultKind.DOUBLED if there is shows else FaultKind.MISPLACED


def _scores(rolled: Sequence[FingerFeatures], plain: Sequence[FingerFeatures]) -> NDArray[np.float64]:
    """Of every rolled with every plain finger, float64 [rolled, plain]."""
    scores = [[result.score for result in match(finger, plain)] for finger in rolled]
    return np.array(scores, np.float64).reshape(len(rolled), len(plain))


def _plain_fingers(impression: Impression, missing: frozenset[FingerPosition]) -> dict[FingerPosition, GreyImage]:
    try:
        image = impression.decode()
        if not impression.position.is_slap:
            return {impression.position.finger: image}
        cut = segment_slap(
            image,
            impression.position,
            missing=missing,
            segments=impression.segments,
            segments_ppi=impression.ppi,
        )
    except (ImageError, SlapError):  # what it would have told is unchecked, and the report says so
        return {}
    return {finger.position: finger.image for finger in cut.fingers}


def _features(impression: Impression) -> FingerFeatures | None:
    try:
        return _features_of(impression.decode())
    except ImageError:
        return None


def _features_of(image: GreyImage) -> FingerFeatures | None:
    extractor, embedder, axes = _tools()
    try:
        minutiae = extractor.extract(image)
        return FingerFeatures.of(minutiae, embedder.embed([minutiae])[0], axes)
    except (ImageError, NoPrintError):
        return None


@cache
def _tools() -> tuple[MindtctExtractor, Embedder, DescriptorAxes]:
    return MindtctExtractor(), Embedder(), DescriptorAxes()
