"""The closed-form layer: it finds what tells fingers apart, and orders it."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: it comes with the extra `train`")

from training.head import discriminants


def impressions(fingers, spread, seed):
    """Histograms [fingers, 3, c]: each channel differs between fingers by its spread, and by 1 within each."""
    draw = np.random.default_rng(seed)
    own = draw.normal(size=(fingers, 1, len(spread))) * spread
    found = own + draw.normal(size=(fingers, 3, len(spread)))
    return found - found.mean((0, 1))


def test_the_most_telling_directions_come_first_and_vary_alike_within_fingers():
    spread = np.array([0.1] * 10 + [2.0, 4.0, 3.0])
    samples = impressions(4000, spread, 1)
    projection = discriminants(samples, 3)
    assert projection.shape == (13, 3)
    np.testing.assert_array_equal(np.abs(projection).argmax(0), [11, 12, 10])
    projected = samples @ projection
    within = (projected - projected.mean(1, keepdims=True)).reshape(-1, 3)
    covariance = within.T @ within / (4000 * 2)
    np.testing.assert_allclose(covariance / covariance[0, 0], np.eye(3), atol=0.1)


def test_the_projection_finds_more_mates_than_the_raw_channels():
    samples = impressions(300, np.array([0.1] * 60 + [2.0] * 6), 2)
    fresh = impressions(300, np.array([0.1] * 60 + [2.0] * 6), 3)

    def rank_one(values):
        unit = values / np.linalg.norm(values, axis=-1, keepdims=True)
        return np.mean((unit[:, 0] @ unit[:, 1].T).argmax(1) == np.arange(len(unit)))

    assert rank_one(fresh @ discriminants(samples, 6)) > rank_one(fresh) + 0.1
