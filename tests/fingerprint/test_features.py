"""What re-ranking stores of a finger: what is kept, how it is laid out, and what is refused."""

import dataclasses
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tenprint.fingerprint.embedding import Embedder
from tenprint.fingerprint.errors import FeaturesError, ModelError
from tenprint.fingerprint.features import (
    AXES,
    DESCRIPTOR_LENGTH,
    MAX_COORDINATE,
    MAX_MINUTIAE,
    DescriptorAxes,
    FingerFeatures,
    unpack,
)
from tenprint.fingerprint.matching import match
from tenprint.fingerprint.minutiae import Minutiae


def minutiae(count, seed=0, spread=300):
    draw = np.random.default_rng(seed)
    return Minutiae(
        x=draw.uniform(0, spread, count).astype(np.float32),
        y=draw.uniform(0, spread, count).astype(np.float32),
        direction=draw.uniform(0, 2 * np.pi, count).astype(np.float32),
        kind=np.ones(count, np.uint8),
        reliability=draw.uniform(0, 1, count).astype(np.float32),
        width=spread + 1,
        height=spread + 1,
    )


def whorl(count):
    """Minutiae at even distances whose directions follow ridges, as those of a finger do and random ones do not."""
    found, draw = minutiae(count, seed=3), np.random.default_rng(4)
    place = np.arange(count) + 0.5
    radius, turn = 15 * np.sqrt(place), place * np.pi * (3 - np.sqrt(5))
    found.x[:], found.y[:] = 150 + radius * np.cos(turn), 150 + radius * np.sin(turn)
    found.direction[:] = (np.pi / 2 - turn + np.pi * draw.integers(0, 2, count)) % (2 * np.pi)
    return found


@pytest.fixture(scope="module")
def embedder():
    return Embedder()


@pytest.fixture(scope="module")
def axes():
    return DescriptorAxes()


