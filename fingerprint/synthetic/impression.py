"""One impression of a master finger, as a live scanner or an inked card would show it."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tenprint.fingerprint.image import WORKING_PPI, GreyImage
from tenprint.fingerprint.synthetic.fields import smooth_noise
from tenprint.fingerprint.synthetic.ridges import MASTER_SHAPE, MasterFinger

ROLLED_SHAPE: Final = (680, 640)
"""(height, width) of a rolled impression, in pixels at 500 ppi; NFIQ 2 takes at most 799 pixels of width."""
PLAIN_SHAPE: Final = (480, 400)
"""(height, width) of a plain impression, in pixels at 500 ppi."""

_PORES: Final = 5000  # candidate places on a finger; about a fifth lie on the middle of a ridge and become pores


@dataclass(frozen=True, slots=True)
class _Capture:
    """What differs between rolled and plain capture; lengths in pixels at 500 ppi, angles in radians.

    Attributes:
        shape: (height, width) of the image.
        half_width: range of half the width of the contact area.
        half_height: range of half its height.
        squareness: exponent of the superellipse that bounds it: 2 is an ellipse.
        turn: standard deviation of the rotation.
        shift: standard deviation of the finger's place under the contact area, and of the area in the image.
        stretch: standard deviation of the smooth plastic distortion.
    """

    shape: tuple[int, int]
    half_width: tuple[float, float]
    half_height: tuple[float, float]
    squareness: float
    turn: float
    shift: float
    stretch: float


_ROLLED: Final = _Capture(ROLLED_SHAPE, (228.0, 262.0), (255.0, 288.0), 3.5, 0.06, 9.0, 2.2)
_PLAIN: Final = _Capture(PLAIN_SHAPE, (138.0, 165.0), (180.0, 208.0), 2.3, 0.10, 10.0, 1.8)

_Field = NDArray[np.float32]


def press(master: MasterFinger, seed: int, *, rolled: bool, carelessness: float = 1.0) -> GreyImage:
    """Take an impression of a finger; the same finger, seed and kind give the same bytes on the same library versions.

    The steps are SFinGe's (Maltoni, Maio, Jain, Prabhakar, *Handbook of Fingerprint Recognition*, chapter 6): contact
    area, pressure and moisture (thickness of the ridges), plastic distortion, rotation and shift, pores and creases
    (the finger's own), grain, blotches, scratches and background (the impression's).

    Args:
        master: the finger.
        seed: a non-negative integer; another seed is another impression.
        rolled: whether the finger was rolled from nail to nail (:data:`ROLLED_SHAPE`) or laid flat
            (:data:`PLAIN_SHAPE`).
        carelessness: scales how far the finger is turned, shifted and stretched, and how much too wet or too dry it is;
            1 is a capture under supervision.

    Returns:
        The image at 500 ppi, dark ridges on a light ground.
    """
    rng, capture = _capture(master.seed, seed, rolled=rolled, carelessness=carelessness)
    area_x, area_y, finger_x, finger_y = _placement(rng, capture)
    contact = _contact(rng, capture, area_x, area_y)
    skin = _skin(master, opened=rng.uniform(0.3, 0.8), rng=rng)
    rows, columns = (MASTER_SHAPE[0] - 1) / 2.0 - finger_y, finger_x + (MASTER_SHAPE[1] - 1) / 2.0
    ridges = ndimage.map_coordinates(skin, (rows, columns), order=1, output=np.float32, mode="nearest")
    ridges += _creases(np.random.default_rng(np.random.SeedSequence([master.seed])), finger_x, finger_y, 0.6)

    moisture = carelessness * (rng.normal(0.0, 0.16) + 0.14 * smooth_noise(rng, capture.shape, 45.0))
    grain = ndimage.uniform_filter(rng.standard_normal(capture.shape, dtype=np.float32), 3) * np.float32(3.0)
    dry = rng.normal(-1.4, 0.22 * carelessness)
    dryness = np.exp(dry + 0.3 * carelessness * smooth_noise(rng, capture.shape, 60.0))
    touch = np.clip(3.0 * contact, -6.0, 0.9) - 0.9
    depth = 1.2 * ridges + moisture + dryness * grain + touch
    depth += _creases(rng, area_x, area_y, 0.25)
    ink = 1.0 / (1.0 + np.exp(-np.clip(4.5 * depth, -30.0, 30.0)))
    ink *= 0.86 + 0.06 * smooth_noise(rng, capture.shape, 30.0)

    ground = rng.uniform(236.0, 250.0) + 2.5 * smooth_noise(rng, capture.shape, 70.0)
    image = ground - rng.uniform(165.0, 205.0) * ink
    image = ndimage.gaussian_filter(image.astype(np.float32), rng.uniform(0.55, 0.8), truncate=3.0)
    image += np.float32(rng.uniform(2.0, 4.5)) * rng.standard_normal(capture.shape, dtype=np.float32)
    return GreyImage(np.ascontiguousarray(np.clip(np.rint(image), 0, 255).astype(np.uint8)), WORKING_PPI)


def places_on_finger(finger_seed: int, seed: int, *, rolled: bool, carelessness: float = 1.0) -> NDArray[np.float32]:
    """Where on the finger each pixel of an impression lies: what two impressions show of one place can be told apart.

    Args:
        finger_seed: what the finger was grown from.
        seed: of the impression, and so on as for `press`.
        rolled: as for `press`.
        carelessness: as for `press`.

    Returns:
        float32 [height, width, 2]: pixels at 500 ppi from the finger's centre, x to the right, y upwards.
    """
    _, _, finger_x, finger_y = _placement(*_capture(finger_seed, seed, rolled=rolled, carelessness=carelessness))
    return np.stack([finger_x, finger_y], axis=-1)


def _capture(finger_seed: int, seed: int, *, rolled: bool, carelessness: float) -> tuple[np.random.Generator, _Capture]:
    """What an impression is drawn from, and how it is captured."""
    rng = np.random.default_rng(np.random.SeedSequence([finger_seed, seed, int(rolled)]))
    capture = _ROLLED if rolled else _PLAIN
    return rng, replace(
        capture,
        turn=capture.turn * carelessness,
        shift=capture.shift * carelessness,
        stretch=capture.stretch * carelessness,
    )


def _placement(rng: np.random.Generator, capture: _Capture) -> tuple[_Field, _Field, _Field, _Field]:
    """Coordinates of every pixel, y upwards: (x, y) from the centre of the contact area, (x, y) from the finger's."""
    height, width = capture.shape
    shift = rng.normal(0.0, capture.shift, 4).astype(np.float32)
    shift = np.clip(shift, -2.0 * capture.shift, 2.0 * capture.shift)
    area_x = (np.arange(width, dtype=np.float32) - np.float32((width - 1) / 2.0) - shift[0])[None, :]
    area_y = (np.float32((height - 1) / 2.0) - np.arange(height, dtype=np.float32) - shift[1])[:, None]
    turn = rng.normal(0.0, capture.turn)
    scale = 1.0 + rng.normal(0.0, 0.012, 2)
    cosine, sine = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    finger_x = np.float32(scale[0]) * (cosine * area_x - sine * area_y) + shift[2]
    finger_y = np.float32(scale[1]) * (sine * area_x + cosine * area_y) + shift[3]
    finger_x += np.float32(capture.stretch) * smooth_noise(rng, capture.shape, 120.0)
    finger_y += np.float32(capture.stretch) * smooth_noise(rng, capture.shape, 120.0)
    return area_x, area_y, finger_x, finger_y


