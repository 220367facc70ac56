"""tenprint identify"""

from typing import Annotated

import typer

from tenprint.client import console, files, render
from tenprint.client.console import Exit
from tenprint.client.types import Originator, Search


def identify(
    prints: Annotated[list[str], typer.Argument(help="one transaction file; or POSITION=FILE for each finger")],
    gallery: Annotated[list[str], typer.Option(help="gallery to search; repeat for several")],
    ori: console.Ori,
    tcn: Annotated[str | None, typer.Option(help="transaction control number; made here where not given")] = None,
    positions: Annotated[str, typer.Option(help="use only these positions, as in 11,12")] = "",
    ppi: Annotated[
        int | None, typer.Option(min=1, max=console.UINT32, help="resolution of images that do not say")
    ] = None,
    max_candidates: Annotated[
        int | None, typer.Option(min=0, max=console.UINT32, help="1 to 100 for each gallery")
    ] = None,
    score_threshold: Annotated[float | None, typer.Option(help="-1 to 1; -1 shows the nearest, however far")] = None,
    target_fpir: Annotated[
        float | None, typer.Option(help="leave out what more than this share of strangers would reach; 0.001 is usual")
    ] = None,
    priority: Annotated[
        int | None, typer.Option(min=1, max=9, help="1 (rapid) to 9, the default, where searches wait")
    ] = None,
    address: console.Address = console.DEFAULT_ADDRESS,
    ca: console.Ca = None,
    cert: console.Cert = None,
    key: console.Key = None,
    timeout: console.Timeout = 60.0,
    as_json: console.Json = False,
) -> None:
    """Search one capture in galleries. Each gallery answers for itself."""
    try:
        probe = files.capture(prints, files.parse_positions(positions), ppi)
    except (ValueError, OSError) as error:
        console.fail(Exit.USAGE, str(error))
    search = Search(
        Originator(ori, tcn or console.new_tcn()),
        tuple(gallery),
        probe,
        max_candidates,
        score_threshold,
        priority=priority,
        target_fpir=target_fpir,
    )
    with (
        console.reported(as_json=as_json, tcn=search.originator.tcn),
        console.connect(address, ca, cert, key, timeout) as client,
    ):
        identification = client.identify(search)
    console.print_json(identification) if as_json else console.out.print(render.identification(identification))
    complete = all(answer.is_complete for answer in identification.answers)
    raise typer.Exit(Exit.OK if complete else Exit.INCOMPLETE)
