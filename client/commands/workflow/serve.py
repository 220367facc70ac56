"""tenprint workflow serve"""

import typer

from tenprint.client.console import require


def serve(context: typer.Context) -> None:
    """Run the workflow's server. Flags are its settings: tenprint workflow serve --help lists them."""

    def load() -> object:
        from tenprint.workflow.main import serve

        return serve

    raise typer.Exit(require("server", load)(context.args))
