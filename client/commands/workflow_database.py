"""What commands on the workflow's database share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from tenprint.client.console import Exit, fail, require

if TYPE_CHECKING:
    from tenprint.store import Database

DatabaseUrl = Annotated[
    str | None,
    typer.Option(envvar="TENPRINT_WORKFLOW_DATABASE_URL", help="the workflow's; unset: the server's default"),
]


@contextmanager
def opened(url: str | None) -> Iterator["Database"]:
    """The database, until the command ends; what it does not take is told."""

    def load() -> tuple[type, type]:
        from tenprint.store import StoreError
        from tenprint.workflow.settings import WorkflowSettings

        return WorkflowSettings, StoreError

    settings, store_error = require("server", load)
    from tenprint.store import Database
    from tenprint.workflow.schema import MIGRATIONS

    given = {} if url is None else {"database_url": url}
    try:
        database = Database(settings(**given).database_url.get_secret_value(), migrations=MIGRATIONS)
        try:
            yield database
        finally:
            database.close()
    except (store_error, OSError) as error:
        fail(Exit.FAILED, str(error))
