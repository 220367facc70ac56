"""tenprint.v1.Submissions."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import grpc
from sqlalchemy import Connection

from tenprint.server import audit
from tenprint.server.errors import InvalidRequestError, Violation
from tenprint.store import Database, Originator
from tenprint.v1 import submissions_pb2, submissions_pb2_grpc
from tenprint.workflow import agencies, answers, deliveries, legs, links, responses, submissions
from tenprint.workflow.agencies import Agency
from tenprint.workflow.doorbell import Doorbell
from tenprint.workflow.ebts.errors import SubmissionError
from tenprint.workflow.errors import UnknownItemError
from tenprint.workflow.intake import Offered
from tenprint.workflow.policy import current
from tenprint.workflow.reception import Reception
from tenprint.workflow.services import codec
from tenprint.workflow.submissions import Kept
from tenprint.workflow.types import Leg, LegState, Link

if TYPE_CHECKING:
    _Context = grpc.aio.ServicerContext[object, object]


class SubmissionsService(submissions_pb2_grpc.SubmissionsServicer):
    """Takes files and tells where they stand."""

    def __init__(self, database: Database, reception: Reception, doorbell: Doorbell) -> None:
        self._database, self._reception, self._doorbell = database, reception, doorbell

    async def Submit(
        self, request: submissions_pb2.SubmitRequest, context: "_Context"
    ) -> submissions_pb2.SubmitResponse:
        """One file."""
        custody = request.custody if request.HasField("custody") else None
        offered = Offered(request.ori, request.purpose, request.file, tuple(request.offences), custody)
        with audit.access("submit", Originator(request.ori, "-"), purpose=request.purpose) as facts:
            try:
                taken = await self._reception.submit(offered)
            except SubmissionError as error:
                raise InvalidRequestError(
                    [
                        Violation(f"file.{problem.tag}", f"{problem.rule}: {problem.message}")
                        for problem in error.problems
                    ]
                ) from error
            facts["submission"], facts["tcr"] = taken.submission.submission_id, taken.submission.tcn
            shown = await asyncio.to_thread(self._shown, request.ori, taken.submission.ori, taken.submission.tcn)
        return submissions_pb2.SubmitResponse(submission=shown, repeated=taken.repeated)

    async def GetSubmission(
        self, request: submissions_pb2.GetSubmissionRequest, context: "_Context"
    ) -> submissions_pb2.GetSubmissionResponse:
        """Where a submission stands."""
        with audit.access("get_submission", Originator(request.ori, "-"), tcr=request.tcn):
            shown = await asyncio.to_thread(self._shown, request.ori, request.submitter or request.ori, request.tcn)
        return submissions_pb2.GetSubmissionResponse(submission=shown)

    async def RedeliverAnswers(
        self, request: submissions_pb2.RedeliverAnswersRequest, context: "_Context"
    ) -> submissions_pb2.RedeliverAnswersResponse:
        """Answers once more, to whoever got them."""

        def again(connection: Connection) -> list[str]:
            kept, _ = self._seen(connection, request.ori, request.submitter or request.ori, request.tcn)
            sent = deliveries.answers(connection, request.ori, kept.submission_id)
            deliveries.redeliver(connection, request.ori, sent, datetime.now(UTC))
            return sent

        with audit.access("redeliver", Originator(request.ori, "-"), tcr=request.tcn):
            ids = await asyncio.to_thread(self._database.write, again)
        self._doorbell.ring()
        return submissions_pb2.RedeliverAnswersResponse(message_ids=ids)

    def _shown(self, asker: str, submitter: str, tcn: str) -> submissions_pb2.Submission:
        with self._database.read() as connection:
            kept, agency = self._seen(connection, asker, submitter, tcn)
            held = {link.gallery: link for link in links.of_submission(connection, kept.submission_id)}
            shown = [
                _leg(connection, kept, leg, held.get(leg.key.gallery), agency)
                for leg in legs.of_submission(connection, kept.submission_id)
            ]
        return codec.submission(kept, shown)

    def _seen(self, connection: Connection, asker: str, submitter: str, tcn: str) -> tuple[Kept, Agency]:
        """A submission, for an agency that may know of it: the submitter, the booking station, or its bureau."""
        agency = agencies.known(connection, asker, "ori")
        kept = submissions.by_transaction(connection, submitter, tcn)
        if kept is None or not answers.concerns(connection, kept, agency):
            raise UnknownItemError("submission", f"{submitter}/{tcn}")
        return kept, agency


def _leg(connection: Connection, kept: Kept, leg: Leg, link: Link | None, agency: Agency) -> submissions_pb2.Leg:
    granted, withheld = answers.granted(connection, kept, leg.key.gallery, agency)
    if withheld and leg.state.is_settled:
        return submissions_pb2.Leg(gallery=leg.key.gallery, withheld=withheld)
    message = submissions_pb2.Leg(
        gallery=leg.key.gallery,
        state=codec.LEG_STATES[leg.state],
        problem=leg.problem,
        settle_time=codec.timestamp(leg.settled_at),
    )
    if leg.state is LegState.MATCH and link is not None:
        message.confirmed = link.is_confirmed
        message.statement = responses.IDENTITY_ONLY
        message.link_id = link.link_id
        if "subject_id" in granted:
            message.subject_id = link.subject_id
    if leg.state.is_settled:
        _, policy = current(connection)
        message.file = responses.file_for(kept, leg, link, agency, policy, granted)
    return message
