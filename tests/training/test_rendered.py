"""Rendered prints: what is learnt from them is what was pressed."""

from dataclasses import replace

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


def test_a_mirrored_print_is_the_same_seen_in_a_mirror(finger):
    whole = finger[0][0]
    turned = whole.mirrored()
    assert np.allclose(turned.xy, whole.xy * [-1, 1])
    assert np.allclose(turned.place, whole.place * [-1, 1])
    # What pointed up still does; what pointed left points right.
    assert np.allclose(np.sin(turned.direction), np.sin(whole.direction), atol=1e-5)
    assert np.allclose(np.cos(turned.direction), -np.cos(whole.direction), atol=1e-5)


def test_no_finger_comes_twice_in_a_batch_while_others_wait(finger):
    far = [[replace(one, xy=one.xy + np.float32(10_000)) for one in prints] for prints in finger]
    both = 0
    for seed in range(20):
        first, _ = draw_pairs([finger, far], 2, 40, np.random.default_rng(seed))
        places = [abs(xy[there].mean().item()) for xy, there in zip(first.xy[..., 1], first.present, strict=True)]
        both += max(places) > 5_000 > min(places)
    assert both >= 17, "but for windows that show too little; drawn with replacement, it would be ten"


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
