"""Bring candidate prints into a probe's frame by what their descriptors and their geometry agree on.

A step of :mod:`tenprint.fingerprint.matching`, which says what it is and why every number here is whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tenprint.fingerprint.features import DESCRIPTOR_LENGTH, FingerFeatures, unpack

PAIRS: Final = 32
"""Pairs that take part in the relaxation, and least width of :class:`Prints`."""
_DISTANCE: Final = 12.0
"""Pixels by which the distances within two pairs may differ. Support falls quadratically, to a half at 8.5."""
_DIRECTION: Final = 0.12
"""1 - cosine by which the turns of two pairs may differ. Support falls linearly, to a half at 20 degrees."""
_BEARING: Final = 0.12
"""1 - cosine by which the bearings within two pairs may differ."""
_ROUNDS: Final = 5
"""Power iterations."""

AWAY: Final = 1 << 18
"""Where padding lies, in pixels: beyond the reach of every minutia."""
_STEPS: Final = 511
"""Weights of pairs are whole numbers up to this: 32 x 511 x 1,023 < 2**24, so float32 adds them exactly."""
_SUPPORT_STEPS: Final = 1023
SCALE: Final = 1024
COSINES: Final = np.rint(SCALE * np.cos(np.arange(256) * (np.pi / 128))).astype(np.int64)
"""`SCALE` times the cosine of each direction."""
SINES: Final = np.roll(COSINES, 64)
"""`SCALE` times its sine."""

_Floats = NDArray[np.float32]
_Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Prints:
    """C prints of up to M minutiae. Padding lies `AWAY`, with a descriptor of zeros, unlike every other.

    Attributes:
        x: int64 [C, M], pixels.
        y: int64 [C, M], pixels, growing upwards.
        direction: int64 [C, M], 256ths of a turn.
        descriptors: float32 [C, M, 24], whole numbers.
        present: bool [C, M], what is no padding.
    """

    x: _Integers
    y: _Integers
    direction: _Integers
    descriptors: _Floats
    present: NDArray[np.bool_]

    @classmethod
    def of(cls, prints: Sequence[FingerFeatures], width: int) -> "Prints":
        """Pad one or more prints to a width, which no print exceeds."""
        present = np.arange(width) < np.array([len(one) for one in prints])[:, np.newaxis]
        x, y = np.full(present.shape, AWAY), np.full(present.shape, AWAY)
        direction = np.zeros(present.shape, np.int64)
        descriptors = np.zeros((*present.shape, 2 * prints[0].packed.shape[1]), np.float32)
        x[present] = np.concatenate([one.x for one in prints])
        y[present] = -np.concatenate([one.y for one in prints]).astype(np.int64)
        direction[present] = np.concatenate([one.direction for one in prints])
        descriptors[present] = unpack(np.concatenate([one.packed for one in prints]))
        return cls(x, y, direction, descriptors, present)


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """C prints of up to M minutiae in a probe's frame.

    Attributes:
        x: int64 [C, M], whole pixels, `AWAY` where nothing is known.
        y: int64 [C, M], likewise, growing upwards.
        cosine: float32 [C, M], of the direction.
        sine: float32 [C, M], of the direction.
        known: bool [C, M]: a minutia, of a print that has any pair at all.
    """

    x: NDArray[np.int64]
    y: NDArray[np.int64]
    cosine: NDArray[np.float32]
    sine: NDArray[np.float32]
    known: NDArray[np.bool_]


def align(probe: Prints, candidates: Prints, alike: _Floats) -> Aligned:
    """Steps 1 to 3: turn and shift each candidate to where it agrees best with the probe.

    Args:
        probe: one print of n minutiae, without padding.
        candidates: C prints, `PAIRS` or more wide.
        alike: float32 [C, M, n], inner products of their stored descriptors.
    """
    first, second, likeness = _proposals(alike)
    rows = np.arange(len(alike))[:, np.newaxis]
    places = (probe.x[0][first], probe.y[0][first], candidates.x[rows, second], candidates.y[rows, second])
    turns = (probe.direction[0][first] - candidates.direction[rows, second]) % 256
    return _moved(candidates, _agreement(places, turns, likeness), places, turns)


def _proposals(alike: _Floats) -> tuple[_Integers, _Integers, _Floats]:
    """Step 1: probe's and candidate's minutia and similarity (0 to 1) of the pairs proposed, each [C, P]."""
    best = alike.argmax(axis=2)
    value = np.take_along_axis(alike, best[..., np.newaxis], axis=2)[..., 0]
    second = np.argsort(-value.astype(np.int16), axis=1, kind="stable")[:, :PAIRS]
    likeness = np.take_along_axis(value, second, axis=1) * np.float32(1 / DESCRIPTOR_LENGTH**2)
    return np.take_along_axis(best, second, axis=1), second, np.clip(likeness, 0, 1)


def _agreement(places: tuple[_Integers, ...], turns: _Integers, likeness: _Floats) -> _Integers:
    """Step 2: how far each pair belongs to the group, 0 to `_STEPS`, [C, P].

    All in eight buffers: fresh memory costs more than the arithmetic.
    """
    ax, ay, bx, by, far_a, far_b, support, spare = np.empty((8, *turns.shape, PAIRS), np.float32)
    for place, buffer in zip(places, (ax, ay, bx, by), strict=True):
        values = place.astype(np.float32)
        np.subtract(values[:, np.newaxis, :], values[:, :, np.newaxis], out=buffer)
    cosine, sine = COSINES[turns].astype(np.float32) / SCALE, SINES[turns].astype(np.float32) / SCALE
    _add_products(ax, ax, ay, ay, far_a, spare)
    _add_products(bx, bx, by, by, far_b, spare)
    np.sqrt(far_a, out=far_a)
    np.sqrt(far_b, out=far_b)
    # The candidate's step from one minutia to another, turned as that minutia was turned, against the probe's step.
    _add_products(ax, bx, ay, by, support, spare)
    ay *= bx
    ax *= by
    ay -= ax
    support *= cosine[:, :, np.newaxis]
    ay *= sine[:, :, np.newaxis]
    support += ay
    both = np.multiply(far_a, far_b, out=spare)
    apart = both > 0  # not with itself, nor with another pair of the same minutia
    support /= np.maximum(both, 1, out=both)
    _fall(support, _BEARING)
    turned = _add_products(*_outer(cosine), *_outer(sine), ax, ay)
    support *= _fall(turned, _DIRECTION)
    far_a -= far_b
    far_a *= np.float32(1 / _DISTANCE)
    far_a *= far_a
    support *= np.maximum(np.subtract(1, far_a, out=far_a), 0, out=far_a)
    np.minimum(support, 1, out=support)
    root = np.sqrt(likeness)
    support *= root[:, :, np.newaxis]
    support *= root[:, np.newaxis, :]
    support *= apart
    support *= _SUPPORT_STEPS
    np.rint(support, out=support)
    weight = np.rint(likeness * _STEPS)[..., np.newaxis]
    for _ in range(_ROUNDS):
        weight = np.matmul(support, weight)
        weight = np.rint(weight * _STEPS / np.maximum(weight.max(axis=1, keepdims=True), 1))
    return weight[..., 0].astype(np.int64)


def _moved(candidates: Prints, agreed: _Integers, places: tuple[_Integers, ...], turns: _Integers) -> Aligned:
    """Step 3: the candidates in the probe's frame.

    Least squares in closed form (K. S. Arun, T. S. Huang, S. D. Blostein, IEEE TPAMI 9(5), 1987).
    All sums are exact in int64: weights below 2**9, places below 2**15, 32 pairs.
    """
    weight = agreed * agreed // _STEPS
    ax, ay, bx, by = places
    total = weight.sum(axis=1)
    sum_ax, sum_ay, sum_bx, sum_by = ((weight * place).sum(axis=1) for place in places)
    along = total * (weight * (ax * bx + ay * by)).sum(axis=1) - (sum_ax * sum_bx + sum_ay * sum_by)
    across = total * (weight * (ay * bx - ax * by)).sum(axis=1) - (sum_ay * sum_bx - sum_ax * sum_by)
    # Directions weigh in the turn as much as places do at 32 pixels of distance: `SCALE` is the square of that.
    along += total * (weight * COSINES[turns]).sum(axis=1)
    across += total * (weight * SINES[turns]).sum(axis=1)
    re, im = along.astype(np.float64), across.astype(np.float64)
    length = np.maximum(np.sqrt(re * re + im * im), 1)
    cosine, sine, share = (re / length)[:, np.newaxis], (im / length)[:, np.newaxis], np.maximum(total, 1)
    shift_x = (sum_ax / share)[:, np.newaxis] - cosine * (sum_bx / share)[:, np.newaxis]
    shift_x += sine * (sum_by / share)[:, np.newaxis]
    shift_y = (sum_ay / share)[:, np.newaxis] - sine * (sum_bx / share)[:, np.newaxis]
    shift_y -= cosine * (sum_by / share)[:, np.newaxis]
    known = candidates.present & (total > 0)[:, np.newaxis]
    x = np.rint(cosine * candidates.x - sine * candidates.y + shift_x).astype(np.int64)
    y = np.rint(sine * candidates.x + cosine * candidates.y + shift_y).astype(np.int64)
    towards, up = COSINES[candidates.direction] / SCALE, SINES[candidates.direction] / SCALE
    return Aligned(
        np.where(known, x, AWAY),
        np.where(known, y, AWAY),
        (cosine * towards - sine * up).astype(np.float32),
        (sine * towards + cosine * up).astype(np.float32),
        known,
    )


def _outer(values: _Floats) -> tuple[_Floats, _Floats]:
    """[C, P] as rows and as columns of [C, P, P]."""
    return values[:, :, np.newaxis], values[:, np.newaxis, :]


def _add_products(a: _Floats, b: _Floats, c: _Floats, d: _Floats, out: _Floats, spare: _Floats) -> _Floats:
    """Into `out`: a b + c d."""
    np.multiply(a, b, out=out)
    out += np.multiply(c, d, out=spare)
    return out


def _fall(cosine: _Floats, width: float) -> _Floats:
    """In place: from cosines to 1 where they are 1, falling linearly to 0 where they are `width` less."""
    cosine -= 1
    cosine *= np.float32(1 / width)
    cosine += 1
    return np.maximum(cosine, 0, out=cosine)
