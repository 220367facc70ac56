"""Rendered prints as the extractors read them, in a folder: what is left of a finger once a picture of it was taken.

    python -m training.rendered training/runs/rendered --fingers 1200

Simulated minutiae (`simulation.py`) stray as we think they do. Here nothing is drawn but ridges: synthetic fingers are
grown, pressed with rising carelessness and read by the extractors that the server reads with, so the minutiae stray,
come and go as theirs do. The network learns from them beside simulated ones, and so does the layer under its vector
(`head.py`). Where on the finger a minutia lies is known, for it is known how the finger was pressed: so it is known
which minutiae of two impressions are one. No real person's print.

Made finger by finger, each from a seed of its own; fingers that are there are not made again, so an interrupted run
goes on. About 3 seconds of a core a finger.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from tenprint.fingerprint.leader import LeaderExtractor
from tenprint.fingerprint.mindtct import MindtctExtractor
from tenprint.fingerprint.minutiae import Minutiae, MinutiaeExtractor
from tenprint.fingerprint.synthetic.impression import places_on_finger, press
from tenprint.fingerprint.synthetic.ridges import grow_finger
from training.parts import make_parts, write_part
from training.simulation import MM

CARELESSNESS: Final = (1.0, 2.0, 3.0, 4.0)
"""Of a finger's plain impressions: from a capture under supervision to one that leaves little."""

_SEED: Final = 5_000_000

_Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class RenderedPrint:
    """What an extractor found in one impression, or in a part of it.

    Attributes:
        xy: float32 [n, 2], pixels at 500 ppi, y down.
        direction: float32 [n], radians, counter-clockwise with y up.
        place: float32 [n, 2], where on the finger that is: pixels from its centre, y up.
    """

    xy: _Floats
    direction: _Floats
    place: _Floats

    def __len__(self) -> int:
        return len(self.direction)

    @classmethod
    def of(cls, minutiae: Minutiae, finger_seed: int, impression: int) -> Self:
        """What an extractor found in an impression of a finger, its number being its seed."""
        carelessness = CARELESSNESS[impression]
        places = places_on_finger(finger_seed, impression, rolled=False, carelessness=carelessness)
        column = np.clip(np.rint(minutiae.x), 0, places.shape[1] - 1).astype(np.int64)
        row = np.clip(np.rint(minutiae.y), 0, places.shape[0] - 1).astype(np.int64)
        xy = np.stack([minutiae.x, minutiae.y], axis=1).astype(np.float32)
        return cls(xy, minutiae.direction.astype(np.float32), places[row, column])

    def chosen(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Self:
        """Some of them."""
        return type(self)(*(getattr(self, field.name)[which] for field in fields(self)))

    def mirrored(self) -> Self:
        """Left for right."""
        flip = np.array([-1, 1], np.float32)
        return type(self)(self.xy * flip, np.float32(np.pi) - self.direction, self.place * flip)

    def part(self, draw: np.random.Generator) -> Self:
        """What a window shows: placed and sized as the simulation's, from small sensors on (`Fingers.impression`)."""
        if not len(self):
            return self
        centre = np.median(self.xy, axis=0) + draw.normal(size=2) * (2.2 * MM, 2.8 * MM)
        extent = draw.uniform((4.5 * MM, 5.5 * MM), (10.5 * MM, 13 * MM))
        return self.chosen((np.abs((self.xy - centre) / extent) ** draw.choice((8, 2.5))).sum(1) < 1)


RenderedFinger = Sequence[Sequence[RenderedPrint]]
"""By extractor, the impressions of one finger."""


_EXTRACTORS: Final[Sequence[Callable[[], MinutiaeExtractor]]] = (LeaderExtractor, MindtctExtractor)


@cache
def _extractors() -> Sequence[MinutiaeExtractor]:
    return tuple(make() for make in _EXTRACTORS)


def read(folder: Path) -> list[RenderedFinger]:
    """The fingers in a folder."""
    fingers = []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as file:
            finger = [
                [_unpacked(file[_name(extractor, impression)]) for impression in range(len(CARELESSNESS))]
                for extractor in range(len(_EXTRACTORS))
            ]
        fingers.append(finger)
    return fingers


def _name(extractor: int, impression: int) -> str:
    return f"{extractor}-{impression}"


def _packed(found: RenderedPrint) -> _Floats:
    """float32 [n, 5]."""
    return np.concatenate([found.xy, found.direction[:, np.newaxis], found.place], axis=1)


def _unpacked(columns: _Floats) -> RenderedPrint:
    return RenderedPrint(columns[:, :2], columns[:, 2], columns[:, 3:])


def _make(path: Path, number: int) -> None:
    if path.exists():
        return
    finger = grow_finger(_SEED + number)
    found = {}
    for impression, carelessness in enumerate(CARELESSNESS):
        image = press(finger, impression, rolled=False, carelessness=carelessness)
        for place, extractor in enumerate(_extractors()):
            read_print = RenderedPrint.of(extractor.extract(image), finger.seed, impression)
            found[_name(place, impression)] = _packed(read_print)
    write_part(path, found)


def main() -> None:
    """Make the fingers that are missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fingers", type=int, default=1200)
    flags = parser.parse_args()
    flags.folder.mkdir(parents=True, exist_ok=True)
    make_parts(_make, [(flags.folder / f"{number:06}.npz", number) for number in range(flags.fingers)])


if __name__ == "__main__":
    main()
