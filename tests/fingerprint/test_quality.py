"""Which prints are poor, and how much of a finger minutiae span."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenprint.fingerprint.minutiae import Minutiae
from tenprint.fingerprint.quality import PoorReason, area_mm2, poor_reasons

MM = 500 / 25.4


def at(places):
    x, y = np.array(places, np.float32).reshape(-1, 2).T
    zeros = np.zeros(len(x), np.float32)
    return Minutiae(x, y, zeros, zeros.astype(np.uint8), zeros, 500, 500)


def test_the_area_of_a_square_whatever_lies_within():
    square = [(0, 0), (10 * MM, 0), (10 * MM, 10 * MM), (0, 10 * MM)]
    assert area_mm2(at(square)) == pytest.approx(100, rel=1e-5)
    assert area_mm2(at([*square, (50, 60), (70, 20)])) == pytest.approx(100, rel=1e-5)


@pytest.mark.parametrize("places", [[], [(5, 5)], [(0, 0), (9, 9)], [(3, 3)] * 5, [(i, 2 * i) for i in range(9)]])
def test_points_and_lines_span_nothing(places):
    assert area_mm2(at(places)) == 0


coordinates = st.integers(0, 2000)


@given(st.lists(st.tuples(coordinates, coordinates), max_size=40), coordinates)
def test_the_area_does_not_move_with_the_finger_and_grows_with_it(places, shift):
    area = area_mm2(at(places))
    assert area_mm2(at([(x + shift, y) for x, y in places])) == pytest.approx(area, rel=1e-6, abs=1e-9)
    assert area_mm2(at([*places, (shift, shift)])) >= area - 1e-9


def test_each_reason_is_told_and_nothing_else():
    assert poor_reasons(20, 60.0, 20) == poor_reasons(20, 60.0, None) == ()
    assert poor_reasons(19, 60.0, None) == (PoorReason.FEW_MINUTIAE,)
    assert poor_reasons(20, 59.9, None) == (PoorReason.SMALL_AREA,)
    assert poor_reasons(90, 200.0, 0) == (PoorReason.LOW_NFIQ2,)
    assert poor_reasons(0, 0.0, 19) == tuple(PoorReason)
