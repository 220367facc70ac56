import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tenprint.v1 import findings_pb2 as _findings_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CaseDecision(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CASE_DECISION_UNSPECIFIED: _ClassVar[CaseDecision]
    CASE_DECISION_IDENTIFICATION: _ClassVar[CaseDecision]
    CASE_DECISION_EXCLUSION: _ClassVar[CaseDecision]
    CASE_DECISION_INCONCLUSIVE: _ClassVar[CaseDecision]

class CaseFilter(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CASE_FILTER_UNSPECIFIED: _ClassVar[CaseFilter]
    CASE_FILTER_OPEN: _ClassVar[CaseFilter]
    CASE_FILTER_CLOSED: _ClassVar[CaseFilter]
CASE_DECISION_UNSPECIFIED: CaseDecision
CASE_DECISION_IDENTIFICATION: CaseDecision
CASE_DECISION_EXCLUSION: CaseDecision
CASE_DECISION_INCONCLUSIVE: CaseDecision
CASE_FILTER_UNSPECIFIED: CaseFilter
CASE_FILTER_OPEN: CaseFilter
CASE_FILTER_CLOSED: CaseFilter

class NextCaseRequest(_message.Message):
    __slots__ = ("ori", "examiner")
    ORI_FIELD_NUMBER: _ClassVar[int]
    EXAMINER_FIELD_NUMBER: _ClassVar[int]
    ori: str
    examiner: str
    def __init__(self, ori: _Optional[str] = ..., examiner: _Optional[str] = ...) -> None: ...

class NextCaseResponse(_message.Message):
    __slots__ = ("case",)
    CASE_FIELD_NUMBER: _ClassVar[int]
    case: Case
    def __init__(self, case: _Optional[_Union[Case, _Mapping]] = ...) -> None: ...

class RenewLeaseRequest(_message.Message):
    __slots__ = ("ori", "examiner", "case_id")
    ORI_FIELD_NUMBER: _ClassVar[int]
    EXAMINER_FIELD_NUMBER: _ClassVar[int]
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    ori: str
    examiner: str
    case_id: str
    def __init__(self, ori: _Optional[str] = ..., examiner: _Optional[str] = ..., case_id: _Optional[str] = ...) -> None: ...

class RenewLeaseResponse(_message.Message):
    __slots__ = ("case",)
    CASE_FIELD_NUMBER: _ClassVar[int]
    case: Case
    def __init__(self, case: _Optional[_Union[Case, _Mapping]] = ...) -> None: ...

class ReleaseCaseRequest(_message.Message):
    __slots__ = ("ori", "examiner", "case_id")
    ORI_FIELD_NUMBER: _ClassVar[int]
    EXAMINER_FIELD_NUMBER: _ClassVar[int]
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    ori: str
    examiner: str
    case_id: str
    def __init__(self, ori: _Optional[str] = ..., examiner: _Optional[str] = ..., case_id: _Optional[str] = ...) -> None: ...

class ReleaseCaseResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetCaseRequest(_message.Message):
    __slots__ = ("ori", "examiner", "case_id", "positions")
    ORI_FIELD_NUMBER: _ClassVar[int]
    EXAMINER_FIELD_NUMBER: _ClassVar[int]
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    ori: str
    examiner: str
    case_id: str
    positions: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, ori: _Optional[str] = ..., examiner: _Optional[str] = ..., case_id: _Optional[str] = ..., positions: _Optional[_Iterable[int]] = ...) -> None: ...

class GetCaseResponse(_message.Message):
    __slots__ = ("case", "probe", "caveats", "candidates", "findings", "opinions")
    CASE_FIELD_NUMBER: _ClassVar[int]
    PROBE_FIELD_NUMBER: _ClassVar[int]
    CAVEATS_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    OPINIONS_FIELD_NUMBER: _ClassVar[int]
    case: Case
    probe: PrintSet
    caveats: _containers.RepeatedCompositeFieldContainer[PrintCaveat]
    candidates: _containers.RepeatedCompositeFieldContainer[CaseCandidate]
    findings: _containers.RepeatedCompositeFieldContainer[_findings_pb2.Finding]
    opinions: _containers.RepeatedCompositeFieldContainer[CaseOpinion]
    def __init__(self, case: _Optional[_Union[Case, _Mapping]] = ..., probe: _Optional[_Union[PrintSet, _Mapping]] = ..., caveats: _Optional[_Iterable[_Union[PrintCaveat, _Mapping]]] = ..., candidates: _Optional[_Iterable[_Union[CaseCandidate, _Mapping]]] = ..., findings: _Optional[_Iterable[_Union[_findings_pb2.Finding, _Mapping]]] = ..., opinions: _Optional[_Iterable[_Union[CaseOpinion, _Mapping]]] = ...) -> None: ...

class DecideRequest(_message.Message):
    __slots__ = ("ori", "examiner", "case_id", "decision", "subject_id", "reason")
    ORI_FIELD_NUMBER: _ClassVar[int]
    EXAMINER_FIELD_NUMBER: _ClassVar[int]
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ori: str
    examiner: str
    case_id: str
    decision: CaseDecision
    subject_id: str
    reason: str
    def __init__(self, ori: _Optional[str] = ..., examiner: _Optional[str] = ..., case_id: _Optional[str] = ..., decision: _Optional[_Union[CaseDecision, str]] = ..., subject_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class DecideResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListCasesRequest(_message.Message):
    __slots__ = ("ori", "filter", "limit")
    ORI_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    ori: str
    filter: CaseFilter
    limit: int
    def __init__(self, ori: _Optional[str] = ..., filter: _Optional[_Union[CaseFilter, str]] = ..., limit: _Optional[int] = ...) -> None: ...

class ListCasesResponse(_message.Message):
    __slots__ = ("cases",)
    CASES_FIELD_NUMBER: _ClassVar[int]
    cases: _containers.RepeatedCompositeFieldContainer[CaseEntry]
    def __init__(self, cases: _Optional[_Iterable[_Union[CaseEntry, _Mapping]]] = ...) -> None: ...

class Case(_message.Message):
    __slots__ = ("case_id", "gallery", "due_time", "lease_time")
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    DUE_TIME_FIELD_NUMBER: _ClassVar[int]
    LEASE_TIME_FIELD_NUMBER: _ClassVar[int]
    case_id: str
    gallery: str
    due_time: _timestamp_pb2.Timestamp
    lease_time: _timestamp_pb2.Timestamp
    def __init__(self, case_id: _Optional[str] = ..., gallery: _Optional[str] = ..., due_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., lease_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CaseEntry(_message.Message):
    __slots__ = ("case", "open", "overdue", "priority", "open_time", "close_time", "outcome", "subject_id", "kind", "level", "submission_id", "decided")
    CASE_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    OVERDUE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    OPEN_TIME_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    SUBMISSION_ID_FIELD_NUMBER: _ClassVar[int]
    DECIDED_FIELD_NUMBER: _ClassVar[int]
    case: Case
    open: bool
    overdue: bool
    priority: int
    open_time: _timestamp_pb2.Timestamp
    close_time: _timestamp_pb2.Timestamp
    outcome: str
    subject_id: str
    kind: str
    level: int
    submission_id: str
    decided: int
    def __init__(self, case: _Optional[_Union[Case, _Mapping]] = ..., open: _Optional[bool] = ..., overdue: _Optional[bool] = ..., priority: _Optional[int] = ..., open_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., close_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., outcome: _Optional[str] = ..., subject_id: _Optional[str] = ..., kind: _Optional[str] = ..., level: _Optional[int] = ..., submission_id: _Optional[str] = ..., decided: _Optional[int] = ...) -> None: ...

class PrintSet(_message.Message):
    __slots__ = ("images", "minutiae", "missing")
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    MINUTIAE_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    images: _containers.RepeatedCompositeFieldContainer[PrintImage]
    minutiae: bytes
    missing: str
    def __init__(self, images: _Optional[_Iterable[_Union[PrintImage, _Mapping]]] = ..., minutiae: _Optional[bytes] = ..., missing: _Optional[str] = ...) -> None: ...

class PrintImage(_message.Message):
    __slots__ = ("position", "impression_type", "compression", "width", "height", "ppi", "data")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    IMPRESSION_TYPE_FIELD_NUMBER: _ClassVar[int]
    COMPRESSION_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    PPI_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    position: int
    impression_type: int
    compression: str
    width: int
    height: int
    ppi: int
    data: bytes
    def __init__(self, position: _Optional[int] = ..., impression_type: _Optional[int] = ..., compression: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., ppi: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class PrintCaveat(_message.Message):
    __slots__ = ("position", "status", "detail", "nfiq2", "minutiae")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    NFIQ2_FIELD_NUMBER: _ClassVar[int]
    MINUTIAE_FIELD_NUMBER: _ClassVar[int]
    position: int
    status: str
    detail: str
    nfiq2: int
    minutiae: int
    def __init__(self, position: _Optional[int] = ..., status: _Optional[str] = ..., detail: _Optional[str] = ..., nfiq2: _Optional[int] = ..., minutiae: _Optional[int] = ...) -> None: ...

class CaseCandidate(_message.Message):
    __slots__ = ("rank", "subject_id", "encounter_id", "score", "margin", "expected_fpir", "band", "fingers", "prints", "fpir_is_bound")
    RANK_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    ENCOUNTER_ID_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FPIR_FIELD_NUMBER: _ClassVar[int]
    BAND_FIELD_NUMBER: _ClassVar[int]
    FINGERS_FIELD_NUMBER: _ClassVar[int]
    PRINTS_FIELD_NUMBER: _ClassVar[int]
    FPIR_IS_BOUND_FIELD_NUMBER: _ClassVar[int]
    rank: int
    subject_id: str
    encounter_id: str
    score: float
    margin: float
    expected_fpir: float
    band: str
    fingers: _containers.RepeatedCompositeFieldContainer[CandidateFinger]
    prints: PrintSet
    fpir_is_bound: bool
    def __init__(self, rank: _Optional[int] = ..., subject_id: _Optional[str] = ..., encounter_id: _Optional[str] = ..., score: _Optional[float] = ..., margin: _Optional[float] = ..., expected_fpir: _Optional[float] = ..., band: _Optional[str] = ..., fingers: _Optional[_Iterable[_Union[CandidateFinger, _Mapping]]] = ..., prints: _Optional[_Union[PrintSet, _Mapping]] = ..., fpir_is_bound: _Optional[bool] = ...) -> None: ...

class CandidateFinger(_message.Message):
    __slots__ = ("position", "score", "match_score", "matched_minutiae")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    MATCH_SCORE_FIELD_NUMBER: _ClassVar[int]
    MATCHED_MINUTIAE_FIELD_NUMBER: _ClassVar[int]
    position: int
    score: float
    match_score: float
    matched_minutiae: int
    def __init__(self, position: _Optional[int] = ..., score: _Optional[float] = ..., match_score: _Optional[float] = ..., matched_minutiae: _Optional[int] = ...) -> None: ...

class CaseOpinion(_message.Message):
    __slots__ = ("examiner", "ori", "decision", "subject_id", "reason", "decide_time")
    EXAMINER_FIELD_NUMBER: _ClassVar[int]
    ORI_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DECIDE_TIME_FIELD_NUMBER: _ClassVar[int]
    examiner: str
    ori: str
    decision: CaseDecision
    subject_id: str
    reason: str
    decide_time: _timestamp_pb2.Timestamp
    def __init__(self, examiner: _Optional[str] = ..., ori: _Optional[str] = ..., decision: _Optional[_Union[CaseDecision, str]] = ..., subject_id: _Optional[str] = ..., reason: _Optional[str] = ..., decide_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
