"""Scan codes: half a byte for four numbers, by which FAISS's PQ FastScan names the records worth an exact look.

A vector is cut into pieces of four numbers and each piece is replaced by the nearest of 16 centroids: 32 bytes a finger
of 256, 32 times less to read than the vector. The approximate inner product of a probe with a record depends on the
two, the codebook and nothing else: table entries are rounded to whole numbers for each probe by itself, and those are
summed.

The codebook is made of simulated vectors, and of no person's: an expunged record leaves no trace in it. Unit vectors
that point anywhere have pieces that are near enough normal with variance 1/d, so one codebook serves all pieces.
Trained on real embeddings the residual of a finger is .51 instead of .60 (2026-11-24, on the prints it was trained on).
"""

import hashlib
from dataclasses import dataclass
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
"""Encounters of a gallery from which on codes nominate. Below, a flat scan is quick, and misses nothing."""

SCAN_ROWS: Final = 1024
"""Fewest encounters with the same fingers that codes nominate. Their lookup tables, made for every probe, cost what
comparing some hundred vectors does, in a batch some more (45 us for a probe alone, 40 us each of 64)."""

NOMINEES: Final = 320
"""Records that scan codes nominate for a probe of ten fingers, in a whole gallery, where 20 or fewer are wanted."""

_NOMINEES_EACH: Final = 16
"""Nominees for each candidate wanted, where that is more."""

_PART_ROWS: Final = 2048
"""Rows of a part: copying one to add to it costs as much as encoding five rows."""

_BLOCK_ROWS: Final = 32
"""Rows that FastScan keeps together."""

_MOST: Final = 65_535
"""FastScan sums table entries in 16 bits and does not look whether they fit."""

_ENTRY: Final = 255
"""Table entries are rounded to 0 to 255, where 255 is the largest span of a piece's entries."""

