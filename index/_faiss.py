"""FAISS, set up: the one place that imports it and the settings it needs. Everything else imports from here.

These settings were measured with faiss-cpu 1.15.1 (bundled OpenBLAS 0.3.15, libgomp) on two cores.

``OMP_WAIT_POLICY=PASSIVE``: libgomp's threads spin at a barrier by default. Beside any other busy thread, and a server
always has some, two spinning threads answered 8-48 probes a second where one thread answered 190-405; with PASSIVE,
844 (batch 32) and 1697 (batch 128) against 27 and 48. libgomp reads the variable once, when it is loaded, hence
before the import. An operator's own value stays.

``distance_compute_blas_threshold``: FAISS scans per query instead of calling sgemm while queries x width is below it.
The default of 128000 keeps every batch under 50 (width 2560) or 500 (width 256) off BLAS: 3 times slower at 16 queries
of 2560, 2.4 times at 64 of 256, 9-20 times at 32-128 of 512. BLAS wins from 4 queries of 2560 and from 8-16 of 256;
8000 switches at 4 and 32. Comparing the product is what faiss 1.15 does; earlier releases compare the number of queries
alone, and would never leave the scan at this value.

One thread for NumPy's own OpenBLAS (that of FAISS runs on OpenMP and is left alone): its products here are small, and
its idle threads spin. A lone probe among 50,000 records took 17 ms of both cores for 10 of one, and no less time.
"""

import ctypes
import mmap
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import faiss

faiss.cvar.distance_compute_blas_threshold = 8000
ThreadpoolController().select(threading_layer="pthreads").limit(limits=1)

_THREADS: int = faiss.omp_get_max_threads()
"""OpenMP threads of a large batch: ``OMP_NUM_THREADS``, or the cores this process may use."""

_PARALLEL_QUERIES = 16
"""The smallest batch that gains from more than one thread: at width 2560, two threads take 0.76 of one thread's time
for 16 queries and 0.70 for 64, and nothing is gained below (1 query: 17-30 a second against 49-69 beside a busy core).
"""


_PARALLEL_SCANS = 4
"""The smallest batch whose scan of codes gains from more than one thread: FAISS divides the queries among them."""


_scanners: Final = ThreadPoolExecutor(_THREADS, thread_name_prefix="scan")
"""Its threads start when a lone probe first needs them."""

_Item = TypeVar("_Item")


def scan_each(scan: Callable[[_Item], None], items: Sequence[_Item], queries: int) -> None:
    """Scan each of some segments: side by side where there are too few queries for FAISS to divide among its threads.

    Args:
        scan: of one segment, for which it releases the GIL.
        items: the segments.
        queries: of each scan, as far as is known.
    """
    if queries >= _PARALLEL_SCANS or len(items) == 1 or _THREADS == 1:
        for item in items:
            scan(item)
        return
    for _ in _scanners.map(scan, items):
        pass  # what a scan raises is raised here


def build() -> str:
    """Names FAISS's build: its version, what it was compiled with, and the file, which another build would replace."""
    file = Path(faiss.__file__)
    return f"{faiss.__version__} {faiss.get_compile_options()} {file} {file.stat().st_mtime_ns}"


