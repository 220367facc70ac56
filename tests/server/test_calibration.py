"""Target and expected FPIR over the wire: the threshold follows the gallery; nothing is claimed beyond the fit."""

import os
import subprocess
import sys

import grpc
import numpy as np
import pytest

from tenprint.fingerprint.calibration import Calibration, Kind
from tenprint.fingerprint.embedding import Embedder
from tenprint.fingerprint.tail_fit import fit_tail
from tenprint.v1 import enrolment_pb2, identification_pb2
from tests.server.conftest import embedding_sample, fingers, originator, refusal, start_server, unit_vectors

MODEL, DIMENSION = Embedder().version, Embedder().dimension


@pytest.fixture(scope="module")
def calibration():
    """Of random vectors: the mean of n products of unit vectors is near enough to a normal number."""
    rng = np.random.default_rng(8)
    tails = {}
    for count in (1, 2):
        spread = 1 / np.sqrt(DIMENSION * count)
        best = {size: rng.normal(scale=spread, size=(2000, 5, size)).max(axis=2) for size in (1, 10, 100)}
        tails[count] = fit_tail(best)
    return Calibration("random-1", MODEL, "random vectors", {Kind.VECTOR: tails})


@pytest.fixture(scope="module")
def server(calibration, tmp_path_factory):
    folder = tmp_path_factory.mktemp("calibrated")
    calibration.write(folder / "mine.json")
    running = start_server(folder, calibration=str(folder / "mine.json"))
    yield running
    assert running.stop() == 0


def enrol(server, gallery, subject, vectors):
    samples = [embedding_sample(2 + place, vector, MODEL) for place, vector in enumerate(vectors)]
    request = enrolment_pb2.EnrolRequest(
        originator=originator(), gallery=gallery, subject_id=subject, capture=fingers(*samples)
    )
    server.enrolment.Enrol(request)


def identify(server, gallery, vectors, positions=(2, 3), **fields):
    samples = [embedding_sample(position, vector, MODEL) for position, vector in zip(positions, vectors, strict=False)]
    request = identification_pb2.IdentifyRequest(
        originator=originator(), galleries=[gallery], probe=fingers(*samples), **fields
    )
    return server.identification.Identify(request).answers[0]


def test_the_threshold_moves_up_with_the_gallery(server, calibration):
    rng = np.random.default_rng(9)
    probe = unit_vectors(rng, (2, DIMENSION))
    thresholds = []
    for size in (1, 6, 40):
        for number in range(server.gallery("criminal").encounters, size):
            enrol(server, "criminal", f"S{number}", unit_vectors(rng, (2, DIMENSION)))
        answer = identify(server, "criminal", probe, target_fpir=0.01)
        assert answer.calibration_version == "random-1"
        assert answer.coverage.total == size
        expected = calibration.score_for(Kind.VECTOR, 0.01, 2, size)
        assert answer.score_threshold == pytest.approx(expected, rel=1e-6)
        assert all(item.expected_fpir <= 0.01 for item in answer.candidates)
        thresholds.append(answer.score_threshold)
    assert thresholds == sorted(set(thresholds))
    mosip = identify(server, "criminal", probe, mosip_target_fpir=20)
    assert mosip.score_threshold == thresholds[-1]
    everyone = identify(server, "criminal", probe, score_threshold=-1)
    assert len(everyone.candidates) == 20
    for item in everyone.candidates:
        expected = calibration.expected_fpir(Kind.VECTOR, item.score, 2, 40)
        assert item.expected_fpir == pytest.approx(expected, rel=1e-3)
    shown = [item.expected_fpir for item in everyone.candidates]
    assert shown == sorted(shown)
    assert shown[0] < 0.95 < shown[-1]


def test_a_score_above_the_fit_has_a_bound_and_no_figure(server):
    mate = unit_vectors(np.random.default_rng(10), (2, DIMENSION))
    enrol(server, "criminal", "mate", mate)
    first = identify(server, "criminal", mate, target_fpir=0.01).candidates[0]
    assert first.subject_id == "mate"
    assert not first.HasField("expected_fpir")
    assert first.fpir_bound == 3 / 2000


def test_a_finger_of_unknown_position_has_ten_chances(server, calibration):
    rng = np.random.default_rng(11)
    enrol(server, "criminal", "somebody", unit_vectors(rng, (2, DIMENSION)))
    answer = identify(server, "criminal", unit_vectors(rng, (1, DIMENSION)), [0], target_fpir=0.1)
    expected = calibration.score_for(Kind.VECTOR, 0.1, 1, 10 * answer.coverage.total)
    assert answer.score_threshold == pytest.approx(expected, rel=1e-6)


def test_a_target_beyond_the_fit_is_an_error_of_that_gallery_and_claims_nothing(server):
    rng = np.random.default_rng(12)
    probe = unit_vectors(rng, (2, DIMENSION))
    enrol(server, "immigration", "S", unit_vectors(rng, (2, DIMENSION)))
    answer = identify(server, "immigration", probe, target_fpir=1e-6)
    assert answer.outcome == identification_pb2.OUTCOME_ERROR
    assert not answer.candidates
    assert answer.error.code == grpc.StatusCode.FAILED_PRECONDITION.value[0]
    assert "promises 0.0015 to " in answer.error.message
    assert identify(server, "immigration", probe, target_fpir=0.01).outcome == identification_pb2.OUTCOME_NO_CANDIDATES


def test_a_record_of_fewer_fingers_is_not_lost_in_silence(launch, calibration, tmp_path):
    """Of one finger less is promised: there a candidate must be beyond the fit, and is answered with its bound."""
    one, two = (calibration.tails[Kind.VECTOR][count] for count in (1, 2))
    weak = Calibration("weak-1", MODEL, "", {Kind.VECTOR: {1: type(one)(600, one.blocks), 2: two}})
    weak.write(tmp_path / "weak.json")
    server = launch(calibration=str(tmp_path / "weak.json"))
    rng = np.random.default_rng(13)
    probe = unit_vectors(rng, (2, DIMENSION))
    enrol(server, "criminal", "half", probe[:1])
    enrol(server, "criminal", "stranger", unit_vectors(rng, (1, DIMENSION)))
    answer = identify(server, "criminal", probe, target_fpir=0.002)
    assert [(item.subject_id, item.fpir_bound) for item in answer.candidates] == [("half", 3 / 600)]


def test_score_and_target_exclude_each_other(server):
    probe = unit_vectors(np.random.default_rng(14), (2, DIMENSION))
    for target in ({"target_fpir": 0.01}, {"mosip_target_fpir": 20}):
        code, fields, _ = refusal(lambda: identify(server, "criminal", probe, score_threshold=0.5, **target))  # noqa: B023 - called at once
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        assert fields.keys() == {"score_threshold", *target}


def test_the_calibration_of_another_model_stops_the_start(calibration, tmp_path):
    other = Calibration("other-1", "elsewhere", "", calibration.tails)
    other.write(tmp_path / "other.json")
    environment = {
        **os.environ,
        "TENPRINT_DATABASE_URL": f"sqlite:///{tmp_path}/store.db",
        "TENPRINT_LISTEN": "127.0.0.1:0",
        "TENPRINT_METRICS_LISTEN": "127.0.0.1:0",
        "TENPRINT_CALIBRATION": str(tmp_path / "other.json"),
    }
    ended = subprocess.run(
        [sys.executable, "-m", "tenprint.server"], env=environment, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 2
    assert "is of model 'elsewhere'; scores of model" in ended.stderr
    assert "Traceback" not in ended.stderr
