"""Rendered prints: what is learnt from them is what was pressed."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: it comes with the extra `train`")

from tenprint.fingerprint.mindtct import MindtctExtractor  # noqa: E402 - only where PyTorch is
from tenprint.fingerprint.synthetic.impression import press  # noqa: E402 - only where PyTorch is
from tests.prints import grown  # noqa: E402 - only where PyTorch is
from training.rendered import CARELESSNESS, RenderedPrint  # noqa: E402 - only where PyTorch is
from training.rendered_pairs import draw_pairs  # noqa: E402 - only where PyTorch is


@pytest.fixture(scope="module")
def finger():
    master, extractor = grown(1), MindtctExtractor()
    prints = []
    for impression, carelessness in enumerate(CARELESSNESS):
        image = press(master, impression, rolled=False, carelessness=carelessness)
        prints.append(RenderedPrint.of(extractor.extract(image), master.seed, impression))
    return [prints]


def test_readings_of_one_minutia_lie_at_one_place_of_the_finger(finger):
    one, two = finger[0][0], finger[0][1]
    apart = np.linalg.norm(one.place[:, np.newaxis] - two.place, axis=-1)
    inside = (np.abs(one.place) < (110, 150)).all(1)
    assert np.median(apart[inside].min(axis=1)) < 3
    assert np.median(apart[inside].mean(axis=1)) > 60


def test_a_part_is_of_the_whole_and_smaller(finger):
    whole = finger[0][0]
    parts = [whole.part(np.random.default_rng(seed)) for seed in range(20)]
    assert min(map(len, parts)) < 0.7 * len(whole)
    for part in parts:
        assert {tuple(row) for row in part.xy.tolist()} <= {tuple(row) for row in whole.xy.tolist()}


def test_pairs_tell_which_minutiae_are_one(finger):
    first, second = draw_pairs([finger], 8, 40, np.random.default_rng(3))
    again = draw_pairs([finger], 8, 40, np.random.default_rng(3))[0]
    assert torch.equal(first.xy, again.xy)
    assert first.xy.shape == (8, 40, 2)
    assert first.present.sum(1).min() >= 10
    for row in range(8):
        ours = {int(n): i for i, n in enumerate(first.identity[row]) if n >= 0}
        theirs = {int(n): i for i, n in enumerate(second.identity[row]) if n >= 0}
        common = sorted(ours.keys() & theirs.keys())
        assert len(common) >= 4
        a = first.xy[row][[ours[n] for n in common]].numpy()
        b = second.xy[row][[theirs[n] for n in common]].numpy()
        # Between two impressions of a finger distances hold, whatever the turn and the shift.
        within = [np.linalg.norm(side[:, np.newaxis] - side, axis=-1) for side in (a, b)]
        assert np.abs(within[0] - within[1]).max() < 40
