"""Levels of offences: by code, by class, and never the third for want of knowledge."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenprint.workflow.ebts.levels import level_of, most_serious, offence_levels
from tenprint.workflow.types import Level


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["0999"], ("0999", Level.ONE)),
        (["1201"], ("1201", Level.ONE)),
        (["2202"], ("2202", Level.TWO)),
        (["5499"], ("5499", Level.THREE)),
        (["5401"], ("5401", Level.ONE)),  # hit and run, within traffic
        (["5499", "2202", "2203"], ("2202", Level.TWO)),
        (["5499", "1201"], ("1201", Level.ONE)),
        ([], ("", Level.UNKNOWN)),
        ([None], ("", Level.UNKNOWN)),
        (["9801"], ("", Level.UNKNOWN)),
        (["0399"], ("", Level.UNKNOWN)),
        (["5499", None], ("", Level.UNKNOWN)),  # the charge in words may be murder
        (["2202", "9801"], ("", Level.UNKNOWN)),
        (["1201", None], ("1201", Level.ONE)),
    ],
)
def test_the_most_serious_charge(codes, expected):
    assert most_serious(codes) == expected


@given(st.lists(st.none() | st.from_regex(r"[0-9]{4}", fullmatch=True), max_size=5))
def test_a_level_is_that_of_a_charge_and_none_is_more_serious(codes):
    offence, level = most_serious(codes)
    levels = [level_of(code) for code in codes]
    assert (offence == "") is (level is Level.UNKNOWN)
    assert level in {Level.UNKNOWN, *levels}
    if level is Level.THREE:
        assert set(levels) == {Level.THREE}
    assert offence == "" or level_of(offence) is level


def test_every_row_of_the_table_is_a_code_or_a_class():
    assert all(re.fullmatch(r"[0-9]{2}|[0-9]{4}", code) for code in offence_levels())
    assert {level_of(code) for code in ("0901", "2201", "5402", "9999")} == set(Level)
