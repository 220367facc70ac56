"""Where an image shows friction ridges: a coarse map that tells prints from paper, print, lines and handwriting."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy  # which loads its parts when they are used
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tenprint.fingerprint.image import GreyImage

CELL: Final = 16
"""Distance of neighbouring cells in pixels at 500 ppi; cell [i, j] is centred on row 16 i, column 16 j."""

_BLOCK: Final = 16  # side of a cell's window at half resolution: 32 pixels at 500 ppi, three to four ridges
_LOWEST, _HIGHEST = 2.0, 5.0  # cycles a window: ridge periods of 6.4 to 16 pixels at 500 ppi
_LEAST_SHARE: Final = 0.42  # of a cell's energy in the band; white noise has 0.3, pen strokes and type 0.2 to 0.5
_SURE_SHARE: Final = 0.6  # cells whose ridges set the image's own contrast
_LEAST_SURE: Final = 40  # such cells; fewer are 3 mm x 3 mm, and no finger
_LEAST_STRENGTH: Final = 0.15  # of the upper quartile of the sure cells
_LARGEST_HOLE: Final = 80  # cells, the hole of a punch; paper that fingers enclose is larger
_FAINTEST: Final = 200.0  # strength of a sine of amplitude 5 in 255


@dataclass(frozen=True, slots=True, eq=False)
class RidgeMap:
    """Ridges on a grid of cells, see :data:`CELL`.

    Attributes:
        ridges: bool [rows, columns], whether a cell lies on friction ridges; small holes in a print are filled.
        half: float32 [height // 2, width // 2], the image at 250 ppi, each pixel the mean of four.
    """

    ridges: NDArray[np.bool_]
    half: NDArray[np.float32]


def map_ridges(image: GreyImage) -> RidgeMap:
    """Map the ridges of an image by the share of local spectral energy that lies in the band of ridge periods.

    A cell is on ridges where the energy in the band is a good share of all but the mean, smoothed over 3 x 3 cells, and
    strong against the image's own clear ridges: the short-time Fourier analysis of Chikkerur, Cartwright, Govindaraju
    (*Fingerprint enhancement using STFT analysis*, Pattern Recognition 40, 2007), without its later steps.

    Args:
        image: at 500 ppi, of any size from 32 x 32.

    Returns:
        The map; without a cell on ridges where the image shows none.
    """
    height, width = (side // 2 * 2 for side in image.pixels.shape)
    quads = image.pixels[:height, :width].reshape(height // 2, 2, width // 2, 2)
    half = quads.sum(axis=(1, 3), dtype=np.uint16).astype(np.float32) / np.float32(4.0)
    strength, share = _spectra(half)
    share = scipy.ndimage.uniform_filter(share, 3, mode="nearest")
    sure = strength[share > _SURE_SHARE]
    if len(sure) < _LEAST_SURE:
        return RidgeMap(np.zeros(strength.shape, dtype=np.bool_), half)
    least = max(_LEAST_STRENGTH * float(np.percentile(sure, 75)), _FAINTEST)
    ridges = scipy.ndimage.binary_opening((strength > least) & (share > _LEAST_SHARE))
    holes = scipy.ndimage.label(np.pad(~ridges, 1, constant_values=True))[0][
        1:-1, 1:-1
    ]  # what the edge cuts is no hole
    return RidgeMap(ridges | (np.bincount(holes.ravel()) <= _LARGEST_HOLE)[holes], half)


def _spectra(half: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Of each cell: root of the energy in the ridges' band, and that energy's share of all energy but the mean."""
    step = CELL // 2
    windows = sliding_window_view(np.pad(half, _BLOCK // 2, mode="edge"), (_BLOCK, _BLOCK))[::step, ::step]
    taper = np.hanning(_BLOCK + 2)[1:-1].astype(np.float32)
    frequency = np.hypot(np.fft.fftfreq(_BLOCK)[:, None] * _BLOCK, np.arange(_BLOCK // 2 + 1))
    sides = np.where((np.arange(_BLOCK // 2 + 1) % (_BLOCK // 2)) == 0, 1.0, 2.0)  # rfft2 leaves out half the spectrum
    weights = np.stack([sides * ((frequency >= _LOWEST) & (frequency <= _HIGHEST)), sides + 0.0 * frequency])
    weights = weights.astype(np.float32)
    inside, whole = np.empty((2, *windows.shape[:2]), dtype=np.float32)
    for row, strip in enumerate(windows):  # row by row, so that memory does not grow with the image
        centred = strip - strip.mean(axis=(1, 2), keepdims=True)
        spectrum = scipy.fft.rfft2(centred * (taper[:, None] * taper))
        energy = spectrum.real**2 + spectrum.imag**2
        inside[row], whole[row] = np.einsum("jkl,wkl->wj", energy, weights)
    return np.sqrt(inside), inside / (whole + np.float32(1.0))
