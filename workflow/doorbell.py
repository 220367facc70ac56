"""The doorbell: says inside this process that messages were written, so that those who wait look at once."""

import asyncio


class Doorbell:
    """Rung after a commit. What another process writes is found by looking now and then."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake everybody who waits. From the loop's own thread alone."""
        self._rung.set()
        self._rung = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Until it rings, or so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return
