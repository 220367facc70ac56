"""tenprint evaluate"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.progress import track
from rich.table import Table

from tenprint.client import console
from tenprint.client.client import Client
from tenprint.client.console import Exit
from tenprint.client.evaluation import GALLERY, Report, read_manifest
from tenprint.client.evaluation import evaluate as run
from tenprint.client.local_server import LocalServer

_T = TypeVar("_T")


def evaluate(
    folder: Annotated[Path, typer.Argument(help="holds manifest.csv: dataset, finger, impression, path, ppi")],
    templates: Annotated[Path | None, typer.Option(help="folder of ISO 19794-2 templates to use for images")] = None,
    as_json: console.Json = False,
) -> None:
    """Print rank-1 and rank-10 on a folder of prints: impression 1 is enrolled in a new server, the others searched."""
    try:
        prints = read_manifest(folder)
    except (OSError, ValueError) as error:
        console.fail(Exit.USAGE, str(error))

    def watched(stream: Iterator[_T], what: str, total: int) -> Iterable[_T]:
        return track(stream, what, total, console=console.err, disable=as_json)

    with console.reported(), LocalServer((GALLERY,)) as server:
        with Client(server.start().listen) as client:
            report = run(client, prints, templates, watched)
        server.stop()
    if as_json:
        console.print_json(report)
    else:
        console.out.print(_table(report))


def _table(report: Report) -> Table:
    title = f"{report.form}, model {report.model_version}: one finger of known position, all fingers pooled"
    table = Table(
        "dataset", "fingers", "probes", "rank-1", "rank-10", "not enrolled", "not searched", "ms mean", "p50", "p95",
        title=title,
        caption=f"{report.pooled.probes} searches in {report.search_wall_seconds:.1f} s by the clock",
    )  # fmt: skip
    for name, result in (*report.datasets.items(), ("pooled", report.pooled)):
        table.add_row(
            name,
            str(result.fingers),
            str(result.probes),
            f"{result.rank_1:.3f}",
            f"{result.rank_10:.3f}",
            str(result.refused_enrolments),
            str(result.refused_probes),
            *(f"{seconds * 1000:.0f}" for seconds in (result.seconds_mean, result.seconds_p50, result.seconds_p95)),
            style="bold" if name == "pooled" else None,
        )
    return table
