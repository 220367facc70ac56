"""The fingertips in an image of several fingers: how far the hand is turned, and a box around each distal phalanx."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy  # which loads its parts when they are used
from numpy.typing import NDArray

from tenprint.fingerprint.image import GreyImage
from tenprint.fingerprint.ridge_map import CELL, map_ridges

_NECKS: Final = (3, 4, 5, 6, 7, 8)  # cells: half the width of a joint between prints that come apart
_BULGE: Final = 1.25  # half the width of each, in those of the neck, at least
_LEAST_CELLS: Final = 60  # of a part: 6 mm x 6 mm
_MOST_PARTS: Final = 64
_LEAST_ELONGATION: Final = 1.15  # of the parts together, for their axis to mean anything
_LEAST_ELONGATION_CUT: Final = 1.5  # where the edge of the image cuts all of them
_MOST_TURN: Final = 50.0  # degrees: a part that lies flatter is a piece of a finger, and says nothing of its axis
_UPRIGHT: Final = 4.0  # degrees: a hand turned less is left as it is, pixel for pixel
_LEAST_WIDTH: Final = 0.66  # of the middle width of the tips; less at the image's edge is a neighbouring print
_LEAST_AREA: Final = 0.25  # of their middle area
_WIDEST: Final = 750.0  # pixels, 38 mm: what is wider is no finger
_SHORTEST, _SHORTEST_CLIPPED, _LONGEST = 0.65, 0.35, 1.75  # distal phalanx, in widths of the finger
_CREASE: Final = 0.3  # how much lighter than both sides the crease at the joint is, as a share
_SLANTS: Final = (-0.3, -0.15, 0.0, 0.15, 0.3)  # slopes that a crease may have across a finger

_Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FingerBox:
    """A box around one fingertip, upright in the frame of the hand, in pixels at 500 ppi of the whole image.

    Attributes:
        center_x: of its centre, from the image's left edge.
        center_y: from the image's top edge, growing downwards.
        width: across the finger.
        height: along the finger.
        angle: degrees in (-90, 90] that the hand is turned from fingers up, counter-clockwise as seen.
    """

    center_x: float
    center_y: float
    width: float
    height: float
    angle: float

    @property
    def across(self) -> float:
        """Place of the centre from left to right in the hand's frame, in pixels."""
        return float(_turned(np.array([[self.center_x, self.center_y]]), self.angle)[0, 0])

    @property
    def top(self) -> float:
        """Place of the upper edge from top to bottom in the hand's frame, in pixels."""
        return float(_turned(np.array([[self.center_x, self.center_y]]), self.angle)[0, 1]) - self.height / 2.0


def find_fingertips(image: GreyImage) -> tuple[FingerBox, ...]:
    """Find the fingertips of a hand, or of two thumbs, whose fingers point up to within 45 degrees.

    The map of ridges falls into parts, the phalanges; the principal axis of all parts' scatter about their own centres
    is the fingers' common direction. A part with no other above it in that direction is, or begins with, a fingertip.
    It ends at the crease of the joint: where ridges are lightest between 0.65 and 1.75 of the finger's width from the
    tip, if markedly so; else at 1.75, or where the part ends.

    Args:
        image: at 500 ppi.

    Returns:
        A box for each tip from left to right, all with one angle; 0 where the hand is upright within 4 degrees. Empty
        where the image shows no ridges of a finger's extent.
    """
    ridge_map = map_ridges(image)
    parts = _parts(ridge_map.ridges)
    height, width = image.pixels.shape
    whole = [part for part in parts if _is_whole(part, width, height)]
    angle = _common_turn(whole, _LEAST_ELONGATION) if whole else _common_turn(parts, _LEAST_ELONGATION_CUT)
    upright = [_turned(part, angle) for part in parts]
    tips: list[_Tip] = []
    for cells, part in zip(parts, upright, strict=True):
        if any(_is_under(part, other) for other in upright if other is not part):
            continue
        box, count = _tip_box(part, angle, ridge_map.half, clipped=bool((cells[:, 1] < CELL).any()))
        at_edge = bool((cells[:, 0] < CELL).any() or (cells[:, 0] > width - 1.5 * CELL).any())
        tips.append(_Tip(box, count, at_edge))
    return tuple(sorted((tip.box for tip in _plausible(tips)), key=lambda box: box.across))


