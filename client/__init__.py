"""Clients for integrators, and the `tenprint` command. Needs no image or index library."""

from tenprint.client.aio import AsyncClient
from tenprint.client.channel import Target
from tenprint.client.client import Client

__all__ = ["AsyncClient", "Client", "Target"]
