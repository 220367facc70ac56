"""tenprint workflow findings: list, close"""

from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table

from tenprint.client import console
from tenprint.client.commands.workflow.options import DEFAULT_ADDRESS, Address, connect, print_message
from tenprint.client.console import EXIT_CODES
from tenprint.v1 import findings_pb2

findings = typer.Typer(no_args_is_help=True, help="What does not fit together. Nothing is merged by itself.")


class Closing(StrEnum):
    """What a reviewer says."""

    DISMISSED = "dismissed"
    UPHELD = "upheld"


_CLOSING = {
    Closing.DISMISSED: findings_pb2.FINDING_STATE_DISMISSED,
    Closing.UPHELD: findings_pb2.FINDING_STATE_UPHELD,
}


@findings.command("list", epilog=EXIT_CODES)
def listing(
    ori: console.Ori,
    every: Annotated[bool, typer.Option("--all", help="closed ones, too")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="at most so many")] = 100,
    address: Address = DEFAULT_ADDRESS,
    ca: console.Ca = None,
    timeout: console.Timeout = 60.0,
    as_json: console.Json = False,
) -> None:
    """List findings, oldest first, with the submissions and persons of each together."""
    state = findings_pb2.FINDING_STATE_UNSPECIFIED if every else findings_pb2.FINDING_STATE_QUARANTINED
    request = findings_pb2.ListFindingsRequest(ori=ori, state=state, limit=limit)
    with console.reported(as_json=as_json), connect(address, ca, timeout) as client:
        response = client.call(client.findings.ListFindings, request)
    if as_json:
        print_message(response)
        return
    table = Table("finding", "what", "", "submissions", "persons")
    for item in response.findings:
        kind = findings_pb2.FindingKind.Name(item.kind).removeprefix("FINDING_KIND_").lower().replace("_", " ")
        stands = findings_pb2.FindingState.Name(item.state).removeprefix("FINDING_STATE_").lower()
        booked = "\n".join(f"{found.ori} {found.tcn}" for found in item.submissions)
        people = "\n".join(f"{found.gallery} {found.subject_id}" for found in item.subjects)
        table.add_row(item.finding_id, kind, stands, booked, people)
    console.out.print(table)


@findings.command(epilog=EXIT_CODES)
def close(
    finding_id: Annotated[str, typer.Argument(help="the finding")],
    outcome: Annotated[Closing, typer.Argument(help="no contradiction, or one that people correct")],
    ori: console.Ori,
    reviewer: Annotated[str, typer.Option(help="who closes it")],
    reason: Annotated[str, typer.Option(help="why")],
    address: Address = DEFAULT_ADDRESS,
    ca: console.Ca = None,
    timeout: console.Timeout = 60.0,
    as_json: console.Json = False,
) -> None:
    """Close a finding: its prints go on. Safe to repeat."""
    request = findings_pb2.CloseFindingRequest(
        ori=ori, reviewer=reviewer, finding_id=finding_id, state=_CLOSING[outcome], reason=reason
    )
    with console.reported(as_json=as_json), connect(address, ca, timeout) as client:
        response = client.call(client.findings.CloseFinding, request)
    print_message(response) if as_json else console.out.print(outcome.value)
