"""The demonstration's story: three bookings, two databases, examiners, a notice, a dispute; through the public API."""

from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from tenprint.client.client import Client
from tenprint.client.console import new_tcn
from tenprint.client.types import Enrolment, Originator, TransactionFile
from tenprint.client.waiting import until
from tenprint.client.workflow import WorkflowClient
from tenprint.v1 import (
    adjudication_pb2,
    disseminations_pb2,
    messages_pb2,
    redress_pb2,
    statistics_pb2,
    submissions_pb2,
)

if TYPE_CHECKING:
    from tenprint.fingerprint.synthetic import SyntheticPerson
    from tenprint.workflow.agencies import Agency
    from tenprint.workflow.policy import Policy

CRIMINAL, IMMIGRATION = "criminal", "immigration"
BUREAU, COUNTY, CITY, OFFICE, UNIT, OVERSIGHT = (
    "ZZBUREAU0",
    "ZZCOUNTY0",
    "ZZCITY000",
    "ZZOFFICE0",
    "ZZEXAMIN0",
    "ZZOVERSE0",
)
LEAST_SCORE: Final = 0.5
"""Synthetic fingers of different people resemble each other more than real ones do: candidates score at least this."""

_PENDING: Final = (submissions_pb2.LEG_STATE_PENDING, submissions_pb2.LEG_STATE_REVIEW)


@dataclass(frozen=True, slots=True)
class Booking:
    """A booking of the story: who books whom, RET (2.005), the charge, and what it is for people."""

    ori: str
    tcn: str
    person: "SyntheticPerson"
    ret: str
    offence: str
    what: str


def agencies() -> "list[Agency]":
    """Who takes part: a state with two booking agencies, of which the county cannot receive answers."""
    from tenprint.workflow.agencies import Agency
    from tenprint.workflow.types import Role

    return [
        Agency(BUREAU, "State bureau of identification", Role.STATE_BUREAU, "Examplia"),
        Agency(COUNTY, "County jail", Role.BOOKING, "Upper County", BUREAU, OFFICE, can_receive=False),
        Agency(CITY, "City police", Role.BOOKING, "Lower City", BUREAU, OFFICE),
        Agency(OFFICE, "Field office", Role.FIELD_OFFICE, "Examplia"),
        Agency(UNIT, "Examiners", Role.EXAMINER_UNIT, "Examplia"),
        Agency(OVERSIGHT, "Oversight board", Role.OVERSIGHT, "Examplia", reviews_both=True),
    ]


def policy() -> "Policy":
    """The default policy, with a floor under the scores of synthetic prints."""
    from tenprint.workflow.policy import Bands, Policy
    from tenprint.workflow.types import Gallery

    return Policy(
        bands=dict.fromkeys(Gallery, Bands(least_score=LEAST_SCORE)), complaints="complaints@examplia.invalid"
    )


def enrol(client: Client, gallery: str, persons: "Sequence[SyntheticPerson]", done: Callable[[], None]) -> None:
    """Fill a gallery with ten rolled fingers each."""
    from tenprint.fingerprint.synthetic import write_card

    def enrolments() -> list[Enrolment]:
        made = []
        for person in persons:
            by = Originator("ZZDEMO000", new_tcn())
            file = write_card(
                person,
                tot="CAR",
                ori=by.ori,
                tcn=by.tcn,
                cri=[by.ori],
                retain=True,
                capture=len(gallery),
                slaps=False,
            )
            made.append(Enrolment(by, gallery, TransactionFile(file), record_of(person)))
        return made

    for _, result in client.enrol_stream(enrolments(), 300.0):
        if isinstance(result, Exception):
            raise result
        done()


def record_of(person: "SyntheticPerson") -> str:
    """The subject id under which a synthetic person is enrolled."""
    return f"SYNTHETIC-{person.seed}"


