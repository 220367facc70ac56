"""The `tenprint` command."""

from importlib.metadata import version as installed_version

import typer

from tenprint.client.commands.agencies import agencies
from tenprint.client.commands.demo import demo
from tenprint.client.commands.enrol import enrol
from tenprint.client.commands.evaluate import evaluate
from tenprint.client.commands.galleries import galleries
from tenprint.client.commands.identify import identify
from tenprint.client.commands.load import load, synth_gallery
from tenprint.client.commands.mock import mock
from tenprint.client.commands.policy import policy
from tenprint.client.commands.records import records
from tenprint.client.commands.serve import serve
from tenprint.client.commands.upkeep import backup, calibrate, rebuild_index, reembed, restore, verify
from tenprint.client.commands.workflow import workflow
from tenprint.client.console import EXIT_CODES

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # a traceback must not print the prints it was handling
    help="Ten-print fingerprint identification: one booking, two databases, two answers.",
    epilog=EXIT_CODES,
)
app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)(serve)
for command in (
    enrol,
    identify,
    galleries,
    demo,
    evaluate,
    load,
    synth_gallery,
    backup,
    restore,
    verify,
    rebuild_index,
    calibrate,
    mock,
):
    app.command(epilog=EXIT_CODES)(command)
app.add_typer(records, name="records")
app.add_typer(reembed, name="reembed")
app.add_typer(agencies, name="agencies")
app.add_typer(policy, name="policy")
app.add_typer(workflow, name="workflow")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(installed_version("tenprint"))


def main() -> None:
    """Run the command line."""
    app()
