"""What comes over the wire equals a brute-force search of what went over it."""

import json
from importlib.resources import files

import numpy as np
import pytest

from tenprint.v1 import enrolment_pb2, identification_pb2
from tests.index.oracle import Entry, Strangers, identify, identify_unknown_position
from tests.server.conftest import embedding_sample, fingers, originator, unit_vectors

D = 256


@pytest.fixture(scope="module")
def gallery(server):
    """24 subjects: some with two encounters, some with fingers missing."""
    rng = np.random.default_rng(7)
    model = server.gallery("criminal").model_version
    entries, requests = [], []
    for subject in range(24):
        base = unit_vectors(rng, (10, D))
        for encounter in range(1 + subject % 2):
            noisy = base + 0.3 * unit_vectors(rng, (10, D))
            vectors = (noisy / np.linalg.norm(noisy, axis=1, keepdims=True)).astype(np.float32)
            absent = rng.permutation(10)[: subject % 4] if subject % 3 == 0 else []
            vectors[absent] = 0
            samples = [embedding_sample(i + 1, vectors[i], model) for i in range(10) if vectors[i].any()]
            requests.append(
                enrolment_pb2.EnrolStreamRequest(
                    item=len(requests),
                    request=enrolment_pb2.EnrolRequest(
                        originator=originator(),
                        gallery="criminal",
                        subject_id=f"S{subject:03d}",
                        capture=fingers(*samples),
                    ),
                )
            )
            entries.append((f"S{subject:03d}", encounter, vectors))
    answers = list(server.enrolment.EnrolStream(iter(requests)))
    assert [answer.item for answer in answers] == list(range(len(requests)))
    assert all(answer.WhichOneof("result") == "response" for answer in answers)
    return model, [
        Entry(answer.response.encounter_id, subject, vectors.reshape(-1))
        for answer, (subject, _, vectors) in zip(answers, entries, strict=True)
    ]


def _strangers():
    """As the model's card has them: 1 stands for its threshold."""
    scores = json.loads((files("tenprint.fingerprint") / "models" / "finger.json").read_text())["scores"]
    mean = scores["fingers"]["1"]["non_mated"]["mean"]
    return Strangers(mean, tuple(threshold - mean for threshold in scores["candidate_thresholds"]))


def _ask(model, vectors, positions, k):
    samples = [embedding_sample(position, vectors[i], model) for i, position in enumerate(positions)]
    return identification_pb2.IdentifyRequest(
        originator=originator(), galleries=["criminal"], probe=fingers(*samples), max_candidates=k, score_threshold=-1
    )


def _told(answer):
    return [(c.subject_id, c.encounter_id) for c in answer.candidates], [c.score for c in answer.candidates]


def _probes(entries):
    rng = np.random.default_rng(11)
    for number in range(8):
        entry = entries[rng.integers(len(entries))]
        vectors = np.asarray(entry.vector, dtype=np.float32).reshape(10, D) + 0.5 * unit_vectors(rng, (10, D))
        vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        count = (1, 2, 4, 10)[number % 4]
        positions = sorted(rng.permutation(10)[:count] + 1)
        yield vectors[[p - 1 for p in positions]], [int(p) for p in positions], int(rng.integers(1, 30))


def test_answers_equal_the_oracle_alone_batched_and_streamed(server, gallery):
    model, entries = gallery
    asked, expected = [], []
    for vectors, positions, k in _probes(entries):
        whole = np.zeros((10, D), dtype=np.float32)
        whole[[p - 1 for p in positions]] = vectors
        asked.append(_ask(model, vectors, positions, k))
        expected.append(identify(entries, whole.reshape(-1), k, _strangers()).candidates)
    alone = [server.identification.Identify(request).answers[0] for request in asked]
    batch = server.identification.IdentifyBatch(identification_pb2.IdentifyBatchRequest(requests=asked))
    batched = [result.response.answers[0] for result in batch.results]
    items = (identification_pb2.IdentifyStreamRequest(item=i, request=request) for i, request in enumerate(asked))
    streamed = {
        answer.item: answer.result.response.answers[0] for answer in server.identification.IdentifyStream(items)
    }
    for i, want in enumerate(expected):
        ids, scores = _told(alone[i])
        assert ids == [candidate[:2] for candidate in want]
        assert scores == pytest.approx([candidate[2] for candidate in want], abs=1e-6)
        assert _told(batched[i]) == (ids, scores), "a batch changed an answer"
        assert _told(streamed[i]) == (ids, scores), "a stream changed an answer"


def test_an_unknown_position_is_searched_at_all_ten(server, gallery):
    model, entries = gallery
    whole = np.asarray(entries[-1].vector, dtype=np.float32).reshape(10, D)
    answer = server.identification.Identify(_ask(model, whole[6:7], [0], 5)).answers[0]
    expected = identify_unknown_position(entries, whole[6], 5).candidates
    assert _told(answer)[0] == [candidate[:2] for candidate in expected]
    assert answer.candidates[0].finger_scores[0].position == 7
    assert answer.candidates[0].score == pytest.approx(1.0, abs=1e-6)


def test_coverage_counts_what_could_not_be_compared(server, gallery):
    model, entries = gallery
    lacking = sum(not np.asarray(entry.vector).reshape(10, D)[2].any() for entry in entries)
    assert lacking > 0
    vectors = unit_vectors(np.random.default_rng(3), (1, D))
    coverage = server.identification.Identify(_ask(model, vectors, [3], 5)).answers[0].coverage
    assert (coverage.total, coverage.incomparable) == (len(entries), lacking)
    assert coverage.searched == len(entries) - lacking
