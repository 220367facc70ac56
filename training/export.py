"""Write the shipped model: `python -m training.export training/runs/v2 training/runs/rendered --version 3`.

Fits the layer under the vector (`head.py`) and writes two files: `finger.onnx`, and `finger.json` beside it, which says
what it is and holds the score statistics that thresholds come from. Those are measured here, on simulated fingers that
no fit has seen, never on a print.
"""

import argparse
import hashlib
import json
import math
import shutil
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from training import rendered
from training.head import DAMPING, FINGERS, IMPRESSIONS, RENDERED_SHARE, RIDGE, fit_vector_layer
from training.network import SetNetwork
from training.simulation import Simulator
from training.train import CHECKPOINT, SHORT

OPSET = 17
MAXIMUM_MINUTIAE = 128
"""A rolled print has 60 to 150 by MINDTCT."""

MINIMUM_MINUTIAE = 8
"""Below, a neighbourhood of eight is not full and the vector says little."""

STATISTICS_SEED = 20_261_123
STATISTICS_FINGERS = 2_000
THRESHOLD_FMR = 1e-3
"""The share of simulated non-mated comparisons that a candidate's score exceeds."""

DRAWN_NON_MATED, DRAWN_MATED = 4_000_000, 200_000
"""Comparisons drawn for each number of fingers above one."""

DESCRIBED_FINGERS = (2, 4, 10)
"""The numbers of fingers, beside one, whose scores the model's card describes."""

FINGER_CORRELATION = 0.3
"""How alike the non-mated scores of one person's fingers are taken to be, for thresholds. An assumption: the fingers of
a capture share sensor, skin and extractor, which the simulation draws for each finger anew. With none, the threshold of
ten fingers would come down to what the ten fingers of two persons score on average."""


def write_onnx(network: SetNetwork, path: Path) -> None:
    """Write the network with its number of fingers and places left open."""
    network.eval()
    places = 16
    example = (torch.randn(2, places, 2) * 100, torch.randn(2, places), torch.ones(2, places))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of shapes it records; the check below is what counts
        torch.onnx.export(
            network,
            example,
            str(path),
            opset_version=OPSET,
            input_names=["xy", "direction", "present"],
            output_names=["vector", "descriptors"],
            dynamic_axes={name: {0: "fingers", 1: "places"} for name in ("xy", "direction", "present", "descriptors")}
            | {"vector": {0: "fingers"}},
            dynamo=False,
        )
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    xy, direction, present = torch.randn(3, 40, 2) * 100, torch.randn(3, 40), torch.ones(3, 40)
    present[0, 30:] = 0
    with torch.no_grad():
        expected = network(xy, direction, present)
    found = session.run(None, {"xy": xy.numpy(), "direction": direction.numpy(), "present": present.numpy()})
    if not np.allclose(found[0], expected[0].numpy(), atol=1e-4):
        raise SystemExit("the ONNX file and the network disagree")


