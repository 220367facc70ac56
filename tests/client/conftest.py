"""The server of tests/server, for clients."""

from tests.server.conftest import launch, server

__all__ = ["launch", "server"]
