"""tenprint enrol"""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from tenprint.client import console, files, render
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
    ppi: Annotated[int | None, typer.Option(min=1, help="resolution of images that do not say")] = None,
    address: console.Address = console.DEFAULT_ADDRESS,
    ca: console.Ca = None,
    cert: console.Cert = None,
    key: console.Key = None,
    timeout: console.Timeout = 60.0,
    as_json: console.Json = False,
) -> None:
    """Enrol captures into a gallery: one transaction file or one set of fingers, or many transaction files."""
    many = len(prints) > 1 and all(Path(name).suffix.lower() in files.TRANSACTIONS for name in prints)
    if many and (tcn or subject):
        console.fail(Exit.USAGE, "--tcn and --subject belong to one capture; several files were given")
    try:
        chosen = files.parse_positions(positions)
        captures = [files.capture([name], chosen, ppi) for name in prints] if many else [
            files.capture(prints, chosen, ppi)
        ]  # fmt: skip
    except (ValueError, OSError) as error:
        console.fail(Exit.USAGE, str(error))
    enrolments = [Enrolment(Originator(ori, tcn or console.new_tcn()), gallery, item, subject) for item in captures]
    first = enrolments[0].originator.tcn
    with (
        console.reported(as_json=as_json, tcn=None if many else first),
        console.connect(address, ca, cert, key, timeout) as client,
    ):
        if not many:
            receipt = client.enrol(enrolments[0])
            console.print_json(receipt) if as_json else console.out.print(render.receipt(receipt))
            return
        refused = 0
        stream = client.enrol_stream(enrolments, timeout * len(enrolments))
        for number, result in track(stream, "enrolling", len(enrolments), console=console.err, disable=as_json):
            refused += isinstance(result, TenprintError)
            _tell(prints[number], enrolments[number].originator.tcn, result, as_json=as_json)
    raise typer.Exit(Exit.INCOMPLETE if refused else Exit.OK)


def _tell(name: str, tcn: str, result: Receipt | TenprintError, *, as_json: bool) -> None:
    """One file's result, as soon as it is known; with its TCN, under which it can be repeated."""
    if as_json:
        console.print_json({"file": name, "tcn": tcn, "result": result})
    elif isinstance(result, TenprintError):
        console.err.print(f"{name} (TCN {tcn}): {result.code.name}: {result}", markup=False)
    else:
        console.out.print(f"{name} (TCN {tcn}): subject {result.subject_id}", markup=False)
