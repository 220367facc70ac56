"""Prints turned, and prints of which half is missing: what a capture in another pose leaves of them."""

from typing import Final

import numpy as np
from PIL import Image

from tenprint.fingerprint.image import GreyImage, ImageFormat
from tenprint.fingerprint.minutiae import Minutiae
from tenprint.fingerprint.synthetic import encode_png
from tenprint.server.capture import ImageContent

_WHITE: Final = 255


def turned(image: GreyImage, degrees: float) -> ImageContent:
    """The image turned counter-clockwise about its centre, bicubic, white around it; nothing of it is cut off."""
    how = Image.Resampling.BICUBIC
    whole = Image.fromarray(image.pixels).rotate(degrees, resample=how, expand=True, fillcolor=_WHITE)
    return _content(GreyImage(np.asarray(whole), image.ppi))


def half(image: GreyImage, minutiae: Minutiae, side: int) -> ImageContent:
    """One half of the print, cut through the median of its minutiae; the other half is white.

    Args:
        image: the whole.
        minutiae: what was found in it.
        side: 0 left, 1 right, 2 upper, 3 lower half stays.
    """
    pixels = image.pixels.copy()
    upright = side < 2
    cut = round(float(np.median(minutiae.x if upright else minutiae.y)))
    lost = slice(None, cut) if side % 2 else slice(cut, None)
    if upright:
        pixels[:, lost] = _WHITE
    else:
        pixels[lost] = _WHITE
    return _content(GreyImage(pixels, image.ppi))


def _content(image: GreyImage) -> ImageContent:
    return ImageContent(encode_png(image), ImageFormat.PNG, image.ppi)
