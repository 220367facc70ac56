"""Simulated impressions through the shipped model, in a folder, for calibration and for accuracy at scale.

    python -m training.pool training/runs/pool --gallery 100000 --mated 10000 --strangers 20000

Three sets of single fingers, none of which the model was trained on: `gallery`, one impression each; `mates`, another
impression of the first fingers of `gallery`; `strangers`, one impression each of fingers that are not in it. Each set
is float32 vectors [n, d] and packed features. An impression that the model can make nothing of is a vector of zeros
without features: it scores 0, and so counts as a miss.

Made in parts of 500 fingers, each from a seed of its own, on all cores; parts that are there are not made again, so
that an interrupted run goes on. About 6 ms of a core an impression.
"""

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from tenprint.fingerprint.embedding import Embedder
from tenprint.fingerprint.features import DescriptorAxes, FingerFeatures
from training import simulation
from training.descriptor_axes import minutiae_of
from training.parts import make_parts, write_part

PART: Final = 500
SEVERITY: Final = 1.0
"""Of every impression: windows and distortion stray as far as they ever did in training."""

_SEEDS: Final = {"gallery": 41_000_000, "strangers": 42_000_000}


@dataclass(frozen=True, slots=True, eq=False)
class Impressions:
    """Impressions as the model sees them.

    Attributes:
        vectors: float32 [n, d], unit length, or zeros where the impression was unusable.
        features: one a finger, empty where it was unusable.
    """

    vectors: NDArray[np.float32]
    features: Sequence[bytes]

    def __len__(self) -> int:
        return len(self.vectors)

    def __getitem__(self, part: slice) -> "Impressions":
        return Impressions(self.vectors[part], self.features[part])


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """What a folder holds. `mates` are of the first `len(mates)` fingers of `gallery`."""

    gallery: Impressions
    mates: Impressions
    strangers: Impressions

    @classmethod
    def read(cls, folder: Path) -> "Pool":
        """Read the parts that are in a folder."""
        gallery, strangers = (_read(folder, name) for name in ("gallery", "strangers"))
        return cls(gallery, _read(folder, "mates"), strangers)

    def halves(self, half: int) -> tuple[Impressions, Impressions]:
        """Strangers and people who have no mate here, half (0) to fit on and half (1) to test on."""
        people = self.gallery[len(self.mates) :]
        return tuple(both[half * len(both) // 2 : (half + 1) * len(both) // 2] for both in (self.strangers, people))


def _read(folder: Path, name: str) -> Impressions:
    vectors, features = [], []
    for number in range(len(list(folder.glob(f"{name}-*.npz")))):
        with np.load(folder / f"{name}-{number:05}.npz") as part:
            vectors.append(part["vectors"])
            ends = part["ends"]
            data = part["features"].tobytes()
            features += [data[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]
    return Impressions(np.concatenate(vectors), features)


def _pressed(
    impressions: simulation.Impressions, embedder: Embedder, axes: DescriptorAxes
) -> dict[str, NDArray[np.generic]]:
    vectors = np.zeros((PART, embedder.dimension), np.float32)
    features = []
    for finger in range(PART):
        minutiae = minutiae_of(impressions, finger)
        packed = b""
        if len(minutiae) >= embedder.minimum_minutiae:
            (embedding,) = embedder.embed([minutiae])
            vectors[finger] = embedding.vector
            packed = FingerFeatures.of(minutiae, embedding, axes).to_bytes()
        features.append(packed)
    ends = np.cumsum([len(packed) for packed in features])
    return {"vectors": vectors, "ends": ends, "features": np.frombuffer(b"".join(features), np.uint8)}


def _make(folder: Path, models: Path | None, names: Sequence[str], number: int) -> None:
    """A part of each of the sets, of the same fingers; the first set says which."""
    torch.set_num_threads(1)
    paths = [folder / f"{name}-{number:05}.npz" for name in names]
    if all(path.exists() for path in paths):
        return
    embedder, axes = Embedder(models), DescriptorAxes(models)
    fingers = simulation.Simulator(torch.Generator().manual_seed(_SEEDS[names[0]] + number)).fingers(PART)
    for path in paths:
        write_part(path, _pressed(fingers.impression(SEVERITY), embedder, axes))


def main() -> None:
    """Make the parts that are missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", type=Path, help="folder of the model; unset: the one in the package")
    parser.add_argument("--gallery", type=int, default=100_000)
    parser.add_argument("--mated", type=int, default=10_000)
    parser.add_argument("--strangers", type=int, default=20_000)
    flags = parser.parse_args()
    flags.folder.mkdir(parents=True, exist_ok=True)
    galleries, mated, strangers = (math.ceil(n / PART) for n in (flags.gallery, flags.mated, flags.strangers))
    work = [(flags.folder, flags.models, ("strangers",), number) for number in range(strangers)]
    both = ("gallery", "mates")
    work += [(flags.folder, flags.models, both[: 1 + (number < mated)], number) for number in range(galleries)]
    make_parts(_make, work)


if __name__ == "__main__":
    main()
