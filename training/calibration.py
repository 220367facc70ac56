"""Fit the calibration that is shipped, on simulated people.

    python -m training.calibration training/runs/pool --out fingerprint/models/calibration.json

To be run whenever the model, its axes, the matcher or the fusion change. Impressions of a pool (`training.pool`) that
are in no gallery are searched in galleries of people put together of its single fingers (`training.chimeras`): the best
score of each search, by number of fingers and size of the gallery, is what is fitted. Half of the pool is left for the
test (`bench.accuracy`). People of the simulation have fingers drawn independently of each other; those of real people
resemble each other more, and extractors leave behind what no simulation knows: an operator's own fit, by `tenprint
calibrate`, goes before this one.
"""

import argparse
from pathlib import Path
from typing import Final

from tenprint.fingerprint.calibration import FINGERS, Calibration
from tenprint.fingerprint.embedding import Embedder
from tenprint.fingerprint.tail_fit import FUSED_FINGERS, FUSED_SIZES, SEPARATE, SIZES, fit_tail
from training.pool import Pool
from training.searches import Plan, strangers

HALF: Final = 0


def main() -> None:
    """Search, fit and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("pool", type=Path, help="folder that training.pool made")
    parser.add_argument("--models", type=Path, help="folder of the model; unset: the one in the package")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--version", default="simulated-1", help="of the fit")
    parser.add_argument("--probes", type=int, default=8_000)
    parser.add_argument("--fused", type=int, default=3_250, help="probes whose short lists are compared")
    flags = parser.parse_args()
    plan = Plan(flags.pool, HALF, SIZES, tuple(FINGERS), FUSED_SIZES, FUSED_FINGERS, SEPARATE)
    best = strangers(plan, flags.probes, flags.fused)
    fingers = len(Pool.read(flags.pool).halves(HALF)[1])
    version = Embedder(flags.models).version
    Calibration(
        version=f"{flags.version}-of-model-{version}",
        model_version=version,
        source=f"simulated people, put together of {fingers} single fingers, and {flags.probes} probes of nobody among "
        f"them, {flags.fused} re-ranked; no real print. Real people score differently: fit your own gallery",
        tails={kind: {n: fit_tail(by) for n, by in of.items()} for kind, of in best.items()},
    ).write(flags.out)


if __name__ == "__main__":
    main()
