"""What several examiners' opinions come to."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenprint.workflow.opinions import MOST, Opinion, Verdict, verdict
from tenprint.workflow.types import CaseKind, Decision

X, Y = Verdict(Decision.IDENTIFICATION, "X"), Verdict(Decision.IDENTIFICATION, "Y")
NO, UNSURE = Verdict(Decision.EXCLUSION), Verdict(Decision.INCONCLUSIVE)
HIT, DISPUTE = CaseKind.HIT, CaseKind.DISPUTE


def said(*verdicts):
    now = datetime.now(UTC)
    return [Opinion(f"examiner {number}", "ZZUNIT000", item, "why", now) for number, item in enumerate(verdicts)]


@pytest.mark.parametrize(
    ("verdicts", "kind", "second", "expected"),
    [
        ([], HIT, True, None),
        ([X], HIT, True, None),
        ([X], HIT, False, X),
        ([NO], HIT, True, NO),
        ([UNSURE], HIT, True, UNSURE),
        ([NO], DISPUTE, True, None),
        ([NO], DISPUTE, False, NO),
        ([X, X], HIT, True, X),
        ([X, Y], HIT, True, None),
        ([X, NO], HIT, True, None),
        ([X, NO, NO], HIT, True, NO),
        ([X, NO, X], HIT, True, X),
        ([X, Y, NO], HIT, True, UNSURE),
        ([X, NO, UNSURE], HIT, True, UNSURE),
        ([NO, NO], DISPUTE, True, NO),
    ],
)
def test_table(verdicts, kind, second, expected):
    assert verdict(said(*verdicts), kind, second_examiner=second) == expected


@given(
    st.lists(st.sampled_from([X, Y, NO, UNSURE]), min_size=1, max_size=MOST),
    st.sampled_from(CaseKind),
)
def test_nobody_is_identified_by_one_and_three_always_decide(verdicts, kind):
    found = verdict(said(*verdicts), kind, second_examiner=True)
    if found is not None and found.decision is Decision.IDENTIFICATION:
        assert verdicts.count(found) >= 2
    if len(verdicts) == MOST:
        assert found is not None
