"""The embedder: the same bits in any company, blind to pose, and plain about what it cannot use."""

import hashlib
import json
import math
import shutil
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenprint.fingerprint.embedding import Embedder, Embedding
from tenprint.fingerprint.errors import ModelError, NoPrintError
from tenprint.fingerprint.minutiae import Minutiae

PACKAGED = Path(str(resources.files("tenprint.fingerprint") / "models"))


@pytest.fixture(scope="module")
def embedder():
    return Embedder()


def finger(seed, count, reliability=0.0):
    """Minutiae on a jittered grid: no two neighbours are equally far, so pose cannot change which are nearest."""
    draw = np.random.default_rng(seed)
    side = math.ceil(math.sqrt(count))
    cells = draw.permutation(side * side)[:count]
    x = (cells % side) * 30 + draw.uniform(0, 20, count) + 40
    y = (cells // side) * 30 + draw.uniform(0, 20, count) + 40
    return minutiae(x, y, draw.uniform(0, 2 * math.pi, count), np.full(count, reliability))


def minutiae(x, y, direction, reliability):
    return Minutiae(
        np.asarray(x, np.float32),
        np.asarray(y, np.float32),
        np.asarray(direction % (2 * math.pi), np.float32),
        np.zeros(len(x), np.uint8),
        np.asarray(reliability, np.float32),
        600,
        600,
    )


def same_bits(one: Embedding, other: Embedding) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("vector", "descriptors", "kept"))


