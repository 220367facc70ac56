"""tenprint policy: what people decide about the flow. Commands on the database itself; the server may run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from tenprint.client import console
from tenprint.client.commands import workflow_database
from tenprint.client.commands.workflow_database import DatabaseUrl
from tenprint.client.console import EXIT_CODES, Exit

if TYPE_CHECKING:
    from tenprint.workflow.policy import Policy

policy = typer.Typer(no_args_is_help=True, help="Thresholds, bars, deadlines, and what is shared with whom; versioned.")

_MAX_BYTES = 1_000_000


@policy.command(epilog=EXIT_CODES)
def show(
    version: Annotated[int | None, typer.Option(min=0, help="an older one; 0: the defaults")] = None,
    database_url: DatabaseUrl = None,
    as_json: console.Json = False,
) -> None:
    """Print the policy in force, as YAML that `tenprint policy set` takes."""
    with workflow_database.opened(database_url) as database:
        import yaml

        from tenprint.workflow import policy as policies

        with database.read() as connection:
            if version is None:
                number, found = policies.current(connection)
            else:
                held = policies.by_version(connection, version)
                if held is None:
                    console.fail(Exit.REFUSED, f"there is no version {version}: tenprint policy history lists them")
                number, found = version, held
        document = found.model_dump(mode="json")
    if as_json:
        console.print_json({"version": number, "policy": document})
    else:
        typer.echo(f"# version {number}\n{yaml.safe_dump(document, sort_keys=False)}", nl=False)


@policy.command("set", epilog=EXIT_CODES)
def set_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="YAML; what is left out is the default's")],
    author: Annotated[str, typer.Option(envvar="USER", help="who decides it; kept with it")],
    database_url: DatabaseUrl = None,
    as_json: console.Json = False,
) -> None:
    """Put a policy in force, as a new version. What was decided by earlier ones keeps their numbers."""
    if not 1 <= len(author) <= 64:
        console.fail(Exit.USAGE, "--author: one to 64 characters")
    with workflow_database.opened(database_url) as database:
        from tenprint.workflow import policy as policies

        wanted = _read(file)
        number = database.write(lambda connection: policies.replace(connection, wanted, author))
    console.print_json({"version": number}) if as_json else console.out.print(f"version {number} is in force")


@policy.command(epilog=EXIT_CODES)
def history(database_url: DatabaseUrl = None, as_json: console.Json = False) -> None:
    """List the versions, newest first: when, and by whom."""
    with workflow_database.opened(database_url) as database:
        from tenprint.workflow import policy as policies

        with database.read() as connection:
            versions = policies.history(connection)
    if as_json:
        console.print_json(versions)
        return
    table = Table("version", "in force since", "author")
    for item in versions:
        table.add_row(str(item.version), item.at.isoformat(timespec="seconds"), item.author)
    console.out.print(table)


def _read(file: Path) -> "Policy":
    import yaml
    from pydantic import ValidationError

    from tenprint.workflow.policy import Policy

    if file.stat().st_size > _MAX_BYTES:
        console.fail(Exit.REFUSED, f"{file} is over {_MAX_BYTES} bytes")
    try:
        document: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        return Policy.model_validate({} if document is None else document)
    except ValidationError as error:
        told = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()]
        console.fail(Exit.REFUSED, f"{file} is not taken:\n" + "\n".join(told))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        console.fail(Exit.REFUSED, f"{file} is no YAML: {error}")
