"""Open-set search among a million simulated people, and what the calibration promised: python -m bench.accuracy POOL.

The pool is `training.pool`'s; its second half, which no fit has seen, is searched (`training.searches`). Prints two
Markdown tables: misses at a stated FPIR, and FPIR promised against observed. Intervals are Wilson's, 95 %.

A miss is a mate whose score is under the threshold; where candidates are re-ranked, also one that is not on the short
list.
"""

import argparse
import os
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from tenprint.fingerprint.calibration import Calibration, Kind
from tenprint.fingerprint.embedding import Embedder
from training.chimeras import RERANKED_PAIRS
from training.pool import Pool
from training.searches import Best, Mates, Plan, mates, strangers

SIZES: Final = (10_000, 100_000, 1_000_000)
FINGERS: Final = (1, 2, 4, 10)
TARGETS: Final = (1e-2, 1e-3)
HALF: Final = 1

_NAMES: Final = {Kind.VECTOR: "vectors alone", Kind.FUSED: f"{RERANKED_PAIRS} pairs re-ranked"}


def wilson(events: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a rate."""
    found = binomtest(events, trials).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def scores_of_mates(found: Mates, kind: Kind, fingers: int, size: int) -> NDArray[np.float64]:
    """Scores of the mates; re-ranked, of those that are not on the short list minus infinity."""
    scores = found.scores[kind][fingers]
    if kind is Kind.VECTOR:
        return scores
    return np.where(found.scores[Kind.VECTOR][fingers] > found.last[fingers][size], scores, -np.inf)


def misses(best: Best, found: Mates, calibration: Calibration, fpir: float) -> Iterator[str]:
    """Rows: FNIR at the threshold that the calibration gives, and at the one where so many strangers were found."""
    for kind in Kind:
        for n in FINGERS:
            for size, of in best[kind].get(n, {}).items():
                mated = scores_of_mates(found, kind, n, size)
                cells = []
                for threshold in (
                    calibration.score_for(kind, fpir, n, size),
                    float(np.quantile(of, 1 - fpir, method="higher")),
                ):
                    if threshold is None:
                        cells.append("not promised")
                        continue
                    missed = int((mated < threshold).sum())
                    low, high = wilson(missed, len(mated))
                    cells.append(f"{missed / len(mated):.2%} ({low:.2%} - {high:.2%})")
                yield f"| {_NAMES[kind]} | {n} | {size:,} | {len(of):,} | {len(mated):,} | {' | '.join(cells)} |"


def promises(best: Best, calibration: Calibration) -> Iterator[str]:
    """Rows: how many searches of strangers reached the score of a promised FPIR."""
    for kind in Kind:
        for n in FINGERS:
            for size, of in best[kind].get(n, {}).items():
                for target in TARGETS:
                    threshold = calibration.score_for(kind, target, n, size)
                    begun = f"| {_NAMES[kind]} | {n} | {size:,} | {target:g} |"
                    if threshold is None:
                        yield f"{begun} not promised | | | |"
                        continue
                    hits = int((of >= threshold).sum())
                    low, high = wilson(hits, len(of))
                    inside = "inside" if low <= target <= high else "above" if target > high else "**below**"
                    yield f"{begun} {threshold:.3f} | {hits} of {len(of):,} | {low:.2g} - {high:.2g} | {inside} |"


def main() -> None:
    """Search what has not been searched, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("pool", type=Path, help="folder that training.pool made")
    parser.add_argument("--models", type=Path, help="folder of model and calibration; unset: those in the package")
    parser.add_argument("--strangers", type=int, default=8_000, help="searches without a mate")
    parser.add_argument("--fused", type=int, default=3_250, help="of them, those that are re-ranked")
    parser.add_argument("--mates", type=int, default=3_000, help="searches with a mate")
    flags = parser.parse_args()
    calibration = Calibration.of_model(None, flags.models, Embedder(flags.models).version)
    if calibration is None:
        raise SystemExit("there is no calibration of this model")
    plan = Plan(flags.pool, HALF, SIZES, FINGERS, SIZES, FINGERS)
    found = mates(plan, flags.mates)
    best = strangers(plan, flags.strangers, flags.fused)
    best = {
        kind: {n: {size: rows[:, 0] for size, rows in by.items()} for n, by in of.items()} for kind, of in best.items()
    }
    people = len(Pool.read(flags.pool).halves(HALF)[1])
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.processor() or platform.machine()};")
    print(f"calibration {calibration.version}; people put together of {people:,} single fingers\n")
    print(
        "| decides | fingers | gallery | searches without mate | with mate | FNIR at promised 1e-3 | at observed 1e-3 |"
    )
    print("|---|---|---|---|---|---|---|")
    print("\n".join(misses(best, found, calibration, 1e-3)))
    print("\n| decides | fingers | gallery | promised | threshold | observed | 95 % interval | promise lies |")
    print("|---|---|---|---|---|---|---|---|")
    print("\n".join(promises(best, calibration)))


if __name__ == "__main__":
    main()
