"""The load generator: what it sends, from when it counts, what it tells."""

import asyncio
import json
import subprocess
import sys
from itertools import islice, pairwise
from pathlib import Path

import grpc
import pytest
from hdrh.histogram import HdrHistogram

from tenprint.client.channel import Target
from tenprint.client.client import Client
from tenprint.client.load import probes
from tenprint.client.load.gallery import people
from tenprint.client.load.probes import PREPARED, Mix, in_turn, requests
from tenprint.client.load.run import INCOMPLETE, Caller, arrivals, closed_loop, open_loop, ramp
from tenprint.client.types import EmbeddingSample, Fingers, Originator, Search
from tenprint.fingerprint.image import ImageLimits, decode_image
from tenprint.fingerprint.positions import FingerPosition
from tenprint.fingerprint.synthetic.vectors import SyntheticVectors
from tenprint.v1 import identification_pb2, identification_pb2_grpc
from tests.prints import grown


def tenprint(*arguments):
    return subprocess.run(
        [sys.executable, "-c", "from tenprint.client.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
    )


class Fake(identification_pb2_grpc.IdentificationServicer):
    """Answers at once, but that it stalls once for a while; or answers what it is told."""

    def __init__(self, stall=0.0, outcome=identification_pb2.OUTCOME_NO_CANDIDATES, code=None, each=0.0):
        self.stall, self.outcome, self.code, self.each = stall, outcome, code, each
        self.seen, self.gate = [], asyncio.Lock()

    async def Identify(self, request, context):
        async with self.gate:
            self.seen.append(request)
            await asyncio.sleep(self.stall if len(self.seen) == 5 else self.each)
        if self.code is not None:
            await context.abort(self.code, "no")
        answer = identification_pb2.GalleryAnswer(gallery="criminal", outcome=self.outcome)
        return identification_pb2.IdentifyResponse(answers=[answer])

    async def IdentifyBatch(self, request, context):
        results = [
            identification_pb2.IdentifyResult(response=await self.Identify(one, context)) for one in request.requests
        ]
        return identification_pb2.IdentifyBatchResponse(results=results)


async def served(fake, work, deadline=10.0):
    server = grpc.aio.server()
    identification_pb2_grpc.add_IdentificationServicer_to_server(fake, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    caller = Caller(Target(f"127.0.0.1:{port}"), deadline)
    try:
        return await work(caller)
    finally:
        await caller.close()
        await server.stop(None)


REQUEST = identification_pb2.IdentifyRequest(galleries=["criminal"])
WRITTEN = {
    1: [REQUEST.SerializeToString()],
    8: [identification_pb2.IdentifyBatchRequest(requests=[REQUEST] * 8).SerializeToString()],
}


def singles():
    return in_turn([(1, 1.0)], WRITTEN)


async def test_a_stall_shows_in_every_call_that_was_to_begin_meanwhile():
    times = arrivals("constant", 100.0, 1)
    tally = await served(Fake(stall=1.0), lambda caller: open_loop(caller, singles(), times, 1.5, most_open=1000))
    assert tally.codes == {"OK": 150}
    # A hundred calls were to begin in that second, and waited half of it on average.
    assert tally.latency[1].get_value_at_percentile(50) > 100_000
    assert tally.latency[1].get_value_at_percentile(90) > 500_000


async def test_a_closed_loop_has_one_call_a_client_under_way():
    fake = Fake(stall=0.5)
    tally = await served(fake, lambda caller: closed_loop(caller, singles(), 1, 1.0))
    assert sum(tally.codes.values()) == len(fake.seen)
    assert tally.latency[1].get_value_at_percentile(50) < 400_000  # the stall is one call's


@pytest.mark.parametrize(
    ("fake", "counted"),
    [
        (Fake(outcome=identification_pb2.OUTCOME_PARTIAL), INCOMPLETE),
        (Fake(outcome=identification_pb2.OUTCOME_ERROR), INCOMPLETE),
        (Fake(code=grpc.StatusCode.RESOURCE_EXHAUSTED), "RESOURCE_EXHAUSTED"),
        (Fake(code=grpc.StatusCode.UNAVAILABLE), "UNAVAILABLE"),  # and not repeated behind the scenes
    ],
)
async def test_what_is_no_whole_answer_is_counted_as_what_it_is(fake, counted):
    fake.gate = asyncio.Lock()
    tally = await served(
        fake, lambda caller: open_loop(caller, singles(), arrivals("constant", 50, 1), 0.2, most_open=100)
    )
    assert tally.codes == {counted: 10}
    assert len(fake.seen) == 10
    assert (tally.latency, tally.complete, tally.due) == ({}, 0, 10)


async def test_calls_beyond_the_generators_own_limit_are_told_as_unsent():
    tally = await served(
        Fake(each=0.2), lambda caller: open_loop(caller, singles(), arrivals("constant", 50, 1), 0.4, most_open=2)
    )
    assert tally.unsent > 0
    assert tally.unsent + sum(tally.codes.values()) == 20


async def test_a_ramp_ends_after_the_server_has_fallen_behind_twice():
    async def work(caller):
        async def step(rate):
            return await open_loop(caller, singles(), arrivals("constant", rate, 1), 0.5, most_open=1000)

        return await ramp(step, 10.0, 2.0, 10)

    steps = await served(Fake(each=0.01), work, deadline=0.2)
    rates = [rate for rate, _ in steps]
    assert rates == [10.0 * 2**i for i in range(len(rates))]
    assert 3 <= len(rates) < 10
    assert all(tally.codes["OK"] < sum(tally.codes.values()) for _, tally in steps[-2:])


async def test_calls_of_several_sizes_are_sent_by_their_weights_and_their_searches_counted():
    calls, fake = in_turn([(1, 3.0), (8, 1.0)], WRITTEN), Fake()
    tally = await served(
        fake, lambda caller: open_loop(caller, calls, arrivals("constant", 100, 1), 1.0, most_open=1000)
    )
    of_each = {size: histogram.get_total_count() for size, histogram in tally.latency.items()}
    assert tally.codes == {"OK": 100}
    assert sum(of_each.values()) == tally.latency_of_all().get_total_count() == 100
    assert 60 < of_each[1] < 90
    assert len(fake.seen) == tally.due == tally.complete == tally.good == of_each[1] + 8 * of_each[8]


def test_arrivals_are_as_many_as_asked_for_and_poisson_ones_are_spread():
    constant = list(islice(arrivals("constant", 10.0, 1), 100))
    assert constant[-1] == pytest.approx(9.9)
    poisson = list(islice(arrivals("poisson", 10.0, 1), 5000))
    gaps = [later - earlier for earlier, later in pairwise(poisson)]
    mean = sum(gaps) / len(gaps)
    spread = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert mean == pytest.approx(0.1, rel=0.1)
    assert spread == pytest.approx(mean, rel=0.1)  # of an exponential distribution
    assert poisson[:10] == list(islice(arrivals("poisson", 10.0, 1), 10))


def test_requests_follow_the_mix():
    mix = Mix(((10, 1.0), (2, 1.0)), ("criminal",), agencies=("ZZLOAD000", "ZZLOAD001"), priorities=(3, 7), subjects=5)
    asked = [identification_pb2.IdentifyRequest.FromString(item) for item in requests(mix, "2")[1]]
    assert len(asked) == PREPARED
    assert {item.originator.ori for item in asked} == {"ZZLOAD000", "ZZLOAD001"}
    sizes = [len(item.probe.fingers.samples) for item in asked]
    assert 0.4 < sum(size == 2 for size in sizes) / len(sizes) < 0.6
    assert [item.priority for item in asked[:4]] == [3, 7, 3, 7]
    sizes = Mix(((1, 1.0),), ("criminal",), ((1, 9.0), (64, 1.0)))
    assert sizes.searches_of_a_call == pytest.approx(7.3)
    batched = requests(sizes, "2")
    assert set(batched) == {1, 64}
    assert all(len(identification_pb2.IdentifyBatchRequest.FromString(item).requests) == 64 for item in batched[64])


def test_offline_writes_what_a_server_would_have_written(launch):
    """Either way goes on where the other was broken off, and both answer alike."""
    running = launch()
    folder = running.log.parent
    where = ["--database-url", f"sqlite:///{folder / 'tenprint.db'}", "--index-folder", str(folder / "index")]
    offline = ["synth-gallery", "--offline", "--gallery", "criminal", "--json", *where]
    refused = tenprint(*offline, "--subjects", "30")
    assert (refused.returncode, "is in use by another server" in refused.stderr) == (1, True)
    online = ["synth-gallery", "--gallery", "criminal", "--json", "--address", running.address]
    assert json.loads(tenprint(*online, "--subjects", "30").stdout) == {"enrolled": 30, "repeated": 0}
    assert running.stop() == 0
    assert json.loads(tenprint(*offline, "--subjects", "60").stdout) == {"enrolled": 30, "repeated": 30}
    unknown = tenprint("synth-gallery", "--offline", "--gallery", "nowhere", "--subjects", "1", *where)
    assert (unknown.returncode, "held are criminal, immigration" in unknown.stderr) == (2, True)
    settings = {"database_url": where[1], "index_folder": where[3]}
    again = launch(**settings)
    assert json.loads(
        tenprint(*online[:-1], again.address, "--subjects", "61").stdout
    ) == {"enrolled": 1, "repeated": 60}  # fmt: skip
    population = SyntheticVectors.of_model(1)
    with Client(again.address) as client:
        version = client.galleries()[0].model_version
        for number in range(61):
            vectors = population.subject(number).reshape(10, -1)
            samples = tuple(EmbeddingSample(i + 1, vectors[i], version) for i in range(10) if vectors[i].any())
            search = Search(Originator("ZZTEST000", f"FIND{number:06d}"), ("criminal",), Fingers(samples))
            best = client.identify(search).answers[0].candidates[0]
            assert (best.subject_id, best.score) == (f"SYN-1-{number}", pytest.approx(1.0, abs=1e-5))
        by_way = [client.enrol(person.enrolment("criminal", version)) for person in people("criminal", 1, range(60))]
    assert all(receipt.repeated for receipt in by_way)
    assert {sample.status for receipt in by_way for sample in receipt.samples} == {"used", "missing"}
    for one in by_way:
        assert [sample.position for sample in one.samples if sample.status == "missing"] == [
            i + 1 for i in range(10) if not population.subject(int(one.subject_id[6:])).reshape(10, -1)[i].any()
        ]
        assert {sample.detail for sample in one.samples} <= {"", "amputated"}


def test_a_gallery_is_filled_loaded_and_told_of(server, tmp_path):
    where = ["--address", server.address]
    filled = tenprint("synth-gallery", "--subjects", "40", "--gallery", "criminal", "--json", *where)
    assert json.loads(filled.stdout) == {"enrolled": 40, "repeated": 0}, filled.stderr
    again = tenprint("synth-gallery", "--subjects", "60", "--gallery", "criminal", "--json", *where)
    assert json.loads(again.stdout) == {"enrolled": 20, "repeated": 40}
    picture = tmp_path / "load.svg"
    ran = tenprint(
        "load", "--rate", "20", "--ramp", "2", "--seconds", "1", "--warm-up", "0.2", "--subjects", "60", "--gallery",
        "criminal", "--mix", "10=3", "--mix", "2=1", "--batch", "1=3", "--batch", "2=1", "--metrics",
        server.metrics_url, "--plot", str(picture), "--json",
        *where,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    report = json.loads(ran.stdout)
    assert [step["offered"] for step in report["steps"]] == [20, 30]
    for step in report["steps"]:
        assert step["codes"] == {"OK": step["calls"]}
        assert step["goodput"] <= step["throughput"]
        assert set(step["latency_ms"]) == {"50", "90", "99", "99.9"}
        assert set(step["latency_ms_by_batch"]) == {"1", "2"}
        assert HdrHistogram.decode(step["histogram"]).get_total_count() == step["calls"]
        assert step["server_cores"] > 0
        assert step["server_bytes"] > 1e6
    assert picture.read_text().lstrip().startswith("<?xml")
    table = tenprint("load", "--clients", "2", "--seconds", "0.5", "--warm-up", "0", "--gallery", "nowhere", *where)
    assert "NOT_FOUND" in table.stdout
    assert tenprint("load", *where).returncode == 2
    many = tenprint("load", "--clients", "1", "--batch", "65=1", *where)
    assert (many.returncode, "1 to 64 searches" in many.stderr) == (2, True)


def test_the_locust_file_searches(server, tmp_path):
    locustfile = Path(__file__).parents[2] / "deploy" / "locustfile.py"
    short = ["--headless", "-u", "2", "-r", "2", "-t", "6s", "--json", "--host", server.address]
    ran = subprocess.run(
        [sys.executable, "-m", "locust", "-f", str(locustfile), *short],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
    )
    assert ran.returncode == 0, ran.stderr
    (row,) = json.loads(ran.stdout)
    assert (row["method"], row["name"], row["num_failures"]) == ("grpc", "Identify", 0)
    assert row["num_requests"] > 0


def test_images_are_of_the_same_few_people_each_time_and_of_as_many_fingers_as_asked(monkeypatch):
    class Person:
        def __init__(self, seed):
            self.masters = {FingerPosition(position): grown(position) for position in (1, 2, 3)}

    monkeypatch.setattr(probes, "SyntheticPerson", Person)
    monkeypatch.setattr(probes, "PICTURED", range(1000, 1002))
    written = requests(Mix(((2, 1.0),), ("criminal",), form="image"), "unused")[1]
    assert written == requests(Mix(((2, 1.0),), ("criminal",), form="image"), "unused")[1]
    sent = [identification_pb2.IdentifyRequest.FromString(message) for message in written]
    assert len(sent) == 2
    for request in sent:
        samples = request.probe.fingers.samples
        assert [sample.position for sample in samples] == [1, 2]
        assert decode_image(samples[0].image.data, format=None, ppi=None, limits=ImageLimits()).ppi == 500


def test_mates_cannot_be_asked_for_in_pictures():
    refused = tenprint("load", "--clients", "1", "--form", "image", "--subjects", "10")
    assert refused.returncode == 2
    assert "--subjects" in refused.stderr
