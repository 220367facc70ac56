"""The counts, from the tables, in one read transaction.

Everything is told of the submissions received in a period, as things stand now. A submission whose prints and person
were erased counts like any other: its row stays.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, func, select

from tenprint.store.database import utc
from tenprint.workflow import schema
from tenprint.workflow.statistics.measures import Dimension
from tenprint.workflow.types import CaseKind, CaseState, Decision, Gallery, LegState, Level, LinkState, MessageKind

_BATCH: Final = 10_000
"""Rows fetched at once."""

_EXAMINED: Final = {
    Decision.IDENTIFICATION: "confirmed",
    Decision.EXCLUSION: "refuted",
    Decision.INCONCLUSIVE: "inconclusive",
}

_DISPUTED: Final = {"": "dispute_open", "upheld": "dispute_upheld"}


@dataclass(frozen=True, slots=True)
class Group:
    """A row's name: a value of a dimension; `gallery` None: of submissions, not of questions."""

    dimension: Dimension
    value: str
    gallery: Gallery | None


@dataclass(frozen=True, slots=True)
class Period:
    """From when on, and until before when, submissions were received. None: no such bound."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(slots=True, eq=False)
class Counts:
    """What was counted.

    Attributes:
        counts: by row, then by measure; a measure that is absent is 0.
        seconds: by row, then by what was timed; in no order.
    """

    counts: dict[Group, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    seconds: dict[Group, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))


def count(connection: Connection, period: Period) -> Counts:
    """Count everything about the submissions of a period, in every dimension."""
    told = Counts()
    for row, groups in _each(connection, period, select(schema.submission.c.erased_at), None):
        _add(told, groups, "submissions", "" if row.erased_at is None else "erased")
    _questions(connection, period, told)
    _hits(connection, period, told)
    _sent(connection, period, told)
    return told


def within(query: Select[Any], period: Period) -> Select[Any]:
    """A query joined to `submission`, of those received in a period alone."""
    received = schema.submission.c.received_at
    if period.since is not None:
        query = query.where(received >= period.since)
    if period.until is not None:
        query = query.where(received < period.until)
    return query


def _questions(connection: Connection, period: Period, told: Counts) -> None:
    held, examined = _links(connection, period), _examinations(connection, period)
    leg, event = schema.leg, schema.leg_event
    first = (
        select(event.c.submission_id, event.c.gallery, func.min(event.c.at).label("answered_at"))
        .where(event.c.state.in_([state for state in LegState if state.is_settled]))
        .group_by(event.c.submission_id, event.c.gallery)
        .subquery()
    )
    same = (first.c.submission_id == leg.c.submission_id) & (first.c.gallery == leg.c.gallery)
    query = (
        select(leg.c.submission_id, leg.c.gallery, leg.c.state, leg.c.asked_at, first.c.answered_at)
        .select_from(leg.outerjoin(first, same))
        .join(schema.submission, schema.submission.c.submission_id == leg.c.submission_id)
    )
    for row, groups in _each(connection, period, query, "gallery"):
        key = (row.submission_id, row.gallery)
        _add(
            told,
            groups,
            "asked",
            row.state,
            "" if row.asked_at is None else "searched",
            "" if row.answered_at is None else "answered",
            held.get(key, "match_frozen") if row.state == LegState.MATCH else "",
            "reviewed" if key in examined else "",
            examined.get(key, ""),
        )
        for what, at in (("matcher", row.asked_at), ("response", row.answered_at)):
            if at is not None:
                seconds = (utc(at) - utc(row.received_at)).total_seconds()
                for group in groups:
                    told.seconds[group][what].append(seconds)


def _links(connection: Connection, period: Period) -> Mapping[tuple[str, str], str]:
    """What is held of each question's newest hit that was not reversed."""
    link = schema.link
    names = {LinkState.CONFIRMED: "match_confirmed", LinkState.UNCONFIRMED: "match_unconfirmed"}
    query = (
        select(link.c.submission_id, link.c.gallery, link.c.state)
        .join(schema.submission, schema.submission.c.submission_id == link.c.submission_id)
        .where(link.c.state != LinkState.REFUTED)
        .order_by(link.c.at)
    )
    rows = connection.execute(within(query, period))
    return {(row.submission_id, row.gallery): names.get(LinkState(row.state), "match_frozen") for row in rows}


