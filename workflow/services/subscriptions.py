"""tenprint.v1.Subscriptions."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import grpc
from sqlalchemy import Connection

from tenprint.server import audit
from tenprint.server.errors import InvalidRequestError, Violation
from tenprint.store import Database, Originator
from tenprint.v1 import subscriptions_pb2, subscriptions_pb2_grpc
from tenprint.workflow import agencies, subscriptions, webhooks
from tenprint.workflow.services import messages_codec as codec
from tenprint.workflow.subscriptions import Subscription, Wanted
from tenprint.workflow.types import Channel, Role

if TYPE_CHECKING:
    _Context = grpc.aio.ServicerContext[object, object]


class SubscriptionsService(subscriptions_pb2_grpc.SubscriptionsServicer):
    """Field offices' subscriptions to notices.

    Args:
        database: where they are.
        plain_webhooks: whether webhooks may go over http to other machines than this.
    """

    def __init__(self, database: Database, *, plain_webhooks: bool) -> None:
        self._database, self._plain = database, plain_webhooks

    async def Subscribe(
        self, request: subscriptions_pb2.SubscribeRequest, context: "_Context"
    ) -> subscriptions_pb2.SubscribeResponse:
        """Begin one."""
        channel = codec.CHANNEL_OF[request.channel]
        if channel is Channel.WEBHOOK and (problem := webhooks.fault(request.address, plain=self._plain)):
            raise InvalidRequestError([Violation("address", problem)])
        if channel is Channel.STREAM and request.address:
            raise InvalidRequestError([Violation("address", "is for webhooks; a stream has none")])
        secret = webhooks.new_secret() if channel is Channel.WEBHOOK else ""
        wanted = Wanted(channel, request.address, secret, codec.subscription_filter(request.filter), request.days)
        with audit.access("subscribe", Originator(request.ori, "-"), channel=channel.value) as facts:
            held = await asyncio.to_thread(
                self._database.write, lambda c: subscriptions.subscribe(c, request.ori, wanted, datetime.now(UTC))
            )
            facts["subscription"] = held.subscription_id
        return subscriptions_pb2.SubscribeResponse(subscription=codec.subscription(held), secret=secret)

    async def ListSubscriptions(
        self, request: subscriptions_pb2.ListSubscriptionsRequest, context: "_Context"
    ) -> subscriptions_pb2.ListSubscriptionsResponse:
        """The live ones."""

        def read() -> list[Subscription]:
            with self._database.read() as connection:
                agencies.in_role(connection, request.ori, "ori", Role.FIELD_OFFICE)
                return subscriptions.live(connection, request.ori, datetime.now(UTC))

        with audit.access("list_subscriptions", Originator(request.ori, "-")):
            held = await asyncio.to_thread(read)
        return subscriptions_pb2.ListSubscriptionsResponse(subscriptions=[codec.subscription(item) for item in held])

    async def RenewSubscription(
        self, request: subscriptions_pb2.RenewSubscriptionRequest, context: "_Context"
    ) -> subscriptions_pb2.RenewSubscriptionResponse:
        """Longer, or shorter."""

        def work(connection: Connection) -> Subscription:
            agencies.in_role(connection, request.ori, "ori", Role.FIELD_OFFICE)
            return subscriptions.renew(
                connection, request.ori, request.subscription_id, request.days, datetime.now(UTC)
            )

        with audit.access("renew_subscription", Originator(request.ori, "-"), subscription=request.subscription_id):
            held = await asyncio.to_thread(self._database.write, work)
        return subscriptions_pb2.RenewSubscriptionResponse(subscription=codec.subscription(held))

    async def EndSubscription(
        self, request: subscriptions_pb2.EndSubscriptionRequest, context: "_Context"
    ) -> subscriptions_pb2.EndSubscriptionResponse:
        """No more."""

        def work(connection: Connection) -> None:
            agencies.in_role(connection, request.ori, "ori", Role.FIELD_OFFICE)
            subscriptions.end(connection, request.ori, request.subscription_id, datetime.now(UTC))

        with audit.access("end_subscription", Originator(request.ori, "-"), subscription=request.subscription_id):
            await asyncio.to_thread(self._database.write, work)
        return subscriptions_pb2.EndSubscriptionResponse()
