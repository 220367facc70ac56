"""Smooth random fields, cheap to make: uniform cubic B-splines over a coarse grid of normal numbers."""

import numpy as np
from numpy.typing import NDArray


def spline_basis(size: int, step: float) -> NDArray[np.float32]:
    """Uniform cubic B-spline basis along one axis.

    Args:
        size: number of samples, at positions 0 .. size - 1.
        step: distance of the knots, in samples.

    Returns:
        float32 [size, knots]: each row's four non-zero weights sum to 1.
    """
    knots = int(np.ceil((size - 1) / step)) + 3
    distance = np.abs(np.arange(size)[:, None] / step + 1.0 - np.arange(knots)[None, :])
    near = 2.0 / 3.0 - distance**2 + distance**3 / 2.0
    far = np.clip(2.0 - distance, 0.0, None) ** 3 / 6.0
    return np.where(distance < 1.0, near, far).astype(np.float32)


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], step: float) -> NDArray[np.float32]:
    """A smooth random field of mean 0 and, about, unit variance.

    Args:
        rng: source of randomness.
        shape: (height, width) of the field.
        step: distance of the control points in pixels; features are about twice as large.

    Returns:
        float32 [height, width].
    """
    rows, columns = spline_basis(shape[0], step), spline_basis(shape[1], step)
    control = rng.standard_normal((rows.shape[1], columns.shape[1]), dtype=np.float32)
    # A cubic B-spline over unit normals has standard deviation 0.69 at a knot and 0.68 between two, on each axis.
    return np.asarray((rows @ control @ columns.T) / np.float32(0.69**2), dtype=np.float32)