@dataclass(frozen=True, slots=True)
class _Tip:
    """A fingertip: its box, how many cells it covers, whether it touches the image's left or right edge."""

    box: FingerBox
    cells: int
    at_edge: bool


def _plausible(tips: Sequence[_Tip]) -> list[_Tip]:
    """Those of a finger's size, measured by the others."""
    tips = [tip for tip in tips if tip.box.width <= _WIDEST]
    if not tips:
        return []
    width = float(np.median([tip.box.width for tip in tips]))
    cells = float(np.median([tip.cells for tip in tips]))
    return [
        tip
        for tip in tips
        if tip.cells >= _LEAST_AREA * cells and not (tip.at_edge and tip.box.width < _LEAST_WIDTH * width)
    ]


def _turned(points: _Points, angle: float) -> _Points:
    """Image coordinates (x, y) [n, 2] in the frame of a hand turned by `angle`, and back with `-angle`."""
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return np.asarray(points @ np.array([[cosine, sine], [-sine, cosine]]), dtype=np.float64)


def _parts(ridges: NDArray[np.bool_]) -> list[_Points]:
    """The connected prints, taken apart at their necks: centres (x, y) of each one's cells, in pixels."""
    distance = scipy.ndimage.distance_transform_edt(np.pad(ridges, 1))[1:-1, 1:-1]
    seeds = _seeds(distance)
    # Opened by a disc a little smaller than the narrowest neck's: pen strokes and type that touch a print fall off.
    body = ridges & (scipy.ndimage.distance_transform_edt(distance <= _NECKS[0]) <= _NECKS[0] + 1)
    nearest = scipy.ndimage.distance_transform_edt(seeds == 0, return_distances=False, return_indices=True)
    labels = np.where(body, seeds[tuple(nearest)], 0)
    sizes = np.bincount(labels.ravel())[1:]
    largest = np.argsort(-sizes, kind="stable")[:_MOST_PARTS]
    return [
        np.argwhere(labels == label + 1)[:, ::-1].astype(np.float64) * CELL
        for label in largest
        if sizes[label] >= _LEAST_CELLS
    ]


def _seeds(distance: NDArray[np.float64]) -> NDArray[np.int32]:
    """Labels of the prints' inner cells: worn away step by step, whatever falls into several pieces is several."""
    seeds, count = scipy.ndimage.label(distance > _NECKS[0])
    for neck in _NECKS[1:]:
        pieces, pieces_count = scipy.ndimage.label(distance > neck)
        peaks = scipy.ndimage.maximum(distance, pieces, np.arange(pieces_count + 1))
        parent = np.zeros(pieces_count + 1, dtype=np.intp)
        parent[pieces[pieces > 0]] = seeds[pieces > 0]
        children = [piece for piece in range(1, pieces_count + 1) if peaks[piece] >= _BULGE * neck]
        broken = np.bincount(parent[children], minlength=count + 1) > 1
        if broken.any():
            split = np.isin(pieces, [piece for piece in children if broken[parent[piece]]])
            seeds, count = scipy.ndimage.label(np.where(broken[seeds], split, seeds > 0))
    return np.asarray(seeds, dtype=np.int32)


def _is_whole(part: _Points, width: int, height: int) -> bool:
    """Whether a part keeps off the image's edge: what the edge cuts has an axis of the edge's making."""
    last = np.array([width, height]) - 1.5 * CELL
    return bool((part >= CELL).all() and (part <= last).all())


def _common_turn(parts: Sequence[_Points], least_elongation: float) -> float:
    """Degrees that the common direction of parts is turned counter-clockwise; 0 where they show none, or too little."""
    scatters = [np.cov(part.T, bias=True) * len(part) for part in parts]
    scatter = sum((each for each in scatters if abs(_axis(each)) <= _MOST_TURN), np.zeros((2, 2)))
    least, greatest = np.linalg.eigvalsh(scatter)
    if greatest <= least_elongation**2 * least:
        return 0.0
    angle = _axis(scatter)
    return 0.0 if abs(angle) < _UPRIGHT else angle


