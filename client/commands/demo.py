"""tenprint demo"""

import re
import urllib.request
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress
from rich.table import Table

from tenprint.client import console, render
from tenprint.client.client import Client
from tenprint.client.console import Exit
from tenprint.client.local_server import LocalServer
from tenprint.client.types import Enrolment, Fingers, ImageSample, Originator, Outcome, Search

if TYPE_CHECKING:
    from tenprint.fingerprint.synthetic import SyntheticPerson

CRIMINAL, IMMIGRATION = "criminal", "immigration"
_ORI = "ZZDEMO000"
_FIRST_SEED = 1000
_TIMEOUT = 300.0
_THRESHOLD = 0.5
"""Synthetic fingers of different people resemble each other more than real ones do (up to 0.33 for ten fingers, where a
mate has 0.91), so the demonstration asks for more than the model's own threshold, and says so."""


def demo(
    people: Annotated[int, typer.Option(min=4, max=200, help="synthetic people enrolled in all")] = 6,
    as_json: console.Json = False,
) -> None:
    """Run the main job on synthetic prints: two galleries, a known and an unknown person booked, both answers shown."""

    def load() -> object:
        from tenprint.fingerprint import synthetic

        return synthetic

    synthetic = console.require("server", load)
    with Progress(console=console.err, disable=as_json) as progress:
        task = progress.add_task("growing fingers (cached for the next time)", total=10 * (people + 1))
        persons = synthetic.grow_people(
            range(_FIRST_SEED, _FIRST_SEED + people + 1),
            progress=lambda done, _total: progress.update(task, completed=done),
        )
        progress.update(task, completed=10 * (people + 1))
    *enrolled, stranger = persons
    known = enrolled[1]
    half = people // 2
    # The known person is in both databases; the others are in one each.
    members = {CRIMINAL: enrolled[:half], IMMIGRATION: [known, *enrolled[half:]]}
    with console.reported(as_json=as_json), LocalServer() as server:
        addresses = server.start()
        with Client(addresses.listen, _TIMEOUT) as client:
            _enrol(client, members, quiet=as_json)
            answers = {
                "known": client.identify(_booking(known, 7)),
                "unknown": client.identify(_booking(stranger, 8)),
            }
            found = client.galleries()
            metrics = _glance(addresses.metrics)
        server.stop()
    if as_json:
        console.print_json({"galleries": found, "bookings": answers, "metrics": metrics})
    else:
        console.out.rule("the galleries")
        console.out.print(render.galleries(found))
        console.out.print(f"Bookings ask for a score of {_THRESHOLD}: synthetic strangers resemble each other.")
        for who, identification in answers.items():
            console.out.rule(f"booking of {'a person known to both databases' if who == 'known' else 'a stranger'}")
            console.out.print(render.identification(identification))
        console.out.rule("a glance at the metrics")
        table = Table("metric", "value")
        for name, value in metrics.items():
            table.add_row(name, value)
        console.out.print(table)
    subject = f"SYNTHETIC-{known.seed}"
    for answer in answers["known"].answers:
        if not answer.candidates or answer.candidates[0].subject_id != subject:
            console.fail(Exit.FAILED, f"the known person is not first in gallery {answer.gallery}")
    for answer in answers["unknown"].answers:
        if answer.outcome is not Outcome.NO_CANDIDATES:
            console.fail(Exit.FAILED, f"the stranger is answered {answer.outcome} in gallery {answer.gallery}")


def _enrol(client: Client, members: "dict[str, list[SyntheticPerson]]", *, quiet: bool) -> None:
    from tenprint.fingerprint.synthetic import encode_png

    enrolments = [
        Enrolment(
            Originator(_ORI, console.new_tcn()),
            gallery,
            Fingers(
                tuple(
                    ImageSample(int(position), encode_png(image))
                    for position, image in person.impressions(capture, rolled=True).items()
                )
            ),
            f"SYNTHETIC-{person.seed}",
        )
        for capture, (gallery, persons) in enumerate(members.items())
        for person in persons
    ]
    with Progress(console=console.err, disable=quiet) as progress:
        task = progress.add_task("enrolling ten rolled fingers each", total=len(enrolments))
        for _, result in client.enrol_stream(enrolments, _TIMEOUT * len(enrolments)):
            if isinstance(result, Exception):
                raise result
            progress.advance(task)


def _booking(person: "SyntheticPerson", capture: int) -> Search:
    """Ten plain impressions, pressed anew."""
    from tenprint.fingerprint.synthetic import encode_png

    samples = tuple(
        ImageSample(int(position), encode_png(image))
        for position, image in person.impressions(capture, rolled=False).items()
    )
    return Search(
        Originator(_ORI, console.new_tcn()), (CRIMINAL, IMMIGRATION), Fingers(samples), score_threshold=_THRESHOLD
    )


def _glance(address: str) -> dict[str, str]:
    """A few figures from /metrics."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as response:
        text = response.read().decode()

    def value(name: str, labels: str = "") -> float:
        pattern = rf"^{name}\{{[^}}]*{labels}[^}}]*\}} (\S+)$"
        return sum(float(found) for found in re.findall(pattern, text, re.MULTILINE))

    identify = 'grpc_method="Identify"'
    count, seconds = (value(f"grpc_server_handling_seconds_{part}", identify) for part in ("count", "sum"))
    return {
        "bookings answered (grpc_server_handled_total)": f"{value('grpc_server_handled_total', identify):.0f}",
        "mean seconds a booking (grpc_server_handling_seconds)": f"{seconds / max(count, 1):.2f}",
        "probes searched (tenprint_probes_total)": f"{value('tenprint_probes_total'):.0f}",
        "encounters held (tenprint_gallery_encounters)": f"{value('tenprint_gallery_encounters'):.0f}",
        "encounters enrolled (tenprint_enrolments_total)": f"{value('tenprint_enrolments_total'):.0f}",
    }
