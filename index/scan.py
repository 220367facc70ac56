"""Scan codes: half a byte for four numbers, by which FAISS's PQ FastScan names the records worth an exact look.

A vector is cut into pieces of four numbers and each piece is replaced by the nearest of 16 centroids: 32 bytes a finger
of 256, 32 times less to read than the vector. The approximate inner product of a probe with a record depends on the
two, the codebook and nothing else: table entries are rounded to whole numbers once a probe, and those are summed.

The codebook is made of simulated vectors, and of no person's: an expunged record leaves no trace in it. Unit vectors
that point anywhere have pieces that are near enough normal with variance 1/d, so one codebook serves all pieces.
Trained on real embeddings the residual of a finger is .51 instead of .60 (2026-11-24, on the prints it was trained on).
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tenprint.index._faiss import ScanIndex
from tenprint.index.vectors import FINGERS

PIECE: Final = 4
"""Numbers of a piece. Two leave a third of the residual's square (.12 of .36) and take twice the time."""

CENTROIDS: Final = 16
"""Of a piece: what FastScan's four bits name."""

SCAN_FROM: Final = 16_384
"""Encounters of a gallery from which on its files have codes. Below, a flat scan is quick, and misses nothing."""

SCAN_ROWS: Final = 1024
"""Fewest encounters of a file that has codes. Its lookup tables, made for every probe, cost what scanning some hundred
vectors does."""

NOMINEES: Final = 320
"""Records that scan codes nominate for a probe of ten fingers, in a whole gallery, where 20 or fewer are wanted."""

_NOMINEES_EACH: Final = 16
"""Nominees for each candidate wanted, where that is more."""

_TRAINING_SEED: Final = 20261124
_TRAINING_PIECES: Final = 1 << 16
_ROUNDS: Final = 30


def nominees_wanted(k: int, fingers: int) -> int:
    """How many records scan codes nominate for a probe, so that the best ``k`` are among them.

    The codes of few fingers tell less. The error of a mean over n fingers falls with the root of n, and so does the
    spread of the non-mates' scores; but a mate's lead, measured in that spread, grows with it. So few fingers get more.
    """
    return max(NOMINEES, _NOMINEES_EACH * k) * FINGERS // fingers


@dataclass(frozen=True, slots=True, eq=False)
class Codebook:
    """Which centroids codes stand for.

    Attributes:
        centroids: float32 [16, 4], of every piece.
    """

    centroids: NDArray[np.float32]

    @property
    def version(self) -> str:
        """Names it: codes of two versions say different things."""
        return hashlib.sha256(self.centroids.astype("<f4").tobytes()).hexdigest()[:16]


@cache
def simulated_codebook(dimension: int) -> Codebook:
    """The codebook of vectors of ``dimension`` numbers that point anywhere: Lloyd's algorithm on normal pieces."""
    random = np.random.Generator(np.random.PCG64(_TRAINING_SEED))
    pieces = random.standard_normal((_TRAINING_PIECES, PIECE))
    centroids = pieces[:CENTROIDS].copy()
    for _ in range(_ROUNDS):
        nearest = (np.square(centroids).sum(axis=1) - 2 * pieces @ centroids.T).argmin(axis=1)
        centroids = np.stack([pieces[nearest == number].mean(axis=0) for number in range(CENTROIDS)])
    return Codebook((centroids / np.sqrt(dimension)).astype(np.float32))


class ScanCodes:
    """The codes of a segment's rows, ready to be scanned. Searched by any number of threads at once once it is full.

    Args:
        codebook: what they stand for.
        width: numbers of a row, a multiple of 4.
        packed: uint8, the codes of `count` rows as `packed` gave them; None: of no row yet.
        count: rows.
    """

    def __init__(self, codebook: Codebook, width: int, packed: NDArray[np.uint8] | None = None, count: int = 0) -> None:
        self.codebook: Final = codebook
        self._index = ScanIndex(codebook.centroids, width, packed, count)

    @staticmethod
    def packed_size(width: int, count: int) -> int:
        """Bytes of the packed codes: whole blocks of 32 rows, whole pairs of pieces."""
        return -(-count // 32) * 32 * -(-width // (2 * PIECE))

    @property
    def nbytes(self) -> int:
        """Bytes of the codes in memory."""
        return self._index.packed().nbytes

    def add(self, rows: NDArray[np.float32]) -> None:
        """Encode further rows, float32 [n, width]."""
        self._index.add(rows)

    def packed(self) -> NDArray[np.uint8]:
        """The codes as they are kept: rows in blocks of 32, in the order FastScan reads them. A view."""
        return self._index.packed()

    def nearest(self, queries: NDArray[np.float32], k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The k rows of largest approximate inner product with each query.

        Args:
            queries: float32 [n, width], C-contiguous, n at least 1.
            k: 1 to the number of rows.

        Returns:
            Approximate inner products, float32 [n, k], falling along each row; and row numbers, int64 [n, k].
        """
        return self._index.nearest(queries, k)
