"""Minutiae, and the protocol of whatever finds them in an image."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tenprint.fingerprint.image import GreyImage


@dataclass(frozen=True, slots=True, eq=False)
class Minutiae:
    """The minutiae of one finger impression, at 500 ppi. All arrays have the same length n.

    Attributes:
        x: float32 [n], pixels at 500 ppi from the left edge.
        y: float32 [n], pixels at 500 ppi from the top edge, growing downwards.
        direction: float32 [n], radians in [0, 2 pi), counter-clockwise from the +x axis with y up
            (ISO/IEC 19794-2's convention).
        kind: uint8 [n], 0 other or unknown, 1 ridge ending, 2 bifurcation (ISO/IEC 19794-2 clause 6.4.1 codes).
        reliability: float32 [n] in [0, 1]; 0 where the source does not say.
        width: width in pixels at 500 ppi of the area the minutiae were found in.
        height: its height.
    """

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    direction: NDArray[np.float32]
    kind: NDArray[np.uint8]
    reliability: NDArray[np.float32]
    width: int
    height: int

    def __len__(self) -> int:
        return len(self.x)

    def chosen(self, which: NDArray[np.int64]) -> "Minutiae":
        """Those numbered, int64 [m], in that order."""
        return Minutiae(
            self.x[which],
            self.y[which],
            self.direction[which],
            self.kind[which],
            self.reliability[which],
            self.width,
            self.height,
        )


class MinutiaeExtractor(Protocol):
    """Finds minutiae in a decoded image. Thread-safe, deterministic, without state of a call."""

    @property
    def name(self) -> str:
        """Stable name and version, for answers and metrics: ``"mindtct-0.1.3"``."""
        ...

    def extract(self, image: GreyImage) -> Minutiae:
        """Find the minutiae of one single-finger impression.

        Args:
            image: 8-bit grey, already at 500 ppi, one finger.

        Returns:
            The minutiae found; possibly very few. What is too few to embed is the embedder's to say.

        Raises:
            ImageError: if the image cannot be processed (smaller than a finger's core, say).
        """
        ...
