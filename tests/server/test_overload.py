"""More than a server can do, over gRPC: whose turn it is, what is refused at the door, and what is never searched."""

import itertools
import time
import urllib.request
from collections import Counter

import grpc
import numpy as np
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from prometheus_client.parser import text_string_to_metric_families

from tenprint.v1 import galleries_pb2, identification_pb2
from tests.server.conftest import embedding_sample, fingers, originator, unit_vectors
from tests.server.held import serve_held

EVENTUALLY = 60.0
LONG = 600.0
"""Seconds; a deadline that nothing here comes near."""


class Held:
    """A server whose searches wait while `hold` exists."""

    def __init__(self, launch, folder, **settings):
        self.hold, self._searches = folder / "hold", folder / "searches"
        environment = {"HOLD": str(self.hold), "SEARCHES": str(self._searches)}
        self.server = launch(serve=serve_held, environment=environment, recall_sample_share="0", **settings)
        vector = unit_vectors(np.random.default_rng(1), (256,))
        self._probe = fingers(embedding_sample(1, vector, self.server.gallery("criminal").model_version))
        self._sent = 0

    def ask(self, *galleries, timeout=LONG):
        self._sent += 1
        request = identification_pb2.IdentifyRequest(
            originator=originator(), galleries=galleries or ["criminal"], probe=self._probe, score_threshold=-1
        )
        return self.server.identification.Identify.future(request, timeout=timeout)

    def ask_and_hold(self):
        """A search that runs until `hold` is gone."""
        before = len(self.searches())
        self.hold.touch()
        call = self.ask()
        eventually(lambda: len(self.searches()) > before)
        return call

    def all_have_come(self):
        """Wait until the server has taken every call that was sent."""
        eventually(lambda: self.counted("grpc_server_started_total", grpc_method="Identify") == self._sent)
        for _ in range(2):  # the server's loop has been round since
            self.server.galleries.List(galleries_pb2.ListRequest())

    def searches(self):
        return self._searches.read_text().split() if self._searches.exists() else []

    def counted(self, name, **labels):
        with urllib.request.urlopen(self.server.metrics_url) as response:
            families = text_string_to_metric_families(response.read().decode())
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )


def eventually(condition):
    deadline = time.monotonic() + EVENTUALLY
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def outcome(call):
    (answer,) = call.result(EVENTUALLY).answers
    return answer.outcome


def refused(call):
    """A call must fail because too much waits; when to come back, seconds."""
    assert call.exception(EVENTUALLY).code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    status = rpc_status.from_call(call)
    (retry,) = [
        info for detail in status.details if detail.Unpack(info := error_details_pb2.RetryInfo())
    ]  # fmt: skip
    return retry.retry_delay.seconds


def test_two_loaded_galleries_are_searched_in_turns(launch, tmp_path):
    held = Held(launch, tmp_path, max_batch_probes="4")
    first = held.ask_and_hold()
    # All of one gallery's come before the other's first.
    rest = [held.ask("criminal") for _ in range(16)]
    held.all_have_come()
    rest += [held.ask("immigration") for _ in range(16)]
    held.all_have_come()
    held.hold.unlink()
    for call in (first, *rest):
        call.result(EVENTUALLY)
    order = held.searches()
    assert Counter(order)["immigration"] >= 4  # of four probes at most
    both = order[: min(len(order) - 1 - order[::-1].index(name) for name in ("criminal", "immigration")) + 1]
    assert all(one != next_one for one, next_one in itertools.pairwise(both)), order
    assert held.counted("tenprint_probes_total", gallery="criminal") == 17
    assert held.counted("tenprint_probes_total", gallery="immigration") == 16


def test_what_comes_too_late_is_refused_or_dropped_and_never_searched(launch, tmp_path):
    held = Held(launch, tmp_path, max_batch_probes="1", max_queued_probes="10")

    # What waits out its deadline behind a search that takes long.
    first = held.ask_and_hold()
    expiring = [held.ask(timeout=3.0) for _ in range(5)]
    for call in expiring:
        if call.exception(EVENTUALLY) is None:
            assert outcome(call) == identification_pb2.OUTCOME_ERROR
        else:
            assert call.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    held.hold.unlink()
    assert outcome(first) != identification_pb2.OUTCOME_ERROR
    assert outcome(held.ask()) != identification_pb2.OUTCOME_ERROR
    came = held.counted("grpc_server_started_total", grpc_method="Identify")
    assert came > 2
    assert held.counted("tenprint_probes_total") == len(held.searches()) == 2
    assert held.counted("tenprint_dropped_probes_total") == came - 2

    # Searches take seconds, the server has learned: what has nine before it is refused when it comes, not after.
    first = held.ask_and_hold()
    waiting = [held.ask() for _ in range(9)]
    held.all_have_come()
    dropped = held.counted("tenprint_dropped_probes_total")
    assert refused(held.ask(timeout=4.0)) >= 1
    assert held.counted("tenprint_dropped_probes_total", reason="too_late") == 1
    # One more fills the queue, and nothing is let in however long it would wait.
    waiting.append(held.ask())
    held.all_have_come()
    assert refused(held.ask()) >= 1
    assert held.counted("tenprint_dropped_probes_total", reason="queue_full") == 1
    # A request is searched in all its galleries or in none: half an answer costs as much, and has to be asked again.
    assert refused(held.ask("immigration", "criminal")) >= 1
    assert held.counted("tenprint_dropped_probes_total", reason="queue_full") == 2
    held.hold.unlink()
    for call in (first, *waiting):
        assert outcome(call) != identification_pb2.OUTCOME_ERROR
    assert held.counted("tenprint_probes_total") == len(held.searches()) == 2 + 11
    assert held.counted("tenprint_dropped_probes_total") == dropped + 3
