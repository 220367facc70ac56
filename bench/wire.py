"""What the wire adds to a search, and what batches that form themselves bring: python -m bench.wire --subjects 50000.

One gallery, embeddings of ten fingers, mates of those enrolled. In one run, in turns: a real server in a process of
its own, over gRPC, and the same gallery's engine in this process, at the batches that the server formed (at least 64).
First what each layer adds to a lone Identify, with the server's own classes; then an empty RPC and a lone probe, 64
clients of single probes, and clients of batches of 64, against the engine; last 128 clients of single probes against a
server that searches them one by one.

The generator runs on the same cores; what it takes of them is told, and where it is itself the limit.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

import grpc
import numpy as np
from grpc_health.v1 import health_pb2, health_pb2_grpc
from numpy.typing import NDArray

from bench.contenders import threads
from bench.engine import K, medians
from bench.overload import counted
from bench.store import told
from tenprint.client.channel import Target
from tenprint.client.load import report, run
from tenprint.client.load.offline import fill_store
from tenprint.client.load.probes import Mix, in_turn, requests
from tenprint.client.local_server import Addresses, LocalServer
from tenprint.fingerprint.calibration import Calibration
from tenprint.fingerprint.embedding import Embedder
from tenprint.fingerprint.features import DescriptorAxes
from tenprint.fingerprint.fusion import FusedThresholds
from tenprint.fingerprint.mindtct import MindtctExtractor
from tenprint.server import codec, logging
from tenprint.server.capture import PreparedCapture
from tenprint.server.engine import Engine
from tenprint.server.identification import IdentificationService
from tenprint.server.metrics import Metrics
from tenprint.server.preparation import Preparation
from tenprint.server.queues import LAST_PRIORITY, Claim
from tenprint.server.reranking import Reranking
from tenprint.server.scheduler import Probe
from tenprint.server.settings import GallerySettings, Settings
from tenprint.server.thresholds import Thresholds
from tenprint.server.upkeep import rebuild_index
from tenprint.server.validation import validate
from tenprint.v1 import identification_pb2

GALLERY: Final = "criminal"
BATCH: Final = 64
DEADLINE: Final = 60.0
"""Seconds; none is to be missed here, nor anything refused."""

_IDENTIFY: Final = "/tenprint.v1.Identification/Identify"
_TURN: Final = 20
"""Calls of one kind before the next kind's turn: each finds its caches as its own last call left them."""

_WARM_SECONDS: Final = 0.5

_DATABASE: Final = "tenprint.db"
_THEIR_INDEX: Final = "server.index"

_LAYERS: Final = (
    "read the message",
    "validate",
    "codec, preparation",
    "scheduler",
    "engine",
    "answer, thresholds, log",
    "write",
)


class Parts:
    """The server's parts, in this process: what `server/app.py` puts together, without the wire."""

    def __init__(self, settings: Settings) -> None:
        self.embedder, metrics = Embedder(settings.model_path), Metrics()
        calibration = Calibration.of_model(settings.calibration, settings.model_path, self.embedder.version)
        self.engine = Engine(settings, self.embedder, metrics)
        self.gallery = self.engine.held(GALLERY).index
        self.preparation = Preparation(
            self.embedder,
            DescriptorAxes(settings.model_path),
            MindtctExtractor(),  # not asked: embeddings only
            metrics,
            workers=settings.extraction_workers,
            max_queued=settings.max_queued_captures,
            max_queued_bytes=settings.max_queued_capture_bytes,
            max_image_bytes=settings.max_image_bytes,
            max_image_pixels=settings.max_image_pixels,
        )
        self._reranking = Reranking(
            FusedThresholds(settings.model_path), settings.rerank_pairs, settings.rerank_workers
        )
        thresholds = Thresholds(self.embedder, self._reranking, calibration)
        self.service = IdentificationService(
            self.engine, self.preparation, self._reranking, thresholds, self.embedder.version, metrics,
            default_deadline=DEADLINE,
        )  # fmt: skip

    def close(self) -> None:
        """Stop the threads, write what is not in files yet."""
        self.preparation.close()
        self._reranking.close()
        self.engine.close()


class NoDeadline:
    """As much of gRPC's context as the service asks for."""

    def time_remaining(self) -> None:
        """None: the call has no deadline."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A closed loop, and what the server said of it: searches a second, probes of one search, cores used."""

    rate: float
    formed: float
    figures: report.Figures


@contextmanager
def served(folder: Path, **settings: str) -> Iterator[Addresses]:
    """A server over the same store, with snapshots of its own."""
    galleries = json.dumps([{"name": GALLERY}])
    url, index = f"sqlite:///{folder / _DATABASE}", str(folder / _THEIR_INDEX)
    with LocalServer(
        GALLERIES=galleries, DATABASE_URL=url, INDEX_FOLDER=index, EXTRACTOR="mindtct", **settings
    ) as server:
        yield server.start()
        server.stop()


