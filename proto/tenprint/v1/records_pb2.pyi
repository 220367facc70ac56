import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tenprint.v1 import capture_pb2 as _capture_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OperationKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPERATION_KIND_UNSPECIFIED: _ClassVar[OperationKind]
    OPERATION_KIND_ENROL: _ClassVar[OperationKind]
    OPERATION_KIND_DELETE: _ClassVar[OperationKind]
    OPERATION_KIND_SEAL: _ClassVar[OperationKind]
    OPERATION_KIND_UNSEAL: _ClassVar[OperationKind]
    OPERATION_KIND_EXPUNGE: _ClassVar[OperationKind]
    OPERATION_KIND_MERGE: _ClassVar[OperationKind]
    OPERATION_KIND_SPLIT: _ClassVar[OperationKind]
    OPERATION_KIND_MOVE: _ClassVar[OperationKind]
OPERATION_KIND_UNSPECIFIED: OperationKind
OPERATION_KIND_ENROL: OperationKind
OPERATION_KIND_DELETE: OperationKind
OPERATION_KIND_SEAL: OperationKind
OPERATION_KIND_UNSEAL: OperationKind
OPERATION_KIND_EXPUNGE: OperationKind
OPERATION_KIND_MERGE: OperationKind
OPERATION_KIND_SPLIT: OperationKind
OPERATION_KIND_MOVE: OperationKind

class RecordTarget(_message.Message):
    __slots__ = ("subject_id", "encounter_id")
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    ENCOUNTER_ID_FIELD_NUMBER: _ClassVar[int]
    subject_id: str
    encounter_id: str
    def __init__(self, subject_id: _Optional[str] = ..., encounter_id: _Optional[str] = ...) -> None: ...

class RecordReceipt(_message.Message):
    __slots__ = ("tcr", "encounter_ids", "change_time", "position", "repeated")
    TCR_FIELD_NUMBER: _ClassVar[int]
    ENCOUNTER_IDS_FIELD_NUMBER: _ClassVar[int]
    CHANGE_TIME_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    tcr: str
    encounter_ids: _containers.RepeatedScalarFieldContainer[str]
    change_time: _timestamp_pb2.Timestamp
    position: str
    repeated: bool
    def __init__(self, tcr: _Optional[str] = ..., encounter_ids: _Optional[_Iterable[str]] = ..., change_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., position: _Optional[str] = ..., repeated: _Optional[bool] = ...) -> None: ...

class SealRequest(_message.Message):
    __slots__ = ("originator", "gallery", "target", "reference")
    ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    originator: _capture_pb2.Originator
    gallery: str
    target: RecordTarget
    reference: str
    def __init__(self, originator: _Optional[_Union[_capture_pb2.Originator, _Mapping]] = ..., gallery: _Optional[str] = ..., target: _Optional[_Union[RecordTarget, _Mapping]] = ..., reference: _Optional[str] = ...) -> None: ...

class SealResponse(_message.Message):
    __slots__ = ("receipt",)
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    receipt: RecordReceipt
    def __init__(self, receipt: _Optional[_Union[RecordReceipt, _Mapping]] = ...) -> None: ...

class UnsealRequest(_message.Message):
    __slots__ = ("originator", "gallery", "target", "reference")
    ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    originator: _capture_pb2.Originator
    gallery: str
    target: RecordTarget
    reference: str
    def __init__(self, originator: _Optional[_Union[_capture_pb2.Originator, _Mapping]] = ..., gallery: _Optional[str] = ..., target: _Optional[_Union[RecordTarget, _Mapping]] = ..., reference: _Optional[str] = ...) -> None: ...

class UnsealResponse(_message.Message):
    __slots__ = ("receipt",)
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    receipt: RecordReceipt
    def __init__(self, receipt: _Optional[_Union[RecordReceipt, _Mapping]] = ...) -> None: ...

class ExpungeRequest(_message.Message):
    __slots__ = ("originator", "gallery", "target", "reference")
    ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    originator: _capture_pb2.Originator
    gallery: str
    target: RecordTarget
    reference: str
    def __init__(self, originator: _Optional[_Union[_capture_pb2.Originator, _Mapping]] = ..., gallery: _Optional[str] = ..., target: _Optional[_Union[RecordTarget, _Mapping]] = ..., reference: _Optional[str] = ...) -> None: ...

