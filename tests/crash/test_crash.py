"""The crash suite: real SIGKILLs at random moments and at named points, clients that retry, and a checker that knows
every acknowledgement. The number of kills is TENPRINT_KILLS; `scripts/crash` runs the full form.
"""

import itertools
import os
import random
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import grpc
import numpy as np
import pytest

from tenprint.server.settings import Settings
from tenprint.server.upkeep import verify
from tenprint.v1 import capture_pb2, enrolment_pb2, identification_pb2, records_pb2
from tests.crash.faulty import POINTS, serve_until_met
from tests.server.conftest import embedding_sample, fingers, start_server, unit_vectors

KILLS = int(os.environ.get("TENPRINT_KILLS", "4"))
OPERATIONS = int(os.environ.get("TENPRINT_OPERATIONS", "25"))
"""Acknowledged operations a kill, at least, on the average."""

CLIENTS = 6
SETTINGS = {"snapshot_interval_seconds": "0.3", "snapshot_after_encounters": "60", "extractor": "mindtct"}
DEADLINE = 20.0


def capture(seed, model):
    vectors = unit_vectors(np.random.default_rng(seed), (10, 256))
    return fingers(*(embedding_sample(i + 1, vectors[i], model) for i in range(10)))


@dataclass
class Client:
    """One client with persons of its own: one operation at a time, repeated until it is acknowledged."""

    number: int
    random: random.Random
    encounters: dict[str, dict] = field(default_factory=dict)
    pending: tuple | None = None
    acknowledged: Counter = field(default_factory=Counter)
    repeated: int = 0
    serial: itertools.count = field(default_factory=itertools.count)

    def run(self, server, model, ending):
        while not ending.is_set():
            self.pending = self.pending or self._next()
            try:
                self._do(server, model, *self.pending)
            except (grpc.RpcError, ValueError):  # ValueError: the channel was closed under the call
                return
            self.pending = None

    def _next(self):
        serial = next(self.serial)
        tcn = f"TCN{self.number:02d}{serial:08d}"
        alive = [name for name, facts in self.encounters.items() if facts["state"] in {"held", "sealed"}]
        draw = self.random.random()
        if draw < 0.6 or len(alive) < 3:
            return ("enrol", tcn, self.number * 1_000_000 + serial, f"S{self.number}-{self.random.randrange(40)}")
        name = self.random.choice(alive)
        kind = self.random.choice(["delete", "seal", "unseal", "expunge", "merge"])
        if kind == "merge":
            subjects = sorted({self.encounters[one]["subject"] for one in alive})
            if len(subjects) < 2:
                kind = "seal"
            else:
                return ("merge", tcn, *self.random.sample(subjects, 2))
        return (kind, tcn, name)

    def _do(self, server, model, kind, tcn, *what):
        by = capture_pb2.Originator(ori="ZZCRASH00", tcn=tcn)
        if kind == "enrol":
            seed, subject = what
            receipt = server.enrolment.Enrol(
                enrolment_pb2.EnrolRequest(
                    originator=by, gallery="criminal", subject_id=subject, capture=capture(seed, model)
                ),
                timeout=DEADLINE,
            )
            assert receipt.encounter_id not in self.encounters
            facts = {"state": "held", "subject": subject, "seed": seed, "tcn": tcn}
            self.encounters[receipt.encounter_id] = facts
            self.repeated += receipt.repeated
        elif kind == "delete":
            request = enrolment_pb2.DeleteRequest(originator=by, gallery="criminal", encounter_id=what[0])
            self.repeated += server.enrolment.Delete(request, timeout=DEADLINE).repeated
            self.encounters[what[0]]["state"] = "deleted"
        elif kind == "merge":
            request = records_pb2.MergeRequest(
                originator=by, gallery="criminal", subject_id=what[0], into_subject_id=what[1]
            )
            moved = server.records.Merge(request, timeout=DEADLINE).receipt
            self.repeated += moved.repeated
            mine = [name for name, facts in self.encounters.items() if facts["subject"] == what[0] and alive(facts)]
            assert sorted(moved.encounter_ids) == sorted(mine)
            for name in mine:
                self.encounters[name]["subject"] = what[1]
        else:
            request_type, state = {
                "seal": (records_pb2.SealRequest, "sealed"),
                "unseal": (records_pb2.UnsealRequest, "held"),
                "expunge": (records_pb2.ExpungeRequest, "expunged"),
            }[kind]
            target = records_pb2.RecordTarget(encounter_id=what[0])
            request = request_type(originator=by, gallery="criminal", target=target)
            call = getattr(server.records, kind.capitalize())
            self.repeated += call(request, timeout=DEADLINE).receipt.repeated
            self.encounters[what[0]]["state"] = state
        self.acknowledged[kind] += 1


def alive(facts):
    return facts["state"] in {"held", "sealed"}