class Story:
    """Everybody's part in it, each through the API that the real one would use."""

    def __init__(self, client: WorkflowClient) -> None:
        self._client = client

    def book(self, booking: Booking) -> submissions_pb2.Submission:
        """A booking agency submits a card: ten rolled prints, plain thumbs, two slaps."""
        from tenprint.fingerprint.synthetic import write_card

        file = write_card(
            booking.person,
            tot="CAR",
            ori=booking.ori,
            tcn=booking.tcn,
            cri=[booking.ori],
            retain=booking.ret == "Y",
            capture=40,
            type2={"ASL": [("20260101", booking.offence)]},
        )
        request = submissions_pb2.SubmitRequest(ori=booking.ori, purpose="C", file=file, custody=True)
        return self._client.call(self._client.submissions.Submit, request).submission

    def answered(self, ori: str, booking: Booking) -> submissions_pb2.Submission:
        """Where a booking stands, once both databases have answered or have candidates for the examiners."""
        return until(lambda: self._standing(ori, booking, (submissions_pb2.LEG_STATE_PENDING,)))

    def settled(self, ori: str, booking: Booking) -> submissions_pb2.Submission:
        """Where a booking stands, once both answers are out."""
        return until(lambda: self._standing(ori, booking, _PENDING))

    def _standing(
        self, ori: str, booking: Booking, unsettled: Collection[submissions_pb2.LegState]
    ) -> submissions_pb2.Submission | None:
        request = submissions_pb2.GetSubmissionRequest(ori=ori, submitter=booking.ori, tcn=booking.tcn)
        found = self._client.call(self._client.submissions.GetSubmission, request).submission
        return None if any(leg.state in unsettled and not leg.withheld for leg in found.legs) else found

    def examine(self, examiner: str, known: Collection[str]) -> list[str]:
        """An examiner decides every case there is for them: whoever is among `known` is identified, others excluded.

        Returns:
            A line a case: what was decided.
        """
        told: list[str] = []
        while True:
            taken = self._client.call(
                self._client.adjudication.NextCase, adjudication_pb2.NextCaseRequest(ori=UNIT, examiner=examiner)
            )
            if not taken.HasField("case"):
                return told
            case_id = taken.case.case_id
            shown = self._client.call(
                self._client.adjudication.GetCase,
                adjudication_pb2.GetCaseRequest(ori=UNIT, examiner=examiner, case_id=case_id),
            )
            named = next((item.subject_id for item in shown.candidates if item.subject_id in known), "")
            decision = (
                adjudication_pb2.CASE_DECISION_IDENTIFICATION if named else adjudication_pb2.CASE_DECISION_EXCLUSION
            )
            self._client.call(
                self._client.adjudication.Decide,
                adjudication_pb2.DecideRequest(
                    ori=UNIT,
                    examiner=examiner,
                    case_id=case_id,
                    decision=decision,
                    subject_id=named,
                    reason="ridge detail compared, finger by finger",
                ),
            )
            images = len(shown.probe.images)
            told.append(
                f"{examiner}: {taken.case.gallery}, {images} images, {len(shown.candidates)} candidate(s): "
                + (f"identified as {named}" if named else "excluded")
            )

    def receive(self, ori: str, count: int) -> list[messages_pb2.Message]:
        """A recipient reads its stream and acknowledges."""
        stream = self._client.stream(self._client.messages.Receive, messages_pb2.ReceiveRequest(ori=ori))
        with closing(stream):
            got = [item.message for item in islice(stream, count)]
        ids = [message.message_id for message in got]
        self._client.call(self._client.messages.Acknowledge, messages_pb2.AcknowledgeRequest(ori=ori, message_ids=ids))
        return got

    def dispute(self, link_id: str) -> str:
        """The bureau disputes a hit; the dispute's id. From now on nothing is sent about it."""
        request = redress_pb2.DisputeRequest(
            ori=BUREAU, link_id=link_id, reference="complaint 1", reason="the person says that it is somebody else"
        )
        return self._client.call(self._client.redress.Dispute, request).dispute.dispute_id

    def outcome(self, dispute_id: str) -> str:
        """What became of a dispute."""
        request = redress_pb2.GetDisputeRequest(ori=BUREAU, dispute_id=dispute_id)
        return self._client.call(self._client.redress.GetDispute, request).dispute.outcome

    def disseminations(self) -> list[disseminations_pb2.Dissemination]:
        """Who was sent what, and who was not and why, as oversight reads it."""
        request = disseminations_pb2.ListDisseminationsRequest(ori=OVERSIGHT, page_size=1000)
        listed = self._client.call(self._client.disseminations.ListDisseminations, request)
        return list(listed.disseminations)

    def statistics(self) -> statistics_pb2.ReportResponse:
        """What oversight reads at the end."""
        request = statistics_pb2.ReportRequest(ori=OVERSIGHT, by=[statistics_pb2.DIMENSION_TOTAL])
        return self._client.call(self._client.statistics.Report, request)
