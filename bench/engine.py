"""How fast the engine nominates and scores, against FAISS's flat scan: python -m bench.engine --subjects 100000.

Everything is measured in one run on one machine, on the same mapped vectors, in turns; the machine, its memory's speed
and the date are printed with it. Two baselines, both `faiss.knn`, which is what IndexFlatIP searches with: with the
BLAS threshold as faiss-cpu ships it, and with the one the engine sets (`index/_faiss.py`). All of it on one core, then
on all.

Mates: where the engine does not answer with the subject of an impression, exact search is asked. Lost are those that it
finds among the best twenty. Some are of captures that are poor as a whole: every finger scores so much lower.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tenprint.fingerprint.embedding import Embedder
from tenprint.fingerprint.synthetic.vectors import SyntheticVectors
from tenprint.index import Gallery, Record, SnapshotFolder, _faiss
from tenprint.server.thresholds import yardstick

K = 20
STOCK_THRESHOLD = 128_000
TUNED_THRESHOLD = int(faiss.cvar.distance_compute_blas_threshold)
BATCHES = (1, 8, 64, 256)
_BLOCK = 65_536
_DRAWN_AT_ONCE = 1024
_PROBES_AT_ONCE = 128
_POOR = (0.15, 0.2)
"""By how much the scores of poor captures are lowered: to 0.33 and 0.28 on the mean with model 5."""

_STOCK_SECONDS = 60.0
"""A baseline that would take longer than this for one call is measured on fewer probes, and the table says so."""


def enrolled(population: SyntheticVectors, subjects: int) -> Iterator[list[Record]]:
    """The population, in blocks."""
    for start in range(0, subjects, _BLOCK):
        block = []
        for first in range(start, min(start + _BLOCK, subjects), _DRAWN_AT_ONCE):
            numbers = range(first, min(first + _DRAWN_AT_ONCE, start + _BLOCK, subjects))
            vectors = population.subjects(numbers)
            block += [Record(f"E{n}", f"S{n}", vector) for n, vector in zip(numbers, vectors, strict=True)]
        yield block


def made_gallery(folder: SnapshotFolder, population: SyntheticVectors, subjects: int) -> Gallery:
    """A gallery of the population, in files, whose order is the server's."""
    gallery = Gallery("bench", dimension=population.dimension, model_version="bench", yardstick=yardstick(Embedder()))
    for block in enrolled(population, subjects):
        gallery.apply(block)
        gallery.snapshot(folder, "bench")
    return gallery


def flat(rows: list[NDArray[np.float32]], queries: NDArray[np.float32], threshold: int) -> None:
    """What IndexFlatIP does, block by block over the mapped files."""
    faiss.cvar.distance_compute_blas_threshold = threshold
    try:
        for block in rows:
            _faiss.nearest(queries, block, K)
    finally:
        faiss.cvar.distance_compute_blas_threshold = TUNED_THRESHOLD


