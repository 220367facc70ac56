"""The follower: reads the store's log and applies it to the galleries. The one way into an index."""

import asyncio
import threading
import time
from collections.abc import Mapping
from typing import Final

import structlog

from tenprint.index import Gallery
from tenprint.server.errors import DeadlinePassedError
from tenprint.server.metrics import Metrics
from tenprint.server.recovery import catch_up
from tenprint.store import Position, Store, StoreUnavailableError

_POLL_SECONDS: Final = 1.0
"""How often the log is read when nothing was committed here: others may write into the same database."""

_UNDECIDED_SECONDS: Final = 0.002
"""How long to wait for an older transaction to end before what follows it may be read."""

_BACK_OFF_SECONDS: Final = 1.0

_log = structlog.get_logger(__name__)


class Follower:
    """Keeps galleries where the store's log is.

    Args:
        store: the store.
        galleries: by name; nobody else changes them.
        position: up to where all of them are.
        metrics: told of position, lag and the time changes take.
    """

    def __init__(self, store: Store, galleries: Mapping[str, Gallery], position: Position, metrics: Metrics) -> None:
        self._store, self._galleries, self._metrics = store, galleries, metrics
        self._position = self._wanted = position
        self._changed = threading.Condition()
        self._waiting: list[tuple[Position, asyncio.Future[None], asyncio.AbstractEventLoop]] = []
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="follow", daemon=True)
        self._thread.start()

    @property
    def position(self) -> Position:
        """Up to where every gallery is."""
        return self._position

    @property
    def lag(self) -> int:
        """Operations committed here that no search sees yet; an estimate where several servers write."""
        return max(0, self._wanted.number - self._position.number)

    def expect(self, position: Position) -> None:
        """Say that a change has been committed there, so that it is read now."""
        with self._changed:
            self._wanted = max(self._wanted, position)
            self._changed.notify_all()

    async def reached(self, position: Position, deadline: float | None = None) -> None:
        """Wait until every change up to a position is searched.

        Args:
            position: as a receipt gave it.
            deadline: on the monotonic clock; None: as long as it takes.

        Raises:
            DeadlinePassedError: if it is not by then; says where the server stands.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._changed:
            if self._position >= position:
                return
            self._waiting.append((position, future, loop))
            self._changed.notify_all()
        try:
            async with asyncio.timeout(None if deadline is None else max(0.0, deadline - time.monotonic())):
                await future
        except TimeoutError as error:
            here = self._position
            behind = max(1, position.number - here.number)
            raise DeadlinePassedError(
                f"min_position: {position} is not reached; this server stands at {here}, {behind} operations behind"
            ) from error
        finally:
            if future.cancelled():  # who waited has gone, or may wait no longer
                with self._changed:
                    self._waiting = [item for item in self._waiting if item[1] is not future]

    def wait(self, position: Position, seconds: float) -> bool:
        """As `reached`, for threads: whether it was reached in time."""
        self.expect(position)
        with self._changed:
            return self._changed.wait_for(lambda: self._position >= position, seconds)

    def close(self) -> None:
        """Stop. What was committed is applied at the next start."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while not self._closed:
            try:
                begun = time.perf_counter()
                position, operations = catch_up(self._store, self._galleries, self._position)
            except Exception as error:  # noqa: BLE001 - a follower that ends would leave the server behind for ever
                known = isinstance(error, StoreUnavailableError)
                _log.error("following_failed", error_type=type(error).__name__, exc_info=None if known else error)
                with self._changed:
                    self._changed.wait_for(lambda: self._closed, _BACK_OFF_SECONDS)
                continue
            if operations:
                self._metrics.change_seconds.labels("apply").observe(time.perf_counter() - begun)
                self._metrics.operations.inc(operations)
                self._arrive(position)
            else:
                self._rest()

    def _arrive(self, position: Position) -> None:
        with self._changed:
            self._position = position
            reached = [item for item in self._waiting if item[0] <= position]
            self._waiting = [item for item in self._waiting if item[0] > position and not item[1].done()]
            self._changed.notify_all()
        for _, future, loop in reached:
            loop.call_soon_threadsafe(_resolve, future)

    def _rest(self) -> None:
        """Until something is expected, or it is time to look for what others wrote."""
        with self._changed:
            if self._wanted > self._position:  # committed, and an older transaction may still precede it
                self._changed.wait_for(lambda: self._closed, _UNDECIDED_SECONDS)
            else:
                self._changed.wait_for(lambda: self._closed or self._wanted > self._position, _POLL_SECONDS)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
