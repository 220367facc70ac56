"""Arrays made in parts by several processes, each part a file that is there whole or not at all."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def write_part(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Write a part beside its place and move it there, so that whoever is interrupted leaves none that is cut short."""
    partial = path.with_suffix(f".{os.getpid()}")
    with partial.open("wb") as file:
        np.savez(file, **arrays)
    partial.replace(path)


def make_parts(make: Callable[..., None], work: Sequence[tuple[Any, ...]]) -> None:
    """Call `make` with each item of the work, on all cores, and tell of every twentieth."""
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as processes:
        tasks = [processes.submit(make, *item) for item in work]
        for done, task in enumerate(tasks, start=1):
            task.result()
            if done % 20 == 0:
                print(f"{done} of {len(tasks)} parts", flush=True)
