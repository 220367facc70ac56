"""Fingerprint images: from encoded bytes to 8-bit grey pixels at 500 ppi.

PNG, TIFF, BMP and JPEG 2000 are decoded by Pillow, one named decoder for each format and never by trying; WSQ by NBIS's
decoder behind :mod:`tenprint.fingerprint.wsq_stream`, which see for why. Sizes are read from the header and held
against the limits before a pixel is decoded.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from wsq.WsqImagePlugin import WsqImageFile

from tenprint.fingerprint.errors import ImageError
from tenprint.fingerprint.wsq_stream import checked_wsq, read_wsq_header

WORKING_PPI: Final = 500
"""The one resolution behind decoding: ANSI/NIST-ITL's and MINDTCT's."""
_TOLERANCE: Final = 0.01
"""ANSI/NIST-ITL allows a scanner 1 % of error, so 495-505 ppi are 500 and are not resampled."""


@dataclass(frozen=True, slots=True, eq=False)
class GreyImage:
    """An 8-bit grey fingerprint image.

    Attributes:
        pixels: uint8 [height, width], C-contiguous, dark ridges on a light ground.
        ppi: resolution in pixels an inch, the same in both directions.
    """

    pixels: NDArray[np.uint8]
    ppi: int


class ImageFormat(StrEnum):
    """The encodings that are read."""

    PNG = "png"
    TIFF = "tiff"
    BMP = "bmp"
    WSQ = "wsq"
    JPEG2000 = "jp2"


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What an image from outside may be.

    Attributes:
        max_bytes: encoded size.
        max_pixels: width x height, at the source's resolution and again at 500 ppi.
        min_side: least width and height at 500 ppi; 64 pixels are 3.3 mm, less than any finger, and NBIS's
            decoders read outside their buffers on images of a few pixels.
        min_ppi: least resolution; at 250 ppi a ridge period is four to five pixels.
        max_ppi: greatest resolution.
    """

    max_bytes: int = 20_000_000
    max_pixels: int = 16_000_000
    min_side: int = 64
    min_ppi: int = 250
    max_ppi: int = 2000


_DEFAULT_LIMITS: Final = ImageLimits()

_MAGIC: Final[tuple[tuple[bytes, ImageFormat], ...]] = (
    (b"\x89PNG\r\n\x1a\n", ImageFormat.PNG),
    (b"II*\x00", ImageFormat.TIFF),
    (b"MM\x00*", ImageFormat.TIFF),
    (b"BM", ImageFormat.BMP),
    (b"\xff\xa0", ImageFormat.WSQ),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", ImageFormat.JPEG2000),
    (b"\xff\x4f\xff\x51", ImageFormat.JPEG2000),
)
_READERS: Final[dict[ImageFormat, Callable[[BytesIO], ImageFile.ImageFile]]] = {
    ImageFormat.PNG: PngImageFile,
    ImageFormat.TIFF: TiffImageFile,
    ImageFormat.BMP: BmpImageFile,
    ImageFormat.JPEG2000: Jpeg2KImageFile,
}
_TIFF_COMPRESSIONS: Final = frozenset({"raw", "packbits"})
"""Those that Pillow decodes itself; the others go to libtiff, which prints its complaints to stderr."""
_DAMAGE: Final = (
    *(OSError, SyntaxError, ValueError, IndexError, KeyError, TypeError, EOFError, OverflowError, struct.error),
    UserWarning,  # only where the process turns Pillow's warnings about damaged metadata into errors
)
"""What Pillow's readers raise on damaged files (``Image.open`` itself swallows much the same list)."""


def decode_image(
    data: bytes,
    *,
    format: ImageFormat | None,  # noqa: A002 - the field's name on the wire, and keyword-only
    ppi: int | None,
    limits: ImageLimits = _DEFAULT_LIMITS,
) -> GreyImage:
    """Decode one encoded image to 8-bit grey at 500 ppi.

    Sixteen-bit grey is scaled to eight; colour is taken only where all channels are equal. An image within 1 % of
    500 ppi keeps its pixels; any other is resampled (Lanczos).

    Args:
        data: the encoded image, one page.
        format: its encoding; None to recognise it by its first bytes.
        ppi: its resolution, which then overrides what the file says; None to take it from the file (PNG pHYs, TIFF and
            BMP resolution, the JPEG 2000 res box, WSQ's NISTCOM comment).
        limits: what is refused.

    Raises:
        ImageError: field ``image.data``, ``image.format`` or ``image.ppi``.
    """
    if not data:
        raise ImageError("image.data", "the image is empty: send an encoded PNG, TIFF, BMP, WSQ or JPEG 2000")
    if len(data) > limits.max_bytes:
        raise ImageError("image.data", f"{len(data)} bytes; at most {limits.max_bytes} are allowed")
    if ppi is not None:
        _check_ppi(ppi, limits)
    recognised = next((found for magic, found in _MAGIC if data.startswith(magic)), None)
    if recognised is None:
        raise ImageError("image.data", "not an image in a known format: PNG, TIFF, BMP, WSQ and JPEG 2000 are read")
    if format is not None and format is not recognised:
        raise ImageError("image.format", f"declared {format.value}, but the data are {recognised.value}")
    if recognised is ImageFormat.WSQ:
        header = read_wsq_header(data)
        ppi = _resolution(ppi, (header.ppi, header.ppi) if header.ppi else None, limits)
        _check_size(header.width, header.height, ppi, limits)
        return _at_working_ppi(_pixels(WsqImageFile(BytesIO(checked_wsq(data)))), ppi)
    try:
        picture = _READERS[recognised](BytesIO(data))
    except _DAMAGE as error:
        raise ImageError("image.data", f"the {recognised.value} header is damaged or truncated") from error
    with picture:
        try:
            # Pillow reads parts of a header only when they are asked for, so damage may show as late as here.
            pages = getattr(picture, "n_frames", 1)
            compression, stated = picture.info.get("compression"), picture.info.get("dpi")
            if stated is not None:
                stated = (float(stated[0]), float(stated[1]))
        except _DAMAGE as error:
            raise ImageError("image.data", f"the {recognised.value} header is damaged or truncated") from error
        if pages != 1:
            raise ImageError("image.data", "the file holds several pages; send one image a sample")
        if recognised is ImageFormat.TIFF and compression not in _TIFF_COMPRESSIONS:
            raise ImageError("image.data", "this TIFF compression is not read: uncompressed and PackBits are")
        ppi = _resolution(ppi, stated, limits)
        _check_size(picture.width, picture.height, ppi, limits)
        return _at_working_ppi(_pixels(picture), ppi)


