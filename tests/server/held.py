"""A server whose searches a test holds: while the file HOLD exists none ends, and the file SEARCHES gets a line for
each, the gallery's name.

The hold is put around the product's own search here; the product knows nothing of it.
"""

import functools
import os
import time
from pathlib import Path

from tenprint.index.gallery import Gallery
from tenprint.server.main import serve


def arm() -> None:
    hold, searches = Path(os.environ["HOLD"]), Path(os.environ["SEARCHES"])
    search = Gallery.search

    @functools.wraps(search)
    def held(self, *arguments, **named):
        with searches.open("a") as file:
            file.write(f"{self.name}\n")
        while hold.exists():
            time.sleep(0.005)
        return search(self, *arguments, **named)

    Gallery.search = held


def serve_held(arguments: list[str]) -> int:
    """What `serve` does, with searches that wait."""
    arm()
    return serve(arguments)
