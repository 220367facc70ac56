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


def fake_python(tmp_path, monkeypatch, program):
    """The interpreter of the next trials: a shell program that counts them."""
    python, count = tmp_path / "python", tmp_path / "count"
    python.write_text(f"#!/bin/sh\necho >>{count}\n{program}\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    return lambda: len(count.read_text().splitlines()) if count.exists() else 0


FLAT = 'echo \'["flat", {"seconds": 0.1, "right": true}]\''
SCAN = 'echo \'["scan", {"seconds": 0.01, "right": true}]\''
WELL = f'echo \'["kernels", {{"libopenblas.so": "Zen"}}]\'; {FLAT}; {SCAN}'


def test_a_trial_that_went_well_is_not_made_again_on_the_same_machine(tmp_path, monkeypatch):
    tried = fake_python(tmp_path, monkeypatch, WELL)
    first, again = self_test(tmp_path / "kept"), self_test(tmp_path / "kept")
    assert (first.is_kept, again.is_kept, tried()) == (False, True, 1)
    assert (again.flat_seconds, again.scan_seconds, again.kernels) == (0.1, 0.01, {"libopenblas.so": "Zen"})
    assert again.scan_pays
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    assert not self_test(tmp_path / "kept").is_kept
    assert tried() == 2


def test_one_on_another_processor_is(tmp_path, monkeypatch):
    tried = fake_python(tmp_path, monkeypatch, WELL)
    self_test(tmp_path / "kept")
    read = type(tmp_path).read_text

    def without_avx512(path, *args, **named):
        text = read(path, *args, **named)
        return text.replace("flags\t\t:", "flags\t\t: other") if str(path) == "/proc/cpuinfo" else text

    monkeypatch.setattr(type(tmp_path), "read_text", without_avx512)
    assert not self_test(tmp_path / "kept").is_kept
    monkeypatch.undo()
    assert tried() == 2


@pytest.mark.parametrize(
    "program", ["kill -ILL $$", f"{FLAT}; kill -ILL $$", f"{SCAN}", f"{WELL.replace('0.01', '0.2')}"]
)
def test_one_that_did_not_go_well_is_made_at_every_start(tmp_path, monkeypatch, program):
    tried = fake_python(tmp_path, monkeypatch, program)
    for _ in range(2):
        assert self_test(tmp_path / "kept").warnings
    assert tried() == 2


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"flat": 1, "scan": 2}', b"\xff"])
def test_a_damaged_file_of_a_trial_is_none(tmp_path, monkeypatch, content):
    tried = fake_python(tmp_path, monkeypatch, WELL)
    self_test(tmp_path / "kept")
    (file,) = (tmp_path / "kept").iterdir()
    file.write_bytes(content)
    assert not self_test(tmp_path / "kept").is_kept
    assert self_test(tmp_path / "kept").is_kept
    assert tried() == 2


def test_a_folder_that_takes_no_file_is_told_of_and_costs_nothing_else(tmp_path, monkeypatch):
    fake_python(tmp_path, monkeypatch, WELL)
    (tmp_path / "kept").write_text("not a folder")
    found = self_test(tmp_path / "kept")
    assert found.scan_pays
    assert any("cannot be written" in warning for warning in found.warnings)
