"""tenprint demo"""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table

from tenprint.client import console
from tenprint.client.client import Client
from tenprint.client.commands import story
from tenprint.client.commands.story import CITY, COUNTY, CRIMINAL, IMMIGRATION, OFFICE, OVERSIGHT, Booking, Story
from tenprint.client.console import Exit, new_tcn
from tenprint.client.local_server import LocalServer, LocalWorkflow
from tenprint.client.workflow import WorkflowClient
from tenprint.v1 import messages_pb2, submissions_pb2

if TYPE_CHECKING:
    from tenprint.fingerprint.synthetic import SyntheticPerson

_FIRST_SEED = 1000
_TIMEOUT = 300.0
_STATES = {
    value: name.removeprefix("LEG_STATE_").lower().replace("_", " ") for name, value in submissions_pb2.LegState.items()
}


def demo(
    people: Annotated[int, typer.Option(min=4, max=200, help="synthetic people enrolled in all")] = 6,
    as_json: console.Json = False,
) -> None:
    """Tell the whole story on synthetic prints: bookings, two answers, examiners, a notice, a dispute, statistics."""
    *enrolled, stranger = console.grow(range(_FIRST_SEED, _FIRST_SEED + people + 1), quiet=as_json)
    known, criminal_only = enrolled[1], enrolled[0]
    half = people // 2
    # The known person is in both databases; the others are in one each.
    members = {CRIMINAL: enrolled[:half], IMMIGRATION: [known, *enrolled[half:]]}
    bookings = {
        "known": Booking(COUNTY, new_tcn(), known, "Y", "1201 ROBBERY", "a person known to both databases"),
        "criminal": Booking(CITY, new_tcn(), criminal_only, "Y", "2202 BURGLARY", "a person known to one"),
        "stranger": Booking(CITY, new_tcn(), stranger, "N", "5404 DRIVING", "a stranger; RET=N, nothing is kept"),
    }
    told: dict[str, Any] = {}
    # MINDTCT, the light extractor: two databases read fourteen images a booking each.
    with console.reported(as_json=as_json), LocalServer(EXTRACTOR="mindtct") as server:
        matcher = server.start().listen
        with Client(matcher, _TIMEOUT) as client, Progress(console=console.err, disable=as_json) as progress:
            task = progress.add_task("enrolling ten rolled fingers each", total=sum(map(len, members.values())))
            for gallery, found in members.items():
                story.enrol(client, gallery, found, lambda: progress.advance(task))
        with LocalWorkflow(matcher) as workflow:
            _prepare(workflow.database_url)
            with WorkflowClient(workflow.start().listen, _TIMEOUT) as client_:
                _tell(Story(client_), bookings, told, quiet=as_json)
            workflow.stop()
        server.stop()
    if as_json:
        console.print_json(told)
    _check(told, known, criminal_only)


def _prepare(database_url: str) -> None:
    """Put agencies and policy into the workflow's database, as `tenprint agencies` and `tenprint policy` do."""
    from tenprint.store import Database
    from tenprint.workflow import agencies, policy
    from tenprint.workflow.schema import MIGRATIONS

    database = Database(database_url, migrations=MIGRATIONS)
    try:
        database.write(lambda connection: agencies.replace(connection, story.agencies()))
        database.write(lambda connection: policy.replace(connection, story.policy(), "demo"))
    finally:
        database.close()


