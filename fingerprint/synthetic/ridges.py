"""The master finger: ridges grown along an orientation field by iterated oriented filtering."""

from dataclasses import dataclass
from functools import lru_cache
from math import comb
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from tenprint.fingerprint.synthetic.classes import FingerClass, draw_class
from tenprint.fingerprint.synthetic.fields import smooth_noise
from tenprint.fingerprint.synthetic.orientation import orientation_field, period_field

_PITCH: Final = 2  # pixels at 500 ppi of one cell of the grid that ridges grow on
RELIEF_SHAPE: Final = (360, 320)
"""(height, width) of the grid that ridges grow on, at 250 ppi."""
MASTER_SHAPE: Final = (_PITCH * RELIEF_SHAPE[0], _PITCH * RELIEF_SHAPE[1])
"""(height, width) of a master finger, in pixels at 500 ppi."""

_PERIODS: Final = (7.6, 9.0, 10.7)  # ridge periods, in pixels at 500 ppi, of the bank's three rings
_RING_WIDTH: Final = 0.17  # standard deviation of a ring, in units of the logarithm of the frequency
_SHARPNESS: Final = 5  # the angular part of a filter is cos^(2 * _SHARPNESS)
_ITERATIONS: Final = 22  # more leave fewer minutiae
_GAIN: Final = 2.5
_HEIGHT: Final = 0.65  # root mean square of the finished relief; a sine of amplitude 1 has 0.71
_SEED_STEP: Final = 20.0  # distance of the patches of noise that ridges grow from, in cells


@dataclass(frozen=True, slots=True, eq=False)
class MasterFinger:
    """The ridges of one synthetic finger, of which impressions are taken.

    Attributes:
        seed: what it was grown from.
        finger_class: its class.
        relief: uint8 :data:`RELIEF_SHAPE`: 128 is the edge of a ridge, up to 255 its middle, down to 1 a valley's.
        ridges: float32 :data:`MASTER_SHAPE`, the relief at 500 ppi, saturated within [-1, 1]: positive on a ridge.
    """

    seed: int
    finger_class: FingerClass
    relief: NDArray[np.uint8]
    ridges: NDArray[np.float32]


def grow_finger(seed: int, finger_class: FingerClass | None = None) -> MasterFinger:
    """Grow the ridges of a finger; the same seed and class give the same bytes on the same library versions.

    The method is SFinGe's (Cappelli, Maio, Maltoni, *Synthetic fingerprint-image generation*, ICPR 2000): noise is
    filtered again and again, each place by a filter tuned to its ridge orientation and period, and saturated, until the
    ridges are continuous; minutiae remain where the pattern cannot close. SFinGe convolves each pixel with a Gabor
    kernel of its own. Here the filters are steerable (Freeman and Adelson, *The design and use of steerable filters*,
    PAMI 13, 1991), so that one pass over the image is 33 inverse Fourier transforms, whatever the orientations.

    Args:
        seed: a non-negative integer.
        finger_class: the class wanted; None draws one by its natural share.

    Returns:
        The finger.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed]))
    drawn = draw_class(rng)
    chosen = drawn if finger_class is None else finger_class
    orientation = orientation_field(rng, chosen, RELIEF_SHAPE, _PITCH)
    period = period_field(rng, RELIEF_SHAPE, _PITCH)
    relief = np.clip(np.rint(_grow(rng, orientation, period) * 127.0 + 128.0), 1, 255).astype(np.uint8)
    return master_of(seed, chosen, relief)


def master_of(seed: int, finger_class: FingerClass, relief: NDArray[np.uint8]) -> MasterFinger:
    """The finger of a relief that was grown before.

    Args:
        seed: what it was grown from.
        finger_class: its class.
        relief: uint8 :data:`RELIEF_SHAPE`.

    Returns:
        The finger, bit for bit as :func:`grow_finger` returned it.
    """
    cells = (relief.astype(np.float32) - np.float32(128.0)) / np.float32(127.0)
    fine = _doubled(_doubled(cells).T).T
    return MasterFinger(seed, finger_class, relief, np.ascontiguousarray(np.tanh(np.float32(_GAIN) * fine)))


def _doubled(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Twice as many rows: a new one behind each, by six-point interpolation (Deslauriers and Dubuc, 1989)."""
    count = len(rows)
    padded = np.pad(rows, ((2, 3), (0, 0)), mode="edge")
    taps = np.array([3, -25, 150, 150, -25, 3], dtype=np.float32) / np.float32(256.0)
    between = np.zeros_like(rows)
    for offset, tap in enumerate(taps):
        between += tap * padded[offset : offset + count]
    return np.stack([rows, between], axis=1).reshape(2 * count, -1)


