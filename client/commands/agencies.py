"""tenprint agencies: who takes part. Commands on the workflow's database itself; its server may run."""

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tenprint.client import console
from tenprint.client.commands import workflow_database
from tenprint.client.commands.workflow_database import DatabaseUrl
from tenprint.client.console import EXIT_CODES, Exit

agencies = typer.Typer(no_args_is_help=True, help="Who takes part in the workflow, and what each may have and do.")


@agencies.command("import", epilog=EXIT_CODES)
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="agencies as .csv, .yaml or .yml")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="check and tell, and change nothing")] = False,
    plain_webhooks: Annotated[
        bool, typer.Option(envvar="TENPRINT_WORKFLOW_PLAIN_WEBHOOKS", help="the server's setting of that name")
    ] = False,
    database_url: DatabaseUrl = None,
    as_json: console.Json = False,
) -> None:
    """Put agencies in, each in the place of the one with its ORI. All of a file, or nothing of it."""
    with workflow_database.opened(database_url) as database:
        from tenprint.workflow import agency_files

        try:
            rows = agency_files.read(file.read_bytes(), file.suffix.lower(), plain_webhooks=plain_webhooks)
            made = database.write(lambda c: agency_files.take(c, rows, datetime.now(UTC), dry_run=dry_run))
        except agency_files.AgencyFileError as error:
            if as_json:
                console.print_json({"problems": error.problems})
            console.fail(Exit.REFUSED, f"{file} is not taken:\n{error}")
    if as_json:
        console.print_json({"dry_run": dry_run, **dataclasses.asdict(made)})
        return
    counts = f"{len(made.added)} added, {len(made.changed)} changed, {len(made.unchanged)} unchanged"
    console.out.print(counts + (" (dry run: nothing was changed)" if dry_run else ""))
    for ori in made.without_secret:
        console.out.print(f"{ori} has no secret for its webhooks yet: tenprint agencies secret {ori}", markup=False)


@agencies.command("list", epilog=EXIT_CODES)
def list_(database_url: DatabaseUrl = None, as_json: console.Json = False) -> None:
    """List the agencies, by ORI. Secrets are not shown."""
    with workflow_database.opened(database_url) as database:
        from tenprint.workflow import agencies as known

        with database.read() as connection:
            found = known.all_of(connection)
    if as_json:
        shown = [{**dataclasses.asdict(agency), "secret": bool(agency.secret)} for agency in found]
        console.print_json(shown)
        return
    table = Table("ORI", "name", "role", "jurisdiction", "bureau", "field office", "receives", "channel", "purposes")
    for agency in found:
        receives = "yes" if agency.can_receive else "no"
        table.add_row(
            agency.ori, agency.name, agency.role, agency.jurisdiction, agency.bureau, agency.field_office, receives,
            agency.channel, " ".join(agency.purposes),
        )  # fmt: skip
    console.out.print(table)


@agencies.command(epilog=EXIT_CODES)
def secret(
    ori: Annotated[str, typer.Argument(help="the agency")],
    database_url: DatabaseUrl = None,
    as_json: console.Json = False,
) -> None:
    """Make a new secret that signs an agency's webhooks, and show it once. The one before is valid no more."""
    with workflow_database.opened(database_url) as database:
        from tenprint.workflow import agencies as known
        from tenprint.workflow import webhooks
        from tenprint.workflow.errors import UnknownAgencyError

        made = webhooks.new_secret()
        try:
            database.write(lambda c: known.replace(c, [dataclasses.replace(known.known(c, ori, "ori"), secret=made)]))
        except UnknownAgencyError as error:
            console.fail(Exit.REFUSED, str(error))
    console.print_json({"ori": ori, "secret": made}) if as_json else typer.echo(made)