def _tell(tale: Story, bookings: dict[str, Booking], told: dict[str, Any], *, quiet: bool) -> None:
    """Play every part, one after another, and say what happens."""

    def chapter(title: str, *lines: Any) -> None:
        if not quiet:
            console.out.rule(title)
            for line in lines:
                console.out.print(line)

    for booking in bookings.values():
        tale.book(booking)
    known = bookings["known"]
    asked = {name: tale.answered(story.BUREAU, booking) for name, booking in bookings.items()}
    told["asked"] = {name: _states(submission) for name, submission in asked.items()}
    chapter("three bookings, each asked of two databases", _standing(asked, bookings))
    records = {story.record_of(booking.person) for booking in bookings.values()}
    told["examiners"] = [line for examiner in ("first", "second") for line in tale.examine(examiner, records)]
    chapter("two examiners look, neither knowing of the other", *told["examiners"])
    answered = {name: tale.settled(story.BUREAU, booking) for name, booking in bookings.items()}
    told["answered"] = {name: _states(submission) for name, submission in answered.items()}
    (notice,) = (message.notice for message in tale.receive(OFFICE, 1))
    told["notice"] = {"subject_id": notice.subject_id, "confirmed": notice.confirmed, "statement": notice.statement}
    chapter(
        "the answers, and the field office's notice",
        _standing(answered, bookings),
        f"{OFFICE} is told of {notice.subject_id} in the {notice.gallery} database, booked by {notice.ori}, offence "
        f"{notice.offence}; {'confirmed by examiners' if notice.confirmed else 'unconfirmed'}; {notice.statement}; "
        f"complaints: {notice.complaints}. It acknowledges.",
    )
    dispute = tale.dispute(notice.link_id)
    told["second_look"] = [line for examiner in ("third", "fourth") for line in tale.examine(examiner, ())]
    told["dispute"] = tale.outcome(dispute)
    (correction,) = (message.correction for message in tale.receive(OFFICE, 1))
    told["correction"] = correction.outcome
    chapter(
        "the bureau disputes the immigration hit: it is frozen, and others look again",
        *told["second_look"],
        f"{told['dispute']}; {OFFICE} and whoever else was told is sent the correction: {correction.outcome}",
    )
    # (The fourth examiner plays along; the prints are the known person's.)
    told["disseminations"] = [
        {
            "recipient": row.recipient,
            "via": row.via,
            "kind": messages_pb2.MessageKind.Name(row.kind).removeprefix("MESSAGE_KIND_").lower(),
            "gallery": row.gallery,
            "fields": list(row.fields),
            "withheld": row.withheld,
        }
        for row in tale.disseminations()
    ]
    chapter("who was sent what, and who was not and why", _log(told["disseminations"]))
    report = tale.statistics()
    told["statistics"] = {
        row.gallery: {item.measure: item.count for item in row.counts if item.HasField("count")} for row in report.rows
    }
    chapter(f"what {OVERSIGHT} reads", _counts(told["statistics"]))
    told["erased"] = tale.settled(CITY, bookings["stranger"]).HasField("erase_time")
    told["kept"] = not tale.settled(story.BUREAU, known).HasField("erase_time")


def _states(submission: submissions_pb2.Submission) -> dict[str, dict[str, str]]:
    return {leg.gallery: {"state": _STATES[leg.state], "subject_id": leg.subject_id} for leg in submission.legs}


def _standing(found: dict[str, submissions_pb2.Submission], bookings: dict[str, Booking]) -> Table:
    table = Table("booked", "by", "criminal", "immigration")
    for name, submission in found.items():
        said = {leg.gallery: " ".join((_STATES[leg.state], leg.subject_id)) for leg in submission.legs}
        table.add_row(bookings[name].what, bookings[name].ori, said[CRIMINAL], said[IMMIGRATION])
    return table


def _log(rows: list[dict[str, Any]]) -> Table:
    table = Table("to", "through", "what", "database", "fields", "not sent because")
    for row in rows:
        table.add_row(
            row["recipient"] or "nobody",
            row["via"],
            row["kind"],
            row["gallery"],
            ", ".join(row["fields"]),
            row["withheld"],
        )
    return table


def _counts(statistics: dict[str, dict[str, int]]) -> Table:
    names = sorted({name for counts in statistics.values() for name, count in counts.items() if count})
    table = Table("counted", *statistics)
    for name in names:
        table.add_row(name, *(str(counts.get(name, "")) for counts in statistics.values()))
    return table


def _check(told: dict[str, Any], known: "SyntheticPerson", criminal_only: "SyntheticPerson") -> None:
    """End with an error where the story did not go as it must."""
    name, other = story.record_of(known), story.record_of(criminal_only)
    expected = {
        "known": {CRIMINAL: ("match", name), IMMIGRATION: ("match", name)},
        "criminal": {CRIMINAL: ("match", other), IMMIGRATION: ("no match", "")},
        "stranger": {CRIMINAL: ("no match", ""), IMMIGRATION: ("no match", "")},
    }
    for booking, legs in expected.items():
        for gallery, (state, subject) in legs.items():
            leg = told["answered"][booking][gallery]
            if (leg["state"], leg["subject_id"]) != (state, subject):
                console.fail(Exit.FAILED, f"booking {booking}: {gallery} answered {leg['state']} {leg['subject_id']}")
    if told["dispute"] != "reversed" or not told["erased"]:
        console.fail(Exit.FAILED, "the dispute was not reversed, or the stranger's prints were not erased")
    if any(row["recipient"] == COUNTY and not row["withheld"] for row in told["disseminations"]):
        console.fail(Exit.FAILED, f"{COUNTY} cannot receive, and was sent something")
