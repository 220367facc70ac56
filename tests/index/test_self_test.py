"""The self-test says what the machine makes of FAISS, and warns where a setting slows it."""

import json
import os
import subprocess
import sys

import pytest

from tenprint.index import self_test

PROGRAM = """
import json
from tenprint.index import self_test
found = self_test()
print(json.dumps({"warnings": found.warnings, "policy": found.wait_policy, "kernels": found.kernels}))
"""


def told(**environment):
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return json.loads(run.stdout)


def test_it_tries_both_ways_and_names_the_kernels():
    found = self_test()
    assert found.flat_seconds > 0
    assert found.scan_seconds > 0
    assert found.scan_pays is (found.scan_seconds < found.flat_seconds)
    assert any("openblas" in name for name in found.kernels)


def test_spinning_threads_and_a_slow_kernel_are_warned_of():
    assert told(OMP_WAIT_POLICY="PASSIVE")["policy"] == "PASSIVE"
    found = told(OMP_WAIT_POLICY="ACTIVE", OPENBLAS_CORETYPE="Prescott")
    assert any("OMP_WAIT_POLICY is 'ACTIVE'" in warning for warning in found["warnings"])
    assert any("Prescott kernel" in warning for warning in found["warnings"])


@pytest.mark.parametrize(
    ("program", "warning"),
    [
        ("kill -ILL $$", "the trial of flat search died of SIGILL"),
        ('echo \'["flat", {"seconds": 0.1, "right": true}]\'; kill -ILL $$', "scan codes died of SIGILL"),
        (
            'echo \'["flat", {"seconds": 0.1, "right": true}]\'; echo \'["scan", {"seconds": 0.01, "right": false}]\'',
            "scan codes gave a wrong answer",
        ),
    ],
)
def test_a_trial_that_dies_or_answers_wrongly_costs_the_server_its_codes_and_not_its_life(
    tmp_path, monkeypatch, program, warning
):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{program}\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    found = self_test()
    assert not found.scan_pays
    assert any(warning in told for told in found.warnings)
