"""Measure the thresholds of re-ranked candidates.

    python -m training.reranking --out fingerprint/models/reranking.json

To be run whenever the model or its axes change. Simulated fingers only: probes that are not in a gallery of simulated
fingers are searched in it by their vectors, and the nearest are compared as the server compares them. So these are the
scores of the strangers that a short list is made of, which are higher than those of strangers at random.
"""

import argparse
import json
import math
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from tenprint.fingerprint.embedding import Embedder
from tenprint.fingerprint.features import DescriptorAxes, FingerFeatures
from tenprint.fingerprint.fusion import fused_score
from tenprint.fingerprint.matching import match, short_list
from training.chimeras import RERANKED_PAIRS
from training.descriptor_axes import minutiae_of
from training.export import FINGER_CORRELATION
from training.simulation import Simulator

FINGERS: Final = 3000
PROBES: Final = 1000
SHORT_LIST: Final = short_list(RERANKED_PAIRS, 1)
SEED: Final = 20261125
THRESHOLD_FPIR: Final = 0.02
"""Share of searches of which a short-listed stranger reaches the threshold, in a gallery of 2,000 fingers."""


def strangers(models: Path | None) -> NDArray[np.float64]:
    """Fused scores of one finger with the short-listed fingers of others, float64 [PROBES, SHORT_LIST]."""
    embedder, axes = Embedder(models), DescriptorAxes(models)
    simulator = Simulator(torch.Generator().manual_seed(SEED))
    impressions = simulator.fingers(FINGERS).impression(1.0)
    vectors, features = [], []
    for finger in range(FINGERS):
        minutiae = minutiae_of(impressions, finger)
        if len(minutiae) < embedder.minimum_minutiae:
            continue
        (embedding,) = embedder.embed([minutiae])
        vectors.append(embedding.vector)
        features.append(FingerFeatures.of(minutiae, embedding, axes))
    matrix = np.stack(vectors)
    cosines = matrix[:PROBES] @ matrix[PROBES:].T
    scores = []
    for probe in range(PROBES):
        nearest = np.argsort(-cosines[probe])[:SHORT_LIST]
        found = match(features[probe], [features[PROBES + int(other)] for other in nearest])
        scores.append(
            [fused_score(one.score, float(cosines[probe, other])) for one, other in zip(found, nearest, strict=True)]
        )
    return np.array(scores)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--models", type=Path, help="folder of the model; unset: the one in the package")
    parser.add_argument("--out", type=Path, required=True)
    flags = parser.parse_args()
    scores = strangers(flags.models)
    mean, one = float(scores.mean()), float(np.quantile(scores.max(axis=1), 1 - THRESHOLD_FPIR))
    # As for the vectors' thresholds (training/export.py): n fingers, each pair of scores correlated.
    spread = [math.sqrt((1 + (n - 1) * FINGER_CORRELATION) / n) for n in range(1, 11)]
    card = {
        "of": f"{PROBES} simulated probes, each with the {SHORT_LIST} nearest of {FINGERS - PROBES} strangers",
        "mean": round(mean, 4),
        "standard_deviation": round(float(scores.std()), 4),
        "threshold_fpir": THRESHOLD_FPIR,
        "candidate_thresholds": [round(mean + (one - mean) * share, 4) for share in spread],
    }
    flags.out.write_text(json.dumps(card, indent=2) + "\n")
    print(card)


if __name__ == "__main__":
    main()
