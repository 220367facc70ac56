"""A real server under more than it can do, over gRPC: python -m bench.overload --subjects 20000.

Single ten-finger probes, as embeddings, of both galleries, Poisson arrivals, each with a deadline. The rate is raised
until the server falls behind; then, in turns, the rate of the most answers in time and twice the saturation. Goodput is
answers within the deadline. The server's own metrics say what it searched: nothing may be that waited out its deadline.
Last, with nothing else going on, bookings of ten images through the default extractor, answered for both galleries.

The generator runs on the same cores; what it takes of them is told.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from bench.contenders import threads
from bench.store import told
from tenprint.client.channel import Target
from tenprint.client.client import Client
from tenprint.client.load import report, run
from tenprint.client.load.offline import fill_store
from tenprint.client.load.probes import Mix, in_turn, requests
from tenprint.client.local_server import Addresses, LocalServer
from tenprint.client.types import Fingers, ImageSample, Originator, Search
from tenprint.fingerprint.synthetic import SyntheticPerson, encode_png
from tenprint.server.settings import Settings
from tenprint.server.upkeep import rebuild_index

GALLERIES: Final = ("criminal", "immigration")
DEADLINE: Final = 1.0
"""Seconds; an edge of the histogram of queueing times, so that it tells what was searched after waiting longer."""

_MOST_OPEN: Final = 20_000


@dataclass(frozen=True, slots=True)
class Told:
    """What the server's metrics say of a run, both galleries together.

    Attributes:
        searched: probes searched.
        answered: answers given.
        overdue: probes searched after they had waited longer than the deadline.
        dropped: probes dropped unsearched, by reason.
    """

    searched: int
    answered: int
    overdue: int
    dropped: Mapping[str, int]


def counted(url: str) -> dict[str, float]:
    """The counters that matter here, from a server's metrics."""
    with urlopen(f"http://{url}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found: dict[str, float] = {}

    def add(name: str, value: float) -> None:
        found[name] = found.get(name, 0.0) + value

    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            match sample.name:
                case "tenprint_searches_total":
                    add("searches", sample.value)
                case "tenprint_probes_total":
                    add("searched", sample.value)
                case "tenprint_answers_total" if sample.labels["outcome"] != "error":
                    add("answered", sample.value)
                case "tenprint_dropped_probes_total":
                    add(f"dropped {sample.labels['reason']}", sample.value)
                case "tenprint_search_stage_seconds_bucket" if sample.labels["stage"] == "queue":
                    if float(sample.labels["le"]) == DEADLINE:
                        add("overdue", -sample.value)
                case "tenprint_search_stage_seconds_count" if sample.labels["stage"] == "queue":
                    add("overdue", sample.value)
    return found


def difference(before: Mapping[str, float], after: Mapping[str, float]) -> Told:
    """What was counted between two readings."""
    grown = {name: int(value - before.get(name, 0.0)) for name, value in after.items()}
    dropped = {name.removeprefix("dropped "): count for name, count in grown.items() if name.startswith("dropped ")}
    return Told(grown.get("searched", 0), grown.get("answered", 0), grown.get("overdue", 0), dropped)


async def stepped(
    addresses: Addresses, written: list[bytes], rate: float, seconds: float, seed: int
) -> tuple[report.Figures, Told, run.Tally]:
    """One open loop at a rate."""
    caller = run.Caller(Target(addresses.listen), DEADLINE)
    try:
        usage = report.own_usage(), report.server_usage(f"http://{addresses.metrics}/metrics")
        before = counted(addresses.metrics)
        times = run.arrivals("poisson", rate, seed)
        tally = await run.open_loop(caller, in_turn(((1, 1.0),), {1: written}), times, seconds, most_open=_MOST_OPEN)
        own, server = report.own_usage(), report.server_usage(f"http://{addresses.metrics}/metrics")
    finally:
        await caller.close()
    await asyncio.sleep(1.5 * DEADLINE)  # what is still under way is not the next step's
    found = report.figures(tally, rate, (usage[0], own), (usage[1], server))
    return found, difference(before, counted(addresses.metrics)), tally


def show(name: str, found: report.Figures, what: Told) -> None:
    """A line."""
    dropped = ", ".join(f"{reason} {count}" for reason, count in sorted(what.dropped.items()) if count) or "none"
    p50 = found.latency_ms.get("50")
    told(
        f"{name}: {found.offered:.0f}/s offered",
        f"{found.goodput:.0f}/s in time, p50 {'-' if p50 is None else f'{p50:.0f} ms'}, cores: server "
        f"{found.server_cores:.2f}, generator {found.generator_cores:.2f}; probes searched {what.searched}, overdue "
        f"{what.overdue}; dropped: {dropped}",
    )


async def overloaded(
    addresses: Addresses, written: list[bytes], first: float, growth: float, seconds: float, repeats: int
) -> dict[str, object]:
    """Ramp, then peak and twice the saturation in turns."""
    steps: list[report.Figures] = []

    async def step(rate: float) -> run.Tally:
        found, what, tally = await stepped(addresses, written, rate, seconds, 1)
        steps.append(found)
        show("ramp", found, what)
        return tally

    await run.ramp(step, first, growth, 20)
    best = max(steps, key=lambda one: one.goodput)
    if not best.goodput:
        raise SystemExit(f"--first {first:g}: nothing was answered in time; begin lower")
    saturation, peak_rate = best.goodput, best.offered or first
    peaks, doubles, overdue = [], [], 0
    for repeat in range(repeats):
        for name, rate, goodputs in (("peak", peak_rate, peaks), ("twice the saturation", 2 * saturation, doubles)):
            found, what, _ = await stepped(addresses, written, rate, seconds, 2 + repeat)
            goodputs.append(found.goodput)
            overdue += what.overdue
            show(name, found, what)
    # The best of the ramp is one run's luck: the peak is the median of its repetitions, unless that fell short.
    peak, double = max(statistics.median(peaks), statistics.median(doubles)), statistics.median(doubles)
    told("goodput at twice the saturation, against the peak", f"{double:.0f}/s of {peak:.0f}/s: {double / peak:.2f}")
    told("probes searched after they had waited out their deadline", str(overdue))
    return {"peak": peaks, "double": doubles, "overdue": overdue, "ramp": [asdict(one) for one in steps]}


def bookings(addresses: Addresses, count: int) -> list[float]:
    """Seconds of bookings of ten images, one after another, answered for both galleries."""
    images = SyntheticPerson(1).impressions(1, rolled=False)
    prints = Fingers(tuple(ImageSample(int(position), encode_png(image)) for position, image in images.items()))
    seconds = []
    with Client(addresses.listen, timeout=120) as client:
        for number in range(count + 1):
            search = Search(Originator("ZZBENCH00", f"BOOKING{number:06d}"), GALLERIES, prints)
            begun = time.perf_counter()
            client.identify(search)
            seconds.append(time.perf_counter() - begun)
    return seconds[1:]  # the first one loads what is loaded once


def main() -> None:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", type=int, default=20_000, help="in each gallery")
    parser.add_argument("--first", type=float, default=40.0, help="searches a second that the ramp begins with")
    parser.add_argument("--growth", type=float, default=1.4, help="by which factor a step of the ramp raises it")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each step")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--bookings", type=int, default=9, help="0: none")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    told("machine", f"{threads()} cores; {datetime.now(UTC):%Y-%m-%d}")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(database_url=f"sqlite:///{folder}/tenprint.db")  # type: ignore[arg-type]  # pydantic reads it
        begun = time.perf_counter()
        for gallery in GALLERIES:
            for _ in fill_store(settings, gallery, 1, range(arguments.subjects)):
                pass
        rate = len(GALLERIES) * arguments.subjects / (time.perf_counter() - begun)
        told(f"enrolled offline: {len(GALLERIES)} x {arguments.subjects:,}", f"{rate:,.0f} a second")
        rebuild_index(settings)  # else the server would write its first snapshots while it is measured
        with LocalServer(
            GALLERIES=json.dumps([{"name": name} for name in GALLERIES]),
            DATABASE_URL=f"sqlite:///{Path(folder) / 'tenprint.db'}",
        ) as server:
            addresses = server.start()
            with Client(addresses.listen) as client:
                version = client.galleries()[0].model_version
            mix = Mix(((10, 1.0),), GALLERIES, subjects=arguments.subjects)
            written = requests(mix, version)[1]
            found = asyncio.run(
                overloaded(addresses, written, arguments.first, arguments.growth, arguments.seconds, arguments.repeats)
            )
            seconds = bookings(addresses, arguments.bookings) if arguments.bookings else []
            if seconds:
                told("a booking of ten images, both answers, idle: p50", f"{statistics.median(seconds):.2f} s")
            server.stop()
    if arguments.json:
        date = f"{datetime.now(UTC):%Y-%m-%d}"
        arguments.json.write_text(json.dumps({"date": date, **found, "bookings": seconds}, indent=2) + "\n")


if __name__ == "__main__":
    main()
