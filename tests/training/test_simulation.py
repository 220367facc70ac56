"""The simulation: what an impression may do to a finger, and what it must leave alone."""

import math

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: it comes with the extra `train`")

from training.network import SetNetwork  # noqa: E402 - only where PyTorch is
from training.simulation import MM, Simulator  # noqa: E402 - only where PyTorch is


@pytest.fixture
def draw():
    return Simulator(torch.Generator().manual_seed(7))


def matched(first, second):
    """Rows (finger, place in first, place in second) of the minutiae that two impressions share."""
    same = (first.identity[:, :, None] == second.identity[:, None]) & (first.identity[:, :, None] >= 0)
    return (same & first.present[:, :, None] & second.present[:, None]).nonzero(as_tuple=True)


def test_the_same_seed_draws_the_same_prints():
    one, other = (Simulator(torch.Generator().manual_seed(3)).fingers(4).impression(1.0).compact(72) for _ in range(2))
    assert torch.equal(one.xy, other.xy)
    assert torch.equal(one.identity, other.identity)


def test_an_impression_holds_a_plausible_number_of_minutiae(draw):
    count = draw.fingers(200).impression(0.3).present.sum(1).float()
    assert 25 < count.mean() < 80
    assert count.max() <= 160


def test_two_impressions_of_a_finger_share_most_minutiae_and_all_identities_are_its_own(draw):
    fingers = draw.fingers(100)
    first, second = fingers.impression(0.3), fingers.impression(0.3)
    shared = len(matched(first, second)[0]) / int(first.present.sum())
    assert 0.4 < shared < 0.95
    for pressed in (first, second):
        for row, there in zip(pressed.identity, pressed.present, strict=True):
            own = row[there & (row >= 0)]
            assert len(own.unique()) == len(own)


def test_shared_minutiae_agree_up_to_one_rotation_and_the_noise(draw):
    fingers = draw.fingers(50)
    first, second = fingers.impression(0.0), fingers.impression(0.0)
    finger, one, other = matched(first, second)
    turned = second.direction[finger, other] - first.direction[finger, one]
    for number in range(50):
        mine = finger == number
        here, there = first.xy[number, one[mine]], second.xy[number, other[mine]]
        turn = torch.atan2(turned[mine].sin().mean(), turned[mine].cos().mean())
        # Directions are counter-clockwise with y up, positions have y down: one sign wrong here, and nothing is learnt.
        rotation = torch.tensor([[turn.cos(), turn.sin()], [-turn.sin(), turn.cos()]])
        moved = (here - here.mean(0)) @ rotation.T
        left = (moved - (there - there.mean(0))).norm(dim=1).median()
        assert left < 0.8 * MM
        assert math.isfinite(left)


def test_compact_keeps_what_is_there(draw):
    whole = draw.fingers(20).impression(1.0)
    short = whole.compact(200)
    assert torch.equal(short.present.sum(1), whole.present.sum(1))
    ranks = short.present.int().diff(dim=1)
    assert (ranks <= 0).all(), "the minutiae come first"


def test_an_untrained_network_is_blind_to_pose_and_to_empty_places(draw):
    torch.manual_seed(1)
    network = SetNetwork().eval()
    pressed = draw.fingers(3).impression(1.0).compact(72)
    turn = 0.7
    rotation = torch.tensor([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    present = pressed.present.float()
    garbage = torch.where(pressed.present[..., None], pressed.xy, torch.full_like(pressed.xy, 123.0))
    with torch.no_grad():
        plain, _ = network(pressed.xy, pressed.direction, present)
        turned, _ = network(pressed.xy @ rotation.T + 50, pressed.direction + turn, present)
        padded, _ = network(garbage, pressed.direction, present)
    assert torch.allclose(plain, turned, atol=1e-3)
    assert torch.allclose(plain, padded, atol=1e-5)
    assert torch.allclose(plain.norm(dim=1), torch.ones(3), atol=1e-5)
