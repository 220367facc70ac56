"""LEADER on synthetic prints whose minutiae are known, on what is no print, in threads, and beside MINDTCT."""

import csv
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from tenprint.fingerprint.errors import ImageError, ModelError
from tenprint.fingerprint.image import GreyImage, decode_image
from tenprint.fingerprint.leader import LeaderExtractor
from tenprint.fingerprint.mindtct import MindtctExtractor
from tenprint.fingerprint.synthetic import FingerClass, press
from tests.prints import grown

MODELS = Path(str(resources.files("tenprint.fingerprint") / "models"))
FIELDS = ("x", "y", "direction", "kind", "reliability")


@pytest.fixture(scope="module")
def leader():
    return LeaderExtractor()


@pytest.fixture(scope="module")
def prints():
    return [press(grown(seed, kind), seed, rolled=False) for seed, kind in enumerate(FingerClass)]


def dislocation(sign, size=256):
    """Vertical ridges of period 9 with one extra ridge below (sign 1) or above (sign -1) the centre."""
    y, x = np.mgrid[:size, :size].astype(float)
    phase = 2 * np.pi * x / 9 + np.arctan2(x - size / 2, sign * (y - size / 2))
    return GreyImage((128 - 110 * np.cos(phase)).astype(np.uint8), 500)


def noise(width, height, seed=0):
    return GreyImage(np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8), 500)


def assert_same(one, other):
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert (one.width, one.height) == (other.width, other.height)


def near(one, other, pixels):
    """For each minutia of `one` the nearest of `other`, and whether it lies within so many pixels."""
    apart = np.hypot(one.x[:, None] - other.x, one.y[:, None] - other.y)
    return apart.argmin(axis=1), apart.min(axis=1) <= pixels


@pytest.mark.parametrize("sign", [1, -1])
def test_a_lone_minutia_is_found_where_it_is_and_points_as_mindtct_says(leader, sign):
    image = dislocation(sign)
    ours, theirs = leader.extract(image), MindtctExtractor().extract(image)
    (found,), (known,) = (np.flatnonzero(np.hypot(one.x - 128, one.y - 128) < 12) for one in (ours, theirs))
    assert np.cos(ours.direction[found] - theirs.direction[known]) > 0.9
    assert abs(np.sin(ours.direction[found])) > 0.9


def test_the_fields_are_of_their_types_in_their_ranges_and_in_reading_order(leader, prints):
    for image in prints:
        found = leader.extract(image)
        assert all(len(getattr(found, name)) == len(found) for name in FIELDS)
        assert [getattr(found, name).dtype for name in FIELDS] == [np.float32] * 3 + [np.uint8, np.float32]
        assert (found.height, found.width) == image.pixels.shape
        assert 20 <= len(found) <= 120
        assert (found.direction >= 0).all()
        assert (found.direction < 2 * np.pi).all()
        assert (found.reliability >= 0.6).all()
        assert (found.reliability <= 1).all()
        assert set(found.kind.tolist()) == {1, 2}
        np.testing.assert_array_equal(np.lexsort((found.x, found.y)), np.arange(len(found)))


def test_most_minutiae_are_mindtcts_in_place_and_direction(leader, prints):
    shared = compared = 0
    turned, by_chance = [], []
    for image in prints:
        ours, theirs = leader.extract(image), MindtctExtractor().extract(image)
        nearest, close = near(ours, theirs, 8)
        shared, compared = shared + close.sum(), compared + len(ours)
        turned.append(ours.direction[close] - theirs.direction[nearest[close]])
        moved = np.random.default_rng(0).permutation(len(theirs))
        by_chance.append(ours.direction - theirs.direction[moved[np.arange(len(ours)) % len(moved)]])
    assert shared / compared > 0.7
    assert np.cos(np.concatenate(turned)).mean() > 0.8
    assert np.cos(np.concatenate(by_chance)).mean() < 0.4


def test_two_impressions_of_a_finger_share_more_minutiae_than_two_fingers(leader):
    """The planted minutiae: what a finger has in common with itself and not with another."""
    fingers = [grown(seed, FingerClass.RIGHT_LOOP) for seed in (11, 12)]
    (one, again), (other, _) = (
        [leader.extract(press(finger, seed, rolled=False)) for seed in (1, 2)] for finger in fingers
    )

    def most_in_common(a, b):
        """Most pairs within 10 pixels and 0.4 radians over shifts and small turns."""
        best = 0
        for turn in np.linspace(-0.3, 0.3, 13):
            x, y = a.x * np.cos(turn) + a.y * np.sin(turn), a.y * np.cos(turn) - a.x * np.sin(turn)
            aligned = np.cos(a.direction[:, None] + turn - b.direction) > np.cos(0.4)
            across, down = (b.x - x[:, None])[aligned], (b.y - y[:, None])[aligned]
            best = max(best, (np.hypot(across[:, None] - across, down[:, None] - down) < 10).sum(axis=1).max())
        return best

    assert most_in_common(one, again) > 2 * most_in_common(one, other)


def test_turning_the_image_upside_down_turns_place_and_direction(leader):
    image = dislocation(1)
    upright = leader.extract(image)
    turned = leader.extract(GreyImage(np.ascontiguousarray(image.pixels[::-1, ::-1]), 500))
    (a,) = np.flatnonzero(np.hypot(upright.x - 128, upright.y - 128) < 12)
    (b,) = np.flatnonzero(np.hypot(turned.x - 128, turned.y - 128) < 12)
    assert np.cos(upright.direction[a] - turned.direction[b]) < -0.9


