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
    ppi: Annotated[int | None, typer.Option(help="resolution of images that do not say")] = None,
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
    with console.reported(), console.connect(address, ca, cert, key, timeout) as client:
        if not many:
            receipt = client.enrol(enrolments[0])
            console.print_json(receipt) if as_json else console.out.print(render.receipt(receipt))
            return
        results: list[Receipt | TenprintError] = []
        stream = client.enrol_stream(enrolments, timeout * len(enrolments))
        for _, result in track(stream, "enrolling", len(enrolments), console=console.err, disable=as_json):
            results.append(result)
    refused = 0
    for name, result in zip(prints, results, strict=True):
        if isinstance(result, TenprintError):
            refused += 1
        if as_json:
            console.print_json({"file": name, "result": result})
        elif isinstance(result, TenprintError):
            console.err.print(f"{name}: {result.code.name}: {result}", markup=False)
        else:
            console.out.print(f"{name}: subject {result.subject_id}", markup=False)
    raise typer.Exit(Exit.INCOMPLETE if refused else Exit.OK)
