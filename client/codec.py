"""The one place where a client's values become protobuf messages, and messages values."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from tenprint.client.errors import TenprintError, from_status
from tenprint.client.types import (
    Answer,
    Candidate,
    Capture,
    Coverage,
    EmbeddingSample,
    Encounter,
    Enrolment,
    Fingers,
    FingerScore,
    GalleryInfo,
    Identification,
    ImageSample,
    MissingReason,
    Operation,
    Originator,
    Outcome,
    Receipt,
    RecordReceipt,
    RecordTarget,
    Sample,
    SampleReport,
    Search,
    Subject,
)
from tenprint.v1 import capture_pb2, enrolment_pb2, galleries_pb2, identification_pb2, records_pb2

_MISSING = {
    MissingReason.AMPUTATED: capture_pb2.MISSING_REASON_AMPUTATED,
    MissingReason.UNABLE_TO_PRINT: capture_pb2.MISSING_REASON_UNABLE_TO_PRINT,
}
_OUTCOMES: dict[int, Outcome] = {
    identification_pb2.OUTCOME_CANDIDATES: Outcome.CANDIDATES,
    identification_pb2.OUTCOME_NO_CANDIDATES: Outcome.NO_CANDIDATES,
    identification_pb2.OUTCOME_PARTIAL: Outcome.PARTIAL,
    identification_pb2.OUTCOME_ERROR: Outcome.ERROR,
}
_STATUSES: dict[int, str] = {
    number: name.removeprefix("SAMPLE_STATUS_").lower() for name, number in capture_pb2.SampleStatus.items()
}

_POOR_REASONS: dict[int, str] = {
    number: name.removeprefix("POOR_REASON_").lower() for name, number in capture_pb2.PoorReason.items()
}

_KINDS: dict[int, str] = {
    number: name.removeprefix("OPERATION_KIND_").lower() for name, number in records_pb2.OperationKind.items()
}


def _position(value: int) -> capture_pb2.FingerPosition:
    """An FGP code as the stubs' type: an int at run time, a class of its own to type checkers."""
    return cast("capture_pb2.FingerPosition", int(value))


def originator(value: Originator) -> capture_pb2.Originator:
    """Write who asks."""
    return capture_pb2.Originator(ori=value.ori, tcn=value.tcn)


def _sample(value: Sample) -> capture_pb2.FingerSample:
    position = _position(value.position)
    if isinstance(value, EmbeddingSample):
        vector = value.vector.astype("<f4").tobytes()
        embedding = capture_pb2.Embedding(vector=vector, model_version=value.model_version)
        return capture_pb2.FingerSample(position=position, embedding=embedding)
    if isinstance(value, ImageSample):
        return capture_pb2.FingerSample(position=position, image=capture_pb2.Image(data=value.data, ppi=value.ppi))
    return capture_pb2.FingerSample(position=position, template=capture_pb2.MinutiaeTemplate(data=value.data))


def capture(value: Capture) -> capture_pb2.Capture:
    """Write a capture."""
    if isinstance(value, Fingers):
        missing = [
            capture_pb2.MissingFinger(position=_position(finger.position), reason=_MISSING[finger.reason])
            for finger in value.missing
        ]
        samples = [_sample(sample) for sample in value.samples]
        return capture_pb2.Capture(fingers=capture_pb2.FingerSamples(samples=samples, missing=missing))
    positions = [_position(position) for position in value.positions]
    return capture_pb2.Capture(transaction=capture_pb2.Transaction(data=value.data, positions=positions))


def search(value: Search) -> identification_pb2.IdentifyRequest:
    """Write a search."""
    return identification_pb2.IdentifyRequest(
        originator=originator(value.originator),
        galleries=value.galleries,
        probe=capture(value.probe),
        max_candidates=value.max_candidates,
        score_threshold=value.score_threshold,
        min_position=value.min_position,
        priority=value.priority,
        target_fpir=value.target_fpir,
    )


def enrolment(value: Enrolment) -> enrolment_pb2.EnrolRequest:
    """Write an enrolment."""
    return enrolment_pb2.EnrolRequest(
        originator=originator(value.originator),
        gallery=value.gallery,
        subject_id=value.subject_id,
        capture=capture(value.capture),
    )


def _reports(messages: Iterable[capture_pb2.SampleReport]) -> tuple[SampleReport, ...]:
    return tuple(
        SampleReport(
            position=message.position,
            status=_STATUSES.get(message.status, "unknown"),
            detail=message.detail,
            minutiae=message.minutiae if message.HasField("minutiae") else None,
            nfiq2=message.nfiq2 if message.HasField("nfiq2") else None,
            record_type=message.record_type,
            area_mm2=message.area_mm2 if message.HasField("area_mm2") else None,
            poor=tuple(_POOR_REASONS.get(reason, "unknown") for reason in message.poor),
        )
        for message in messages
    )


def _finger_score(message: identification_pb2.FingerScore) -> FingerScore:
    matched = message.match_score if message.HasField("match_score") else None
    return FingerScore(message.position, message.score, matched, message.matched_minutiae)


