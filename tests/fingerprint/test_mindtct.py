"""MINDTCT and NFIQ 2 on drawn ridges, on what is no print, and in threads."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tenprint.fingerprint.errors import ImageError
from tenprint.fingerprint.image import GreyImage
from tenprint.fingerprint.mindtct import MindtctExtractor
from tenprint.fingerprint.quality import nfiq2


def noise(width, height, seed=0):
    return GreyImage(np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8), 500)


def dislocation(sign, size=256):
    """Vertical ridges of period 9 with one extra ridge below (sign 1) or above (sign -1) the centre."""
    y, x = np.mgrid[:size, :size].astype(float)
    phase = 2 * np.pi * x / 9 + np.arctan2(x - size / 2, sign * (y - size / 2))
    return GreyImage((128 - 110 * np.cos(phase)).astype(np.uint8), 500)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_lone_minutia_is_found_where_it_is_and_points_along_the_ridges(sign):
    found = MindtctExtractor().extract(dislocation(sign))
    near = np.hypot(found.x - 128, found.y - 128) < 12
    assert near.sum() == 1
    assert abs(np.sin(found.direction[near][0])) > 0.9
    assert (found.width, found.height) == (256, 256)
    assert found.x.dtype == found.y.dtype == found.direction.dtype == found.reliability.dtype == np.float32
    assert found.kind.dtype == np.uint8


def test_turning_the_image_upside_down_turns_place_and_direction():
    upright, image = MindtctExtractor().extract(dislocation(1)), dislocation(1)
    turned = MindtctExtractor().extract(GreyImage(np.ascontiguousarray(image.pixels[::-1, ::-1]), 500))
    (a,) = np.flatnonzero(np.hypot(upright.x - 128, upright.y - 128) < 12)
    (b,) = np.flatnonzero(np.hypot(turned.x - 128, turned.y - 128) < 12)
    assert np.cos(upright.direction[a] - turned.direction[b]) < -0.9


@pytest.mark.parametrize("image", [GreyImage(np.full((300, 300), level, np.uint8), 500) for level in (0, 128, 255)])
def test_an_image_without_a_print_has_no_minutiae_and_no_quality(image, capfd):
    assert len(MindtctExtractor().extract(image)) == 0
    assert nfiq2(image) is None
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("image", "field"),
    [
        (noise(8, 8), "image.data"),
        (noise(300, 63), "image.data"),
        (GreyImage(np.zeros((300, 300), np.uint8), 1000), "image.ppi"),
        (GreyImage(np.broadcast_to(np.uint8(0), (5000, 5000)), 500), "image.data"),
    ],
)
def test_what_mindtct_cannot_be_given_is_refused_before_it_sees_it(image, field, capfd):
    with pytest.raises(ImageError) as caught:
        MindtctExtractor().extract(image)
    assert caught.value.field == field
    assert nfiq2(image) is None
    assert capfd.readouterr() == ("", "")


def test_one_extractor_serves_many_threads_with_the_same_results():
    extractor = MindtctExtractor()
    images = [noise(160, 160, seed) for seed in range(6)]
    alone = [extractor.extract(image) for image in images]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(extractor.extract, images * 4))
    for one, other in zip(alone * 4, together, strict=True):
        for name in ("x", "y", "direction", "kind", "reliability"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_quality_is_a_score_where_it_applies_and_none_where_the_image_is_too_wide():
    narrow, wide = noise(400, 400), noise(1100, 400)
    score = nfiq2(narrow)
    assert score is not None
    assert 0 <= score <= 100
    assert nfiq2(wide) is None
    assert len(MindtctExtractor().extract(wide)) > 0
