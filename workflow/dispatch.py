"""The dispatcher: brings webhooks and files to their receivers, again and again until they have them or are given up.

Promised to a receiver: at least once, always under the same message id; in the order of writing, one at a time, except
that a message whose attempt failed may come after younger ones. What is due, and how often it was tried, is in the
database alone: a process that ends at any moment loses nothing, and repeats at most what it had not written down.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from secrets import SystemRandom
from typing import Final, Protocol, TypeVar

import structlog
from sqlalchemy import Connection

from tenprint.store import Database
from tenprint.workflow import deliveries, policy
from tenprint.workflow.deliveries import Lane, Outgoing
from tenprint.workflow.doorbell import Doorbell
from tenprint.workflow.errors import DeliveryError
from tenprint.workflow.metrics import WorkflowMetrics
from tenprint.workflow.services import messages_codec
from tenprint.workflow.types import Channel

_T = TypeVar("_T")

_POLL_SECONDS: Final = 1.0
"""How long a message may wait that nobody announced: one that was postponed, or that another process wrote."""

_LONGEST_PAUSE: Final = timedelta(hours=1)

_LONGEST_REST: Final = timedelta(minutes=1)
"""How long a receiver that failed is left alone at most, while other messages for it are due."""

_LEASE_MARGIN: Final = timedelta(seconds=5)
"""How long beyond the time allowed to an attempt its message is nobody else's."""

_random = SystemRandom()

_log = structlog.get_logger(__name__)


class Carrier(Protocol):
    """Brings one message over one channel."""

    async def carry(self, message: Outgoing, payload: bytes, secret: str) -> None:
        """Deliver: it is there when this returns.

        Args:
            message: the message.
            payload: its JSON form.
            secret: signs it, where the channel signs; "" where there is none.

        Raises:
            DeliveryError: if it is not, or nobody knows.
        """
        ...


class Dispatcher:
    """Serves the receivers of a database. Each is served for itself: one that is slow or away holds up no other.

    Args:
        database: where the messages are.
        doorbell: rings when messages were written, and is rung when one was delivered.
        metrics: told of every attempt.
        carriers: by channel.
        seconds: that a carrier may take.
        receivers: served at once.
        retry_seconds: first pause after a failure; it doubles, to an hour.
    """

    def __init__(
        self,
        database: Database,
        doorbell: Doorbell,
        metrics: WorkflowMetrics,
        carriers: Mapping[Channel, Carrier],
        *,
        seconds: float,
        receivers: int,
        retry_seconds: float,
    ) -> None:
        self._database, self._doorbell, self._metrics, self._carriers = database, doorbell, metrics, carriers
        self._slots = asyncio.Semaphore(receivers)
        self._lease = timedelta(seconds=seconds) + _LEASE_MARGIN
        self._retry = timedelta(seconds=retry_seconds)
        self._busy: set[Lane] = set()
        self._resting: dict[Lane, datetime] = {}

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                ring = self._doorbell.listen()
                now = datetime.now(UTC)
                try:
                    due = await self._write(lambda connection, now=now: deliveries.lanes(connection, now))  # type: ignore[misc]  # mypy does not infer a lambda with a default
                except Exception as error:  # noqa: BLE001 - the database is away: looked at again, and said
                    _log.warning("due_messages_unknown", error_type=type(error).__name__)
                    due = []
                self._resting = {lane: until for lane, until in self._resting.items() if until > now}
                for lane in due:
                    if lane not in self._busy and lane not in self._resting:
                        self._busy.add(lane)
                        tasks.create_task(self._serve(lane))
                await self._doorbell.wait(_POLL_SECONDS, ring)

    async def _serve(self, lane: Lane) -> None:
        """Bring a receiver everything that is due, until an attempt fails. A fault of ours leaves the rest due."""
        try:
            async with self._slots:
                while (rest := await self._next(lane)) == timedelta():
                    pass
        except Exception as error:  # noqa: BLE001 - one receiver's fault must not stop the others
            _log.error("dispatch_failed", error_type=type(error).__name__, exc_info=error)
            rest = self._retry
        if rest is not None:
            self._resting[lane] = datetime.now(UTC) + rest
        self._busy.discard(lane)

    async def _next(self, lane: Lane) -> timedelta | None:
        """One attempt. None: nothing was due; zero: it went well; else how long the receiver is to be left alone."""

        def claim(connection: Connection) -> tuple[Outgoing, str, int] | None:
            now = datetime.now(UTC)
            message = deliveries.claim(connection, lane, now, now + self._lease)
            if message is None:
                return None
            _, in_force = policy.current(connection)
            return message, deliveries.secret(connection, message), in_force.delivery_attempts

        claimed = await self._write(claim)
        if claimed is None:
            return None
        message, secret, most = claimed
        facts = {"message": message.message_id, "recipient": message.recipient, "channel": message.channel.value}
        try:
            payload = messages_codec.payload(message)
            await self._carriers[message.channel].carry(message, payload, secret)
        except DeliveryError as error:
            longest: timedelta = min(self._retry * 2 ** min(message.attempts - 1, 30), _LONGEST_PAUSE)
            pause = longest * _random.uniform(0.75, 1.0)
            again = None if message.attempts >= most else datetime.now(UTC) + pause
            problem = str(error)
            await self._write(lambda c: deliveries.failed(c, message.number, problem, again))
            self._count(message, "failed" if again else "dead")
            _log.warning("not_delivered", **facts, attempt=message.attempts, problem=problem, dead=again is None)
            return min(pause, _LONGEST_REST)
        await self._write(lambda c: deliveries.arrived(c, message.number, datetime.now(UTC)))
        self._count(message, "delivered")
        _log.info("delivered", **facts, attempt=message.attempts)
        self._doorbell.ring()  # what waited for its acknowledgement is released
        return timedelta()

    def _count(self, message: Outgoing, outcome: str) -> None:
        self._metrics.deliveries.labels(message.kind, message.channel, outcome).inc()

    async def _write(self, work: Callable[[Connection], _T]) -> _T:
        return await asyncio.to_thread(self._database.write, work)