async def layers(parts: Parts, written: list[bytes], rounds: int) -> dict[str, float]:
    """Median seconds of each layer of a lone Identify, one after another for each of the written requests, in turn."""
    seconds: dict[str, list[float]] = {}
    context: Any = NoDeadline()

    async def clocked(name: str, work: Callable[[], Any]) -> Any:
        begun = time.perf_counter()
        made = work()
        made = await made if isinstance(made, Awaitable) else made
        seconds.setdefault(name, []).append(time.perf_counter() - begun)
        return made

    for data in islice(cycle(written), rounds + 1):
        message = await clocked(
            "read the message", lambda data=data: identification_pb2.IdentifyRequest.FromString(data)
        )
        await clocked("validate", lambda message=message: validate(message))
        prepared = await clocked("codec, preparation", lambda message=message: _prepared(parts, message))
        probe = Probe(prepared.vector, prepared.position_known)
        await clocked("engine", lambda probe=probe: parts.gallery.search(probe.vector[np.newaxis], K))
        await clocked(
            "scheduler",
            lambda probe=probe: parts.engine.scheduler.search(
                [GALLERY], probe, K, time.monotonic() + DEADLINE, Claim(LAST_PRIORITY, "ZZBENCH00")
            )[GALLERY],
        )
        answer = await clocked("whole service", lambda message=message: parts.service.Identify(message, context))
        await clocked("write", answer.SerializeToString)
    found = {name: statistics.median(values[1:]) for name, values in seconds.items()}  # the first one warms up
    found["answer, thresholds, log"] = found["whole service"] - found["codec, preparation"] - found["scheduler"]
    found["scheduler"] -= found["engine"]
    return found


def lone(
    parts: Parts, addresses: Addresses, written: list[bytes], vectors: NDArray[np.float32], turns: int
) -> dict[str, float]:
    """Median seconds of an empty RPC, of the engine and of a lone Identify, in turns."""
    probes, calls = cycle(vectors[:, np.newaxis]), cycle(written)
    with grpc.insecure_channel(addresses.listen, Target(addresses.listen).options) as channel:
        check, identify = health_pb2_grpc.HealthStub(channel).Check, channel.unary_unary(_IDENTIFY)
        works: dict[str, Callable[[], object]] = {
            "empty": lambda: check(health_pb2.HealthCheckRequest()),
            "engine": lambda: parts.gallery.search(next(probes), K),
            "identify": lambda: identify(next(calls)),
        }
        seconds: dict[str, list[float]] = {name: [] for name in works}
        for _ in range(turns):
            for name, work in works.items():
                work()
                seconds[name] += [medians({name: work}, 1)[name] for _ in range(_TURN)]
    return {name: statistics.median(values) for name, values in seconds.items()}


async def closed(addresses: Addresses, written: list[bytes], batch: int, clients: int, seconds: float) -> Loop:
    """Clients that each wait for their answer.

    Raises:
        SystemExit: if a call is not answered completely; the figures would be another thing's.
    """
    caller = run.Caller(Target(addresses.listen), DEADLINE)
    calls = in_turn([(batch, 1.0)], {batch: written})
    try:
        await run.closed_loop(caller, calls, clients, min(_WARM_SECONDS, seconds))
        url = f"http://{addresses.metrics}/metrics"
        before, usage = counted(addresses.metrics), (report.own_usage(), report.server_usage(url))
        tally = await run.closed_loop(caller, calls, clients, seconds)
        own, server = report.own_usage(), report.server_usage(url)
        after = counted(addresses.metrics)
    finally:
        await caller.close()
    if set(tally.codes) != {grpc.StatusCode.OK.name}:
        raise SystemExit(f"{clients} clients, batch {batch}: not all answered completely: {dict(tally.codes)}")
    found = report.figures(tally, None, (usage[0], own), (usage[1], server))
    searched, searches = (after[name] - before[name] for name in ("searched", "searches"))
    return Loop(found.throughput, searched / searches, found)


def engine_rate(parts: Parts, vectors: NDArray[np.float32], batch: int, seconds: float) -> float:
    """Probes a second of the engine in this process, so many at a time."""
    probes = np.resize(vectors, (batch, vectors.shape[1]))
    parts.gallery.search(probes, K)
    begun, done = time.perf_counter(), 0
    while time.perf_counter() < begun + seconds:
        parts.gallery.search(probes, K)
        done += batch
    return done / (time.perf_counter() - begun)


def show(name: str, loop: Loop, rate: float, against: str) -> float:
    """A line; the ratio."""
    found = loop.figures
    ratio = loop.rate / rate
    told(
        name,
        f"{loop.rate:.0f}/s, {loop.formed:.1f} a search, p50 {found.latency_ms['50']:.0f} ms, cores: server "
        f"{found.server_cores:.2f}, generator {found.generator_cores:.2f}; {against} {rate:.0f}/s: {ratio:.2f}",
    )
    if found.generator_is_the_limit:
        told("", "the generator itself was at its limit")
    return ratio


