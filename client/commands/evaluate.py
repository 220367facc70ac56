"""tenprint evaluate"""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table

from tenprint.client import console
from tenprint.client.console import Exit

if TYPE_CHECKING:
    from tenprint.client.evaluation.run import Result


def evaluate(
    folder: Annotated[
        Path,
        typer.Argument(help="holds manifest.csv: dataset, finger, impression, path, ppi; also subject, where known"),
    ],
    out: Annotated[
        Path, typer.Option(help="folder for report.json, report.md, det.png and cmc.png; made where there is none")
    ] = Path("evaluation"),
    templates: Annotated[Path | None, typer.Option(help="folder of ISO 19794-2 templates to use for images")] = None,
    rotate: Annotated[
        float, typer.Option(min=0, max=180, help="also search every probe turned by up to so many degrees")
    ] = 0.0,
    partial: Annotated[bool, typer.Option("--partial", help="also search half of every probe")] = False,
    bozorth3: Annotated[
        bool, typer.Option("--bozorth3", help="also compare by bozorth3, on the same minutiae")
    ] = False,
    as_json: console.Json = False,
) -> None:
    """Measure accuracy on a folder of prints, as a server with these settings (TENPRINT_*) would extract and search.

    Reports EER, FMR100, FMR1000, rank-1, rank-10, penetration and FNIR with intervals: by vectors alone and re-ranked,
    by data set and pooled, by one, two, four and ten fingers. The same prints give the same
    report, but for its seconds.
    """

    def load() -> Any:
        import matplotlib.figure  # noqa: F401 - what is missing is told before minutes of work

        from tenprint.client.evaluation import manifest, plots, report, run
        from tenprint.fingerprint.errors import ModelError
        from tenprint.server.settings import Settings

        return manifest, plots, report, run, ModelError, Settings

    manifest, plots, report, run, ModelError, Settings = console.require("evaluate", load)  # noqa: N806 - classes
    try:
        prints, settings = manifest.read_manifest(folder), Settings()
    except (OSError, ValueError) as error:
        console.fail(Exit.USAGE, str(error))
    if templates is not None and (rotate or partial):
        console.fail(Exit.USAGE, "--rotate and --partial change images; --templates has none")
    files = [item.path if templates is None else manifest.template_path(templates, item) for item in prints]
    if absent := [path for path in files if not path.is_file()]:
        console.fail(Exit.USAGE, f"{len(absent)} files of the manifest are not there, the first: {absent[0]}")
    asked = run.Asked(templates, rotate, partial, bozorth3)
    with contextlib.ExitStack() as stack:
        bars = stack.enter_context(Progress(console=console.err, disable=as_json))

        def progress(what: str, total: int) -> Callable[[], None]:
            task = bars.add_task(what, total=total)
            return lambda: bars.advance(task)

        try:
            result = run.evaluate(prints, asked, settings, progress)
            out.mkdir(parents=True, exist_ok=True)
            document = report.to_json(result.report)
            (out / "report.json").write_text(document, encoding="utf-8")
            (out / "report.md").write_text(report.to_markdown(result.report), encoding="utf-8")
            plots.plot(result, out)
        except (run.EvaluationError, ModelError, OSError) as error:
            console.fail(Exit.FAILED, str(error))
    if as_json:
        typer.echo(document, nl=False)
    else:
        console.out.print(_table(result))
        console.out.print(f"{out / 'report.md'} says what was measured, with intervals", markup=False, soft_wrap=True)


def _table(result: "Result") -> Table:
    given, vector, ranked = (result.report[name] for name in ("input", "embedding", "reranked"))
    table = Table(
        "data set", "unusable", "EER %", "rank-1", "rank-10", "EER %, re-ranked", "rank-1, re-ranked",
        title=f"{given['extractor']}, model {given['model_version']}: one finger among {given['fingers']}",
    )  # fmt: skip
    failures = result.report["failures_to_extract"]
    for name in (*vector["datasets"], "pooled"):
        parts = [part["datasets"].get(name, part["pooled"]) for part in (vector, ranked)]
        cells = [
            f"{scale * part[key]:.{digits}f}" if key in part else "-"
            for part, keys in zip(parts, (("eer", "rank_1", "rank_10"), ("eer", "rank_1")), strict=True)
            for key in keys
            for scale, digits in [(100, 2) if key == "eer" else (1, 3)]
        ]
        table.add_row(name, str(failures[name]), *cells, style="bold" if name == "pooled" else None)
    return table
