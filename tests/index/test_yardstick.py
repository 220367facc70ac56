"""Scores of different numbers of fingers are compared by what strangers score with as many."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenprint.index import Gallery, Record, Yardstick
from tests.index.test_gallery import capture

D = 64
SPREAD = [0.3, 0.25, 0.22, 0.2, 0.19, 0.18, 0.175, 0.17, 0.165, 0.16]


@pytest.mark.parametrize("scan_from", [None, 16])
def test_strangers_with_two_fingers_do_not_take_the_place_of_a_poor_captures_mate(scan_from):
    rng = np.random.default_rng(12)
    records = [Record(f"t{i:04}", f"t{i:04}", capture(rng, (2, 7), D)) for i in range(3000)]
    records += [Record(f"s{i:03}", f"s{i:03}", capture(rng, d=D)) for i in range(300)]
    mate = records[-1].vector.reshape(10, D)
    other = rng.standard_normal((10, D))
    other -= (other * mate).sum(axis=1, keepdims=True) * mate
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    probe = (0.2 * mate + np.sqrt(0.96) * other).astype(np.float32).reshape(1, -1)
    gallery = Gallery("g", dimension=D, model_version="m", scan_from=scan_from)
    gallery.apply(records)
    (result,) = gallery.search(probe, 20).results
    assert result.candidates[0].subject_id == "s299"
    assert result.candidates[0].score == pytest.approx(0.2, abs=1e-6)
    pairs = (
        probe.reshape(10, D)[[1, 6]].reshape(-1)
        @ np.stack([record.vector.reshape(10, D)[[1, 6]].reshape(-1) for record in records[:3000]]).T
    )
    assert np.count_nonzero(pairs / 2 > 0.2) > 20, "by score alone it would not be in the list"


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=20), st.integers(1, 10), st.floats(-0.2, 0.3))
def test_many_stand_to_the_last_bit_as_each_does(scores, fingers, strangers):
    yardstick = Yardstick(strangers, SPREAD)
    alone = [yardstick.standing(score, fingers) for score in scores]
    assert yardstick.standings(np.array(scores), fingers).tolist() == alone
    assert yardstick.standings(np.array(scores), np.full(len(scores), fingers)).tolist() == alone
    assert [alone[i] for i in np.argsort(scores)] == sorted(alone), "of as many fingers, the order of scores"


def test_a_score_changes_a_standing_no_more_than_it_says():
    yardstick = Yardstick(0.1, SPREAD)
    for fingers in range(1, 11):
        step = yardstick.standing(0.5, fingers) - yardstick.standing(0.4, fingers)
        assert step <= 0.1 * yardstick.steepest * (1 + 1e-9)


@pytest.mark.parametrize("spread", [SPREAD[:9], [*SPREAD[:9], 0.0], [*SPREAD[:9], float("nan")]])
def test_a_spread_that_is_none_is_refused(spread):
    with pytest.raises(ValueError, match="10 numbers above 0"):
        Yardstick(0.1, spread)
