"""What this machine makes of FAISS: tried for a moment at start, because a slow kernel says nothing by itself.

In a child process: a processor that reports what it cannot do kills whoever believes it by SIGILL, and that should not
be the server. A trial that dies, hangs or answers wrongly is a warning here and, where it was of scan codes, the end of
them. It takes two seconds of a core, so one that went well is kept, under a name that stands for the processor, the
libraries and everything else that its outcome hangs on: where one of them changes there is a new trial.
"""

import hashlib
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

from tenprint.index._faiss import build, nearest
from tenprint.index.scan import PIECE, ScanCodes, simulated_codebook

_DIMENSION: Final = 2560
_ROWS: Final = 4096
"""A block of 42 MB: out of the caches of most machines, made and encoded in a moment."""

_TRIES: Final = 3
_NAMED: Final = 10
_SECONDS: Final = 60.0
"""A trial takes a second; one that takes so long hangs."""

_FLAT_ERROR: Final = 1e-4
"""Of an inner product of unit vectors in float32."""

_SCAN_ERROR: Final = 0.02
"""Of an approximate one: 640 table entries, each off by half of a 255th of the widest table's span, as random signs."""

_OF_PROCESSOR: Final = frozenset(
    {
        "vendor_id",
        "model name",
        "stepping",
        "microcode",
        "flags",
        "CPU implementer",
        "CPU part",
        "CPU revision",
        "Features",
    }
)
"""Lines of /proc/cpuinfo that say what a processor is; the others say how it is doing."""

_OF_LIBRARIES: Final = ("FAISS_", "GOMP_", "LD_", "MKL_", "OMP_", "OPENBLAS_")
"""How the environment variables begin that decide which code runs, and on how many threads."""

_SLOW_KERNELS: Final = frozenset({"prescott", "core2", "nehalem", "sandybridge", "barcelona", "generic", "bobcat"})
"""OpenBLAS's kernels for processors without AVX2. Measured: falling back to Prescott costs two thirds of the speed."""


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What was found.

    Attributes:
        flat_seconds: best of three flat scans of the block for one probe; infinite where it failed.
        scan_seconds: best of three scans of its codes; infinite where it failed.
        kernels: OpenBLAS's kernel in each library that brings one, by file name.
        wait_policy: OMP_WAIT_POLICY.
        is_kept: the trial was made by an earlier process.
        warnings: what an operator should look into, a sentence each.
    """

    flat_seconds: float
    scan_seconds: float
    kernels: dict[str, str]
    wait_policy: str
    is_kept: bool
    warnings: tuple[str, ...]

    @property
    def scan_pays(self) -> bool:
        """Whether scan codes answer rightly and are the quicker way here."""
        return self.scan_seconds < self.flat_seconds


def self_test(folder: Path | None = None) -> SelfTest:
    """Try both ways of nominating in a child process, and look at how the libraries were set up.

    Args:
        folder: where trials that went well are kept, and looked for; None: there is a trial, which takes two seconds.
    """
    path = None if folder is None else folder / f"self-test-{_surroundings()}.json"
    kept = None if path is None else _kept(path)
    told, end = (kept, "") if kept is not None else _child()
    kernels: dict[str, str] = told.get("kernels", {})
    policy = os.environ.get("OMP_WAIT_POLICY", "")
    seconds = {}
    warnings = []
    for way, name in (("flat", "flat search"), ("scan", "search by scan codes")):
        trial = told.get(way)
        seconds[way] = trial["seconds"] if trial and trial["right"] else float("inf")
        if trial is None:
            warnings.append(f"the trial of {name} {end}: FAISS's build does not fit this processor")
        elif not trial["right"]:
            warnings.append(f"the trial of {name} gave a wrong answer: FAISS's build does not fit this processor")
    if path is not None and kept is None and _went_well(told) and (problem := _keep(path, told)):
        warnings.append(f"{path} cannot be written ({problem}): every start will try FAISS anew, for two seconds")
    warnings += [
        f"OpenBLAS in {name} runs its {kernel} kernel on a processor with AVX2: unset OPENBLAS_CORETYPE, or update it"
        for name, kernel in kernels.items()
        if kernel.lower() in _SLOW_KERNELS and _has_avx2()
    ]
    if policy.upper() != "PASSIVE":
        warnings.append(
            f"OMP_WAIT_POLICY is {policy!r}: threads that spin make a busy server many times slower; unset it"
        )
    if not seconds["scan"] < seconds["flat"]:
        warnings.append("scanning codes is no quicker than scanning vectors here: every search will be exact and slow")
    return SelfTest(seconds["flat"], seconds["scan"], kernels, policy, kept is not None, tuple(warnings))


def _surroundings() -> str:
    """Names what the outcome of a trial hangs on: processor, cores, kernel, interpreter, libraries, their settings, and
    the code that is tried."""
    processor = set()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines():
            if line.partition("\t")[0].strip() in _OF_PROCESSOR:
                processor.add(line)
    except OSError:
        processor.add(platform.processor())
    here = Path(__file__).parent
    facts = {
        "processor": sorted(processor),
        "cores": len(os.sched_getaffinity(0)),
        "system": platform.uname()._asdict() | {"node": ""},
        "python": [sys.version, sys.executable],
        "libraries": [build(), np.__version__],
        "settings": sorted(item for item in os.environ.items() if item[0].startswith(_OF_LIBRARIES)),
        "code": [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(here.glob("*.py"))],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def _went_well(told: dict[str, Any]) -> bool:
    """Whether trials came to their end, answered rightly, and scan codes pay; else each start tries again."""
    ways = told.get("flat"), told.get("scan")
    return all(way and way["right"] for way in ways) and told["scan"]["seconds"] < told["flat"]["seconds"]


def _kept(path: Path) -> dict[str, Any] | None:
    """What the trials of an earlier process told; None where they are not there, or the file is no longer whole."""
    try:
        told: dict[str, Any] = json.loads(path.read_bytes())
        return told if _went_well(told) and told["kernels"] is not None else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _keep(path: Path, told: dict[str, Any]) -> str:
    """Keep what trials told that went well; what stands in the way, "" for nothing."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(told), encoding="ascii")
        partial.replace(path)
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def _child() -> tuple[dict[str, Any], str]:
    """What the trials told, by name, as far as they came; and how the process ended, as a predicate."""
    command = [sys.executable, "-c", "from tenprint.index.self_test import trials; trials()"]
    try:
        run = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603 - no word of it comes from outside
        output, code = run.stdout, run.returncode
        end = f"died of {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
    except subprocess.TimeoutExpired as expired:
        output, end = expired.stdout or b"", f"took longer than {_SECONDS:.0f} s"
    # A line that a signal cut off is not there.
    return dict(json.loads(line) for line in output.split(b"\n")[:-1]), end


