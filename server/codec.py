"""The one place where protobuf messages become domain values, and domain values messages."""

import dataclasses
import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from tenprint.fingerprint.image import ImageFormat
from tenprint.fingerprint.itl import MissingReason
from tenprint.fingerprint.positions import FingerPosition
from tenprint.fingerprint.quality import PoorReason
from tenprint.index.results import Coverage, GalleryInfo
from tenprint.server.capture import (
    EmbeddingContent,
    Fingers,
    ImageContent,
    Missing,
    Sample,
    SampleReport,
    SampleStatus,
    TemplateContent,
    TransactionFile,
)
from tenprint.server.decision import Outcome
from tenprint.server.errors import InvalidRequestError, Violation
from tenprint.server.reranking import Ranked
from tenprint.server.thresholds import Expectation, Wish
from tenprint.store import ChangeReceipt, Encounter, Operation, Originator, Target
from tenprint.v1 import capture_pb2, enrolment_pb2, galleries_pb2, identification_pb2, records_pb2

_IMAGE_FORMATS = {
    capture_pb2.IMAGE_FORMAT_UNSPECIFIED: None,
    capture_pb2.IMAGE_FORMAT_PNG: ImageFormat.PNG,
    capture_pb2.IMAGE_FORMAT_TIFF: ImageFormat.TIFF,
    capture_pb2.IMAGE_FORMAT_BMP: ImageFormat.BMP,
    capture_pb2.IMAGE_FORMAT_WSQ: ImageFormat.WSQ,
    capture_pb2.IMAGE_FORMAT_JPEG2000: ImageFormat.JPEG2000,
}
_MISSING_REASONS = {
    capture_pb2.MISSING_REASON_AMPUTATED: MissingReason.AMPUTATED,
    capture_pb2.MISSING_REASON_UNABLE_TO_PRINT: MissingReason.UNABLE_TO_PRINT,
}


def _position(value: int) -> capture_pb2.FingerPosition:
    """An FGP code as the stubs' type: an int at run time, a class of its own to type checkers."""
    return cast("capture_pb2.FingerPosition", value)


def _status(value: SampleStatus) -> capture_pb2.SampleStatus:
    return cast("capture_pb2.SampleStatus", capture_pb2.SampleStatus.Value(f"SAMPLE_STATUS_{value.name}"))


def _poor(value: PoorReason) -> capture_pb2.PoorReason:
    return cast("capture_pb2.PoorReason", capture_pb2.PoorReason.Value(f"POOR_REASON_{value.name}"))


def originator(message: capture_pb2.Originator) -> Originator:
    """Read who asks."""
    return Originator(message.ori, message.tcn)


def capture(message: capture_pb2.Capture) -> Fingers | TransactionFile:
    """Read what was handed in. The message has been validated."""
    if message.WhichOneof("source") == "transaction":
        positions = frozenset(FingerPosition(position) for position in message.transaction.positions)
        return TransactionFile(message.transaction.data, positions)
    return Fingers(
        tuple(_sample(sample) for sample in message.fingers.samples),
        tuple(
            Missing(FingerPosition(finger.position), _MISSING_REASONS[finger.reason])
            for finger in message.fingers.missing
        ),
    )


def _sample(message: capture_pb2.FingerSample) -> Sample:
    position = FingerPosition(message.position)
    match message.WhichOneof("content"):
        case "embedding":
            return Sample(position, EmbeddingContent(message.embedding.vector, message.embedding.model_version))
        case "template":
            return Sample(position, TemplateContent(message.template.data))
        case _:
            image = message.image
            ppi = image.ppi if image.HasField("ppi") else None
            return Sample(position, ImageContent(image.data, _IMAGE_FORMATS[image.format], ppi))


def content_digest(request: Message) -> str:
    """SHA-256, hexadecimal, of everything a request says except who says it."""
    content = type(request)()
    content.CopyFrom(request)
    content.ClearField("originator")
    return hashlib.sha256(content.SerializeToString(deterministic=True)).hexdigest()


def target(message: records_pb2.RecordTarget | enrolment_pb2.DeleteRequest) -> Target:
    """Read which records a change is for. The message has been validated."""
    if message.WhichOneof("target") == "subject_id":
        return Target(subject_id=message.subject_id)
    return Target(encounter_id=message.encounter_id)


def record_receipt(receipt: ChangeReceipt, tcr: str) -> records_pb2.RecordReceipt:
    """Write the receipt of a change."""
    return records_pb2.RecordReceipt(
        tcr=tcr,
        encounter_ids=receipt.encounter_ids,
        change_time=timestamp(receipt.at),
        position=str(receipt.position),
        repeated=receipt.repeated,
    )


