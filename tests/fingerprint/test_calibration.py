"""What a score means: rates fall with the score and rise with the gallery, and nothing is claimed beyond the fit."""

import functools
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenprint.fingerprint.calibration import Calibration, Kind
from tenprint.fingerprint.embedding import Embedder
from tenprint.fingerprint.errors import CalibrationError
from tenprint.fingerprint.tail_fit import fit_tail

SEARCHES = 20_000
SIZES = (1, 10, 100, 1000)


def best_of(size, rng, wolves=0.0):
    """The best of `size` exponential scores, drawn at once; of a wolf they are twice as high."""
    # P(max <= x) = (1 - e^-x)^size, inverted.
    drawn = rng.uniform(size=(SEARCHES, 1)) ** (1 / size)
    return -np.log1p(-drawn) * np.where(rng.uniform(size=(SEARCHES, 1)) < wolves, 2, 1)


@functools.cache
def fitted():
    rng = np.random.default_rng(4)
    plain = fit_tail({size: best_of(size, rng) for size in SIZES})
    wolves = fit_tail({size: best_of(size, rng, wolves=0.1) for size in SIZES})
    return Calibration("test-1", "7", "numbers", {Kind.VECTOR: {1: plain, 4: wolves}})


@given(st.floats(-5, 60), st.floats(0, 10), st.integers(1, 10_000), st.sampled_from([1, 3, 4, 10]))
@settings(deadline=None)
def test_a_higher_score_is_never_expected_more_often(score, step, size, fingers):
    low, high = (fitted().expected_fpir(Kind.VECTOR, one, fingers, size) for one in (score, score + step))
    if low is not None and high is not None:
        assert high <= low
    if low is None and fitted().fpir_bound(Kind.VECTOR, score, fingers, size) is not None:
        assert high is None, "once beyond the range, always beyond it"


@given(st.floats(0, 60), st.integers(1, 10_000), st.floats(1, 100), st.sampled_from([1, 4]))
@settings(deadline=None)
def test_a_larger_gallery_is_never_expected_to_find_less(score, size, times, fingers):
    larger = min(int(size * times), 10_000)
    small, large = (fitted().expected_fpir(Kind.VECTOR, score, fingers, one) for one in (size, larger))
    if small is not None and large is not None:
        assert large >= small * (1 - 0.1), "each size has its own fit, within a tenth of noise"


@given(st.floats(1e-6, 0.999), st.integers(1, 10_000), st.sampled_from([1, 2, 4]))
@settings(deadline=None)
def test_the_score_of_a_target_is_expected_so_often(fpir, size, fingers):
    score = fitted().score_for(Kind.VECTOR, fpir, fingers, size)
    reach = fitted().reach(Kind.VECTOR, fingers, size)
    assert (score is not None) == (reach.least <= fpir <= reach.greatest)
    if score is not None:
        assert reach.lowest <= score <= reach.highest
        again = fitted().expected_fpir(Kind.VECTOR, score, fingers, size)
        assert again == pytest.approx(fpir, rel=1e-6) or fpir == pytest.approx(reach.least, rel=1e-6)


@pytest.mark.parametrize("size", [1, 30, 1000, 5000])
@pytest.mark.parametrize("fpir", [0.1, 0.01, 0.003])
def test_what_is_promised_comes_true(fpir, size):
    rng = np.random.default_rng(5)
    score = fitted().score_for(Kind.VECTOR, fpir, 1, size)
    true = -math.expm1(size * math.log1p(-math.exp(-score)))
    assert true == pytest.approx(fpir, rel=0.35)
    wolves = fitted().score_for(Kind.VECTOR, fpir, 4, size)
    observed = (np.concatenate([best_of(size, rng, 0.1) for _ in range(10)]) > wolves).mean()
    most = 1.35 if size <= SIZES[-1] else 6  # beyond what was measured it grows with the size, the most it can
    assert fpir / 1.35 <= observed * most / 1.35
    assert observed <= 1.35 * fpir


