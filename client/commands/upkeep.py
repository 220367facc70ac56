"""tenprint backup, restore, verify, rebuild-index, calibrate, reembed: commands on the store itself."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import MofNCompleteColumn, Progress

from tenprint.client import console
from tenprint.client.console import Exit, require

if TYPE_CHECKING:
    from tenprint.server.reembedding import Reembedding
    from tenprint.server.settings import Settings

DatabaseUrl = Annotated[
    str | None, typer.Option(envvar="TENPRINT_DATABASE_URL", help="the store; unset: the server's default")
]
IndexFolder = Annotated[
    Path | None, typer.Option(envvar="TENPRINT_INDEX_FOLDER", help="snapshots and ledger; unset: the server's default")
]
Model = Annotated[Path | None, typer.Option(help="folder of the other model; unset: the one in the package")]
Gallery = Annotated[str, typer.Option(help="the gallery whose model is changed")]

reembed = typer.Typer(
    no_args_is_help=True,
    help="Change the model of a gallery: build an epoch of it, compare, swap. To go back, swap the older model in.",
)


def backup(
    folder: Annotated[Path, typer.Argument(help="where to; a new folder")],
    database_url: DatabaseUrl = None,
    as_json: console.Json = False,
) -> None:
    """Copy the store into a folder, with the answers to sample probes. The server may run."""
    with reported():
        from tenprint.server.backup import back_up

        made = back_up(settings(database_url, None).database_url.get_secret_value(), folder)
        _tell(made, f"backed up {_counts(made.encounters)}; answers to {made.probes} probes recorded", as_json=as_json)


def restore(
    folder: Annotated[Path, typer.Argument(help="a folder that tenprint backup made")],
    database_url: DatabaseUrl = None,
    index_folder: IndexFolder = None,
    as_json: console.Json = False,
) -> None:
    """Copy a backup into an empty database; prove that it answers as before, and that nothing expunged is back."""
    with reported():
        from tenprint.server.backup import restore as bring_back
        from tenprint.server.recovery import IndexFolder as Folder

        found = settings(database_url, index_folder)
        place = Folder(found.index_path)
        try:
            made = bring_back(folder, found.database_url.get_secret_value(), place.ledger)
        finally:
            place.close()
        told = f"restored {_counts(made.encounters)}; {made.probes} probes answered as before, bit for bit; "
        _tell(made, f"{told}{made.expunged} expunged encounters stay gone", as_json=as_json)


def verify(database_url: DatabaseUrl = None, index_folder: IndexFolder = None, as_json: console.Json = False) -> None:
    """Hold the snapshots against the store, record by record. The server must be stopped."""
    with reported():
        from tenprint.server.upkeep import verify as check

        found = check(settings(database_url, index_folder))
        for name, one in found.items():
            source = "its snapshot and the log" if one.from_snapshot else "the store alone: no snapshot could be used"
            faults = f"{one.missing} missing, {one.different} different, {one.ghosts} not in the store"
            _tell(
                {"gallery": name, **dataclasses.asdict(one), "sound": one.is_sound},
                f"{name}: {one.encounters} encounters from {source}; {'sound' if one.is_sound else faults}",
                as_json=as_json,
            )
    raise typer.Exit(Exit.OK if all(one.is_sound for one in found.values()) else Exit.FAILED)


def rebuild_index(
    database_url: DatabaseUrl = None, index_folder: IndexFolder = None, as_json: console.Json = False
) -> None:
    """Remove every snapshot and make new ones from the store. The server must be stopped."""
    with reported():
        from tenprint.server.upkeep import rebuild_index as rebuild

        made = rebuild(settings(database_url, index_folder))
        _tell({"encounters": made}, f"rebuilt {_counts(made)}", as_json=as_json)


def calibrate(
    gallery: Annotated[str, typer.Argument(help="the gallery whose people are searched in it")],
    out: Annotated[Path, typer.Option(help="file to write; name it to the server by TENPRINT_CALIBRATION")],
    probes: Annotated[
        int, typer.Option(min=500, help="people to search for; 3 divided by it is the least FPIR promised")
    ] = 4000,
    database_url: DatabaseUrl = None,
    as_json: console.Json = False,
) -> None:
    """Fit how scores of strangers are spread in a gallery of 500 people or more. The server may run."""
    with reported():
        from tenprint.server.calibrating import calibrate as fit

        store = settings(database_url, None)
        with Progress(
            *Progress.get_default_columns(), MofNCompleteColumn(), console=console.err, disable=as_json
        ) as bar:
            task = bar.add_task("searching", total=None)
            made = fit(store, gallery, probes, lambda done, total: bar.update(task, completed=done, total=total))
        made.calibration.write(out)
        told = f"{out}: calibration {made.calibration.version}, {made.people} people, {made.probes} searched for, "
        fields = {"version": made.calibration.version, "people": made.people, "probes": made.probes}
        _tell({**fields, "fused": made.fused}, f"{told}{made.fused} re-ranked", as_json=as_json)


@reembed.command()
def build(
    gallery: Gallery, model: Model = None, database_url: DatabaseUrl = None, as_json: console.Json = False
) -> None:
    """Make the other model's vectors from the minutiae kept. Goes on where it was interrupted; the server may run."""
    with _reembedding(gallery, model, database_url) as work:
        with Progress(
            *Progress.get_default_columns(), MofNCompleteColumn(), console=console.err, disable=as_json
        ) as bar:
            task = bar.add_task("embedding", total=work.missing())
            built = work.build(lambda looked_at: bar.advance(task, looked_at))
        told = f"epoch {built.epoch}: {built.embedded} encounters embedded, {built.without_minutiae} without minutiae, "
        _tell(built, f"{told}{built.unusable} of which this model can make nothing", as_json=as_json)


