"""Make the shipped model again, with one command: python -m training.reproduce training/runs

One stage after another, each a command of this folder, told as it begins. What a stage has done is kept, so an
interrupted run goes on. At the end `models/` in the folder holds the five files that `fingerprint/models/` ships of it:
the same to the bit only on the same processor, PyTorch and number of threads.

About three hours on two cores; a GPU, where there is one, shortens the three trainings.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

VERSION: Final = "5"

SIMULATED_STEPS: Final = 2000
RENDERED: Final = ((760, 850), (1200, 1000))
"""Rendered fingers, and steps among them: twice, each from where the one before ended, with more fingers."""

ENVIRONMENT: Final[Mapping[str, str]] = {
    # Else glibc hands every large tensor back to the kernel, and half the time of a step is page faults;
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "20000000000",
    "MALLOC_TOP_PAD_": "500000000",
    # and idle threads of OpenMP spin.
    "OMP_WAIT_POLICY": "PASSIVE",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """A command, and the file that says it is done; None: the command knows by itself, and then takes seconds."""

    module: str
    arguments: Sequence[str]
    made: Path | None = None


def stages(runs: Path) -> list[Stage]:
    """All of them, in order."""
    models, rendered, pool = runs / "models", str(runs / "rendered"), str(runs / "pool")
    run = runs / "simulated"
    found = [
        Stage("training.train", ("--out", str(run), "--steps", str(SIMULATED_STEPS), "--simulated", "160")),
    ]
    for fingers, steps in RENDERED:
        start, run = run, runs / f"rendered-{fingers}"
        found += [
            Stage("training.rendered", (rendered, "--fingers", str(fingers))),
            Stage(
                "training.train",
                ("--out", str(run), "--start", str(start), "--rendered", rendered, "--steps", str(steps)),
            ),
        ]
    of_model = ("--models", str(models))

    def fitted(module: str, file: str, *arguments: str) -> Stage:
        return Stage(f"training.{module}", (*arguments, *of_model, "--out", str(models / file)), models / file)

    return [
        *found,
        Stage(
            "training.export",
            (str(run), rendered, "--version", VERSION, "--out", str(models)),
            models / "finger.json",
        ),
        fitted("descriptor_axes", "descriptor_axes.npy"),
        fitted("reranking", "reranking.json"),
        Stage(
            "training.pool",
            (pool, *of_model, "--gallery", "110000", "--mated", "10000", "--strangers", "40000"),
        ),
        fitted("calibration", "calibration.json", pool, "--version", f"simulated-{VERSION}"),
    ]


def main() -> None:
    """Run the stages that are not done."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("runs", type=Path, help="folder for everything that is made")
    for stage in stages(parser.parse_args().runs):
        if stage.made is not None and stage.made.exists():
            continue
        print("python -m", stage.module, *stage.arguments, flush=True)
        command = [sys.executable, "-m", stage.module, *stage.arguments]
        subprocess.run(command, check=True, env={**os.environ, **ENVIRONMENT})  # noqa: S603 - our own modules


if __name__ == "__main__":
    main()
