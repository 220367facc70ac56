"""What a caller hands to a stream. gRPC would swallow an error of the iterator it reads, or call it a cancellation."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tenprint.client.errors import TenprintError, translated

_T = TypeVar("_T")


class Source:
    """Reads a caller's items for one stream. An error among them ends the sending, not the answers to what was sent."""

    def __init__(self) -> None:
        self._error: Exception | None = None

    def read(self, items: Iterable[_T]) -> Iterator[_T]:
        """The items, up to the first error."""
        try:
            yield from items
        except Exception as error:  # noqa: BLE001 - whatever the caller's iterator raised: `answered` raises it again
            self._error = error

    async def read_async(self, items: AsyncIterable[_T]) -> AsyncIterator[_T]:
        """The items, up to the first error."""
        try:
            async for item in items:
                yield item
        except Exception as error:  # noqa: BLE001 - as in `read`
            self._error = error

    @contextmanager
    def answered(self) -> Iterator[None]:
        """Around the reading of the answers: turns a failed call into its exception, and raises the items' error last.

        Raises:
            TenprintError: if the call failed.
            Exception: what the items' iterator raised, when what was sent before is answered.
        """
        try:
            with translated():
                yield
        except TenprintError as error:
            if self._error is not None:
                raise self._error from error
            raise
        if self._error is not None:
            raise self._error
