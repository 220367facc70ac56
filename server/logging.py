"""Structured logs: one JSON object a line on standard error, UTC to the microsecond, with the request id."""

import functools
import logging
import sys
from typing import TextIO

import structlog


def configure(level: str, file: TextIO | None = None) -> None:
    """Send our lines, and other libraries' warnings, to standard error as JSON.

    Args:
        level: least severe level shown: debug, info, warning or error.
        file: where our own lines go; None: to what is standard error when a line is written.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # A frame's locals may be a request, an image, a vector: never in a log.
    tracebacks = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    exceptions = structlog.processors.ExceptionRenderer(tracebacks)
    # Our own lines go straight to the file. By way of the standard library each took the loop three times as long, and
    # there are two for every answer and every refusal.
    structlog.configure(
        processors=[*shared, exceptions, structlog.processors.JSONRenderer()],
        logger_factory=functools.partial(_Lines, file),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                exceptions,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)  # what other libraries chat about may hold what they were handed


class _Lines:
    """Writes each line at once and whole; has the name that lines are told by."""

    def __init__(self, file: TextIO | None, name: str) -> None:
        self._file, self.name = file, name

    def msg(self, line: str) -> None:
        """Write a line."""
        (self._file or sys.stderr).write(line + "\n")

    debug = info = warning = error = critical = msg
