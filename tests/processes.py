"""Server processes for tests. They are forked from one that has imported everything: a start takes a second less of a
core, and there are a hundred. That `python -m` and `tenprint serve` start one is proved elsewhere: `test_life`, the
benchmarks, the mock, the demonstration."""

import multiprocessing
import os
import signal
import subprocess
import sys
from contextlib import suppress

from tenprint.server.main import serve as serve_matcher
from tenprint.workflow.main import serve as serve_workflow

__all__ = ["Forked", "serve_matcher", "serve_workflow"]

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tenprint.server.main", "tenprint.workflow.main"])


class Forked:
    """A server in a process of its own, with as much of `subprocess.Popen` as tests use.

    Args:
        serve: what it runs, without flags: `serve_matcher` is `python -m tenprint.server`, `serve_workflow` likewise.
        environment: its environment variables.
        log: the file that its standard error is appended to.
    """

    def __init__(self, serve, environment, log):
        self._process = _context.Process(target=_run, args=(serve, environment, str(log)), daemon=True)
        self._process.start()
        self.pid = self._process.pid

    def poll(self):
        return self._process.exitcode

    def wait(self, timeout=None):
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("a forked server", timeout)
        return self._process.exitcode

    def send_signal(self, number):
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)


def _run(serve, environment, log):
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    os.environ.clear()
    os.environ.update(environment)
    sys.exit(serve([]))