@lru_cache(maxsize=1)
def _bank() -> list[list[NDArray[np.complex64]]]:
    """Spectra of the steerable bank: [ring][harmonic], for an rfft2 of :data:`RELIEF_SHAPE`.

    Harmonic m is exp(-2 i m phi) over the ring, phi the direction of the frequency. As complex images are out of
    rfft2's reach, its real and imaginary parts come as two filters: [1, cos 2 phi, sin 2 phi, cos 4 phi, ...].
    """
    down = np.fft.fftfreq(RELIEF_SHAPE[0])[:, None]
    right = np.fft.rfftfreq(RELIEF_SHAPE[1])[None, :]
    phi = np.arctan2(down, right)
    frequency = np.hypot(down, right)
    frequency[0, 0] = 1e-9
    bank = []
    for period in _PERIODS:
        ring = np.exp(-0.5 * (np.log(frequency * period / _PITCH) / _RING_WIDTH) ** 2)
        spectra = [ring]
        for m in range(1, _SHARPNESS + 1):
            spectra += [ring * np.cos(2 * m * phi), ring * np.sin(2 * m * phi)]
        bank.append([spectrum.astype(np.complex64) for spectrum in spectra])
    return bank


def _steering(orientation: NDArray[np.float32], period: NDArray[np.float32]) -> list[list[NDArray[np.float32]]]:
    """Weights [ring][harmonic] of the bank at each place, for its orientation (radians, y up) and period (500 ppi)."""
    normal = np.float32(np.pi / 2) - orientation  # direction of the ridges' frequency, in image axes: y down
    # cos^2n(a) = 4^-n (C(2n, n) + 2 sum_m C(2n, n - m) cos 2ma); scaled to 1 at a = 0.
    n = _SHARPNESS
    amplitude = [comb(2 * n, n - m) * (2.0 if m else 1.0) / 4.0**n for m in range(n + 1)]
    angular = [np.full_like(normal, amplitude[0])]
    for m in range(1, n + 1):
        angular += [
            np.float32(amplitude[m]) * np.cos(2 * m * normal),
            np.float32(amplitude[m]) * np.sin(2 * m * normal),
        ]
    knots = np.log(np.array(_PERIODS, dtype=np.float32))
    place = np.clip(np.log(period), knots[0], knots[-1])
    rings = [np.interp(place, knots, np.eye(len(knots))[ring]).astype(np.float32) for ring in range(len(knots))]
    return [[ring * part for part in angular] for ring in rings]


def _grow(
    rng: np.random.Generator, orientation: NDArray[np.float32], period: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Ridges as float32 on the grid, about within [-1, 1], from noise."""
    bank, steering = _bank(), _steering(orientation, period)
    patches = np.exp(np.float32(1.5) * smooth_noise(rng, RELIEF_SHAPE, _SEED_STEP))
    state = rng.standard_normal(RELIEF_SHAPE, dtype=np.float32) * patches
    grown = state
    for _ in range(_ITERATIONS):
        spectrum = scipy.fft.rfft2(state)
        grown = np.zeros_like(state)
        for spectra, weights in zip(bank, steering, strict=True):
            for filtering, weight in zip(spectra, weights, strict=True):
                grown += weight * scipy.fft.irfft2(spectrum * filtering, s=RELIEF_SHAPE)
        grown /= np.sqrt(np.mean(grown**2) + np.float32(1e-12))
        state = np.tanh(np.float32(_GAIN) * grown)
    # The last pass is left unsaturated: a band-limited pattern has no overtones to alias at 250 ppi.
    return np.asarray(grown * np.float32(_HEIGHT), dtype=np.float32)
