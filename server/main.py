"""The entry: `tenprint serve` and `python -m tenprint.server`."""

import asyncio
import sys
from collections.abc import Sequence

from pydantic import ValidationError
from pydantic_settings import CliApp
from yaml import YAMLError

from tenprint.fingerprint.errors import ModelError
from tenprint.server import logging
from tenprint.server.app import run
from tenprint.server.endpoint import AddressError
from tenprint.server.ledger import LedgerError
from tenprint.server.recovery import IndexFolderError, SnapshotAheadError
from tenprint.server.settings import Settings
from tenprint.store import StoreError


def serve(arguments: Sequence[str]) -> int:
    """Run a server until it is told to stop.

    Args:
        arguments: flags, as `tenprint serve --help` lists them.

    Returns:
        The process's exit status: 0 after a clean drain, 2 for a setting that is wrong.
    """
    try:
        settings = CliApp.run(Settings, cli_args=list(arguments))
    except (ValidationError, OSError, YAMLError) as error:
        sys.stderr.write(f"tenprint serve: {error}\n")
        return 2
    logging.configure(settings.log_level)
    try:
        asyncio.run(run(settings))
    except (
        StoreError,
        SnapshotAheadError,
        IndexFolderError,
        LedgerError,
        ModelError,
        AddressError,
        OSError,
    ) as error:
        sys.stderr.write(f"tenprint serve: {error}\n")
        return 2
    return 0
