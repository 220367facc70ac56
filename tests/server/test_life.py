"""Start, health, reflection, configuration, logs, drain."""

import signal
import subprocess
import sys
import threading
import time

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tenprint.fingerprint.synthetic import encode_png, press
from tenprint.v1 import capture_pb2, enrolment_pb2, galleries_pb2, identification_pb2
from tests.prints import grown
from tests.server.conftest import embedding_sample, fingers, originator, refusal, unit_vectors

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.mark.parametrize(
    "service", ["", "tenprint.v1.Identification", "tenprint.v1.Enrolment", "gallery/criminal", "gallery/immigration"]
)
def test_health_overall_and_by_gallery(server, service):
    stub = health_pb2_grpc.HealthStub(server.channel)
    assert stub.Check(health_pb2.HealthCheckRequest(service=service)).status == SERVING


def test_health_of_an_unknown_service(server):
    stub = health_pb2_grpc.HealthStub(server.channel)
    with pytest.raises(grpc.RpcError) as caught:
        stub.Check(health_pb2.HealthCheckRequest(service="gallery/nobody"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_reflection_lists_the_services(server):
    stub = reflection_pb2_grpc.ServerReflectionStub(server.channel)
    requests = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    answer = next(stub.ServerReflectionInfo(requests))
    names = {service.name for service in answer.list_services_response.service}
    assert {"tenprint.v1.Identification", "tenprint.v1.Enrolment", "tenprint.v1.Galleries"} <= names


def test_a_request_id_goes_through_to_the_log_and_back(server):
    model = server.gallery("criminal").model_version
    vector = unit_vectors(np.random.default_rng(4), (256,))
    request = identification_pb2.IdentifyRequest(
        originator=originator("TCN-OF-THE-AUDIT"),
        galleries=["criminal"],
        probe=fingers(embedding_sample(1, vector, model)),
    )
    _, call = server.identification.Identify.with_call(request, metadata=[("x-request-id", "booking-17")])
    assert ("x-request-id", "booking-17") in [tuple(item) for item in call.initial_metadata()]
    lines = [line for line in server.log_lines() if line.get("request_id") == "booking-17"]
    audit = next(line for line in lines if line["logger"] == "tenprint.audit")
    assert (audit["event"], audit["ori"], audit["tcn"]) == ("identify", "ZZTEST000", "TCN-OF-THE-AUDIT")
    assert any(line["event"] == "rpc" and line["code"] == "OK" for line in lines)


def test_the_configuration_is_told_at_start(server):
    told = next(line for line in server.log_lines() if line["event"] == "configuration")
    assert [gallery["name"] for gallery in told["galleries"]] == ["criminal", "immigration"]


def test_configuration_from_file_environment_and_flags(tmp_path, launch):
    config = tmp_path / "tenprint.yaml"
    config.write_text("galleries: [{name: wanted, title: Wanted}]\ndrain_seconds: 3\n")
    server = launch(config=str(config), drain_seconds="4")
    assert server.gallery("wanted").title == "Wanted"
    told = next(line for line in server.log_lines() if line["event"] == "configuration")
    assert told["drain_seconds"] == 4.0, "the environment stands above the file"


def test_a_wrong_setting_is_refused_by_name():
    flags = [sys.executable, "-m", "tenprint.server", "--max-batch-probes", "0"]
    ended = subprocess.run(flags, capture_output=True, text=True)
    assert ended.returncode == 2
    assert "max_batch_probes" in ended.stderr


def test_sigterm_tells_watchers_finishes_what_runs_and_takes_no_more(launch):
    server = launch(drain_seconds="60")
    watch = health_pb2_grpc.HealthStub(server.channel).Watch(health_pb2.HealthCheckRequest())
    assert next(watch).status == SERVING
    image = encode_png(press(grown(1), 1, rolled=True))
    sample = [capture_pb2.FingerSample(position=i, image=capture_pb2.Image(data=image, ppi=500)) for i in range(1, 5)]
    running = enrolment_pb2.EnrolRequest(originator=originator(), gallery="criminal", capture=fingers(*sample))
    results = []
    thread = threading.Thread(target=lambda: results.append(server.enrolment.Enrol(running, timeout=60)))
    thread.start()
    time.sleep(0.3)  # long enough for the call to be in the server, short against four fingers' extraction
    server.process.send_signal(signal.SIGTERM)
    assert next(watch).status == NOT_SERVING
    thread.join(60)
    assert len(results) == 1, "a running call was cut off"
    assert results[0].encounter_id
    assert server.process.wait(30) == 0
    code, _, _ = refusal(lambda: server.galleries.List(galleries_pb2.ListRequest()))
    assert code is grpc.StatusCode.UNAVAILABLE


def test_expired_work_is_dropped_and_the_server_goes_on(server):
    image = encode_png(press(grown(1), 1, rolled=True))
    samples = [capture_pb2.FingerSample(position=i, image=capture_pb2.Image(data=image, ppi=500)) for i in range(1, 11)]
    request = identification_pb2.IdentifyRequest(
        originator=originator(), galleries=["criminal"], probe=fingers(*samples)
    )
    with pytest.raises(grpc.RpcError) as caught:
        server.identification.Identify(request, timeout=0.05)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert server.gallery("criminal").name == "criminal"
