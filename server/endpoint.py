"""Where a server process is called: the addresses it binds, what every gRPC server of the product answers, its end."""

import asyncio
import gc
import json
import os
import signal
import sys
import threading
from collections.abc import Iterable, Sequence
from typing import Final, Protocol
from wsgiref.simple_server import WSGIServer

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import start_http_server

from tenprint.server.health import HealthService
from tenprint.server.interceptor import RpcInterceptor
from tenprint.server.port_file import write_atomically
from tenprint.server.process_settings import ProcessSettings
from tenprint.server.rpc_metrics import RpcMetrics

_log = structlog.get_logger(__name__)

_SWITCH_SECONDS: Final = 0.0001
"""How long the thread that runs Python keeps others waiting. A search takes the interpreter back some ten times a
batch, from a loop that is busy with answers: at Python's 5 ms a seventh fewer were answered in time near the limit, and
beyond it a third fewer (docs/performance.md).
"""


class AddressError(Exception):
    """An address of the settings that cannot be served on."""


class Endpoint:
    """A gRPC server with health, reflection and metrics. Made inside the running loop; not to be opened again.

    The servicers are added to `grpc`; then `open`, `announce`, `drain`, and `close` when nothing works any more.

    Args:
        settings: where it listens, and how long a drain may take.
        metrics: told of every call; /metrics exports its registry.
        services: full names of the services that reflection and health tell of.
    """

    def __init__(self, settings: ProcessSettings, metrics: RpcMetrics, services: Sequence[str]) -> None:
        self._settings, self._metrics, self._services = settings, metrics, services
        self._health = HealthService()
        self._calls = RpcInterceptor(metrics)
        self.grpc: Final = grpc.aio.server(
            interceptors=[self._calls],
            options=[
                ("grpc.max_receive_message_length", settings.max_message_bytes),
                ("grpc.max_send_message_length", settings.max_message_bytes),
                ("grpc.so_reuseport", 0),  # a second server on the same port is a mistake to hear of, not to share
            ],
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self.grpc)
        reflection.enable_server_reflection((*services, health.SERVICE_NAME, reflection.SERVICE_NAME), self.grpc)
        self._port = 0
        self._scrape: tuple[WSGIServer, threading.Thread] | None = None
        self._hurried = asyncio.Event()

    async def open(self) -> None:
        """Bind both addresses and take calls.

        Raises:
            AddressError: if one cannot be served on.
        """
        settings = self._settings
        try:
            if settings.tls_certificate is not None and settings.tls_key is not None:
                pair = (settings.tls_key.read_bytes(), settings.tls_certificate.read_bytes())
                self._port = self.grpc.add_secure_port(settings.listen, grpc.ssl_server_credentials([pair]))
            else:
                self._port = self.grpc.add_insecure_port(settings.listen)
        except RuntimeError as error:
            raise AddressError(f"listen: {settings.listen} cannot be served on: {error}") from error
        host, _, port = settings.metrics_listen.rpartition(":")
        try:
            self._scrape = start_http_server(int(port), host.strip("[]"), self._metrics.registry)
        except (OSError, OverflowError) as error:
            raise AddressError(f"metrics_listen: {settings.metrics_listen} cannot be served on: {error}") from error
        await self.grpc.start()

    async def announce(self, parts: Iterable[str] = ()) -> None:
        """Say that it serves: to health, of every service and of `parts`; in the log; in the port file."""
        for name in ("", *self._services, *parts):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        settings = self._settings
        addresses = {"listen": f"{settings.listen.rpartition(':')[0]}:{self._port}"}
        if self._scrape is not None:
            addresses["metrics"] = f"{settings.metrics_listen.rpartition(':')[0]}:{self._scrape[0].server_port}"
        _log.info("serving", tls=settings.tls_certificate is not None, **addresses)
        if settings.port_file is not None:
            write_atomically(settings.port_file, json.dumps({**addresses, "pid": os.getpid()}))

    def hurry(self) -> None:
        """Let a drain wait no longer for running calls: they are cancelled."""
        self._hurried.set()

    async def drain(self) -> None:
        """Tell health, take no new calls, let running ones finish within the stated time, and end what is left."""
        _log.info("draining", seconds=self._settings.drain_seconds)
        await self._health.drain()
        waits = [asyncio.create_task(self._calls.drained()), asyncio.create_task(self._hurried.wait())]
        await asyncio.wait(waits, timeout=self._settings.drain_seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        await self.grpc.stop(grace=None)

    async def close(self) -> None:
        """End /metrics, the last that is seen of the process."""
        if self._scrape is not None:
            http, thread = self._scrape
            await asyncio.to_thread(http.shutdown)
            http.server_close()
            await asyncio.to_thread(thread.join)
        _log.info("stopped")


class Process(Protocol):
    """What `serve` runs."""

    @property
    def endpoint(self) -> Endpoint:
        """Where it is called."""
        ...

    async def start(self) -> None:
        """Open the endpoint, begin the work beside it, announce."""
        ...

    async def stop(self) -> None:
        """Drain and close the endpoint, and end the work beside it. Also after a start that failed."""
        ...


async def serve(process: Process) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second signal ends the calls that still run."""
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        await process.start()
        gc.collect()
        gc.freeze()  # what lives as long as the process need not be looked through again: 50 ms and more each time
        await ending.wait()
    finally:
        ending.clear()
        hurry = asyncio.create_task(_hurry(ending, process.endpoint))
        await process.stop()
        hurry.cancel()


async def _hurry(again: asyncio.Event, endpoint: Endpoint) -> None:
    await again.wait()
    endpoint.hurry()