def simulated_vectors(network: SetNetwork) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vectors [n, d] of two impressions each of fingers that training never saw, both with enough minutiae to embed."""
    draw = Simulator(torch.Generator().manual_seed(STATISTICS_SEED))
    sides: tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]] = ([], [])
    network.eval()
    with torch.no_grad():
        for _ in range(STATISTICS_FINGERS // 50):
            fingers = draw.fingers(50)
            pair = [fingers.impression(1.0).compact(MAXIMUM_MINUTIAE) for _ in sides]
            enough = torch.stack([(pressed.present.sum(1) >= MINIMUM_MINUTIAE) for pressed in pair]).all(0)
            for side, pressed in zip(sides, pair, strict=True):
                vectors = network(pressed.xy[enough], pressed.direction[enough], pressed.present[enough].float())[0]
                side.append(vectors.numpy())
    return np.concatenate(sides[0]), np.concatenate(sides[1])


def _summary(values: NDArray[np.float64]) -> dict[str, Any]:
    quantiles = (0.0001, 0.001, 0.01, 0.05, 0.5, 0.95, 0.99, 0.999, 0.9999)
    return {
        "comparisons": len(values),
        "mean": round(float(values.mean()), 6),
        "standard_deviation": round(float(values.std()), 6),
        "quantiles": {str(q): round(float(np.quantile(values, q)), 6) for q in quantiles},
    }


def statistics(first: NDArray[np.float32], second: NDArray[np.float32]) -> dict[str, Any]:
    """Scores of mated and non-mated comparisons by the number of fingers compared, and the thresholds that follow.

    One finger: every impression of the first side against every one of the second. More: the mean of as many scores
    drawn from those at random, with replacement, which takes the fingers of one person to be independent. The
    thresholds do not: they shrink from one finger's towards the mean as the spread of n equally correlated scores does.
    """
    draw = np.random.default_rng(STATISTICS_SEED)
    scores = (first @ second.T).astype(np.float64)
    mated = np.diag(scores)
    non_mated = scores[~np.eye(len(scores), dtype=bool)]
    fingers = {"1": {"non_mated": _summary(non_mated), "mated": _summary(mated)}}
    for count in DESCRIBED_FINGERS:
        apart, together = (
            np.mean([draw.choice(values, comparisons) for _ in range(count)], axis=0)
            for values, comparisons in ((non_mated, DRAWN_NON_MATED), (mated, DRAWN_MATED))
        )
        fingers[str(count)] = {"non_mated": _summary(apart), "mated": _summary(together)}
    mean, one = float(non_mated.mean()), float(np.quantile(non_mated, 1 - THRESHOLD_FMR))
    spread = [math.sqrt((1 + (count - 1) * FINGER_CORRELATION) / count) for count in range(1, 11)]
    return {
        "source": f"two impressions of each of {len(first)} simulated fingers, seed {STATISTICS_SEED}; one finger: all "
        "pairs; more: means of scores drawn from those independently, with replacement; no normal tail assumed",
        "fingers": fingers,
        "threshold_fmr": THRESHOLD_FMR,
        "threshold_correlation": FINGER_CORRELATION,
        "threshold_rule": "one finger: the measured quantile; n: mean + (one finger's - mean) "
        "* sqrt((1 + (n - 1) * correlation) / n)",
        "candidate_thresholds": [round(mean + (one - mean) * share, 4) for share in spread],
    }


def main() -> None:
    """Read the flags and write the model."""
    parser = argparse.ArgumentParser(description="Write the shipped model from a training run.")
    parser.add_argument("run", type=Path, help="folder of the run")
    parser.add_argument("rendered", type=Path, help="folder that training.rendered made")
    parser.add_argument("--version", required=True, help="the model's version; vectors of two versions never meet")
    parser.add_argument("--out", type=Path, default=Path("fingerprint/models"))
    flags = parser.parse_args()
    saved = torch.load(flags.run / CHECKPOINT, weights_only=True, map_location="cpu")
    network = SetNetwork()
    network.load_trunk(saved["network"])
    prints = rendered.read(flags.rendered)
    fit_vector_layer(network, MAXIMUM_MINUTIAE, prints)
    model = flags.run / "finger.onnx"
    write_onnx(network, model)
    first, second = simulated_vectors(network)
    card = {
        "version": flags.version,
        "file": model.name,
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "dimension": network.vector.out_features,
        "short_dimension": SHORT,
        "descriptor_dimension": network.descriptor.out_features,
        "maximum_minutiae": MAXIMUM_MINUTIAE,
        "minimum_minutiae": MINIMUM_MINUTIAE,
        "trained_on": "simulated minutiae and minutiae of synthetic prints; no real person's print",
        "plan": saved["plan"],
        "steps_done": saved["step"],
        "vector_layer": {
            "fingers": FINGERS,
            "impressions": IMPRESSIONS,
            "rendered_fingers": len(prints),
            "rendered_impressions": len(rendered.CARELESSNESS),
            "rendered_share": RENDERED_SHARE,
            "ridge": RIDGE,
            "damping": DAMPING,
        },
        "seconds_trained": round(saved["seconds"]),
        "exported": datetime.now(UTC).date().isoformat(),
        "scores": statistics(first, second),
    }
    flags.out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(model, flags.out / model.name)  # only now: the shipped pair always fits together
    (flags.out / "finger.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    print(f"{model}: {model.stat().st_size} bytes, thresholds {card['scores']['candidate_thresholds']}")


if __name__ == "__main__":
    main()
