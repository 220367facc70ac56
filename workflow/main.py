"""The entry: `tenprint workflow serve` and `python -m tenprint.workflow`."""

import asyncio
import sys
from collections.abc import Sequence

from pydantic import ValidationError
from pydantic_settings import CliApp
from yaml import YAMLError

from tenprint.server import logging
from tenprint.server.endpoint import AddressError
from tenprint.store import StoreError
from tenprint.workflow.app import run
from tenprint.workflow.settings import WorkflowSettings


def serve(arguments: Sequence[str]) -> int:
    """Run the workflow until it is told to stop.

    Args:
        arguments: flags, as `tenprint workflow serve --help` lists them.

    Returns:
        The process's exit status: 0 after a clean drain, 2 for a setting that is wrong.
    """
    try:
        settings = CliApp.run(WorkflowSettings, cli_args=list(arguments))
    except (ValidationError, OSError, YAMLError) as error:
        sys.stderr.write(f"tenprint workflow serve: {error}\n")
        return 2
    logging.configure(settings.log_level)
    try:
        asyncio.run(run(settings))
    except (StoreError, AddressError, OSError) as error:
        sys.stderr.write(f"tenprint workflow serve: {error}\n")
        return 2
    return 0
