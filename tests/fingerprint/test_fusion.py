"""The fused score and its thresholds."""

import json

import pytest

from tenprint.fingerprint.errors import ModelError
from tenprint.fingerprint.fusion import FusedThresholds, fused_score


def test_the_match_decides_and_the_vector_tips():
    assert fused_score(0.5, 0.0) == 0.5
    assert fused_score(0.5, 1.0) == pytest.approx(0.6)
    assert fused_score(0.31, -1.0) > fused_score(0.1, 1.0)


def test_more_fingers_need_less():
    thresholds = FusedThresholds()
    found = [thresholds.of(fingers) for fingers in range(1, 11)]
    assert found == sorted(found, reverse=True)
    assert 0 < found[-1] < found[0] < 1.1
    for wrong in (0, 11):
        with pytest.raises(ValueError, match="1 to 10"):
            thresholds.of(wrong)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        json.dumps({"candidate_thresholds": [0.1] * 9, "mean": 0.0}),
        json.dumps({"candidate_thresholds": [0.1] * 10}),
        json.dumps({"candidate_thresholds": [0.1] * 10, "mean": 0.1}),
    ],
)
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "reranking.json").write_text(content)
    with pytest.raises(ModelError, match=r"reranking\.json"):
        FusedThresholds(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"reranking\.json"):
        FusedThresholds(tmp_path)
