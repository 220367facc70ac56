import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FindingKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FINDING_KIND_UNSPECIFIED: _ClassVar[FindingKind]
    FINDING_KIND_SEVERAL_SUBJECTS: _ClassVar[FindingKind]
    FINDING_KIND_SEVERAL_PRINTS: _ClassVar[FindingKind]
    FINDING_KIND_ONE_CAPTURE_SEVERAL_PEOPLE: _ClassVar[FindingKind]
    FINDING_KIND_BOTH_GALLERIES: _ClassVar[FindingKind]

class FindingState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FINDING_STATE_UNSPECIFIED: _ClassVar[FindingState]
    FINDING_STATE_QUARANTINED: _ClassVar[FindingState]
    FINDING_STATE_DISMISSED: _ClassVar[FindingState]
    FINDING_STATE_UPHELD: _ClassVar[FindingState]
FINDING_KIND_UNSPECIFIED: FindingKind
FINDING_KIND_SEVERAL_SUBJECTS: FindingKind
FINDING_KIND_SEVERAL_PRINTS: FindingKind
FINDING_KIND_ONE_CAPTURE_SEVERAL_PEOPLE: FindingKind
FINDING_KIND_BOTH_GALLERIES: FindingKind
FINDING_STATE_UNSPECIFIED: FindingState
FINDING_STATE_QUARANTINED: FindingState
FINDING_STATE_DISMISSED: FindingState
FINDING_STATE_UPHELD: FindingState

class ListFindingsRequest(_message.Message):
    __slots__ = ("ori", "state", "limit")
    ORI_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    ori: str
    state: FindingState
    limit: int
    def __init__(self, ori: _Optional[str] = ..., state: _Optional[_Union[FindingState, str]] = ..., limit: _Optional[int] = ...) -> None: ...

class ListFindingsResponse(_message.Message):
    __slots__ = ("findings",)
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    def __init__(self, findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ...) -> None: ...

class CloseFindingRequest(_message.Message):
    __slots__ = ("ori", "reviewer", "finding_id", "state", "reason")
    ORI_FIELD_NUMBER: _ClassVar[int]
    REVIEWER_FIELD_NUMBER: _ClassVar[int]
    FINDING_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ori: str
    reviewer: str
    finding_id: str
    state: FindingState
    reason: str
    def __init__(self, ori: _Optional[str] = ..., reviewer: _Optional[str] = ..., finding_id: _Optional[str] = ..., state: _Optional[_Union[FindingState, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class CloseFindingResponse(_message.Message):
    __slots__ = ("finding",)
    FINDING_FIELD_NUMBER: _ClassVar[int]
    finding: Finding
    def __init__(self, finding: _Optional[_Union[Finding, _Mapping]] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("finding_id", "kind", "state", "submissions", "subjects", "find_time", "reviewer", "reason", "close_time")
    FINDING_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SUBMISSIONS_FIELD_NUMBER: _ClassVar[int]
    SUBJECTS_FIELD_NUMBER: _ClassVar[int]
    FIND_TIME_FIELD_NUMBER: _ClassVar[int]
    REVIEWER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    finding_id: str
    kind: FindingKind
    state: FindingState
    submissions: _containers.RepeatedCompositeFieldContainer[FoundSubmission]
    subjects: _containers.RepeatedCompositeFieldContainer[FoundSubject]
    find_time: _timestamp_pb2.Timestamp
    reviewer: str
    reason: str
    close_time: _timestamp_pb2.Timestamp
    def __init__(self, finding_id: _Optional[str] = ..., kind: _Optional[_Union[FindingKind, str]] = ..., state: _Optional[_Union[FindingState, str]] = ..., submissions: _Optional[_Iterable[_Union[FoundSubmission, _Mapping]]] = ..., subjects: _Optional[_Iterable[_Union[FoundSubject, _Mapping]]] = ..., find_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reviewer: _Optional[str] = ..., reason: _Optional[str] = ..., close_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class FoundSubmission(_message.Message):
    __slots__ = ("submission_id", "ori", "tcn", "controlling_agency", "receive_time", "subject_id", "claim")
    SUBMISSION_ID_FIELD_NUMBER: _ClassVar[int]
    ORI_FIELD_NUMBER: _ClassVar[int]
    TCN_FIELD_NUMBER: _ClassVar[int]
    CONTROLLING_AGENCY_FIELD_NUMBER: _ClassVar[int]
    RECEIVE_TIME_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    CLAIM_FIELD_NUMBER: _ClassVar[int]
    submission_id: str
    ori: str
    tcn: str
    controlling_agency: str
    receive_time: _timestamp_pb2.Timestamp
    subject_id: str
    claim: int
    def __init__(self, submission_id: _Optional[str] = ..., ori: _Optional[str] = ..., tcn: _Optional[str] = ..., controlling_agency: _Optional[str] = ..., receive_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., subject_id: _Optional[str] = ..., claim: _Optional[int] = ...) -> None: ...

class FoundSubject(_message.Message):
    __slots__ = ("gallery", "subject_id")
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    gallery: str
    subject_id: str
    def __init__(self, gallery: _Optional[str] = ..., subject_id: _Optional[str] = ...) -> None: ...
