"""A grey image as a PNG file."""

import io

from PIL import Image

from tenprint.fingerprint.image import GreyImage


def encode_png(image: GreyImage) -> bytes:
    """Encode an image as 8-bit grey PNG with its resolution in the pHYs chunk (pixels a metre).

    Args:
        image: the image.

    Returns:
        The file's bytes.
    """
    file = io.BytesIO()
    Image.fromarray(image.pixels).save(file, format="PNG", dpi=(image.ppi, image.ppi))
    return file.getvalue()
