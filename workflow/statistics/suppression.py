"""Small counts are hidden, and as many others with them as it takes that nobody can compute a hidden one.

Counts in a table are tied together by sums: rows add up to totals, parts to wholes. So hiding a small count is not
enough (primary suppression); others are hidden beside it until the sums leave it open (secondary, or complementary,
suppression: Willenborg and de Waal, Elements of Statistical Disclosure Control, 2001, chapter 3). What is left open is
checked as an attacker would: by looking for another table that agrees with everything published.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import Enum
from typing import Final, Generic, TypeVar

import numpy as np
import scipy  # which loads its parts when they are used: a server starts without them
from numpy.typing import NDArray

C = TypeVar("C", bound=Hashable)

_LOOKS: Final = 2
"""Directions in which no other table was found before none is held to be there."""

_MOVED: Final = 1 - 1e-6
"""By how much a cell must differ in another table: counts are whole numbers."""


class Mark(Enum):
    """What stands in the place of a count."""

    SMALL = "small"
    """It is at least 1 and below the least count that is shown."""
    HIDDEN = "hidden"
    """Nothing is said of it: it would tell another one."""


@dataclass(frozen=True, slots=True)
class Equation(Generic[C]):
    """The cells of `left` add up to what those of `right` add up to."""

    left: tuple[C, ...]
    right: tuple[C, ...]

    @property
    def signed(self) -> list[tuple[C, int]]:
        """Each cell, and 1 or -1: the sum of all is 0."""
        return [(cell, 1) for cell in self.left] + [(cell, -1) for cell in self.right]


def suppress(
    counts: Mapping[C, int], equations: Sequence[Equation[C]], least: int, unpublished: Set[C] = frozenset()
) -> dict[C, Mark]:
    """Choose what to hide.

    Args:
        counts: every cell, those that are not published but tied to others among them.
        equations: every sum that ties them. All must hold.
        least: counts from 1 to below this are hidden.
        unpublished: cells that no report shows. They are looked after like the others, and are in no result.

    Returns:
        What stands in the place of the cells that are not shown. Zeros are shown: there is nobody in them.

        No hidden cell follows from the cells that are shown, and no sum of hidden cells that does is itself small.
    """
    marks = {cell: Mark.SMALL for cell, count in counts.items() if 0 < count < least}
    if least == 2:  # "from 1 to below 2" would say that it is 1
        marks = dict.fromkeys(marks, Mark.HIDDEN)
    search = _Search(counts, equations, least, frozenset(unpublished), marks)
    search.run()
    return {cell: mark for cell, mark in marks.items() if cell not in unpublished}


class _Search(Generic[C]):
    """Hides more cells, the smallest that do, until the sums leave all hidden ones open."""

    def __init__(
        self,
        counts: Mapping[C, int],
        equations: Sequence[Equation[C]],
        least: int,
        unpublished: frozenset[C],
        marks: dict[C, Mark],
    ) -> None:
        self._counts, self._equations, self._least = counts, equations, least
        self._unpublished, self._marks = unpublished, marks
        self._of: dict[C, list[int]] = defaultdict(list)
        for number, equation in enumerate(equations):
            for cell, _ in equation.signed:
                self._of[cell].append(number)

    def run(self) -> None:
        """Until nothing more has to be hidden."""
        waiting = list(range(len(self._equations)))
        while True:
            while waiting:
                waiting += self._settle(waiting.pop())
            given_away = self._given_away()
            if not given_away:
                return
            for cell in given_away:
                waiting += self._hide_near(cell)

    def _is_open(self, cell: C) -> bool:
        return cell in self._marks or cell in self._unpublished

    def _settle(self, number: int) -> list[int]:
        """Look at one sum. Where what it leaves open is one cell, or small altogether, hide one more."""
        signed = self._equations[number].signed
        open_cells = [(cell, sign) for cell, sign in signed if self._is_open(cell)]
        if not any(cell in self._marks for cell, _ in open_cells):
            return []
        alone = len(open_cells) == 1
        one_sided = len({sign for _, sign in open_cells}) == 1
        together = sum(self._counts[cell] for cell, _ in open_cells)
        if alone or (one_sided and together < self._least):
            return self._hide_one_of(number)
        return []

    def _hide_one_of(self, number: int) -> list[int]:
        """Hide the smallest count of a sum that is shown and not 0; the sums to be looked at for it."""
        shown = [cell for cell, _ in self._equations[number].signed if not self._is_open(cell) and self._counts[cell]]
        if not shown:
            return []
        chosen = min(shown, key=lambda cell: (self._counts[cell], str(cell)))
        self._marks[chosen] = Mark.HIDDEN
        return list(self._of[chosen])

    def _hide_near(self, cell: C) -> list[int]:
        """Hide a count in a sum with a cell that is given away, or in the nearest sum that still shows one.

        Where none is near, it is the cell's own mark that says too much.
        """
        seen, ring = {cell}, [cell]
        while ring:
            for number in [number for item in ring for number in self._of[item]]:
                if touched := self._hide_one_of(number):
                    return touched
            near = {other for item in ring for number in self._of[item] for other, _ in self._equations[number].signed}
            ring = sorted((other for other in near - seen if self._is_open(other)), key=str)
            seen.update(ring)
        self._marks[cell] = Mark.HIDDEN
        return list(self._of[cell])

    def _given_away(self) -> list[C]:
        """The hidden cells that no other table agreeing with everything published has otherwise.

        A table that differs in a cell proves the cell open. One is looked for that lies as far away as can be in a
        random direction among the cells not proved yet, and in the opposite one. If any of them can move, one of the
        two moves, but for a chance of nil; so where none does, again and again, they are given away.
        """
        marked = [cell for cell in self._counts if cell in self._marks]
        if not marked:
            return []
        programme = _Programme(self._counts, self._equations, self._marks, self._unpublished, self._least)
        generator = np.random.default_rng(0)
        unproved, looks = set(marked), 0
        while unproved and looks < _LOOKS:
            direction = programme.direction(unproved, generator)
            moved = unproved & (programme.moved(direction) | programme.moved(-direction))
            unproved -= moved
            looks = 0 if moved else looks + 1
        return [cell for cell in marked if cell in unproved]


class _Programme(Generic[C]):
    """All tables that agree with what is published, as the constraints of a linear programme over the open cells."""

    def __init__(
        self,
        counts: Mapping[C, int],
        equations: Sequence[Equation[C]],
        marks: Mapping[C, Mark],
        unpublished: Set[C],
        least: int,
    ) -> None:
        self._cells = [cell for cell in counts if cell in marks or cell in unpublished]
        self._column = {cell: number for number, cell in enumerate(self._cells)}
        self._true = np.array([counts[cell] for cell in self._cells], np.float64)
        most = float(2 * max(counts.values()) + least)  # a bound, so that every programme has an answer
        self._bounds = [
            (1.0, least - 1.0) if marks.get(cell) is Mark.SMALL and cell not in unpublished
            else (1.0 if cell in marks and cell not in unpublished else 0.0, most)
            for cell in self._cells
        ]  # fmt: skip
        rows: list[int] = []
        columns: list[int] = []
        signs: list[float] = []
        known: list[float] = []
        for equation in equations:
            open_cells = [(cell, sign) for cell, sign in equation.signed if cell in self._column]
            if open_cells:
                rows += [len(known)] * len(open_cells)
                columns += [self._column[cell] for cell, _ in open_cells]
                signs += [float(sign) for _, sign in open_cells]
                known.append(float(sum(sign * counts[cell] for cell, sign in open_cells)))
        self._sums = scipy.sparse.coo_array((signs, (rows, columns)), shape=(len(known), len(self._cells))).tocsr()
        self._known = np.array(known)

    @property
    def width(self) -> int:
        """How many cells are open."""
        return len(self._cells)

    def direction(self, cells: Set[C], generator: np.random.Generator) -> NDArray[np.float64]:
        """A random direction in which some cells grow and shrink, and no others matter."""
        wanted = np.zeros(self.width)
        columns = sorted(self._column[cell] for cell in cells)
        wanted[columns] = generator.standard_normal(len(columns))
        return wanted

    def moved(self, direction: NDArray[np.float64]) -> set[C]:
        """The cells that are otherwise in the table that lies farthest in a direction."""
        sums = {"A_eq": self._sums, "b_eq": self._known} if len(self._known) else {}
        found = scipy.optimize.linprog(-direction, **sums, bounds=self._bounds, method="highs")
        if found.status != 0:  # the true table is one of them, so there is always an answer
            raise ArithmeticError(f"the sums of the report do not agree: {found.message}")
        return {self._cells[number] for number in np.flatnonzero(np.abs(found.x - self._true) >= _MOVED)}
