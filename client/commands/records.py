"""tenprint records: seal, unseal, expunge, merge, split, move, history."""

from collections.abc import Callable
from typing import Annotated

import typer

from tenprint.client import console, render
from tenprint.client.client import Client
from tenprint.client.console import EXIT_CODES, Exit
from tenprint.client.types import OneEncounter, Originator, RecordReceipt, RecordTarget, Subject

records = typer.Typer(no_args_is_help=True, help="Change records after their enrolment; tell what was done to them.")

Gallery = Annotated[str, typer.Argument(help="the gallery")]
SubjectId = Annotated[str | None, typer.Option("--subject", help="the person, with all encounters")]
EncounterId = Annotated[str | None, typer.Option("--encounter", help="one capture")]
Into = Annotated[str, typer.Option(help="the person under whom they are filed")]
Reference = Annotated[str, typer.Option(help="the order or case that asks for it; no name of a person")]
Tcn = Annotated[str | None, typer.Option(help="transaction control number; made here where not given")]


def _on_target(change: Callable[[Client, Originator, str, RecordTarget, str], RecordReceipt]) -> Callable[..., None]:
    """The command of a change that is for a subject or an encounter."""

    def command(
        gallery: Gallery,
        ori: console.Ori,
        subject: SubjectId = None,
        encounter: EncounterId = None,
        reference: Reference = "",
        tcn: Tcn = None,
        address: console.Address = console.DEFAULT_ADDRESS,
        ca: console.Ca = None,
        cert: console.Cert = None,
        key: console.Key = None,
        timeout: console.Timeout = 60.0,
        as_json: console.Json = False,
    ) -> None:
        target = _target(subject, encounter)
        with console.connect(address, ca, cert, key, timeout) as client:
            _change(ori, tcn, lambda by: change(client, by, gallery, target, reference), as_json=as_json)

    return command


for _name, _help, _made in (
    ("seal", "Take records out of every search, and keep them.", _on_target(Client.seal)),
    ("unseal", "Let records be searched again.", _on_target(Client.unseal)),
    ("expunge", "Remove records for good; they stay gone in restored backups.", _on_target(Client.expunge)),
):
    records.command(_name, help=_help, epilog=EXIT_CODES)(_made)


@records.command(epilog=EXIT_CODES)
def merge(
    gallery: Gallery,
    ori: console.Ori,
    subject: Annotated[str, typer.Option(help="the person whose encounters move")],
    into: Into,
    reference: Reference = "",
    tcn: Tcn = None,
    address: console.Address = console.DEFAULT_ADDRESS,
    ca: console.Ca = None,
    cert: console.Cert = None,
    key: console.Key = None,
    timeout: console.Timeout = 60.0,
    as_json: console.Json = False,
) -> None:
    """File all encounters of a person under another: they are one."""
    with console.connect(address, ca, cert, key, timeout) as client:
        _change(ori, tcn, lambda by: client.merge(by, gallery, subject, into, reference), as_json=as_json)


@records.command(epilog=EXIT_CODES)
def split(
    gallery: Gallery,
    ori: console.Ori,
    encounter: Annotated[list[str], typer.Option(help="a capture that moves; may be given again")],
    into: Into,
    reference: Reference = "",
    tcn: Tcn = None,
    address: console.Address = console.DEFAULT_ADDRESS,
    ca: console.Ca = None,
    cert: console.Cert = None,
    key: console.Key = None,
    timeout: console.Timeout = 60.0,
    as_json: console.Json = False,
) -> None:
    """File encounters of a person under another: they are two."""
    with console.connect(address, ca, cert, key, timeout) as client:
        _change(ori, tcn, lambda by: client.split(by, gallery, encounter, into, reference), as_json=as_json)


@records.command(epilog=EXIT_CODES)
def move(
    gallery: Gallery,
    ori: console.Ori,
    subject: Annotated[str, typer.Option(help="the person")],
    into: Annotated[str, typer.Option(help="the gallery it is to be in")],
    reference: Reference = "",
    tcn: Tcn = None,
    address: console.Address = console.DEFAULT_ADDRESS,
    ca: console.Ca = None,
    cert: console.Cert = None,
    key: console.Key = None,
    timeout: console.Timeout = 60.0,
    as_json: console.Json = False,
) -> None:
    """Move a person into another gallery, where the server's configuration allows it."""
    with console.connect(address, ca, cert, key, timeout) as client:
        _change(ori, tcn, lambda by: client.move(by, gallery, subject, into, reference), as_json=as_json)


@records.command(epilog=EXIT_CODES)
def history(
    gallery: Gallery,
    ori: console.Ori,
    subject: SubjectId = None,
    encounter: EncounterId = None,
    address: console.Address = console.DEFAULT_ADDRESS,
    ca: console.Ca = None,
    cert: console.Cert = None,
    key: console.Key = None,
    timeout: console.Timeout = 60.0,
    as_json: console.Json = False,
) -> None:
    """Tell everything that was done to records; also after their end."""
    target = _target(subject, encounter)
    with console.reported(as_json=as_json), console.connect(address, ca, cert, key, timeout) as client:
        done = client.history(Originator(ori, console.new_tcn()), gallery, target)
        console.print_json(done) if as_json else console.out.print(render.operations(done))


def _target(subject: str | None, encounter: str | None) -> RecordTarget:
    if (subject is None) == (encounter is None):
        console.fail(Exit.USAGE, "--subject and --encounter: give one of the two")
    return Subject(subject) if subject is not None else OneEncounter(encounter or "")


def _change(ori: str, tcn: str | None, change: Callable[[Originator], RecordReceipt], *, as_json: bool) -> None:
    number = tcn or console.new_tcn()
    with console.reported(as_json=as_json, tcn=number):
        receipt = change(Originator(ori, number))
        console.print_json(receipt) if as_json else console.out.print(render.record_receipt(receipt))
