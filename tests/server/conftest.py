"""A real server in a process of its own, on ephemeral ports, and the stubs to call it."""

import itertools
import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from tenprint.v1 import (
    capture_pb2,
    enrolment_pb2_grpc,
    galleries_pb2,
    galleries_pb2_grpc,
    identification_pb2_grpc,
    records_pb2_grpc,
)
from tests import processes

_tcns = itertools.count(1)


def originator(tcn=None):
    return capture_pb2.Originator(ori="ZZTEST000", tcn=tcn or f"TCN{next(_tcns):09d}")


@dataclass
class Server:
    """A running server."""

    process: processes.Forked
    address: str
    metrics_url: str
    log: Path
    channel: grpc.Channel = field(init=False)

    def __post_init__(self):
        self.channel = grpc.insecure_channel(self.address, options=[("grpc.max_send_message_length", -1)])
        self.identification = identification_pb2_grpc.IdentificationStub(self.channel)
        self.enrolment = enrolment_pb2_grpc.EnrolmentStub(self.channel)
        self.galleries = galleries_pb2_grpc.GalleriesStub(self.channel)
        self.records = records_pb2_grpc.RecordsStub(self.channel)

    def gallery(self, name):
        return self.galleries.Describe(galleries_pb2.DescribeRequest(gallery=name)).gallery

    def log_lines(self):
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def stop(self):
        self.channel.close()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def start_server(folder: Path, serve=processes.serve_matcher, environment=None, **settings: str) -> Server:
    port_file, log = folder / "ports.json", folder / "log.jsonl"
    environment = {
        **os.environ,
        **(environment or {}),
        "TENPRINT_LISTEN": "127.0.0.1:0",
        "TENPRINT_METRICS_LISTEN": "127.0.0.1:0",
        "TENPRINT_PORT_FILE": str(port_file),
        "TENPRINT_DATABASE_URL": f"sqlite:///{folder / 'tenprint.db'}",
        "TENPRINT_INDEX_FOLDER": str(folder / "index"),
        **{f"TENPRINT_{name.upper()}": value for name, value in settings.items()},
    }
    log.write_text("")
    process = processes.Forked(serve, environment, log)
    deadline = time.monotonic() + 60
    while not port_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"the server did not start: {log.read_text()}")
        time.sleep(0.02)
    ports = json.loads(port_file.read_text())
    return Server(process, ports["listen"], f"http://{ports['metrics']}/metrics", log)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    """One with the light extractor: what is tested with it does not depend on which minutiae are found."""
    running = start_server(tmp_path_factory.mktemp("server"), extractor="mindtct")
    yield running
    assert running.stop() == 0


@pytest.fixture
def launch(tmp_path):
    """Start a server of one's own, with settings; it is killed at the end where the test has not stopped it."""
    started, tries = [], itertools.count()

    def start(**settings):
        folder = tmp_path / str(next(tries))
        folder.mkdir()
        started.append(start_server(folder, **settings))
        return started[-1]

    yield start
    for running in started:
        running.channel.close()
        running.process.kill()
        running.process.wait()


def refusal(call):
    """Run a call that must be refused; its status code, and the descriptions by field of its BadRequest."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    status = rpc_status.from_call(caught.value)
    return caught.value.code(), violations(status) if status is not None else {}, caught.value.details()


def violations(status: status_pb2.Status) -> dict[str, str]:
    found = {}
    for detail in status.details:
        bad = error_details_pb2.BadRequest()
        if detail.Unpack(bad):
            found |= {violation.field: violation.description for violation in bad.field_violations}
    return found


def unit_vectors(rng, shape):
    vectors = rng.standard_normal(shape).astype(np.float32)
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def embedding_sample(position, vector, model_version):
    return capture_pb2.FingerSample(
        position=position,
        embedding=capture_pb2.Embedding(vector=vector.astype("<f4").tobytes(), model_version=model_version),
    )


def fingers(*samples, missing=()):
    return capture_pb2.Capture(fingers=capture_pb2.FingerSamples(samples=samples, missing=missing))
