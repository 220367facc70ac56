"""Webhooks: a message as a signed HTTP POST (standardwebhooks.com, version 1), to a URL and nowhere else."""

import asyncio
import base64
import ipaddress
import secrets
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

import httpx
from standardwebhooks.webhooks import Webhook

from tenprint.workflow.deliveries import Outgoing
from tenprint.workflow.errors import DeliveryError

_SECRET_BYTES: Final = 32
"""Within the 24 to 64 of the specification."""

_AGENT: Final = "tenprint-workflow"


def new_secret() -> str:
    """A secret that signs webhooks. To be shown once, and kept."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


def fault(address: str, *, plain: bool) -> str:
    """What is wrong with a webhook's address; "": nothing.

    Args:
        address: the URL.
        plain: whether http is allowed to other machines than this.
    """
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "must be a URL"
    if not address.isascii() or not address.isprintable() or " " in address:
        return "must be a URL of ASCII characters"
    if parts.scheme not in {"https", "http"} or not host:
        return "must be a URL of the form https://host/path"
    if parts.username is not None or parts.fragment:
        return "must have no user name, password or fragment: what proves the sender is the signature"
    if parts.scheme == "http" and not plain and not _is_loopback(parts):
        return "must be https: http goes to this machine alone, unless the server's setting plain_webhooks allows it"
    return ""


class WebhookCarrier:
    """Posts messages. Redirects are not followed, proxies of the environment not used, answers' bodies not read.

    Args:
        seconds: time allowed to an attempt, from connection to status.
        authorities: PEM file of whom to trust; None: the system's.
        plain: whether http is allowed to other machines than this.
    """

    def __init__(self, seconds: float, authorities: Path | None, *, plain: bool) -> None:
        trust = ssl.create_default_context(cafile=authorities)
        self._http = httpx.AsyncClient(verify=trust, timeout=seconds, follow_redirects=False, trust_env=False)
        self._seconds, self._plain = seconds, plain

    async def carry(self, message: Outgoing, payload: bytes, secret: str) -> None:
        """Deliver one message. It is there when this returns.

        Raises:
            DeliveryError: for anything but a 2xx in time.
        """
        if not secret:
            raise DeliveryError("no secret to sign with: tenprint agencies secret makes one")
        if problem := fault(message.address, plain=self._plain):
            raise DeliveryError(f"the address {problem}")
        now = datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "user-agent": _AGENT,
            "webhook-id": message.message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(secret).sign(message.message_id, now, payload.decode()),
        }
        try:
            async with (
                asyncio.timeout(self._seconds),  # beside httpx's limits, each of which is for one step of it
                self._http.stream("POST", message.address, content=payload, headers=headers) as answer,
            ):
                status = answer.status_code
        except TimeoutError as error:
            raise DeliveryError(f"no status within {self._seconds:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise DeliveryError(f"not reached: {type(error).__name__}") from error
        if not httpx.codes.is_success(status):
            raise DeliveryError(f"answered {status}")

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()


def _is_loopback(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