def test_what_comes_out(embedder):
    [embedding] = embedder.embed([finger(1, 45)])
    assert embedder.dimension == 256
    assert embedding.vector.shape == (embedder.dimension,)
    assert embedding.descriptors.shape == (45, embedder.descriptor_dimension)
    assert embedding.vector.dtype == embedding.descriptors.dtype == np.float32
    assert np.linalg.norm(embedding.vector) == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(np.linalg.norm(embedding.descriptors, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(embedding.kept, np.arange(45))
    assert embedder.embed([]) == []


@settings(max_examples=25, deadline=None)
@given(
    counts=st.lists(st.integers(8, 128), min_size=1, max_size=6),
    seed=st.integers(0, 2**32 - 1),
    place=st.integers(0, 5),
)
def test_the_same_bits_alone_and_in_any_batch(embedder, counts, seed, place):
    batch = [finger(seed + number, count) for number, count in enumerate(counts)]
    probe = finger(seed, 33)
    place = min(place, len(batch))
    alone = embedder.embed([probe])[0]
    found = embedder.embed([*batch[:place], probe, *batch[place:]])
    assert len(found) == len(batch) + 1
    assert same_bits(found[place], alone)
    assert same_bits(Embedder().embed([probe])[0], alone)


def test_the_same_bits_from_many_threads(embedder):
    fingers = [finger(seed, 20 + 3 * seed) for seed in range(24)]
    expected = embedder.embed(fingers)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            found = list(pool.map(lambda one: embedder.embed([one])[0], fingers))
            assert all(same_bits(one, other) for one, other in zip(found, expected, strict=True))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(8, 128),
    turn=st.floats(-math.pi, math.pi),
    right=st.floats(-300, 300),
    down=st.floats(-300, 300),
)
def test_turning_and_shifting_a_print_changes_nothing(embedder, seed, count, turn, right, down):
    print_ = finger(seed, count)
    # Counter-clockwise with y up is clockwise on axes whose y grows downwards.
    cos, sin = math.cos(turn), math.sin(turn)
    moved = minutiae(
        print_.x * cos + print_.y * sin + right,
        print_.y * cos - print_.x * sin + down,
        print_.direction + turn,
        print_.reliability,
    )
    before, after = embedder.embed([print_, moved])
    assert float(before.vector @ after.vector) > 0.999
    assert float((before.descriptors * after.descriptors).sum(1).min()) > 0.99


def test_the_direction_of_a_turn_matters(embedder):
    print_ = finger(3, 50)
    mirrored = minutiae(-print_.x, print_.y, print_.direction, print_.reliability)
    before, after = embedder.embed([print_, mirrored])
    assert float((before.descriptors * after.descriptors).sum(1).mean()) < 0.9


@pytest.mark.parametrize("count", [0, 1, -1])
def test_too_few_minutiae_are_no_print(embedder, count):
    count = embedder.minimum_minutiae + count if count < 0 else count
    with pytest.raises(NoPrintError) as caught:
        embedder.embed([finger(1, 40), finger(2, count)])
    assert caught.value.field == "minutiae"
    assert str(count) in caught.value.problem
    assert str(embedder.minimum_minutiae) in caught.value.problem


def test_the_fewest_allowed_minutiae_are_enough(embedder):
    [embedding] = embedder.embed([finger(1, embedder.minimum_minutiae)])
    assert np.isfinite(embedding.vector).all()
    assert len(embedding.descriptors) == embedder.minimum_minutiae


def test_of_too_many_minutiae_the_most_reliable_are_kept(embedder):
    limit, draw = embedder.maximum_minutiae, np.random.default_rng(5)
    print_ = finger(4, limit + 20)
    reliability = draw.permutation(np.linspace(0.01, 1, limit + 20))
    print_ = minutiae(print_.x, print_.y, print_.direction, reliability)
    [embedding] = embedder.embed([print_])
    expected = np.sort(np.argsort(reliability)[20:])
    np.testing.assert_array_equal(embedding.kept, expected)
    chosen = minutiae(print_.x[expected], print_.y[expected], print_.direction[expected], reliability[expected])
    np.testing.assert_array_equal(embedder.embed([chosen])[0].vector, embedding.vector)


def test_of_too_many_minutiae_of_unknown_reliability_the_central_are_kept(embedder):
    limit = embedder.maximum_minutiae
    print_ = finger(6, limit + 15)
    [embedding] = embedder.embed([print_])
    distance = np.hypot(print_.x - print_.x.mean(), print_.y - print_.y.mean())
    assert len(embedding.kept) == limit
    left_out = np.setdiff1d(np.arange(limit + 15), embedding.kept)
    assert distance[embedding.kept].max() <= distance[left_out].min()


def test_thresholds_fall_as_fingers_are_added(embedder):
    thresholds = [embedder.candidate_threshold(fingers) for fingers in range(1, 11)]
    assert thresholds[-1] < thresholds[0]
    assert all(-1 < threshold <= 1 for threshold in thresholds)
    for fingers in (0, 11, -1):
        with pytest.raises(ValueError, match=f"fingers: {fingers}; allowed are 1 to 10"):
            embedder.candidate_threshold(fingers)


@pytest.fixture
def model(tmp_path):
    """A copy of the packaged model: its folder, its card's path, its ONNX file's path."""
    folder = tmp_path / "models"
    shutil.copytree(PACKAGED, folder)
    card = folder / "finger.json"
    return folder, card, folder / json.loads(card.read_text())["file"]


def rewrite(card, **fields):
    content = json.loads(card.read_text())
    content.update(fields)
    card.write_text(json.dumps({name: value for name, value in content.items() if value is not None}))


def test_a_model_is_loaded_by_its_folder(model, embedder):
    folder, card, _ = model
    rewrite(card, version="another")
    loaded = Embedder(folder)
    assert loaded.version == "another"
    assert embedder.version == json.loads((PACKAGED / "finger.json").read_text())["version"]
    assert same_bits(loaded.embed([finger(1, 30)])[0], embedder.embed([finger(1, 30)])[0])


def test_a_damaged_model_file_is_refused(model):
    folder, _, onnx = model
    content = bytearray(onnx.read_bytes())
    content[len(content) // 2] ^= 1
    onnx.write_bytes(content)
    with pytest.raises(ModelError, match="SHA-256 differs") as caught:
        Embedder(folder)
    assert caught.value.field == "sha256"


def test_a_truncated_model_whose_digest_fits_is_refused(model):
    folder, card, onnx = model
    onnx.write_bytes(onnx.read_bytes()[:5000])
    rewrite(card, sha256=hashlib.sha256(onnx.read_bytes()).hexdigest())
    with pytest.raises(ModelError, match="is not a model"):
        Embedder(folder)


def scores(thresholds):
    return {"candidate_thresholds": thresholds, "fingers": {"1": {"non_mated": {"mean": 0.1}}}}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"dimension": 128}, "outputs of"),
        ({"descriptor_dimension": 32}, "outputs of"),
        ({"version": None}, "lacks a field"),
        ({"minimum_minutiae": "few"}, "lacks a field or has a wrong one"),
        ({"scores": scores([0.5])}, "1 candidate thresholds"),
        ({"scores": scores([0.5, *[0.09] * 9])}, "a threshold below what strangers score"),
        ({"scores": {"candidate_thresholds": [0.5] * 10}}, "lacks a field"),
        ({"file": "absent.onnx"}, "cannot be read"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(model, fields, problem):
    folder, card, _ = model
    rewrite(card, **fields)
    with pytest.raises(ModelError, match=problem):
        Embedder(folder)


@pytest.mark.parametrize("text", ["", "[1, 2]", "not json"])
def test_a_card_that_is_no_card_is_refused(model, text):
    folder, card, _ = model
    card.write_text(text)
    with pytest.raises(ModelError, match="JSON"):
        Embedder(folder)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match="cannot be read"):
        Embedder(tmp_path)
