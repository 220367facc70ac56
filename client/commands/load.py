"""tenprint load and tenprint synth-gallery."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

import typer

from tenprint.client import console
from tenprint.client.channel import Target
from tenprint.client.commands import upkeep
from tenprint.client.console import Exit

if TYPE_CHECKING:
    from tenprint.client.client import Client
    from tenprint.client.load.report import Figures, Usage
    from tenprint.client.load.run import Caller, Tally

_MAX_BATCH = 64
"""Searches of a call, as the server allows."""

_MOST_OPEN = 20_000
"""Calls under way beyond which the generator sends no more: memory, not a limit of the server's."""


class _Repeatable(Protocol):
    """What the client's receipts and the store's have in common."""

    @property
    def repeated(self) -> bool: ...


def load(
    rate: Annotated[
        float | None, typer.Option(min=0.001, help="open loop: searches a second that begin, come what may")
    ] = None,
    clients: Annotated[
        int | None, typer.Option(min=1, help="closed loop: clients that each wait for their answer")
    ] = None,
    ramp: Annotated[int, typer.Option(min=1, max=50, help="open loop: raise the rate in at most so many steps")] = 1,
    growth: Annotated[float, typer.Option(min=1.01, help="by which factor a step raises it")] = 1.5,
    arrivals: Annotated[str, typer.Option(help="open loop: poisson or constant")] = "poisson",
    seconds: Annotated[float, typer.Option(min=0.1, help="of a run, or of a step")] = 30.0,
    warm_up: Annotated[
        float, typer.Option(min=0, help="seconds before, at the same load, that count for nothing")
    ] = 3.0,
    deadline: Annotated[float, typer.Option(min=0.001, help="seconds within which an answer is good")] = 5.0,
    mix: Annotated[
        list[str] | None, typer.Option(help="FINGERS=WEIGHT; repeat: --mix 10=8 --mix 1=2; unset: ten fingers")
    ] = None,
    gallery: Annotated[
        list[str] | None, typer.Option(help="gallery to search; repeat for several; unset: criminal and immigration")
    ] = None,
    form: Annotated[str, typer.Option(help="embedding or image")] = "embedding",
    batch: Annotated[
        list[str] | None,
        typer.Option(help="SEARCHES=WEIGHT of a call; repeat: --batch 1=9 --batch 64=1; unset: one search"),
    ] = None,
    priority: Annotated[
        list[int] | None, typer.Option(min=1, max=9, help="of a search; repeat for several, in turn")
    ] = None,
    ori: Annotated[list[str] | None, typer.Option(help="agency that asks; repeat for several, in turn")] = None,
    subjects: Annotated[
        int, typer.Option(min=0, help="of a gallery made by synth-gallery, whose mates are asked for; 0: nobody's")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, max=99_999, help="of that gallery")] = 1,
    metrics: Annotated[
        str | None, typer.Option(help="URL of the server's /metrics, for its processor time and memory")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="write a picture: .png, .svg or .pdf")] = None,
    address: console.Address = console.DEFAULT_ADDRESS,
    ca: console.Ca = None,
    cert: console.Cert = None,
    key: console.Key = None,
    as_json: console.Json = False,
) -> None:
    """Put a server under load, and say what it did. An open loop hides no waiting; a closed one is the usual kind."""
    if (rate is None) == (clients is None):
        console.fail(Exit.USAGE, "--rate, for an open loop, or --clients, for a closed one: give one of the two")
    if clients is not None and ramp > 1:
        console.fail(Exit.USAGE, "--ramp raises a --rate; a closed loop has none")
    if arrivals not in {"poisson", "constant"} or form not in {"embedding", "image"}:
        console.fail(Exit.USAGE, "--arrivals: poisson or constant; --form: embedding or image")
    if form == "image" and subjects:
        console.fail(Exit.USAGE, "--subjects: a gallery of synth-gallery has vectors, and no pictures; not with images")
    console.require("load", lambda: __import__("tenprint.client.load.run"))
    from tenprint.client.load import probes, report, run

    if form == "image":
        console.grow(probes.PICTURED, quiet=as_json)
    with console.reported(as_json=as_json), console.connect(address, ca, cert, key, 60.0) as client:
        model_version = client.galleries()[0].model_version
    asked = probes.Mix(
        tuple(_weight("--mix", item, "fingers", 10) for item in mix or ["10"]),
        tuple(gallery or ("criminal", "immigration")),
        tuple(_weight("--batch", item, "searches", _MAX_BATCH) for item in batch or ["1"]),
        "image" if form == "image" else "embedding",
        tuple(ori or ("ZZLOAD000",)),
        tuple(priority or ()),
        subjects=subjects,
        seed=seed,
    )
    written = probes.requests(asked, model_version)
    kind: Literal["poisson", "constant"] = "constant" if arrivals == "constant" else "poisson"
    steps: list[Figures] = []
    tallies: list[Tally] = []

    async def once(caller: "Caller", offered: float | None, length: float) -> "Tally":
        calls = probes.in_turn(asked.batches, written)
        if offered is None:
            return await run.closed_loop(caller, calls, clients or 1, length)
        times = run.arrivals(kind, offered / asked.searches_of_a_call, seed)
        return await run.open_loop(caller, calls, times, length, most_open=_MOST_OPEN)

    async def measured(caller: "Caller", offered: float | None) -> "Tally":
        if warm_up:
            await once(caller, offered, warm_up)
        before = report.own_usage(), _usage(metrics)
        tally = await once(caller, offered, seconds)
        after = report.own_usage(), _usage(metrics)
        server = None if before[1] is None or after[1] is None else (before[1], after[1])
        steps.append(report.figures(tally, offered, (before[0], after[0]), server))
        tallies.append(tally)
        return tally

    async def whole() -> None:
        caller = run.Caller(Target(address, ca, cert, key), deadline)
        try:
            if rate is not None and ramp > 1:
                await run.ramp(lambda offered: measured(caller, offered), rate, growth, ramp)
            else:
                await measured(caller, rate)
        finally:
            await caller.close()

    asyncio.run(whole())
    if as_json:
        console.print_json({"steps": steps, "saturation": max(step.goodput for step in steps)})
    else:
        console.out.print(report.table(steps))
        for step in steps:
            console.out.print(report.calls(step), markup=False)
        if len(steps) > 1:
            console.out.print(f"most searches answered in time: {max(step.goodput for step in steps):.1f} a second")
    if any(step.generator_is_the_limit for step in steps):
        console.err.print("the generator itself was at its limit; run several, or take larger batches", style="yellow")
    if plot is not None:
        console.require("load", lambda: report.plot(steps, tallies, plot))


