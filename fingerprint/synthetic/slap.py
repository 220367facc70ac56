"""A slap: the fingers of one hand, or both thumbs, pressed at once, with true boxes around their tips."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from tenprint.fingerprint.fingertips import FingerBox
from tenprint.fingerprint.image import WORKING_PPI, GreyImage
from tenprint.fingerprint.positions import FingerPosition
from tenprint.fingerprint.slaps import fingers_of
from tenprint.fingerprint.synthetic.fields import smooth_noise
from tenprint.fingerprint.synthetic.impression import press
from tenprint.fingerprint.synthetic.ridges import MasterFinger

SLAP_SHAPE: Final = (1000, 1600)
"""Least (height, width) of a slap, in pixels at 500 ppi: 2 by 3.2 inches. A turned hand may take more."""

_MAX_TURN: Final = 45.0
_EDGE: Final = 70.0  # least distance of a fingertip from the image's edge
_PHALANX: Final = (400, 300)  # (height, width) of a middle phalanx's patch
_SKIN: Final = 0.12  # smoothed ink that counts as contact

_Field = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a finger lies in a right hand, in pixels from the hand's middle, x to the right and y down.

    Attributes:
        x: of the tip's centre.
        y: of the tip's centre.
        splay: degrees the finger leans, counter-clockwise.
        size: scale of the finger.
    """

    x: float
    y: float
    splay: float
    size: float


_FOUR: Final = (
    _Place(-535.0, 70.0, 5.0, 0.97),
    _Place(-180.0, -45.0, 1.0, 1.0),
    _Place(180.0, 0.0, -3.0, 0.97),
    _Place(520.0, 200.0, -8.0, 0.88),
)
"""Index to little finger, after the proportions of adult hands; a left hand is the mirror image."""
_THUMB: Final = _Place(330.0, 0.0, 6.0, 1.05)


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticSlap:
    """A slap and the truth about it.

    Attributes:
        image: the slap at 500 ppi.
        boxes: a box in the hand's frame around the contact area of each fingertip.
    """

    image: GreyImage
    boxes: dict[FingerPosition, FingerBox]


def press_slap(
    masters: Mapping[FingerPosition, MasterFinger], position: FingerPosition, seed: int, *, turn: float = 0.0
) -> SyntheticSlap:
    """Press several fingers at once; the same arguments give the same bytes on the same library versions.

    Each tip is a plain impression (:func:`press`); under it lies a fainter middle phalanx. Paper, grain, and on every
    other slap some strokes of a pen are the impression's.

    Args:
        masters: the fingers that touch, by FGP 1-10; those of the slap that are left out are missing.
        position: FGP 13, 14 or 15.
        seed: a non-negative integer; another seed is another impression.
        turn: degrees the hand is turned, counter-clockwise as seen, within [-45, 45].

    Returns:
        The slap, and the true boxes.

    Raises:
        ValueError: for no finger, one that is not of this slap, a position that is not a slap, or a turn outside.
    """
    strangers = set(masters) - set(fingers_of(position))
    if not masters or strangers:
        raise ValueError(f"fingers {sorted(map(int, masters))} for position {int(position)}: its own are wanted")
    if not abs(turn) <= _MAX_TURN:
        raise ValueError(f"turn is {turn}; degrees within [-{_MAX_TURN:.0f}, {_MAX_TURN:.0f}] are wanted")
    rng = np.random.default_rng(np.random.SeedSequence([seed, int(position)]))
    places = {finger: _jittered(_place(finger), rng) for finger in sorted(masters)}
    centres = {finger: _rotated(place.x, place.y, turn) for finger, place in places.items()}
    shape, origin = _canvas(list(centres.values()), rng)
    ink = np.zeros(shape, dtype=np.float32)
    boxes: dict[FingerPosition, FingerBox] = {}
    for finger, place in places.items():
        tip = _ink_of(press(masters[finger], seed, rolled=False))
        centre = (origin[0] + centres[finger][0], origin[1] + centres[finger][1])
        _lay(ink, tip, centre, turn + place.splay, place.size)
        boxes[finger], base = _true_box(tip, place, centre, turn)
        below = (base + rng.uniform(14.0, 34.0) + _PHALANX[0] / 2.0) * place.size
        down = _rotated(0.0, below, turn + place.splay)
        middle = np.float32(rng.uniform(0.25, 0.6)) * _phalanx(rng)
        _lay(ink, middle, (centre[0] + down[0], centre[1] + down[1]), turn + place.splay, place.size)
    if rng.random() < 0.5:
        ink = np.maximum(ink, _strokes(rng, shape))
    ground = rng.uniform(236.0, 250.0) + rng.uniform(1.0, 4.0) * smooth_noise(rng, shape, 90.0)
    grey = ground * (1.0 - ink) + np.float32(rng.uniform(1.5, 6.0)) * rng.standard_normal(shape, dtype=np.float32)
    return SyntheticSlap(GreyImage(np.clip(np.rint(grey), 0, 255).astype(np.uint8), WORKING_PPI), boxes)


def _place(finger: FingerPosition) -> _Place:
    """Where a finger lies; thumbs lie left and right with their tips towards each other."""
    if finger is FingerPosition.RIGHT_THUMB:
        return _THUMB
    right = _THUMB if finger is FingerPosition.LEFT_THUMB else _FOUR[(int(finger) - 2) % 5]
    return _Place(-right.x, right.y, -right.splay, right.size) if finger >= FingerPosition.LEFT_THUMB else right