class Fleet:
    """The clients, and the server they are cut off from again and again."""

    def __init__(self, folder, database_url, seed):
        self.folder, self.random = folder, random.Random(seed)  # noqa: S311 - a game, not a secret
        self.settings = {**SETTINGS, "database_url": database_url, "index_folder": str(folder / "index")}
        self.clients = [Client(number, random.Random(seed + number)) for number in range(CLIENTS)]  # noqa: S311
        self.model = None
        self.kills = Counter()
        self.rounds = 0

    def start(self, fault=""):
        place = self.folder / f"server-{self.rounds}"
        place.mkdir()
        self.rounds += 1
        return start_server(place, serve=serve_until_met, environment={"FAULT": fault}, **self.settings)

    def round(self, fault):
        """Serve until the server is dead: by itself at a point, or by our hand at a random moment."""
        try:
            server = self.start(fault)
        except AssertionError:
            assert fault, "a server without a fault did not start"
            self.kills[fault.partition(":")[0] + " (at start)"] += 1
            return
        self.model = self.model or server.gallery("criminal").model_version
        ending = threading.Event()
        threads = [threading.Thread(target=client.run, args=(server, self.model, ending)) for client in self.clients]
        for thread in threads:
            thread.start()
        try:
            server.process.wait(6.0 if fault else self.random.uniform(0.2, 1.2))
            killed_by = fault.partition(":")[0]
        except Exception:  # noqa: BLE001 - it lives
            server.process.send_signal(signal.SIGKILL)
            killed_by = "random"
        assert server.process.wait(10) == -signal.SIGKILL, server.log.read_text()[-2000:]
        ending.set()
        for thread in threads:
            thread.join(DEADLINE + 10)
            assert not thread.is_alive()
        server.channel.close()
        self.kills[killed_by] += 1

    def settle(self, server):
        """Let every client have its last operation acknowledged."""
        for client in self.clients:
            if client.pending is not None:
                client._do(server, self.model, *client.pending)
                client.pending = None

    def every(self):
        return {name: facts for client in self.clients for name, facts in client.encounters.items()}


def searched(server, model, seed):
    request = identification_pb2.IdentifyRequest(
        originator=capture_pb2.Originator(ori="ZZCRASH00", tcn=f"SEARCH{seed:010d}"),
        galleries=["criminal"],
        probe=capture(seed, model),
        score_threshold=0.99,
    )
    return [candidate.encounter_id for candidate in server.identification.Identify(request).answers[0].candidates]


def metric(server, name):
    import urllib.request

    text = urllib.request.urlopen(server.metrics_url).read().decode()
    return next(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))


@pytest.mark.timeout(300 + 15 * KILLS)
def test_killed_again_and_again_nothing_acknowledged_is_lost_doubled_or_back(
    url,
    tmp_path,
):
    fleet = Fleet(tmp_path, url, seed=8)
    names = itertools.cycle(sorted(POINTS))
    for number in range(KILLS):
        name = next(names)
        often = name in {"before_commit", "after_commit", "between_commit_and_apply"}
        fault = f"{name}:{fleet.random.randint(3, 80) if often else fleet.random.randint(1, 5)}" if number % 3 else ""
        fleet.round(fault)
    while sum(sum(client.acknowledged.values()) for client in fleet.clients) < KILLS * OPERATIONS:
        fleet.round("")
    server = fleet.start()
    fleet.settle(server)
    every = fleet.every()
    held = {name: facts for name, facts in every.items() if facts["state"] == "held"}
    assert server.gallery("criminal").encounters == len(held), "something was lost, doubled, or is back"
    subjects = {}
    for name, facts in every.items():
        if alive(facts):
            subjects.setdefault(facts["subject"], set()).add((name, facts["state"] == "sealed"))
    for subject, expected in subjects.items():
        get = enrolment_pb2.GetRequest(
            originator=capture_pb2.Originator(ori="ZZCRASH00", tcn="GET0000000"), gallery="criminal", subject_id=subject
        )
        found = server.enrolment.Get(get).encounters
        assert {(item.encounter_id, item.sealed) for item in found} == expected
        assert len(found) == len(expected)
    sample = fleet.random.sample(sorted(every), min(200, len(every)))
    for name in sample:
        facts = every[name]
        assert searched(server, fleet.model, facts["seed"]) == ([name] if facts["state"] == "held" else [])
        retry = enrolment_pb2.EnrolRequest(
            originator=capture_pb2.Originator(ori="ZZCRASH00", tcn=facts["tcn"]),
            gallery="criminal",
            subject_id=f"S{facts['seed'] // 1_000_000}-0",
            capture=capture(facts["seed"], fleet.model),
        )
        try:
            receipt = server.enrolment.Enrol(retry)
        except grpc.RpcError as error:  # other content: the subject drawn at first was another
            assert error.code() is grpc.StatusCode.ALREADY_EXISTS  # noqa: PT017
        else:
            assert (receipt.repeated, receipt.encounter_id) == (True, name)
    deadline = time.monotonic() + 60
    while metric(server, "tenprint_oldest_unerased_seconds") > 0:
        assert time.monotonic() < deadline, "what was expunged is not erased"
        time.sleep(0.1)
    assert server.stop() == 0
    gone = [facts for facts in every.values() if facts["state"] == "expunged"]
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".jsonl"]
    for facts in gone[:50]:
        vector = unit_vectors(np.random.default_rng(facts["seed"]), (10, 256))[3].tobytes()
        assert not any(vector[64:96] in content for content in files)
    checked = verify(Settings(database_url=url, index_folder=tmp_path / "index"))
    assert all(one.is_sound and one.from_snapshot for one in checked.values()), checked
    acknowledged = sum((client.acknowledged for client in fleet.clients), Counter())
    print(  # noqa: T201 - the command's report
        f"\n{url.partition(':')[0]}: {sum(fleet.kills.values())} kills {dict(fleet.kills)}; "
        f"{sum(acknowledged.values())} operations acknowledged {dict(acknowledged)}, "
        f"{sum(client.repeated for client in fleet.clients)} of them repetitions; 0 lost, 0 doubled, 0 ghosts, "
        f"{len(gone)} expunged and gone"
    )
