"""tenprint workflow cases: next, show, decide, release, list"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from tenprint.client import console
from tenprint.client.commands.workflow.options import DEFAULT_ADDRESS, Address, connect, print_message
from tenprint.client.console import EXIT_CODES
from tenprint.v1 import adjudication_pb2

cases = typer.Typer(no_args_is_help=True, help="The examiners' queue: take a case, see both print sets, decide.")

CaseId = Annotated[str, typer.Argument(help="the case")]
Examiner = Annotated[str, typer.Option(envvar="TENPRINT_EXAMINER", help="who examines; one name in the deployment")]


class Decision(StrEnum):
    """What an examiner says."""

    IDENTIFICATION = "identification"
    EXCLUSION = "exclusion"
    INCONCLUSIVE = "inconclusive"


class Which(StrEnum):
    """Which cases are listed."""

    OPEN = "open"
    CLOSED = "closed"
    ALL = "all"


_DECISIONS = {
    Decision.IDENTIFICATION: adjudication_pb2.CASE_DECISION_IDENTIFICATION,
    Decision.EXCLUSION: adjudication_pb2.CASE_DECISION_EXCLUSION,
    Decision.INCONCLUSIVE: adjudication_pb2.CASE_DECISION_INCONCLUSIVE,
}
_FILTERS = {
    Which.OPEN: adjudication_pb2.CASE_FILTER_OPEN,
    Which.CLOSED: adjudication_pb2.CASE_FILTER_CLOSED,
    Which.ALL: adjudication_pb2.CASE_FILTER_UNSPECIFIED,
}


@cases.command("next", epilog=EXIT_CODES)
def take(
    ori: console.Ori,
    examiner: Examiner,
    address: Address = DEFAULT_ADDRESS,
    ca: console.Ca = None,
    timeout: console.Timeout = 60.0,
    as_json: console.Json = False,
) -> None:
    """Lease the first case that this examiner may decide; whoever holds one is given that one again."""
    request = adjudication_pb2.NextCaseRequest(ori=ori, examiner=examiner)
    with console.reported(as_json=as_json), connect(address, ca, timeout) as client:
        response = client.call(client.adjudication.NextCase, request)
    if as_json:
        print_message(response)
    elif response.HasField("case"):
        found = response.case
        due = f"{found.due_time.ToDatetime():%Y-%m-%d %H:%M} UTC"
        console.out.print(f"{found.case_id} ({found.gallery}), due {due}", markup=False)
    else:
        console.out.print("there is no case that this examiner may decide")


@cases.command(epilog=EXIT_CODES)
def show(
    case_id: CaseId,
    ori: console.Ori,
    examiner: Examiner,
    images: Annotated[
        Path | None, typer.Option(help="write both print sets into this folder, as PNG and ISO/IEC 19794-2")
    ] = None,
    finger: Annotated[list[int] | None, typer.Option(help="FGP of an image wanted; may be repeated; all")] = None,
    address: Address = DEFAULT_ADDRESS,
    ca: console.Ca = None,
    timeout: console.Timeout = 60.0,
    as_json: console.Json = False,
) -> None:
    """Show what was measured, and write the prints of both sides for looking at."""
    request = adjudication_pb2.GetCaseRequest(ori=ori, examiner=examiner, case_id=case_id, positions=finger or [])
    with console.reported(as_json=as_json), connect(address, ca, timeout) as client:
        response = client.call(client.adjudication.GetCase, request)
    written = _write(response, images) if images is not None else 0
    if as_json:
        for prints in (response.probe, *(candidate.prints for candidate in response.candidates)):
            for image in prints.images:
                image.ClearField("data")
        print_message(response)
        return
    _show(response)
    if images is not None:
        console.out.print(f"{written} files in {images}", markup=False)


@cases.command(epilog=EXIT_CODES)
def decide(
    case_id: CaseId,
    decision: Annotated[Decision, typer.Argument(help="what the prints say")],
    ori: console.Ori,
    examiner: Examiner,
    reason: Annotated[str, typer.Option(help="why")],
    subject: Annotated[str, typer.Option(help="of an identification: which candidate's person")] = "",
    address: Address = DEFAULT_ADDRESS,
    ca: console.Ca = None,
    timeout: console.Timeout = 60.0,
    as_json: console.Json = False,
) -> None:
    """Decide a case that this examiner holds. Safe to repeat."""
    request = adjudication_pb2.DecideRequest(
        ori=ori, examiner=examiner, case_id=case_id, decision=_DECISIONS[decision], subject_id=subject, reason=reason
    )
    with console.reported(as_json=as_json), connect(address, ca, timeout) as client:
        response = client.call(client.adjudication.Decide, request)
    print_message(response) if as_json else console.out.print("taken")


@cases.command(epilog=EXIT_CODES)
def release(
    case_id: CaseId,
    ori: console.Ori,
    examiner: Examiner,
    address: Address = DEFAULT_ADDRESS,
    ca: console.Ca = None,
    timeout: console.Timeout = 60.0,
    as_json: console.Json = False,
) -> None:
    """Give a case back undecided."""
    request = adjudication_pb2.ReleaseCaseRequest(ori=ori, examiner=examiner, case_id=case_id)
    with console.reported(as_json=as_json), connect(address, ca, timeout) as client:
        response = client.call(client.adjudication.ReleaseCase, request)
    print_message(response) if as_json else console.out.print("given back")


@cases.command("list", epilog=EXIT_CODES)
def listing(
    ori: console.Ori,
    which: Annotated[Which, typer.Option(help="which cases")] = Which.OPEN,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="at most so many")] = 100,
    address: Address = DEFAULT_ADDRESS,
    ca: console.Ca = None,
    timeout: console.Timeout = 60.0,
    as_json: console.Json = False,
) -> None:
    """List cases, those that are to be decided first in front. Oversight sees levels and disputes, examiners do not."""
    request = adjudication_pb2.ListCasesRequest(ori=ori, filter=_FILTERS[which], limit=limit)
    with console.reported(as_json=as_json), connect(address, ca, timeout) as client:
        response = client.call(client.adjudication.ListCases, request)
    if as_json:
        print_message(response)
        return
    table = Table("case", "database", "priority", "due (UTC)", "", "outcome", "why", "level")
    for entry in response.cases:
        state = "OVERDUE" if entry.overdue else "open" if entry.open else "closed"
        level = str(entry.level) if entry.HasField("level") else "unknown" if entry.kind else ""
        due = f"{entry.case.due_time.ToDatetime():%Y-%m-%d %H:%M}"
        table.add_row(
            entry.case.case_id, entry.case.gallery, str(entry.priority), due, state, entry.outcome, entry.kind, level
        )
    console.out.print(table)


def _show(response: adjudication_pb2.GetCaseResponse) -> None:
    table = Table("rank", "person", "score", "margin", "expected FPIR", "band", "fingers: matched minutiae")
    for item in response.candidates:
        fingers = " ".join(f"{finger.position}:{finger.matched_minutiae}" for finger in item.fingers)
        margin = f"{item.margin:.3f}" if item.HasField("margin") else ""
        bound = "at most " if item.fpir_is_bound else ""
        fpir = f"{bound}{item.expected_fpir:.1e}" if item.HasField("expected_fpir") else "none claimed"
        table.add_row(str(item.rank), item.subject_id, f"{item.score:.3f}", margin, fpir, item.band, fingers)
    console.out.print(table)
    for name, prints in _sides(response):
        if prints.missing:
            console.out.print(f"{name}: {prints.missing}", markup=False)
    for caveat in response.caveats:
        console.out.print(f"finger {caveat.position}: {caveat.status} {caveat.detail}", markup=False)
    for finding in response.findings:
        people = ", ".join(subject.subject_id for subject in finding.subjects)
        console.out.print(f"does not fit together: {finding.finding_id} about {people}", markup=False)
    for opinion in response.opinions:
        said = adjudication_pb2.CaseDecision.Name(opinion.decision).removeprefix("CASE_DECISION_").lower()
        console.out.print(f"{opinion.examiner}: {said} {opinion.subject_id}: {opinion.reason}", markup=False)


def _sides(
    response: adjudication_pb2.GetCaseResponse,
) -> list[tuple[str, adjudication_pb2.PrintSet]]:
    """Both print sets, each with a name for files: the probe, and every candidate by its rank."""
    candidates = [(f"candidate-{item.rank}", item.prints) for item in response.candidates]
    return [("probe", response.probe), *candidates]


def _write(response: adjudication_pb2.GetCaseResponse, folder: Path) -> int:
    """Write the prints, images that can be decoded as PNG; how many files."""

    def load() -> Any:
        from tenprint.client import prints

        return prints

    prints = console.require("fingerprint", load)
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    for name, side in _sides(response):
        for number, image in enumerate(side.images):
            suffix, data = prints.viewable(image)
            (folder / f"{name}-finger-{image.position:02d}-{number:02d}.{suffix}").write_bytes(data)
            written += 1
        if side.minutiae:
            (folder / f"{name}.iso19794-2").write_bytes(side.minutiae)
            written += 1
    return written
