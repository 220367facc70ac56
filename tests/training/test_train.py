"""Training: what a plan is, and that an interrupted run ends as one that was not."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: it comes with the extra `train`")

from training import train as training  # noqa: E402 - only where PyTorch is
from training.head import with_affine_layer  # noqa: E402 - only where PyTorch is
from training.network import SetNetwork  # noqa: E402 - only where PyTorch is
from training.rendered import RenderedPrint  # noqa: E402 - only where PyTorch is
from training.train import Plan, batch, train  # noqa: E402 - only where PyTorch is


def prints(fingers):
    draw = np.random.default_rng(1)
    found = []
    for _ in range(fingers):
        place = draw.uniform(-150, 150, (40, 2)).astype(np.float32)
        direction = draw.uniform(0, 2 * np.pi, 40).astype(np.float32)
        shifted = [(place * (1, -1) + shift).astype(np.float32) for shift in (200, 230)]
        found.append([[RenderedPrint(xy, direction, place) for xy in shifted]])
    return found


def small(seed=1):
    torch.manual_seed(seed)
    return SetNetwork(dimension=64, descriptor=8, width=8, codes=16)


PLAN = Plan(steps=4, simulated=6, rendered=4, seed=1, learning_rate=1e-3, started=True)


def test_a_step_shows_simulated_and_rendered_fingers_twice():
    first, second = batch(PLAN, 0, prints(3))
    assert first.xy.shape == second.xy.shape == (10, training.PLACES, 2)
    common = (first.identity[:, :, None] == second.identity[:, None]) & (first.identity[:, :, None] >= 0)
    assert (common.sum((1, 2)) >= 1).all()
    assert (first.present.sum(1) <= 40).any()


def test_an_interrupted_run_ends_as_one_that_was_not(tmp_path, monkeypatch):
    fingers, device = prints(3), torch.device("cpu")
    whole = small()
    train(PLAN, whole, fingers, tmp_path / "whole", device)

    class StopError(Exception):
        pass

    def stopping(plan, step, rendered):
        if step == 3:
            raise StopError
        return batch(plan, step, rendered)

    monkeypatch.setattr(training, "CHECKPOINT_STEPS", 3)
    monkeypatch.setattr(training, "batch", stopping)
    with pytest.raises(StopError):
        train(PLAN, small(), fingers, tmp_path / "parts", device)
    monkeypatch.setattr(training, "batch", batch)
    resumed = small(seed=2)
    train(PLAN, resumed, fingers, tmp_path / "parts", device)
    for one, other in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_a_run_goes_on_from_anothers_trunk_alone():
    trained, network = small(1), small(2)
    own = network.vector.weight.clone()
    with_affine_layer(trained)
    network.load_trunk(trained.state_dict())
    assert torch.equal(network.code.weight, trained.code.weight)
    assert torch.equal(network.vector.weight, own)
    with pytest.raises(ValueError, match="of another network"):
        network.load_trunk({"code.weight": trained.code.weight})
