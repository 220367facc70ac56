"""Pages of a list: a token is the number of the last row that was shown."""

from collections.abc import Sequence
from typing import Final, Protocol

USUAL: Final = 100
"""Rows in a page where the request does not say."""


class _Numbered(Protocol):
    @property
    def number(self) -> int: ...


def after(token: str) -> int:
    """Number of the last row of the page before; 0: there is none."""
    return int(token or 0)


def size(asked: int) -> int:
    """Rows in a page."""
    return asked or USUAL


def token(rows: Sequence[_Numbered], limit: int) -> str:
    """Of the next page; "": this was the last."""
    return str(rows[-1].number) if len(rows) == limit else ""