def test_a_blank_page_around_a_print_changes_nothing(leader, prints):
    """Blank cells are not looked at; a whole number of them around the print moves the minutiae by as much."""
    image = prints[0]
    rows, columns = (side // 32 * 32 for side in image.pixels.shape)
    pixels = np.full((rows + 128, columns + 128), 255, np.uint8)
    pixels[64:-64, 64:-64] = image.pixels[:rows, :columns]
    page = np.full((3200, 3200), 255, np.uint8)
    page[960 : 960 + pixels.shape[0], 1600 : 1600 + pixels.shape[1]] = pixels
    alone, placed = leader.extract(GreyImage(pixels, 500)), leader.extract(GreyImage(page, 500))
    assert len(alone) > 20
    np.testing.assert_array_equal(placed.x, alone.x + 1600)
    np.testing.assert_array_equal(placed.y, alone.y + 960)
    np.testing.assert_array_equal(placed.direction, alone.direction)


@pytest.mark.parametrize("image", [GreyImage(np.full((300, 270), level, np.uint8), 500) for level in (0, 128, 255)])
def test_an_image_without_a_print_has_no_minutiae(leader, image):
    found = leader.extract(image)
    assert len(found) == 0
    assert (found.width, found.height) == (270, 300)
    assert [getattr(found, name).dtype for name in FIELDS] == [np.float32] * 3 + [np.uint8, np.float32]


@pytest.mark.parametrize("size", [(64, 64), (65, 97), (96, 300), (129, 160)])
def test_any_size_of_image_is_taken(leader, size):
    found = leader.extract(noise(*size))
    assert ((found.x < size[0]) & (found.y < size[1])).all()


@pytest.mark.parametrize(
    ("image", "field"),
    [
        (noise(300, 63), "image.data"),
        (GreyImage(np.zeros((300, 300), np.uint8), 1000), "image.ppi"),
        (GreyImage(np.broadcast_to(np.uint8(0), (5000, 5000)), 500), "image.data"),
        (noise(1600, 1600), "image.data"),
    ],
)
def test_what_the_network_cannot_be_given_is_refused(leader, image, field):
    with pytest.raises(ImageError) as caught:
        leader.extract(image)
    assert caught.value.field == field


def test_one_extractor_serves_many_threads_with_the_same_results(leader, prints):
    images = [GreyImage(np.ascontiguousarray(image.pixels[100:300, 100:260]), 500) for image in prints]
    alone = [leader.extract(image) for image in images]
    assert sum(len(found) for found in alone) > 20
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(leader.extract, images * 4))
    for one, other in zip(alone * 4, together, strict=True):
        assert_same(one, other)


def test_two_extractors_agree(leader, prints):
    assert_same(LeaderExtractor().extract(prints[1]), leader.extract(prints[1]))


def test_the_card_says_where_the_network_is_from(leader):
    card = json.loads((MODELS / "leader.json").read_text(encoding="utf-8"))
    assert leader.name == f"leader-{card['version']}"
    assert card["origin"]["licence"] == "MIT"
    text = (MODELS / card["origin"]["licence_text"]).read_text(encoding="utf-8")
    assert "Raffaele Cappelli" in text
    assert text.count("Permission is hereby granted") == 2


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (lambda folder: (folder / "leader.json").unlink(), "leader.json"),
        (lambda folder: (folder / "leader.json").write_text("[1]"), "leader.json"),
        (lambda folder: (folder / "leader.json").write_text("{"), "leader.json"),
        (lambda folder: (folder / "leader.json").write_text("{}"), "leader.json"),
        (lambda folder: (folder / "leader.onnx").unlink(), "file"),
        (lambda folder: (folder / "leader.onnx").write_bytes(b"not it"), "sha256"),
    ],
)
def test_a_model_that_is_missing_or_damaged_is_refused(tmp_path, spoil, field):
    for name in ("leader.json", "leader.onnx"):
        shutil.copy(MODELS / name, tmp_path / name)
    spoil(tmp_path)
    with pytest.raises(ModelError) as caught:
        LeaderExtractor(tmp_path)
    assert caught.value.field == field


def test_another_models_file_is_refused(tmp_path):
    embedding = json.loads((MODELS / "finger.json").read_text(encoding="utf-8"))
    card = json.loads((MODELS / "leader.json").read_text(encoding="utf-8"))
    shutil.copy(MODELS / embedding["file"], tmp_path / embedding["file"])
    (tmp_path / "leader.json").write_text(json.dumps(card | {key: embedding[key] for key in ("file", "sha256")}))
    with pytest.raises(ModelError, match="minutiae model"):
        LeaderExtractor(tmp_path)


@pytest.mark.real
def test_on_real_prints_counts_are_sensible_and_directions_are_mindtcts(leader, real_data):
    root = real_data / "fvc"
    with (root / "manifest.csv").open(encoding="utf-8") as manifest:
        rows = [row for row in csv.DictReader(manifest) if row["impression"] == "1"]
    turned = []
    for row in rows[::11]:  # one of each sensor
        image = decode_image((root / row["path"]).read_bytes(), ppi=int(row["ppi"]), format=None)
        ours, theirs = leader.extract(image), MindtctExtractor().extract(image)
        assert 8 <= len(ours) <= 120
        nearest, close = near(ours, theirs, 6)
        turned.append(ours.direction[close] - theirs.direction[nearest[close]])
    cosine = np.cos(np.concatenate(turned))
    assert len(cosine) > 100
    assert (cosine > 0.8).mean() > 0.9
    assert (cosine < -0.8).mean() < 0.05
