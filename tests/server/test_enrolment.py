"""Enrolment: receipts, repetition, removal, and what an acknowledged record means."""

import threading

import grpc
import numpy as np
import pytest

from tenprint.v1 import capture_pb2, enrolment_pb2, identification_pb2
from tests.server.conftest import embedding_sample, fingers, originator, refusal, unit_vectors


@pytest.fixture(scope="module")
def model(server):
    return server.gallery("criminal").model_version


@pytest.fixture
def rng(request):
    return np.random.default_rng(abs(hash(request.node.name)) % 2**32)


def capture(vectors, model):
    return fingers(*(embedding_sample(i + 1, vectors[i], model) for i in range(len(vectors))))


def found(server, probe, threshold=0.99):
    request = identification_pb2.IdentifyRequest(
        originator=originator(), galleries=["criminal"], probe=probe, score_threshold=threshold
    )
    return [candidate.subject_id for candidate in server.identification.Identify(request).answers[0].candidates]


def test_acknowledged_means_searchable(server, model, rng):
    probe = capture(unit_vectors(rng, (10, 256)), model)
    assert found(server, probe) == []
    receipt = server.enrolment.Enrol(
        enrolment_pb2.EnrolRequest(originator=originator(), gallery="criminal", capture=probe)
    )
    assert found(server, probe) == [receipt.subject_id]
    assert receipt.model_version == model


def test_a_repetition_gets_the_first_receipt_and_enrols_nothing(server, model, rng):
    request = enrolment_pb2.EnrolRequest(
        originator=originator(), gallery="criminal", capture=capture(unit_vectors(rng, (10, 256)), model)
    )
    first = server.enrolment.Enrol(request)
    size = server.gallery("criminal").encounters
    again = server.enrolment.Enrol(request)
    assert (again.encounter_id, again.repeated, first.repeated) == (first.encounter_id, True, False)
    assert server.gallery("criminal").encounters == size


def test_the_same_transaction_at_the_same_time_enrols_once(server, model, rng):
    request = enrolment_pb2.EnrolRequest(
        originator=originator(), gallery="criminal", capture=capture(unit_vectors(rng, (10, 256)), model)
    )
    size, receipts = server.gallery("criminal").encounters, []
    threads = [threading.Thread(target=lambda: receipts.append(server.enrolment.Enrol(request))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({receipt.encounter_id for receipt in receipts}) == 1
    assert sorted(receipt.repeated for receipt in receipts) == [False] + [True] * 7
    assert server.gallery("criminal").encounters == size + 1


def test_the_same_transaction_with_other_content_is_refused(server, model, rng):
    request = enrolment_pb2.EnrolRequest(
        originator=originator(), gallery="criminal", capture=capture(unit_vectors(rng, (10, 256)), model)
    )
    server.enrolment.Enrol(request)
    request.capture.CopyFrom(capture(unit_vectors(rng, (10, 256)), model))
    code, _, message = refusal(lambda: server.enrolment.Enrol(request))
    assert code is grpc.StatusCode.ALREADY_EXISTS
    assert "originator.tcn" in message


def test_a_refused_enrolment_leaves_its_transaction_free(server, model, rng):
    vectors = unit_vectors(rng, (1, 256))
    request = enrolment_pb2.EnrolRequest(
        originator=originator(), gallery="criminal", capture=capture(vectors * 3, model)
    )
    code, _, _ = refusal(lambda: server.enrolment.Enrol(request))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    request.capture.CopyFrom(capture(vectors, model))
    assert not server.enrolment.Enrol(request).repeated


def test_encounters_of_a_subject_and_their_removal(server, model, rng):
    ids = []
    for _ in range(2):
        probe = capture(unit_vectors(rng, (10, 256)), model)
        receipt = server.enrolment.Enrol(
            enrolment_pb2.EnrolRequest(originator=originator(), gallery="criminal", subject_id="TWICE", capture=probe)
        )
        ids.append(receipt.encounter_id)
    get = enrolment_pb2.GetRequest(originator=originator(), gallery="criminal", subject_id="TWICE")
    held = server.enrolment.Get(get)
    assert [encounter.encounter_id for encounter in held.encounters] == ids
    assert list(held.encounters[0].fingers) == list(range(1, 11))
    server.enrolment.Delete(
        enrolment_pb2.DeleteRequest(originator=originator(), gallery="criminal", encounter_id=ids[1])
    )
    assert found(server, probe) == []
    assert [encounter.encounter_id for encounter in server.enrolment.Get(get).encounters] == ids[:1]
    gone = server.enrolment.Delete(
        enrolment_pb2.DeleteRequest(originator=originator(), gallery="criminal", subject_id="TWICE")
    )
    assert list(gone.encounter_ids) == ids[:1]
    code, _, message = refusal(lambda: server.enrolment.Get(get))
    assert code is grpc.StatusCode.NOT_FOUND
    assert "TWICE" in message


def test_missing_fingers_are_named_not_guessed(server, model, rng):
    vectors = unit_vectors(rng, (9, 256))
    missing = capture_pb2.MissingFinger(
        position=capture_pb2.FINGER_POSITION_LEFT_LITTLE, reason=capture_pb2.MISSING_REASON_AMPUTATED
    )
    samples = [embedding_sample(i + 1, vectors[i], model) for i in range(9)]
    receipt = server.enrolment.Enrol(
        enrolment_pb2.EnrolRequest(
            originator=originator(), gallery="criminal", capture=fingers(*samples, missing=[missing])
        )
    )
    report = receipt.samples[-1]
    assert (report.position, report.status, report.detail) == (10, capture_pb2.SAMPLE_STATUS_MISSING, "amputated")
    lone = fingers(embedding_sample(10, vectors[0], model))
    answer = server.identification.Identify(
        identification_pb2.IdentifyRequest(originator=originator(), galleries=["immigration"], probe=lone)
    ).answers[0]
    assert answer.outcome == identification_pb2.OUTCOME_NO_CANDIDATES


def test_a_gallery_with_nothing_to_compare_answers_partial_never_no_match(server, model, rng):
    thumb, little = unit_vectors(rng, (2, 256))
    server.enrolment.Enrol(
        enrolment_pb2.EnrolRequest(
            originator=originator(), gallery="immigration", capture=fingers(embedding_sample(1, thumb, model))
        )
    )
    answer = server.identification.Identify(
        identification_pb2.IdentifyRequest(
            originator=originator(), galleries=["immigration"], probe=fingers(embedding_sample(5, little, model))
        )
    ).answers[0]
    assert answer.outcome == identification_pb2.OUTCOME_PARTIAL
    assert (answer.coverage.searched, answer.coverage.incomparable) == (0, 1)
