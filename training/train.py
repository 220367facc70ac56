"""Train the embedding, on simulated fingers and then on rendered prints among them.

    python -m training.train --out SIMULATED --steps 2000 --simulated 160
    python -m training.train --out RUN --steps 850 --start SIMULATED --rendered RENDERED

With which numbers the shipped model was made: `reproduce.py`.

Every step draws fresh simulated fingers and presses each twice, so none of their identities is ever seen again.
Rendered prints (`rendered.py`) are few and seen often, each time another part of them; they stray as extractors make
them, and that is what the network has to learn to pay no heed to.

Two contrastive losses at once: whose finger is it (on the vectors, whole and on their first 64 numbers), and which
minutia is it (on the descriptors; simulation and rendering know).

A run that starts from another takes its trunk, with the layer under the vector fitted to it in closed form
(`head.py`). Interrupted runs go on from their checkpoint; the same seed and plan give the same run.
"""

import argparse
import csv
import math
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from training import rendered
from training.head import fit_vector_layer, with_affine_layer
from training.network import SetNetwork
from training.rendered import RenderedFinger
from training.rendered_pairs import draw_pairs
from training.simulation import Impressions, Simulator

START_FINGERS = 200
"""Of either kind, to fit the layer under the vector to where a run starts from another: training will change it."""

CHECKPOINT = "checkpoint.pt"
CHECKPOINT_STEPS = 50

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
    """What a run is.

    Attributes:
        steps: of all.
        simulated: fingers a step, each pressed twice.
        rendered: pairs of rendered prints a step.
        seed: decides every draw.
        learning_rate: the greatest.
        started: whether from another run's trunk.
    """

    steps: int
    simulated: int
    rendered: int
    seed: int
    learning_rate: float
    started: bool

    def rate(self, step: int) -> float:
        """Learning rate of a step: a short warm-up, then half a cosine down to a hundredth."""
        warm = min(1.0, (step + 1) / min(150, self.steps / 5))
        return self.learning_rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / self.steps)))

    def severity(self, step: int) -> float:
        """How hard the impressions of a step are: full after half the run, or from the start for a trained trunk."""
        return 1.0 if self.started else min(1.0, 0.3 + 1.4 * step / self.steps)


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


def batch(plan: Plan, step: int, prints: Sequence[RenderedFinger]) -> tuple[Impressions, Impressions]:
    """The two sides of a step: simulated fingers and rendered ones, mixed."""
    draw = torch.Generator().manual_seed(plan.seed * 1_000_003 + step)
    fingers = Simulator(draw).fingers(plan.simulated)
    simulated = [fingers.impression(plan.severity(step)).compact(PLACES) for _ in range(2)]
    if not plan.rendered:
        return simulated[0], simulated[1]
    pairs = draw_pairs(prints, plan.rendered, PLACES, np.random.default_rng([plan.seed, step]))
    # Only the first fingers' minutiae enter the descriptors' loss: both kinds are to be among them.
    order = torch.randperm(plan.simulated + plan.rendered, generator=draw)
    first, second = (one.joined(other).chosen(order) for one, other in zip(simulated, pairs, strict=True))
    return first, second


def train(plan: Plan, network: SetNetwork, prints: Sequence[RenderedFinger], out: Path, device: torch.device) -> None:
    """Run the plan, from its checkpoint where there is one, and leave `checkpoint.pt` and `curves.csv` in `out`.

    Args:
        plan: the run.
        network: as it starts.
        prints: rendered fingers; none are needed where the plan has no rendered pairs.
        out: the run's folder.
        device: to train on.
    """
    out.mkdir(parents=True, exist_ok=True)
    network.to(device).train()
    optimiser = torch.optim.AdamW(network.parameters(), plan.learning_rate, weight_decay=1e-3)
    checkpoint, begin, spent = out / CHECKPOINT, 0, 0.0
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
        first, second = batch(plan, step, prints)
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
        if done % CHECKPOINT_STEPS == 0 or done == plan.steps:
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


def main() -> None:
    """Read the flags and train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True, help="folder of the run: checkpoint and curves")
    parser.add_argument("--start", type=Path, help="folder of a run whose trunk to go on from")
    parser.add_argument("--rendered", type=Path, help="folder that training.rendered made; needed with --start")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--simulated", type=int, default=64, help="simulated fingers a step, each pressed twice")
    parser.add_argument("--rendered-pairs", type=int, default=112, help="rendered ones a step, with --rendered")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--learning-rate", type=float, help="default: 0.003, or 0.001 with --start")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    flags = parser.parse_args()
    if flags.start and not flags.rendered:
        parser.error("--start: needs --rendered, to fit the vector's layer")
    torch.set_num_threads(flags.threads)
    torch.manual_seed(flags.seed)
    prints = rendered.read(flags.rendered) if flags.rendered else []
    plan = Plan(
        steps=flags.steps,
        simulated=flags.simulated,
        rendered=flags.rendered_pairs if prints else 0,
        seed=flags.seed,
        learning_rate=flags.learning_rate or (1e-3 if flags.start else 3e-3),
        started=flags.start is not None,
    )
    network = SetNetwork()
    if flags.start:
        network.load_trunk(torch.load(flags.start / CHECKPOINT, weights_only=True, map_location="cpu")["network"])
        if (flags.out / CHECKPOINT).exists():  # what was fitted is in there
            with_affine_layer(network)
        else:
            fit_vector_layer(network, PLACES, prints[:START_FINGERS], START_FINGERS)
    train(plan, network, prints, flags.out, torch.device("cuda" if torch.cuda.is_available() else "cpu"))


if __name__ == "__main__":
    main()
