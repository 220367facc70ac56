"""FAISS's process-wide settings are made before it is loaded, and an operator's own choice stays."""

import os
import subprocess
import sys

import pytest

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
