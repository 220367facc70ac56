"""Fit the axes that stored descriptors lie on: the principal axes of the model's descriptors of simulated fingers.

    python -m training.descriptor_axes --out fingerprint/models/descriptor_axes.npy

To be run whenever the model changes. Half a minute on one core.
"""

import argparse
import math
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from tenprint.fingerprint.embedding import Embedder
from tenprint.fingerprint.features import AXES
from tenprint.fingerprint.minutiae import Minutiae
from training.simulation import Impressions, Simulator

FINGERS: Final = 2000
SEED: Final = 20261124


def minutiae_of(impressions: Impressions, finger: int) -> Minutiae:
    """One simulated impression as an extractor would hand it over; y grows downwards in both."""
    there = impressions.present[finger].numpy()
    xy = impressions.xy[finger].numpy()[there]
    xy = xy - xy.min(axis=0, initial=0.0)
    turn = impressions.direction[finger].numpy()[there] % (2 * math.pi)
    count = len(xy)
    width, height = np.ceil(xy.max(axis=0, initial=0.0)).astype(int) + 1
    nothing = np.zeros(count, np.float32)
    return Minutiae(
        xy[:, 0].astype(np.float32),
        xy[:, 1].astype(np.float32),
        turn.astype(np.float32),
        np.zeros(count, np.uint8),
        nothing,
        int(width),
        int(height),
    )


def fit(embedder: Embedder, fingers: int = FINGERS) -> NDArray[np.float32]:
    """The `AXES` directions in which the descriptors of `fingers` simulated impressions vary most about zero.

    Returns:
        float32 [descriptor dimension, AXES], orthonormal columns, the greatest share of the variance first.
    """
    simulator = Simulator(torch.Generator().manual_seed(SEED))
    total = np.zeros((embedder.descriptor_dimension,) * 2)
    impressions = simulator.fingers(fingers).impression(1.0)
    for finger in range(fingers):
        minutiae = minutiae_of(impressions, finger)
        if len(minutiae) >= embedder.minimum_minutiae:
            descriptors = embedder.embed([minutiae])[0].descriptors.astype(np.float64)
            total += descriptors.T @ descriptors
    _, vectors = np.linalg.eigh(total)
    return np.ascontiguousarray(vectors[:, ::-1][:, :AXES], dtype=np.float32)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--models", type=Path, help="folder of the model; unset: the one in the package")
    parser.add_argument("--out", type=Path, required=True)
    flags = parser.parse_args()
    np.save(flags.out, fit(Embedder(flags.models)))
