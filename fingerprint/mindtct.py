"""Minutiae by NIST's MINDTCT, through ``nbis-py``."""

import math
from typing import Any, Final

import nbis
import numpy as np

from tenprint.fingerprint.errors import ImageError
from tenprint.fingerprint.image import WORKING_PPI, GreyImage
from tenprint.fingerprint.minutiae import Minutiae

MIN_SIDE: Final = 64
"""Least width and height in pixels. MINDTCT reads outside its buffers below 16; no finger fits below 64 (3.3 mm)."""
MAX_PIXELS: Final = 16_000_000
"""Most pixels of one image: the default of :class:`~tenprint.fingerprint.image.ImageLimits`."""


def new_extractor(*, compute_nfiq2: bool) -> Any:
    """An ``nbis`` extractor that keeps every minutia, and asks nothing else of the image.

    Args:
        compute_nfiq2: also compute NFIQ 2; an image it does not apply to then fails altogether.
    """
    return nbis.new_nbis_extractor(
        nbis.NbisExtractorSettings(
            min_quality=0.0,
            get_center=False,
            check_fingerprint=False,
            compute_nfiq2=compute_nfiq2,
            ppi=float(WORKING_PPI),
        )
    )


def encoded(image: GreyImage) -> bytes:
    """The image as binary PGM, the cheapest lossless encoding ``nbis`` reads (a header and the pixels as they are).

    Raises:
        ImageError: when the image is not one NBIS can be given safely.
    """
    height, width = image.pixels.shape
    if image.ppi != WORKING_PPI:
        raise ImageError("image.ppi", f"{image.ppi}; minutiae are extracted at {WORKING_PPI} ppi only")
    if min(width, height) < MIN_SIDE or width * height > MAX_PIXELS:
        allowed = f"sides of {MIN_SIDE} pixels or more and {MAX_PIXELS} pixels at most"
        raise ImageError("image.data", f"{width} x {height} pixels; minutiae extraction needs {allowed}")
    return b"P5 %d %d 255\n" % (width, height) + image.pixels.tobytes()


class MindtctExtractor:
    """Finds minutiae with MINDTCT (NBIS 5), 20-80 ms an image on one core.

    One object serves any number of threads: the library keeps no state of a call and runs without the interpreter lock.
    It returns at most 150 minutiae, the most reliable ones.
    """

    def __init__(self) -> None:
        self._extractor = new_extractor(compute_nfiq2=False)

    @property
    def name(self) -> str:
        """Name and version of the extractor."""
        return "mindtct-0.1.3"

    def extract(self, image: GreyImage) -> Minutiae:
        """Find the minutiae of one impression; see :class:`~tenprint.fingerprint.minutiae.MinutiaeExtractor`.

        An image that shows no print gives no minutiae, or a few that noise resembles; that is not an error here.

        Raises:
            ImageError: when the image is not at 500 ppi, is too small or too large, or MINDTCT fails on it.
        """
        data = encoded(image)
        try:
            found = self._extractor.extract_minutiae(data).get()
        except nbis.NbisError as error:
            raise ImageError("image.data", "MINDTCT cannot process this image: send one finger, 8-bit grey") from error
        # ISO's direction of a minutia is NBIS's: counter-clockwise from +x, y up. Rows arrive sorted by x, then y.
        places = np.array([(minutia.x(), minutia.y()) for minutia in found], np.float32).reshape(-1, 2)
        degrees = np.array([minutia.angle() for minutia in found], np.float64)
        endings = [minutia.kind() == nbis.MinutiaKind.RIDGE_ENDING for minutia in found]
        height, width = image.pixels.shape
        return Minutiae(
            x=places[:, 0].copy(),
            y=places[:, 1].copy(),
            direction=((degrees % 360.0) * (math.pi / 180.0)).astype(np.float32),
            kind=np.where(endings, 1, 2).astype(np.uint8),
            reliability=np.clip([minutia.reliability() for minutia in found], 0.0, 1.0).astype(np.float32),
            width=width,
            height=height,
        )
