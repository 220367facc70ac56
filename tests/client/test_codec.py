"""Values to messages and back: nothing lost, and nothing of a newer server taken for what it is not."""

import grpc
import numpy as np
import pytest
from google.rpc import status_pb2
from hypothesis import given
from hypothesis import strategies as st

from tenprint.client import codec
from tenprint.client.errors import TenprintError, from_status
from tenprint.client.types import (
    EmbeddingSample,
    Enrolment,
    Fingers,
    ImageSample,
    MissingFinger,
    MissingReason,
    Originator,
    Outcome,
    Search,
    TemplateSample,
    TransactionFile,
)
from tenprint.v1 import capture_pb2, identification_pb2

_scores = st.floats(-1, 1, width=32)
_uint32 = st.integers(0, 2**32 - 1)


@given(
    k=st.none() | st.integers(0, 100),
    threshold=st.none() | _scores,
    data=st.binary(max_size=50),
    ppi=st.none() | st.integers(250, 2000),
    vector=st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=8),
)
def test_a_search_is_written_whole(k, threshold, data, ppi, vector):
    samples = (
        EmbeddingSample(1, np.array(vector, dtype=np.float32), "v1"),
        TemplateSample(2, data),
        ImageSample(3, data, ppi),
    )
    probe = Fingers(samples, (MissingFinger(4, MissingReason.UNABLE_TO_PRINT),))
    written = codec.search(Search(Originator("ZZ0000000", "TCN0000001"), ("a", "b"), probe, k, threshold, "1-2"))
    assert (written.originator.ori, written.originator.tcn) == ("ZZ0000000", "TCN0000001")
    assert (list(written.galleries), written.min_position) == (["a", "b"], "1-2")
    assert (written.max_candidates if written.HasField("max_candidates") else None) == k
    assert (written.score_threshold if written.HasField("score_threshold") else None) == threshold
    embedding, template, image = written.probe.fingers.samples
    assert np.frombuffer(embedding.embedding.vector, "<f4").tolist() == vector
    assert (embedding.position, embedding.embedding.model_version) == (1, "v1")
    assert (template.position, template.template.data) == (2, data)
    assert (image.position, image.image.data) == (3, data)
    assert (image.image.ppi if image.image.HasField("ppi") else None) == ppi
    (missing,) = written.probe.fingers.missing
    assert (missing.position, missing.reason) == (4, capture_pb2.MISSING_REASON_UNABLE_TO_PRINT)


def test_an_enrolment_without_a_subject_asks_for_a_new_one():
    card = TransactionFile(b"card", (1, 2))
    written = codec.enrolment(Enrolment(Originator("ZZ0000000", "TCN0000001"), "criminal", card))
    assert not written.HasField("subject_id")
    assert (written.capture.transaction.data, list(written.capture.transaction.positions)) == (b"card", [1, 2])


@given(
    outcome=st.sampled_from(list(Outcome)),
    scores=st.lists(_scores, max_size=10),
    counts=st.tuples(_uint32, _uint32, _uint32),
    quality=st.none() | st.integers(0, 100),
)
def test_an_answer_is_read_whole(outcome, scores, counts, quality):
    fingers = [identification_pb2.FingerScore(position=i + 1, score=score) for i, score in enumerate(scores)]
    total, searched, incomparable = counts
    answer = identification_pb2.GalleryAnswer(
        gallery="criminal",
        outcome=identification_pb2.Outcome.Value(f"OUTCOME_{outcome.upper()}"),
        candidates=[identification_pb2.Candidate(rank=1, subject_id="P", encounter_id="E", finger_scores=fingers)],
        coverage=identification_pb2.Coverage(total=total, searched=searched, incomparable=incomparable),
        error=status_pb2.Status(code=13, message="broken") if outcome is Outcome.ERROR else None,
    )
    poor = [capture_pb2.POOR_REASON_SMALL_AREA, 77]
    report = capture_pb2.SampleReport(position=2, status=capture_pb2.SAMPLE_STATUS_USED, nfiq2=quality, poor=poor)
    read = codec.identification(identification_pb2.IdentifyResponse(tcr="T", answers=[answer], samples=[report]))
    found = read.of("criminal")
    assert (found.outcome, found.error) == (outcome, "broken" if outcome is Outcome.ERROR else None)
    assert [(finger.position, finger.score) for finger in found.candidates[0].finger_scores] == [
        (i + 1, score) for i, score in enumerate(scores)
    ]
    assert (found.coverage.total, found.coverage.searched, found.coverage.incomparable) == counts
    assert found.is_complete == (outcome in {Outcome.CANDIDATES, Outcome.NO_CANDIDATES})
    assert (read.samples[0].status, read.samples[0].nfiq2, read.samples[0].minutiae) == ("used", quality, None)
    assert (read.samples[0].poor, read.samples[0].area_mm2) == (("small_area", "unknown"), None)


@pytest.mark.parametrize("number", [0, 9])
def test_an_outcome_that_the_client_does_not_know_is_never_no_match(number):
    answer = identification_pb2.GalleryAnswer(gallery="criminal", outcome=number)
    found = codec.identification(identification_pb2.IdentifyResponse(answers=[answer])).of("criminal")
    assert (found.outcome, found.is_complete) == (Outcome.ERROR, False)
    assert str(number) in found.error


def test_a_sample_status_that_the_client_does_not_know_leaves_the_answers_readable():
    answer = identification_pb2.GalleryAnswer(gallery="criminal", outcome=identification_pb2.OUTCOME_NO_CANDIDATES)
    message = identification_pb2.IdentifyResponse(answers=[answer], samples=[capture_pb2.SampleReport(status=99)])
    read = codec.identification(message)
    assert (read.of("criminal").outcome, read.samples[0].status) == (Outcome.NO_CANDIDATES, "unknown")


@pytest.mark.parametrize(
    ("read", "message"),
    [(from_status, status_pb2.Status(code=99)), (codec.result, identification_pb2.IdentifyResult())],
    ids=["a code that nobody has defined", "neither an answer nor a status"],
)
def test_what_cannot_be_read_is_an_error(read, message):
    error = read(message)
    assert isinstance(error, TenprintError)
    assert error.code is grpc.StatusCode.UNKNOWN
    assert str(error)
