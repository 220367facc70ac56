"""The Galleries service."""

from typing import TYPE_CHECKING

import grpc

from tenprint.server import codec
from tenprint.server.engine import Engine
from tenprint.v1 import galleries_pb2, galleries_pb2_grpc

if TYPE_CHECKING:
    _Context = grpc.aio.ServicerContext[object, object]


class GalleriesService(galleries_pb2_grpc.GalleriesServicer):
    """Describes what this server holds."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def List(
        self,
        request: galleries_pb2.ListRequest,
        context: "_Context",
    ) -> galleries_pb2.ListResponse:
        """All galleries, by name."""
        held = sorted(self._engine, key=lambda gallery: gallery.index.name)
        return galleries_pb2.ListResponse(
            galleries=[codec.gallery(gallery.index.describe(), gallery.settings.title) for gallery in held]
        )

    async def Describe(
        self,
        request: galleries_pb2.DescribeRequest,
        context: "_Context",
    ) -> galleries_pb2.DescribeResponse:
        """One gallery."""
        gallery = self._engine.held(request.gallery)
        return galleries_pb2.DescribeResponse(gallery=codec.gallery(gallery.index.describe(), gallery.settings.title))
