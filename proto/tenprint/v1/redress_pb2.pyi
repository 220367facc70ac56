import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tenprint.v1 import records_pb2 as _records_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RecordChange(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RECORD_CHANGE_UNSPECIFIED: _ClassVar[RecordChange]
    RECORD_CHANGE_SEALED: _ClassVar[RecordChange]
    RECORD_CHANGE_UNSEALED: _ClassVar[RecordChange]
    RECORD_CHANGE_EXPUNGED: _ClassVar[RecordChange]
RECORD_CHANGE_UNSPECIFIED: RecordChange
RECORD_CHANGE_SEALED: RecordChange
RECORD_CHANGE_UNSEALED: RecordChange
RECORD_CHANGE_EXPUNGED: RecordChange

class DisputeRequest(_message.Message):
    __slots__ = ("ori", "link_id", "reference", "reason")
    ORI_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ori: str
    link_id: str
    reference: str
    reason: str
    def __init__(self, ori: _Optional[str] = ..., link_id: _Optional[str] = ..., reference: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class DisputeResponse(_message.Message):
    __slots__ = ("dispute", "repeated")
    DISPUTE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    dispute: HitDispute
    repeated: bool
    def __init__(self, dispute: _Optional[_Union[HitDispute, _Mapping]] = ..., repeated: _Optional[bool] = ...) -> None: ...

class GetDisputeRequest(_message.Message):
    __slots__ = ("ori", "dispute_id")
    ORI_FIELD_NUMBER: _ClassVar[int]
    DISPUTE_ID_FIELD_NUMBER: _ClassVar[int]
    ori: str
    dispute_id: str
    def __init__(self, ori: _Optional[str] = ..., dispute_id: _Optional[str] = ...) -> None: ...

class GetDisputeResponse(_message.Message):
    __slots__ = ("dispute",)
    DISPUTE_FIELD_NUMBER: _ClassVar[int]
    dispute: HitDispute
    def __init__(self, dispute: _Optional[_Union[HitDispute, _Mapping]] = ...) -> None: ...

class ChangeRecordRequest(_message.Message):
    __slots__ = ("ori", "tcn", "gallery", "target", "change", "reference")
    ORI_FIELD_NUMBER: _ClassVar[int]
    TCN_FIELD_NUMBER: _ClassVar[int]
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    ori: str
    tcn: str
    gallery: str
    target: _records_pb2.RecordTarget
    change: RecordChange
    reference: str
    def __init__(self, ori: _Optional[str] = ..., tcn: _Optional[str] = ..., gallery: _Optional[str] = ..., target: _Optional[_Union[_records_pb2.RecordTarget, _Mapping]] = ..., change: _Optional[_Union[RecordChange, str]] = ..., reference: _Optional[str] = ...) -> None: ...

class ChangeRecordResponse(_message.Message):
    __slots__ = ("done", "told", "repeated")
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOLD_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    done: bool
    told: int
    repeated: bool
    def __init__(self, done: _Optional[bool] = ..., told: _Optional[int] = ..., repeated: _Optional[bool] = ...) -> None: ...

class HitDispute(_message.Message):
    __slots__ = ("dispute_id", "link_id", "raised_by", "reference", "raise_time", "outcome", "close_time")
    DISPUTE_ID_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    RAISED_BY_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    RAISE_TIME_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    dispute_id: str
    link_id: str
    raised_by: str
    reference: str
    raise_time: _timestamp_pb2.Timestamp
    outcome: str
    close_time: _timestamp_pb2.Timestamp
    def __init__(self, dispute_id: _Optional[str] = ..., link_id: _Optional[str] = ..., raised_by: _Optional[str] = ..., reference: _Optional[str] = ..., raise_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., outcome: _Optional[str] = ..., close_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
