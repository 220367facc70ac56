"""Train the embedding: `python -m training.train --out training/runs/v1 --steps 1200`.

Every step draws fresh fingers and presses each twice, so no identity is ever seen again. Two contrastive losses at
once: whose finger is it (on the vectors, whole and on their first 64 numbers), and which minutia is it (on the
descriptors; the simulation knows).

Interrupted runs go on from their checkpoint; the same seed and step count give the same run.
"""

import argparse
import csv
import math
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from training.network import SetNetwork
from training.simulation import Impressions, Simulator

PLACES = 72
"""Minutiae of an impression that training looks at."""

LOCAL_FINGERS = 72
"""Fingers of a batch whose minutiae enter the descriptors' loss: about 2,000 pairs."""

SHORT = 64
"""The vector's first numbers, which must do alone."""

TEMPERATURE, LOCAL_TEMPERATURE = 0.06, 0.07
SHORT_WEIGHT, LOCAL_WEIGHT = 0.3, 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is."""

    steps: int
    fingers: int
    seed: int
    learning_rate: float

    def rate(self, step: int) -> float:
        """Learning rate of a step: a short warm-up, then half a cosine down to a hundredth."""
        warm = min(1.0, (step + 1) / min(150, self.steps / 5))
        return self.learning_rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / self.steps)))

    def severity(self, step: int) -> float:
        """How hard the impressions of a step are: full after half the run."""
        return min(1.0, 0.3 + 1.4 * step / self.steps)


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of the log."""

    step: int
    seconds: float
    loss: float
    finger_accuracy: float
    minutia_accuracy: float


def losses(
    vectors: Tensor, descriptors: Tensor, first: Impressions, second: Impressions
) -> tuple[Tensor, Tensor, Tensor]:
    """The loss of a batch, and the share of fingers and of minutiae whose mate comes first.

    Args:
        vectors: float32 [2 B, d], the first impressions and then the second.
        descriptors: float32 [2 B, M, l], likewise.
        first: the first impressions.
        second: the second.
    """
    count = len(vectors) // 2
    mate = torch.cat([torch.arange(count) + count, torch.arange(count)]).to(vectors.device)
    myself = torch.eye(2 * count, device=vectors.device) * 1e4
    loss = torch.zeros((), device=vectors.device)
    for numbers, weight in ((SHORT, SHORT_WEIGHT), (vectors.shape[1], 1.0)):
        part = normalize(vectors[:, :numbers], dim=1)
        logits = part @ part.T / TEMPERATURE - myself
        loss = loss + weight * cross_entropy(logits, mate)
    finger_accuracy = (logits.argmax(1) == mate).float().mean()
    k = min(LOCAL_FINGERS, count)
    same = (first.identity[:k, :, None] == second.identity[:k, None]) & (first.identity[:k, :, None] >= 0)
    same = same & first.present[:k, :, None] & second.present[:k, None]
    finger, one, other = same.nonzero(as_tuple=True)
    logits = descriptors[finger, one] @ descriptors[count + finger, other].T / LOCAL_TEMPERATURE
    pair = torch.arange(len(finger), device=vectors.device)
    loss = loss + LOCAL_WEIGHT * (cross_entropy(logits, pair) + cross_entropy(logits.T, pair))
    return loss, finger_accuracy, (logits.argmax(1) == pair).float().mean()


def train(plan: Plan, out: Path, device: torch.device) -> SetNetwork:
    """Run the plan, from its checkpoint where there is one, and leave `checkpoint.pt` and `curves.csv` in `out`."""
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(plan.seed)
    network = SetNetwork().to(device)
    optimiser = torch.optim.AdamW(network.parameters(), plan.learning_rate, weight_decay=1e-3)
    checkpoint, begin, spent = out / "checkpoint.pt", 0, 0.0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True, map_location=device)
        if saved["plan"] != asdict(plan):
            raise SystemExit(f"{checkpoint} is of another plan: {saved['plan']}")
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        begin, spent = saved["step"], saved["seconds"]
    curves = out / "curves.csv"
    if begin == 0:
        curves.write_text(",".join(Curve.__dataclass_fields__) + "\n", encoding="utf-8")
    started = time.monotonic() - spent
    for step in range(begin, plan.steps):
        for group in optimiser.param_groups:
            group["lr"] = plan.rate(step)
        fingers = Simulator(torch.Generator().manual_seed(plan.seed * 1_000_003 + step)).fingers(plan.fingers)
        first, second = (fingers.impression(plan.severity(step)).compact(PLACES) for _ in range(2))
        inputs = [
            torch.cat(pair).to(device)
            for pair in (
                (first.xy, second.xy),
                (first.direction, second.direction),
                (first.present.float(), second.present.float()),
            )
        ]
        vectors, descriptors = network(*inputs)
        loss, finger_accuracy, minutia_accuracy = losses(vectors, descriptors, first, second)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # PyTorch gives it no types
        torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimiser.step()
        done = step + 1
        if done % 10 == 0 or done == plan.steps:
            seconds = time.monotonic() - started
            curve = Curve(done, round(seconds, 1), loss.item(), finger_accuracy.item(), minutia_accuracy.item())
            with curves.open("a", newline="", encoding="utf-8") as file:
                csv.writer(file).writerow(asdict(curve).values())
            print(curve, flush=True)
        if done % 50 == 0 or done == plan.steps:
            partial = checkpoint.with_suffix(".partial")
            state = {
                "plan": asdict(plan),
                "step": done,
                "seconds": time.monotonic() - started,
                "network": network.state_dict(),
                "optimiser": optimiser.state_dict(),
            }
            torch.save(state, partial)
            partial.replace(checkpoint)
    return network


def main() -> None:
    """Read the flags and train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True, help="folder of the run: checkpoint and curves")
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--fingers", type=int, default=128, help="fingers a step, each pressed twice")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    flags = parser.parse_args()
    torch.set_num_threads(flags.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    train(Plan(flags.steps, flags.fingers, flags.seed, flags.learning_rate), flags.out, device)


if __name__ == "__main__":
    main()
