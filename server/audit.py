"""The audit log: one line for every access, answered, refused or cut short."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from tenprint.server.errors import ServiceError
from tenprint.store import Originator

_log = structlog.get_logger("tenprint.audit")


@contextmanager
def access(event: str, originator: Originator, **facts: Any) -> Iterator[dict[str, Any]]:
    """Log an access when it ends, however it ends.

    Args:
        event: what is done: identify, enrol, delete, get.
        originator: who does it.
        **facts: what is known before.

    Yields:
        The facts, to add to: gallery, subject and encounter ids, outcomes; never a print or a name.
    """
    try:
        yield facts
    except ServiceError as error:
        facts["refused"] = str(error)
        raise
    except BaseException as error:
        # Cut short by the caller, or a fault of ours: its message may hold anything, so only its kind is told.
        facts["refused"] = type(error).__name__
        raise
    finally:
        _log.info(event, ori=originator.ori, tcn=originator.tcn, **facts)
