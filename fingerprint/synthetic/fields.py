"""Smooth random fields, cheap to make: uniform cubic B-splines over a coarse grid of normal numbers."""

import numpy as np
from numpy.typing import NDArray


def _spline_rows(control: NDArray[np.float32], size: int, step: float) -> NDArray[np.float32]:
    """Cubic B-spline along the first axis of ``control`` at positions 0 .. size - 1, knots ``step`` apart.

    Written as sums of rows rather than as a product of matrices: BLAS rounds otherwise with another number of threads.
    """
    place = np.arange(size) / step
    knot = place.astype(np.intp)
    t = (place - knot)[:, None]
    weights = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, 3 * (1 - t) ** 3 - 6 * (1 - t) ** 2 + 4, t**3)
    total = np.zeros((size, control.shape[1]), dtype=np.float32)
    for offset, weight in enumerate(weights):
        total += (weight / 6.0).astype(np.float32) * control[knot + offset]
    return total


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], step: float) -> NDArray[np.float32]:
    """A smooth random field of mean 0 and, about, unit variance.

    Args:
        rng: source of randomness.
        shape: (height, width) of the field, each at least 1.
        step: distance of the control points in pixels; features are about twice as large.

    Returns:
        float32 [height, width].
    """
    knots = (int((shape[0] - 1) / step) + 4, int((shape[1] - 1) / step) + 4)
    # A cubic B-spline over unit normals has a standard deviation of 0.71 at a knot and 0.68 between two, on each axis.
    control = rng.standard_normal(knots, dtype=np.float32) / np.float32(0.69**2)
    across = np.ascontiguousarray(_spline_rows(np.ascontiguousarray(control.T), shape[1], step).T)
    return _spline_rows(across, shape[0], step)
