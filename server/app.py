"""The server put together: what is built at start, in which order, and how it is taken down again."""

import asyncio
from typing import Final

import structlog

from tenprint.fingerprint.calibration import Calibration
from tenprint.fingerprint.embedding import Embedder
from tenprint.fingerprint.features import DescriptorAxes
from tenprint.fingerprint.fusion import FusedThresholds
from tenprint.fingerprint.leader import LeaderExtractor
from tenprint.fingerprint.mindtct import MindtctExtractor
from tenprint.server.endpoint import Endpoint, serve
from tenprint.server.engine import Engine
from tenprint.server.enrolment import EnrolmentService
from tenprint.server.galleries import GalleriesService
from tenprint.server.identification import IdentificationService
from tenprint.server.metrics import Metrics
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
        self.endpoint: Final = Endpoint(settings, self._metrics, _SERVICES)
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
        identification_pb2_grpc.add_IdentificationServicer_to_server(identification, self.endpoint.grpc)
        enrolment_pb2_grpc.add_EnrolmentServicer_to_server(
            EnrolmentService(self._engine, self._preparation, embedder, self._metrics), self.endpoint.grpc
        )
        records_pb2_grpc.add_RecordsServicer_to_server(RecordsService(self._engine), self.endpoint.grpc)
        galleries_pb2_grpc.add_GalleriesServicer_to_server(GalleriesService(self._engine), self.endpoint.grpc)

    async def start(self) -> None:
        """Bind, serve, and say so: health of every service and gallery, the log, the port file."""
        await self.endpoint.open()
        await self.endpoint.announce(f"gallery/{held.index.name}" for held in self._engine)

    async def stop(self) -> None:
        """Drain, then finish what is prepared, compared and held, and close."""
        await self.endpoint.drain()
        await asyncio.to_thread(self._preparation.close)
        await asyncio.to_thread(self._reranking.close)
        await asyncio.to_thread(self._engine.close)
        await self.endpoint.close()


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then drain."""
    _log.info("configuration", **settings.shown())
    await serve(Server(settings))
