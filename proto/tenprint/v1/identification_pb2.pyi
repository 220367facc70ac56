from buf.validate import validate_pb2 as _validate_pb2
from google.rpc import status_pb2 as _status_pb2
from tenprint.v1 import capture_pb2 as _capture_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_UNSPECIFIED: _ClassVar[Outcome]
    OUTCOME_CANDIDATES: _ClassVar[Outcome]
    OUTCOME_NO_CANDIDATES: _ClassVar[Outcome]
    OUTCOME_PARTIAL: _ClassVar[Outcome]
    OUTCOME_ERROR: _ClassVar[Outcome]
OUTCOME_UNSPECIFIED: Outcome
OUTCOME_CANDIDATES: Outcome
OUTCOME_NO_CANDIDATES: Outcome
OUTCOME_PARTIAL: Outcome
OUTCOME_ERROR: Outcome

class IdentifyRequest(_message.Message):
    __slots__ = ("originator", "galleries", "probe", "max_candidates", "score_threshold", "min_position", "priority", "target_fpir", "mosip_target_fpir")
    ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    GALLERIES_FIELD_NUMBER: _ClassVar[int]
    PROBE_FIELD_NUMBER: _ClassVar[int]
    MAX_CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    SCORE_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    MIN_POSITION_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    TARGET_FPIR_FIELD_NUMBER: _ClassVar[int]
    MOSIP_TARGET_FPIR_FIELD_NUMBER: _ClassVar[int]
    originator: _capture_pb2.Originator
    galleries: _containers.RepeatedScalarFieldContainer[str]
    probe: _capture_pb2.Capture
    max_candidates: int
    score_threshold: float
    min_position: str
    priority: int
    target_fpir: float
    mosip_target_fpir: int
    def __init__(self, originator: _Optional[_Union[_capture_pb2.Originator, _Mapping]] = ..., galleries: _Optional[_Iterable[str]] = ..., probe: _Optional[_Union[_capture_pb2.Capture, _Mapping]] = ..., max_candidates: _Optional[int] = ..., score_threshold: _Optional[float] = ..., min_position: _Optional[str] = ..., priority: _Optional[int] = ..., target_fpir: _Optional[float] = ..., mosip_target_fpir: _Optional[int] = ...) -> None: ...

class IdentifyResponse(_message.Message):
    __slots__ = ("tcr", "answers", "samples", "model_version", "timing")
    TCR_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    TIMING_FIELD_NUMBER: _ClassVar[int]
    tcr: str
    answers: _containers.RepeatedCompositeFieldContainer[GalleryAnswer]
    samples: _containers.RepeatedCompositeFieldContainer[_capture_pb2.SampleReport]
    model_version: str
    timing: PreparationTiming
    def __init__(self, tcr: _Optional[str] = ..., answers: _Optional[_Iterable[_Union[GalleryAnswer, _Mapping]]] = ..., samples: _Optional[_Iterable[_Union[_capture_pb2.SampleReport, _Mapping]]] = ..., model_version: _Optional[str] = ..., timing: _Optional[_Union[PreparationTiming, _Mapping]] = ...) -> None: ...

