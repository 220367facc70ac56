"""Slaps cut into fingers: synthetic ones with known boxes, recorded boxes, what must be refused, and real cards."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tenprint.fingerprint.errors import SlapError
from tenprint.fingerprint.fingertips import FingerBox, find_fingertips
from tenprint.fingerprint.image import GreyImage
from tenprint.fingerprint.itl import Segment, read_transaction
from tenprint.fingerprint.mindtct import encoded, new_extractor
from tenprint.fingerprint.positions import FingerPosition
from tenprint.fingerprint.slaps import fingers_of, segment_slap
from tenprint.fingerprint.synthetic import SLAP_SHAPE, press, press_slap
from tests.prints import grown

RIGHT, LEFT, THUMBS = (
    FingerPosition.PLAIN_RIGHT_FOUR,
    FingerPosition.PLAIN_LEFT_FOUR,
    FingerPosition.PLAIN_THUMBS,
)


@pytest.fixture(scope="module")
def masters():
    """Four fingers; each test lends them to the hand it wants."""
    return [grown(seed) for seed in range(900, 904)]


@pytest.fixture(scope="module")
def slap(masters):
    """Presses a slap without the fingers in `gone`, and remembers it: SyntheticSlap."""
    made = {}

    def make(position, *, turn=0.0, gone=(), seed=7):
        key = (position, turn, tuple(gone), seed)
        if key not in made:
            fingers = dict(zip(fingers_of(position), masters, strict=False))
            touching = {finger: master for finger, master in fingers.items() if finger not in gone}
            made[key] = press_slap(touching, position, seed, turn=turn)
        return made[key]

    return make


def inside(box, x, y):
    turn = np.radians(box.angle)
    across = (x - box.center_x) * np.cos(turn) - (y - box.center_y) * np.sin(turn)
    along = (x - box.center_x) * np.sin(turn) + (y - box.center_y) * np.cos(turn)
    return (np.abs(across) <= box.width / 2) & (np.abs(along) <= box.height / 2)


def iou(one, other, image):
    y, x = np.mgrid[: image.pixels.shape[0] : 6, : image.pixels.shape[1] : 6]
    a, b = inside(one, x, y), inside(other, x, y)
    return (a & b).sum() / (a | b).sum()


def assert_true(segmentation, truth):
    assert [finger.position for finger in segmentation.fingers] == sorted(truth.boxes)
    assert segmentation.refused == ()
    for finger in segmentation.fingers:
        assert iou(finger.box, truth.boxes[finger.position], truth.image) > 0.7


@pytest.mark.parametrize("position", [RIGHT, LEFT, THUMBS])
@pytest.mark.parametrize(("turn", "seed"), [(0.0, 7), (12.0, 8), (-20.0, 9), (30.0, 10), (-30.0, 11)])
def test_every_finger_is_found_boxed_and_named_however_the_hand_is_turned(slap, position, turn, seed):
    truth = slap(position, turn=turn, seed=seed)
    segmentation = segment_slap(truth.image, position)
    assert_true(segmentation, truth)
    assert abs(segmentation.angle - turn) < 12.0


def test_from_left_to_right_a_right_hand_begins_with_the_index_and_a_left_one_with_the_little_finger(slap):
    for position, order in ((RIGHT, [2, 3, 4, 5]), (LEFT, [10, 9, 8, 7]), (THUMBS, [6, 1])):
        found = segment_slap(slap(position).image, position).fingers
        assert [finger.position for finger in sorted(found, key=lambda finger: finger.box.center_x)] == order


def test_a_finger_cut_from_a_turned_slap_is_upright_and_matches_its_rolled_print_and_no_other(slap, masters):
    extractor = new_extractor(compute_nfiq2=False)
    rolled = [extractor.extract_minutiae(encoded(press(master, 99, rolled=True))) for master in masters]
    fingers = segment_slap(slap(RIGHT, turn=30.0, seed=10).image, RIGHT).fingers
    for own, finger in enumerate(fingers):
        plain = extractor.extract_minutiae(encoded(finger.image))
        scores = [plain.compare(other) for other in rolled]
        assert max(scores) == scores[own] >= 40
        assert sorted(scores)[-2] < 20
        assert finger.image.pixels.shape == (np.ceil(finger.box.height), np.ceil(finger.box.width))
        assert finger.image.ppi == 500
        assert finger.image.pixels.flags.c_contiguous
        assert not finger.image.pixels.flags.writeable


def test_an_upright_slap_is_cut_without_touching_a_pixel(slap):
    image = slap(LEFT).image
    segmentation = segment_slap(image, LEFT)
    assert segmentation.angle == 0.0
    for finger in segmentation.fingers:
        box = finger.box
        top, left = round(box.center_y - box.height / 2), round(box.center_x - box.width / 2)
        height, width = finger.image.pixels.shape
        np.testing.assert_array_equal(finger.image.pixels, image.pixels[top : top + height, left : left + width])


@pytest.mark.parametrize(
    ("position", "gone"),
    [(RIGHT, {2}), (RIGHT, {3}), (LEFT, {9}), (LEFT, {7, 10}), (RIGHT, {2, 4, 5}), (THUMBS, {1}), (THUMBS, {6})],
)
def test_the_others_are_named_when_the_missing_fingers_are_declared_and_refused_when_not(slap, position, gone):
    missing = frozenset(FingerPosition(code) for code in gone)
    truth = slap(position, gone=sorted(missing), turn=10.0, seed=12)
    assert_true(segment_slap(truth.image, position, missing=missing), truth)
    with pytest.raises(SlapError, match=f"{len(truth.boxes)} fingertips are found, but") as caught:
        segment_slap(truth.image, position)
    assert caught.value.field == "image.data"


def test_missing_fingers_of_other_slaps_do_not_matter(slap):
    truth = slap(RIGHT)
    assert_true(segment_slap(truth.image, RIGHT, missing=frozenset({FingerPosition(1), FingerPosition(9)})), truth)


def test_a_finger_declared_missing_that_is_there_stops_the_naming(slap):
    with pytest.raises(SlapError, match="4 fingertips are found, but 3 fingers are expected"):
        segment_slap(slap(RIGHT).image, RIGHT, missing=frozenset({FingerPosition(4)}))


def test_a_gap_elsewhere_than_at_the_missing_finger_stops_the_naming(slap):
    truth = slap(RIGHT, gone=(FingerPosition(3),), turn=10.0, seed=12)
    with pytest.raises(SlapError, match="gap"):
        segment_slap(truth.image, RIGHT, missing=frozenset({FingerPosition(4)}))


@pytest.mark.parametrize(("position", "sent", "told"), [(RIGHT, LEFT, "right hand"), (LEFT, RIGHT, "left hand")])
def test_a_hand_sent_as_the_other_one_is_told(slap, position, sent, told):
    with pytest.raises(SlapError, match=f"lie as those of a {told}"):
        segment_slap(slap(position).image, sent)


def junk(name):
    rng = np.random.default_rng(1)
    y, x = np.mgrid[: SLAP_SHAPE[0], : SLAP_SHAPE[1]]
    pixels = {
        "blank": np.full(SLAP_SHAPE, 245),
        "black": np.zeros(SLAP_SHAPE),
        "noise": rng.integers(0, 256, SLAP_SHAPE),
        "grating": 128 + 100 * np.sin(2 * np.pi * x / 9),
        "checks": 255 * ((x // 5 + y // 5) % 2),
    }[name]
    return GreyImage(pixels.astype(np.uint8), 500)


@pytest.mark.parametrize("name", ["blank", "black", "noise", "grating", "checks"])
@pytest.mark.parametrize("gone", [(), (3, 4, 5)])
def test_an_image_without_fingers_is_refused(name, gone):
    assert find_fingertips(junk(name)) == ()
    with pytest.raises(SlapError, match="no fingertip is found"):
        segment_slap(junk(name), RIGHT, missing=frozenset(FingerPosition(code) for code in gone))


def test_no_finger_left_to_expect_is_refused(slap):
    with pytest.raises(SlapError, match="all fingers of the plain thumbs are declared missing"):
        segment_slap(slap(THUMBS).image, THUMBS, missing=frozenset({FingerPosition(1), FingerPosition(6)}))


def test_what_is_no_slap_is_a_fault_of_the_caller(slap):
    with pytest.raises(ValueError, match=r"position 2 \(right index\) is not a slap"):
        segment_slap(slap(RIGHT).image, FingerPosition.RIGHT_INDEX)
    with pytest.raises(ValueError, match="1000 ppi"):
        segment_slap(GreyImage(slap(RIGHT).image.pixels, 1000), RIGHT)


def blank(width=800, height=500):
    return GreyImage(np.arange(width * height, dtype=np.uint32).astype(np.uint8).reshape(height, width), 500)


def segment(finger, left, right, top=100, bottom=400):
    return Segment(FingerPosition(finger), left, right, top, bottom)


FOUR = (segment(2, 10, 160), segment(3, 200, 350), segment(4, 400, 550), segment(5, 600, 750))


def test_recorded_boxes_are_used_as_they_are():
    image = blank()
    segmentation = segment_slap(image, RIGHT, segments=FOUR)
    assert [finger.position for finger in segmentation.fingers] == [2, 3, 4, 5]
    assert (segmentation.refused, segmentation.angle) == ((), 0.0)
    assert segmentation.fingers[1].box == FingerBox(275.0, 250.0, 150.0, 300.0, 0.0)
    np.testing.assert_array_equal(segmentation.fingers[1].image.pixels, image.pixels[100:400, 200:350])


@pytest.mark.parametrize(("ppi", "width"), [(500, 150), (504, 150), (1000, 75), (300, 250)])
def test_recorded_boxes_are_scaled_as_the_image_was(ppi, width):
    segmentation = segment_slap(blank(1400), RIGHT, segments=FOUR, segments_ppi=ppi)
    assert [finger.image.pixels.shape[1] for finger in segmentation.fingers] == [width] * 4


def test_a_recorded_box_is_clamped_and_a_finger_without_a_usable_one_is_refused_alone():
    segments = (segment(2, 10, 160, 300, 9000), segment(3, 200, 240), segment(4, 900, 1000))
    segmentation = segment_slap(blank(), RIGHT, segments=segments)
    (finger,) = segmentation.fingers
    assert finger.position == 2
    assert finger.image.pixels.shape == (200, 150)
    assert {refused.position: refused.reason for refused in segmentation.refused}.keys() == {3, 4, 5}
    assert all("box" in refused.reason for refused in segmentation.refused)


def test_two_fingers_in_one_recorded_box_are_both_refused():
    segments = (FOUR[0], segment(3, 200, 350), segment(4, 240, 380), FOUR[3])
    segmentation = segment_slap(blank(), RIGHT, segments=segments)
    assert [finger.position for finger in segmentation.fingers] == [2, 5]
    assert [refused.position for refused in segmentation.refused] == [3, 4]


@pytest.mark.parametrize(
    ("segments", "missing", "told"),
    [
        ((FOUR[0], segment(7, 200, 350)), (), "finger 7, which is not of the plain right four"),
        (FOUR, (3,), "finger 3, which is declared missing"),
        ((FOUR[0], segment(2, 600, 750)), (), "two boxes"),
        ((segment(2, 600, 750), segment(5, 10, 160)), (), "not in the order"),
        ((segment(2, 900, 950),), (), "no finger of this slap can be used: finger 2: .* finger 3: "),
        (FOUR * 5, (), "at most 16"),
    ],
)
def test_recorded_boxes_that_contradict_the_slap_are_refused(segments, missing, told):
    with pytest.raises(SlapError, match=told):
        segment_slap(blank(), RIGHT, segments=segments, missing=frozenset(FingerPosition(code) for code in missing))


def test_recorded_boxes_need_a_resolution():
    with pytest.raises(SlapError, match="no resolution"):
        segment_slap(blank(), RIGHT, segments=FOUR, segments_ppi=0)


edges = st.integers(0, 1200)


@settings(max_examples=60, deadline=None)
@given(
    boxes=st.lists(st.tuples(st.integers(1, 10), edges, edges, edges, edges), min_size=1, max_size=5),
    missing=st.frozensets(st.sampled_from([FingerPosition(code) for code in (7, 8, 9, 10)])),
    ppi=st.integers(0, 2000),
)
def test_whatever_boxes_come_each_finger_is_used_or_refused_once_or_all_are(boxes, missing, ppi):
    image = blank()
    segments = [Segment(FingerPosition(finger), *numbers) for finger, *numbers in boxes]
    try:
        found = segment_slap(image, LEFT, missing=missing, segments=segments, segments_ppi=ppi)
    except SlapError:
        return
    used, refused = [f.position for f in found.fingers], [f.position for f in found.refused]
    assert sorted(used + refused) == sorted(set(fingers_of(LEFT)) - missing)
    assert (used, refused) == (sorted(used), sorted(refused))
    for finger in found.fingers:
        assert min(finger.image.pixels.shape) >= 64
        assert all(part <= whole for part, whole in zip(finger.image.pixels.shape, image.pixels.shape, strict=True))


def test_the_same_slap_is_pressed_again_bit_for_bit_and_another_seed_is_another(masters):
    fingers = dict(zip(fingers_of(THUMBS), masters, strict=False))
    once, again, other = (press_slap(fingers, THUMBS, seed, turn=5.0) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once.image.pixels, again.image.pixels)
    assert once.boxes == again.boxes
    assert once.boxes != other.boxes
    assert all(mine >= least for mine, least in zip(once.image.pixels.shape, SLAP_SHAPE, strict=True))


@pytest.mark.parametrize(
    ("codes", "position", "turn"),
    [((), 13, 0.0), ((7,), 13, 0.0), ((2,), 2, 0.0), ((2,), 13, 46.0), ((2,), 13, np.nan)],
)
def test_a_slap_that_cannot_be_is_not_pressed(masters, codes, position, turn):
    with pytest.raises(ValueError):
        press_slap({FingerPosition(code): masters[0] for code in codes}, FingerPosition(position), 1, turn=turn)


def slaps_of(path):
    transaction = read_transaction(path.read_bytes())
    missing = frozenset(finger.position for finger in transaction.missing)
    return transaction, [
        segment_slap(
            impression.decode(),
            impression.position,
            missing=missing,
            segments=impression.segments,
            segments_ppi=impression.ppi,
        )
        for impression in transaction.impressions
        if impression.position.is_slap
    ]


@pytest.mark.real
def test_fingers_cut_from_a_cards_slaps_match_its_rolled_prints(real_data):
    transaction, found = slaps_of(real_data / "interchange" / "an2" / "type-14-tpcard-nqm.an2")
    extractor = new_extractor(compute_nfiq2=False)
    rolled = {
        impression.position: extractor.extract_minutiae(encoded(impression.decode()))
        for impression in transaction.impressions
        if impression.rolled
    }
    assert len(rolled) == 10
    fingers = {finger.position: finger for segmentation in found for finger in segmentation.fingers}
    assert sorted(fingers) == [2, 3, 4, 5, 7, 8, 9, 10]
    for code in (3, 7, 8, 10):
        plain = extractor.extract_minutiae(encoded(fingers[FingerPosition(code)].image))
        scores = {position: plain.compare(other) for position, other in rolled.items()}
        own = scores.pop(FingerPosition(code))
        assert own >= 1.5 * max(scores.values())
        assert own >= 12


@pytest.mark.real
@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("an2/type-4-slaps.an2", [[7, 8, 9, 10], [2, 3, 4, 5]]),
        ("an2/type-4-14-slaps.an2", [[7, 8, 9, 10], [2, 3, 4, 5], [1, 6]]),
        ("an2/type-14-amp-nqm-utf8.an2", [[1, 6], [2, 3, 4, 5], [7, 8, 10]]),
        ("an2/nbis/valid1.8.an2", [[2, 3, 4, 5], [7, 8, 9, 10], [1, 6]]),
        ("ebts/NISTFile2.ebts", [[2, 3, 4, 5]]),
    ],
)
def test_every_finger_of_real_slaps_is_found_and_those_declared_missing_are_not(real_data, file, named):
    _, found = slaps_of(real_data / "interchange" / file)
    assert [[finger.position for finger in segmentation.fingers] for segmentation in found] == named
    for segmentation in found:
        ordered = sorted(segmentation.fingers, key=lambda finger: finger.box.across)
        for one, other in pairwise(ordered):
            assert one.box.across + one.box.width / 2 < other.box.across
            assert all(200 < finger.box.width < 700 and 290 < finger.box.height < 560 for finger in (one, other))


@pytest.mark.real
@pytest.mark.parametrize("turn", [-25, 20])
def test_a_real_slap_that_is_turned_gives_the_same_fingers(real_data, turn):
    transaction = read_transaction((real_data / "interchange/an2/type-4-slaps.an2").read_bytes())
    for impression in transaction.impressions:
        if not impression.position.is_slap:
            continue
        upright = impression.decode()
        before = Image.fromarray(upright.pixels)
        after = before.rotate(turn, Image.Resampling.BICUBIC, expand=True, fillcolor=235)
        segmentation = segment_slap(GreyImage(np.array(after), 500), impression.position)
        cosine, sine = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        for one, other in zip(segment_slap(upright, impression.position).fingers, segmentation.fingers, strict=True):
            x, y = one.box.center_x - before.width / 2, one.box.center_y - before.height / 2
            assert one.position == other.position
            assert abs(other.box.center_x - after.width / 2 - (cosine * x + sine * y)) < 60
            assert abs(other.box.center_y - after.height / 2 - (cosine * y - sine * x)) < 60


@pytest.mark.real
def test_an_amputation_that_a_real_card_shows_but_does_not_declare_is_not_guessed(real_data):
    transaction = read_transaction((real_data / "interchange/an2/type-14-amp-nqm-utf8.an2").read_bytes())
    (impression,) = (each for each in transaction.impressions if each.position is LEFT)
    with pytest.raises(SlapError, match="3 fingertips are found, but 4 fingers are expected"):
        segment_slap(impression.decode(), LEFT)
    with pytest.raises(SlapError):
        segment_slap(impression.decode(), LEFT, missing=frozenset({FingerPosition.LEFT_MIDDLE}))


@pytest.mark.real
def test_the_right_hand_of_a_real_card_sent_as_the_left_one_is_told(real_data):
    transaction = read_transaction((real_data / "interchange/an2/nbis/valid1.8.an2").read_bytes())
    (impression,) = (each for each in transaction.impressions if each.position is RIGHT)
    with pytest.raises(SlapError, match="right hand"):
        segment_slap(impression.decode(), LEFT)