def decode_raw(pixels: bytes, *, width: int, height: int, ppi: int, limits: ImageLimits = _DEFAULT_LIMITS) -> GreyImage:
    """Take uncompressed 8-bit grey rows (ANSI/NIST-ITL compression NONE) to 500 ppi.

    Args:
        pixels: width x height bytes, row by row from the top, 0 black.
        width: pixels a row.
        height: rows.
        ppi: resolution.
        limits: what is refused.

    Raises:
        ImageError: when the count of bytes is not width x height, or a limit is broken.
    """
    _check_ppi(ppi, limits)
    _check_size(width, height, ppi, limits)
    if len(pixels) != width * height:
        raise ImageError("image.data", f"{len(pixels)} bytes for {width} x {height} pixels of one byte each")
    return _at_working_ppi(np.frombuffer(pixels, np.uint8).reshape(height, width), ppi)


def _check_ppi(ppi: int, limits: ImageLimits) -> None:
    if not limits.min_ppi <= ppi <= limits.max_ppi:
        raise ImageError("image.ppi", f"{ppi} is outside the allowed {limits.min_ppi}-{limits.max_ppi} pixels an inch")


def _resolution(given: int | None, stated: tuple[float, float] | None, limits: ImageLimits) -> int:
    if given is not None:
        return given
    if not stated or not all(0 < value < 1e6 for value in stated):
        raise ImageError("image.ppi", "the file does not say its resolution: give the ppi of the scan")
    across, down = stated
    if abs(across - down) > _TOLERANCE * across:
        raise ImageError("image.ppi", f"the file states {across:.0f} x {down:.0f} ppi; square pixels are required")
    if not limits.min_ppi <= round(across) <= limits.max_ppi:
        allowed = f"{limits.min_ppi}-{limits.max_ppi}"
        raise ImageError("image.ppi", f"the file states {across:.0f} ppi, outside {allowed}: give the ppi of the scan")
    return round(across)


def _check_size(width: int, height: int, ppi: int, limits: ImageLimits) -> None:
    """Before any pixel is decoded."""
    out_width, out_height = _working_size(width, height, ppi)
    if max(width * height, out_width * out_height) > limits.max_pixels:
        at = f"{width} x {height} pixels at {ppi} ppi"
        raise ImageError("image.data", f"{at}; at most {limits.max_pixels} pixels are allowed, there and at 500 ppi")
    if min(out_width, out_height, width, height) < limits.min_side:
        size = f"{width} x {height} pixels at {ppi} ppi"
        raise ImageError("image.data", f"{size} are too small; at 500 ppi each side needs {limits.min_side} or more")


def _working_size(width: int, height: int, ppi: int) -> tuple[int, int]:
    if abs(ppi - WORKING_PPI) <= _TOLERANCE * WORKING_PPI:
        return width, height
    return round(width * WORKING_PPI / ppi), round(height * WORKING_PPI / ppi)


def _pixels(picture: ImageFile.ImageFile) -> NDArray[np.uint8]:
    """Decode: uint8 [height, width]."""
    try:
        picture.load()
    except _DAMAGE as error:
        raise ImageError("image.data", "the pixel data are damaged or truncated") from error
    samples = np.asarray(picture)
    if picture.mode == "L":
        return samples
    if picture.mode.startswith("I;16"):
        return (samples >> 8).astype(np.uint8)
    if picture.mode == "RGB" and (samples == samples[:, :, :1]).all():
        return samples[:, :, 0]
    raise ImageError(
        "image.data", f"pixels of mode {picture.mode}; allowed are 8-bit or 16-bit grey, and RGB with equal channels"
    )


def _at_working_ppi(pixels: NDArray[np.uint8], ppi: int) -> GreyImage:
    height, width = pixels.shape
    size = _working_size(width, height, ppi)
    if size != (width, height):
        resampled = Image.fromarray(np.ascontiguousarray(pixels)).resize(size, Image.Resampling.LANCZOS)
        pixels = np.asarray(resampled)
    pixels = np.array(pixels, np.uint8, order="C")
    pixels.flags.writeable = False
    return GreyImage(pixels, WORKING_PPI)