class GalleryAnswer(_message.Message):
    __slots__ = ("gallery", "outcome", "candidates", "coverage", "error", "timing", "score_threshold", "calibration_version")
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    TIMING_FIELD_NUMBER: _ClassVar[int]
    SCORE_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    CALIBRATION_VERSION_FIELD_NUMBER: _ClassVar[int]
    gallery: str
    outcome: Outcome
    candidates: _containers.RepeatedCompositeFieldContainer[Candidate]
    coverage: Coverage
    error: _status_pb2.Status
    timing: SearchTiming
    score_threshold: float
    calibration_version: str
    def __init__(self, gallery: _Optional[str] = ..., outcome: _Optional[_Union[Outcome, str]] = ..., candidates: _Optional[_Iterable[_Union[Candidate, _Mapping]]] = ..., coverage: _Optional[_Union[Coverage, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., timing: _Optional[_Union[SearchTiming, _Mapping]] = ..., score_threshold: _Optional[float] = ..., calibration_version: _Optional[str] = ...) -> None: ...

class Candidate(_message.Message):
    __slots__ = ("rank", "subject_id", "encounter_id", "score", "finger_scores", "match_score", "expected_fpir", "fpir_bound")
    RANK_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    ENCOUNTER_ID_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    FINGER_SCORES_FIELD_NUMBER: _ClassVar[int]
    MATCH_SCORE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FPIR_FIELD_NUMBER: _ClassVar[int]
    FPIR_BOUND_FIELD_NUMBER: _ClassVar[int]
    rank: int
    subject_id: str
    encounter_id: str
    score: float
    finger_scores: _containers.RepeatedCompositeFieldContainer[FingerScore]
    match_score: float
    expected_fpir: float
    fpir_bound: float
    def __init__(self, rank: _Optional[int] = ..., subject_id: _Optional[str] = ..., encounter_id: _Optional[str] = ..., score: _Optional[float] = ..., finger_scores: _Optional[_Iterable[_Union[FingerScore, _Mapping]]] = ..., match_score: _Optional[float] = ..., expected_fpir: _Optional[float] = ..., fpir_bound: _Optional[float] = ...) -> None: ...

class FingerScore(_message.Message):
    __slots__ = ("position", "score", "match_score", "matched_minutiae")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    MATCH_SCORE_FIELD_NUMBER: _ClassVar[int]
    MATCHED_MINUTIAE_FIELD_NUMBER: _ClassVar[int]
    position: _capture_pb2.FingerPosition
    score: float
    match_score: float
    matched_minutiae: int
    def __init__(self, position: _Optional[_Union[_capture_pb2.FingerPosition, str]] = ..., score: _Optional[float] = ..., match_score: _Optional[float] = ..., matched_minutiae: _Optional[int] = ...) -> None: ...

class Coverage(_message.Message):
    __slots__ = ("total", "searched", "incomparable")
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    SEARCHED_FIELD_NUMBER: _ClassVar[int]
    INCOMPARABLE_FIELD_NUMBER: _ClassVar[int]
    total: int
    searched: int
    incomparable: int
    def __init__(self, total: _Optional[int] = ..., searched: _Optional[int] = ..., incomparable: _Optional[int] = ...) -> None: ...

class PreparationTiming(_message.Message):
    __slots__ = ("decode_seconds", "extract_seconds", "embed_seconds")
    DECODE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    EXTRACT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    EMBED_SECONDS_FIELD_NUMBER: _ClassVar[int]
    decode_seconds: float
    extract_seconds: float
    embed_seconds: float
    def __init__(self, decode_seconds: _Optional[float] = ..., extract_seconds: _Optional[float] = ..., embed_seconds: _Optional[float] = ...) -> None: ...

class SearchTiming(_message.Message):
    __slots__ = ("queue_seconds", "search_seconds", "rescore_seconds", "rerank_seconds")
    QUEUE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    SEARCH_SECONDS_FIELD_NUMBER: _ClassVar[int]
    RESCORE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    RERANK_SECONDS_FIELD_NUMBER: _ClassVar[int]
    queue_seconds: float
    search_seconds: float
    rescore_seconds: float
    rerank_seconds: float
    def __init__(self, queue_seconds: _Optional[float] = ..., search_seconds: _Optional[float] = ..., rescore_seconds: _Optional[float] = ..., rerank_seconds: _Optional[float] = ...) -> None: ...

class IdentifyBatchRequest(_message.Message):
    __slots__ = ("requests",)
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[IdentifyRequest]
    def __init__(self, requests: _Optional[_Iterable[_Union[IdentifyRequest, _Mapping]]] = ...) -> None: ...

class IdentifyBatchResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[IdentifyResult]
    def __init__(self, results: _Optional[_Iterable[_Union[IdentifyResult, _Mapping]]] = ...) -> None: ...

class IdentifyResult(_message.Message):
    __slots__ = ("response", "status")
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    response: IdentifyResponse
    status: _status_pb2.Status
    def __init__(self, response: _Optional[_Union[IdentifyResponse, _Mapping]] = ..., status: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class IdentifyStreamRequest(_message.Message):
    __slots__ = ("item", "request")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    item: int
    request: IdentifyRequest
    def __init__(self, item: _Optional[int] = ..., request: _Optional[_Union[IdentifyRequest, _Mapping]] = ...) -> None: ...

class IdentifyStreamResponse(_message.Message):
    __slots__ = ("item", "result")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    item: int
    result: IdentifyResult
    def __init__(self, item: _Optional[int] = ..., result: _Optional[_Union[IdentifyResult, _Mapping]] = ...) -> None: ...
