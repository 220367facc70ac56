"""The ledger of tombstones: a file that outlives the database, so that what was expunged stays gone in older copies."""

import json
import os
import threading
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Final

from tenprint.index import sync_folder
from tenprint.store import Originator, Tombstone


class LedgerError(Exception):
    """A ledger that cannot be read. Nothing may be served: expunged records could come back."""


class Ledger:
    """A text file with a line for every encounter that was expunged: ids and dates, nothing of a print. Thread-safe.

    Args:
        path: the file; made with the first tombstone.
    """

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        self._writing = threading.Lock()

    def tombstones(self) -> list[Tombstone]:
        """All of them, oldest first.

        Raises:
            LedgerError: if a line is not one. A last line that was cut short by a crash is none yet: nobody was told
                of it, and the database has it.
        """
        try:
            lines = self.path.read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise LedgerError(f"{self.path} cannot be read: {error.strerror}") from error
        if lines and not lines[-1].endswith(b"\n"):
            lines.pop()
        try:
            return [_tombstone(line) for line in lines]
        except (ValueError, KeyError, TypeError) as error:
            raise LedgerError(f"{self.path} is damaged; restore it before serving: {type(error).__name__}") from error

    def add(self, tombstones: Iterable[Tombstone]) -> None:
        """Write those that are not in it, and bring them to the disk.

        Raises:
            OSError: if the disk does not take them.
        """
        with self._writing:  # several writers may expunge at once
            known = {tombstone.encounter_id for tombstone in self.tombstones()}
            new = [tombstone for tombstone in tombstones if tombstone.encounter_id not in known]
            if not new:
                return
            with self.path.open("r+b" if self.path.exists() else "w+b") as file:
                whole = file.read()
                file.seek(whole.rfind(b"\n") + 1)  # over what a crash cut short
                file.truncate()
                file.writelines(_line(tombstone) for tombstone in new)
                file.flush()
                os.fsync(file.fileno())
            sync_folder(self.path.parent)  # the first line makes the file


def _line(tombstone: Tombstone) -> bytes:
    by = tombstone.originator
    row = {
        "encounter": tombstone.encounter_id,
        "gallery": tombstone.gallery,
        "at": tombstone.at.isoformat(),
        "ori": by.ori,
        "tcn": by.tcn,
    }
    return json.dumps(row).encode() + b"\n"


def _tombstone(line: bytes) -> Tombstone:
    row = json.loads(line)
    by = Originator(row["ori"], row["tcn"])
    return Tombstone(row["encounter"], row["gallery"], datetime.fromisoformat(row["at"]), by)
