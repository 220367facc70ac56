"""Re-ranking: the wire says what the matcher says, to the last bit; and nothing where minutiae are not known."""

import asyncio
import functools
import itertools
import json
from importlib.resources import files

import numpy as np
import pytest

from tenprint.fingerprint.embedding import Embedder
from tenprint.fingerprint.features import DescriptorAxes, FingerFeatures, pack_capture
from tenprint.fingerprint.fusion import FusedThresholds, fused_score
from tenprint.fingerprint.image import GreyImage, ImageLimits, decode_image
from tenprint.fingerprint.matching import match
from tenprint.fingerprint.mindtct import MindtctExtractor
from tenprint.fingerprint.positions import FingerPosition
from tenprint.fingerprint.synthetic import encode_png, press
from tenprint.index import Candidate, Coverage, SearchResult
from tenprint.server.reranking import Reranking
from tenprint.v1 import capture_pb2, enrolment_pb2, identification_pb2
from tests.prints import grown
from tests.server.conftest import embedding_sample, fingers, originator
from tests.server.test_records import metric

PEOPLE = 4


@functools.cache
def picture(person, seed):
    return encode_png(press(grown(person + 1), seed, rolled=seed == 1))


def sample(person, seed, position=2):
    return capture_pb2.FingerSample(position=position, image=capture_pb2.Image(data=picture(person, seed), ppi=500))


@functools.cache
def described(person, seed):
    """Vector and features of a picture, made without a server."""
    image = decode_image(picture(person, seed), format=None, ppi=500, limits=ImageLimits())
    minutiae = MindtctExtractor().extract(image)
    (embedding,) = Embedder().embed([minutiae])
    return embedding.vector, FingerFeatures.of(minutiae, embedding, DescriptorAxes())


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from tests.server.conftest import start_server

    running = start_server(tmp_path_factory.mktemp("reranking"), extractor="mindtct")
    enrol(running)
    yield running
    assert running.stop() == 0


def enrol(server):
    for person in range(PEOPLE):
        request = enrolment_pb2.EnrolRequest(
            originator=originator(), gallery="criminal", subject_id=f"P{person}", capture=fingers(sample(person, 1))
        )
        server.enrolment.Enrol(request)


def identify(server, *samples, **fields):
    request = identification_pb2.IdentifyRequest(
        originator=originator(), galleries=["criminal"], probe=fingers(*samples), **fields
    )
    return server.identification.Identify(request).answers[0]


def test_the_answer_is_the_matchers_to_the_last_bit(server):
    answer = identify(server, sample(1, 2), score_threshold=-1)
    assert [item.rank for item in answer.candidates] == [1, 2, 3, 4]
    vector, probe = described(1, 2)
    expected = {}
    for person in range(PEOPLE):
        other, features = described(person, 1)
        (found,) = match(probe, [features])
        cosine = float((vector.astype(np.float64) * other.astype(np.float64)).sum())
        expected[f"P{person}"] = (found.score, len(found.pairs), fused_score(found.score, cosine))
    for candidate in answer.candidates:
        (finger,) = candidate.finger_scores
        score, pairs, fused = expected[candidate.subject_id]
        assert np.float32(score) == np.float32(candidate.match_score) == np.float32(finger.match_score)
        assert finger.matched_minutiae == pairs
        assert candidate.score == pytest.approx(fused, abs=1e-6), (
            "the cosine is of vectors of unit norm to the last bit"
        )
    by_score = sorted(expected, key=lambda name: -expected[name][2])
    assert [item.subject_id for item in answer.candidates] == by_score
    assert answer.candidates[0].subject_id == "P1"
    assert answer.timing.rerank_seconds > 0
    assert metric(server, 'tenprint_search_stage_seconds_count{gallery="criminal",stage="rerank"}') >= 1


def test_of_different_numbers_of_fingers_the_one_further_above_strangers_comes_first():
    probe = {FingerPosition(2): described(1, 2), FingerPosition(7): described(0, 2)}
    listed = []
    for one, other in itertools.permutations(range(PEOPLE), 2):
        for positions in ({2: one}, {7: other}, {2: one, 7: other}):
            held = {FingerPosition(place): described(person, 1) for place, person in positions.items()}
            cosines = tuple(float(held[place][0] @ probe[place][0]) for place in held)
            features = pack_capture({place: seen for place, (_, seen) in held.items()})
            name = f"{len(listed):02}"
            listed.append(Candidate(name, name, float(np.mean(cosines)), tuple(positions), cosines, features))
    thresholds = FusedThresholds()
    reranking = Reranking(thresholds, 200, 1)
    try:
        result = SearchResult(tuple(listed), Coverage(len(listed), len(listed), 0))
        ranked = asyncio.run(reranking.rank({place: seen for place, (_, seen) in probe.items()}, result)).candidates
    finally:
        reranking.close()
    mean = json.loads((files("tenprint.fingerprint") / "models" / "reranking.json").read_text())["mean"]
    standings = [(item.score - mean) / (thresholds.of(item.fingers) - mean) for item in ranked]
    assert standings == sorted(standings, reverse=True)
    assert [item.score for item in ranked] != sorted((item.score for item in ranked), reverse=True)
    assert {item.fingers for item in ranked} == {1, 2}


