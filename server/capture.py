"""What a caller handed in, and what was made of it: domain types, free of protobuf."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from tenprint.fingerprint.features import FingerFeatures
from tenprint.fingerprint.image import ImageFormat
from tenprint.fingerprint.itl import MissingReason
from tenprint.fingerprint.positions import FingerPosition
from tenprint.fingerprint.quality import PoorReason
from tenprint.fingerprint.template import MAX_SIDE, FingerView, write_template


@dataclass(frozen=True, slots=True)
class EmbeddingContent:
    """A vector the caller's copy of the model made: float32 little-endian bytes, and the model's version."""

    vector: bytes
    model_version: str


@dataclass(frozen=True, slots=True)
class TemplateContent:
    """An ISO/IEC 19794-2 record."""

    data: bytes


@dataclass(frozen=True, slots=True)
class ImageContent:
    """An encoded image; format and resolution where the caller states them."""

    data: bytes
    format: ImageFormat | None
    ppi: int | None


@dataclass(frozen=True, slots=True)
class Sample:
    """One finger, in one form."""

    position: FingerPosition
    content: EmbeddingContent | TemplateContent | ImageContent


@dataclass(frozen=True, slots=True)
class Missing:
    """A finger the caller says could not be taken."""

    position: FingerPosition
    reason: MissingReason


@dataclass(frozen=True, slots=True)
class Fingers:
    """Fingers sent one by one."""

    samples: tuple[Sample, ...]
    missing: tuple[Missing, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of what was sent."""
        return sum(
            len(item.content.vector if isinstance(item.content, EmbeddingContent) else item.content.data)
            for item in self.samples
        )


@dataclass(frozen=True, slots=True)
class TransactionFile:
    """A whole ANSI/NIST-ITL file, and the positions wanted from it; none named: all."""

    data: bytes
    positions: frozenset[FingerPosition]

    @property
    def nbytes(self) -> int:
        """Bytes of what was sent."""
        return len(self.data)


class SampleStatus(StrEnum):
    """What became of a sample; the names of tenprint.v1.SampleStatus."""

    USED = "used"
    NOT_USED_SLAP = "not_used_slap"
    NOT_USED_DUPLICATE = "not_used_duplicate"
    NOT_USED_POSITION = "not_used_position"
    NOT_USED_TYPE = "not_used_type"
    SEGMENTED = "segmented"
    UNREADABLE = "unreadable"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class SampleReport:
    """What became of one sample, declared missing finger or skipped record. `detail` is safe to show and to log.

    `area_mm2`: of the minutiae's convex hull. `poor`: why the print tells little.
    """

    position: FingerPosition
    status: SampleStatus
    detail: str = ""
    minutiae: int | None = None
    nfiq2: int | None = None
    record_type: int = 0
    area_mm2: float | None = None
    poor: tuple[PoorReason, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class PreparedCapture:
    """A capture ready to be searched or enrolled.

    Attributes:
        vector: float32 [10 * d]: slot i is finger i + 1, zeros where absent. Of a finger of unknown position:
            float32 [d].
        fingers: the fingers in it, in FGP order; `(UNKNOWN,)` for the finger of unknown position.
        reports: one for every sample, missing finger and skipped record, in the order they were sent.
        features: what re-ranking reads of the fingers whose minutiae are known; empty where the position is not.
        views: those minutiae, and the quality of their images where it was measured.
        decode_seconds: CPU-side seconds reading files and decoding images, summed over the samples.
        extract_seconds: likewise finding minutiae and measuring quality.
        embed_seconds: likewise making vectors.
    """

    vector: NDArray[np.float32]
    fingers: tuple[FingerPosition, ...]
    reports: tuple[SampleReport, ...]
    features: Mapping[FingerPosition, FingerFeatures]
    views: tuple[FingerView, ...]
    decode_seconds: float
    extract_seconds: float
    embed_seconds: float

    def minutiae_record(self) -> bytes:
        """The minutiae as an ISO/IEC 19794-2:2005 record, their places rounded into the image; empty: none."""
        return write_template([_within_template(view) for view in self.views]) if self.views else b""

    @property
    def position_known(self) -> bool:
        """False for a lone finger of unknown position."""
        return self.fingers != (FingerPosition.UNKNOWN,)


def _within_template(view: FingerView) -> FingerView:
    """With places that a template can hold: within the image, and the image within what its fields can say."""
    minutiae = view.minutiae
    width, height = min(minutiae.width, MAX_SIDE), min(minutiae.height, MAX_SIDE)
    x, y = np.clip(np.rint(minutiae.x), 0, width - 1), np.clip(np.rint(minutiae.y), 0, height - 1)
    return replace(view, minutiae=replace(minutiae, x=x, y=y, width=width, height=height))
