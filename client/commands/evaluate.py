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
from tenprint.client.evaluation import GALLERY, EvaluationError, Report, read_manifest, template_path
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
    files = [item.path if templates is None else template_path(templates, item) for item in prints]
    if absent := [path for path in files if not path.is_file()]:
        console.fail(Exit.USAGE, f"{len(absent)} files of the manifest are not there, the first: {absent[0]}")

    def watched(stream: Iterator[_T], what: str, total: int) -> Iterable[_T]:
        return track(stream, what, total, console=console.err, disable=as_json)

    with console.reported(as_json=as_json), LocalServer((GALLERY,)) as server:
        with Client(server.start().listen) as client:
            try:
                report = run(client, prints, templates, watched)
            except (EvaluationError, OSError) as error:
                console.fail(Exit.FAILED, str(error))
        server.stop()
    if as_json:
        console.print_json(report)
    else:
        console.out.print(_table(report))


def _table(report: Report) -> Table:
    title = f"{report.form}, model {report.model_version}: one finger of known position, all fingers pooled"
    pooled = report.pooled
    rate = report.search_wall_seconds / max(pooled.probes, 1) * 1000
    table = Table(
        "dataset", "probes", "rank-1", "rank-10", "unusable", "ms p50", "ms p95",
        title=title,
        caption=f"{pooled.fingers} fingers enrolled; {pooled.probes} searches in {report.search_wall_seconds:.1f} s by "
        f"the clock, {rate:.0f} ms each; p50 and p95: the server's own time for a probe, under that load",
    )  # fmt: skip
    for name, result in (*report.datasets.items(), ("pooled", pooled)):
        table.add_row(
            name,
            str(result.probes),
            f"{result.rank_1:.3f}",
            f"{result.rank_10:.3f}",
            str(result.refused),
            f"{result.seconds_p50 * 1000:.0f}",
            f"{result.seconds_p95 * 1000:.0f}",
            style="bold" if name == "pooled" else None,
        )
    return table