def trials() -> None:
    """What the child does: a line of JSON for each trial, at once."""
    random = np.random.Generator(np.random.PCG64(1))
    rows = random.standard_normal((_ROWS, _DIMENSION), dtype=np.float32) / np.float32(np.sqrt(_DIMENSION))
    query = rows[:1].copy()
    kernels = {
        Path(str(library["filepath"])).name: str(library.get("architecture", "unknown"))
        for library in threadpool_info()
        if library.get("internal_api") == "openblas"
    }
    _tell("kernels", kernels)
    scores, numbers = nearest(query, rows, _NAMED)
    right = _are_products(query, rows, numbers, scores, _FLAT_ERROR)
    _tell("flat", {"seconds": _best(lambda: nearest(query, rows, _NAMED)), "right": right})
    book = simulated_codebook(_DIMENSION)
    codes = ScanCodes(book, _DIMENSION).extended(rows)
    fitted = book.fitted(query)
    scores, numbers, _ = codes.nearest(fitted, _NAMED)
    pieces = rows[numbers[0]].reshape(-1, PIECE)
    coded = book.centroids[np.square(pieces[:, np.newaxis] - book.centroids).sum(axis=2).argmin(axis=1)]
    decoded = np.empty_like(rows)
    decoded[numbers[0]] = coded.reshape(len(numbers[0]), -1)
    right = 0 in numbers and _are_products(query, decoded, numbers, scores, _SCAN_ERROR)
    _tell("scan", {"seconds": _best(lambda: codes.nearest(fitted, _NAMED)), "right": right})


def _are_products(
    query: NDArray[np.float32],
    rows: NDArray[np.float32],
    numbers: NDArray[np.int64],
    scores: NDArray[np.float32],
    error: float,
) -> bool:
    """Whether the scores are the inner products of the query with the rows named."""
    products = rows[numbers[0]].astype(np.float64) @ query[0].astype(np.float64)
    return bool(np.abs(products - scores[0]).max() <= error)


def _tell(name: str, value: object) -> None:
    sys.stdout.write(json.dumps([name, value]) + "\n")
    sys.stdout.flush()


def _best(work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(_TRIES):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return min(seconds)


def _has_avx2() -> bool:
    try:
        return " avx2 " in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
