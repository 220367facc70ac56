"""What else searches these vectors, and how fast: python -m bench.rivals --subjects 100000.

All rivals get the same rows, complete ten-print encounters of 2,560 numbers, memory-mapped from one file, and the same
probes: other impressions of enrolled subjects. One after another, each in a process of its own, with all cores;
whoever has not finished within --limit seconds is stopped, and the table shows how far it came. Times are medians,
ratios are to the engine of the same run: above 1 the rival is slower.

Found: the share of probes whose mate is first (@1) and among the best twenty (@20).
"""

import argparse
import json
import multiprocessing
import signal
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from bench.contenders import BLOCK, RIVALS, SETTINGS, installed, threads
from bench.store import told
from tenprint.fingerprint.synthetic.vectors import SyntheticVectors

K: Final = 20
BATCHES: Final = (1, 8, 64, 256)
_ENOUGH_SECONDS: Final = 20.0
"""A batch size is not searched again when it has taken this long."""

_STOP_SECONDS: Final = 20.0


@dataclass(slots=True)
class Measured:
    """What became of one rival.

    Attributes:
        name: of it.
        note: what went wrong or was left out; empty: nothing.
        build_seconds: from nothing until it can search; None: it did not get there.
        seconds: median of a call, by batch size.
        probes: whose mates were looked for.
        first: how many of those came first.
        found: how many were among the best twenty.
        peak_bytes: most memory its process held, its own servers not counted.
    """

    name: str
    note: str = ""
    build_seconds: float | None = None
    seconds: dict[int, float] = field(default_factory=dict)
    probes: int = 0
    first: int = 0
    found: int = 0
    peak_bytes: int = 0


def written(folder: Path, subjects: int) -> tuple[Path, Path]:
    """The rows, float32 [subjects, 2560], and the probes, whose mates are rows `mate_rows`; as files."""
    population = SyntheticVectors.of_model(1)
    width = 10 * population.dimension
    rows = np.lib.format.open_memmap(folder / "rows.npy", "w+", np.float32, (subjects, width))
    numbers = np.empty(subjects, dtype=np.int64)
    start, filled = 0, 0
    while filled < subjects:
        block = population.subjects(range(start, start + BLOCK))
        whole = np.flatnonzero(block.reshape(len(block), 10, -1).any(axis=2).all(axis=1))[: subjects - filled]
        rows[filled : filled + len(whole)] = block[whole]
        numbers[filled : filled + len(whole)] = start + whole
        start, filled = start + BLOCK, filled + len(whole)
    rows.flush()
    np.save(folder / "probes.npy", population.mates(numbers[mate_rows(subjects)].tolist(), 0))
    return folder / "rows.npy", folder / "probes.npy"


def mate_rows(subjects: int) -> NDArray[np.int64]:
    """Which rows the probes are other impressions of, int64 [256]."""
    return np.arange(max(BATCHES)) * 37 % subjects


def measure(name: str, rows_file: Path, probes_file: Path, repeats: int, tell: Connection) -> None:
    """Runs in a process of its own: build, search, and tell every figure as it is known."""
    signal.signal(signal.SIGTERM, _stopped)
    rows, probes = np.load(rows_file, mmap_mode="r"), np.load(probes_file)
    rival = RIVALS[name]()
    try:
        begun = time.perf_counter()
        rival.build(rows)
        tell.send({"build_seconds": time.perf_counter() - begun})
        rival.search(probes[:1], K)
        for batch in BATCHES:
            seconds: list[float] = []
            while len(seconds) < repeats and sum(seconds) < _ENOUGH_SECONDS:
                # Single probes differ in cost, so each time another one.
                asked = probes[len(seconds) : len(seconds) + 1] if batch == 1 else probes[:batch]
                begun = time.perf_counter()
                found = rival.search(asked, K)
                seconds.append(time.perf_counter() - begun)
            tell.send({"batch": batch, "seconds": statistics.median(seconds)})
            if batch > 1:
                mates = mate_rows(len(rows))[:batch, np.newaxis]
                first, among = int((found[:, :1] == mates).sum()), int((found == mates).any(axis=1).sum())
                tell.send({"probes": batch, "first": first, "found": among})
    except Exception as error:  # noqa: BLE001 - a rival that fails is a line of the table
        tell.send({"note": f"failed: {type(error).__name__}: {error}".splitlines()[0][:200]})
    finally:
        rival.close()
    tell.send({"peak_bytes": _peak_bytes()})


