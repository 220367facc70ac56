"""Searches under Locust: locust -f deploy/locustfile.py --host localhost:50051 (docs/load-testing.md)."""

import os
import time
from itertools import cycle
from typing import Any

import grpc
import grpc.experimental.gevent
from locust import User, constant, events, task

from tenprint.client.channel import Target
from tenprint.client.client import Client
from tenprint.client.load.probes import Mix, requests
from tenprint.client.load.run import INCOMPLETE, complete

grpc.experimental.gevent.init_gevent()


class IncompleteError(Exception):
    """An answer in which a gallery is partial or in error."""


class Booking(User):
    """A client that searches one capture after another. Locust counts from when a call is sent."""

    wait_time = constant(0)
    written: tuple[bytes, ...] = ()

    def on_start(self) -> None:
        """Connect."""
        target = Target(self.host)
        self._requests = cycle(self.written)
        self._channel = grpc.insecure_channel(target.address, target.options)
        self._identify = self._channel.unary_unary("/tenprint.v1.Identification/Identify")

    def on_stop(self) -> None:
        """Disconnect."""
        self._channel.close()

    @task
    def identify(self) -> None:
        """One search in both galleries."""
        begun, failure, answer = time.perf_counter(), None, b""
        try:
            answer = self._identify(next(self._requests), timeout=30)
            if not complete(answer, searches=1):
                failure = IncompleteError(INCOMPLETE)
        except grpc.RpcError as error:
            failure = error
        self.environment.events.request.fire(
            request_type="grpc",
            name="Identify",
            response_time=(time.perf_counter() - begun) * 1000,
            response_length=len(answer),
            exception=failure,
        )


@events.test_start.add_listener
def write(environment: Any, **_: object) -> None:
    """Write the requests, once for all users: it would take its time from theirs."""
    with Client(Target(environment.host)) as client:
        version = client.galleries()[0].model_version
    mix = Mix(((10, 1.0),), ("criminal", "immigration"), subjects=int(os.environ.get("TENPRINT_SUBJECTS", "0")))
    Booking.written = tuple(requests(mix, version)[1])
