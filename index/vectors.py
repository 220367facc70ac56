"""The vector of a capture: ten slots of one finger each, checked and brought to exact unit norm on the way in."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from tenprint.index.errors import InvalidVectorError

FINGERS = 10
"""Slots of a capture: slot i holds the finger of position (FGP) i + 1, right thumb to left little finger."""

NORM_TOLERANCE = 1e-3
"""How far a present finger's vector may be from norm 1 on entry; float16 storage of a unit vector stays within it."""

_CHUNK = 256
"""Captures normalised at a time, to bound the float64 working copy."""


def unit_slots(matrix: NDArray[np.float32], slots: int, dimension: int, label: str) -> NDArray[np.float32]:
    """Check vectors from outside and scale every present slot to unit norm.

    A finger's score is the cosine of two finger vectors, so the scale within the tolerance carries nothing; removing
    it here keeps every score in [-1, 1]. The norm is computed in float64, one slot at a time, so the result for a
    vector does not depend on those beside it.

    Args:
        matrix: float32 [n, slots * dimension].
        slots: fingers a vector has room for, 10 for a capture or 1 for a single finger.
        dimension: numbers a finger.
        label: name of row i for errors, with ``{}`` where i goes: ``"probes[{}]"``.

    Returns:
        A new float32 [n, slots, dimension]: unit vectors, and zeros where a finger is absent.

    Raises:
        InvalidVectorError: if a row holds NaN or infinity, has no finger, or has a slot whose norm is neither 0 nor
            1 within ``NORM_TOLERANCE``.
    """
    units = np.array(matrix, dtype=np.float32, order="C").reshape(-1, slots, dimension)
    for start in range(0, len(units), _CHUNK):
        chunk = units[start : start + _CHUNK].astype(np.float64)
        norms = np.sqrt(np.multiply(chunk, chunk).sum(axis=-1))
        _check_norms(norms, start, label)
        units[start : start + _CHUNK] = chunk / np.where(norms > 0, norms, 1.0)[:, :, np.newaxis]
    return units


def check_shape(array: object, shape: tuple[int | None, ...], field: str) -> None:
    """Check that ``array`` is a float32 array of ``shape``, where None stands for any length.

    Raises:
        InvalidVectorError: if it is not.
    """
    wanted = ", ".join("n" if length is None else str(length) for length in shape)
    if not isinstance(array, np.ndarray) or array.dtype != np.float32:
        kind = array.dtype.name if isinstance(array, np.ndarray) else type(array).__name__
        raise InvalidVectorError(field, f"is {kind}; a float32 array [{wanted}] is needed")
    if array.ndim != len(shape) or any(w not in (None, got) for w, got in zip(shape, array.shape, strict=True)):
        got = ", ".join(map(str, array.shape))
        raise InvalidVectorError(field, f"has shape [{got}]; [{wanted}] is needed")


def presence_masks(units: NDArray[np.float32]) -> list[int]:
    """Which fingers each capture of [n, 10, d] has: bit i is set where slot i is not zero."""
    bits = units.any(axis=-1) @ (1 << np.arange(FINGERS, dtype=np.int64))
    return [int(mask) for mask in bits]


@cache
def slots_of(mask: int) -> tuple[int, ...]:
    """The slots, 0 to 9 and rising, whose bits are set in a presence mask."""
    return tuple(slot for slot in range(FINGERS) if mask >> slot & 1)


def _check_norms(norms: NDArray[np.float64], start: int, label: str) -> None:
    broken = np.flatnonzero(~np.isfinite(norms).all(axis=1))
    if broken.size:
        raise InvalidVectorError(label.format(start + broken[0]), "holds NaN or infinity; every number must be finite")
    empty = np.flatnonzero(~norms.any(axis=1))
    if empty.size:
        raise InvalidVectorError(label.format(start + empty[0]), "is all zeros; at least one finger must be present")
    off = np.argwhere((norms > 0) & (np.abs(norms - 1) > NORM_TOLERANCE))
    if off.size:
        row, slot = off[0]
        where = "" if norms.shape[1] == 1 else f" in the slot of finger position {slot + 1}"
        raise InvalidVectorError(
            label.format(start + row),
            f"has norm {norms[row, slot]:.4g}{where}; a present finger has norm 1 (within {NORM_TOLERANCE}), "
            "an absent one is all zeros",
        )