def _contact(rng: np.random.Generator, capture: _Capture, area_x: _Field, area_y: _Field) -> _Field:
    """How firmly the skin touches: 1 at the centre of the contact area, 0 at its edge, negative outside."""
    half_width, half_height = rng.uniform(*capture.half_width), rng.uniform(*capture.half_height)
    power = np.float32(capture.squareness)
    radius = np.abs(area_x / np.float32(half_width)) ** power + np.abs(area_y / np.float32(half_height)) ** power
    firm: _Field = np.float32(1.0) - radius + np.float32(0.09) * smooth_noise(rng, capture.shape, 28.0)
    return firm


def _skin(master: MasterFinger, *, opened: float, rng: np.random.Generator) -> _Field:
    """The finger's ridges with that share of its pores open, each a pit of one pixel on the middle of a ridge."""
    own = np.random.default_rng(np.random.SeedSequence([master.seed, 1]))
    rows = own.integers(0, MASTER_SHAPE[0], _PORES)
    columns = own.integers(0, MASTER_SHAPE[1], _PORES)
    pore = (master.ridges[rows, columns] > 0.9) & (rng.random(_PORES) < opened)
    skin = master.ridges.copy()
    skin[rows[pore], columns[pore]] = -0.5
    return skin


def _creases(rng: np.random.Generator, x: _Field, y: _Field, mean: float) -> _Field:
    """Depth to add for a Poisson number of thin, light, slightly bowed lines across the plane of ``x`` and ``y``."""
    lines = np.zeros(np.broadcast_shapes(x.shape, y.shape), dtype=np.float32)
    for _ in range(min(int(rng.poisson(mean)), 3)):
        angle, width = rng.uniform(0.0, np.pi), rng.uniform(0.9, 1.6)
        offset_x, offset_y = rng.uniform(-150.0, 150.0, 2)
        length, bow = rng.uniform(25.0, 110.0), rng.normal(0.0, 0.0006)
        cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        along = cosine * (x - np.float32(offset_x)) + sine * (y - np.float32(offset_y))
        across = cosine * (y - np.float32(offset_y)) - sine * (x - np.float32(offset_x))
        across -= np.float32(bow) * along**2
        faded = np.exp(np.clip(-((across / np.float32(width)) ** 2) - (along / np.float32(length)) ** 4, -30.0, 0.0))
        lines -= np.float32(2.2) * faded
    return lines
