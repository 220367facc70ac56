"""Enrolments in progress: the same transaction sent twice at once is worked on once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from tenprint.server.errors import TransactionReusedError
from tenprint.store import Originator, Receipt


@dataclass(frozen=True, slots=True, eq=False)
class _Running:
    digest: str
    task: "asyncio.Task[Receipt]"


class InFlight:
    """Enrolments by their key, (ORI, TCN), while they run. The store knows the finished ones."""

    def __init__(self) -> None:
        self._running: dict[Originator, _Running] = {}

    async def once(self, key: Originator, digest: str, enrol: Callable[[], Awaitable[Receipt]]) -> Receipt:
        """Run `enrol`, or wait for the run of it that is under way.

        The work goes on when the caller goes away: it may be past its commit, and the caller's repetition is then
        answered with its receipt.

        Raises:
            TransactionReusedError: if the key is being enrolled with other content.
        """
        running = self._running.get(key)
        if running is not None:
            if running.digest != digest:
                raise TransactionReusedError(running.digest)
            return replace(await asyncio.shield(running.task), repeated=True)

        async def work() -> Receipt:
            try:
                return await enrol()
            finally:
                del self._running[key]

        task = asyncio.create_task(work())
        self._running[key] = _Running(digest, task)
        return await asyncio.shield(task)
