"""tenprint mock"""

from pathlib import Path
from typing import Annotated, Any

import typer

from tenprint.client.console import require


def mock(
    listen: Annotated[str, typer.Option(help="address of the gRPC services")] = "127.0.0.1:50061",
    metrics_listen: Annotated[str, typer.Option(help="address of /metrics")] = "127.0.0.1:0",
    port_file: Annotated[Path | None, typer.Option(help="once serving, write the addresses here as JSON")] = None,
    database_url: Annotated[
        str | None, typer.Option(help="keep it there, sqlite:///FILE say; else it ends with the process")
    ] = None,
    drop_folder: Annotated[Path | None, typer.Option(help="folder for agencies without gRPC")] = None,
) -> None:
    """Serve the workflow with scripted matchers: words in the TCN, "HIT", "REVIEW", "ERROR", say what is answered.

    For vendors of livescan devices. Everything but the match is real; docs/mock.md lists the words.
    """

    def load() -> Any:
        from tenprint.workflow.mock import serve

        return serve

    raise typer.Exit(require("server", load)(listen, metrics_listen, port_file, database_url, drop_folder))
