"""How much a print can tell: NFIQ 2 of its image, the number of its minutiae and the area they span."""

from enum import StrEnum
from functools import cache
from typing import Any, Final

import nbis
import numpy as np
import scipy  # which loads its parts when they are used

from tenprint.fingerprint.errors import ImageError
from tenprint.fingerprint.image import WORKING_PPI, GreyImage
from tenprint.fingerprint.mindtct import encoded, new_extractor
from tenprint.fingerprint.minutiae import Minutiae

POOR_MINUTIAE: Final = 20
"""Fewer make a print poor: in simulation over half of such miss their mates at one false match in 1,000 (ADR 0017)."""
POOR_AREA_MM2: Final = 60.0
"""Minutiae that span less make a print poor, likewise. A whole fingertip has 150 to 250."""
POOR_NFIQ2: Final = 20
"""A lower NFIQ 2 makes a print poor. Our choice: neither ISO/IEC 29794-4 nor NFIQ 2 names a limit."""

_MM: Final = WORKING_PPI / 25.4


class PoorReason(StrEnum):
    """Why a print is poor; the names of tenprint.v1.PoorReason."""

    FEW_MINUTIAE = "few_minutiae"
    SMALL_AREA = "small_area"
    LOW_NFIQ2 = "low_nfiq2"


def area_mm2(minutiae: Minutiae) -> float:
    """The area of the minutiae's convex hull, square millimetres; 0 of fewer than three or of a line."""
    places = np.stack([minutiae.x, minutiae.y], axis=1).astype(np.float64)
    if len(places) < 3:
        return 0.0
    try:
        return float(scipy.spatial.ConvexHull(places).volume) / _MM**2  # of two dimensions the volume is the area
    except scipy.spatial.QhullError:
        return 0.0


def poor_reasons(minutiae: int, area: float, nfiq2_score: int | None) -> tuple[PoorReason, ...]:
    """Why a print is poor; empty where it is not.

    Args:
        minutiae: how many were found.
        area: as :func:`area_mm2` gives it.
        nfiq2_score: as :func:`nfiq2` gives it; None: not measured.
    """
    found = (
        (PoorReason.FEW_MINUTIAE, minutiae < POOR_MINUTIAE),
        (PoorReason.SMALL_AREA, area < POOR_AREA_MM2),
        (PoorReason.LOW_NFIQ2, nfiq2_score is not None and nfiq2_score < POOR_NFIQ2),
    )
    return tuple(reason for reason, holds in found if holds)


def nfiq2(image: GreyImage) -> int | None:
    """The NFIQ 2 score of one impression.

    Measured apart from the minutiae because it is: NFIQ 2 applies to plain 500 ppi optical or inked impressions up to
    799 x 999 pixels after cropping, and a rolled print is wider. It costs a second minutiae extraction and its own
    features, about 130 ms.

    Args:
        image: 8-bit grey at 500 ppi, one finger.

    Returns:
        0 (worst) to 100 (best), ISO/IEC 29794-4; None where NFIQ 2 does not apply or finds no print to judge: a failure
        here costs nothing else.
    """
    try:
        data = encoded(image)
        score: int = _extractor().extract_minutiae(data).quality().score
    except (ImageError, nbis.NbisError):
        return None  # quality that cannot be measured is a missing figure, never a failed finger
    return score if 0 <= score <= 100 else None


@cache
def _extractor() -> Any:
    """The one extractor of the process, made on first use (loading NFIQ 2's model takes 0.4 s). Safe in threads."""
    return new_extractor(compute_nfiq2=True)
