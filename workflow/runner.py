"""The legs' runner: asks the matchers what is due, keeps what they say, and enrols what is to be kept.

What is due is read from the database, so a start after a crash goes on where the last process stood. Everything a
matcher's answer gives cause for happens in one transaction; a repeated enrolment is one by its (ORI, TCN).
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import grpc
import structlog
from sqlalchemy import Connection, select

from tenprint.client import types as matcher
from tenprint.client.errors import TenprintError
from tenprint.store import Database
from tenprint.workflow import cases, decision, findings, legs, links, policy, schema, submissions
from tenprint.workflow.doorbell import Doorbell
from tenprint.workflow.ebts.redaction import matcher_file
from tenprint.workflow.matcher import Matcher
from tenprint.workflow.metrics import WorkflowMetrics
from tenprint.workflow.submissions import Kept, Retention
from tenprint.workflow.types import Gallery, Hit, Leg, LegKey, LegState

_T = TypeVar("_T")

_POLL_SECONDS: Final = 1.0
"""How long a due leg that nobody announced may wait: one that was postponed, or left by another process."""

_LONGEST_PAUSE: Final = timedelta(hours=1)

_HOPELESS: Final = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)
"""Refusals that the same question would meet again."""

_log = structlog.get_logger(__name__)


class Runner:
    """Runs the due legs and enrolments of a database, one runner a database.

    Args:
        database: where the workflow is kept.
        matchers: whom to ask.
        metrics: told of answers and seconds.
        doorbell: rung when messages may have been written.
        running: questions under way at once.
        retry_seconds: first pause after a failure; it doubles, to an hour.
    """

    def __init__(
        self,
        database: Database,
        matchers: Matcher,
        metrics: WorkflowMetrics,
        doorbell: Doorbell,
        *,
        running: int,
        retry_seconds: float,
    ) -> None:
        self._database, self._matchers, self._metrics, self._doorbell = database, matchers, metrics, doorbell
        self._slots = asyncio.Semaphore(running)
        self._retry_seconds = retry_seconds
        self._woken = asyncio.Event()
        self._busy: set[LegKey | str] = set()

    def wake(self) -> None:
        """Say that something has become due."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._woken.clear()
                try:
                    asked, kept = await asyncio.to_thread(self._read_due)
                except Exception as error:  # noqa: BLE001 - the database is away: looked at again, and said
                    _log.warning("due_work_unknown", error_type=type(error).__name__)
                    asked, kept = [], []
                for key in asked:
                    if key not in self._busy:
                        self._busy.add(key)
                        tasks.create_task(self._held(key, self._ask(key)))
                for submission_id in kept:
                    if submission_id not in self._busy:
                        self._busy.add(submission_id)
                        tasks.create_task(self._held(submission_id, self._enrol(submission_id)))
                try:
                    async with asyncio.timeout(_POLL_SECONDS):
                        await self._woken.wait()
                except TimeoutError:
                    continue

    async def _held(self, what: LegKey | str, work: Coroutine[Any, Any, None]) -> None:
        """Do one piece of work in a slot. A fault of ours in it is logged, and it stays due."""
        try:
            async with self._slots:
                await work
        except Exception as error:  # noqa: BLE001 - one leg's fault must not stop the others
            _log.error("leg_failed", error_type=type(error).__name__, exc_info=error)
            await asyncio.sleep(self._retry_seconds)
        finally:
            self._busy.discard(what)
            self._woken.set()

    async def _run(self, work: Callable[[Connection], _T]) -> _T:
        result = await asyncio.to_thread(self._database.write, work)
        self._doorbell.ring()
        return result

    def _read_due(self) -> tuple[list[LegKey], list[str]]:
        with self._database.read() as connection:
            return _due(connection)

    async def _ask(self, key: LegKey) -> None:
        submission = await self._run(lambda c: submissions.by_id(c, key.submission_id))
        if submission.file is None:
            await self._run(lambda c: legs.settle(c, key, LegState.ERROR, reason="the prints were erased unanswered"))
            return
        by = matcher.Originator(submission.ori, submission.submission_id)
        file = await asyncio.to_thread(matcher_file, submission.file)
        try:
            with self._metrics.matcher_seconds.labels(key.gallery, "search").time():
                found = await self._matchers.search(key.gallery, by, file, priority=submission.priority)
            answer = found.of(key.gallery)
        except TenprintError as error:
            code = error.code
            await self._run(lambda c: self._failed(c, key, code, f"the {key.gallery} database: {code.name}"))
            return
        if answer.outcome is matcher.Outcome.ERROR:
            await self._run(lambda c: self._failed(c, key, None, f"the {key.gallery} database answered with an error"))
            return
        await self._run(lambda c: self._answered(c, submission, key, found, answer))
        self._metrics.leg_answers.labels(key.gallery, answer.outcome.value).inc()

    def _failed(self, connection: Connection, key: LegKey, code: grpc.StatusCode | None, problem: str) -> None:
        """Ask again later, or give up: the answer is then ERROR."""
        _, in_force = policy.current(connection)
        attempts = legs.find(connection, key).attempts + 1
        if code in _HOPELESS or attempts >= in_force.leg_attempts:
            legs.count_attempt(connection, key, attempts, None, problem)
            legs.settle(connection, key, LegState.ERROR, reason=problem)
            return
        pause = min(timedelta(seconds=self._retry_seconds * 2 ** min(attempts - 1, 30)), _LONGEST_PAUSE)
        legs.count_attempt(connection, key, attempts, datetime.now(UTC) + pause, problem)

    def _answered(
        self,
        connection: Connection,
        submission: Kept,
        key: LegKey,
        found: matcher.Identification,
        answer: matcher.Answer,
    ) -> None:
        version, in_force = policy.current(connection)
        bands = in_force.bands[key.gallery]
        candidates = decision.in_bands(answer.candidates, bands)
        partial = answer.outcome is matcher.Outcome.PARTIAL
        coverage = answer.coverage
        legs.record_answer(
            connection,
            Leg(
                key=key,
                state=LegState.PENDING,
                attempts=0,
                policy_version=version,
                asked_at=datetime.now(UTC),
                settled_at=None,
                problem=_unsearched(coverage) if partial else "",
                coverage={
                    "total": coverage.total,
                    "searched": coverage.searched,
                    "incomparable": coverage.incomparable,
                },
                candidates=candidates,
                samples=[asdict(report) for report in found.samples],
            ),
        )
        findings.at_answer(connection, submission, key, candidates)
        if candidates and decision.passes_lights_out(candidates[0], bands):
            reason = f"expected FPIR at or below the lights-out bar of policy {version}"
            hit = Hit(candidates[0], confirmed=False)
            if in_force.examine_lights_out:
                cases.open_hit(connection, submission, key, in_force)
            legs.settle(connection, key, LegState.MATCH, reason=reason, hit=hit)
        elif candidates:
            legs.review(connection, key, f"{len(candidates)} candidate(s) to examine")
            cases.open_hit(connection, submission, key, in_force)
        elif partial:
            legs.settle(connection, key, LegState.PARTIAL, reason=_unsearched(coverage))
        else:
            legs.settle(connection, key, LegState.NO_MATCH, reason="no candidate in a band of the policy")

    async def _enrol(self, submission_id: str) -> None:
        """Keep a submission's prints in the criminal gallery: under the person of a hit that stands, else a new one.

        A hit by the lights-out bar that is to be examined does not come here before it was: its case holds the prints.
        """

        def begin(connection: Connection) -> tuple[Kept, str | None]:
            known = [
                link.subject_id
                for link in links.of_submission(connection, submission_id)
                if link.gallery is Gallery.CRIMINAL and link.stands
            ]
            return submissions.by_id(connection, submission_id), known[-1] if known else None

        submission, subject_id = await self._run(begin)
        if submission.file is None:
            return
        by = matcher.Originator(submission.ori, submission.submission_id)
        file = await asyncio.to_thread(matcher_file, submission.file)
        try:
            with self._metrics.matcher_seconds.labels(Gallery.CRIMINAL, "enrol").time():
                receipt = await self._matchers.enrol(Gallery.CRIMINAL, by, file, subject_id)
        except TenprintError as error:
            if error.code in _HOPELESS:
                _log.warning("enrolment_refused", submission=submission_id, code=error.code.name)
                await self._run(lambda c: submissions.refused(c, submission_id))
            else:
                _log.warning("enrolment_postponed", submission=submission_id, code=error.code.name)
                await asyncio.sleep(self._retry_seconds)  # it stays due
            return
        await self._run(lambda c: submissions.enrolled(c, submission_id, receipt.subject_id, receipt.encounter_id))


def _due(connection: Connection) -> tuple[list[LegKey], list[str]]:
    """The legs and the submissions that something is to be done for now, urgent ones first."""
    leg, submission = schema.leg, schema.submission
    asked = (
        select(leg.c.submission_id, leg.c.gallery)
        .join(submission, submission.c.submission_id == leg.c.submission_id)
        .where(leg.c.due_at <= datetime.now(UTC))
        .order_by(submission.c.priority, leg.c.due_at)
        .limit(100)
    )
    kept = select(submission.c.submission_id).where(submission.c.retention == Retention.DUE).limit(100)
    return (
        [LegKey(row.submission_id, Gallery(row.gallery)) for row in connection.execute(asked)],
        list(connection.execute(kept).scalars()),
    )


def _unsearched(coverage: matcher.Coverage) -> str:
    return f"only {coverage.searched} of {coverage.total} records were compared"
