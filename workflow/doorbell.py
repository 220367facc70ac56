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

    def listen(self) -> asyncio.Event:
        """The next ring, to wait for after looking: what is written while one looks is heard."""
        return self._rung

    async def wait(self, seconds: float, ring: asyncio.Event | None = None) -> None:
        """Until it rings, or so many seconds. `ring`: since :meth:`listen`; None: from now on."""
        try:
            async with asyncio.timeout(seconds):
                await (ring or self._rung).wait()
        except TimeoutError:
            return
