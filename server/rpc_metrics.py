"""What every gRPC server of the product counts: its registry, the process, and RPCs under the standard names."""

from dataclasses import dataclass, field
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

SECONDS: Final = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    120.0,
    300.0,
)
"""Bucket edges. 10 s and 120 s are edges because response-time goals are stated at them (10 s for a rapid search at a
port of entry, 2 min for an investigation), so compliance is a division of two counters."""


def _registry() -> CollectorRegistry:
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it without annotations
    registry = CollectorRegistry(auto_describe=True)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


@dataclass(slots=True, eq=False)
class RpcMetrics:
    """The metrics of a server's RPCs, in a registry of their own."""

    registry: CollectorRegistry = field(default_factory=_registry)
    grpc_started: Counter = field(init=False)
    grpc_handled: Counter = field(init=False)
    grpc_received: Counter = field(init=False)
    grpc_sent: Counter = field(init=False)
    grpc_seconds: Histogram = field(init=False)

    def __post_init__(self) -> None:
        rpc = ("grpc_type", "grpc_service", "grpc_method")
        r = self.registry
        self.grpc_started = Counter("grpc_server_started", "RPCs begun.", rpc, registry=r)
        self.grpc_handled = Counter("grpc_server_handled", "RPCs ended, by status.", (*rpc, "grpc_code"), registry=r)
        self.grpc_received = Counter("grpc_server_msg_received", "Messages received.", rpc, registry=r)
        self.grpc_sent = Counter("grpc_server_msg_sent", "Messages sent.", rpc, registry=r)
        self.grpc_seconds = Histogram(
            "grpc_server_handling_seconds",
            "Seconds from the start of an RPC to its end.",
            rpc,
            buckets=SECONDS,
            registry=r,
        )
