"""Slaps become fingers: the prints in an impression of four fingers, or of both thumbs, cut out and named."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Final

import numpy as np
from PIL import Image

from tenprint.fingerprint.errors import SlapError
from tenprint.fingerprint.fingertips import FingerBox, find_fingertips
from tenprint.fingerprint.image import WORKING_PPI, GreyImage
from tenprint.fingerprint.itl import Segment
from tenprint.fingerprint.positions import FingerPosition

_FIELD: Final = "image.data"
_MIN_SIDE: Final = 64  # of a finger's box, in pixels: MINDTCT's least
_MAX_PIXELS: Final = 16_000_000
_MAX_SEGMENTS: Final = 16
_MOST_OVERLAP: Final = 0.5  # of the smaller of two boxes of a record
_NEAREST, _FARTHEST = 0.6, 2.6  # distance of neighbouring fingers, in widths of a finger
_THUMBS_FARTHEST: Final = 6.0
_HIGHER: Final = 0.25  # widths by which an outer finger may rise over both inner ones
_NARROWER: Final = 2.0  # weight of how much narrower than the index the little finger is, against how much lower
_WRONG_HAND: Final = -0.4  # widths, of both together; 0.5 to 2.6 on five real slaps
_GAP_ELSEWHERE: Final = 1.4  # times the gap of a missing finger

_HANDS: Final[dict[FingerPosition, tuple[FingerPosition, ...]]] = {
    FingerPosition.PLAIN_RIGHT_FOUR: tuple(FingerPosition(code) for code in (2, 3, 4, 5)),
    FingerPosition.PLAIN_LEFT_FOUR: tuple(FingerPosition(code) for code in (10, 9, 8, 7)),
    FingerPosition.PLAIN_THUMBS: (FingerPosition.LEFT_THUMB, FingerPosition.RIGHT_THUMB),
}
"""The fingers of each slap from left to right as printed, palms down (the FBI's card FD-249 and its live-scan form)."""


@dataclass(frozen=True, slots=True, eq=False)
class SlapFinger:
    """One finger cut out of a slap.

    Attributes:
        position: which finger, FGP 1-10.
        image: its print at 500 ppi, turned upright where the slap is turned.
        box: where it lay in the slap.
    """

    position: FingerPosition
    image: GreyImage
    box: FingerBox


@dataclass(frozen=True, slots=True)
class RefusedFinger:
    """A finger of a slap that is named but cannot be used.

    Attributes:
        position: which finger, FGP 1-10.
        reason: why, for people; safe to show and to log.
    """

    position: FingerPosition
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class SlapSegmentation:
    """The fingers of one slap. Every finger of the slap that was not declared missing is in one of the two tuples.

    Attributes:
        fingers: those to use, in FGP order; at least one.
        refused: the others, in FGP order.
        angle: degrees the hand is turned, counter-clockwise as seen; 0 for boxes that came with the record.
    """

    fingers: tuple[SlapFinger, ...]
    refused: tuple[RefusedFinger, ...]
    angle: float


def fingers_of(position: FingerPosition) -> tuple[FingerPosition, ...]:
    """The fingers that a slap shows when none is missing, in FGP order.

    Raises:
        ValueError: for a position that is not a slap.
    """
    return tuple(sorted(_hand(position)))


def segment_slap(
    image: GreyImage,
    position: FingerPosition,
    *,
    missing: frozenset[FingerPosition] = frozenset(),
    segments: Sequence[Segment] = (),
    segments_ppi: int = WORKING_PPI,
) -> SlapSegmentation:
    """Cut a slap into its fingers and name each.

    Boxes that came with the record (14.021) are used as they are, clamped to the image. Without them the fingertips
    are found by their ridges and named from left to right; as a wrong name is worse than none, that needs as many tips
    as fingers are expected, placed as those of this hand could be: it is never guessed which finger is absent.

    Args:
        image: the slap at 500 ppi.
        position: FGP 13, 14 or 15.
        missing: fingers known to be absent (2.084, 14.018, or the request's); those of other slaps are ignored.
        segments: the record's boxes, in pixels of the image as sent.
        segments_ppi: that image's resolution.

    Returns:
        The fingers, and those that are refused with the reason of each.

    Raises:
        SlapError: field ``image.data``: no finger of this slap can be used, and why.
        ValueError: for a position that is not a slap, or an image that is not at 500 ppi.
    """
    hand = _hand(position)
    if image.ppi != WORKING_PPI:
        raise ValueError(f"a slap at {image.ppi} ppi; they are cut at {WORKING_PPI} ppi only")
    if image.pixels.size > _MAX_PIXELS:
        raise SlapError(_FIELD, f"{image.pixels.size} pixels; a slap of at most {_MAX_PIXELS} is cut into fingers")
    expected = tuple(finger for finger in hand if finger not in missing)
    if not expected:
        raise SlapError(_FIELD, f"all fingers of the {position.label} are declared missing; send no image of them")
    if min(image.pixels.shape) < _MIN_SIDE:
        raise SlapError(_FIELD, f"each side of a slap needs {_MIN_SIDE} pixels or more at 500 ppi")
    if segments:
        boxes, refused = _recorded(image, position, expected, segments, segments_ppi)
    else:
        found = find_fingertips(image)
        _check_count(position, expected, len(found))
        _check_hand(position, hand, dict(zip(expected, found, strict=True)))
        boxes, refused = dict(zip(expected, found, strict=True)), {}
    paper = int(np.percentile(image.pixels[::8, ::8], 90))
    fingers: list[SlapFinger] = []
    for finger in sorted(boxes):
        cut = _cut(image, boxes[finger], paper)
        if min(cut.pixels.shape) < _MIN_SIDE:
            refused[finger] = f"its box is smaller than {_MIN_SIDE} x {_MIN_SIDE} pixels at 500 ppi inside the image"
        else:
            fingers.append(SlapFinger(finger, cut, boxes[finger]))
    if not fingers:
        told = "; ".join(f"finger {int(finger)}: {reason}" for finger, reason in sorted(refused.items()))
        raise SlapError(_FIELD, f"no finger of this slap can be used: {told}")
    return SlapSegmentation(
        tuple(fingers),
        tuple(RefusedFinger(finger, refused[finger]) for finger in sorted(refused)),
        fingers[0].box.angle,
    )


def _hand(position: FingerPosition) -> tuple[FingerPosition, ...]:
    if position not in _HANDS:
        raise ValueError(f"position {int(position)} ({position.label}) is not a slap: 13, 14 and 15 are")
    return _HANDS[position]


def _check_count(position: FingerPosition, expected: Sequence[FingerPosition], found: int) -> None:
    if found == len(expected):
        return
    shown = f"{found} fingertips are found, but {len(expected)} fingers are expected in the {position.label}"
    if found == 0:
        raise SlapError(_FIELD, f"no fingertip is found in the {position.label}")
    if found < len(expected):
        raise SlapError(
            _FIELD, f"{shown}: which are absent is not guessed; declare missing fingers, or send single ones"
        )
    raise SlapError(_FIELD, f"{shown}: which are meant is not guessed; send the fingers one by one")


def _check_hand(
    position: FingerPosition, hand: Sequence[FingerPosition], boxes: dict[FingerPosition, FingerBox]
) -> None:
    """That tips named from left to right could be this hand's.

    Raises:
        SlapError: they could not.
    """
    unit = float(np.median([box.width for box in boxes.values()]))
    place = {finger: hand.index(finger) for finger in boxes}
    gaps = {(one, other): (boxes[other].across - boxes[one].across) / unit for one, other in pairwise(boxes)}
    farthest = _THUMBS_FARTHEST if position is FingerPosition.PLAIN_THUMBS else _FARTHEST
    if any(not _NEAREST <= gap <= farthest * (place[other] - place[one]) for (one, other), gap in gaps.items()):
        raise SlapError(_FIELD, f"the fingertips found do not lie side by side as in the {position.label}")
    if position is FingerPosition.PLAIN_THUMBS:
        return
    across_missing = [gap for (one, other), gap in gaps.items() if place[other] - place[one] > 1]
    if any(gap > _GAP_ELSEWHERE * least for least in across_missing for gap in gaps.values()):
        raise SlapError(_FIELD, "the gap between the fingertips found is not where the missing finger is declared")
    tops = {finger: box.top / unit for finger, box in boxes.items()}
    little, index = (max(hand), min(hand))
    if len(boxes) == len(hand):
        inner = min(tops[hand[1]], tops[hand[2]])
        if min(tops[little], tops[index]) < inner - _HIGHER:
            raise SlapError(_FIELD, f"the fingertips found do not form the arc of the {position.label}")
    if little not in boxes or index not in boxes:
        return
    narrower = (boxes[index].width - boxes[little].width) / unit
    if tops[little] - tops[index] + _NARROWER * narrower < _WRONG_HAND:
        other = {FingerPosition.PLAIN_RIGHT_FOUR: "left", FingerPosition.PLAIN_LEFT_FOUR: "right"}[position]
        raise SlapError(_FIELD, f"sent as {position.label}, but the fingertips lie as those of a {other} hand")


def _recorded(
    image: GreyImage,
    position: FingerPosition,
    expected: Sequence[FingerPosition],
    segments: Sequence[Segment],
    ppi: int,
) -> tuple[dict[FingerPosition, FingerBox], dict[FingerPosition, str]]:
    """The record's boxes at 500 ppi and inside the image; and why fingers are refused.

    Raises:
        SlapError: the boxes contradict the slap.
    """
    if len(segments) > _MAX_SEGMENTS:
        raise SlapError(_FIELD, f"{len(segments)} boxes (14.021) for one slap; at most {_MAX_SEGMENTS} are read")
    if ppi <= 0:
        raise SlapError(_FIELD, "the record gives boxes (14.021) but no resolution to read them by")
    height, width = image.pixels.shape
    # An image within 1 % of 500 ppi has not been resampled (tenprint.fingerprint.image).
    scale = 1.0 if abs(ppi - WORKING_PPI) <= 0.01 * WORKING_PPI else WORKING_PPI / ppi
    boxes: dict[FingerPosition, FingerBox] = {}
    refused: dict[FingerPosition, str] = {}
    for segment in segments:
        finger = segment.position
        if finger not in expected:
            told = "is declared missing" if finger in _HANDS[position] else f"is not of the {position.label}"
            raise SlapError(_FIELD, f"the record gives a box (14.021) for finger {int(finger)}, which {told}")
        if finger in boxes:
            raise SlapError(_FIELD, f"the record gives two boxes (14.021) for finger {int(finger)}")
        left, right = (min(max(edge * scale, 0.0), width) for edge in (segment.left, segment.right))
        top, bottom = (min(max(edge * scale, 0.0), height) for edge in (segment.top, segment.bottom))
        boxes[finger] = FingerBox((left + right) / 2.0, (top + bottom) / 2.0, right - left, bottom - top, 0.0)
    for one, other in combinations(boxes, 2):
        if _overlap(boxes[one], boxes[other]) > _MOST_OVERLAP:
            refused[one] = f"its box (14.021) overlaps that of finger {int(other)}"
            refused[other] = f"its box (14.021) overlaps that of finger {int(one)}"
    boxes = {finger: box for finger, box in boxes.items() if finger not in refused}
    ordered = [boxes[finger].center_x for finger in expected if finger in boxes]
    if ordered != sorted(ordered):
        raise SlapError(_FIELD, f"the record's boxes (14.021) are not in the order of the {position.label}")
    absent = (finger for finger in expected if finger not in boxes)
    return boxes, dict.fromkeys(absent, "the record gives no usable box (14.021) for it") | refused


def _overlap(one: FingerBox, other: FingerBox) -> float:
    """Share of the smaller of two upright boxes that the other covers; 1 for an empty one."""
    across = (one.width + other.width) / 2.0 - abs(one.center_x - other.center_x)
    along = (one.height + other.height) / 2.0 - abs(one.center_y - other.center_y)
    common = max(min(across, one.width, other.width), 0.0) * max(min(along, one.height, other.height), 0.0)
    smaller = min(one.width * one.height, other.width * other.height)
    return common / smaller if smaller else 0.0


def _cut(image: GreyImage, box: FingerBox, paper: int) -> GreyImage:
    """The pixels of a box, turned upright; what lies outside the image is paper."""
    if box.angle == 0.0:
        rows, columns = image.pixels.shape
        top, bottom = round(box.center_y - box.height / 2.0), round(box.center_y + box.height / 2.0)
        left, right = round(box.center_x - box.width / 2.0), round(box.center_x + box.width / 2.0)
        pixels = image.pixels[max(top, 0) : min(bottom, rows), max(left, 0) : min(right, columns)]
    else:
        cosine, sine = math.cos(math.radians(box.angle)), math.sin(math.radians(box.angle))
        width, height = math.ceil(box.width), math.ceil(box.height)
        # Output (x, y) from its centre goes to (x cos + y sin, y cos - x sin) from the box's centre.
        offset_x = box.center_x - (cosine * width + sine * height) / 2.0
        offset_y = box.center_y - (cosine * height - sine * width) / 2.0
        turned = Image.fromarray(image.pixels).transform(
            (width, height),
            Image.Transform.AFFINE,
            (cosine, sine, offset_x, -sine, cosine, offset_y),
            Image.Resampling.BICUBIC,
            fillcolor=paper,
        )
        pixels = np.asarray(turned)
    pixels = np.array(pixels, np.uint8, order="C")
    pixels.flags.writeable = False
    return GreyImage(pixels, image.ppi)
