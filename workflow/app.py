"""The workflow's process put together: what is built at start, in which order, and how it is taken down again."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog

from tenprint.server.endpoint import Endpoint, serve
from tenprint.store import Database
from tenprint.v1 import (
    adjudication_pb2,
    adjudication_pb2_grpc,
    disseminations_pb2,
    disseminations_pb2_grpc,
    findings_pb2,
    findings_pb2_grpc,
    messages_pb2,
    messages_pb2_grpc,
    redress_pb2,
    redress_pb2_grpc,
    statistics_pb2,
    statistics_pb2_grpc,
    submissions_pb2,
    submissions_pb2_grpc,
    subscriptions_pb2,
    subscriptions_pb2_grpc,
)
from tenprint.workflow import waiting
from tenprint.workflow.dispatch import Dispatcher
from tenprint.workflow.doorbell import Doorbell
from tenprint.workflow.drop_folder import DropFolder, FolderLimits
from tenprint.workflow.ebts.errors import Problem, SubmissionError
from tenprint.workflow.ebts.submission import sender_of
from tenprint.workflow.eraser import Eraser
from tenprint.workflow.errors import WorkflowError
from tenprint.workflow.folders import FolderCarrier
from tenprint.workflow.intake import Offered
from tenprint.workflow.lifecycle import Lifecycle
from tenprint.workflow.matcher import GrpcMatcher, Matcher
from tenprint.workflow.metrics import WorkflowMetrics
from tenprint.workflow.reception import Reception
from tenprint.workflow.runner import Runner
from tenprint.workflow.schema import MIGRATIONS
from tenprint.workflow.services.adjudication import AdjudicationService
from tenprint.workflow.services.disseminations import DisseminationsService
from tenprint.workflow.services.findings import FindingsService
from tenprint.workflow.services.messages import MessagesService
from tenprint.workflow.services.redress import RedressService
from tenprint.workflow.services.statistics import StatisticsService
from tenprint.workflow.services.submissions import SubmissionsService
from tenprint.workflow.services.subscriptions import SubscriptionsService
from tenprint.workflow.settings import WorkflowSettings
from tenprint.workflow.types import Channel
from tenprint.workflow.webhooks import WebhookCarrier

_SERVICES: Final = (
    submissions_pb2.DESCRIPTOR.services_by_name["Submissions"].full_name,
    messages_pb2.DESCRIPTOR.services_by_name["Messages"].full_name,
    subscriptions_pb2.DESCRIPTOR.services_by_name["Subscriptions"].full_name,
    disseminations_pb2.DESCRIPTOR.services_by_name["Disseminations"].full_name,
    adjudication_pb2.DESCRIPTOR.services_by_name["Adjudication"].full_name,
    redress_pb2.DESCRIPTOR.services_by_name["Redress"].full_name,
    findings_pb2.DESCRIPTOR.services_by_name["Findings"].full_name,
    statistics_pb2.DESCRIPTOR.services_by_name["Statistics"].full_name,
)

_FOLDER_PURPOSE: Final = "C"
"""Purpose of what comes by the drop folder: criminal justice."""

_log = structlog.get_logger(__name__)


class WorkflowServer:
    """One workflow process's parts. Made inside the running loop; `start`, then `stop`; not to be started again.

    Args:
        settings: the configuration.
        matchers: makes whom it asks; by default the matchers of the settings.
    """

    def __init__(
        self, settings: WorkflowSettings, matchers: Callable[[WorkflowSettings], Matcher] = GrpcMatcher
    ) -> None:
        self._settings = settings
        self._metrics = WorkflowMetrics()
        self._database = Database(settings.database_url.get_secret_value(), migrations=MIGRATIONS)
        self._metrics.watch(lambda: waiting.counts(self._database))
        self._metrics.watch_outbox(lambda: waiting.outbox(self._database))
        self._matchers = matchers(settings)
        self._doorbell = Doorbell()
        self._runner = Runner(
            self._database,
            self._matchers,
            self._metrics,
            self._doorbell,
            running=settings.running_legs,
            retry_seconds=settings.retry_seconds,
        )
        self._lifecycle = Lifecycle(self._database, self._matchers, self._doorbell)
        self._reception = Reception(
            self._database,
            self._runner,
            self._metrics,
            max_file_bytes=settings.max_file_bytes,
            workers=os.cpu_count() or 1,
        )
        self.endpoint: Final = Endpoint(settings, self._metrics, _SERVICES)
        submissions_pb2_grpc.add_SubmissionsServicer_to_server(
            SubmissionsService(self._database, self._reception, self._doorbell), self.endpoint.grpc
        )
        self._messages = MessagesService(self._database, self._doorbell)
        messages_pb2_grpc.add_MessagesServicer_to_server(self._messages, self.endpoint.grpc)
        subscriptions_pb2_grpc.add_SubscriptionsServicer_to_server(
            SubscriptionsService(self._database, plain_webhooks=settings.plain_webhooks), self.endpoint.grpc
        )
        disseminations_pb2_grpc.add_DisseminationsServicer_to_server(
            DisseminationsService(self._database), self.endpoint.grpc
        )
        self._webhooks = WebhookCarrier(settings.delivery_seconds, settings.webhook_ca, plain=settings.plain_webhooks)
        self._dispatcher = Dispatcher(
            self._database,
            self._doorbell,
            self._metrics,
            {Channel.WEBHOOK: self._webhooks, Channel.FOLDER: FolderCarrier(settings.drop_folder)},
            seconds=settings.delivery_seconds,
            receivers=settings.deliveries,
            retry_seconds=settings.retry_seconds,
        )
        adjudication_pb2_grpc.add_AdjudicationServicer_to_server(
            AdjudicationService(self._database, self._matchers, self._doorbell), self.endpoint.grpc
        )
        redress_pb2_grpc.add_RedressServicer_to_server(
            RedressService(self._database, self._lifecycle, self._doorbell), self.endpoint.grpc
        )
        findings_pb2_grpc.add_FindingsServicer_to_server(
            FindingsService(self._database, self._runner), self.endpoint.grpc
        )
        statistics_pb2_grpc.add_StatisticsServicer_to_server(StatisticsService(self._database), self.endpoint.grpc)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Bind, begin the work beside the calls, and say so: health, the log, the port file."""
        await self.endpoint.open()
        for work in self._background():
            self._tasks.append(asyncio.create_task(work))
        await self.endpoint.announce()

    def _background(self) -> list[Coroutine[Any, Any, None]]:
        """What works beside the calls, until the server stops."""
        eraser = Eraser(self._database, self._doorbell, self._metrics)
        work = [self._runner.run(), self._dispatcher.run(), self._lifecycle.run(), eraser.run()]
        if self._settings.drop_folder is not None:
            limits = FolderLimits(max_bytes=self._settings.max_file_bytes)
            work.append(DropFolder(self._settings.drop_folder, self._hand_in, self._metrics, limits).run())
        return work

    async def _hand_in(self, ori: str, _name: str, data: bytes) -> None:
        """Submit a file of the drop folder, which has no word for a purpose but criminal justice.

        Raises:
            SubmissionError: if it is refused, for whatever reason.
        """
        try:
            await self._reception.submit(Offered(ori, _FOLDER_PURPOSE, data))
        except WorkflowError as error:
            raise SubmissionError([Problem("1.008", error.reason, str(error))], sender_of(data)) from error

    async def stop(self) -> None:
        """Drain, then stop the work beside the calls. What was under way is due again at the next start."""
        self._messages.close()
        await self.endpoint.drain()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._reception.close)
        await self._matchers.close()
        await self._webhooks.close()
        await asyncio.to_thread(self._database.close)
        await self.endpoint.close()


async def run(settings: WorkflowSettings, matchers: Callable[[WorkflowSettings], Matcher] = GrpcMatcher) -> None:
    """Serve until SIGTERM or SIGINT, then drain. Arguments as WorkflowServer has them."""
    _log.info("configuration", **settings.shown())
    await serve(WorkflowServer(settings, matchers))
