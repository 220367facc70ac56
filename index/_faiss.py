"""FAISS, set up: the one place that imports it and the settings it needs. Everything else imports from here.

Both settings were measured with faiss-cpu 1.15.1 (bundled OpenBLAS 0.3.15, libgomp) on two cores.

``OMP_WAIT_POLICY=PASSIVE``: libgomp's threads spin at a barrier by default. Beside any other busy thread, and a server
always has some, two spinning threads answered 8-48 probes a second where one thread answered 190-405; with PASSIVE,
844 (batch 32) and 1697 (batch 128) against 27 and 48. libgomp reads the variable once, when it is loaded, hence
before the import. An operator's own value stays.

``distance_compute_blas_threshold``: FAISS scans per query instead of calling sgemm while queries x width is below it.
The default of 128000 keeps every batch under 50 (width 2560) or 500 (width 256) off BLAS: 3 times slower at 16 queries
of 2560, 2.4 times at 64 of 256, 9-20 times at 32-128 of 512. BLAS wins from 4 queries of 2560 and from 8-16 of 256;
8000 switches at 4 and 32. Comparing the product is what faiss 1.15 does; earlier releases compare the number of queries
alone, and would never leave the scan at this value.
"""

import os

import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import faiss

faiss.cvar.distance_compute_blas_threshold = 8000

_THREADS: int = faiss.omp_get_max_threads()
"""OpenMP threads of a large batch: ``OMP_NUM_THREADS``, or the cores this process may use."""

_PARALLEL_QUERIES = 16
"""The smallest batch that gains from more than one thread: at width 2560, two threads take 0.76 of one thread's time
for 16 queries and 0.70 for 64, and nothing is gained below (1 query: 17-30 a second against 49-69 beside a busy core).
"""


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