def synth_gallery(
    subjects: Annotated[int, typer.Option(min=1, max=100_000_000, help="people, of one encounter each")],
    gallery: Annotated[list[str], typer.Option(help="gallery to enrol them in; repeat for several")],
    seed: Annotated[int, typer.Option(min=0, max=99_999, help="which people")] = 1,
    first: Annotated[int, typer.Option(min=0, help="number of the first")] = 0,
    streams: Annotated[int, typer.Option(min=1, max=64, help="streams at once")] = 4,
    offline: Annotated[
        bool, typer.Option("--offline", help="write into the store itself, while no server runs: several times as fast")
    ] = False,
    database_url: upkeep.DatabaseUrl = None,
    index_folder: upkeep.IndexFolder = None,
    address: console.Address = console.DEFAULT_ADDRESS,
    ca: console.Ca = None,
    cert: console.Cert = None,
    key: console.Key = None,
    as_json: console.Json = False,
) -> None:
    """Enrol people who do not exist, as vectors whose scores are spread as the model spreads them.

    Safe to break off and to repeat: who is enrolled already is passed over.
    """
    console.require("load", lambda: __import__("tenprint.client.load.gallery"))
    from rich.progress import Progress

    numbers = range(first, first + subjects)
    enrolled = repeated = 0
    with Progress(console=console.err, disable=as_json) as progress:
        filled = (
            _filled_offline(database_url, index_folder, gallery, seed, numbers)
            if offline
            else _filled(
                console.connect(address, ca, cert, key, 60.0), gallery, seed, numbers, streams, as_json=as_json
            )
        )
        tasks = {name: progress.add_task(name, total=subjects) for name in gallery}
        for name, receipts in filled:
            again = sum(receipt.repeated for receipt in receipts)
            enrolled, repeated = enrolled + len(receipts) - again, repeated + again
            progress.advance(tasks[name], len(receipts))
    if as_json:
        console.print_json({"enrolled": enrolled, "repeated": repeated})
    else:
        console.out.print(f"{enrolled} enrolled, {repeated} were there already")


def _filled(
    client: "Client", galleries: list[str], seed: int, numbers: range, streams: int, *, as_json: bool
) -> Iterator[tuple[str, Sequence["_Repeatable"]]]:
    from tenprint.client.load.gallery import fill

    with console.reported(as_json=as_json), client:
        model_version = client.galleries()[0].model_version
        for name in galleries:
            for receipt in fill(client, name, seed, numbers, streams, model_version):
                yield name, [receipt]


def _filled_offline(
    database_url: str | None, index_folder: Path | None, galleries: list[str], seed: int, numbers: range
) -> Iterator[tuple[str, Sequence["_Repeatable"]]]:
    with upkeep.reported():
        from tenprint.client.load.offline import fill_store

        settings = upkeep.settings(database_url, index_folder)
        held = [gallery.name for gallery in settings.galleries]
        for name in galleries:
            if name not in held:
                console.fail(Exit.USAGE, f"--gallery {name}: is not held; held are {', '.join(held)}")
            for receipts in fill_store(settings, name, seed, numbers):
                yield name, receipts


def _weight(option: str, item: str, what: str, most: int) -> tuple[int, float]:
    number, _, weight = item.partition("=")
    try:
        size, share = int(number), float(weight or 1)
    except ValueError:
        size, share = 0, 0.0
    if not 1 <= size <= most or not 0 < share < float("inf"):
        console.fail(Exit.USAGE, f"{option} {item}: {what.upper()}=WEIGHT, 1 to {most} {what} and a weight above 0")
    return size, share


def _usage(metrics: str | None) -> "Usage | None":
    from tenprint.client.load.report import server_usage

    if metrics is None:
        return None
    try:
        return server_usage(metrics)
    except (OSError, ValueError) as error:
        console.fail(Exit.USAGE, f"--metrics: {error}")
