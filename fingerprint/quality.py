"""Image quality by NFIQ 2."""

from functools import cache
from typing import Any

import nbis

from tenprint.fingerprint.errors import ImageError
from tenprint.fingerprint.image import GreyImage
from tenprint.fingerprint.mindtct import encoded, new_extractor


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