def _stopped(*_: object) -> NoReturn:
    raise SystemExit(1)


def _peak_bytes() -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def watched(name: str, rows: Path, probes: Path, repeats: int, limit: float) -> Measured:
    """Measure one rival in a process of its own, for at most so many seconds."""
    result = Measured(name)
    if not installed(name):
        result.note = f"not installed: {RIVALS[name].needs}"
        return result
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=measure, args=(name, rows, probes, repeats, there))
    process.start()
    there.close()
    deadline = time.monotonic() + limit
    try:
        while here.poll(max(0.0, deadline - time.monotonic())):
            _take(result, here.recv())
        result.note = f"stopped after {limit:.0f} s"
    except EOFError:  # it has ended
        process.join(_STOP_SECONDS)
        if process.exitcode and not result.note:
            result.note = f"ended with status {process.exitcode}"
    if process.is_alive():
        process.terminate()
        process.join(_STOP_SECONDS)
        process.kill()
    process.join()
    return result


def _take(result: Measured, figures: dict[str, Any]) -> None:
    if "batch" in figures:
        result.seconds[figures["batch"]] = figures["seconds"]
    else:
        for name, value in figures.items():
            setattr(result, name, value)


def line(result: Measured, engine: Measured | None) -> str:
    """A row of the table: milliseconds a call, and how many times the engine's; what it found."""
    cells = []
    for batch in BATCHES:
        seconds, own = result.seconds.get(batch), None if engine is None else engine.seconds.get(batch)
        ratio = "" if own is None or seconds is None else f" ({seconds / own:.1f}x)"
        cells.append("-" if seconds is None else f"{seconds * 1e3:,.1f}{ratio}")
    built = "-" if result.build_seconds is None else f"{result.build_seconds:,.0f}"
    found = "-" if not result.probes else f"{result.first}/{result.found} of {result.probes}"
    exact = " (exact)" if RIVALS[result.name].exact else ""
    return "| " + " | ".join([result.name + exact, built, *cells, found, result.note]) + " |"


def plot(results: Sequence[Measured], path: Path, title: str) -> None:
    """Milliseconds a probe by batch size, both logarithmic, a line a rival."""
    from matplotlib import use
    from matplotlib.figure import Figure

    use("svg")
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for result in results:
        if result.seconds:
            batches = sorted(result.seconds)
            wide = 2.5 if result.name == "engine" else 1.2
            per_probe = [result.seconds[batch] / batch * 1e3 for batch in batches]
            axes.plot(batches, per_probe, marker="o", linewidth=wide, label=result.name)
    axes.set(xscale="log", yscale="log", xlabel="probes a call", ylabel="milliseconds a probe", title=title)
    axes.set_xticks(BATCHES, [str(batch) for batch in BATCHES])
    figure.legend(loc="outside right upper")
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Measure, print, and write JSON and a plot where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--limit", type=float, default=3600.0, help="seconds a rival may take, building included")
    parser.add_argument("--only", nargs="+", choices=RIVALS, default=list(RIVALS), help="the engine always runs")
    parser.add_argument("--folder", type=Path, help="where the rows go: 10 GB a million subjects")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    told("machine", f"{threads()} cores; {datetime.now(UTC):%Y-%m-%d}")
    told("settings", SETTINGS)
    results: list[Measured] = []
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        rows, probes = written(Path(folder), arguments.subjects)
        told("rows", f"{arguments.subjects:,} x {np.load(rows, mmap_mode='r').shape[1]:,}")
        print("| rival | build, s | " + " | ".join(f"batch {b}, ms" for b in BATCHES) + " | found @1/@20 | |")
        print("|---|---|" + "---|" * (len(BATCHES) + 2))
        for name in dict.fromkeys(["engine", *arguments.only]):
            results.append(watched(name, rows, probes, arguments.repeats, arguments.limit))
            print(line(results[-1], results[0]), flush=True)
            # After each: one run takes an hour or two, and what it has found is not lost with it.
            if arguments.json:
                arguments.json.write_text(
                    json.dumps(report(arguments.subjects, arguments.limit, results), indent=2) + "\n"
                )
            if arguments.plot:
                plot(results, arguments.plot, f"{arguments.subjects:,} ten-print encounters")


def report(subjects: int, limit: float, results: Sequence[Measured]) -> dict[str, Any]:
    """What is written as JSON."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "subjects": subjects,
        "limit": limit,
        "rivals": [asdict(item) for item in results],
    }


if __name__ == "__main__":
    main()
