"""Synthetic vectors: the same by number, unit, and spread as the model's card says."""

import json
from importlib.resources import files

import numpy as np
import pytest

from tenprint.fingerprint.synthetic.vectors import INCOMPLETE_SHARES, SyntheticVectors

COUNT = 1500


@pytest.fixture(scope="module")
def drawn():
    population = SyntheticVectors.of_model(7)
    enrolled = np.stack([population.subject(number) for number in range(COUNT)]).reshape(COUNT, 10, -1)
    mates = np.stack([population.mate(number, 0) for number in range(COUNT)]).reshape(COUNT, 10, -1)
    return enrolled, mates


def test_a_subject_is_the_same_whenever_and_by_whomever_it_is_asked_for(drawn):
    enrolled, mates = drawn
    again = SyntheticVectors.of_model(7)
    assert np.array_equal(again.mate(40, 0), mates[40].reshape(-1))
    assert np.array_equal(again.subject(41), enrolled[41].reshape(-1))
    assert not np.array_equal(again.mate(40, 1), mates[40].reshape(-1))
    assert not np.array_equal(SyntheticVectors.of_model(8).subject(41), enrolled[41].reshape(-1))


def test_many_at_once_are_each_what_one_is(drawn):
    enrolled, mates = drawn
    population = SyntheticVectors.of_model(7)
    numbers = [900, 3, 41, 3]
    assert np.array_equal(population.subjects(numbers), enrolled[numbers].reshape(4, -1))
    assert np.array_equal(population.mates(numbers, 0), mates[numbers].reshape(4, -1))


def test_poor_captures_are_of_the_same_subjects_and_score_lower(drawn):
    enrolled, mates = drawn
    poor = SyntheticVectors.of_model(7, lowered=0.2)
    numbers = range(200)
    assert np.array_equal(poor.subjects(numbers), enrolled[:200].reshape(200, -1))
    whole = enrolled[:200].any(axis=2)
    scores = [np.einsum("nfd,nfd->nf", enrolled[:200], seen)[whole] for seen in
              (mates[:200], poor.mates(numbers, 0).reshape(mates[:200].shape))]  # fmt: skip
    assert np.allclose(scores[0] - scores[1], 0.2, atol=1e-4)


def test_fingers_are_of_unit_norm_or_absent_on_both_sides(drawn):
    enrolled, mates = drawn
    norms = np.linalg.norm(enrolled, axis=2)
    assert np.all((np.abs(norms - 1) < 1e-5) | (norms == 0))
    assert np.array_equal(enrolled.any(axis=2), mates.any(axis=2))
    incomplete = 1 - enrolled.any(axis=2).all(axis=1).mean()
    assert incomplete == pytest.approx(sum(INCOMPLETE_SHARES.values()), abs=0.02)


def test_scores_are_spread_as_the_model_s_card_says(drawn):
    enrolled, mates = drawn
    card = json.loads((files("tenprint.fingerprint") / "models" / "finger.json").read_text())
    single = card["scores"]["fingers"]["1"]
    mated = np.einsum("nfd,nfd->nf", enrolled, mates)[enrolled.any(axis=2)]
    assert mated.mean() == pytest.approx(single["mated"]["mean"], abs=0.01)
    assert mated.std() == pytest.approx(single["mated"]["standard_deviation"], abs=0.01)
    others = (enrolled[:, 0] @ mates[:, 0].T)[~np.eye(COUNT, dtype=bool)]
    others = others[others != 0]
    assert others.mean() == pytest.approx(single["non_mated"]["mean"], abs=0.01)
    assert others.std() == pytest.approx(single["non_mated"]["standard_deviation"], abs=0.01)
    for share, tolerance in (("0.001", 0.05), ("0.05", 0.02), ("0.95", 0.03), ("0.999", 0.05)):
        expected = single["non_mated"]["quantiles"][share]
        assert np.quantile(others, float(share)) == pytest.approx(expected, abs=tolerance)
