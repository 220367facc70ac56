"""Recall of live probes: searched again while nothing else is to be done, and told with its interval."""

import time

import numpy as np
import pytest

from tenprint.fingerprint.synthetic.vectors import SyntheticVectors
from tenprint.index import Gallery, Record, SnapshotFolder
from tenprint.server.recall import Recall, RecallSampler
from tenprint.v1 import enrolment_pb2, identification_pb2
from tests.server.conftest import embedding_sample, fingers, originator, unit_vectors
from tests.server.test_metrics import scrape


def gallery_of(folder, count=200, d=32):
    population = SyntheticVectors(4, d, [(0.01, 0.1), (0.99, 0.7)], 0.0)
    gallery = Gallery("criminal", dimension=d, model_version="m", scan_from=16)
    gallery.apply([Record(f"e{i}", f"s{i}", population.subject(i)) for i in range(count)], position="1")
    gallery.snapshot(SnapshotFolder(folder, lambda _: None), "o")
    return gallery, np.stack([population.mate(i, 0) for i in range(8)])


def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_probes_are_searched_again_when_idle_and_not_before(tmp_path):
    gallery, probes = gallery_of(tmp_path)
    idle = False
    sampler = RecallSampler({"criminal": gallery}, 1.0, lambda: idle)
    sampler.offer("criminal", probes)
    time.sleep(0.2)
    assert sampler.recall()["criminal"] == Recall(0, 0)
    idle = True
    until(lambda: sampler.recall()["criminal"] == Recall(8, 8))
    sampler.close()


def test_a_lost_best_candidate_is_seen(tmp_path, monkeypatch):
    gallery, probes = gallery_of(tmp_path)
    usual = gallery.search
    monkeypatch.setattr(  # the usual search answers for someone else
        gallery, "search", lambda probe, k, *, exact=False: usual(probe if exact else probes[:1], k, exact=exact)
    )
    sampler = RecallSampler({"criminal": gallery}, 1.0, lambda: True)
    sampler.offer("criminal", probes[1:3])
    until(lambda: sampler.recall()["criminal"].probes == 2)
    assert sampler.recall()["criminal"].kept == 0
    sampler.close()


def test_none_are_taken_where_none_are_wanted(tmp_path):
    gallery, probes = gallery_of(tmp_path)
    sampler = RecallSampler({"criminal": gallery}, 0.0, lambda: True)
    sampler.offer("criminal", probes)
    time.sleep(0.1)
    assert sampler.recall()["criminal"].probes == 0
    sampler.close()


@pytest.mark.parametrize(
    ("kept", "probes", "low"),
    [(0, 0, 0.0), (10, 10, 0.7225), (999, 1000, 0.99436), (1000, 1000, 0.99617)],  # Brown, Cai, DasGupta 2001, eq. 4
)
def test_the_interval_is_wilsons(kept, probes, low):
    assert Recall(kept, probes).lower_bound == pytest.approx(low, abs=1e-4)


def test_a_server_tells_its_recall_and_its_self_test(launch):
    server = launch(recall_sample_share="1.0")
    model = server.gallery("criminal").model_version
    vector = unit_vectors(np.random.default_rng(1), (256,))
    probe = fingers(embedding_sample(1, vector, model))
    server.enrolment.Enrol(enrolment_pb2.EnrolRequest(originator=originator(), gallery="criminal", capture=probe))
    server.identification.Identify(
        identification_pb2.IdentifyRequest(originator=originator(), galleries=["criminal"], probe=probe, priority=1)
    )
    until(lambda: 'tenprint_recall_ratio{gallery="criminal"} 1.0' in scrape(server))
    assert 'tenprint_recall_sampled_probes{gallery="criminal"} 1.0' in scrape(server)
    (line,) = [line for line in server.log_lines() if line["event"] == "self_test"]
    assert line["scan_seconds"] > 0