def _axis(scatter: NDArray[np.float64]) -> float:
    """Degrees in (-90, 90] that the principal axis of a scatter of (x, y) is turned from upright."""
    return math.degrees(0.5 * math.atan2(2.0 * scatter[0, 1], scatter[1, 1] - scatter[0, 0]))


def _is_under(part: _Points, other: _Points) -> bool:
    """Whether a part continues another one downwards."""
    centre, other_centre = part.mean(axis=0), other.mean(axis=0)
    reach = 0.5 * max(np.ptp(part[:, 0]), np.ptp(other[:, 0]))
    return bool(abs(centre[0] - other_centre[0]) < reach and centre[1] > other_centre[1])


def _tip_box(part: _Points, angle: float, half: NDArray[np.float32], *, clipped: bool) -> tuple[FingerBox, int]:
    """The box around the uppermost phalanx of a part given in the hand's frame, and how many of its cells it holds."""
    top = float(part[:, 1].min())
    width = _width(part, top)
    end = _joint(part, top, width, angle, half, clipped=clipped)
    tip = part[part[:, 1] <= end]
    # A cell's window reaches 16 pixels beyond its centre: the outermost cells' centres lie about that far off the skin.
    left, right = (float(edge) for edge in np.percentile(tip[:, 0], (0.5, 99.5)))
    lower = min(float(tip[:, 1].max()), end)
    centre = _turned(np.array([[(left + right) / 2.0, (top + lower) / 2.0]]), -angle)[0]
    return FingerBox(float(centre[0]), float(centre[1]), right - left, lower - top, angle), len(tip)


def _width(part: _Points, top: float) -> float:
    """Width of the finger in pixels: its upper 20 mm, row by row."""
    rows = np.floor((part[:, 1] - top) / CELL).astype(np.intp)
    extents = [np.ptp(part[rows == row, 0]) + CELL for row in np.unique(rows[rows * CELL < 400])]
    return float(np.percentile(extents, 75))


def _joint(part: _Points, top: float, width: float, angle: float, half: NDArray[np.float32], *, clipped: bool) -> float:
    """Where along the finger the distal phalanx ends, in the hand's frame."""
    last = min(top + _LONGEST * width, float(part[:, 1].max()) + CELL / 2)
    first = top + (_SHORTEST_CLIPPED if clipped else _SHORTEST) * width
    steps = np.arange(top, min(last + 0.4 * width, float(part[:, 1].max())), 2.0)
    near = part[np.abs(part[:, 1] - (first + last) / 2.0) < 0.3 * width]
    if len(near) == 0 or len(steps) < 3:
        return last
    sideways = np.arange(-0.3 * width, 0.3 * width, 4.0)
    best, end = _CREASE, last
    for slant in _SLANTS:
        across = np.broadcast_to(float(near[:, 0].mean()) + sideways, (len(steps), len(sideways)))
        along = steps[:, None] + slant * sideways
        x, y = _turned(np.stack([across.ravel(), along.ravel()], axis=1), -angle).T
        grey = scipy.ndimage.map_coordinates(half, (y / 2.0, x / 2.0), order=1, mode="nearest").reshape(along.shape)
        ink = scipy.ndimage.gaussian_filter1d(np.percentile(grey, 95) - grey.mean(axis=1), 4.0)
        reach = max(int(0.35 * width / 2.0), 1)
        above = scipy.ndimage.maximum_filter1d(ink, reach, origin=(reach - 1) // 2)
        below = scipy.ndimage.maximum_filter1d(ink, reach, origin=-((reach - 1) // 2))
        depth = 1.0 - ink / np.maximum(np.minimum(above, below), 1.0)
        depth[(steps < first) | (steps > last)] = 0.0
        if depth.max() > best:
            best, end = float(depth.max()), float(steps[depth.argmax()])
    return end
