"""Bad input is refused by an error that names the field and what is allowed, and the gallery stays as it was."""

import numpy as np
import pytest

from tenprint.index import (
    DuplicateRecordError,
    Gallery,
    GalleryError,
    InvalidIdError,
    InvalidLimitError,
    InvalidVectorError,
    Record,
)

D = 4


def good(finger=1.0):
    slots = np.zeros((10, D), dtype=np.float32)
    slots[:, 0] = finger
    return slots.reshape(-1)


def changed(place, value):
    vector = good()
    vector[place] = value
    return vector


@pytest.fixture
def gallery():
    gallery = Gallery("criminal", dimension=D, model_version="test-1")
    gallery.apply([Record("e1", "s1", good())])
    return gallery


BAD_VECTORS = [
    (good().astype(np.float64), "is float64; a float32 array"),
    (good().tolist(), "is list; a float32 array"),
    (good()[:-1], r"has shape \[.*39\]; \[.*40\] is needed"),
    (np.concatenate([good(), good()]), r"has shape \[.*80\]; \[.*40\] is needed"),
    (changed(5, np.nan), "holds NaN or infinity; every number must be finite"),
    (changed(5, np.inf), "holds NaN or infinity; every number must be finite"),
    (np.zeros(10 * D, dtype=np.float32), "is all zeros; at least one finger must be present"),
    (changed(8, 0.9), r"has norm 0.9 in the slot of finger position 3; a present finger has norm 1 \(within 0.001\)"),
    (changed(8, 1.002), "has norm 1.002 in the slot of finger position 3"),
]


@pytest.mark.parametrize(("vector", "problem"), BAD_VECTORS)
def test_apply_refuses_a_bad_vector_and_the_whole_call_with_it(gallery, vector, problem):
    before = gallery.describe()
    with pytest.raises(InvalidVectorError, match=r"^put\[1\]\.vector: .*" + problem) as caught:
        gallery.apply([Record("e2", "s2", good()), Record("e3", "s3", vector)])
    assert caught.value.field == "put[1].vector"
    assert isinstance(caught.value, GalleryError)
    assert gallery.describe() == before
    gallery.apply([Record("e2", "s2", good())])
    assert gallery.size == 2


@pytest.mark.parametrize(("vector", "problem"), BAD_VECTORS)
def test_search_refuses_a_bad_probe(gallery, vector, problem):
    probes = [vector] if isinstance(vector, list) else vector[np.newaxis]
    with pytest.raises(InvalidVectorError, match=r"^probes(\[0\])?: .*" + problem):
        gallery.search(probes, 1)


def test_search_names_the_probe_at_fault(gallery):
    with pytest.raises(InvalidVectorError, match=r"^probes\[2\]: holds NaN"):
        gallery.search(np.stack([good(), good(), changed(0, np.nan)]), 1)


def test_search_refuses_a_single_vector_that_is_not_a_batch(gallery):
    with pytest.raises(InvalidVectorError, match=r"^probes: has shape \[40\]; \[n, 40\] is needed"):
        gallery.search(good(), 1)


@pytest.mark.parametrize(
    ("finger", "problem"),
    [
        (np.zeros(D, dtype=np.float32), r"^finger_vectors\[0\]: is all zeros"),
        (np.full(D, 0.4, dtype=np.float32), r"^finger_vectors\[0\]: has norm 0\.8; "),
        (np.full(D, np.nan, dtype=np.float32), r"^finger_vectors\[0\]: holds NaN"),
        (np.ones(D + 1, dtype=np.float32), r"^finger_vectors: has shape \[1, 5\]; \[n, 4\] is needed"),
    ],
)
def test_unknown_position_refuses_a_bad_finger(gallery, finger, problem):
    with pytest.raises(InvalidVectorError, match=problem):
        gallery.search_unknown_position(finger[np.newaxis], 1)


@pytest.mark.parametrize("k", [0, -1, 1001])
def test_search_refuses_k_out_of_range(gallery, k):
    with pytest.raises(InvalidLimitError, match=f"^k: is {k}; 1 to 1000 is allowed$"):
        gallery.search(good()[np.newaxis], k)
    with pytest.raises(InvalidLimitError, match=f"^k: is {k}; 1 to 1000 is allowed$"):
        gallery.search_unknown_position(good()[np.newaxis, :D], k)


def test_search_refuses_too_many_probes(gallery):
    with pytest.raises(InvalidLimitError, match=r"^probes: is 1025; 0 to 1024 is allowed$"):
        gallery.search(np.tile(good(), (1025, 1)), 1)
    with pytest.raises(InvalidLimitError, match=r"^finger_vectors: is 103; 0 to 102 is allowed$"):
        gallery.search_unknown_position(np.tile(good()[:D], (103, 1)), 1)


def test_k_larger_than_the_gallery_is_allowed(gallery):
    assert len(gallery.search(good()[np.newaxis], 1000).results[0].candidates) == 1


@pytest.mark.parametrize("bad", ["", "x" * 257, None])
def test_apply_refuses_a_bad_id(gallery, bad):
    with pytest.raises(InvalidIdError, match=r"^put\[0\]\.encounter_id: must be a text of 1 to 256 characters$"):
        gallery.apply([Record(bad, "s2", good())])
    with pytest.raises(InvalidIdError, match=r"^put\[0\]\.subject_id: must be a text of 1 to 256 characters$"):
        gallery.apply([Record("e2", bad, good())])
    assert gallery.size == 1


def test_apply_refuses_an_encounter_twice_and_the_whole_call_with_it(gallery):
    before = gallery.describe()
    with pytest.raises(DuplicateRecordError, match=r"^put\[1\]\.encounter_id: stands twice in this call"):
        gallery.apply([Record("e2", "s2", good()), Record("e2", "s3", good())])
    with pytest.raises(DuplicateRecordError, match=r"^put\[0\]\.encounter_id: is to be put and dropped") as caught:
        gallery.apply([Record("private-encounter", "s2", good())], drop=["e1", "private-encounter"])
    assert "private" not in str(caught.value)
    assert gallery.describe() == before


def test_saying_a_state_twice_changes_nothing(gallery):
    for _ in range(2):
        gallery.apply([Record("e2", "s2", good())], drop=["e1", "never-held"])
        assert (gallery.size, gallery.subjects) == (1, 1)
    gallery.apply([Record("e2", "another", good())])
    (candidate,) = gallery.search(good()[np.newaxis], 5).results[0].candidates
    assert (candidate.encounter_id, candidate.subject_id, gallery.subjects) == ("e2", "another", 1)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"name": ""}, InvalidIdError, "^name: must be a text of 1 to 256 characters"),
        ({"model_version": ""}, InvalidIdError, "^model_version: must be a text of 1 to 256 characters"),
        ({"dimension": 0}, InvalidLimitError, "^dimension: is 0; 1 to 4096 is allowed"),
        ({"dimension": 4097}, InvalidLimitError, "^dimension: is 4097; 1 to 4096 is allowed"),
    ],
)
def test_a_gallery_refuses_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        Gallery(**({"name": "g", "dimension": D, "model_version": "m"} | arguments))
