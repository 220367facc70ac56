"""Cases, exhibits and findings as protobuf messages."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from tenprint.v1 import adjudication_pb2, findings_pb2
from tenprint.workflow.cases import Case
from tenprint.workflow.exhibits import Exhibit, Prints, margin
from tenprint.workflow.opinions import Opinion, Verdict
from tenprint.workflow.reviews import Finding
from tenprint.workflow.services.codec import timestamp
from tenprint.workflow.types import Candidate, CaseState, Decision, FindingState

_DECISIONS = {
    Decision.IDENTIFICATION: adjudication_pb2.CASE_DECISION_IDENTIFICATION,
    Decision.EXCLUSION: adjudication_pb2.CASE_DECISION_EXCLUSION,
    Decision.INCONCLUSIVE: adjudication_pb2.CASE_DECISION_INCONCLUSIVE,
}
_SAID = {number: decision for decision, number in _DECISIONS.items()}
_FILTERS = {
    adjudication_pb2.CASE_FILTER_UNSPECIFIED: None,
    adjudication_pb2.CASE_FILTER_OPEN: CaseState.OPEN,
    adjudication_pb2.CASE_FILTER_CLOSED: CaseState.CLOSED,
}
_FINDING_STATES = {
    findings_pb2.FINDING_STATE_UNSPECIFIED: None,
    findings_pb2.FINDING_STATE_QUARANTINED: FindingState.QUARANTINED,
    findings_pb2.FINDING_STATE_DISMISSED: FindingState.DISMISSED,
    findings_pb2.FINDING_STATE_UPHELD: FindingState.UPHELD,
}


def verdict(request: adjudication_pb2.DecideRequest) -> Verdict:
    """Read what an examiner says. The message has been validated."""
    return Verdict(_SAID[request.decision], request.subject_id)


def case_filter(request: adjudication_pb2.ListCasesRequest) -> CaseState | None:
    """Read which cases are wanted; None: all."""
    return _FILTERS[request.filter]


def finding_state(number: findings_pb2.FindingState) -> FindingState | None:
    """Read which findings are wanted; None: all."""
    return _FINDING_STATES[number]


def case(value: Case) -> adjudication_pb2.Case:
    """Write a case for an examiner."""
    return adjudication_pb2.Case(
        case_id=value.case_id,
        gallery=value.key.gallery,
        due_time=timestamp(value.due_at),
        lease_time=timestamp(value.leased_until),
    )


def entry(value: Case, now: datetime, decided: int | None) -> adjudication_pb2.CaseEntry:
    """Write a case for a list; `decided`: how many examiners have, for oversight alone; None: not shown."""
    is_open = value.state is CaseState.OPEN
    written = adjudication_pb2.CaseEntry(
        case=case(value),
        open=is_open,
        overdue=is_open and value.due_at < now,
        priority=value.priority,
        open_time=timestamp(value.opened_at),
        close_time=timestamp(value.closed_at),
        outcome=value.outcome,
        subject_id=value.subject_id,
    )
    if decided is None:
        written.case.ClearField("lease_time")
        return written
    written.kind, written.submission_id, written.decided = value.kind, value.key.submission_id, decided
    if value.level.value:
        written.level = value.level.value
    return written


def exhibit(value: Exhibit, minutiae: Mapping[str, tuple[bytes, str]]) -> adjudication_pb2.GetCaseResponse:
    """Write what an examiner is shown; `minutiae`: of each candidate's encounter, and why there are none."""
    candidates = [item for item, _ in value.candidates]
    return adjudication_pb2.GetCaseResponse(
        case=case(value.case),
        probe=_prints(value.probe),
        caveats=[_caveat(sample) for sample in value.caveats],
        candidates=[
            _candidate(item, margin(candidates, number), _prints(prints, *minutiae[item.encounter_id]))
            for number, (item, prints) in enumerate(value.candidates)
        ],
        findings=[finding(item) for item in value.findings],
        opinions=[_opinion(item) for item in value.opinions],
    )


def finding(value: Finding) -> findings_pb2.Finding:
    """Write a finding."""
    return findings_pb2.Finding(
        finding_id=value.finding_id,
        kind=cast("findings_pb2.FindingKind", findings_pb2.FindingKind.Value(f"FINDING_KIND_{value.kind.name}")),
        state=cast("findings_pb2.FindingState", findings_pb2.FindingState.Value(f"FINDING_STATE_{value.state.name}")),
        submissions=[
            findings_pb2.FoundSubmission(
                submission_id=item.submission_id,
                ori=item.ori,
                tcn=item.tcn,
                controlling_agency=item.controlling_agency,
                receive_time=timestamp(item.received_at),
                subject_id=item.subject_id,
                claim=item.claim,
            )
            for item in value.submissions
        ],
        subjects=[findings_pb2.FoundSubject(gallery=item.kind, subject_id=item.name) for item in value.subjects],
        find_time=timestamp(value.at),
        reviewer=value.reviewer,
        reason=value.reason,
        close_time=timestamp(value.closed_at),
    )


def _prints(value: Prints, minutiae: bytes = b"", no_minutiae: str = "") -> adjudication_pb2.PrintSet:
    return adjudication_pb2.PrintSet(
        images=[
            adjudication_pb2.PrintImage(
                position=item.position,
                impression_type=item.impression_type,
                compression=item.compression,
                width=item.width,
                height=item.height,
                ppi=item.ppi,
                data=item.data,
            )
            for item in value.images
        ],
        minutiae=minutiae,
        missing="; ".join(filter(None, (value.missing, no_minutiae))),
    )


def _caveat(sample: Mapping[str, Any]) -> adjudication_pb2.PrintCaveat:
    return adjudication_pb2.PrintCaveat(
        position=sample["position"],
        status=sample["status"],
        detail=sample["detail"],
        nfiq2=sample["nfiq2"],
        minutiae=sample["minutiae"],
    )


def _candidate(
    value: Candidate, ahead: float | None, prints: adjudication_pb2.PrintSet
) -> adjudication_pb2.CaseCandidate:
    return adjudication_pb2.CaseCandidate(
        rank=value.rank,
        subject_id=value.subject_id,
        encounter_id=value.encounter_id,
        score=value.score,
        margin=ahead,
        expected_fpir=value.expected_fpir,
        fpir_is_bound=value.fpir_is_bound,
        band=value.band,
        fingers=[
            adjudication_pb2.CandidateFinger(
                position=item.position,
                score=item.score,
                match_score=item.match_score,
                matched_minutiae=item.matched_minutiae,
            )
            for item in value.fingers
        ],
        prints=prints,
    )


def _opinion(value: Opinion) -> adjudication_pb2.CaseOpinion:
    return adjudication_pb2.CaseOpinion(
        examiner=value.examiner,
        ori=value.ori,
        decision=_DECISIONS[value.verdict.decision],
        subject_id=value.verdict.subject_id,
        reason=value.reason,
        decide_time=timestamp(value.at),
    )