def _answer(message: identification_pb2.GalleryAnswer) -> Answer:
    outcome, error = _OUTCOMES.get(message.outcome), message.error.message if message.HasField("error") else None
    if outcome is None:  # of a newer server: whatever it means, it is not "no match"
        outcome, error = Outcome.ERROR, f"outcome {message.outcome} is none that this client knows: update it"
    return Answer(
        gallery=message.gallery,
        outcome=outcome,
        candidates=tuple(
            Candidate(
                candidate.rank,
                candidate.subject_id,
                candidate.encounter_id,
                candidate.score,
                tuple(_finger_score(finger) for finger in candidate.finger_scores),
                candidate.match_score if candidate.HasField("match_score") else None,
                candidate.expected_fpir if candidate.HasField("expected_fpir") else None,
                candidate.fpir_bound if candidate.HasField("fpir_bound") else None,
            )
            for candidate in message.candidates
        ),
        coverage=Coverage(message.coverage.total, message.coverage.searched, message.coverage.incomparable),
        error=error,
        score_threshold=message.score_threshold,
        queue_seconds=message.timing.queue_seconds,
        search_seconds=message.timing.search_seconds,
        rescore_seconds=message.timing.rescore_seconds,
        rerank_seconds=message.timing.rerank_seconds,
        calibration_version=message.calibration_version,
    )


def identification(message: identification_pb2.IdentifyResponse) -> Identification:
    """Read the answers to a search."""
    return Identification(
        tcr=message.tcr,
        answers=tuple(_answer(answer) for answer in message.answers),
        samples=_reports(message.samples),
        model_version=message.model_version,
        decode_seconds=message.timing.decode_seconds,
        extract_seconds=message.timing.extract_seconds,
        embed_seconds=message.timing.embed_seconds,
    )


def result(message: identification_pb2.IdentifyResult) -> Identification | TenprintError:
    """Read one result of a batch or a stream."""
    if message.WhichOneof("result") == "response":
        return identification(message.response)
    return from_status(message.status)


def receipt(message: enrolment_pb2.EnrolResponse) -> Receipt:
    """Read a receipt."""
    return Receipt(
        message.tcr,
        message.subject_id,
        message.encounter_id,
        _reports(message.samples),
        message.model_version,
        message.repeated,
        message.position,
    )


def streamed_receipt(message: enrolment_pb2.EnrolStreamResponse) -> Receipt | TenprintError:
    """Read one receipt of a stream."""
    if message.WhichOneof("result") == "response":
        return receipt(message.response)
    return from_status(message.status)


def encounters(message: enrolment_pb2.GetResponse) -> tuple[Encounter, ...]:
    """Read what a gallery holds of a subject."""
    return tuple(
        Encounter(
            item.encounter_id,
            item.enrol_time.ToDatetime(UTC),
            tuple(item.fingers),
            item.ori,
            item.tcn,
            item.sealed,
        )
        for item in message.encounters
    )


def target(value: RecordTarget) -> records_pb2.RecordTarget:
    """Write what a change is for."""
    if isinstance(value, Subject):
        return records_pb2.RecordTarget(subject_id=value.subject_id)
    return records_pb2.RecordTarget(encounter_id=value.encounter_id)


_Change = TypeVar("_Change", records_pb2.SealRequest, records_pb2.UnsealRequest, records_pb2.ExpungeRequest)


def change(kind: type[_Change], by: Originator, gallery: str, target_: RecordTarget, reference: str) -> _Change:
    """Write a change that is for a subject or an encounter."""
    return kind(originator=originator(by), gallery=gallery, target=target(target_), reference=reference)


def record_receipt(message: records_pb2.RecordReceipt, erased_by: datetime | None = None) -> RecordReceipt:
    """Read the receipt of a change."""
    return RecordReceipt(
        message.tcr,
        tuple(message.encounter_ids),
        message.change_time.ToDatetime(UTC),
        message.position,
        message.repeated,
        erased_by,
    )


def expunction(message: records_pb2.ExpungeResponse) -> RecordReceipt:
    """Read the receipt of an expunction."""
    return record_receipt(message.receipt, message.erase_time.ToDatetime(UTC))


def operations(message: records_pb2.HistoryResponse) -> tuple[Operation, ...]:
    """Read what was done."""
    return tuple(
        Operation(
            _KINDS.get(item.kind, "unknown"),
            item.gallery,
            item.encounter_id,
            item.subject_id,
            item.previous_subject_id,
            item.operation_time.ToDatetime(UTC),
            item.ori,
            item.tcn,
            item.reference,
            item.position,
        )
        for item in message.operations
    )


def gallery(message: galleries_pb2.Gallery) -> GalleryInfo:
    """Read a gallery's facts."""
    facts: dict[str, Any] = {field.name: getattr(message, field.name) for field in message.DESCRIPTOR.fields}
    return GalleryInfo(**facts)
