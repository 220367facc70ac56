"""Waiting for something that comes about elsewhere."""

import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def until(look: Callable[[], _T | None], seconds: float = 120.0, pause: float = 0.1) -> _T:
    """What `look` gives once it gives something; it is asked again and again.

    Raises:
        TimeoutError: if it gives nothing for so long.
    """
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing came about in {seconds:.0f} s")
        time.sleep(pause)
    return found
