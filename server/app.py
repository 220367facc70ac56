"""The server put together: what is built at start, in which order, and how it is taken down again."""

import asyncio
import json
import os
import signal
import threading
from wsgiref.simple_server import WSGIServer

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import start_http_server

from tenprint.fingerprint.calibration import Calibration
from tenprint.fingerprint.embedding import Embedder
from tenprint.fingerprint.features import DescriptorAxes
from tenprint.fingerprint.fusion import FusedThresholds
from tenprint.fingerprint.leader import LeaderExtractor
from tenprint.fingerprint.mindtct import MindtctExtractor
from tenprint.server.engine import Engine
from tenprint.server.enrolment import EnrolmentService
from tenprint.server.galleries import GalleriesService
from tenprint.server.health import HealthService
from tenprint.server.identification import IdentificationService
from tenprint.server.interceptor import RpcInterceptor
from tenprint.server.metrics import Metrics
from tenprint.server.port_file import write_atomically
from tenprint.server.preparation import Preparation
from tenprint.server.records import RecordsService
from tenprint.server.reranking import Reranking
from tenprint.server.settings import Settings
from tenprint.server.thresholds import Thresholds
from tenprint.v1 import (
    enrolment_pb2,
    enrolment_pb2_grpc,
    galleries_pb2,
    galleries_pb2_grpc,
    identification_pb2,
    identification_pb2_grpc,
    records_pb2,
    records_pb2_grpc,
)

_SERVICES = (
    identification_pb2.DESCRIPTOR.services_by_name["Identification"].full_name,
    enrolment_pb2.DESCRIPTOR.services_by_name["Enrolment"].full_name,
    galleries_pb2.DESCRIPTOR.services_by_name["Galleries"].full_name,
    records_pb2.DESCRIPTOR.services_by_name["Records"].full_name,
)

_log = structlog.get_logger(__name__)


class AddressError(Exception):
    """An address of the settings that cannot be served on."""


class Server:
    """One server process's parts. `start`, then `stop`; not to be started again."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._metrics = Metrics()
        embedder = Embedder(settings.model_path)
        self._metrics.tell_build(embedder.version)
        calibration = Calibration.of_model(settings.calibration, settings.model_path, embedder.version)
        self._engine = Engine(settings, embedder, self._metrics)
        self._preparation = Preparation(
            embedder,
            DescriptorAxes(settings.model_path),
            LeaderExtractor() if settings.extractor == "leader" else MindtctExtractor(),
            self._metrics,
            workers=settings.extraction_workers,
            max_queued=settings.max_queued_captures,
            max_queued_bytes=settings.max_queued_capture_bytes,
            max_image_bytes=settings.max_image_bytes,
            max_image_pixels=settings.max_image_pixels,
        )
        self._health = HealthService()
        self._calls = RpcInterceptor(self._metrics)
        self._grpc = grpc.aio.server(
            interceptors=[self._calls],
            options=[
                ("grpc.max_receive_message_length", settings.max_message_bytes),
                ("grpc.max_send_message_length", settings.max_message_bytes),
                ("grpc.so_reuseport", 0),  # a second server on the same port is a mistake to hear of, not to share
            ],
        )
        self._reranking = Reranking(
            FusedThresholds(settings.model_path), settings.rerank_pairs, settings.rerank_workers
        )
        identification = IdentificationService(
            self._engine,
            self._preparation,
            self._reranking,
            Thresholds(embedder, self._reranking, calibration),
            embedder.version,
            self._metrics,
            default_deadline=settings.default_deadline_seconds,
        )
        identification_pb2_grpc.add_IdentificationServicer_to_server(identification, self._grpc)
        enrolment_pb2_grpc.add_EnrolmentServicer_to_server(
            EnrolmentService(self._engine, self._preparation, embedder, self._metrics), self._grpc
        )
        records_pb2_grpc.add_RecordsServicer_to_server(RecordsService(self._engine), self._grpc)
        galleries_pb2_grpc.add_GalleriesServicer_to_server(GalleriesService(self._engine), self._grpc)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        reflection.enable_server_reflection((*_SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), self._grpc)
        self._hurried = asyncio.Event()
        self._scrape: tuple[WSGIServer, threading.Thread] | None = None

    async def start(self) -> None:
        """Bind, serve, and say so: health, the log, the port file."""
        settings = self._settings
        host = settings.listen.rpartition(":")[0]
        try:
            if settings.tls_certificate is not None and settings.tls_key is not None:
                pair = (settings.tls_key.read_bytes(), settings.tls_certificate.read_bytes())
                port = self._grpc.add_secure_port(settings.listen, grpc.ssl_server_credentials([pair]))
            else:
                port = self._grpc.add_insecure_port(settings.listen)
        except RuntimeError as error:
            raise AddressError(f"listen: {settings.listen} cannot be served on: {error}") from error
        metrics_host, _, metrics_port = settings.metrics_listen.rpartition(":")
        try:
            self._scrape = start_http_server(int(metrics_port), metrics_host.strip("[]"), self._metrics.registry)
        except (OSError, OverflowError) as error:
            raise AddressError(f"metrics_listen: {settings.metrics_listen} cannot be served on: {error}") from error
        await self._grpc.start()
        for service in ("", *_SERVICES, *(f"gallery/{held.index.name}" for held in self._engine)):
            await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)
        addresses = {"listen": f"{host}:{port}", "metrics": f"{metrics_host}:{self._scrape[0].server_port}"}
        _log.info("serving", tls=settings.tls_certificate is not None, **addresses)
        if settings.port_file is not None:
            write_atomically(settings.port_file, json.dumps({**addresses, "pid": os.getpid()}))

    def hurry(self) -> None:
        """Let a drain wait no longer for running calls: they are cancelled."""
        self._hurried.set()

    async def stop(self) -> None:
        """Drain: tell health, take no new calls, let running ones finish within the stated time, then close."""
        _log.info("draining", seconds=self._settings.drain_seconds)
        await self._health.drain()
        waits = [asyncio.create_task(self._calls.drained()), asyncio.create_task(self._hurried.wait())]
        await asyncio.wait(waits, timeout=self._settings.drain_seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        await self._grpc.stop(grace=None)
        await asyncio.to_thread(self._preparation.close)
        await asyncio.to_thread(self._reranking.close)
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
    try:
        await server.start()
        await ending.wait()
    finally:
        ending.clear()
        hurry = asyncio.create_task(_hurry(ending, server))
        await server.stop()
        hurry.cancel()


async def _hurry(again: asyncio.Event, server: Server) -> None:
    """A second signal while draining ends the calls that still run."""
    await again.wait()
    server.hurry()
