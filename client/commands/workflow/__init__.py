"""tenprint workflow: the flow around the matchers, served and used."""

import typer

from tenprint.client.commands.workflow.cases import cases
from tenprint.client.commands.workflow.findings import findings
from tenprint.client.commands.workflow.messages import messages
from tenprint.client.commands.workflow.redress import dispute, lifecycle
from tenprint.client.commands.workflow.serve import serve
from tenprint.client.commands.workflow.statistics import statistics
from tenprint.client.commands.workflow.submit import status, submit
from tenprint.client.console import EXIT_CODES

workflow = typer.Typer(no_args_is_help=True, help="Submissions in, two answers out; examiners, notices, corrections.")
workflow.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)(serve)
for command in (submit, status, dispute, lifecycle, statistics):
    workflow.command(epilog=EXIT_CODES)(command)
workflow.add_typer(cases, name="cases")
workflow.add_typer(findings, name="findings")
workflow.add_typer(messages, name="messages")
