"""A decoded fingerprint image."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class GreyImage:
    """An 8-bit grey fingerprint image.

    Attributes:
        pixels: uint8 [height, width], C-contiguous, dark ridges on a light ground.
        ppi: resolution in pixels an inch, the same in both directions.
    """

    pixels: NDArray[np.uint8]
    ppi: int
