"""What re-ranking keeps of a finger: minutiae with short descriptors, at most 1,589 bytes.

A descriptor of the model is 64 float32 numbers that fill about 24 dimensions. :class:`DescriptorAxes` turns it onto
those, the principal axes of the model's descriptors of simulated fingers, and rounds each coordinate to four bits: 12
bytes a minutia that tell fingers apart as well as the 256 bytes they come from (ADR 0008).
"""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from tenprint.fingerprint.embedding import Embedding
from tenprint.fingerprint.errors import FeaturesError, ModelError
from tenprint.fingerprint.minutiae import Minutiae
from tenprint.fingerprint.positions import FingerPosition

AXES: Final = 24
"""Coordinates of a stored descriptor."""
DESCRIPTOR_LENGTH: Final = 14
"""Length of a stored descriptor: 0.5 in a unit vector is 7, the greatest that four bits hold; the 1.5 % of coordinates
beyond are cut off. The similarity of two descriptors is their inner product divided by this length's square."""
MAX_MINUTIAE: Final = 93
"""Most minutiae kept of a finger: so ten fingers take 15,890 bytes at most, within the 16 KB of a ten-print record."""
MAX_COORDINATE: Final = 16_383
"""Greatest distance of a minutia from the image's left or top edge in pixels: 83 cm; bounds the matcher's integers."""