def _jittered(place: _Place, rng: np.random.Generator) -> _Place:
    x, y, splay = rng.normal((place.x, place.y, place.splay), (8.0, 18.0, 1.5))
    return _Place(float(x), float(y), float(splay), place.size)


def _rotated(x: float, y: float, degrees: float) -> tuple[float, float]:
    """(x, y), y downwards, turned counter-clockwise as seen."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return cosine * x + sine * y, cosine * y - sine * x


def _canvas(
    centres: list[tuple[float, float]], rng: np.random.Generator
) -> tuple[tuple[int, int], tuple[float, float]]:
    """Shape of the image, and where in it (x, y) the hand's middle lies: the tips in the upper part."""
    reach = _EDGE + 210.0
    x, y = np.array(centres).T
    height = max(SLAP_SHAPE[0], math.ceil(np.ptp(y) + 2.0 * reach))
    width = max(SLAP_SHAPE[1], math.ceil(np.ptp(x) + 2.0 * reach))
    spare_x, spare_y = width - np.ptp(x) - 2.0 * reach, height - np.ptp(y) - 2.0 * reach
    left, top = reach + rng.uniform(0.0, 1.0) * spare_x, reach + rng.uniform(0.0, 0.5) * spare_y
    return (height, width), (float(left - x.min()), float(top - y.min()))


def _ink_of(image: GreyImage) -> _Field:
    """Share of light that the ink of an impression takes: 0 on paper."""
    paper = np.float32(np.percentile(image.pixels, 90))
    ink = np.float32(1.0) - (image.pixels + np.float32(8.0)) / paper
    return np.asarray(np.clip(ink, 0.0, 1.0), dtype=np.float32)


def _phalanx(rng: np.random.Generator) -> _Field:
    """The ink of a middle phalanx: ridges across the finger, uneven, in a rounded rectangle."""
    height, width = _PHALANX
    x = np.linspace(-1.0, 1.0, width, dtype=np.float32)[None, :]
    y = np.linspace(-1.0, 1.0, height, dtype=np.float32)[:, None]
    phase = np.arange(height, dtype=np.float32)[:, None] / np.float32(9.5) + smooth_noise(rng, _PHALANX, 45.0)
    ridges = np.sin(np.float32(2.0 * np.pi) * phase) + smooth_noise(rng, _PHALANX, 7.0)
    contact = np.float32(1.0) - (x / np.float32(0.85)) ** 4 - y**4 + np.float32(0.1) * smooth_noise(rng, _PHALANX, 30.0)
    return np.where(contact > 0.0, np.clip(ridges, 0.0, 1.0), np.float32(0.0)).astype(np.float32)


def _lay(ink: _Field, patch: _Field, centre: tuple[float, float], degrees: float, size: float) -> None:
    """Lay a patch, turned and scaled about its middle, on the ink; what falls outside is lost."""
    cosine, sine = math.cos(math.radians(degrees)) / size, math.sin(math.radians(degrees)) / size
    reach = math.ceil(size * math.hypot(*patch.shape) / 2.0)
    top, left = max(math.floor(centre[1]) - reach, 0), max(math.floor(centre[0]) - reach, 0)
    region = ink[top : max(math.ceil(centre[1]) + reach, 0), left : max(math.ceil(centre[0]) + reach, 0)]
    if region.size == 0:
        return
    matrix = np.array([[cosine, sine], [-sine, cosine]])  # (row, column) of the image to those of the patch
    middle = (np.array(patch.shape) - 1) / 2.0
    offset = middle + matrix @ np.array([top - centre[1], left - centre[0]])
    laid = ndimage.affine_transform(patch, matrix, offset, region.shape, order=1, cval=0.0)
    np.maximum(region, laid, out=region)


def _true_box(tip: _Field, place: _Place, centre: tuple[float, float], turn: float) -> tuple[FingerBox, float]:
    """The box around a tip's contact area in the hand's frame; and how far its lower end lies below its middle."""
    rows, columns = np.nonzero(ndimage.gaussian_filter(tip, 5.0)[::2, ::2] > _SKIN)
    down = 2.0 * rows - (tip.shape[0] - 1) / 2.0
    cosine, sine = math.cos(math.radians(place.splay)), math.sin(math.radians(place.splay))
    right = 2.0 * columns - (tip.shape[1] - 1) / 2.0
    across, along = place.size * (cosine * right + sine * down), place.size * (cosine * down - sine * right)
    middle = _rotated(float(across.min() + across.max()) / 2.0, float(along.min() + along.max()) / 2.0, turn)
    width, height = float(np.ptp(across)), float(np.ptp(along))
    return FingerBox(centre[0] + middle[0], centre[1] + middle[1], width, height, turn), float(down.max())


def _strokes(rng: np.random.Generator, shape: tuple[int, int]) -> _Field:
    """Ink of two to six strokes of a pen."""
    sheet = Image.new("L", (shape[1], shape[0]), 0)
    pen = ImageDraw.Draw(sheet)
    for _ in range(int(rng.integers(2, 7))):
        steps = rng.normal(0.0, 60.0, (8, 2)).cumsum(axis=0) + rng.uniform((0.0, 0.0), (shape[1], shape[0]))
        pen.line([(float(x), float(y)) for x, y in steps], fill=170, width=5, joint="curve")
    return np.asarray(sheet, dtype=np.float32) / np.float32(255.0)