def test_a_short_answer_is_the_beginning_of_a_long_one(server):
    long = identify(server, sample(2, 2), score_threshold=-1).candidates
    short = identify(server, sample(2, 2), score_threshold=-1, max_candidates=1).candidates
    assert [(item.subject_id, item.score) for item in short] == [(long[0].subject_id, long[0].score)]


def test_the_threshold_is_of_the_score_that_decides(server):
    answer = identify(server, sample(3, 2))
    assert answer.score_threshold == pytest.approx(FusedThresholds().of(1))
    assert [item.subject_id for item in answer.candidates] == ["P3"]
    assert identify(server, sample(3, 2), score_threshold=1.0).outcome == identification_pb2.OUTCOME_NO_CANDIDATES


def test_a_probe_of_vectors_alone_is_ranked_by_vectors(server):
    vector, _ = described(0, 2)
    probe = embedding_sample(2, vector, Embedder().version)
    answer = identify(server, probe, score_threshold=-1)
    assert answer.candidates[0].subject_id == "P0"
    assert not any(item.HasField("match_score") for item in answer.candidates)
    assert answer.timing.rerank_seconds == 0
    assert [item.score for item in answer.candidates] == [item.finger_scores[0].score for item in answer.candidates]
    assert identify(server, probe).score_threshold == pytest.approx(Embedder().candidate_threshold(1))


def test_a_record_of_vectors_alone_comes_after_those_that_were_compared(server):
    vector, _ = described(0, 2)
    request = enrolment_pb2.EnrolRequest(
        originator=originator(),
        gallery="immigration",
        subject_id="vector",
        capture=fingers(embedding_sample(2, vector, Embedder().version)),
    )
    server.enrolment.Enrol(request)
    request = enrolment_pb2.EnrolRequest(
        originator=originator(), gallery="immigration", subject_id="image", capture=fingers(sample(3, 1))
    )
    server.enrolment.Enrol(request)
    search = identification_pb2.IdentifyRequest(
        originator=originator(), galleries=["immigration"], probe=fingers(sample(0, 2)), score_threshold=-1
    )
    first, second = server.identification.Identify(search).answers[0].candidates
    assert (first.subject_id, second.subject_id) == ("image", "vector")
    assert first.HasField("match_score")
    assert not second.HasField("match_score")
    assert second.score == pytest.approx(1.0)


def test_a_finger_of_unknown_position_is_ranked_by_vectors(server):
    answer = identify(server, sample(1, 2, position=0), score_threshold=-1)
    assert answer.candidates[0].subject_id == "P1"
    assert not any(item.HasField("match_score") for item in answer.candidates)


def test_off_by_configuration(launch):
    plain = launch(extractor="mindtct", rerank_pairs="0")
    enrol(plain)
    answer = identify(plain, sample(1, 2), score_threshold=-1)
    assert answer.candidates[0].subject_id == "P1"
    assert not any(item.HasField("match_score") for item in answer.candidates)
    assert answer.timing.rerank_seconds == 0


def test_the_answer_names_the_poor_prints_and_so_does_the_receipt_when_asked_again(server):
    whole = decode_image(picture(0, 2), format=None, ppi=500, limits=ImageLimits())
    pixels = np.full_like(whole.pixels, 255)
    pixels[180:310, 135:265] = whole.pixels[180:310, 135:265]
    cut = capture_pb2.Image(data=encode_png(GreyImage(pixels, 500)), ppi=500)
    sent = fingers(sample(1, 2, position=3), capture_pb2.FingerSample(position=2, image=cut))
    request = enrolment_pb2.EnrolRequest(originator=originator(), gallery="immigration", capture=sent)
    probe = identification_pb2.IdentifyRequest(originator=originator(), galleries=["criminal"], probe=sent)
    receipts = [server.enrolment.Enrol(request) for _ in range(2)]
    assert [receipt.repeated for receipt in receipts] == [False, True]
    assert receipts[0].samples == receipts[1].samples
    for good, poor in (receipts[0].samples, server.identification.Identify(probe).samples):
        assert good.area_mm2 > 100
        assert not good.poor
        assert capture_pb2.POOR_REASON_SMALL_AREA in poor.poor
        assert 0 < poor.area_mm2 < 60
        assert poor.status == capture_pb2.SAMPLE_STATUS_USED