def turn(
    folder: Path,
    parts: Parts,
    written: dict[int, list[bytes]],
    vectors: NDArray[np.float32],
    arguments: argparse.Namespace,
) -> dict[str, Any]:
    """Everything that needs a server, once."""
    seconds = arguments.seconds
    with served(folder) as addresses:
        found: dict[str, Any] = {"lone": lone(parts, addresses, written[1], vectors, arguments.turns)}
        for name, batch, clients in (("64 clients of single probes", 1, 64), ("4 clients of batches of 64", BATCH, 4)):
            loop = asyncio.run(closed(addresses, written[batch], batch, clients, seconds))
            size = max(BATCH, round(loop.formed))
            rate = engine_rate(parts, vectors, size, seconds)
            found[name] = show(name, loop, rate, f"engine, {size} a search,")
        together = asyncio.run(closed(addresses, written[1], 1, 128, seconds))
    with served(folder, MAX_BATCH_PROBES="1") as addresses:
        alone = asyncio.run(closed(addresses, written[1], 1, 128, seconds))
    name = "128 clients of single probes"
    found[name] = show(name, together, alone.rate, "one by one")
    return found


def main() -> None:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", type=int, default=50_000)
    parser.add_argument(
        "--folder", type=Path, help=f"keeps store and snapshots for the next run; {_DATABASE} may be synth-gallery's"
    )
    parser.add_argument("--seconds", type=float, default=8.0, help="of each closed loop")
    parser.add_argument("--turns", type=int, default=10, help="of twenty lone calls of each kind, each time")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    told("machine", f"{threads()} cores; {datetime.now(UTC):%Y-%m-%d}")
    with Path(os.devnull).open("w") as nowhere, tempfile.TemporaryDirectory() as name:
        logging.configure("info", nowhere)  # lines are written as the server writes them, and not among the figures
        folder = arguments.folder or Path(name)
        parts = Parts(filled(folder, arguments.subjects))
        try:
            report_of(parts, folder, arguments)
        finally:
            parts.close()


def filled(folder: Path, subjects: int) -> Settings:
    """A store of so many subjects and its snapshots, for this process and for the server; what is there is used."""
    settings = Settings(
        database_url=f"sqlite:///{folder / _DATABASE}",  # type: ignore[arg-type]  # pydantic reads it
        galleries=(GallerySettings(name=GALLERY),),
    )
    if not (folder / _DATABASE).exists():
        for _ in fill_store(settings, GALLERY, 1, range(subjects)):
            pass
    if not (settings.index_path / GALLERY).exists():
        rebuild_index(settings)
    # Vectors are on the disk and in memory once: a link to a segment's file, which nobody writes to again.
    theirs = folder / _THEIR_INDEX / GALLERY
    shutil.rmtree(theirs.parent, ignore_errors=True)
    shutil.copytree(settings.index_path / GALLERY, theirs, copy_function=os.link)
    return settings


def report_of(parts: Parts, folder: Path, arguments: argparse.Namespace) -> None:
    """All of it, on galleries that are there."""
    described = parts.gallery.describe()
    told(f"gallery of {described.records:,}", f"{described.segments}")
    mix = Mix(((10, 1.0),), (GALLERY,), ((1, 1.0), (BATCH, 1.0)), subjects=arguments.subjects)
    version = parts.embedder.version
    written = requests(mix, version)
    vectors = vectors_of(parts, written[1])
    found = asyncio.run(layers(parts, written[1], _TURN * arguments.turns))
    turns = [turn(folder, parts, written, vectors, arguments) for _ in range(arguments.repeats)]
    lone_calls = {name: statistics.median(one["lone"][name] for one in turns) for name in turns[0]["lone"]}
    told("an empty RPC, p50", f"{lone_calls['empty'] * 1e3:.2f} ms")
    for layer in _LAYERS:
        told(f"adds to Identify: {layer}", f"{found[layer] * 1e3:.2f} ms")
    least = lone_calls["engine"] + lone_calls["empty"]
    told("a lone Identify, p50", f"{lone_calls['identify'] * 1e3:.2f} ms; engine and an empty RPC "
         f"{least * 1e3:.2f} ms: {lone_calls['identify'] / least:.2f}")  # fmt: skip
    ratios = {name: statistics.median(one[name] for one in turns) for name in turns[0] if name != "lone"}
    for name, reference in zip(ratios, ("the engine", "the engine", "one by one"), strict=True):
        told(f"median: {name}, against {reference}", f"{ratios[name]:.2f}")
    if arguments.json:
        date = f"{datetime.now(UTC):%Y-%m-%d}"
        whole = {
            "date": date,
            "subjects": arguments.subjects,
            "layers": found,
            "lone": lone_calls,
            "ratios": ratios,
            "turns": turns,
        }
        arguments.json.write_text(json.dumps(whole, indent=2) + "\n")


def vectors_of(parts: Parts, written: list[bytes]) -> NDArray[np.float32]:
    """The probes of written requests, float32 [n, 10 * d]."""

    async def all_prepared() -> list[NDArray[np.float32]]:
        messages = (identification_pb2.IdentifyRequest.FromString(data) for data in written)
        return [(await _prepared(parts, message)).vector for message in messages]

    return np.stack(asyncio.run(all_prepared()))


async def _prepared(parts: Parts, message: identification_pb2.IdentifyRequest) -> PreparedCapture:
    return await parts.preparation.prepare(codec.capture(message.probe), "probe", for_enrolment=False)


if __name__ == "__main__":
    main()
