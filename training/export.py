"""Write the shipped model: `python -m training.export training/runs/v1 --version 1`.

Two files: `finger.onnx`, and `finger.json` beside it, which says what it is and holds the score statistics that
thresholds come from. Those are measured here, on simulated fingers of another seed than training's, never on a print.
"""

import argparse
import hashlib
import json
import math
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from training.network import SetNetwork
from training.simulation import Simulator
from training.train import PLACES, SHORT

OPSET = 17
MAXIMUM_MINUTIAE = 128
"""A rolled print has 60 to 150 by MINDTCT; the cost of an embedding grows with the square."""

MINIMUM_MINUTIAE = 8
"""Below, a neighbourhood of eight is not full and the vector says little."""

STATISTICS_SEED = 20_261_123
STATISTICS_FINGERS = 2_000
THRESHOLD_FMR = 1e-4
"""The share of simulated non-mated comparisons that a candidate's score exceeds."""


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
    """Vectors [n, d] of two impressions each of fingers that training never saw."""
    draw = Simulator(torch.Generator().manual_seed(STATISTICS_SEED))
    sides: tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]] = ([], [])
    with torch.no_grad():
        for _ in range(STATISTICS_FINGERS // 100):
            fingers = draw.fingers(100)
            for side in sides:
                pressed = fingers.impression(1.0).compact(PLACES)
                side.append(network(pressed.xy, pressed.direction, pressed.present.float())[0].numpy())
    return np.concatenate(sides[0]), np.concatenate(sides[1])


def statistics(first: NDArray[np.float32], second: NDArray[np.float32]) -> dict[str, Any]:
    """Scores of mated and non-mated comparisons of one finger, and the thresholds that follow for one to ten."""
    scores = (first @ second.T).astype(np.float64)
    mated = np.diag(scores)
    non_mated = scores[~np.eye(len(scores), dtype=bool)]
    mean = float(non_mated.mean())
    one = float(np.quantile(non_mated, 1 - THRESHOLD_FMR))
    # The mean of n independent scores spreads 1 / sqrt(n) as wide; a tail heavier than the normal one shrinks faster
    # still, so these thresholds err on the side of fewer false candidates.
    thresholds = [mean + (one - mean) / math.sqrt(n) for n in range(1, 11)]

    def summary(values: NDArray[np.float64]) -> dict[str, Any]:
        quantiles = (0.0001, 0.001, 0.01, 0.05, 0.5, 0.95, 0.99, 0.999, 0.9999)
        return {
            "comparisons": len(values),
            "mean": float(values.mean()),
            "standard_deviation": float(values.std()),
            "quantiles": {str(q): float(np.quantile(values, q)) for q in quantiles},
        }

    return {
        "source": f"{len(first)} simulated fingers, seed {STATISTICS_SEED}; one finger measured, two to ten derived",
        "mated": summary(mated),
        "non_mated": summary(non_mated),
        "threshold_fmr": THRESHOLD_FMR,
        "candidate_thresholds": [round(value, 4) for value in thresholds],
    }


def main() -> None:
    """Read the flags and write the model."""
    parser = argparse.ArgumentParser(description="Write the shipped model from a training run.")
    parser.add_argument("run", type=Path, help="folder of the run")
    parser.add_argument("--version", required=True, help="the model's version; vectors of two versions never meet")
    parser.add_argument("--out", type=Path, default=Path("fingerprint/models"))
    flags = parser.parse_args()
    saved = torch.load(flags.run / "checkpoint.pt", weights_only=True, map_location="cpu")
    network = SetNetwork()
    network.load_state_dict(saved["network"])
    flags.out.mkdir(parents=True, exist_ok=True)
    model = flags.out / "finger.onnx"
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
        "trained_on": "simulated minutiae only; no real person's print",
        "plan": saved["plan"],
        "steps_done": saved["step"],
        "seconds_trained": round(saved["seconds"]),
        "exported": datetime.now(UTC).date().isoformat(),
        "scores": statistics(first, second),
    }
    (flags.out / "finger.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    print(f"{model}: {model.stat().st_size} bytes, thresholds {card['scores']['candidate_thresholds']}")


if __name__ == "__main__":
    main()