def medians(works: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Seconds of each, in turns."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            begun = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - begun)
    return {name: statistics.median(values) for name, values in seconds.items()}


def bandwidth() -> float:
    """Bytes a second that one core reads from memory."""
    block = np.ones(1 << 28, dtype=np.float32)
    best = float("inf")
    for _ in range(5):
        begun = time.perf_counter()
        block.sum()
        best = min(best, time.perf_counter() - begun)
    return block.nbytes / best


def lost_mates(
    gallery: Gallery, population: SyntheticVectors, subjects: int, probes: int, keep: int
) -> dict[str, float]:
    """Mates that exact search finds and the engine does not; `keep`: fingers of a probe."""
    random = np.random.default_rng(5)
    found = first = lost = searched = 0
    while searched < probes:
        numbers = random.integers(subjects, size=_PROBES_AT_ONCE).tolist()
        vectors = population.mates(numbers, 1)
        if keep < 10:
            vectors.reshape(len(vectors), 10, -1)[:, keep:] = 0
            present = vectors.any(axis=1)
            vectors, numbers = vectors[present], [n for n, there in zip(numbers, present, strict=True) if there]
        searched += len(numbers)
        missed = []
        for i, result in enumerate(gallery.search(vectors, K).results):
            names = [candidate.subject_id for candidate in result.candidates]
            found += f"S{numbers[i]}" in names
            first += names[0] == f"S{numbers[i]}"
            if f"S{numbers[i]}" not in names:
                missed.append(i)
        if missed:
            exact = gallery.search(vectors[missed], K, exact=True).results
            lost += sum(
                f"S{numbers[i]}" in {candidate.subject_id for candidate in result.candidates}
                for i, result in zip(missed, exact, strict=True)
            )
    return {"fingers": keep, "probes": searched, "rank_1": first, "found": found, "lost": lost}


def measured(gallery: Gallery, population: SyntheticVectors, subjects: int, repeats: int) -> list[dict[str, Any]]:
    """The table: a row a batch size."""
    # Every row of every complete record, as both baselines read them; the incomplete ones are the engine's alone.
    complete = 0x3FF, -10  # few of them lie in a pool
    rows = [segment.vectors for segment in gallery._published.segments if segment.kind in complete]  # noqa: SLF001
    mates = population.mates([number * 37 % subjects for number in range(max(BATCHES))], 0)
    table = []
    for batch in BATCHES:
        queries = np.ascontiguousarray(mates[:batch])
        begun = time.perf_counter()
        flat(rows, queries[:1], STOCK_THRESHOLD)
        one = time.perf_counter() - begun
        by_query = batch * queries.shape[1] < STOCK_THRESHOLD
        few = max(1, min(batch, int(_STOCK_SECONDS / one))) if by_query else batch
        works: dict[str, Callable[[], object]] = {
            "engine": lambda queries=queries: gallery.search(queries, K),
            "tuned": lambda queries=queries: flat(rows, queries, TUNED_THRESHOLD),
            "stock": lambda queries=queries, few=few: flat(rows, queries[:few], STOCK_THRESHOLD),
        }
        seconds = medians(works, repeats)
        seconds["stock"] *= batch / few
        timing = gallery.search(queries, K).timing
        row = {
            "batch": batch,
            "seconds": seconds,
            "microseconds_per_identity": seconds["engine"] / batch / subjects * 1e6,
            "against_stock": seconds["stock"] / seconds["engine"],
            "against_tuned": seconds["tuned"] / seconds["engine"],
            "rescore_share": timing.rescore_seconds / (timing.rescore_seconds + timing.nominate_seconds),
        }
        table.append(row)
        print(
            f"batch {batch:4}: engine {seconds['engine'] * 1e3:9.1f} ms  tuned {seconds['tuned'] * 1e3:9.1f}  stock "
            f"{seconds['stock'] * 1e3:9.1f}   x{row['against_stock']:.1f} stock, x{row['against_tuned']:.1f} tuned   "
            f"{row['microseconds_per_identity']:.4f} us an identity, rescoring {row['rescore_share']:.0%}",
            flush=True,
        )
    return table


def main() -> None:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", type=int, default=100_000)
    parser.add_argument("--probes", type=int, default=30_000, help="mated probes of ten fingers; others get a tenth")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the files go; 11 GB a million subjects")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    root = Path(tempfile.mkdtemp(dir=arguments.folder))
    try:
        cores = len(os.sched_getaffinity(0))
        print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {cores} cores")
        speed = bandwidth()
        print(f"memory, one core reading: {speed / 1e9:.1f} GB/s", flush=True)
        population = SyntheticVectors.of_model(1)
        folder = SnapshotFolder(root, lambda _: None)
        begun = time.perf_counter()
        gallery = made_gallery(folder, population, arguments.subjects)
        print(f"made in {time.perf_counter() - begun:.0f} s; {gallery.describe().segments}", flush=True)
        info = gallery.describe()
        table = []
        for threads in sorted({1, cores}):
            print(f"threads: {threads}", flush=True)
            _faiss._THREADS = threads  # noqa: SLF001 - what OMP_NUM_THREADS sets at start
            with threadpool_limits(threads):
                rows = measured(gallery, population, arguments.subjects, arguments.repeats)
            table += [{"threads": threads, **row} for row in rows]
        mates = []
        for fingers, lowered in ((10, 0.0), *((10, lowered) for lowered in _POOR), (2, 0.0), (1, 0.0)):
            asked = arguments.probes if (fingers, lowered) == (10, 0.0) else arguments.probes // 10
            seen = SyntheticVectors.of_model(1, lowered=lowered)
            mates.append(lost_mates(gallery, seen, arguments.subjects, asked, fingers) | {"lowered": lowered})
            print("mates", mates[-1], flush=True)
        again = Gallery("bench", dimension=population.dimension, model_version="bench")
        begun = time.perf_counter()
        again.restore(folder, "bench")
        restored = time.perf_counter() - begun
        print(f"restored in {restored:.2f} s; {info.memory_bytes / arguments.subjects:.0f} B of memory and "
              f"{info.file_bytes / arguments.subjects:.0f} B of file a subject")  # fmt: skip
        if arguments.json:
            report = {
                "date": f"{datetime.now(UTC):%Y-%m-%d}",
                "subjects": arguments.subjects,
                "memory_bytes_per_second": speed,
                "table": table,
                "mates": mates,
                "restore_seconds": restored,
                "peak_resident_kilobytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            }
            arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
