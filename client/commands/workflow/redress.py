"""tenprint workflow dispute, lifecycle"""

from enum import StrEnum
from typing import Annotated

import typer

from tenprint.client import console
from tenprint.client.commands.workflow.options import DEFAULT_ADDRESS, Address, connect, print_message
from tenprint.client.console import Exit
from tenprint.v1 import records_pb2, redress_pb2

Reference = Annotated[str, typer.Option(help="the order or complaint behind it; no name of a person")]


class Change(StrEnum):
    """What happens to a record."""

    SEAL = "seal"
    UNSEAL = "unseal"
    EXPUNGE = "expunge"


_CHANGES = {
    Change.SEAL: redress_pb2.RECORD_CHANGE_SEALED,
    Change.UNSEAL: redress_pb2.RECORD_CHANGE_UNSEALED,
    Change.EXPUNGE: redress_pb2.RECORD_CHANGE_EXPUNGED,
}


def dispute(
    link_id: Annotated[str, typer.Argument(help="the hit, as answers and notices name it")],
    ori: console.Ori,
    reason: Annotated[str, typer.Option(help="why")],
    reference: Reference = "",
    address: Address = DEFAULT_ADDRESS,
    ca: console.Ca = None,
    timeout: console.Timeout = 60.0,
    as_json: console.Json = False,
) -> None:
    """Dispute a hit: nothing more is sent about it, and examiners who have not looked before look again."""
    request = redress_pb2.DisputeRequest(ori=ori, link_id=link_id, reason=reason, reference=reference)
    with console.reported(as_json=as_json), connect(address, ca, timeout) as client:
        response = client.call(client.redress.Dispute, request)
    if as_json:
        print_message(response)
        return
    found = response.dispute
    begun = "disputed before; examiners are at it" if response.repeated else "frozen; examiners are asked"
    said = found.outcome or begun
    console.out.print(f"{found.dispute_id}: {said}", markup=False)


def lifecycle(
    change: Annotated[Change, typer.Argument(help="what is to happen")],
    gallery: Annotated[str, typer.Argument(help="criminal or immigration")],
    ori: console.Ori,
    subject: Annotated[str | None, typer.Option(help="the person, with all encounters")] = None,
    encounter: Annotated[str | None, typer.Option(help="one capture")] = None,
    reference: Reference = "",
    tcn: Annotated[str | None, typer.Option(help="transaction control number; made here where not given")] = None,
    address: Address = DEFAULT_ADDRESS,
    ca: console.Ca = None,
    timeout: console.Timeout = 60.0,
    as_json: console.Json = False,
) -> None:
    """Seal, unseal or expunge a record in its gallery, and tell everybody who was told of a hit to it."""
    if (subject is None) == (encounter is None):
        console.fail(Exit.USAGE, "--subject and --encounter: give one of the two")
    number = tcn or console.new_tcn()
    request = redress_pb2.ChangeRecordRequest(
        ori=ori,
        tcn=number,
        gallery=gallery,
        target=records_pb2.RecordTarget(subject_id=subject, encounter_id=encounter),
        change=_CHANGES[change],
        reference=reference,
    )
    with console.reported(as_json=as_json, tcn=number), connect(address, ca, timeout) as client:
        response = client.call(client.redress.ChangeRecord, request)
    if as_json:
        print_message(response)
    else:
        done = f"done; {response.told} told" if response.done else "written down; done once the matcher answers"
        console.out.print(f"{number}: {done}", markup=False)
