"""A server in a child process, on ports of its own: for demonstrations and evaluations."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_START_SECONDS = 60.0
_STOP_SECONDS = 60.0


class LocalServerError(Exception):
    """The child process did not start, or did not stop cleanly; the message ends with what it logged."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the child serves: host:port of gRPC, and of /metrics."""

    listen: str
    metrics: str


class LocalServer:
    """A server of one's own: `start` it, `stop` it to drain it; leaving the context kills what still runs.

    Args:
        galleries: names of the galleries to hold; None: the server's default.
        store: a folder that holds its database and snapshots, and is left there; None: one that is gone at the end.
    """

    def __init__(self, galleries: tuple[str, ...] | None = None, store: Path | None = None) -> None:
        self._galleries, self._store = galleries, store
        self._folder = tempfile.TemporaryDirectory(prefix="tenprint-")
        self._log = Path(self._folder.name) / "log.jsonl"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Addresses:
        """Start the child and wait until it serves.

        Raises:
            LocalServerError: if it ends, or does not serve within a minute.
        """
        ports = Path(self._folder.name) / "ports.json"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TENPRINT_")},
            "TENPRINT_LISTEN": "127.0.0.1:0",
            "TENPRINT_METRICS_LISTEN": "127.0.0.1:0",
            "TENPRINT_PORT_FILE": str(ports),
            "TENPRINT_DATABASE_URL": f"sqlite:///{(self._store or Path(self._folder.name)) / 'tenprint.db'}",
        }
        if self._galleries is not None:
            environment["TENPRINT_GALLERIES"] = json.dumps([{"name": name} for name in self._galleries])
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tenprint.server"], env=environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + _START_SECONDS
        while not ports.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise LocalServerError(f"the server did not start. Its log ends:\n{self._tail()}")
            time.sleep(0.02)
        found = json.loads(ports.read_text(encoding="utf-8"))
        return Addresses(found["listen"], found["metrics"])

    def stop(self) -> None:
        """Drain the child.

        Raises:
            LocalServerError: if it does not end with status 0.
        """
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        if status != 0:
            raise LocalServerError(f"the server ended with status {status}. Its log ends:\n{self._tail()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def _tail(self) -> str:
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:])
