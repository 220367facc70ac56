"""The audit log: one line for every access, answered, refused or cut short."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from tenprint.server.errors import status_of
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
    except Exception as error:
        facts["refused"] = status_of(error).message
        raise
    except BaseException:
        facts["refused"] = "cut short by the caller"
        raise
    finally:
        _log.info(event, ori=originator.ori, tcn=originator.tcn, **facts)
