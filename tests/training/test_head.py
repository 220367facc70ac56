"""The closed-form layer: it finds what tells fingers apart, and orders it."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: it comes with the extra `train`")

from training import head  # noqa: E402 - only where PyTorch is
from training.head import Scatter, discriminants, fit_vector_layer  # noqa: E402 - only where PyTorch is
from training.network import SetNetwork  # noqa: E402 - only where PyTorch is
from training.rendered import RenderedPrint  # noqa: E402 - only where PyTorch is
from training.simulation import Simulator  # noqa: E402 - only where PyTorch is


def impressions(fingers, spread, seed):
    """Histograms [fingers, 3, c]: each channel differs between fingers by its spread, and by 1 within each."""
    draw = np.random.default_rng(seed)
    own = draw.normal(size=(fingers, 1, len(spread))) * spread
    found = own + draw.normal(size=(fingers, 3, len(spread)))
    return found - found.mean((0, 1))


def test_the_most_telling_directions_come_first_and_none_outweighs_the_others():
    spread = np.array([0.1] * 10 + [2.0, 4.0, 3.0])
    samples = impressions(4000, spread, 1)
    projection = discriminants(Scatter.of(list(samples)), 3)
    assert projection.shape == (13, 3)
    np.testing.assert_array_equal(np.abs(projection).argmax(0), [11, 12, 10])
    projected = samples @ projection
    within = (projected - projected.mean(1, keepdims=True)).reshape(-1, 3)
    covariance = within.T @ within / (4000 * 2)
    noise = 1 + head.RIDGE * 1.0  # what the fit takes the variance within fingers, 1 in every channel, to be
    gain = np.array([4.0, 3.0, 2.0]) ** 2 / noise
    expected = (1 + gain) ** (2 * head.DAMPING) / noise
    np.testing.assert_allclose(covariance, np.diag(expected), atol=0.03)


def test_the_projection_finds_more_mates_than_the_raw_channels():
    samples = impressions(300, np.array([0.1] * 60 + [2.0] * 6), 2)
    fresh = impressions(300, np.array([0.1] * 60 + [2.0] * 6), 3)

    def rank_one(values):
        unit = values / np.linalg.norm(values, axis=-1, keepdims=True)
        return np.mean((unit[:, 0] @ unit[:, 1].T).argmax(1) == np.arange(len(unit)))

    assert rank_one(fresh @ discriminants(Scatter.of(list(samples)), 6)) > rank_one(fresh) + 0.1


def test_what_strays_in_rendered_prints_alone_counts_for_less_and_they_say_where_zero_lies():
    simulated = Scatter.of(list(impressions(2000, np.array([3.0, 3.0, 0.1]), 4)))
    strayed = impressions(2000, np.array([3.0, 3.0, 0.1]), 5)
    strayed[..., 0] += 4 * np.random.default_rng(6).normal(size=strayed.shape[:2])
    joined = simulated.joined(Scatter.of(list(strayed + 2.0)), 0.5)
    np.testing.assert_allclose(joined.mean, 2.0, atol=0.2)
    assert np.trace(joined.within) == pytest.approx(np.trace(simulated.within))
    assert np.abs(discriminants(joined, 1)).argmax() == 1


def rendered_prints(fingers):
    pressed = [Simulator(torch.Generator().manual_seed(7)).fingers(fingers).impression(0.3) for _ in range(2)]

    def of(side, number):
        there = side.present[number]
        xy = side.xy[number][there].numpy()
        return RenderedPrint(xy, side.direction[number][there].numpy(), xy)

    return [[[of(side, number) for side in pressed]] for number in range(fingers)]


def test_fitting_an_untrained_network_centres_its_vectors_and_finds_more_mates():
    torch.manual_seed(1)
    network = SetNetwork(dimension=16, width=16, codes=32).eval()
    fingers = Simulator(torch.Generator().manual_seed(5)).fingers(60)
    sides = [fingers.impression(0.3).compact(60) for _ in range(2)]

    def vectors():
        with torch.no_grad():
            return [network(side.xy, side.direction, side.present.float())[0] for side in sides]

    def rank_ten(found):
        scores = found[0] @ found[1].T
        return ((scores >= scores.diag()[:, None]).sum(1) <= 10).float().mean()

    before = vectors()
    fit_vector_layer(network, 60, rendered_prints(8), 100)
    after = vectors()
    network.train()  # nothing under the vector depends on the batch any more
    assert all(torch.equal(one, other) for one, other in zip(vectors(), after, strict=True))
    assert after[0].shape == before[0].shape
    assert torch.allclose(after[0].norm(dim=1), torch.ones(60), atol=1e-5)
    assert after[0].mean(0).norm() < 0.8 * before[0].mean(0).norm()
    assert rank_ten(after) > rank_ten(before)