def operation(value: Operation) -> records_pb2.RecordOperation:
    """Write a row of the log."""
    return records_pb2.RecordOperation(
        kind=cast("records_pb2.OperationKind", records_pb2.OperationKind.Value(f"OPERATION_KIND_{value.kind.name}")),
        gallery=value.gallery,
        encounter_id=value.encounter_id,
        subject_id=value.subject_id,
        previous_subject_id=value.previous_subject_id,
        operation_time=timestamp(value.at),
        ori=value.originator.ori,
        tcn=value.originator.tcn,
        reference=value.reference,
        position=str(value.position),
    )


def timestamp(moment: datetime) -> Timestamp:
    """Write a time."""
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def sample_reports(reports: Iterable[SampleReport]) -> list[capture_pb2.SampleReport]:
    """Write what became of each sample."""
    return [
        capture_pb2.SampleReport(
            position=_position(report.position),
            status=_status(report.status),
            detail=report.detail,
            minutiae=report.minutiae,
            nfiq2=report.nfiq2,
            record_type=report.record_type,
            area_mm2=report.area_mm2,
            poor=[_poor(reason) for reason in report.poor],
        )
        for report in reports
    ]


def outcome(value: Outcome) -> identification_pb2.Outcome:
    """Write an outcome."""
    return cast("identification_pb2.Outcome", identification_pb2.Outcome.Value(f"OUTCOME_{value.name}"))


def wish(request: identification_pb2.IdentifyRequest) -> Wish:
    """Read what a search asks of scores.

    Raises:
        InvalidRequestError: if it states both a score and an FPIR.
    """
    target = request.WhichOneof("fpir_target")
    if not request.HasField("score_threshold"):
        match target:
            case "target_fpir":
                return Wish(fpir=request.target_fpir)
            case "mosip_target_fpir":
                return Wish(fpir=10 ** (-request.mosip_target_fpir / 10))
            case _:
                return Wish()
    if target is not None:
        problem = f"score_threshold and {target} are both given; allowed is one of them"
        raise InvalidRequestError([Violation(field, problem) for field in ("score_threshold", target)])
    return Wish(score=request.score_threshold)


def candidates(values: Iterable[Ranked], expectations: Iterable[Expectation]) -> list[identification_pb2.Candidate]:
    """Write candidates, best first, each with what is expected of its score."""
    both = zip(values, expectations, strict=True)
    return [_candidate(rank, value, expected) for rank, (value, expected) in enumerate(both, start=1)]


def _candidate(rank: int, value: Ranked, expected: Expectation) -> identification_pb2.Candidate:
    candidate, match = value.candidate, value.match
    fingers = [
        identification_pb2.FingerScore(position=_position(finger.position), score=finger.score)
        for finger in candidate.finger_scores
    ]
    if match is not None:
        for finger in fingers:
            if (found := match.fingers.get(FingerPosition(finger.position))) is not None:
                finger.match_score = found.score
                finger.matched_minutiae = len(found.pairs)
    return identification_pb2.Candidate(
        rank=rank,
        subject_id=candidate.subject_id,
        encounter_id=candidate.encounter_id,
        score=value.score,
        finger_scores=fingers,
        match_score=None if match is None else match.score,
        expected_fpir=expected.fpir,
        fpir_bound=expected.bound,
    )


def coverage(value: Coverage) -> identification_pb2.Coverage:
    """Write how much of a gallery was searched."""
    return identification_pb2.Coverage(total=value.total, searched=value.searched, incomparable=value.incomparable)


def report_rows(reports: Iterable[SampleReport]) -> list[dict[str, Any]]:
    """Sample reports as the store keeps them in a receipt."""
    names = [field.name for field in dataclasses.fields(SampleReport)]  # flat: asdict would look into every value
    return [{name: getattr(report, name) for name in names} for report in reports]


def reports_of(rows: Iterable[dict[str, Any]]) -> list[SampleReport]:
    """Sample reports as a receipt holds them."""
    return [
        SampleReport(
            **{
                **row,
                "position": FingerPosition(row["position"]),
                "status": SampleStatus(row["status"]),
                "poor": tuple(PoorReason(reason) for reason in row.get("poor", ())),  # older receipts have none
            }
        )
        for row in rows
    ]


def encounter(value: Encounter) -> enrolment_pb2.Encounter:
    """Write an encounter."""
    return enrolment_pb2.Encounter(
        encounter_id=value.encounter_id,
        enrol_time=timestamp(value.enrolled_at),
        sealed=value.sealed,
        fingers=[_position(finger) for finger in value.fingers],
        ori=value.originator.ori,
        tcn=value.originator.tcn,
    )


def gallery(info: GalleryInfo, title: str) -> galleries_pb2.Gallery:
    """Write a gallery's facts."""
    return galleries_pb2.Gallery(
        name=info.name,
        title=title,
        subjects=info.subjects,
        encounters=info.records,
        complete_encounters=info.complete,
        model_version=info.model_version,
        dimension=info.dimension,
        memory_bytes=info.memory_bytes,
    )