class ExpungeResponse(_message.Message):
    __slots__ = ("receipt", "erase_time")
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    ERASE_TIME_FIELD_NUMBER: _ClassVar[int]
    receipt: RecordReceipt
    erase_time: _timestamp_pb2.Timestamp
    def __init__(self, receipt: _Optional[_Union[RecordReceipt, _Mapping]] = ..., erase_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class MergeRequest(_message.Message):
    __slots__ = ("originator", "gallery", "subject_id", "into_subject_id", "reference")
    ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    INTO_SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    originator: _capture_pb2.Originator
    gallery: str
    subject_id: str
    into_subject_id: str
    reference: str
    def __init__(self, originator: _Optional[_Union[_capture_pb2.Originator, _Mapping]] = ..., gallery: _Optional[str] = ..., subject_id: _Optional[str] = ..., into_subject_id: _Optional[str] = ..., reference: _Optional[str] = ...) -> None: ...

class MergeResponse(_message.Message):
    __slots__ = ("receipt",)
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    receipt: RecordReceipt
    def __init__(self, receipt: _Optional[_Union[RecordReceipt, _Mapping]] = ...) -> None: ...

class SplitRequest(_message.Message):
    __slots__ = ("originator", "gallery", "encounter_ids", "into_subject_id", "reference")
    ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    ENCOUNTER_IDS_FIELD_NUMBER: _ClassVar[int]
    INTO_SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    originator: _capture_pb2.Originator
    gallery: str
    encounter_ids: _containers.RepeatedScalarFieldContainer[str]
    into_subject_id: str
    reference: str
    def __init__(self, originator: _Optional[_Union[_capture_pb2.Originator, _Mapping]] = ..., gallery: _Optional[str] = ..., encounter_ids: _Optional[_Iterable[str]] = ..., into_subject_id: _Optional[str] = ..., reference: _Optional[str] = ...) -> None: ...

class SplitResponse(_message.Message):
    __slots__ = ("receipt",)
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    receipt: RecordReceipt
    def __init__(self, receipt: _Optional[_Union[RecordReceipt, _Mapping]] = ...) -> None: ...

class MoveRequest(_message.Message):
    __slots__ = ("originator", "gallery", "subject_id", "into_gallery", "reference")
    ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    INTO_GALLERY_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    originator: _capture_pb2.Originator
    gallery: str
    subject_id: str
    into_gallery: str
    reference: str
    def __init__(self, originator: _Optional[_Union[_capture_pb2.Originator, _Mapping]] = ..., gallery: _Optional[str] = ..., subject_id: _Optional[str] = ..., into_gallery: _Optional[str] = ..., reference: _Optional[str] = ...) -> None: ...

class MoveResponse(_message.Message):
    __slots__ = ("receipt",)
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    receipt: RecordReceipt
    def __init__(self, receipt: _Optional[_Union[RecordReceipt, _Mapping]] = ...) -> None: ...

class HistoryRequest(_message.Message):
    __slots__ = ("originator", "gallery", "target")
    ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    originator: _capture_pb2.Originator
    gallery: str
    target: RecordTarget
    def __init__(self, originator: _Optional[_Union[_capture_pb2.Originator, _Mapping]] = ..., gallery: _Optional[str] = ..., target: _Optional[_Union[RecordTarget, _Mapping]] = ...) -> None: ...

class HistoryResponse(_message.Message):
    __slots__ = ("operations",)
    OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    operations: _containers.RepeatedCompositeFieldContainer[RecordOperation]
    def __init__(self, operations: _Optional[_Iterable[_Union[RecordOperation, _Mapping]]] = ...) -> None: ...

class GetMinutiaeRequest(_message.Message):
    __slots__ = ("originator", "gallery", "encounter_id")
    ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    ENCOUNTER_ID_FIELD_NUMBER: _ClassVar[int]
    originator: _capture_pb2.Originator
    gallery: str
    encounter_id: str
    def __init__(self, originator: _Optional[_Union[_capture_pb2.Originator, _Mapping]] = ..., gallery: _Optional[str] = ..., encounter_id: _Optional[str] = ...) -> None: ...

class GetMinutiaeResponse(_message.Message):
    __slots__ = ("record",)
    RECORD_FIELD_NUMBER: _ClassVar[int]
    record: bytes
    def __init__(self, record: _Optional[bytes] = ...) -> None: ...

class RecordOperation(_message.Message):
    __slots__ = ("kind", "gallery", "encounter_id", "subject_id", "previous_subject_id", "operation_time", "ori", "tcn", "reference", "position")
    KIND_FIELD_NUMBER: _ClassVar[int]
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    ENCOUNTER_ID_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    OPERATION_TIME_FIELD_NUMBER: _ClassVar[int]
    ORI_FIELD_NUMBER: _ClassVar[int]
    TCN_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    kind: OperationKind
    gallery: str
    encounter_id: str
    subject_id: str
    previous_subject_id: str
    operation_time: _timestamp_pb2.Timestamp
    ori: str
    tcn: str
    reference: str
    position: str
    def __init__(self, kind: _Optional[_Union[OperationKind, str]] = ..., gallery: _Optional[str] = ..., encounter_id: _Optional[str] = ..., subject_id: _Optional[str] = ..., previous_subject_id: _Optional[str] = ..., operation_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ori: _Optional[str] = ..., tcn: _Optional[str] = ..., reference: _Optional[str] = ..., position: _Optional[str] = ...) -> None: ...