@st.composite
def features(draw):
    count = draw(st.integers(0, MAX_MINUTIAE))
    places = arrays.arrays(np.int16, count, elements=st.integers(-MAX_COORDINATE, MAX_COORDINATE))
    return FingerFeatures(
        x=draw(places),
        y=draw(places),
        direction=draw(arrays.arrays(np.uint8, count)),
        packed=draw(arrays.arrays(np.uint8, (count, AXES // 2))),
        axes=draw(st.integers(0, 2**32 - 1)),
    )


@given(features())
def test_bytes_and_back(given):
    read = FingerFeatures.from_bytes(given.to_bytes())
    for field in ("x", "y", "direction", "packed"):
        left, right = getattr(given, field), getattr(read, field)
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)
    assert read.axes == given.axes
    assert read.to_bytes() == given.to_bytes()


def test_ten_full_fingers_fit_a_record():
    full = FingerFeatures.from_bytes(struct.pack("<BBHI", 1, MAX_MINUTIAE, 0, 7) + bytes(17 * MAX_MINUTIAE))
    assert len(full) == MAX_MINUTIAE
    assert 10 * len(full.to_bytes()) <= 16_000


def test_the_layout_is_version_1():
    packed = np.arange(12, dtype=np.uint8)[np.newaxis]
    one = FingerFeatures(
        np.array([258], np.int16), np.array([-2], np.int16), np.array([9], np.uint8), packed, 0x01020304
    )
    assert one.to_bytes() == bytes([1, 1, 0, 0, 4, 3, 2, 1, 2, 1, 0xFE, 0xFF, 9, *range(12)])


@given(features(), st.data())
def test_a_length_that_does_not_fit_is_refused(given, data):
    whole = given.to_bytes()
    cut = data.draw(st.integers(0, len(whole) - 1))
    for wrong in (whole[:cut], whole + b"\0"):
        with pytest.raises(FeaturesError, match=r"^features\.data: "):
            FingerFeatures.from_bytes(wrong)


@given(features(), st.data())
def test_a_flipped_bit_is_refused_or_compares_like_any_other_print(given, data):
    damaged = bytearray(given.to_bytes())
    bit = data.draw(st.integers(0, 8 * len(damaged) - 1))
    damaged[bit // 8] ^= 1 << bit % 8
    try:
        read = FingerFeatures.from_bytes(bytes(damaged))
    except FeaturesError:
        return
    (result,) = match(dataclasses.replace(given, axes=read.axes), [read])
    assert 0 <= result.score <= 1


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (struct.pack("<BBHI", 2, 0, 0, 0), "version 2"),
        (struct.pack("<BBHI", 1, 0, 1, 0), "reserved 1"),
        (struct.pack("<BBHI", 1, MAX_MINUTIAE + 1, 0, 0) + bytes(17 * (MAX_MINUTIAE + 1)), "at most 93"),
        (struct.pack("<BBHIhh", 1, 1, 0, 0, MAX_COORDINATE + 1, 0) + bytes(13), "beyond 16383"),
        (struct.pack("<BBHIhh", 1, 1, 0, 0, 0, -32768) + bytes(13), "beyond 16383"),
    ],
)
def test_what_breaks_a_limit_is_refused(header, told):
    with pytest.raises(FeaturesError, match=told):
        FingerFeatures.from_bytes(header)


def test_what_is_kept_are_the_minutiae_the_model_described(embedder, axes):
    found = minutiae(60)
    (embedding,) = embedder.embed([found])
    kept = dataclasses.replace(embedding, kept=embedding.kept[::2], descriptors=embedding.descriptors[::2])
    stored = FingerFeatures.of(found, kept, axes)
    assert len(stored) == 30
    np.testing.assert_array_equal(stored.x, np.rint(found.x[::2]))
    np.testing.assert_array_equal(stored.y, np.rint(found.y[::2]))
    turn = stored.direction * (2 * np.pi / 256) - found.direction[::2]
    assert np.abs((turn + np.pi) % (2 * np.pi) - np.pi).max() <= np.pi / 256 + 1e-6
    assert stored.axes == axes.identity


def test_of_too_many_the_most_central_are_kept_in_their_order(embedder, axes):
    found = minutiae(110)
    (embedding,) = embedder.embed([found])
    stored = FingerFeatures.of(found, embedding, axes)
    assert len(stored) == MAX_MINUTIAE
    distance = np.hypot(np.rint(found.x) - np.median(np.rint(found.x)), np.rint(found.y) - np.median(np.rint(found.y)))
    central = np.sort(np.argsort(distance, kind="stable")[:MAX_MINUTIAE])
    np.testing.assert_array_equal(stored.x, np.rint(found.x[central]))
    np.testing.assert_array_equal(stored.direction, np.rint(found.direction[central] * (256 / (2 * np.pi))) % 256)


def test_stored_descriptors_of_the_shipped_model_are_as_alike_as_the_models_own(embedder, axes):
    """Fails too when the model is replaced and its axes are not fitted again."""
    found = whorl(90)
    (embedding,) = embedder.embed([found])
    stored = unpack(FingerFeatures.of(found, embedding, axes).packed)
    assert np.abs(stored).max() <= 7
    alike = stored @ stored.T / DESCRIPTOR_LENGTH**2
    error = alike - embedding.descriptors @ embedding.descriptors.T
    assert np.sqrt((error**2).mean()) < 0.1


def test_a_place_beyond_reason_is_refused(embedder, axes):
    found = minutiae(20)
    (embedding,) = embedder.embed([found])
    found.x[3] = MAX_COORDINATE + 1
    with pytest.raises(FeaturesError, match="beyond 16383"):
        FingerFeatures.of(found, embedding, axes)
    found.x[3] = np.nan
    with pytest.raises(FeaturesError, match="beyond 16383"):
        FingerFeatures.of(found, embedding, axes)


def test_descriptors_of_another_dimension_are_refused(embedder, axes):
    found = minutiae(20)
    (embedding,) = embedder.embed([found])
    with pytest.raises(FeaturesError, match="32 numbers a descriptor; these axes take 64"):
        FingerFeatures.of(found, dataclasses.replace(embedding, descriptors=embedding.descriptors[:, :32]), axes)


@pytest.mark.parametrize(
    "content",
    [
        np.eye(64, AXES),
        np.eye(64, AXES + 1, dtype=np.float32),
        np.ones((64, AXES), np.float32),
        np.full((64, AXES), np.nan, np.float32),
        np.zeros(AXES, np.float32),
    ],
    ids=["float64", "too many", "not orthonormal", "not a number", "flat"],
)
def test_a_file_without_such_axes_is_refused(tmp_path, content):
    np.save(tmp_path / "descriptor_axes.npy", content)
    with pytest.raises(ModelError, match=r"descriptor_axes\.npy"):
        DescriptorAxes(tmp_path)


@pytest.mark.parametrize("content", [None, b"", b"\x93NUMPY junk", b"\x80\x04K\x01."])
def test_a_missing_or_damaged_file_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "descriptor_axes.npy").write_bytes(content)
    with pytest.raises(ModelError, match=r"descriptor_axes\.npy"):
        DescriptorAxes(tmp_path)


def test_other_axes_have_another_identity(tmp_path, axes):
    np.save(tmp_path / "descriptor_axes.npy", np.eye(64, AXES, dtype=np.float32))
    assert DescriptorAxes(tmp_path).identity != axes.identity
    assert DescriptorAxes(tmp_path).dimension == 64
