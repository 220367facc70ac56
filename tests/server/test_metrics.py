"""Prometheus, the real one: it scrapes, it lints, and its queries give the latency and the throughput back."""

import json
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tenprint.v1 import enrolment_pb2, galleries_pb2, identification_pb2
from tests.server.conftest import embedding_sample, fingers, originator, unit_vectors

PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")
needs_prometheus = pytest.mark.skipif(
    not (PROMETHEUS and PROMTOOL), reason="no prometheus and promtool on PATH (Debian: apt-get install prometheus)"
)
SEARCHES = 40


def scrape(server):
    with urllib.request.urlopen(server.metrics_url) as response:
        return response.read().decode()


@pytest.fixture(scope="module")
def busy(server):
    """A server that has served every kind of RPC, well and badly."""
    model = server.gallery("criminal").model_version
    vectors = unit_vectors(np.random.default_rng(2), (10, 256))
    whole = fingers(*(embedding_sample(i + 1, vectors[i], model) for i in range(10)))
    enrol = enrolment_pb2.EnrolRequest(originator=originator(), gallery="criminal", capture=whole)
    server.enrolment.Enrol(enrol)
    list(server.enrolment.EnrolStream(iter([enrolment_pb2.EnrolStreamRequest(item=1, request=enrol)])))
    ask = identification_pb2.IdentifyRequest(
        originator=originator(), galleries=["criminal", "immigration"], probe=whole
    )
    for _ in range(SEARCHES):
        server.identification.Identify(ask)
    server.identification.IdentifyBatch(identification_pb2.IdentifyBatchRequest(requests=[ask, ask]))
    list(server.identification.IdentifyStream(iter([identification_pb2.IdentifyStreamRequest(request=ask)] * 3)))
    with pytest.raises(grpc.RpcError):
        server.identification.Identify(identification_pb2.IdentifyRequest())
    server.galleries.List(galleries_pb2.ListRequest())
    health_pb2_grpc.HealthStub(server.channel).Check(health_pb2.HealthCheckRequest())
    return server


def test_every_rpc_is_counted_streams_included(busy):
    text = scrape(busy)
    for kind, service, method, code, count in [
        ("unary", "Identification", "Identify", "OK", SEARCHES),
        ("unary", "Identification", "Identify", "INVALID_ARGUMENT", 1),
        ("unary", "Identification", "IdentifyBatch", "OK", 1),
        ("bidi_stream", "Identification", "IdentifyStream", "OK", 1),
        ("bidi_stream", "Enrolment", "EnrolStream", "OK", 1),
        ("unary", "Galleries", "List", "OK", 1),
    ]:
        labels = f'grpc_code="{code}",grpc_method="{method}",grpc_service="tenprint.v1.{service}",grpc_type="{kind}"'
        assert f"grpc_server_handled_total{{{labels}}} {count:.1f}" in text
    stream = 'grpc_method="IdentifyStream",grpc_service="tenprint.v1.Identification",grpc_type="bidi_stream"'
    for metric in ("grpc_server_msg_received_total", "grpc_server_msg_sent_total"):
        assert f"{metric}{{{stream}}} 3.0" in text
    assert f"grpc_server_handling_seconds_count{{{stream}}} 1.0" in text


def test_the_galleries_own_figures(busy):
    text = scrape(busy)
    for line in (
        f'tenprint_probes_total{{gallery="criminal"}} {SEARCHES + 5:.1f}',
        f'tenprint_answers_total{{gallery="criminal",outcome="candidates"}} {SEARCHES + 5:.1f}',
        f'tenprint_answers_total{{gallery="immigration",outcome="no_candidates"}} {SEARCHES + 5:.1f}',
        'tenprint_gallery_encounters{gallery="criminal"} 1.0',
        'tenprint_gallery_subjects{gallery="immigration"} 0.0',
        f'tenprint_search_stage_seconds_count{{gallery="criminal",stage="rescore"}} {SEARCHES + 5:.1f}',
        'tenprint_enrolments_total{gallery="criminal"} 1.0',
    ):
        assert line in text
    assert 'tenprint_gallery_bytes{gallery="criminal",kind="memory"} 0.0' not in text
    for edge in ("10.0", "120.0"):
        assert f'le="{edge}"' in text


@needs_prometheus
def test_promtool_finds_no_fault(busy):
    checked = subprocess.run([PROMTOOL, "check", "metrics"], input=scrape(busy), capture_output=True, text=True)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


@needs_prometheus
def test_prometheus_gives_p99_and_throughput_back(busy, tmp_path):
    target = urllib.parse.urlparse(busy.metrics_url).netloc
    config = tmp_path / "prometheus.yml"
    config.write_text(
        json.dumps({"scrape_configs": [{"job_name": "tenprint", "scrape_interval": "1s", "scrape_timeout": "1s",
                                        "static_configs": [{"targets": [target]}]}]})
    )  # fmt: skip
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    log = (tmp_path / "log").open("w")
    process = subprocess.Popen(
        [PROMETHEUS, f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'tsdb'}",
         f"--web.listen-address={address}"], stdout=log, stderr=log,
    )  # fmt: skip

    def query(expression):
        url = f"http://{address}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
        with urllib.request.urlopen(url) as response:
            return [float(item["value"][1]) for item in json.load(response)["data"]["result"]]

    def ready():
        try:
            return query(f'grpc_server_handled_total{{grpc_method="Identify",grpc_code="OK"}} >= {SEARCHES}')
        except OSError:
            return []

    method = 'grpc_method="Identify"'
    try:
        _wait(ready)
        ask = identification_pb2.IdentifyRequest(
            originator=originator(), galleries=["criminal"],
            probe=fingers(embedding_sample(1, unit_vectors(np.random.default_rng(1), (256,)),
                                           busy.gallery("criminal").model_version)),
        )  # fmt: skip
        rate = f'sum(rate(grpc_server_handled_total{{{method},grpc_code="OK"}}[30s]))'

        def rising():
            busy.identification.Identify(ask)
            return [value for value in query(rate) if value > 0]

        assert _wait(rising)[0] > 0
        p99 = query(
            f"histogram_quantile(0.99, sum by (le) (rate(grpc_server_handling_seconds_bucket{{{method}}}[30s])))"
        )
        assert 0 < p99[0] < 60
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def _wait(condition):
    deadline = time.monotonic() + 60
    while not (value := condition()):
        assert time.monotonic() < deadline, "Prometheus did not see it within a minute"
        time.sleep(0.2)
    return value
