"""Webhooks, at the receiver: whether one comes from the server, and what it says."""

from collections.abc import Mapping

from google.protobuf import json_format
from standardwebhooks.webhooks import Webhook

from tenprint.v1 import messages_pb2


class WebhookError(ValueError):
    """A request that is no webhook of the server that shares the secret, or is older than five minutes."""


def verify(secret: str, headers: Mapping[str, str], body: bytes) -> messages_pb2.Message:
    """Prove a webhook's signature (standardwebhooks.com, version 1) and read its message.

    Act once on each `message_id`, and answer 2xx once it is safe with you: anything else is sent again.

    Args:
        secret: "whsec_...", as it was shown once by `tenprint agencies secret` or Subscribe.
        headers: of the request: webhook-id, webhook-timestamp and webhook-signature, in any case.
        body: of the request, as it came.

    Raises:
        WebhookError: if it is not to be believed; nothing of it may be used then.
    """
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
        message = json_format.Parse(body, messages_pb2.Message(), ignore_unknown_fields=True)  # of a newer server
    except Exception as error:  # whatever a forged header or body breaks in the readers, it is refused
        raise WebhookError(f"not a webhook of this secret: {error}") from error
    if message.message_id != next(value for name, value in headers.items() if name.lower() == "webhook-id"):
        raise WebhookError("not a webhook of this secret: its id is not its message's")
    return message
