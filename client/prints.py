"""Prints of a case as files that can be looked at. Needs the extra `fingerprint`."""

from tenprint.fingerprint.errors import ImageError
from tenprint.fingerprint.itl import Impression
from tenprint.fingerprint.positions import FingerPosition
from tenprint.fingerprint.synthetic import encode_png
from tenprint.v1 import adjudication_pb2


def viewable(image: adjudication_pb2.PrintImage) -> tuple[str, bytes]:
    """An image as PNG at 500 ppi; as it was sent where it cannot be decoded. Its suffix and its bytes."""
    impression = Impression(
        position=FingerPosition(image.position),
        impression_type=image.impression_type,
        rolled=False,
        record_type=14,
        idc=0,
        data=image.data,
        compression=image.compression,
        width=image.width,
        height=image.height,
        ppi=image.ppi,
    )
    try:
        return "png", encode_png(impression.decode())
    except ImageError:
        return image.compression.lower() or "bin", image.data
