"""The server put together: what is built at start, in which order, and how it is taken down again."""

import asyncio
import json
import os
import signal
import threading
from pathlib import Path
from wsgiref.simple_server import WSGIServer

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import start_http_server

from tenprint.fingerprint.embedding import Embedder
from tenprint.fingerprint.mindtct import MindtctExtractor
from tenprint.server.engine import Engine
from tenprint.server.enrolment import EnrolmentService
from tenprint.server.galleries import GalleriesService
from tenprint.server.health import HealthService
from tenprint.server.identification import IdentificationService
from tenprint.server.interceptor import RpcInterceptor
from tenprint.server.metrics import Metrics
from tenprint.server.preparation import Preparation
from tenprint.server.settings import Settings
from tenprint.v1 import (
    enrolment_pb2,
    enrolment_pb2_grpc,
    galleries_pb2,
    galleries_pb2_grpc,
    identification_pb2,
    identification_pb2_grpc,
)

_SERVICES = (
    identification_pb2.DESCRIPTOR.services_by_name["Identification"].full_name,
    enrolment_pb2.DESCRIPTOR.services_by_name["Enrolment"].full_name,
    galleries_pb2.DESCRIPTOR.services_by_name["Galleries"].full_name,
)

_log = structlog.get_logger(__name__)


class Server:
    """One server process's parts. `start`, then `stop`; not to be started again."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._metrics = Metrics()
        embedder = Embedder(settings.model_path)
        self._metrics.tell_build(embedder.version)
        self._engine = Engine(settings, embedder, self._metrics)
        self._preparation = Preparation(
            embedder,
            MindtctExtractor(),
            self._metrics,
            workers=settings.extraction_workers,
            max_queued=settings.max_queued_captures,
            max_image_bytes=settings.max_image_bytes,
            max_image_pixels=settings.max_image_pixels,
        )
        self._health = HealthService()
        self._grpc = grpc.aio.server(
            interceptors=[RpcInterceptor(self._metrics)],
            options=[
                ("grpc.max_receive_message_length", settings.max_message_bytes),
                ("grpc.max_send_message_length", settings.max_message_bytes),
                ("grpc.so_reuseport", 0),  # a second server on the same port is a mistake to hear of, not to share
            ],
        )
        identification = IdentificationService(
            self._engine,
            self._preparation,
            embedder,
            self._metrics,
            default_deadline=settings.default_deadline_seconds,
        )
        identification_pb2_grpc.add_IdentificationServicer_to_server(identification, self._grpc)
        enrolment_pb2_grpc.add_EnrolmentServicer_to_server(
            EnrolmentService(self._engine, self._preparation, embedder, self._metrics), self._grpc
        )
        galleries_pb2_grpc.add_GalleriesServicer_to_server(GalleriesService(self._engine), self._grpc)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        reflection.enable_server_reflection((*_SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), self._grpc)
        self._scrape: tuple[WSGIServer, threading.Thread] | None = None

    async def start(self) -> None:
        """Bind, serve, and say so: health, the log, the port file."""
        settings = self._settings
        host = settings.listen.rpartition(":")[0]
        if settings.tls_certificate is not None and settings.tls_key is not None:
            pair = (settings.tls_key.read_bytes(), settings.tls_certificate.read_bytes())
            port = self._grpc.add_secure_port(settings.listen, grpc.ssl_server_credentials([pair]))
        else:
            port = self._grpc.add_insecure_port(settings.listen)
        metrics_host, _, metrics_port = settings.metrics_listen.rpartition(":")
        self._scrape = start_http_server(int(metrics_port), metrics_host.strip("[]"), self._metrics.registry)
        await self._grpc.start()
        for service in ("", *_SERVICES, *(f"gallery/{held.index.name}" for held in self._engine)):
            await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)
        addresses = {"listen": f"{host}:{port}", "metrics": f"{metrics_host}:{self._scrape[0].server_port}"}
        _log.info("serving", tls=settings.tls_certificate is not None, **addresses)
        if settings.port_file is not None:
            _write_atomically(settings.port_file, json.dumps({**addresses, "pid": os.getpid()}))

    async def stop(self) -> None:
        """Drain: tell health, take no new calls, let running ones finish within the stated time, then close."""
        _log.info("draining", seconds=self._settings.drain_seconds)
        await self._health.drain()
        await self._grpc.stop(self._settings.drain_seconds)
        await asyncio.to_thread(self._preparation.close)
        await asyncio.to_thread(self._engine.close)
        if self._scrape is not None:
            http, thread = self._scrape
            await asyncio.to_thread(http.shutdown)
            http.server_close()
            await asyncio.to_thread(thread.join)
        _log.info("stopped")


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then drain."""
    _log.info("configuration", **settings.shown())
    server = Server(settings)
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    await server.start()
    try:
        await ending.wait()
    finally:
        await server.stop()


def _write_atomically(path: Path, text: str) -> None:
    """Readers see the whole file or none."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
