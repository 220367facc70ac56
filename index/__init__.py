"""A gallery of captures held in FAISS. Knows no gRPC and no SQL; imports nothing else of tenprint."""

from tenprint.index.errors import (
    DamagedSnapshotError,
    DuplicateRecordError,
    ForeignSnapshotError,
    GalleryError,
    InvalidIdError,
    InvalidLimitError,
    InvalidVectorError,
)
from tenprint.index.gallery import MAX_CANDIDATES, MAX_DIMENSION, MAX_ID_LENGTH, MAX_PROBES, Gallery
from tenprint.index.results import (
    Candidate,
    Coverage,
    FingerScore,
    GalleryInfo,
    Record,
    SearchBatch,
    SearchResult,
    SearchTiming,
)
from tenprint.index.scan import SCAN_FROM
from tenprint.index.self_test import SelfTest, self_test
from tenprint.index.snapshots import SnapshotFolder, sync_folder
from tenprint.index.vectors import FINGERS, NORM_TOLERANCE
from tenprint.index.yardstick import Yardstick

__all__ = [
    "FINGERS",
    "MAX_CANDIDATES",
    "MAX_DIMENSION",
    "MAX_ID_LENGTH",
    "MAX_PROBES",
    "NORM_TOLERANCE",
    "SCAN_FROM",
    "Candidate",
    "Coverage",
    "DamagedSnapshotError",
    "DuplicateRecordError",
    "FingerScore",
    "ForeignSnapshotError",
    "Gallery",
    "GalleryError",
    "GalleryInfo",
    "InvalidIdError",
    "InvalidLimitError",
    "InvalidVectorError",
    "Record",
    "SearchBatch",
    "SearchResult",
    "SearchTiming",
    "SelfTest",
    "SnapshotFolder",
    "Yardstick",
    "self_test",
    "sync_folder",
]
