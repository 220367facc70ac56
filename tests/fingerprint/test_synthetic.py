"""Synthetic prints: reproducible, of the classes they claim, and prints in the eyes of MINDTCT, bozorth3 and NFIQ 2."""

import io
import zlib
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbis
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tenprint.fingerprint.image import GreyImage
from tenprint.fingerprint.mindtct import MindtctExtractor
from tenprint.fingerprint.positions import FINGERS, FingerPosition
from tenprint.fingerprint.quality import nfiq2
from tenprint.fingerprint.synthetic import (
    MASTER_SHAPE,
    NATURAL_SHARES,
    PLAIN_SHAPE,
    ROLLED_SHAPE,
    FingerClass,
    MasterFinger,
    SyntheticPerson,
    draw_class,
    encode_png,
    grow_finger,
    grow_people,
    press,
)
from tenprint.fingerprint.synthetic.impression import places_on_finger
from tenprint.fingerprint.synthetic.orientation import draw_singularities, orientation_field, period_field

MATCH = 40  # bozorth3 score that its authors call a true match


@pytest.fixture(scope="module")
def fingers() -> list[MasterFinger]:
    """One finger of each class."""
    return [grow_finger(seed, finger_class) for seed, finger_class in enumerate(FingerClass, start=40)]


@pytest.fixture(scope="module")
def prints(fingers) -> list[tuple[GreyImage, GreyImage, GreyImage]]:
    """Two rolled impressions and a plain one of each finger."""
    return [
        (press(each, 1, rolled=True), press(each, 2, rolled=True), press(each, 3, rolled=False)) for each in fingers
    ]


@pytest.fixture(scope="module")
def templates(prints) -> list[list[Any]]:
    """Their minutiae as the library's own objects, which alone bozorth3 compares."""
    extractor = nbis.new_nbis_extractor(
        nbis.NbisExtractorSettings(
            min_quality=0.0, get_center=False, check_fingerprint=False, compute_nfiq2=False, ppi=500
        )
    )
    return [[extractor.extract_minutiae(encode_png(image)) for image in images] for images in prints]


@pytest.fixture(scope="module")
def grown(tmp_path_factory) -> tuple[Path, list[tuple[int, int]]]:
    """A cache in which two processes grew person 7, and what they reported meanwhile."""
    cache, steps = tmp_path_factory.mktemp("synthetic") / "not yet there", []
    people = grow_people([7, 7], cache=cache, workers=2, progress=lambda *step: steps.append(step))
    assert [person.seed for person in people] == [7, 7]
    return cache, steps


def winding(angle: np.ndarray) -> np.ndarray:
    """Poincaré index of every cell of an orientation field, in half turns: 1 a core, -1 a delta."""
    corners = [angle[:-1, :-1], angle[1:, :-1], angle[1:, 1:], angle[:-1, 1:], angle[:-1, :-1]]
    steps = [(after - before + np.pi / 2) % np.pi - np.pi / 2 for before, after in pairwise(corners)]
    return np.rint(sum(steps) / np.pi).astype(int)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), finger_class=st.sampled_from(list(FingerClass)))
def test_orientation_field_has_the_cores_and_deltas_of_its_class(seed, finger_class):
    index = winding(orientation_field(np.random.default_rng(seed), finger_class, (180, 160), 4.0))
    expected = {FingerClass.ARCH: 0, FingerClass.WHORL: 2}.get(finger_class, 1)
    assert (np.count_nonzero(index == 1), np.count_nonzero(index == -1)) == (expected, expected)
    assert np.abs(index).max() <= 1


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_loops_have_their_delta_on_the_side_they_do_not_open_to(seed):
    for finger_class, side in ((FingerClass.LEFT_LOOP, 1), (FingerClass.RIGHT_LOOP, -1)):
        flow = draw_singularities(np.random.default_rng(seed), finger_class)
        assert np.sign(flow.deltas[0][0] - flow.cores[0][0]) == side


def test_ridge_period_is_that_of_adults():
    periods = np.stack([period_field(np.random.default_rng(seed), (90, 80), 8.0) for seed in range(20)])
    assert 8.7 < periods.mean() < 9.3
    assert periods.min() >= 7.5
    assert periods.max() <= 11.5