@reembed.command()
def compare(
    gallery: Gallery, model: Model = None, database_url: DatabaseUrl = None, as_json: console.Json = False
) -> None:
    """Search a sample of the gallery in both epochs."""
    with _reembedding(gallery, model, database_url) as work:
        _tell_comparison(work.compare(), as_json=as_json)


@reembed.command()
def swap(
    gallery: Gallery,
    model: Model = None,
    even_if_worse: Annotated[bool, typer.Option(help="also where it finds fewer mates than the live one")] = False,
    database_url: DatabaseUrl = None,
    as_json: console.Json = False,
) -> None:
    """Compare, and make the other model's epoch the live one at once, or refuse. Restart the server with that model."""
    with _reembedding(gallery, model, database_url) as work:
        _tell_comparison(work.swap(even_if_worse=even_if_worse), as_json=as_json)


@reembed.command()
def forget(gallery: Gallery, model: Model = None, database_url: DatabaseUrl = None) -> None:
    """Erase the epoch of a model that is not live."""
    with _reembedding(gallery, model, database_url) as work:
        work.forget()


@contextmanager
def _reembedding(gallery: str, model: Path | None, database_url: str | None) -> Iterator["Reembedding"]:
    with reported():
        from tenprint.server.reembedding import Reembedding
        from tenprint.store import opened_as_it_is

        url = settings(database_url, None).database_url.get_secret_value()
        with opened_as_it_is(url) as (store, _):
            yield Reembedding(store, gallery, model)


def settings(database_url: str | None, index_folder: Path | None) -> "Settings":
    """The server's settings, with what the command line says."""
    from tenprint.server.settings import Settings

    given = {"database_url": database_url, "index_folder": index_folder}
    return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]  # pydantic reads them


@contextmanager
def reported() -> Iterator[None]:
    """What these commands can run into, as messages and exit codes."""

    def load() -> tuple[type[Exception], ...]:
        from pydantic import ValidationError

        from tenprint.fingerprint.errors import ModelError
        from tenprint.server.backup import BackupError
        from tenprint.server.calibrating import CalibratingError
        from tenprint.server.ledger import LedgerError
        from tenprint.server.logging import configure
        from tenprint.server.recovery import IndexFolderError, SnapshotAheadError
        from tenprint.store import StoreError

        configure("warning")  # to standard error: standard output is the command's answer
        return (
            StoreError,
            BackupError,
            CalibratingError,
            LedgerError,
            IndexFolderError,
            SnapshotAheadError,
            ModelError,
            ValidationError,
            OSError,
        )

    known = require("server", load)
    try:
        yield
    except known as error:
        console.fail(Exit.FAILED, str(error))


def _tell(value: Any, text: str, *, as_json: bool) -> None:
    if as_json:
        console.print_json(value)
    else:
        console.out.print(text, markup=False, soft_wrap=True)


def _tell_comparison(compared: Any, *, as_json: bool) -> None:
    text = (
        f"mates found first: live {compared.live.mates}, new {compared.new.mates} of {compared.mated}; "
        f"strangers over the threshold: live {compared.live.strangers}, new {compared.new.strangers} "
        f"of {compared.non_mated}; same first candidate: {compared.same_first} of {compared.mated}"
    )
    _tell(compared, text, as_json=as_json)


def _counts(encounters: Any) -> str:
    return ", ".join(f"{count} encounters of {name}" for name, count in encounters.items()) or "no galleries"
