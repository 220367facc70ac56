"""How fast the store takes enrolments, and how long a start takes: python -m bench.store --subjects 100000.

Everything is measured in one run on one machine; the machine and the date are printed with it. Records are ten-print
encounters of random vectors, with as many bytes of features as an average capture has.
"""

import argparse
import os
import platform
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import numpy as np

from tenprint.server.commits import MAX_TOGETHER
from tenprint.server.recovery import IndexFolder, catch_up, recover
from tenprint.store import Encounter, GallerySpec, NewEncounter, Originator, Store

_T = TypeVar("_T")

DIMENSION = 256
FEATURES = 7_000
"""Bytes: ten fingers of 40 minutiae."""

SPEC = GallerySpec("criminal", "bench", DIMENSION)


def records(start: int, count: int) -> list[NewEncounter]:
    """New encounters, each of a person of its own."""
    rng = np.random.default_rng(start)
    vectors = rng.standard_normal((count, 10, DIMENSION), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    features = rng.bytes(FEATURES)
    now = datetime.now(UTC)
    made = []
    for number in range(start, start + count):
        by = Originator("ZZBENCH00", f"TCN{number:010d}")
        encounter = Encounter(str(uuid.uuid4()), f"S{number}", now, tuple(range(1, 11)), by)
        made.append(NewEncounter("criminal", encounter, vectors[number - start].reshape(-1), "d" * 64, [], features))
    return made


def batches(start: int, count: int, size: int) -> Iterator[list[NewEncounter]]:
    """The same in batches."""
    for begin in range(start, start + count, size):
        yield records(begin, min(size, start + count - begin))


def told(what: str, value: str) -> None:
    """A line of the report."""
    print(f"{what:58} {value}", flush=True)


def rate(store: Store, start: int, count: int, writers: int, together: int) -> float:
    """Enrolments a second, `together` in a transaction, `writers` transactions at once."""
    waiting = list(batches(start, count, together))
    begun = time.perf_counter()
    with ThreadPoolExecutor(writers) as pool:
        for _ in pool.map(store.enrol, waiting):
            pass
    return count / (time.perf_counter() - begun)


def seconds_of(work: Callable[[], _T]) -> tuple[float, _T]:
    """How long a call takes, and what it gives."""
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


def measure(url: str, folder: Path, subjects: int, enrolments: int) -> None:
    """Fill a store and start from it. Of single enrolments so many are timed, of grouped ones four times as many."""
    store = Store(url, [SPEC])
    kind = "SQLite" if store.database.is_sqlite else "PostgreSQL"
    for writers in (1,) if store.database.is_sqlite else (1, 8):
        single = rate(store, 10**9 * writers, enrolments * writers, writers, 1)
        told(f"{kind}: enrolments a second, {writers} writer(s), one a transaction", f"{single:,.0f}")
        grouped = rate(store, 10**9 * (writers + 20), 4 * enrolments, writers, MAX_TOGETHER)
        told(f"{kind}: enrolments a second, {writers} writer(s), {MAX_TOGETHER} a transaction", f"{grouped:,.0f}")
    begun = time.perf_counter()
    for batch in batches(0, subjects, 1000):
        store.enrol(batch)
    filled = subjects / (time.perf_counter() - begun)
    told(f"{kind}: {subjects:,} filled in, 1,000 a transaction, a second", f"{filled:,.0f}")
    index = IndexFolder(folder / "index")
    seconds, recovered = seconds_of(lambda: recover(store, index, SPEC))
    told(f"{kind}: start without a snapshot, {recovered.gallery.size:,} encounters", f"{seconds:.2f} s")
    seconds, written = seconds_of(lambda: recovered.gallery.snapshot(recovered.folder, store.origin("criminal")))
    told(f"snapshot written, {written} files", f"{seconds:.2f} s")
    del recovered
    seconds, recovered = seconds_of(lambda: recover(store, index, SPEC))
    told("start from the snapshot, every byte checked", f"{seconds:.2f} s")
    for batch in batches(2 * 10**9, 10 * enrolments, 1000):
        store.enrol(batch)
    galleries = {"criminal": recovered.gallery}
    seconds, (_, replayed) = seconds_of(lambda: catch_up(store, galleries, recovered.position))
    told(f"{replayed:,} operations of the log applied after it", f"{seconds:.2f} s")
    probe = records(3 * 10**9, 1)[0].vector[np.newaxis]
    seconds, _ = seconds_of(lambda: galleries["criminal"].search(probe, 20))
    told("first search", f"{seconds:.3f} s")
    index.close()
    store.close()


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--subjects", type=int, default=100_000)
    parser.add_argument("--enrolments", type=int, default=1000, help="timed one by one; ten times as many are replayed")
    parser.add_argument("--url", help="an empty PostgreSQL database; without it, SQLite in the folder")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "tenprint-bench")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True)
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    told("machine", f"{os.cpu_count()} cores, {model}; {datetime.now(UTC):%Y-%m-%d}")
    try:
        measure(
            arguments.url or f"sqlite:///{arguments.folder}/bench.db",
            arguments.folder,
            arguments.subjects,
            arguments.enrolments,
        )
    finally:
        shutil.rmtree(arguments.folder)


if __name__ == "__main__":
    main()
