"""A gallery answers as the brute-force reference does, and its scores depend on the two captures alone."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenprint.index import Candidate, Coverage, Gallery, Record
from tests.index.oracle import Answer, Entry, identify, identify_unknown_position

D = 4


def capture(rng, fingers=range(1, 11), d=D):
    """A capture with random unit vectors for the fingers of the given positions."""
    slots = np.zeros((10, d), dtype=np.float32)
    for position in fingers:
        vector = rng.standard_normal(d)
        slots[position - 1] = vector / np.linalg.norm(vector)
    return slots.reshape(-1)


def gallery_of(records, d=D):
    gallery = Gallery("criminal", dimension=d, model_version="test-1")
    gallery.apply(records)
    return gallery


def entries_of(records):
    return [Entry(record.encounter_id, record.subject_id, record.vector) for record in records]


def assert_equals_oracle(result, answer: Answer):
    got = [(c.subject_id, c.encounter_id) for c in result.candidates]
    assert got == [(subject, encounter) for subject, encounter, _, _ in answer.candidates]
    for candidate, (_, _, score, fingers) in zip(result.candidates, answer.candidates, strict=True):
        assert candidate.score == pytest.approx(score, abs=1e-6)
        assert {f.position: pytest.approx(f.score, abs=1e-6) for f in candidate.finger_scores} == fingers
        assert [f.position for f in candidate.finger_scores] == sorted(fingers)
    total = answer.searched + answer.incomparable
    assert result.coverage == Coverage(total, answer.searched, answer.incomparable)


# Few different captures, fingers and persons: identical vectors, several encounters and rare sets of fingers abound.
captures = st.builds(
    lambda seed, fingers: capture(np.random.default_rng(seed), fingers),
    st.integers(0, 6),
    st.one_of(
        st.sampled_from([range(1, 11), range(1, 10), (1, 6), (2,), (3, 7, 10), (10,)]),
        st.sets(st.integers(1, 10), min_size=1),
    ),
)
galleries = st.lists(st.tuples(st.integers(0, 9), captures), max_size=40).map(
    # Encounter ids fall while rows rise, so order of arrival cannot pass for order of ids.
    lambda drawn: [Record(f"e{99 - i}", f"s{person}", vector) for i, (person, vector) in enumerate(drawn)]
)


@settings(max_examples=150, deadline=None)
@given(galleries, st.lists(captures, min_size=1, max_size=4), st.integers(1, 12), st.data())
def test_search_equals_the_oracle_through_adds_and_removals(records, probes, k, data):
    gallery = Gallery("criminal", dimension=D, model_version="test-1")
    cut = data.draw(st.integers(0, len(records)))
    gallery.apply(records[:cut])
    gallery.apply(records[cut:])
    gone = data.draw(st.sets(st.sampled_from([r.encounter_id for r in records]))) if records else set()
    gallery.apply(drop=gone)
    assert gallery.size == len(records) - len(gone)
    kept = [record for record in records if record.encounter_id not in gone]

    batch = gallery.search(np.stack(probes), k)

    assert len(batch.results) == len(probes)
    for probe, result in zip(probes, batch.results, strict=True):
        assert_equals_oracle(result, identify(entries_of(kept), probe, k))
    assert gallery.size == len(kept)
    assert gallery.subjects == len({record.subject_id for record in kept})


@settings(max_examples=50, deadline=None)
@given(galleries, captures, st.integers(1, 12))
def test_unknown_position_equals_the_oracle(records, source, k):
    finger = next(slot for slot in source.reshape(10, D) if slot.any())
    result = gallery_of(records).search_unknown_position(finger[np.newaxis], k).results[0]
    assert_equals_oracle(result, identify_unknown_position(entries_of(records), finger, k))


def test_unknown_position_names_the_position_that_matched():
    rng = np.random.default_rng(5)
    records = [Record(f"e{i}", f"s{i}", capture(rng, d=32)) for i in range(30)]
    fingers = np.stack([records[i].vector.reshape(10, 32)[i % 10] for i in range(30)])
    batch = gallery_of(records, d=32).search_unknown_position(fingers, 1)
    for i, result in enumerate(batch.results):
        (candidate,) = result.candidates
        assert candidate.subject_id == f"s{i}"
        assert candidate.score == pytest.approx(1)
        assert [f.position for f in candidate.finger_scores] == [i % 10 + 1]
        assert result.coverage == Coverage(total=30, searched=30, incomparable=0)


def test_large_gallery_of_several_segments_equals_the_oracle():
    d = 8
    rng = np.random.default_rng(1)
    units = rng.standard_normal((20_000, 10, d)).astype(np.float32)
    units /= np.linalg.norm(units, axis=2, keepdims=True)
    matrix = units.reshape(len(units), -1)
    gallery = gallery_of([Record(f"e{i:05}", f"s{i % 15_000:05}", row) for i, row in enumerate(matrix)], d)
    assert gallery.describe().segments == {"growing": 2, "sealed": 0, "mapped": 0}
    gallery.apply(drop=[f"e{i:05}" for i in range(0, 20_000, 7)])
    assert gallery.describe().dead == 20_000 - gallery.size == len(range(0, 20_000, 7))
    probes = matrix[[0, 1, 16_383, 16_384, 19_999]]
    scores = np.einsum("psd,rsd->pr", probes.reshape(5, 10, d).astype(float), units.astype(float)) / 10
    for row, result in zip(scores, gallery.search(probes, 25, exact=True).results, strict=True):
        best = {}
        for i in np.argsort(-row):
            if i % 7:
                best.setdefault(f"s{i % 15_000:05}", (f"e{i:05}", row[i]))
        expected = list(best.items())[:25]
        assert [(c.subject_id, c.encounter_id) for c in result.candidates] == [(s, e) for s, (e, _) in expected]
        assert [c.score for c in result.candidates] == pytest.approx([score for _, (_, score) in expected], abs=1e-6)


def test_many_encounters_of_one_subject_do_not_crowd_out_the_others():
    rng = np.random.default_rng(2)
    own = capture(rng, d=32)
    crowd = [Record(f"a{i:04}", "crowd", own) for i in range(500)]
    others = [Record(f"b{i}", f"s{i}", capture(rng, d=32)) for i in range(9)]
    result = gallery_of(crowd + others, d=32).search(own[np.newaxis], 10).results[0]
    assert len(result.candidates) == 10
    assert (result.candidates[0].subject_id, result.candidates[0].encounter_id) == ("crowd", "a0000")
    assert_equals_oracle(result, identify(entries_of(crowd + others), own, 10))


def test_equal_scores_are_ordered_by_subject_then_encounter_even_where_the_list_is_cut():
    vector = capture(np.random.default_rng(3))
    # Far more equals than the first nomination asks for, in falling order of ids.
    records = [Record(f"e{999 - i}", f"s{(999 - i) // 2:03}", vector) for i in range(400)]
    result = gallery_of(records).search(vector[np.newaxis], 3).results[0]
    assert [(c.subject_id, c.encounter_id) for c in result.candidates] == [
        ("s300", "e600"),
        ("s301", "e602"),
        ("s302", "e604"),
    ]


def test_scores_closer_than_float32_can_tell_are_ordered_by_the_exact_score():
    d = 64
    rng = np.random.default_rng(4)
    base = capture(rng, d=d)
    probe = capture(rng, d=d)
    # A float32 step or so in every number: the exact scores differ by less than a float32 sum of 640 products errs.
    noise = rng.standard_normal((400, 10 * d)) * 1e-7
    records = [Record(f"e{i:03}", f"s{i:03}", (base * (1 + row)).astype(np.float32)) for i, row in enumerate(noise)]
    result = gallery_of(records, d=d).search(probe[np.newaxis], 20).results[0]
    assert_equals_oracle(result, identify(entries_of(records), probe, 20))
    assert len({c.score for c in result.candidates}) > 10


def test_an_incomplete_mate_beats_complete_non_mates():
    d = 32
    rng = np.random.default_rng(6)
    strangers = [Record(f"e{i:04}", f"s{i:04}", capture(rng, d=d)) for i in range(1000)]
    probe = capture(rng, d=d)
    mate = probe.reshape(10, d).copy()
    mate[2:] = 0
    records = [*strangers, Record("mate", "mate", mate.reshape(-1))]
    best = gallery_of(records, d=d).search(probe[np.newaxis], 1).results[0].candidates[0]
    assert best.subject_id == "mate"
    assert best.score == pytest.approx(1)
    assert [f.position for f in best.finger_scores] == [1, 2]


def test_scores_are_the_same_bits_alone_in_batches_and_wherever_the_record_lies():
    d = 96
    rng = np.random.default_rng(8)
    sets = [range(1, 11), range(1, 10), (1,), (1, 2, 6), (7, 8, 9, 10)]
    records = [Record(f"e{i:04}", f"s{i // 2:04}", capture(rng, sets[i % 5], d)) for i in range(600)]
    probes = np.stack([capture(rng, sets[i % 5], d) for i in range(40)])
    gallery = gallery_of(records, d)
    alone = tuple(gallery.search(probe[np.newaxis], 30).results[0] for probe in probes)

    assert gallery.search(probes, 30).results == alone
    assert gallery.search(probes[3:9], 30).results == alone[3:9]

    moved = [record for i, record in enumerate(records) if i % 3 == 0]
    gallery.apply(drop=[record.encounter_id for record in moved])
    assert gallery.search(probes, 30).results != alone
    for record in reversed(moved):
        gallery.apply([record])
    assert gallery.search(probes, 30).results == alone

    assert gallery_of(list(reversed(records)), d).search(probes, 30).results == alone


def test_a_score_does_not_depend_on_what_else_the_gallery_holds():
    d = 96
    rng = np.random.default_rng(9)
    records = [Record(f"e{i}", f"s{i}", capture(rng, d=d)) for i in range(200)]
    probe = capture(rng, (1, 4, 9), d)
    together = {c.subject_id: c for c in gallery_of(records, d).search(probe[np.newaxis], 200).results[0].candidates}
    assert len(together) == 200
    for record in records:
        (single,) = gallery_of([record], d).search(probe[np.newaxis], 1).results[0].candidates
        assert together[record.subject_id] == single


@given(captures, st.floats(-9e-4, 9e-4))
def test_a_norm_within_tolerance_changes_nothing_beyond_rounding_and_scores_stay_in_range(vector, error):
    scaled = vector * np.float32(1 + error)
    gallery = gallery_of([Record("e1", "s1", scaled)])
    (candidate,) = gallery.search(scaled[np.newaxis], 1).results[0].candidates
    assert candidate.score <= 1
    assert all(finger.score <= 1 for finger in candidate.finger_scores)
    assert candidate.score == pytest.approx(1, abs=1e-6)
    (opposite,) = gallery.search(-scaled[np.newaxis], 1).results[0].candidates
    assert -1 <= opposite.score == pytest.approx(-1, abs=1e-6)


def test_coverage_counts_the_encounters_that_share_no_finger():
    rng = np.random.default_rng(10)
    left = [Record(f"l{i}", "left", capture(rng, (6, 7))) for i in range(5)]
    right = [Record(f"r{i}", f"right{i}", capture(rng, (1, 2))) for i in range(3)]
    gallery = gallery_of(left + right)
    probes = np.stack([capture(rng, (1,)), capture(rng, (7,)), capture(rng, (3,)), capture(rng, (2, 6))])
    results = gallery.search(probes, 10).results
    assert [r.coverage for r in results] == [
        Coverage(total=8, searched=3, incomparable=5),
        Coverage(total=8, searched=5, incomparable=3),
        Coverage(total=8, searched=0, incomparable=8),
        Coverage(total=8, searched=8, incomparable=0),
    ]
    assert [len(r.candidates) for r in results] == [3, 1, 0, 4]


def test_an_empty_gallery_answers_that_it_searched_nothing():
    batch = Gallery("g", dimension=D, model_version="m").search(np.stack([capture(np.random.default_rng(0))]), 5)
    assert batch.results[0].candidates == ()
    assert batch.results[0].coverage == Coverage(total=0, searched=0, incomparable=0)


def test_no_probe_gets_no_answer():
    gallery = gallery_of([Record("e1", "s1", capture(np.random.default_rng(0)))])
    assert gallery.search(np.zeros((0, 10 * D), dtype=np.float32), 1).results == ()
    assert gallery.search_unknown_position(np.zeros((0, D), dtype=np.float32), 1).results == ()


def test_describe_counts_records_by_fingers_and_memory():
    rng = np.random.default_rng(11)
    records = [Record(f"c{i}", f"s{i % 2}", capture(rng)) for i in range(3)]
    records += [Record(f"i{i}", f"s{i}", capture(rng, (1 + i % 2, 5))) for i in range(4)]
    gallery = gallery_of(records)
    info = gallery.describe()
    assert (info.name, info.model_version, info.dimension) == ("criminal", "test-1", D)
    assert (info.records, info.subjects, info.complete, info.incomplete) == (7, 4, 3, 4)
    assert info.records_by_fingers == (0, 4, 0, 0, 0, 0, 0, 0, 0, 3)
    assert (info.segments, info.dead) == ({"growing": 2, "sealed": 0, "mapped": 0}, 0)
    assert info.memory_bytes >= 4 * D * (3 * 10 + 4 * 2)
    gallery.apply(drop=[record.encounter_id for record in records])
    after = gallery.describe()
    assert (after.records, after.subjects, after.records_by_fingers, after.dead) == (0, 0, (0,) * 10, 7)


def test_timing_covers_both_phases():
    gallery = gallery_of([Record("e1", "s1", capture(np.random.default_rng(0)))])
    timing = gallery.search(capture(np.random.default_rng(0))[np.newaxis], 1).timing
    assert timing.nominate_seconds > 0
    assert timing.rescore_seconds > 0


def test_the_gallery_keeps_its_own_copy_of_a_vector():
    vector = capture(np.random.default_rng(12))
    probe = vector.copy()
    gallery = gallery_of([Record("e1", "s1", vector)])
    vector[:] = math.nan
    (candidate,) = gallery.search(probe[np.newaxis], 1).results[0].candidates
    assert isinstance(candidate, Candidate)
    assert candidate.score == pytest.approx(1)
