"""Searches under Locust: locust -f deploy/locustfile.py --host localhost:50051 (docs/load-testing.md)."""

import os
import time
from itertools import cycle

import grpc
import grpc.experimental.gevent
from locust import User, constant, task

from tenprint.client.channel import Target
from tenprint.client.client import Client
from tenprint.client.load.probes import Mix, requests

grpc.experimental.gevent.init_gevent()


class Booking(User):
    """A client that searches one capture after another. Locust counts from when a call is sent."""

    wait_time = constant(0)

    def on_start(self) -> None:
        """Connect, and write the requests."""
        target = Target(self.host)
        with Client(target) as client:
            version = client.galleries()[0].model_version
        mix = Mix(((10, 1.0),), ("criminal", "immigration"), subjects=int(os.environ.get("TENPRINT_SUBJECTS", "0")))
        self._requests = cycle(requests(mix, version))
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
        except grpc.RpcError as error:
            failure = error
        self.environment.events.request.fire(
            request_type="grpc",
            name="Identify",
            response_time=(time.perf_counter() - begun) * 1000,
            response_length=len(answer),
            exception=failure,
        )
