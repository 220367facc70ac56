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

class LegState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEG_STATE_UNSPECIFIED: _ClassVar[LegState]
    LEG_STATE_PENDING: _ClassVar[LegState]
    LEG_STATE_REVIEW: _ClassVar[LegState]
    LEG_STATE_MATCH: _ClassVar[LegState]
    LEG_STATE_NO_MATCH: _ClassVar[LegState]
    LEG_STATE_PARTIAL: _ClassVar[LegState]
    LEG_STATE_ERROR: _ClassVar[LegState]
LEG_STATE_UNSPECIFIED: LegState
LEG_STATE_PENDING: LegState
LEG_STATE_REVIEW: LegState
LEG_STATE_MATCH: LegState
LEG_STATE_NO_MATCH: LegState
LEG_STATE_PARTIAL: LegState
LEG_STATE_ERROR: LegState

class SubmitRequest(_message.Message):
    __slots__ = ("ori", "purpose", "file", "offences", "custody")
    ORI_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    OFFENCES_FIELD_NUMBER: _ClassVar[int]
    CUSTODY_FIELD_NUMBER: _ClassVar[int]
    ori: str
    purpose: str
    file: bytes
    offences: _containers.RepeatedScalarFieldContainer[str]
    custody: bool
    def __init__(self, ori: _Optional[str] = ..., purpose: _Optional[str] = ..., file: _Optional[bytes] = ..., offences: _Optional[_Iterable[str]] = ..., custody: _Optional[bool] = ...) -> None: ...

class SubmitResponse(_message.Message):
    __slots__ = ("submission", "repeated")
    SUBMISSION_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    submission: Submission
    repeated: bool
    def __init__(self, submission: _Optional[_Union[Submission, _Mapping]] = ..., repeated: _Optional[bool] = ...) -> None: ...

class GetSubmissionRequest(_message.Message):
    __slots__ = ("ori", "submitter", "tcn")
    ORI_FIELD_NUMBER: _ClassVar[int]
    SUBMITTER_FIELD_NUMBER: _ClassVar[int]
    TCN_FIELD_NUMBER: _ClassVar[int]
    ori: str
    submitter: str
    tcn: str
    def __init__(self, ori: _Optional[str] = ..., submitter: _Optional[str] = ..., tcn: _Optional[str] = ...) -> None: ...

class GetSubmissionResponse(_message.Message):
    __slots__ = ("submission",)
    SUBMISSION_FIELD_NUMBER: _ClassVar[int]
    submission: Submission
    def __init__(self, submission: _Optional[_Union[Submission, _Mapping]] = ...) -> None: ...

class RedeliverAnswersRequest(_message.Message):
    __slots__ = ("ori", "submitter", "tcn")
    ORI_FIELD_NUMBER: _ClassVar[int]
    SUBMITTER_FIELD_NUMBER: _ClassVar[int]
    TCN_FIELD_NUMBER: _ClassVar[int]
    ori: str
    submitter: str
    tcn: str
    def __init__(self, ori: _Optional[str] = ..., submitter: _Optional[str] = ..., tcn: _Optional[str] = ...) -> None: ...

class RedeliverAnswersResponse(_message.Message):
    __slots__ = ("message_ids",)
    MESSAGE_IDS_FIELD_NUMBER: _ClassVar[int]
    message_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, message_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class Submission(_message.Message):
    __slots__ = ("submission_id", "ori", "tcn", "receive_time", "type_of_transaction", "retain", "erase_time", "level", "faults", "legs")
    SUBMISSION_ID_FIELD_NUMBER: _ClassVar[int]
    ORI_FIELD_NUMBER: _ClassVar[int]
    TCN_FIELD_NUMBER: _ClassVar[int]
    RECEIVE_TIME_FIELD_NUMBER: _ClassVar[int]
    TYPE_OF_TRANSACTION_FIELD_NUMBER: _ClassVar[int]
    RETAIN_FIELD_NUMBER: _ClassVar[int]
    ERASE_TIME_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    FAULTS_FIELD_NUMBER: _ClassVar[int]
    LEGS_FIELD_NUMBER: _ClassVar[int]
    submission_id: str
    ori: str
    tcn: str
    receive_time: _timestamp_pb2.Timestamp
    type_of_transaction: str
    retain: bool
    erase_time: _timestamp_pb2.Timestamp
    level: int
    faults: _containers.RepeatedScalarFieldContainer[str]
    legs: _containers.RepeatedCompositeFieldContainer[Leg]
    def __init__(self, submission_id: _Optional[str] = ..., ori: _Optional[str] = ..., tcn: _Optional[str] = ..., receive_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., type_of_transaction: _Optional[str] = ..., retain: _Optional[bool] = ..., erase_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., level: _Optional[int] = ..., faults: _Optional[_Iterable[str]] = ..., legs: _Optional[_Iterable[_Union[Leg, _Mapping]]] = ...) -> None: ...

class Leg(_message.Message):
    __slots__ = ("gallery", "state", "withheld", "problem", "subject_id", "confirmed", "statement", "link_id", "settle_time", "file")
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    WITHHELD_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    SETTLE_TIME_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    gallery: str
    state: LegState
    withheld: str
    problem: str
    subject_id: str
    confirmed: bool
    statement: str
    link_id: str
    settle_time: _timestamp_pb2.Timestamp
    file: bytes
    def __init__(self, gallery: _Optional[str] = ..., state: _Optional[_Union[LegState, str]] = ..., withheld: _Optional[str] = ..., problem: _Optional[str] = ..., subject_id: _Optional[str] = ..., confirmed: _Optional[bool] = ..., statement: _Optional[str] = ..., link_id: _Optional[str] = ..., settle_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., file: _Optional[bytes] = ...) -> None: ...
