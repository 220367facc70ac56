"""One command makes the model again: its stages are commands that there are, each given what an earlier one left."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: it comes with the extra `train`")

from training.reproduce import stages

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("module", sorted({stage.module for stage in stages(Path("runs"))}))
def test_every_stage_is_given_flags_that_its_command_has(module):
    told = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True, cwd=ROOT)
    assert told.returncode == 0, told.stderr
    for stage in stages(Path("runs")):
        if stage.module == module:
            flags = [argument for argument in stage.arguments if argument.startswith("--")]
            assert all(f"{flag} " in told.stdout for flag in flags), (flags, told.stdout)


def test_every_run_starts_from_the_one_before_and_the_last_one_is_exported():
    found = [stage.arguments for stage in stages(Path("runs")) if stage.module == "training.train"]
    outs = [arguments[arguments.index("--out") + 1] for arguments in found]
    starts = [arguments[arguments.index("--start") + 1] for arguments in found[1:]]
    assert starts == outs[:-1]
    (export,) = (stage for stage in stages(Path("runs")) if stage.module == "training.export")
    assert export.arguments[0] == outs[-1]


def test_all_files_of_the_model_are_made():
    shipped = {"finger.json", "descriptor_axes.npy", "reranking.json", "calibration.json"}
    assert {stage.made.name for stage in stages(Path("runs")) if stage.made} == shipped
    assert all((ROOT / "fingerprint" / "models" / name).exists() for name in shipped)
