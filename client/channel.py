"""How a client reaches a server: address, TLS, keep-alive, and what is repeated by itself."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

MESSAGE_BYTES = 33_554_432
"""Largest message sent or taken: the server's default."""

_SAFE_TO_REPEAT = (
    {"service": "tenprint.v1.Identification", "method": "Identify"},
    {"service": "tenprint.v1.Identification", "method": "IdentifyBatch"},
    {"service": "tenprint.v1.Enrolment", "method": "Enrol"},  # exactly once by (ORI, TCN), as all changes are
    {"service": "tenprint.v1.Enrolment", "method": "Delete"},
    {"service": "tenprint.v1.Enrolment", "method": "Get"},
    {"service": "tenprint.v1.Records"},
    {"service": "tenprint.v1.Galleries"},
)
"""No stream: half of it may have been answered."""

_SERVICE_CONFIG = {
    "methodConfig": [
        {
            "name": list(_SAFE_TO_REPEAT),
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.2s",
                "maxBackoff": "3s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}


@dataclass(frozen=True, slots=True)
class Target:
    """Where a server is.

    Attributes:
        address: host:port.
        ca: PEM file of the authority that signed the server's certificate; None: plain text, unless `certificate` is
            set.
        certificate: PEM file of the client's own certificate, for servers that ask for one.
        key: PEM file of its private key.
        server_name: the name to expect in the server's certificate, where it is not the address's host.
    """

    address: str
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    server_name: str | None = None

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key: give both or neither")

    @property
    def credentials(self) -> grpc.ChannelCredentials | None:
        """TLS credentials; None for plain text."""
        if self.ca is None and self.certificate is None:
            return None
        read = [path.read_bytes() if path is not None else None for path in (self.ca, self.key, self.certificate)]
        return grpc.ssl_channel_credentials(*read)

    @property
    def options(self) -> list[tuple[str, Any]]:
        """Channel options."""
        options: list[tuple[str, Any]] = [
            ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
            ("grpc.max_send_message_length", MESSAGE_BYTES),
            (
                "grpc.per_rpc_retry_buffer_size",
                MESSAGE_BYTES,
            ),  # by default only calls under 256 KiB repeat
            ("grpc.max_receive_message_length", MESSAGE_BYTES),
            ("grpc.keepalive_time_ms", 300_000),  # a server drops clients that ping more often than every 5 minutes
            ("grpc.keepalive_timeout_ms", 20_000),
        ]
        if self.server_name is not None:
            options.append(("grpc.ssl_target_name_override", self.server_name))
        return options
