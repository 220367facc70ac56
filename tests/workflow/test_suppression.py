"""No hidden count can be computed from what is shown: checked by an attacker of our own, in whole fractions."""

from fractions import Fraction

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from tenprint.workflow.statistics.suppression import Equation, Mark, suppress

TOTAL = "total"


@st.composite
def tables(draw):
    """Counts in rows and columns with their totals; some have rows in two groups with subtotals, too."""
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    count = st.one_of(st.just(0), st.integers(0, 12), st.integers(0, 200))
    cells = {(r, c): draw(count) for r in range(rows) for c in range(columns)}
    grouped = draw(st.booleans())
    return cells, rows, columns, grouped


def tied(cells, rows, columns, *, grouped):
    """The counts with all sums, and the equations."""
    counts, equations = dict(cells), []
    for r in range(rows):
        counts[r, TOTAL] = sum(cells[r, c] for c in range(columns))
        equations.append(Equation(((r, TOTAL),), tuple((r, c) for c in range(columns))))
    groups = {"odd": range(1, rows, 2), "even": range(0, rows, 2)} if grouped else {}
    for c in [*range(columns), TOTAL]:
        counts[TOTAL, c] = sum(counts[r, c] for r in range(rows))
        equations.append(Equation(((TOTAL, c),), tuple((r, c) for r in range(rows))))
        for name, members in groups.items():
            if members:
                counts[name, c] = sum(counts[r, c] for r in members)
                equations.append(Equation(((name, c),), tuple((r, c) for r in members)))
    equations.append(Equation(((TOTAL, TOTAL),), tuple((TOTAL, c) for c in range(columns))))
    return counts, equations


def follows(equations, hidden):
    """The hidden cells that follow from the shown ones by adding and subtracting sums: Gauss and Jordan, exactly."""
    order = sorted(hidden, key=str)
    rows = []
    for equation in equations:
        row = [Fraction(0)] * len(order)
        for cell, sign in equation.signed:
            if cell in hidden:
                row[order.index(cell)] += sign
        rows.append(row)
    lead = 0
    for column in range(len(order)):
        pivot = next((r for r in range(lead, len(rows)) if rows[r][column]), None)
        if pivot is None:
            continue
        rows[lead], rows[pivot] = rows[pivot], rows[lead]
        rows[lead] = [value / rows[lead][column] for value in rows[lead]]
        for r in range(len(rows)):
            if r != lead and rows[r][column]:
                rows[r] = [a - rows[r][column] * b for a, b in zip(rows[r], rows[lead], strict=True)]
        lead += 1
    return {order[row.index(1)] for row in rows if sum(value != 0 for value in row) == 1}


def only_possible(counts, equations, marks, least):
    """The small cells that whole numbers leave one value for: bounds, labels and sums together."""
    order = list(marks)
    lower = np.ones(len(order))
    upper = np.array([least - 1 if marks[cell] is Mark.SMALL else 10_000 for cell in order], float)
    sums = np.zeros((len(equations), len(order)))
    for number, equation in enumerate(equations):
        for cell, sign in equation.signed:
            if cell in marks:
                sums[number, order.index(cell)] += sign
    known = sums @ np.array([counts[cell] for cell in order], float)
    pinned = set()
    for number, cell in enumerate(order):
        ends = []
        for sign in (1, -1):
            goal = np.zeros(len(order))
            goal[number] = sign
            found = milp(goal, constraints=LinearConstraint(sums, known, known), bounds=Bounds(lower, upper),
                         integrality=np.ones(len(order)))  # fmt: skip
            ends.append(round(found.x[number]))
        if 0 < counts[cell] < least and ends[0] == ends[1]:
            pinned.add(cell)
    return pinned


@settings(max_examples=100, deadline=None)
@given(tables(), st.integers(2, 12))
@example(({(0, 0): 1, (0, 1): 100, (1, 0): 1, (1, 1): 100}, 2, 2, False), 2)
@example(({(r, 0): 1 for r in range(5)}, 5, 1, False), 5)  # five ones that add up to five: each at least 1
@example(({(r, 0): 9 for r in range(2)}, 2, 1, False), 10)  # two nines that add up to 18: each at most 9
def test_no_hidden_count_can_be_computed(table, least):
    cells, rows, columns, grouped = table
    counts, equations = tied(cells, rows, columns, grouped=grouped)
    marks = suppress(counts, equations, least)
    small = {cell for cell, count in counts.items() if 0 < count < least}
    assert small <= marks.keys()
    assert all(counts[cell] for cell in marks)  # zeros are shown
    assert all(cell in small for cell, mark in marks.items() if mark is Mark.SMALL)
    assert follows(equations, marks.keys()) == set()
    assert only_possible(counts, equations, marks, least) == set()
    for equation in equations:
        for shown, hidden in ((equation.left, equation.right), (equation.right, equation.left)):
            open_cells = [cell for cell in hidden if cell in marks]
            if open_cells and not any(cell in marks for cell in shown):
                assert sum(counts[cell] for cell in open_cells) >= least


@settings(deadline=None)
@given(tables())
def test_a_least_count_of_one_hides_nothing(table):
    cells, rows, columns, grouped = table
    counts, equations = tied(cells, rows, columns, grouped=grouped)
    assert suppress(counts, equations, 1) == {}


def test_large_counts_stay():
    counts, equations = tied({(r, c): 100 for r in range(5) for c in range(4)}, 5, 4, grouped=True)
    assert suppress(counts, equations, 10) == {}


def test_one_small_count_takes_three_others_with_it():
    cells = {(r, c): 3 if r == c == 0 else 50 for r in range(3) for c in range(3)}
    counts, equations = tied(cells, 3, 3, grouped=False)
    marks = suppress(counts, equations, 10)
    assert [cell for cell, mark in marks.items() if mark is Mark.SMALL] == [(0, 0)]
    assert len(marks) == 4


def test_what_nobody_publishes_is_looked_after_too():
    """97 of 100: the three others are nobody's to know."""
    counts = {"all": 100, "part": 97, "rest": 3}
    marks = suppress(counts, [Equation(("all",), ("part", "rest"))], 10, {"rest"})
    assert marks == {"part": Mark.HIDDEN}


def test_the_label_alone_tells_nothing():
    """Below 2 there is only 1: then not even that is said."""
    marks = suppress({"all": 30, "a": 1, "b": 29}, [Equation(("all",), ("a", "b"))], 2)
    assert marks == {"a": Mark.HIDDEN, "b": Mark.HIDDEN}
