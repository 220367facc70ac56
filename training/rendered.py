"""Rendered prints as the extractors read them, in a folder: what is left of a finger once a picture of it was taken.

    python -m training.rendered training/runs/rendered --fingers 600

Simulated minutiae (`simulation.py`) stray as we think they do. Here nothing is drawn but ridges: synthetic fingers are
grown, pressed with rising carelessness and read by the extractors that the server reads with, so the minutiae stray,
come and go as theirs do. `head.py` learns from them what to pay no heed to. No real person's print.

Made finger by finger, each from a seed of its own; fingers that are there are not made again, so an interrupted run
goes on. About 3 seconds of a core a finger.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tenprint.fingerprint.leader import LeaderExtractor
from tenprint.fingerprint.mindtct import MindtctExtractor
from tenprint.fingerprint.minutiae import MinutiaeExtractor
from tenprint.fingerprint.synthetic.impression import press
from tenprint.fingerprint.synthetic.ridges import grow_finger
from training.parts import make_parts, write_part

CARELESSNESS: Final = (1.0, 2.0, 3.0, 4.0)
"""Of a finger's plain impressions: from a capture under supervision to one that leaves little."""

_SEED: Final = 5_000_000


@dataclass(frozen=True, slots=True, eq=False)
class RenderedPrint:
    """What an extractor found in one impression.

    Attributes:
        xy: float32 [n, 2], pixels at 500 ppi, y down.
        direction: float32 [n], radians, counter-clockwise with y up.
    """

    xy: NDArray[np.float32]
    direction: NDArray[np.float32]


@cache
def _extractors() -> Sequence[MinutiaeExtractor]:
    return LeaderExtractor(), MindtctExtractor()


def read(folder: Path) -> list[list[list[RenderedPrint]]]:
    """By extractor and finger, the impressions in a folder."""
    by_extractor: list[list[list[RenderedPrint]]] = [[] for _ in _extractors()]
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as file:
            for number, fingers in enumerate(by_extractor):
                names = [f"{number}-{impression}" for impression in range(len(CARELESSNESS))]
                rows = [file[name] for name in names]
                fingers.append([RenderedPrint(found[:, :2], found[:, 2]) for found in rows])
    return by_extractor


def _make(path: Path, number: int) -> None:
    if path.exists():
        return
    finger = grow_finger(_SEED + number)
    found = {}
    for impression, carelessness in enumerate(CARELESSNESS):
        image = press(finger, impression, rolled=False, carelessness=carelessness)
        for place, extractor in enumerate(_extractors()):
            minutiae = extractor.extract(image)
            columns = [minutiae.x, minutiae.y, minutiae.direction]
            found[f"{place}-{impression}"] = np.stack(columns, axis=1).astype(np.float32)
    write_part(path, found)


def main() -> None:
    """Make the fingers that are missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fingers", type=int, default=600)
    flags = parser.parse_args()
    flags.folder.mkdir(parents=True, exist_ok=True)
    make_parts(_make, [(flags.folder / f"{number:06}.npz", number) for number in range(flags.fingers)])


if __name__ == "__main__":
    main()