def nearest(
    queries: NDArray[np.float32], rows: NDArray[np.float32], k: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The k rows of largest inner product with each query, as FAISS computes it, without copying the rows.

    Releases the GIL while it runs. The number of OpenMP threads is a property of the calling thread (libgomp keeps it
    per thread, and FAISS's OpenBLAS follows it), so setting it here touches no search that runs beside this one.

    Args:
        queries: float32 [n, w], C-contiguous, n at least 1.
        rows: float32 [m, w], C-contiguous.
        k: 1 to m.

    Returns:
        Inner products, float32 [n, k], falling along each row; and the row numbers, int64 [n, k]. A score's last bits
        depend on the batch and the threads; which of two rows with equal scores comes first, or at all, is not defined.
    """
    faiss.omp_set_num_threads(_THREADS if len(queries) >= _PARALLEL_QUERIES else 1)
    scores, numbers = faiss.knn(queries, rows, k, metric=faiss.METRIC_INNER_PRODUCT)
    return scores, numbers


def products_of(
    queries: NDArray[np.float32], rows: NDArray[np.float32], numbers: NDArray[np.int64]
) -> NDArray[np.float32]:
    """The inner product of each query with rows of its own, without copying them. Releases the GIL while it runs.

    Args:
        queries: float32 [n, w], C-contiguous.
        rows: float32 [m, w], C-contiguous.
        numbers: int64 [n, j], C-contiguous: of rows; below 0 for none.

    Returns:
        float32 [n, j], minus infinity for none. A product depends on its two vectors alone.
    """
    products = np.empty(numbers.shape, dtype=np.float32)
    faiss.omp_set_num_threads(_THREADS if len(queries) >= _PARALLEL_SCANS else 1)
    faiss.fvec_inner_products_by_idx(  # type: ignore[attr-defined]  # in C++
        faiss.swig_ptr(products), faiss.swig_ptr(queries), faiss.swig_ptr(rows), faiss.swig_ptr(numbers),
        queries.shape[1], *numbers.shape,
    )  # fmt: skip
    return products


class ScanIndex:
    """FAISS's IndexPQFastScan with one codebook for all pieces.

    Answers come through FAISS's reservoir, whatever k (``implem`` 13): the heap that FAISS takes for short lists is
    other code, and every record is to be treated alike.

    Args:
        centroids: float32 [16, piece].
        width: numbers of a row, a multiple of the piece.
        packed: uint8, codes as `packed` gave them, copied; None: none.
        count: rows they are of.
    """

    def __init__(
        self, centroids: NDArray[np.float32], width: int, packed: NDArray[np.uint8] | None, count: int
    ) -> None:
        pieces = width // centroids.shape[1]
        self._index = faiss.IndexPQFastScan(width, pieces, 4, faiss.METRIC_INNER_PRODUCT)
        faiss.copy_array_to_vector(np.tile(centroids.reshape(-1), pieces), self._index.pq.centroids)
        self._index.is_trained = True
        self._index.implem = 13
        if packed is not None:  # what `add` would have left
            self._index.codes.resize(packed.size)
            _on_huge_pages(self.packed())
            faiss.copy_array_to_AlignedTable(packed, self._index.codes)
            self._index.ntotal = count
            self._index.ntotal2 = -(-count // self._index.bbs) * self._index.bbs  # type: ignore[attr-defined]  # in C++

    @property
    def count(self) -> int:
        """Rows."""
        return int(self._index.ntotal)

    def add(self, rows: NDArray[np.float32]) -> None:
        """Encode further rows, float32 [n, width]. Never beside a search."""
        faiss.omp_set_num_threads(_THREADS)
        self._index.add(rows)

    def packed(self) -> NDArray[np.uint8]:
        """The codes, uint8; a view."""
        codes = self._index.codes
        view: NDArray[np.uint8] = faiss.rev_swig_ptr(codes.get(), codes.size())
        return view

    def nearest(self, queries: NDArray[np.float32], k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The k rows of largest approximate inner product with each query; as the function of that name.

        A row whose sum of table entries is 0, the least there can be, is not found: -1 stands in its place, with a
        score of minus infinity.
        """
        faiss.omp_set_num_threads(_THREADS if len(queries) >= _PARALLEL_SCANS else 1)
        scores, numbers = self._index.search(queries, k)
        scores[numbers < 0] = -np.inf
        return scores, numbers


def _on_huge_pages(fresh: NDArray[np.uint8]) -> None:
    """Ask for pages of 2 MB under memory that nothing has been written to yet, where the system has them.

    A lone probe reads all codes once, and page by page of 4 KB the processor's prefetching begins anew: 3.9 ms for 16
    MB, 2.2 with huge pages (one core of an Intel Xeon 2.5 GHz VM, 2026-11-26). Linux gives them unasked only where
    `transparent_hugepage` is `always`; Debian's default is `madvise`. A refusal costs time, nothing else.
    """
    if not hasattr(mmap, "MADV_HUGEPAGE"):
        return
    begin = -(-fresh.ctypes.data // mmap.PAGESIZE) * mmap.PAGESIZE
    length = fresh.ctypes.data + fresh.nbytes - begin
    if length > 0:
        ctypes.CDLL(None).madvise(ctypes.c_void_p(begin), ctypes.c_size_t(length), mmap.MADV_HUGEPAGE)