def test_ridges_have_about_that_period_and_fill_the_finger(fingers):
    for master in fingers:
        assert master.ridges.shape == MASTER_SHAPE
        assert master.ridges.dtype == np.float32
        assert abs(float(master.ridges.mean())) < 0.05
        assert np.mean(np.abs(master.ridges) > 0.5) > 0.6
        power = np.abs(np.fft.rfft2(master.ridges)) ** 2
        frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(720), np.fft.rfftfreq(640), indexing="ij"))
        assert 7.5 < 1.0 / (np.sum(power * frequency) / np.sum(power)) < 10.5


def test_same_seed_same_bytes_other_seed_other_bytes(fingers, prints):
    again = grow_finger(fingers[0].seed, fingers[0].finger_class)
    assert again.ridges.tobytes() == fingers[0].ridges.tobytes()
    assert press(again, 1, rolled=True).pixels.tobytes() == prints[0][0].pixels.tobytes()
    assert press(again, 3, rolled=False).pixels.tobytes() == prints[0][2].pixels.tobytes()
    assert prints[0][0].pixels.tobytes() != prints[0][1].pixels.tobytes()
    assert grow_finger(41, fingers[0].finger_class).ridges.tobytes() != fingers[0].ridges.tobytes()


def test_it_is_known_where_on_the_finger_each_pixel_of_an_impression_lies(fingers):
    for carelessness in (1.0, 4.0):
        image = press(fingers[0], 5, rolled=False, carelessness=carelessness)
        places = places_on_finger(fingers[0].seed, 5, rolled=False, carelessness=carelessness)
        assert places.shape == (*PLAIN_SHAPE, 2)
        middle = (slice(160, 320), slice(140, 260))  # within the contact area
        column, row = (
            places[middle][..., 0] + (MASTER_SHAPE[1] - 1) / 2,
            (MASTER_SHAPE[0] - 1) / 2 - places[middle][..., 1],
        )
        ridges = fingers[0].ridges[np.rint(row).astype(int), np.rint(column).astype(int)]
        darkness = 255.0 - image.pixels[middle]
        assert np.corrcoef(ridges.ravel(), darkness.ravel())[0, 1] > 0.5


