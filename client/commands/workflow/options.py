"""What the commands of the workflow share: the address, the connection, messages as JSON."""

import json
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from tenprint.client.channel import Target
from tenprint.client.console import Exit, fail
from tenprint.client.workflow import DEFAULT_ADDRESS, WorkflowClient

Address = Annotated[str, typer.Option(envvar="TENPRINT_WORKFLOW_ADDRESS", help="host:port of the workflow's server")]

__all__ = ["DEFAULT_ADDRESS", "Address", "connect", "print_message"]


def connect(address: str, ca: Path | None, timeout: float) -> WorkflowClient:
    """A client from the command line's options."""
    if ca is not None and not ca.is_file():
        fail(Exit.USAGE, f"{ca} is not a file")
    return WorkflowClient(Target(address, ca), timeout)


def print_message(message: Message) -> None:
    """Print a message as one JSON document on one line, with the protos' own names."""
    typer.echo(json.dumps(MessageToDict(message, preserving_proto_field_name=True)))
