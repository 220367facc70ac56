"""Minutiae by LEADER, a neural network, through `onnxruntime`; `models/LEADER-LICENSE.txt` says whose it is."""

import math
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from tenprint.fingerprint.errors import ImageError, ModelError
from tenprint.fingerprint.image import WORKING_PPI, GreyImage
from tenprint.fingerprint.minutiae import Minutiae
from tenprint.fingerprint.onnx_model import ModelCard, one_thread

MIN_SIDE: Final = 64
"""Least width and height in pixels; no finger fits below (3.3 mm)."""
MAX_PIXELS: Final = 16_000_000
"""Most pixels of one image: the default of :class:`~tenprint.fingerprint.image.ImageLimits`."""
MAX_PRINT_PIXELS: Final = 2_000_000
"""Most pixels of the part that is not blank. The network takes 270 bytes of memory a pixel, so 0.6 GB at this limit; a
rolled finger's box of 1.6 x 1.5 inches (ANSI/NIST-ITL) is 600,000 pixels."""

_CARD: Final = "leader.json"
_CELL: Final = 32
"""The network halves the image five times, so its sides must be multiples of this."""
_BLANK: Final = 3.0
"""Greatest standard deviation, in grey levels, of a blank cell: ridges 8 levels darker than their valleys have 2.8. Not
critical: 2, 4 and 6 cut nearly the same off the images of FVC2002 and FVC2004."""

_MARGIN: Final = 2
"""Blank cells kept around the print. The network sees where the image ends: with two, 99.3 % of the minutiae of prints
with wide margins (20 of FVC2004 DB1) stay what they are in the whole image, with one 98.5 %, with three 99.9 %."""


class LeaderExtractor:
    """Finds minutiae with LEADER, 0.35 s a 500 x 500 image full of ridges on one core; wide blank margins cost nothing.

    One object serves any number of threads: a session of onnxruntime keeps no state of a call, and runs without the
    interpreter lock, on the calling thread alone. The same image gives the same minutiae on the same processor and
    version of onnxruntime. A print has no limit of 150 minutiae as with MINDTCT; 512 with the highest scores are kept.

    Args:
        folder: holds `leader.json` and the ONNX file it names; None: the model in the package.

    Raises:
        ModelError: if a file is missing, damaged, or does not fit the other.
    """

    def __init__(self, folder: Path | None = None) -> None:
        card = ModelCard(folder, _CARD)
        try:
            self._name = f"leader-{card.fields['version']}"
            self._threshold = np.array(float(card.fields["score_threshold"]), dtype=np.float32)
        except (KeyError, TypeError, ValueError) as error:
            raise card.wrong(error) from error
        path, model = card.model()
        options = one_thread()
        options.enable_mem_pattern = False  # a plan of the memory for each size of image ever seen would pile up
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
            self._run(np.full((_CELL, _CELL), 255, np.uint8))
        except Exception as error:  # the only base that onnxruntime's own exceptions share
            runtime = f"onnxruntime {onnxruntime.__version__}"
            raise ModelError("file", f"{path} is not a minutiae model that {runtime} runs") from error

    @property
    def name(self) -> str:
        """Name and version of the extractor."""
        return self._name

    def extract(self, image: GreyImage) -> Minutiae:
        """Find the minutiae of one impression; see :class:`~tenprint.fingerprint.minutiae.MinutiaeExtractor`.

        They come in reading order, by row, then by column. The reliability is the network's score: of a minutia's
        probability, blurred, the peak; from 0.6 up. An image that shows no print gives no minutiae, or a few that
        noise resembles; that is not an error here.

        Raises:
            ImageError: when the image is not at 500 ppi, or is too small or too large.
        """
        height, width = image.pixels.shape
        if image.ppi != WORKING_PPI:
            raise ImageError("image.ppi", f"{image.ppi}; minutiae are extracted at {WORKING_PPI} ppi only")
        if min(width, height) < MIN_SIDE or width * height > MAX_PIXELS:
            allowed = f"sides of {MIN_SIDE} pixels or more and {MAX_PIXELS} pixels at most"
            raise ImageError("image.data", f"{width} x {height} pixels; minutiae extraction needs {allowed}")
        padded, top, left = _pad(image.pixels)
        rows, columns = _printed(padded)
        printed = padded[rows, columns]
        if printed.size > MAX_PRINT_PIXELS:
            seen = f"{printed.shape[1]} x {printed.shape[0]} pixels that are not blank"
            raise ImageError("image.data", f"{seen}; minutiae extraction takes {MAX_PRINT_PIXELS} at most")
        places, scores, directions, endings = self._run(printed)
        y, x = places[:, 0] + (rows.start - top), places[:, 1] + (columns.start - left)
        order = np.lexsort((x, y))
        kept = order[((y >= 0) & (y < height) & (x >= 0) & (x < width))[order]]  # the padding is no part of the image
        # LEADER's direction is ISO's: counter-clockwise from +x, y up, along the ridge ending or between the branches.
        turned = np.arctan2(directions[kept, 1], directions[kept, 0]) % np.float32(math.tau)
        return Minutiae(
            x=x[kept].astype(np.float32),
            y=y[kept].astype(np.float32),
            direction=np.where(turned < np.float32(math.tau), turned, np.float32(0)),
            kind=np.where(endings[kept, 0] >= 0.5, 1, 2).astype(np.uint8),
            reliability=np.clip(scores[kept], 0.0, 1.0),
            width=width,
            height=height,
        )

    def _run(self, pixels: NDArray[np.uint8]) -> list[NDArray[Any]]:
        """Run the network on [h, w]: rows and columns [n, 2], scores [n], (cos, sin) [n, 2], ending or not [n, 1]."""
        if not pixels.size:
            return [np.empty(shape, dtype=np.float32) for shape in ((0, 2), (0,), (0, 2), (0, 1))]
        inputs = {"pixels": pixels[np.newaxis, np.newaxis], "threshold": self._threshold}
        return list(self._session.run(["places", "scores", "directions", "endings"], inputs))


def _pad(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], int, int]:
    """Centre the image in whole cells, filled with its first pixel's grey as in LEADER's own code; top and left."""
    extra = [-side % _CELL for side in pixels.shape]
    top, left = extra[0] // 2, extra[1] // 2
    around = ((top, extra[0] - top), (left, extra[1] - left))
    return np.pad(pixels, around, constant_values=pixels[0, 0]), top, left


def _printed(padded: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Rows and columns that hold every cell that is not blank, and the margin around them where there is one.

    Whole cells, because an image moved by less than a cell does not give the same minutiae moved.
    """
    height, width = (side // _CELL for side in padded.shape)
    cells = padded.reshape(height, _CELL, width, _CELL)
    total = cells.sum(axis=(1, 3), dtype=np.int64)
    squares = np.square(cells, dtype=np.uint16).sum(axis=(1, 3), dtype=np.int64)
    count = _CELL * _CELL
    busy = squares * count - total * total > (_BLANK * count) ** 2
    spans = []
    for along, cells_along in ((1, height), (0, width)):
        found = np.flatnonzero(busy.any(axis=along))
        first, last = (max(found[0] - _MARGIN, 0), min(found[-1] + 1 + _MARGIN, cells_along)) if len(found) else (0, 0)
        spans.append(slice(int(first) * _CELL, int(last) * _CELL))
    return spans[0], spans[1]
