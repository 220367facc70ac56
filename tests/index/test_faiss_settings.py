"""FAISS's process-wide settings are made before it is loaded, and an operator's own choice stays."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tenprint.index import _faiss
from tenprint.index.scan import ScanCodes, simulated_codebook

PROGRAM = """
import os, sys
before = {}
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "faiss":
            before["policy"] = os.environ.get("OMP_WAIT_POLICY")
sys.meta_path.insert(0, Watch())
import tenprint.index
import faiss
print(before["policy"], faiss.cvar.distance_compute_blas_threshold)
"""


@pytest.mark.parametrize(("operator", "policy"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_settings_are_made_before_faiss_is_loaded(operator, policy):
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    if operator:
        environment["OMP_WAIT_POLICY"] = operator
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout.split() == [policy, "8000"]


def test_scores_are_the_same_bits_at_any_thread_count():
    program = """
import numpy as np
from tenprint.index import Gallery, Record
rng = np.random.default_rng(0)
units = rng.standard_normal((3000, 10, 16)).astype(np.float32)
units /= np.linalg.norm(units, axis=2, keepdims=True)
matrix = units.reshape(3000, -1)
gallery = Gallery("g", dimension=16, model_version="m")
gallery.apply([Record(f"e{i}", f"s{i}", row) for i, row in enumerate(matrix)])
probes = matrix[:64].reshape(64, 10, 16)[:, ::-1].reshape(64, 160).copy()
print([[(c.subject_id, c.score.hex()) for c in r.candidates] for r in gallery.search(probes, 5).results])
"""
    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
            capture_output=True, text=True, check=True, timeout=60,
        ).stdout
        for threads in ("1", "2", "3")
    }  # fmt: skip
    assert len(answers) == 1
    assert "0x" in answers.pop()


def test_numpys_own_blas_keeps_to_one_thread_and_faisss_does_not():
    program = """
import tenprint.index
from threadpoolctl import threadpool_info
print(*(f"{pool['threading_layer']}={pool['num_threads']}" for pool in threadpool_info() if pool["user_api"] == "blas"))
"""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    ran = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    threads = dict(pool.split("=") for pool in ran.stdout.split())
    assert threads == {"pthreads": "1", "openmp": str(len(os.sched_getaffinity(0)))}


@pytest.mark.skipif(
    not Path("/sys/kernel/mm/transparent_hugepage/enabled").is_file(), reason="this system has no huge pages to ask for"
)
def test_scan_codes_of_a_file_ask_for_huge_pages():
    codebook = simulated_codebook(256)
    packed = np.zeros(ScanCodes.packed_size(2560, 20_000), dtype=np.uint8)
    codes = ScanCodes.of_packed(codebook, 2560, packed, 20_000)
    address = codes._parts[0].packed().ctypes.data + packed.nbytes // 2
    flags = set()
    for line in Path("/proc/self/smaps").read_text().splitlines():
        name, _, rest = line.partition(" ")
        if "-" in name:
            begin, end = (int(part, 16) for part in name.split("-"))
            within = begin <= address < end
        elif name == "VmFlags:" and within:
            flags = set(rest.split())
    assert "hg" in flags


@pytest.mark.parametrize(("threads", "queries", "together"), [(2, 1, True), (2, 4, False), (1, 1, False)])
def test_segments_are_scanned_side_by_side_for_a_lone_probe_alone(monkeypatch, threads, queries, together):
    monkeypatch.setattr(_faiss, "_THREADS", threads)
    monkeypatch.setattr(_faiss, "_scanners", ThreadPoolExecutor(2))
    both = threading.Barrier(2)
    seen = []

    def scan(item):
        seen.append(item)
        if together:
            both.wait(timeout=10)  # broken where the other does not run meanwhile
        else:
            assert threading.current_thread() is threading.main_thread()

    _faiss.scan_each(scan, ["one", "two"], queries)
    assert sorted(seen) == ["one", "two"]


def test_what_a_scan_raises_is_raised(monkeypatch):
    monkeypatch.setattr(_faiss, "_THREADS", 2)
    monkeypatch.setattr(_faiss, "_scanners", ThreadPoolExecutor(2))

    def scan(item):
        raise ValueError(item)

    with pytest.raises(ValueError, match="one"):
        _faiss.scan_each(scan, ["one", "two"], 1)