def _examinations(connection: Connection, period: Period) -> Mapping[tuple[str, str], str]:
    """What each question's last examination came to."""
    case = schema.case
    query = (
        select(case.c.submission_id, case.c.gallery, case.c.state, case.c.outcome)
        .join(schema.submission, schema.submission.c.submission_id == case.c.submission_id)
        .where(case.c.kind == CaseKind.HIT)
        .order_by(case.c.opened_at)
    )
    return {
        (row.submission_id, row.gallery): "review_open"
        if row.state == CaseState.OPEN
        else _EXAMINED.get(row.outcome, "review_withdrawn")
        for row in connection.execute(within(query, period))
    }


def _hits(connection: Connection, period: Period, told: Counts) -> None:
    link, dispute = schema.link, schema.dispute
    disputes = (
        select(dispute.c.link_id, dispute.c.outcome)
        .join(link, link.c.link_id == dispute.c.link_id)
        .join(schema.submission, schema.submission.c.submission_id == link.c.submission_id)
        .order_by(dispute.c.at)
    )
    last = {row.link_id: row.outcome for row in connection.execute(within(disputes, period))}
    query = select(link.c.link_id, link.c.gallery, link.c.state).join(
        schema.submission, schema.submission.c.submission_id == link.c.submission_id
    )
    for row, groups in _each(connection, period, query, "gallery"):
        disputed = row.link_id in last
        _add(
            told,
            groups,
            "hits",
            "reversed" if row.state == LinkState.REFUTED else "",
            "disputed" if disputed else "",
            _DISPUTED.get(last[row.link_id], "dispute_reversed") if disputed else "",
        )


def _sent(connection: Connection, period: Period, told: Counts) -> None:
    """Notices and answers, each message once, by the log of disseminations."""
    log, message = schema.dissemination, schema.message
    acknowledged = select(message.c.message_id).where(message.c.acknowledged_at.is_not(None)).distinct().subquery()
    query = (
        select(log.c.kind, log.c.gallery, log.c.message_id, acknowledged.c.message_id.label("acknowledged"))
        .select_from(log.outerjoin(acknowledged, acknowledged.c.message_id == log.c.message_id))
        .join(schema.submission, schema.submission.c.submission_id == log.c.submission_id)
        .where(log.c.kind.in_([MessageKind.NOTICE, MessageKind.ANSWER]))
    )
    names = {
        MessageKind.NOTICE: ("notices", "notified", "notices_withheld", "acknowledged"),
        MessageKind.ANSWER: ("answers", "answers_sent", "answers_withheld", "answers_acknowledged"),
    }
    seen = set()
    for row, groups in _each(connection, period, query, "gallery"):
        if row.message_id in seen:
            continue
        if row.message_id:
            seen.add(row.message_id)
        every, sent, withheld, receipt = names[MessageKind(row.kind)]
        _add(told, groups, every, sent if row.message_id else withheld, receipt if row.acknowledged else "")


def _each(
    connection: Connection, period: Period, query: Select[Any], gallery: str | None
) -> Iterator[tuple[Any, list[Group]]]:
    """Rows of a query that is joined to its submission, each with the rows of the report that it is counted in.

    Args:
        connection: reading.
        period: of the submissions.
        query: what is counted.
        gallery: its column that names the gallery; None: it counts submissions.
    """
    submission = schema.submission.c
    keys = (submission.jurisdiction, submission.controlling_agency, submission.level, submission.received_at)
    streamed = connection.execute(within(query.add_columns(*keys), period).execution_options(yield_per=_BATCH))
    for row in streamed:
        received = utc(row.received_at)
        year, week, _ = received.isocalendar()
        values = {
            Dimension.TOTAL: "",
            Dimension.JURISDICTION: row.jurisdiction,
            Dimension.AGENCY: f"{row.jurisdiction}/{row.controlling_agency}",
            Dimension.LEVEL: "unknown" if row.level == Level.UNKNOWN else str(row.level),
            Dimension.DAY: received.date().isoformat(),
            Dimension.WEEK: f"{year}-W{week:02}",
            Dimension.MONTH: f"{received:%Y-%m}",
        }
        of = None if gallery is None else Gallery(getattr(row, gallery))
        yield row, [Group(dimension, value, of) for dimension, value in values.items()]


def _add(told: Counts, groups: list[Group], *measures: str) -> None:
    """Count one in each measure; "" is none."""
    for group in groups:
        told.counts[group].update(measure for measure in measures if measure)