_VERSION: Final = 1
_HEADER: Final = struct.Struct("<BBHI")
"""Version, minutiae, zero, the axes' identity."""
_MINUTIA: Final = np.dtype([("x", "<i2"), ("y", "<i2"), ("direction", "u1"), ("descriptor", "u1", (AXES // 2,))])
"""Packed, 17 bytes. A byte of the descriptor is coordinates 2i (low four bits) and 2i + 1, each plus 8."""
_FINGER: Final = struct.Struct("<BH")
"""A finger of a capture: its FGP code, and the bytes that follow."""
_POSITIONS: Final = range(1, 11)
_FIELD: Final = "features.data"
_FILE: Final = "descriptor_axes.npy"


class DescriptorAxes:
    """The axes that descriptors of one model are stored on.

    Args:
        folder: holds the model and `descriptor_axes.npy`, float32 [descriptor dimension, 24], orthonormal columns;
            None: the folder of the model in the package.

    Raises:
        ModelError: if the file is missing or does not hold such axes.
    """

    def __init__(self, folder: Path | None = None) -> None:
        root = folder if folder is not None else Path(str(resources.files(__package__) / "models"))
        path = root / _FILE
        try:
            axes = np.load(path, allow_pickle=False)
        except OSError as error:
            raise ModelError(_FILE, f"{path} cannot be read: {error.strerror}") from error
        except (ValueError, EOFError) as error:
            raise ModelError(_FILE, f"{path} is not a NumPy array") from error
        if not isinstance(axes, np.ndarray) or axes.dtype != np.float32 or axes.ndim != 2 or axes.shape[1] != AXES:
            raise ModelError(_FILE, f"{path} must hold float32 [descriptor dimension, {AXES}]")
        if not np.allclose(axes.T @ axes, np.eye(AXES), atol=1e-4):
            raise ModelError(_FILE, f"the columns in {path} are not orthonormal")
        self._axes: NDArray[np.float32] = axes
        self._identity = zlib.crc32(np.ascontiguousarray(axes).tobytes())

    @property
    def dimension(self) -> int:
        """Numbers in a descriptor that these axes take."""
        return int(self._axes.shape[0])

    @property
    def identity(self) -> int:
        """Unsigned 32-bit number of these axes (their CRC-32). Features on two sets of axes must never meet."""
        return self._identity

    def quantise(self, descriptors: NDArray[np.float32]) -> NDArray[np.int8]:
        """Turn descriptors onto the axes, scale them to unit length, round them to -7 ... 7.

        Args:
            descriptors: float32 [n, dimension].

        Returns:
            int8 [n, 24].
        """
        turned: NDArray[np.float32] = descriptors @ self._axes
        turned /= np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), np.float32(1e-9))
        rounded: NDArray[np.int8] = np.clip(np.rint(turned * DESCRIPTOR_LENGTH), -7, 7).astype(np.int8)
        return rounded


@dataclass(frozen=True, slots=True, eq=False)
class FingerFeatures:
    """The minutiae of one finger impression that are kept for comparison. All arrays have the same length, 0 to 93.

    Attributes:
        x: int16 [n], pixels at 500 ppi from the left edge of the image, -16,383 to 16,383.
        y: int16 [n], pixels at 500 ppi from its top edge, growing downwards, -16,383 to 16,383.
        direction: uint8 [n], 256ths of a turn, counter-clockwise from the +x axis with y up.
        packed: uint8 [n, 12], descriptors: coordinates 2i and 2i + 1, each plus 8, in the low and the high four bits.
        axes: identity of the :class:`DescriptorAxes` the descriptors lie on.

    Raises:
        FeaturesError: if there are too many minutiae, or one lies out of range.
    """

    x: NDArray[np.int16]
    y: NDArray[np.int16]
    direction: NDArray[np.uint8]
    packed: NDArray[np.uint8]
    axes: int

    def __post_init__(self) -> None:
        if len(self.x) > MAX_MINUTIAE:
            raise FeaturesError("features.minutiae", f"{len(self.x)}; at most {MAX_MINUTIAE} are allowed")
        places = np.concatenate([self.x, self.y])
        if max(int(places.max(initial=0)), -int(places.min(initial=0))) > MAX_COORDINATE:
            raise FeaturesError("features.minutiae", f"a place beyond {MAX_COORDINATE} pixels; a finger lies within")

    def __len__(self) -> int:
        return len(self.x)

    @classmethod
    def of(cls, minutiae: Minutiae, embedding: Embedding, axes: DescriptorAxes) -> Self:
        """Keep the most central of the minutiae that the model described (those nearest the median place), in order.

        Args:
            minutiae: as extracted.
            embedding: what the model made of these minutiae.
            axes: of the same model.

        Raises:
            FeaturesError: if a minutia lies more than 16,383 pixels from the image's edges, or the axes are of
                descriptors of another dimension.
        """
        if embedding.descriptors.shape[1] != axes.dimension:
            told = f"{embedding.descriptors.shape[1]} numbers a descriptor; these axes take {axes.dimension}"
            raise FeaturesError("features.descriptors", told)
        x, y = np.rint(minutiae.x[embedding.kept]), np.rint(minutiae.y[embedding.kept])
        if len(x) and not max(np.abs(x).max(), np.abs(y).max()) <= MAX_COORDINATE:
            raise FeaturesError("minutiae", f"a place beyond {MAX_COORDINATE} pixels; a finger lies within")
        chosen = _most_central(x, y)
        shifted = (axes.quantise(embedding.descriptors[chosen]) + 8).astype(np.uint8)
        turns = minutiae.direction[embedding.kept[chosen]] * (256 / (2 * np.pi))
        return cls(
            x=x[chosen].astype(np.int16),
            y=y[chosen].astype(np.int16),
            direction=(np.rint(turns).astype(np.int64) % 256).astype(np.uint8),
            packed=(shifted[:, 0::2] | shifted[:, 1::2] << 4).astype(np.uint8, copy=False),
            axes=axes.identity,
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what :meth:`to_bytes` wrote.

        Raises:
            FeaturesError: if the bytes are of another version or length, or hold too many minutiae or a place too far.
        """
        if len(data) < _HEADER.size:
            raise FeaturesError(_FIELD, f"{len(data)} bytes; the header alone has {_HEADER.size}")
        version, count, zero, axes = _HEADER.unpack_from(data)
        if version != _VERSION or zero:
            raise FeaturesError(_FIELD, f"version {version}, reserved {zero}; this software reads {_VERSION} and 0")
        if len(data) != _HEADER.size + count * _MINUTIA.itemsize:
            expected = _HEADER.size + count * _MINUTIA.itemsize
            raise FeaturesError(_FIELD, f"{len(data)} bytes; {count} minutiae take {expected}")
        rows = np.frombuffer(data, _MINUTIA, count, _HEADER.size)
        x, y = rows["x"].astype(np.int16), rows["y"].astype(np.int16)
        return cls(x, y, rows["direction"].copy(), rows["descriptor"].copy(), axes)

    def to_bytes(self) -> bytes:
        """The features as little-endian bytes: 8 and 17 a minutia.

        Version 1: uint8 version, uint8 n, uint16 zero, uint32 axes; then for each minutia int16 x, int16 y, uint8
        direction, 12 bytes of descriptor.
        """
        rows = np.empty(len(self), _MINUTIA)
        rows["x"], rows["y"], rows["direction"], rows["descriptor"] = self.x, self.y, self.direction, self.packed
        return _HEADER.pack(_VERSION, len(self), 0, self.axes) + rows.tobytes()


def pack_capture(fingers: Mapping[FingerPosition, FingerFeatures]) -> bytes:
    """The features of a capture's fingers, by FGP code, as bytes: at most 15,920 for ten fingers, empty for none.

    For each finger by rising code: uint8 code, uint16 length, then what :meth:`FingerFeatures.to_bytes` writes.
    """
    packed = b""
    for position in sorted(fingers):
        data = fingers[position].to_bytes()
        packed += _FINGER.pack(position, len(data)) + data
    return packed


def unpack_capture(data: bytes) -> dict[FingerPosition, FingerFeatures]:
    """Read what :func:`pack_capture` wrote.

    Raises:
        FeaturesError: if it is cut short, or one finger's part is not what that wrote.
    """
    fingers: dict[FingerPosition, FingerFeatures] = {}
    start = 0
    while start < len(data):
        if start + _FINGER.size > len(data):
            raise FeaturesError(_FIELD, f"{len(data)} bytes end within a finger's header")
        position, length = _FINGER.unpack_from(data, start)
        start += _FINGER.size
        if position not in _POSITIONS or start + length > len(data):
            raise FeaturesError(_FIELD, f"{len(data)} bytes end within finger {position}, or it is none of 1 to 10")
        fingers[FingerPosition(position)] = FingerFeatures.from_bytes(data[start : start + length])
        start += length
    return fingers


def unpack(packed: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Descriptors as whole numbers in float32 [..., 24], -8 to 7: a product of two is exact in any order of adding."""
    unpacked = np.empty((*packed.shape[:-1], AXES), np.float32)
    unpacked[..., 0::2] = packed & 15
    unpacked[..., 1::2] = packed >> 4
    unpacked -= 8
    return unpacked


def _most_central(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.int64]:
    """Which minutiae to keep, in rising order: another impression most likely shows the middle of this one."""
    if len(x) <= MAX_MINUTIAE:
        return np.arange(len(x))
    distance = np.hypot(x - np.median(x), y - np.median(y))
    return np.sort(np.argsort(distance, kind="stable")[:MAX_MINUTIAE])
