"""What the commands share: options, exit codes, output for people and for machines."""

import dataclasses
import json
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import grpc
import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress

from tenprint.client.channel import Target
from tenprint.client.client import Client
from tenprint.client.errors import TenprintError
from tenprint.client.local_server import LocalServerError

if TYPE_CHECKING:
    from tenprint.fingerprint.synthetic import SyntheticPerson

out = Console()
err = Console(stderr=True)


class Exit(IntEnum):
    """Exit codes."""

    OK = 0
    """Answered, and every answer is complete."""
    FAILED = 1
    """Something else went wrong."""
    USAGE = 2
    """The command line is wrong."""
    INCOMPLETE = 3
    """A gallery answered partially or with an error, or some of several files were refused."""
    REFUSED = 4
    """The server refused the request."""
    UNAVAILABLE = 5
    """No server, or no answer in time."""


EXIT_CODES = (
    "Exit codes: 0 complete answer, 2 wrong usage, 3 a gallery partial or in error, or some files refused, "
    "4 refused, 5 no server or no answer in time, 1 anything else."
)

Address = Annotated[str, typer.Option(envvar="TENPRINT_ADDRESS", help="host:port of the server")]
Ca = Annotated[Path | None, typer.Option(envvar="TENPRINT_CA", help="PEM file of the server's authority: use TLS")]
Cert = Annotated[Path | None, typer.Option(envvar="TENPRINT_CERT", help="PEM file of the client's certificate")]
Key = Annotated[Path | None, typer.Option(envvar="TENPRINT_KEY", help="PEM file of its private key")]
Timeout = Annotated[float, typer.Option(min=0.001, max=86_400, help="seconds a call may take")]
Json = Annotated[bool, typer.Option("--json", help="print JSON instead of tables")]
Ori = Annotated[str, typer.Option(envvar="TENPRINT_ORI", help="ORI of the agency that asks")]

DEFAULT_ADDRESS = "localhost:50051"
UINT32 = 4_294_967_295
"""The largest number the wire carries; the server says what it allows."""


def connect(address: str, ca: Path | None, cert: Path | None, key: Path | None, timeout: float) -> Client:
    """A client from the command line's options."""
    for path in (ca, cert, key):
        if path is not None and not path.is_file():
            fail(Exit.USAGE, f"{path} is not a file")
    if (cert is None) != (key is None):
        fail(Exit.USAGE, "--cert and --key: give both or neither")
    return Client(Target(address, ca, cert, key), timeout)


def new_tcn() -> str:
    """A transaction control number that nobody has used: the time, and chance."""
    return f"TP{time.strftime('%Y%m%d%H%M%S', time.gmtime())}{uuid.uuid4().hex[:12].upper()}"


def print_json(value: Any) -> None:
    """Print one JSON document on one line: dataclasses as objects."""
    typer.echo(json.dumps(value, default=_plain))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, TenprintError):
        return {
            "code": value.code.name,
            "message": str(value),
            "violations": [dataclasses.asdict(violation) for violation in value.violations],
            "retry_after": value.retry_after,
        }
    if isinstance(value, np.generic):
        return value.item()
    return str(value)


def fail(code: Exit, message: str) -> NoReturn:
    """Say what is wrong and end."""
    err.print(f"tenprint: {message}", style="red", markup=False, soft_wrap=True)
    raise typer.Exit(code)


def exit_code(error: TenprintError) -> Exit:
    """The exit code of a failed call."""
    if error.code in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}:
        return Exit.UNAVAILABLE
    return Exit.FAILED if error.code in {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN} else Exit.REFUSED


@contextmanager
def reported(*, as_json: bool, tcn: str | None = None) -> Iterator[None]:
    """Turn a failed call inside into a message and an exit code.

    Args:
        as_json: print the error as a JSON document, too.
        tcn: the transaction, where it is one; told, so that it can be repeated.
    """
    try:
        yield
    except TenprintError as error:
        if as_json:
            print_json({"error": error, "tcn": tcn})
        fail(exit_code(error), f"{error.code.name}: {error}" + (f" (TCN {tcn})" if tcn else ""))
    except LocalServerError as error:
        fail(Exit.FAILED, str(error))


def require(extra: str, load: Callable[[], Any]) -> Any:
    """Import what an extra brings, or say how to get it."""
    try:
        return load()
    except ModuleNotFoundError as error:
        fail(Exit.USAGE, f"this command needs {error.name}: pip install 'tenprint[{extra}]'")


def grow(seeds: Sequence[int], *, quiet: bool) -> "list[SyntheticPerson]":
    """Synthetic people, their fingers from the cache or grown now, a second each, and kept there."""

    def load() -> Any:
        from tenprint.fingerprint import synthetic

        return synthetic

    synthetic = require("server", load)
    with Progress(console=err, disable=quiet) as progress:
        task = progress.add_task("growing fingers (cached for the next time)", total=10 * len(seeds))
        people: list[SyntheticPerson] = synthetic.grow_people(
            seeds, progress=lambda done, _total: progress.update(task, completed=done)
        )
        progress.update(task, completed=10 * len(seeds))
    return people