def test_nothing_is_claimed_beyond_the_fit():
    calibration = fitted()
    reach = calibration.reach(Kind.VECTOR, 1, 100)
    assert reach.least == 3 / SEARCHES
    of = functools.partial(calibration.expected_fpir, Kind.VECTOR, fingers=1, gallery_size=100)
    assert of(reach.highest - 1e-6) == pytest.approx(reach.least, rel=1e-3)
    assert of(reach.highest + 1e-6) is None
    assert of(reach.lowest - 9) == of(reach.lowest) == reach.greatest == pytest.approx(0.99)
    assert of(math.nan) is None
    bound = functools.partial(calibration.fpir_bound, Kind.VECTOR, fingers=1, gallery_size=100)
    assert (bound(reach.highest + 1), bound(reach.highest - 1), bound(reach.lowest - 1)) == (reach.least, None, None)
    assert calibration.expected_fpir(Kind.VECTOR, 15.0, 1, 10_000) is not None
    for nothing in ((Kind.VECTOR, 5.0, 1, 10_001), (Kind.FUSED, 5.0, 1, 100)):
        assert calibration.expected_fpir(*nothing) is None
        assert calibration.fpir_bound(*nothing) is None
        assert calibration.score_for(nothing[0], 0.01, *nothing[2:]) is None
        assert calibration.reach(nothing[0], *nothing[2:]) is None


@pytest.mark.parametrize(("fingers", "size"), [(0, 1), (11, 1), (1, 0)])
def test_numbers_that_cannot_be_are_refused(fingers, size):
    with pytest.raises(ValueError, match="1 to 10"):
        fitted().expected_fpir(Kind.VECTOR, 1.0, fingers, size)


def test_too_few_searches_are_no_fit():
    with pytest.raises(ValueError, match="at least 500"):
        fit_tail({1: np.random.default_rng(1).normal(size=(499, 1))})
    with pytest.raises(ValueError, match="equal"):
        fit_tail({1: np.zeros((1000, 1))})


def test_it_is_written_and_read_again(tmp_path):
    fitted().write(tmp_path / "calibration.json")
    assert Calibration.read(tmp_path / "calibration.json") == fitted()


def changed(**fields):
    return {"version": "1", "model_version": "7", "source": "", "tails": {}} | fields


def tail(**fields):
    block = {"size": 1, "knots": [[0.1, 0.9], [0.2, 0.1]], "shape": 0.1, "scale": 0.1} | fields
    return changed(tails={"vector": {"1": {"searches": 1000, "blocks": [block]}}})


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        json.dumps(changed(tails={"other": {}})),
        json.dumps(changed(tails=[])),
        json.dumps(tail(knots=[])),
        json.dumps(tail(knots=[[0.2, 0.9], [0.1, 0.1]])),
        json.dumps(tail(knots=[[0.1, 0.1], [0.2, 0.9]])),
        json.dumps(tail(knots=[[0.1, 1.0]])),
        json.dumps(tail(knots=[[math.nan, 0.5]])),
        json.dumps(tail(size=2)),
        json.dumps(tail(scale=0)),
        json.dumps(tail(shape=math.inf)),
    ],
)
def test_a_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "mine.json"
    path.write_text(content)
    with pytest.raises(CalibrationError, match=r"mine\.json is not a calibration"):
        Calibration.read(path)


def test_the_one_of_another_model_is_refused(tmp_path):
    fitted().write(tmp_path / "calibration.json")
    assert Calibration.of_model(None, tmp_path, "7") == fitted()
    assert Calibration.of_model(None, tmp_path / "elsewhere", "7") is None
    with pytest.raises(CalibrationError, match="is of model '7'; scores of model '8'"):
        Calibration.of_model(tmp_path / "calibration.json", None, "8")
    with pytest.raises(CalibrationError, match="cannot be read"):
        Calibration.of_model(tmp_path / "absent.json", None, "7")


@pytest.mark.parametrize("fingers", range(1, 11))
def test_the_shipped_one_is_of_the_shipped_model_and_says_what_it_is_of(fingers):
    shipped = Calibration.of_model(None, None, Embedder().version)
    assert "simulated" in shipped.version
    assert "simulated" in shipped.source
    for kind in Kind:
        scores = [shipped.score_for(kind, 0.01, fingers, size) for size in (1, 100, 10_000)]
        assert None not in scores
        assert scores == sorted(scores)
