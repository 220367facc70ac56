"""Fit the calibration that is shipped, on simulated people.

    python -m training.calibration training/runs/pool --out fingerprint/models/calibration.json

To be run whenever the model, its axes or the matcher change. Impressions of a pool (`training.pool`) that are in no
gallery are searched in galleries of people put together of its single fingers (`training.chimeras`): the best score of
each search, by number of fingers and size of the gallery, is what is fitted. Half of the pool is left for the test
(`bench.accuracy`). People of the simulation have fingers drawn independently of each other; those of real people
resemble each other more, and extractors leave behind what no simulation knows: an operator's own fit, by `tenprint
calibrate`, goes before this one.
"""

import argparse
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tenprint.fingerprint.calibration import FINGERS, Calibration, Kind
from tenprint.fingerprint.embedding import Embedder
from tenprint.fingerprint.features import FingerFeatures
from tenprint.fingerprint.tail_fit import fit_tail
from training.chimeras import POSITIONS, Chimeras, Fuser
from training.pool import Impressions, Pool

SIZES: Final = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
SEPARATE: Final = 10
FUSED_SIZES: Final = (1, 100, 10_000, 1_000_000)
FUSED_FINGERS: Final = (1, 2, 4, 7, 10)
"""Numbers of fingers whose fused scores are fitted. For the others the next smaller one speaks."""

_Best = dict[Kind, dict[int, dict[int, list[NDArray[np.float32]]]]]


def probe(impressions: Impressions, number: int) -> tuple[NDArray[np.float32], list[FingerFeatures]]:
    """A probe of ten fingers: vectors [10, d] and features. Every finger is in ten probes, each time elsewhere."""
    step = len(impressions) // POSITIONS
    fingers = [(number + k * step) % len(impressions) for k in range(POSITIONS)]
    return impressions.vectors[fingers], [FingerFeatures.from_bytes(impressions.features[one]) for one in fingers]


def searched(folder: Path, half: int, sizes: Sequence[int], numbers: range, fused: int, listed: Sequence[int]) -> _Best:
    """Search some of the strangers of a half of the pool; of those numbered below `fused`, compare short lists too."""
    with threadpool_limits(1):
        pool = Pool.read(folder)
        strangers, people = pool.halves(half)
        chimeras = Chimeras(people, sizes, FINGERS, listed, FUSED_SIZES, separate=SEPARATE, seed=half + 1)
        vectors_only = Chimeras(people, sizes, FINGERS, (), (), separate=SEPARATE, seed=half + 1)
        fuser = Fuser(chimeras, people)
        best: _Best = {kind: {n: {size: [] for size in sizes} for n in FINGERS} for kind in Kind}
        for with_lists in (True, False):
            some = [number for number in numbers if (number < fused) == with_lists]
            engine = chimeras if with_lists else vectors_only
            found_of = engine.search([probe(strangers, number)[0] for number in some])
            for number, found in zip(some, found_of, strict=True):
                for n, by in found.best.items():
                    for size, scores in by.items():
                        best[Kind.VECTOR][n][size].append(scores)
                if with_lists:
                    for n, by_size in fuser.best(probe(strangers, number)[1], found).items():
                        for size, score in by_size.items():
                            best[Kind.FUSED][n][size].append(np.array([score], np.float32))
        return best


def both_cores(
    folder: Path, half: int, sizes: Sequence[int], probes: int, fused: int, listed: Sequence[int]
) -> dict[Kind, dict[int, dict[int, NDArray[np.float64]]]]:
    """`searched` by two processes: by kind, number of fingers and size, the best scores [searches, galleries]."""
    parts = [range(start, min(start + 250, probes)) for start in range(0, probes, 250)]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        tasks = [processes.submit(searched, folder, half, sizes, part, fused, listed) for part in parts]
        begun = time.perf_counter()
        results = []
        for done, task in enumerate(tasks, start=1):
            results.append(task.result())
            print(f"{done} of {len(tasks)} parts, {time.perf_counter() - begun:.0f} s", flush=True)
    return {
        kind: {
            n: {
                size: np.array([row for one in results for row in one[kind][n][size]], np.float64)
                for size in sizes
                if any(one[kind][n][size] for one in results)
            }
            for n in FINGERS
        }
        for kind in Kind
    }


def main() -> None:
    """Search, fit and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("pool", type=Path, help="folder that training.pool made")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--version", default="simulated-1", help="of the fit")
    parser.add_argument("--probes", type=int, default=20_000)
    parser.add_argument("--fused", type=int, default=4_000, help="probes whose short lists are compared")
    parser.add_argument("--largest", type=int, default=SIZES[-1])
    flags = parser.parse_args()
    sizes = [size for size in SIZES if size <= flags.largest]
    best = both_cores(flags.pool, 0, sizes, flags.probes, flags.fused, FUSED_FINGERS)
    people = len(Pool.read(flags.pool).halves(0)[1])
    Calibration(
        version=f"{flags.version}-of-model-{Embedder().version}",
        model_version=Embedder().version,
        source=f"simulated people, put together of {people} single fingers, and {flags.probes} probes of nobody among "
        f"them, {flags.fused} re-ranked; no real print. Real people score differently: fit your own gallery",
        tails={kind: {n: fit_tail(by) for n, by in of.items() if by} for kind, of in best.items()},
    ).write(flags.out)


if __name__ == "__main__":
    main()
