"""A server whose searches a test holds: while the file HOLD exists none ends, and the file SEARCHES gets a line for
each, the gallery's name.

The hold is put around the product's own search here; the product knows nothing of it.
"""

import functools
import os
import sys
import time
from pathlib import Path

from tenprint.index.gallery import Gallery
from tenprint.server.main import serve

HOLD, SEARCHES = Path(os.environ["HOLD"]), Path(os.environ["SEARCHES"])


def arm() -> None:
    search = Gallery.search

    @functools.wraps(search)
    def held(self, *arguments, **named):
        with SEARCHES.open("a") as file:
            file.write(f"{self.name}\n")
        while HOLD.exists():
            time.sleep(0.005)
        return search(self, *arguments, **named)

    Gallery.search = held


if __name__ == "__main__":
    arm()
    sys.exit(serve([]))