def test_impressions_are_dark_ridges_on_a_light_ground_with_margins(prints):
    for rolled, _, plain in prints:
        for image, shape in ((rolled, ROLLED_SHAPE), (plain, PLAIN_SHAPE)):
            pixels = image.pixels
            assert (pixels.shape, pixels.dtype, image.ppi) == (shape, np.uint8, 500)
            assert pixels.flags.c_contiguous
            corners = np.concatenate([pixels[:12, :12], pixels[:12, -12:], pixels[-12:, :12], pixels[-12:, -12:]])
            assert np.median(corners) > 220
            middle = pixels[shape[0] // 4 : -shape[0] // 4, shape[1] // 4 : -shape[1] // 4]
            assert 0.3 < np.mean(middle < 150) < 0.75


def test_mindtct_finds_a_plausible_number_of_minutiae(prints):
    extractor = MindtctExtractor()
    for first, second, plain in prints:
        assert 30 <= len(extractor.extract(first)) <= 120
        assert 30 <= len(extractor.extract(second)) <= 120
        assert 20 <= len(extractor.extract(plain)) <= 80


def test_impressions_of_one_finger_match_and_of_two_fingers_do_not(templates):
    genuine = [
        rolled.compare(other)
        for first, second, plain in templates
        for rolled, other in ((first, second), (first, plain))
    ]
    impostor = [one[0].compare(two[k]) for one in templates for two in templates if one is not two for k in (1, 2)]
    assert min(genuine) >= MATCH
    assert max(impostor) < MATCH
    assert np.median(genuine) > 5 * np.median(impostor)


def test_nfiq2_judges_them_usable(prints):
    for first, _, plain in prints[:2]:
        assert 30 <= nfiq2(first) <= 100
        assert 30 <= nfiq2(plain) <= 100


def test_classes_have_their_natural_shares():
    rng = np.random.default_rng(1)
    drawn = Counter(draw_class(rng) for _ in range(20_000))
    assert {each: drawn[each] / 20_000 for each in FingerClass} == pytest.approx(NATURAL_SHARES, abs=0.012)


def test_people_have_natural_classes_with_loops_that_open_to_the_little_finger(tmp_path):
    hands = [SyntheticPerson(seed, tmp_path).classes for seed in range(2000)]
    drawn = Counter(each for classes in hands for each in classes.values())
    assert {each: drawn[each] / 20_000 for each in FingerClass} == pytest.approx(NATURAL_SHARES, abs=0.025)
    left = Counter(classes[position] for classes in hands for position in FINGERS if position.slot >= 5)
    assert left[FingerClass.LEFT_LOOP] > 9 * left[FingerClass.RIGHT_LOOP]
    assert not any(tmp_path.iterdir())


def test_class_of_a_slap_is_refused():
    with pytest.raises(ValueError, match="not a single known finger"):
        draw_class(np.random.default_rng(1), FingerPosition.PLAIN_THUMBS)


def test_people_grow_in_processes_once_and_report_progress(grown):
    cache, steps = grown
    assert steps == [(done, 10) for done in range(1, 11)]
    assert len(list(cache.iterdir())) == 1

    def fail(done: int, total: int) -> None:
        raise AssertionError(f"grew finger {done} of {total} again")

    (person,) = grow_people([7], cache=cache, progress=fail)
    assert list(person.masters) == list(FINGERS)
    assert {position: master.finger_class for position, master in person.masters.items()} == person.classes
    assert len({master.relief.tobytes() for master in person.masters.values()}) == 10


def test_cached_finger_is_the_grown_finger(grown):
    master = SyntheticPerson(7, grown[0]).masters[FingerPosition.RIGHT_INDEX]
    fresh = grow_finger(master.seed, master.finger_class)
    assert fresh.ridges.tobytes() == master.ridges.tobytes()
    assert press(fresh, 5, rolled=False).pixels.tobytes() == press(master, 5, rolled=False).pixels.tobytes()


def test_captures_of_a_person_differ_and_repeat(grown):
    person = SyntheticPerson(7, grown[0])
    first, again, other = (person.impressions(seed, rolled=False) for seed in (1, 1, 2))
    assert list(first) == list(FINGERS)
    for position in FINGERS:
        assert first[position].pixels.tobytes() == again[position].pixels.tobytes()
        assert first[position].pixels.tobytes() != other[position].pixels.tobytes()


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda packed: packed[:-100],
        lambda packed: packed[:5000] + bytes([packed[5000] ^ 0x10]) + packed[5001:],
        lambda packed: zlib.compress(zlib.decompress(packed)[:-1]),
        lambda packed: zlib.compress(zlib.decompress(packed) + b"\0"),
        lambda _: b"not a cache file",
    ],
)
def test_damaged_cache_file_is_made_anew(grown, tmp_path, monkeypatch, damage):
    (file,) = grown[0].iterdir()
    whole = file.read_bytes()
    (tmp_path / file.name).write_bytes(damage(whole))
    # Growing is replaced by the fingers that are known already, for the sake of time; that they are the same is
    # proved above.
    known = {master.seed: master for master in SyntheticPerson(7, grown[0]).masters.values()}
    asked = []
    monkeypatch.setattr(
        "tenprint.fingerprint.synthetic.person.grow_finger", lambda seed, _: asked.append(seed) or known[seed]
    )
    assert list(SyntheticPerson(7, tmp_path).masters) == list(FINGERS)
    assert len(asked) == 10
    assert [each.name for each in tmp_path.iterdir()] == [file.name]
    assert (tmp_path / file.name).read_bytes() == whole


def test_failed_write_leaves_nothing_behind(grown, tmp_path, monkeypatch):
    known = next(iter(SyntheticPerson(7, grown[0]).masters.values()))
    monkeypatch.setattr("tenprint.fingerprint.synthetic.person.grow_finger", lambda *_: known)

    def full(_path, _target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        _ = SyntheticPerson(8, tmp_path).masters
    assert not any(tmp_path.iterdir())


def test_negative_seed_is_refused(tmp_path):
    with pytest.raises(ValueError, match="seed is -1; a non-negative integer is wanted"):
        SyntheticPerson(-1, tmp_path)


def test_png_keeps_pixels_and_resolution():
    pixels = np.random.default_rng(3).integers(0, 256, (40, 70), dtype=np.uint8)
    for ppi in (500, 1000):
        with Image.open(io.BytesIO(encode_png(GreyImage(pixels, ppi)))) as decoded:
            assert decoded.format == "PNG"
            assert decoded.info["dpi"] == pytest.approx((ppi, ppi), abs=0.05)
            assert np.array_equal(np.asarray(decoded), pixels)