_CENTROIDS: Final = (
    (0.3170985697211189, -1.4027639424806257, 0.19198906083765163, -0.9134027334069263),
    (1.1960867560906498, -0.12191621669762362, 1.093413096083603, 0.5126536052267564),
    (0.2827800765891667, 0.6037145304599453, -1.2364995317757075, -0.949877862230125),
    (-0.5222990208311185, -0.9652604102137735, -1.3274145822198478, -0.10413602907953688),
    (-0.9834529946838728, -0.12844290676986442, -0.051033933694133546, -1.4276055313028677),
    (-0.32877225405722743, 0.6064921900573803, 0.7536928488979425, 1.343476065387715),
    (-0.6701694370633058, 1.3124051268396355, 0.6930125887093175, -0.44950665509571464),
    (0.9090141147201826, 1.364129255170805, -0.12150685039698203, 0.35090152460423174),
    (0.3143553468348982, 0.1404677934174758, -1.075726987483837, 1.2630732944655871),
    (-1.544996562173517, -0.5976210822431974, 0.27892955942331005, 0.4310023058576801),
    (0.943650915919885, 0.4492918142523257, 0.5561691339692588, -1.2729122733248928),
    (0.12742891020963018, -1.307799815241567, 0.16524531720960958, 1.0933676917405688),
    (-1.104081332024435, 0.8594355533400616, -0.9027772657140464, 0.3548532894580732),
    (1.4646906485374176, -0.5138692107933325, -0.6899317719044453, -0.04050356943863211),
    (-0.3655436728060461, -0.38492942194041746, 1.567452701342971, -0.26342983543681675),
    (-0.022261695545100182, -0.016180211584886924, -0.012519570484306287, -0.001621703775787826),
)
"""Centroids of pieces of four normal numbers: 30 rounds of Lloyd's algorithm on 65,536 of them, from the first 16. Kept
rather than made at every start, which takes 0.7 s, and may end in other last bits on another processor."""


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
    def diameter(self) -> float:
        """The largest distance between two of them."""
        return float(np.sqrt(np.square(self.centroids[:, np.newaxis] - self.centroids).sum(axis=2).max()))

    @property
    def version(self) -> str:
        """Names it: codes of two versions say different things."""
        return hashlib.sha256(self.centroids.astype("<f4").tobytes()).hexdigest()[:16]

    def fitted(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """The queries, float32 [n, width], as codes are asked: such that no sum of table entries overflows.

        FAISS makes 255 of the largest span of a piece. With the hundreds of pieces of nine or ten fingers, records that
        are nearly the query's twin then sum to more than 16 bits hold, and come last instead of first. So the longest
        piece of such a query is stretched until the sum of all spans fits, be it the sum of their upper bounds: by .3
        or so of a piece in 640, which moves an approximate score by 0.002 at most, where its error is 0.012.

        Every number here comes of one query alone, summed in an order of its own: no BLAS.
        """
        stretched = queries.copy()
        pieces = stretched.reshape(len(queries), -1, PIECE)
        lengths = np.sqrt(np.square(pieces).sum(axis=2))
        longest = (np.arange(len(queries)), lengths.argmax(axis=1))
        entries = (pieces[longest][:, np.newaxis] * self.centroids).sum(axis=2)
        spans = entries.max(axis=1) - entries.min(axis=1)
        # (sum + needed) * 255 / needed, and half for rounding each entry, is at most 65,535.
        room = _MOST - _ENTRY - pieces.shape[1] / 2
        needed = _ENTRY * self.diameter * lengths.sum(axis=1) / room
        pieces[longest] *= np.maximum(1, needed / np.maximum(spans, np.finfo(np.float32).tiny)).astype(np.float32)[
            :, np.newaxis
        ]
        return stretched


def simulated_codebook(dimension: int) -> Codebook:
    """The codebook of vectors of ``dimension`` numbers that point anywhere."""
    return Codebook((np.array(_CENTROIDS) / np.sqrt(dimension)).astype(np.float32))


class ScanCodes:
    """The codes of a segment's rows. Immutable: searched by any number of threads, and beside `extended`.

    They lie in parts of 2,048 rows, of which only the last is copied to be extended; a file's are one part.

    Args:
        codebook: what they stand for.
        width: numbers of a row, a multiple of 4.
        parts: all but the last hold a multiple of 32 rows.
    """

    def __init__(self, codebook: Codebook, width: int, parts: tuple[ScanIndex, ...] = ()) -> None:
        self.codebook: Final = codebook
        self._width = width
        self._parts = parts

    @classmethod
    def of_packed(cls, codebook: Codebook, width: int, packed: NDArray[np.uint8], count: int) -> "ScanCodes":
        """The codes of `count` rows as `packed` gave them, uint8; copied."""
        return cls(codebook, width, (ScanIndex(codebook.centroids, width, packed, count),) if count else ())

    @staticmethod
    def packed_size(width: int, count: int) -> int:
        """Bytes of the packed codes: whole blocks of 32 rows, whole pairs of pieces."""
        return -(-count // _BLOCK_ROWS) * _BLOCK_ROWS * -(-width // (2 * PIECE))

    @property
    def count(self) -> int:
        """Rows."""
        return sum(part.count for part in self._parts)

    @property
    def nbytes(self) -> int:
        """Bytes of the codes in memory."""
        return sum(part.packed().nbytes for part in self._parts)

    def extended(self, rows: NDArray[np.float32]) -> "ScanCodes":
        """With the codes of further rows, float32 [n, width]."""
        parts = list(self._parts)
        while len(rows):
            last = parts.pop() if parts and parts[-1].count % _PART_ROWS else None
            held = 0 if last is None else last.count
            room = _PART_ROWS - held % _PART_ROWS
            part = ScanIndex(self.codebook.centroids, self._width, None if last is None else last.packed(), held)
            part.add(rows[:room])
            parts.append(part)
            rows = rows[room:]
        return ScanCodes(self.codebook, self._width, tuple(parts))

    def followed_by(self, other: "ScanCodes") -> "ScanCodes | None":
        """With another's codes of the same codebook and width behind; None where they do not fit: the last block of 32
        rows here is not full."""
        if self.count % _BLOCK_ROWS or other.codebook.version != self.codebook.version:
            return None
        return ScanCodes(self.codebook, self._width, self._parts + other._parts)  # noqa: SLF001 - one of its own kind

    def packed(self) -> NDArray[np.uint8]:
        """The codes as they are kept, uint8: rows in blocks of 32, in the order FastScan reads them."""
        return np.concatenate([np.empty(0, dtype=np.uint8), *(part.packed() for part in self._parts)])

    def nearest(
        self, queries: NDArray[np.float32], k: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
        """The k rows of each part that have the largest approximate inner products with each query.

        Args:
            queries: float32 [n, width], C-contiguous, n at least 1, as `Codebook.fitted` gives them.
            k: at least 1.

        Returns:
            Approximate inner products, float32 [n, m], in no order, minus infinity for none; row numbers, int64 [n, m];
            and for each query the bound, float32 [n]: every row above it is among them, and of those at it some.
        """
        scores, rows, start = [], [], 0
        bound = np.full(len(queries), -np.inf, dtype=np.float32)
        for part in self._parts:
            products, numbers = part.nearest(queries, min(k, part.count))
            if k < part.count:
                bound = np.maximum(bound, products[:, -1])
            scores.append(products)
            rows.append(numbers + start)
            start += part.count
        return np.hstack(scores), np.hstack(rows), bound
