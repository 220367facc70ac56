"""Servers in child processes, on ports of their own: for demonstrations."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
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


class _Child:
    """A server of ours in a child process: `start` it, `stop` to drain it; leaving the context kills what still runs.

    Args:
        module: what `python -m` runs.
        prefix: of its settings' environment variables.
        settings: others than addresses, port file and database.
    """

    def __init__(self, module: str, prefix: str, settings: Mapping[str, str]) -> None:
        self._module, self._prefix, self._settings = module, prefix, settings
        self._folder = tempfile.TemporaryDirectory(prefix="tenprint-")
        self._log = Path(self._folder.name) / "log.jsonl"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def database_url(self) -> str:
        """Where the child keeps what it is told."""
        return f"sqlite:///{Path(self._folder.name) / 'server.db'}"

    def start(self) -> Addresses:
        """Start the child and wait until it serves.

        Raises:
            LocalServerError: if it ends, or does not serve within a minute.
        """
        ports = Path(self._folder.name) / "ports.json"
        settings = {
            "LISTEN": "127.0.0.1:0",
            "METRICS_LISTEN": "127.0.0.1:0",
            "PORT_FILE": str(ports),
            "DATABASE_URL": self.database_url,
            **self._settings,
        }
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TENPRINT_")},
            **{f"{self._prefix}{name}": value for name, value in settings.items()},
        }
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, by our own interpreter
                [sys.executable, "-m", self._module], env=environment, stdout=log, stderr=log
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


class LocalServer(_Child):
    """A matching server.

    Args:
        **settings: by their names in capitals, `EXTRACTOR="mindtct"`.
    """

    def __init__(self, **settings: str) -> None:
        super().__init__("tenprint.server", "TENPRINT_", settings)


class LocalWorkflow(_Child):
    """A workflow server that asks a matching server.

    Args:
        matcher: host:port of it.
        **settings: by their names in capitals.
    """

    def __init__(self, matcher: str, **settings: str) -> None:
        matchers = {"CRIMINAL_MATCHER": matcher, "IMMIGRATION_MATCHER": matcher}
        super().__init__("tenprint.workflow", "TENPRINT_WORKFLOW_", matchers | settings)
