"""Error rates against counting by hand, and what must hold of every one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenprint.client.evaluation.measures import Trials, bootstrap, cumulative_match, found_by, penetration

scores = st.lists(st.one_of(st.sampled_from([-np.inf, 0.0, 0.5, 1.0]), st.floats(-1, 1)), min_size=1, max_size=30)


def curve(mated, non_mated, *weights):
    return Trials(np.array(mated, float), np.array(non_mated, float)).curve(*(np.array(one, float) for one in weights))


@given(scores, scores)
def test_the_rates_are_what_counting_gives_at_every_threshold(mated, non_mated):
    found = curve(mated, non_mated)
    assert found.threshold[-1] == np.inf
    assert sorted({*mated, *non_mated} - {-np.inf}) == found.threshold[:-1].tolist()
    for threshold, false_match, false_non_match in zip(
        found.threshold, found.false_match, found.false_non_match, strict=True
    ):
        assert false_match == pytest.approx(sum(one >= threshold for one in non_mated) / len(non_mated))
        assert false_non_match == pytest.approx(sum(one < threshold for one in mated) / len(mated))


@given(scores, scores, st.data())
def test_a_weight_counts_as_so_many_trials(mated, non_mated, data):
    times = [data.draw(st.lists(st.integers(1, 3), min_size=len(one), max_size=len(one))) for one in (mated, non_mated)]
    weighed = curve(mated, non_mated, *times)
    repeated = curve(np.repeat(mated, times[0]), np.repeat(non_mated, times[1]))
    assert weighed.false_match == pytest.approx(repeated.false_match)
    assert weighed.false_non_match == pytest.approx(repeated.false_non_match)
    assert weighed.equal_error == pytest.approx(repeated.equal_error)


@given(scores, scores)
def test_no_rate_leaves_its_bounds_and_a_stricter_one_is_never_lower(mated, non_mated):
    found = curve(mated, non_mated)
    assert 0 <= found.equal_error <= 1
    assert 0 <= found.false_non_match_at(0.1) <= found.false_non_match_at(0.01) <= 1


def test_equal_error_of_known_cases():
    assert curve([0.9, 0.8], [0.1, 0.2]).equal_error == 0
    assert curve([0.1, 0.2], [0.9, 0.8]).equal_error == 1
    assert curve([0.5] * 4, [0.5] * 4).equal_error == 0.5
    assert curve([0.9, 0.8, 0.7, 0.2], [0.1, 0.15, 0.3, 0.05]).equal_error == 0.25
    # Two normal distributions, their means 2 apart: the normal distribution's tail beyond 1.
    draw = np.random.default_rng(1)
    assert curve(draw.normal(2, 1, 50_000), draw.normal(0, 1, 50_000)).equal_error == pytest.approx(0.1587, abs=0.003)


def test_a_print_that_was_not_extracted_never_matches():
    found = curve([0.9, -np.inf], [0.1, -np.inf])
    assert found.false_non_match.min() == 0.5
    assert found.false_non_match_at(0.5) == 0.5
    assert found.false_match.max() == 0.5


def test_no_trials_and_no_numbers_are_refused():
    with pytest.raises(ValueError, match="0 mated and 1 non-mated"):
        curve([], [0.1])
    with pytest.raises(ValueError, match="NaN"):
        curve([np.nan], [0.1])


def test_ranks_and_penetration_of_known_cases():
    ranks = np.array([1, 1, 2, 50, np.inf])
    assert (found_by(ranks, 1), found_by(ranks, 10)) == (0.4, 0.6)
    assert cumulative_match(ranks, 3).tolist() == [0.4, 0.6, 0.6]
    assert penetration(ranks, 100, 0.4) == 0.02
    assert penetration(ranks, 100, 0.2) == 0.5
    assert penetration(ranks, 100, 0.1) == np.inf
    assert penetration(ranks, 100, 0.2, np.array([1, 1, 1, 0, 0])) == 0.02


@given(st.lists(st.integers(1, 20), min_size=1, max_size=30), st.sampled_from([0.001, 0.01, 0.05, 0.5]))
def test_penetration_is_the_least_depth_that_is_enough(ranks, missed):
    depth = round(penetration(np.array(ranks, float), 20, missed) * 20)
    assert found_by(np.array(ranks, float), depth) >= 1 - missed - 1e-9
    assert found_by(np.array(ranks, float), depth - 1) < 1 - missed


def test_the_interval_of_a_share_is_the_binomial_one_and_the_same_again():
    hits = np.repeat([1.0, 0.0], [160, 40])

    def measure(drawn):
        return {"share": float(np.average(hits, weights=drawn))}

    found = bootstrap(measure, 200, seed=3)
    low, high = found["share"]
    assert low == pytest.approx(0.8 - 1.96 * np.sqrt(0.8 * 0.2 / 200), abs=0.01)
    assert high == pytest.approx(0.8 + 1.96 * np.sqrt(0.8 * 0.2 / 200), abs=0.01)
    assert bootstrap(measure, 200, seed=3) == found
