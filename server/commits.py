"""Commits: changes on their way into the store, in a pool of writers; enrolments that wait together commit together."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from tenprint.store import NewEncounter, Receipt, Store

_T = TypeVar("_T")

MAX_TOGETHER: Final = 64
"""Enrolments in one transaction: 660 KB of vectors. Beyond, the disk's answer is no longer what takes the time."""


class Commits:
    """Runs changes to the store off the event loop.

    Args:
        store: the store.
        writers: transactions at once: 1 on SQLite, which has one writer.
    """

    def __init__(self, store: Store, writers: int) -> None:
        self._store = store
        self._pool = ThreadPoolExecutor(writers, thread_name_prefix="commit")
        self._waiting: deque[tuple[NewEncounter, Future[Receipt]]] = deque()
        self._lock = threading.Lock()

    async def enrol(self, new: NewEncounter) -> Receipt:
        """Commit an enrolment. When it returns, it is on disk.

        Raises:
            TransactionTakenError: if its (ORI, TCN) stands for other content.
            StoreError: if the store refuses it or is down.
        """
        future: Future[Receipt] = Future()
        future.set_running_or_notify_cancel()  # from here on it cannot be called back
        with self._lock:
            self._waiting.append((new, future))
        self._pool.submit(self._commit_waiting)
        return await asyncio.wrap_future(future)

    async def run(self, work: Callable[[], _T]) -> _T:
        """Run another change; its errors are the caller's."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        """Finish what waits, and stop the writers."""
        self._pool.shutdown(wait=True)

    def _commit_waiting(self) -> None:
        """Take what waits, at most MAX_TOGETHER, into one transaction. A run of this was asked for by each of them."""
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(MAX_TOGETHER, len(self._waiting)))]
        if not batch:
            return
        try:
            answers = self._store.enrol([new for new, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            for _, future in batch:
                future.set_exception(error)
        else:
            for (_, future), answer in zip(batch, answers, strict=True):
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)
