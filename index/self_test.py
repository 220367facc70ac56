"""What this machine makes of FAISS: tried for a moment at start, because a slow kernel says nothing by itself."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from threadpoolctl import threadpool_info

from tenprint.index._faiss import nearest
from tenprint.index.scan import ScanCodes, simulated_codebook

_DIMENSION: Final = 2560
_ROWS: Final = 4096
"""A block of 42 MB: out of the caches of most machines, made and encoded in a moment."""

_TRIES: Final = 3
_SLOW_KERNELS: Final = frozenset({"prescott", "core2", "nehalem", "sandybridge", "barcelona", "generic", "bobcat"})
"""OpenBLAS's kernels for processors without AVX2. Measured: falling back to Prescott costs two thirds of the speed."""


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What was found.

    Attributes:
        flat_seconds: best of three flat scans of the block for one probe.
        scan_seconds: best of three scans of its codes.
        kernels: OpenBLAS's kernel in each library that brings one, by file name.
        wait_policy: OMP_WAIT_POLICY.
        warnings: what an operator should look into, a sentence each.
    """

    flat_seconds: float
    scan_seconds: float
    kernels: dict[str, str]
    wait_policy: str
    warnings: tuple[str, ...]

    @property
    def scan_pays(self) -> bool:
        """Whether scan codes are the quicker way here."""
        return self.scan_seconds < self.flat_seconds


def self_test() -> SelfTest:
    """Try both ways of nominating, and look at how the libraries were set up. Takes about a third of a second."""
    random = np.random.Generator(np.random.PCG64(1))
    rows = random.standard_normal((_ROWS, _DIMENSION), dtype=np.float32) / np.float32(np.sqrt(_DIMENSION))
    codes = ScanCodes(simulated_codebook(_DIMENSION), _DIMENSION).extended(rows)
    query = rows[:1].copy()
    flat = _best(lambda: nearest(query, rows, 10))
    scan = _best(lambda: codes.nearest(query, 10))
    kernels = {
        Path(str(library["filepath"])).name: str(library.get("architecture", "unknown"))
        for library in threadpool_info()
        if library.get("internal_api") == "openblas"
    }
    policy = os.environ.get("OMP_WAIT_POLICY", "")
    warnings = [
        f"OpenBLAS in {name} runs its {kernel} kernel on a processor with AVX2: unset OPENBLAS_CORETYPE, or update it"
        for name, kernel in kernels.items()
        if kernel.lower() in _SLOW_KERNELS and _has_avx2()
    ]
    if policy.upper() != "PASSIVE":
        warnings.append(
            f"OMP_WAIT_POLICY is {policy!r}: threads that spin make a busy server many times slower; unset it"
        )
    if scan >= flat:
        warnings.append("scanning codes is no quicker than scanning vectors here: every search will be exact and slow")
    return SelfTest(flat, scan, kernels, policy, tuple(warnings))


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
