"""tenprint serve"""

import typer

from tenprint.client.console import require


def serve(context: typer.Context) -> None:
    """Run a server. Flags are the server's settings: tenprint serve --help lists them."""

    def load() -> object:
        from tenprint.server.main import serve

        return serve

    raise typer.Exit(require("server", load)(context.args))
