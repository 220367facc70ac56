"""A server that kills itself, by SIGKILL, at a named point. FAULT is POINT:N, the N-th time it is met.

The points are put around the product's own functions here; the product knows nothing of them.
"""

import functools
import os
import signal

from tenprint.index import gallery, segment_file, snapshots
from tenprint.server import ledger
from tenprint.server.main import serve
from tenprint.store import database, erasure

POINTS = {
    "before_commit": (database.Database, "_committed", "inside"),
    "after_commit": (database.Database, "_committed", "after"),
    "between_commit_and_apply": (gallery.Gallery, "apply", "before"),
    "mid_segment_write": (segment_file, "_write_section", "after"),
    "before_rename": (snapshots.SnapshotFolder, "publish", "sync"),
    "between_rename_and_fsync": (snapshots, "sync_folder", "before"),
    "mid_compaction": (gallery.Gallery, "_replace", "before"),
    "before_forgetting": (snapshots.SnapshotFolder, "forget", "before"),
    "mid_expunge": (ledger.Ledger, "add", "before"),
    "before_scrub": (database.Database, "scrub", "before"),
    "before_erased": (erasure.Erasure, "done", "before"),
}


def arm(point: str, nth: int) -> None:
    holder, name, where = POINTS[point]
    left = nth

    def hit() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    if where == "sync":  # a manifest's own file is on the disk, and not yet under its name
        inner = snapshots.sync

        def synced(file, fsynced):
            inner(file, fsynced)
            hit()

        snapshots.sync = synced
        return
    original = getattr(holder, name)

    @functools.wraps(original)
    def patched(*arguments, **named):
        if where == "before":
            hit()
        if where == "inside":
            self, connection, work, begun = arguments

            def worked(connection):
                result = work(connection)
                hit()
                return result

            return original(self, connection, worked, begun)
        result = original(*arguments, **named)
        if where == "after":
            hit()
        return result

    setattr(holder, name, patched)
    for module in (gallery,):  # who imported the function by name
        if getattr(module, name, None) is original:
            setattr(module, name, patched)


def serve_until_met(arguments: list[str]) -> int:
    """What `serve` does, with the fault of the environment."""
    if os.environ.get("FAULT"):
        point, _, nth = os.environ["FAULT"].partition(":")
        arm(point, int(nth))
    return serve(arguments)
