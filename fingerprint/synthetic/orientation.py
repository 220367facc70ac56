"""The ridge orientation field of a finger: a zero-pole model of cores and deltas."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tenprint.fingerprint.synthetic.classes import FingerClass
from tenprint.fingerprint.synthetic.fields import smooth_noise


@dataclass(frozen=True, slots=True)
class Singularities:
    """Where a finger's ridge flow turns.

    Attributes:
        cores: (x, y) of each core: pixels at 500 ppi from the centre of the finger, y growing upwards.
        deltas: (x, y) of each delta, likewise; always as many as cores.
    """

    cores: tuple[tuple[float, float], ...]
    deltas: tuple[tuple[float, float], ...]


def draw_singularities(rng: np.random.Generator, finger_class: FingerClass) -> Singularities:
    """Draw plausible places of the cores and deltas of one class.

    Args:
        rng: source of randomness.
        finger_class: the class; a plain arch has no singularity.

    Returns:
        Their places.
    """
    x, y = rng.normal(0.0, 12.0), 45.0 + rng.normal(0.0, 18.0)
    if finger_class is FingerClass.ARCH:
        return Singularities((), ())
    if finger_class is FingerClass.TENTED_ARCH:
        return Singularities(((x, y - 20.0),), ((x + rng.normal(0.0, 4.0), y - 20.0 - rng.uniform(75.0, 125.0)),))
    if finger_class is FingerClass.WHORL:
        lean, length = rng.normal(0.0, 0.35), rng.uniform(14.0, 75.0)
        lower = (x + length * np.sin(lean), y - length * np.cos(lean))
        left = (x - rng.uniform(125.0, 185.0), y - rng.uniform(120.0, 190.0))
        right = (x + rng.uniform(125.0, 185.0), y - rng.uniform(120.0, 190.0))
        return Singularities(((x, y), lower), (left, right))
    side = 1.0 if finger_class is FingerClass.LEFT_LOOP else -1.0
    delta = (x + side * rng.uniform(85.0, 170.0), y - rng.uniform(110.0, 185.0))
    return Singularities(((x, y),), (delta,))


def orientation_field(
    rng: np.random.Generator, finger_class: FingerClass, shape: tuple[int, int], pitch: float
) -> NDArray[np.float32]:
    """Draw the ridge orientation field of a finger.

    The zero-pole model of Sherlock and Monro (*A model for interpreting fingerprint topology*, Pattern Recognition 26,
    1993): half the sum of the angles of the cores minus those of the deltas. Each angle is bent by a small random
    periodic function of itself, which is the correction of Vizcaya and Gerhardt (*A nonlinear orientation model for
    global description of fingerprints*, Pattern Recognition 29, 1996) in Fourier form; near a core it holds the ridges
    inside the loop parallel and lets them recurve in the other half of the turn. To this is added the arching
    of the ridges around the finger tip, which the model lacks far from its zeros, and a slight smooth unevenness.

    Args:
        rng: source of randomness.
        finger_class: which singularities to draw.
        shape: (height, width) of the field in its own pixels.
        pitch: size of such a pixel, in pixels at 500 ppi.

    Returns:
        float32 [height, width]: angle of the ridge line in radians, counter-clockwise from +x with y up, modulo pi.
    """
    height, width = shape
    x = ((np.arange(width) - (width - 1) / 2.0) * pitch)[None, :]
    y = (((height - 1) / 2.0 - np.arange(height)) * pitch)[:, None]
    singular = draw_singularities(rng, finger_class)
    angle = np.zeros(shape)
    for sign, places in ((0.5, singular.cores), (-0.5, singular.deltas)):
        for place in places:
            turn = np.arctan2(y - place[1], x - place[0])
            bend, phase = rng.normal(0.0, (0.10, 0.07, 0.04)), rng.uniform(0.0, 2.0 * np.pi, 3)
            angle += sign * (turn + sum(bend[k] * np.sin((k + 1) * turn + phase[k]) for k in range(3)))
    for place in singular.cores:
        axis = _loop_axis(place, singular)
        turn = np.arctan2(y - place[1], x - place[0])
        near = np.exp(-np.hypot(x - place[0], y - place[1]) / 110.0)
        angle -= 0.5 * rng.uniform(0.55, 0.85) * near * np.sin(turn - axis)
    if finger_class is FingerClass.ARCH:
        steepness, spread = rng.uniform(0.55, 0.95), rng.uniform(95.0, 130.0)
        hill = np.exp(-(((y + 25.0 + rng.normal(0.0, 15.0)) / 150.0) ** 2))
        angle -= steepness * hill * (x / spread) * np.exp(0.5 - 0.5 * (x / spread) ** 2)
    tip = 1.0 / (1.0 + np.exp(-(y - rng.uniform(-30.0, 20.0)) / 70.0))
    angle -= rng.uniform(0.45, 0.65) * np.tanh(x / rng.uniform(130.0, 180.0)) * tip
    base = 1.0 / (1.0 + np.exp((y + 190.0) / 45.0))
    angle += rng.normal(0.0, 0.07) * base
    angle += 0.07 * smooth_noise(rng, shape, 110.0 / pitch)
    return angle.astype(np.float32)


def _loop_axis(core: tuple[float, float], singular: Singularities) -> float:
    """Direction, in radians, in which the loop around a core opens: towards the other core of a whorl; else where
    half the turn of the core less that of the delta points along itself."""
    for other in singular.cores:
        if other != core:
            return float(np.arctan2(other[1] - core[1], other[0] - core[0]))
    delta = singular.deltas[0]
    return -float(np.arctan2(core[1] - delta[1], core[0] - delta[0]))


def period_field(rng: np.random.Generator, shape: tuple[int, int], pitch: float) -> NDArray[np.float32]:
    """Draw the ridge period of a finger at each place.

    Ridges of adults stand about 9 pixels apart at 500 ppi, closer at the tip and wider below the core.

    Args:
        rng: source of randomness.
        shape: (height, width) of the field in its own pixels.
        pitch: size of such a pixel, in pixels at 500 ppi.

    Returns:
        float32 [height, width]: ridge period in pixels at 500 ppi, within [7.5, 11.5].
    """
    height = shape[0]
    y = (((height - 1) / 2.0 - np.arange(height)) * pitch)[:, None]
    mean = rng.normal(9.0, 0.35)
    period = mean - 0.4 * np.tanh((y + 20.0) / 150.0) + 0.25 * smooth_noise(rng, shape, 90.0 / pitch)
    return np.asarray(np.clip(period, 7.5, 11.5), dtype=np.float32)
