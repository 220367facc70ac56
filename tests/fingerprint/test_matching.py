"""The matcher: it finds the same print turned, shifted and cut, names its pairs, and owes nothing to the batch."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenprint.fingerprint.embedding import Embedder
from tenprint.fingerprint.errors import FeaturesError
from tenprint.fingerprint.features import AXES, MAX_MINUTIAE, DescriptorAxes, FingerFeatures
from tenprint.fingerprint.image import decode_image
from tenprint.fingerprint.matching import match, match_capture, short_list, weighted_mean
from tenprint.fingerprint.mindtct import MindtctExtractor
from tenprint.fingerprint.positions import FINGERS, FingerPosition

MATED, STRANGE = 0.3, 0.2
"""Bounds for the random prints below; no thresholds of the product."""


def pressed(numbers, axes=1):
    """Features from x, y (pixels), direction (radians), descriptors (unit vectors [n, 24])."""
    x, y, direction, descriptors = numbers
    shifted = (np.clip(np.rint(descriptors * 14), -7, 7) + 8).astype(np.uint8)
    return FingerFeatures(
        np.rint(x).astype(np.int16),
        np.rint(y).astype(np.int16),
        (np.rint(direction * (128 / np.pi)).astype(int) % 256).astype(np.uint8),
        shifted[:, 0::2] | shifted[:, 1::2] << 4,
        axes,
    )


def finger(seed, count=60):
    draw = np.random.default_rng(seed)
    descriptors = draw.normal(size=(count, AXES))
    return (
        draw.uniform(0, 300, count),
        draw.uniform(0, 400, count),
        draw.uniform(0, 2 * np.pi, count),
        descriptors / np.linalg.norm(descriptors, axis=1, keepdims=True),
    )


def again(numbers, degrees=0.0, shift=(0.0, 0.0), noise=0.0, keep=None, seed=9):
    """The same finger pressed again: turned counter-clockwise about the origin, shifted, jittered, in another order."""
    x, y, direction, descriptors = numbers
    draw = np.random.default_rng(seed)
    order = draw.permutation(len(x)) if keep is None else draw.permutation(np.flatnonzero(keep))
    turn = np.radians(degrees)
    moved = (
        np.cos(turn) * x + np.sin(turn) * y + shift[0] + draw.normal(size=len(x)) * 3 * noise,
        -np.sin(turn) * x + np.cos(turn) * y + shift[1] + draw.normal(size=len(x)) * 3 * noise,
        direction + turn + draw.normal(size=len(x)) * 0.1 * noise,
        descriptors + draw.normal(size=descriptors.shape) * 0.1 * noise,
    )
    moved[3][:] /= np.linalg.norm(moved[3], axis=1, keepdims=True)
    return tuple(values[order] for values in moved), order


def same(one, other):
    return (
        one.score == other.score
        and np.array_equal(one.pairs, other.pairs)
        and one.weights.tobytes() == other.weights.tobytes()
    )


@pytest.mark.parametrize("degrees", [0, 45, 137, 180, -90])
def test_the_same_print_turned_and_shifted_is_found_whole(degrees):
    print_ = finger(1)
    moved, order = again(print_, degrees, (40, -300))
    (result,) = match(pressed(print_), [pressed(moved)])
    assert result.score > 0.9
    assert len(result.pairs) == 60
    np.testing.assert_array_equal(result.pairs[:, 0], order[result.pairs[:, 1]])


def test_half_a_print_with_noise_is_found_and_its_pairs_named():
    print_ = finger(2, 80)
    moved, order = again(print_, 30, (500, 60), noise=1.0, keep=print_[1] > 200)
    (result,) = match(pressed(print_), [pressed(moved)])
    assert result.score > MATED
    right = result.pairs[:, 0] == order[result.pairs[:, 1]]
    assert right.sum() > 0.8 * len(order)
    assert right.mean() > 0.9


def test_other_prints_are_not_found():
    scores = [result.score for result in match(pressed(finger(3)), [pressed(finger(seed)) for seed in range(10, 60)])]
    assert max(scores) < STRANGE


def test_neither_geometry_nor_descriptors_match_alone():
    x, y, direction, descriptors = finger(4)
    draw = np.random.default_rng(5)
    elsewhere = (draw.uniform(0, 300, 60), draw.uniform(0, 400, 60), direction, descriptors)
    mirrored = (-x, y, np.pi - direction, descriptors)
    other_looks = (x, y, direction, np.roll(descriptors, 1, axis=0))
    matches = match(pressed(finger(4)), [pressed(one) for one in (elsewhere, mirrored, other_looks)])
    assert max(result.score for result in matches) < STRANGE


@st.composite
def anything(draw):
    """Any features that can be stored, among them such as share minutiae, lie in one place, or at the limits."""
    count = draw(st.integers(0, MAX_MINUTIAE))
    reach = draw(st.sampled_from([0, 3, 60, 300, 16_383]))
    values = np.random.default_rng(draw(st.integers(0, 2**32)))
    packed = values.integers(0, 256, (count, AXES // 2)).astype(np.uint8)
    if draw(st.booleans()):
        packed[:] = packed[:1]
    x, y = (values.integers(-reach, reach + 1, count).astype(np.int16) for _ in range(2))
    return FingerFeatures(x, y, values.integers(0, 256, count).astype(np.uint8), packed, 1)


@given(anything(), st.lists(anything(), max_size=4))
def test_whatever_is_stored_gives_a_score_and_pairs_one_to_one(probe, candidates):
    results = match(probe, [*candidates, probe])
    assert len(results) == len(candidates) + 1
    for candidate, result in zip([*candidates, probe], results, strict=True):
        assert 0 <= result.score <= 1
        assert result.pairs.shape == (len(result.weights), 2)
        assert len(set(result.pairs[:, 0])) == len(set(result.pairs[:, 1])) == len(result.pairs)
        assert np.all(result.pairs >= 0)
        assert np.all(result.pairs < [len(probe), len(candidate)])
        assert np.all(np.diff(result.weights) <= 0)
        assert np.all((result.weights > 0) & (result.weights <= 1))


@settings(max_examples=40)
@given(anything(), anything(), st.lists(anything(), max_size=5), st.integers(0, 5))
def test_a_result_owes_nothing_to_the_batch(probe, candidate, others, place):
    (alone,) = match(probe, [candidate])
    place = min(place, len(others))
    assert same(match(probe, [*others[:place], candidate, *others[place:]])[place], alone)


def test_a_result_owes_nothing_to_a_long_batch_of_like_prints():
    """Mates among strangers of many sizes, in more than one turn of the matcher."""
    print_ = finger(6, 70)
    candidates = [pressed(again(print_, 7 * seed, (seed, 0), 1.0, seed=seed)[0]) for seed in range(40)]
    candidates += [pressed(finger(seed, 5 + seed % 88)) for seed in range(100, 260)]
    probe = pressed(print_)
    alone = [match(probe, [candidate])[0] for candidate in candidates]
    assert min(result.score for result in alone[:40]) > MATED
    for order in (range(200), range(199, -1, -1), range(0, 200, 7)):
        batch = match(probe, [candidates[index] for index in order])
        assert all(same(result, alone[index]) for index, result in zip(order, batch, strict=True))


def test_a_finger_without_minutiae_matches_nothing():
    empty = pressed(finger(1, 0))
    assert match(pressed(finger(1)), []) == []
    for probe, candidate in ((empty, empty), (empty, pressed(finger(1))), (pressed(finger(1)), empty)):
        (result,) = match(probe, [candidate])
        assert result.score == 0
        assert result.pairs.shape == (0, 2)


def test_a_few_minutiae_that_coincide_are_no_print():
    few = finger(7, 4)
    (result,) = match(pressed(few), [pressed(few)])
    assert len(result.pairs) == 4
    assert result.score < MATED


def test_features_of_two_models_never_meet():
    with pytest.raises(FeaturesError, match=r"^features\.axes: "):
        match(pressed(finger(1)), [pressed(finger(1)), replace(pressed(finger(1)), axes=2)])


def test_fingers_of_a_capture_are_compared_each_with_its_own():
    thumb, index, middle = FingerPosition(1), FingerPosition(2), FingerPosition(3)
    probe = {thumb: pressed(finger(1)), index: pressed(finger(2))}
    mate = {position: pressed(again(finger(seed), 10)[0]) for seed, position in enumerate((thumb, index, middle), 1)}
    swapped = {thumb: mate[index], index: mate[thumb]}
    one_finger, none = {index: mate[index], middle: mate[middle]}, {middle: mate[middle]}
    whole, crossed, part, nothing = match_capture(probe, [mate, swapped, one_finger, none])
    assert set(whole.fingers) == {thumb, index}
    assert whole.score == (whole.fingers[thumb].score + whole.fingers[index].score) / 2 > 0.8
    assert same(whole.fingers[index], match(probe[index], [mate[index]])[0])
    assert crossed.score < STRANGE
    assert set(part.fingers) == {index}
    assert part.score == whole.fingers[index].score
    assert (nothing.score, nothing.fingers) == (0, {})
    assert match_capture({}, [mate])[0].score == 0


@pytest.mark.parametrize(
    ("pairs", "fingers", "candidates"), [(200, 10, 20), (200, 4, 50), (200, 1, 100), (5, 10, 1), (0, 1, 0)]
)
def test_the_fewer_the_fingers_the_longer_the_list(pairs, fingers, candidates):
    assert short_list(pairs, fingers) == candidates


def test_a_finger_weighs_as_many_as_its_print_with_fewer_minutiae_has():
    thumb, index = FingerPosition.LEFT_THUMB, FingerPosition.LEFT_INDEX
    probe = {thumb: pressed(finger(1)), index: pressed([part[:12] for part in finger(2)])}
    mate = {thumb: pressed(finger(3)), index: pressed(finger(2))}
    (found,) = match_capture(probe, [mate])
    assert found.weights == {thumb: 32, index: 12}
    poor, good = found.fingers[index].score, found.fingers[thumb].score
    assert found.score == pytest.approx((32 * good + 12 * poor) / 44)
    assert poor > 2 * good, "the poor finger is the mate's; it must not decide alone"
    (reversed_,) = match_capture(mate, [probe])
    assert reversed_.weights == found.weights


weights = st.dictionaries(st.sampled_from(FINGERS), st.integers(0, 93), min_size=1)


@given(weights, st.data())
def test_a_weighted_mean_lies_within_its_values_and_of_one_is_that_one(weights, data):
    values = {position: data.draw(st.floats(-1, 1)) for position in weights}
    mean = weighted_mean(values, weights)
    counting = [values[position] for position, weight in weights.items() if weight]
    assert min(counting, default=0) - 1e-12 <= mean <= max(counting, default=0) + 1e-12
    first = min(weights)
    alone = {first: values[first]}
    assert weighted_mean(alone, weights) == (values[first] if weights[first] else 0)
    backwards = dict(reversed(values.items()))
    assert weighted_mean(backwards, weights) == mean, "the order of the samples moves no bit"


@pytest.mark.real
def test_real_prints_find_their_mates(real_data):
    extractor, embedder, axes = MindtctExtractor(), Embedder(), DescriptorAxes()
    pressings = {}
    with (real_data / "fvc" / "manifest.csv").open(newline="") as manifest:
        for row in csv.DictReader(manifest):
            if row["dataset"] == "FVC2002_DB1_B" and row["impression"] in "123":
                data = (real_data / "fvc" / row["path"]).read_bytes()
                found = extractor.extract(decode_image(data, format=None, ppi=int(row["ppi"])))
                features = FingerFeatures.of(found, embedder.embed([found])[0], axes)
                pressings[row["finger"], row["impression"]] = features
    names = sorted({name for name, _ in pressings})
    gallery = [pressings[name, "1"] for name in names]
    hits = [
        int(np.argmax([result.score for result in match(pressings[name, other], gallery)])) == rank
        for rank, name in enumerate(names)
        for other in "23"
    ]
    assert len(hits) == 20
    assert sum(hits) >= 18
