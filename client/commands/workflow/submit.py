"""tenprint workflow submit, status"""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tenprint.client import console
from tenprint.client.commands.workflow.options import DEFAULT_ADDRESS, Address, connect, print_message
from tenprint.client.console import Exit
from tenprint.v1 import submissions_pb2

_INCOMPLETE = {submissions_pb2.LEG_STATE_PARTIAL, submissions_pb2.LEG_STATE_ERROR}


def submit(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="an EBTS file, as the livescan made it")],
    ori: console.Ori,
    purpose: Annotated[str, typer.Option(help="purpose code, one that the agency's profile allows")] = "C",
    offence: Annotated[list[str] | None, typer.Option(help="NCIC code of a charge; may be repeated")] = None,
    custody: Annotated[bool | None, typer.Option(help="whether the person is in custody")] = None,
    address: Address = DEFAULT_ADDRESS,
    ca: console.Ca = None,
    timeout: console.Timeout = 60.0,
    as_json: console.Json = False,
) -> None:
    """Submit a booking. It is durable when this returns; its answers follow (tenprint workflow status, or messages)."""
    request = submissions_pb2.SubmitRequest(
        ori=ori, purpose=purpose, file=file.read_bytes(), offences=offence or [], custody=custody
    )
    with console.reported(as_json=as_json), connect(address, ca, timeout) as client:
        response = client.call(client.submissions.Submit, request)
    if as_json:
        print_message(response)
    else:
        console.out.print("submitted before; nothing was begun now" if response.repeated else "submitted")
        _show(response.submission)


def status(
    tcn: Annotated[str, typer.Argument(help="the TCN of the submission")],
    ori: console.Ori,
    submitter: Annotated[str, typer.Option(help="ORI of the file, where it is another agency's")] = "",
    address: Address = DEFAULT_ADDRESS,
    ca: console.Ca = None,
    timeout: console.Timeout = 60.0,
    as_json: console.Json = False,
) -> None:
    """Tell where a submission stands: one line for each database. What is missing is never "no match"."""
    request = submissions_pb2.GetSubmissionRequest(ori=ori, submitter=submitter, tcn=tcn)
    with console.reported(as_json=as_json), connect(address, ca, timeout) as client:
        submission = client.call(client.submissions.GetSubmission, request).submission
    if as_json:
        print_message(submission)
    else:
        _show(submission)
    if any(leg.state in _INCOMPLETE for leg in submission.legs):
        raise typer.Exit(Exit.INCOMPLETE)


def _show(submission: submissions_pb2.Submission) -> None:
    table = Table("database", "answer", "record", "remarks")
    for leg in submission.legs:
        state = submissions_pb2.LegState.Name(leg.state).removeprefix("LEG_STATE_").lower().replace("_", " ")
        said = f"match, {'confirmed' if leg.confirmed else 'not confirmed by anyone'}" if leg.statement else state
        remarks = " ".join(filter(None, (leg.problem, leg.statement, leg.withheld and f"withheld: {leg.withheld}")))
        table.add_row(leg.gallery, "withheld" if leg.withheld else said, leg.subject_id, remarks)
    console.out.print(f"{submission.type_of_transaction} {submission.tcn} of {submission.ori}", markup=False)
    console.out.print(table)
    for fault in submission.faults:
        console.out.print(f"sequence: {fault}", markup=False)
