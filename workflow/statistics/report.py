"""A report: rows of counts, each with what it is a part of, in full or with small counts hidden."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from tenprint.workflow.policy import Policy
from tenprint.workflow.statistics.calibration import BandOutcome, Bar, outcomes
from tenprint.workflow.statistics.counts import Counts, Group, Period, count
from tenprint.workflow.statistics.measures import (
    HABITS,
    MEASURES,
    PARTS,
    PUBLIC,
    QUANTILES,
    QUESTIONS,
    SUBMISSIONS,
    TIMES,
    Dimension,
    Measure,
)
from tenprint.workflow.statistics.quantiles import quantile
from tenprint.workflow.statistics.suppression import Equation, Mark, suppress
from tenprint.workflow.types import Gallery

Cell = tuple[Group, str]
"""A count's place: its row, and the measure or the rest of one."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A count as it is shown: a number, or a mark in its place."""

    measure: Measure
    count: int | None
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class Seconds:
    """Quantiles of what was timed; one that is None is not shown, or there is nothing to take it from."""

    measure: Measure
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A value of a dimension, of one gallery; None: of submissions."""

    group: Group
    counts: tuple[Shown, ...]
    seconds: tuple[Seconds, ...]

    def shown(self, measure: str) -> Shown:
        """The count of a measure.

        Raises:
            KeyError: if the row has none.
        """
        for item in self.counts:
            if item.measure.name == measure:
                return item
        raise KeyError(measure)


@dataclass(frozen=True, slots=True)
class Report:
    """A report.

    Attributes:
        period: of the submissions it is about.
        as_of: as things stood.
        least_count: counts from 1 to below this are hidden; None: everything is shown.
        rows: by dimension in the order asked for, then by value, then by gallery.
        bands: what examiners found, by band; not in a public report.
        bars: what the matchers promised, and what examiners found; not in a public report.
    """

    period: Period
    as_of: datetime
    least_count: int | None
    rows: tuple[Row, ...]
    bands: tuple[BandOutcome, ...]
    bars: tuple[Bar, ...]


def full(connection: Connection, period: Period, by: Sequence[Dimension], now: datetime) -> Report:
    """Everything, for oversight."""
    told = count(connection, period)
    bands, bars = outcomes(connection, period)
    return Report(period, now, None, tuple(_rows(told, by, {}, None)), tuple(bands), tuple(bars))


def public(connection: Connection, period: Period, by: Sequence[Dimension], policy: Policy, now: datetime) -> Report:
    """What everybody may see.

    What is hidden is chosen over all public dimensions at once, whichever are asked for: a report by agency and another
    by jurisdiction tell no more together than one alone.
    """
    told = count(connection, period)
    counts, unpublished, equations = _table(told)
    marks = suppress(counts, equations, policy.least_count, unpublished)
    return Report(period, now, policy.least_count, tuple(_rows(told, by, marks, policy.least_count)), (), ())


def months_over(now: datetime) -> datetime:
    """The start of the month, UTC: what is before it are whole months, and at any moment they are over."""
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _rows(told: Counts, by: Collection[Dimension], marks: Mapping[Cell, Mark], least: int | None) -> Iterator[Row]:
    for dimension in by:
        for group in sorted(_groups(told, dimension), key=_place):
            found = told.counts[group]
            counts = []
            for measure in _measures(group):
                mark = marks.get((group, measure.name))
                counts.append(Shown(measure, None if mark else found[measure.name], mark))
            row = Row(group, tuple(counts), ())
            if group.gallery is not None:
                row = Row(group, row.counts, tuple(_seconds(told, row, measure, least) for measure in TIMES.values()))
            yield row


def _seconds(told: Counts, row: Row, measure: Measure, least: int | None) -> Seconds:
    values = sorted(told.seconds[row.group][measure.name])
    shown = []
    for p in QUANTILES:
        value = quantile(values, p)
        if least is not None:
            # As many lie beyond it as a count must have to be shown: it is no single person's time.
            beyond = min(p, 1 - p) * len(values) >= least - 1e-9
            value = value if beyond and row.shown(measure.of).mark is None else None
        shown.append(value)
    return Seconds(measure, tuple(shown))


def _groups(told: Counts, dimension: Dimension) -> Iterator[Group]:
    """The rows of a dimension: the total of every gallery, and else those in which something was counted."""
    if dimension is Dimension.TOTAL:
        yield from (Group(dimension, "", gallery) for gallery in (None, *Gallery))
    else:
        yield from (group for group in told.counts if group.dimension is dimension)


def _place(group: Group) -> tuple[str, int]:
    return group.value, 0 if group.gallery is None else 1 + list(Gallery).index(group.gallery)


def _measures(group: Group) -> tuple[Measure, ...]:
    return SUBMISSIONS if group.gallery is None else QUESTIONS


def _table(told: Counts) -> tuple[dict[Cell, int], set[Cell], list[Equation[Cell]]]:
    """Every public count and every rest that can be computed from them; which those are; and the sums between them."""
    groups = [group for dimension in PUBLIC for group in _groups(told, dimension)]
    counts: dict[Cell, int] = {}
    unpublished: set[Cell] = set()
    equations: list[Equation[Cell]] = []
    for group in groups:
        found = told.counts[group]
        counts |= {(group, measure.name): found[measure.name] for measure in _measures(group)}
        for parts in PARTS:
            if MEASURES[parts.whole] not in _measures(group):
                continue
            within = [(group, name) for name in parts.parts]
            if not parts.complete:
                rest = (group, parts.rest)
                counts[rest] = found[parts.whole] - sum(found[name] for name in parts.parts)
                unpublished.add(rest)
                within.append(rest)
            equations.append(Equation(((group, parts.whole),), tuple(within)))
    equations += _habits(groups, counts)
    equations += _sums(groups, counts)
    return counts, unpublished, equations


def _habits(groups: Sequence[Group], counts: Mapping[Cell, int]) -> Iterator[Equation[Cell]]:
    """Sums that happen to be equal, where they are."""
    for group in groups:
        if group.gallery is None:
            asked = Group(group.dimension, group.value, Gallery.CRIMINAL)
            pairs: list[tuple[tuple[Cell, ...], tuple[Cell, ...]]] = [(((group, "submissions"),), ((asked, "asked"),))]
        else:
            pairs = [
                (tuple((group, name) for name in left), tuple((group, name) for name in right))
                for left, right in HABITS
            ]
        for left, right in pairs:
            if sum(counts.get(cell, 0) for cell in left) == sum(counts.get(cell, 0) for cell in right) > 0:
                yield Equation(left, right)


def _sums(groups: Sequence[Group], counts: Mapping[Cell, int]) -> Iterator[Equation[Cell]]:
    """The rows of a dimension add up to the total, and those of a jurisdiction's agencies to the jurisdiction."""
    for gallery in (None, *Gallery):
        rows = {dimension: [group for group in groups if group == Group(dimension, group.value, gallery)]
                for dimension in PUBLIC}  # fmt: skip
        (total,) = rows.pop(Dimension.TOTAL)
        wholes = [(total, parts) for parts in rows.values()]
        for jurisdiction in rows[Dimension.JURISDICTION]:
            parts = [row for row in rows[Dimension.AGENCY] if row.value.rpartition("/")[0] == jurisdiction.value]
            wholes.append((jurisdiction, parts))
        names = [name for group, name in counts if group == total]
        for whole, parts in wholes:
            if parts:
                yield from (Equation(((whole, name),), tuple((row, name) for row in parts)) for name in names)
