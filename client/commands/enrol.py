"""tenprint enrol"""

import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import grpc
import typer
from rich.progress import track

from tenprint.client import console, files, render
from tenprint.client.client import Client
from tenprint.client.console import Exit
from tenprint.client.errors import TenprintError
from tenprint.client.types import Enrolment, Originator, Receipt


def enrol(
    gallery: Annotated[str, typer.Argument(help="the gallery to enrol into")],
    prints: Annotated[list[str], typer.Argument(help="transaction files, each a capture; or POSITION=FILE ...")],
    ori: console.Ori,
    tcn: Annotated[str | None, typer.Option(help="transaction control number; made here where not given")] = None,
    subject: Annotated[str | None, typer.Option(help="the person; a new one where not given")] = None,
    positions: Annotated[str, typer.Option(help="use only these positions, as in 1,2,3")] = "",
    ppi: Annotated[
        int | None, typer.Option(min=1, max=console.UINT32, help="resolution of images that do not say")
    ] = None,
    address: console.Address = console.DEFAULT_ADDRESS,
    ca: console.Ca = None,
    cert: console.Cert = None,
    key: console.Key = None,
    timeout: console.Timeout = 60.0,
    patience: Annotated[
        float, typer.Option(min=0, max=86_400, help="with many files: seconds to wait for a server that went away")
    ] = 60.0,
    as_json: console.Json = False,
) -> None:
    """Enrol captures into a gallery: one transaction file or one set of fingers, or many transaction files.

    Many files can be enrolled again after a break, with the same command: what was enrolled is not enrolled twice, also
    where it was deleted since. To enrol such a file anew, give it alone: it gets a transaction number of its own.
    """
    many = len(prints) > 1 and all(Path(name).suffix.lower() in files.TRANSACTIONS for name in prints)
    if many and (tcn or subject):
        console.fail(Exit.USAGE, "--tcn and --subject belong to one capture; several files were given")
    if many and (absent := [name for name in prints if not Path(name).is_file()]):
        console.fail(Exit.USAGE, f"{len(absent)} of the files are not there, the first: {absent[0]}")
    try:
        tcns = [_content_tcn(gallery, name, positions) for name in prints] if many else [tcn or console.new_tcn()]
        chosen = files.parse_positions(positions)
        capture = None if many else files.capture(prints, chosen, ppi)
    except (ValueError, OSError) as error:
        console.fail(Exit.USAGE, str(error))
    with (
        console.reported(as_json=as_json, tcn=None if many else tcns[0]),
        console.connect(address, ca, cert, key, timeout) as client,
    ):
        if capture is not None:
            receipt = client.enrol(Enrolment(Originator(ori, tcns[0]), gallery, capture, subject))
            console.print_json(receipt) if as_json else console.out.print(render.receipt(receipt))
            return
        refused = 0

        def enrolments(start: int) -> Iterator[Enrolment]:
            for name, number in zip(prints[start:], tcns[start:], strict=True):
                # Read when its turn comes: together they may be larger than the memory.
                yield Enrolment(Originator(ori, number), gallery, files.capture([name], chosen, ppi))

        stream = _resumed(client, enrolments, len(prints), timeout, patience)
        try:
            for item, result in track(stream, "enrolling", len(prints), console=console.err, disable=as_json):
                refused += isinstance(result, TenprintError)
                _tell(prints[item], tcns[item], result, as_json=as_json)
        except (ValueError, OSError) as error:  # of a file that could not be read; those before it are enrolled
            console.fail(Exit.USAGE, str(error))
    raise typer.Exit(Exit.INCOMPLETE if refused else Exit.OK)


def _content_tcn(gallery: str, name: str, positions: str) -> str:
    """The TCN of one of many files: made of its content, so that the whole command can be given again after a break.

    What was enrolled then is answered with its first receipt, and is not enrolled twice.
    """
    digest = hashlib.sha256(f"{gallery}\0{positions}\0".encode())
    with Path(name).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return f"TP{digest.hexdigest()[:32].upper()}"


def _resumed(
    client: Client,
    enrolments: Callable[[int], Iterator[Enrolment]],
    count: int,
    timeout: float,
    patience: float,
) -> Iterator[tuple[int, Receipt | TenprintError]]:
    """A stream of enrolments that is taken up again where it broke off, while the server comes back in time."""
    done, waited = 0, 0.0
    while done < count:
        start = done
        try:
            for item, result in client.enrol_stream(enrolments(start), timeout * (count - start)):
                done, waited = start + item + 1, 0.0
                yield start + item, result
        except TenprintError as error:
            if error.code is not grpc.StatusCode.UNAVAILABLE or waited >= patience:
                raise
            pause = min(0.5 + waited / 2, 5.0, patience - waited)
            time.sleep(pause)
            waited += pause


def _tell(name: str, tcn: str, result: Receipt | TenprintError, *, as_json: bool) -> None:
    """One file's result, as soon as it is known; with its TCN, under which it can be repeated."""
    if as_json:
        console.print_json({"file": name, "tcn": tcn, "result": result})
    elif isinstance(result, TenprintError):
        console.err.print(f"{name} (TCN {tcn}): {result.code.name}: {result}", markup=False, soft_wrap=True)
    else:
        again = " (enrolled before)" if result.repeated else ""
        console.out.print(f"{name} (TCN {tcn}): subject {result.subject_id}{again}", markup=False, soft_wrap=True)
