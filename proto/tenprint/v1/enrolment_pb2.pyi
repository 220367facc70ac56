import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from tenprint.v1 import capture_pb2 as _capture_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EnrolRequest(_message.Message):
    __slots__ = ("originator", "gallery", "subject_id", "capture")
    ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_FIELD_NUMBER: _ClassVar[int]
    originator: _capture_pb2.Originator
    gallery: str
    subject_id: str
    capture: _capture_pb2.Capture
    def __init__(self, originator: _Optional[_Union[_capture_pb2.Originator, _Mapping]] = ..., gallery: _Optional[str] = ..., subject_id: _Optional[str] = ..., capture: _Optional[_Union[_capture_pb2.Capture, _Mapping]] = ...) -> None: ...

class EnrolResponse(_message.Message):
    __slots__ = ("tcr", "subject_id", "encounter_id", "samples", "model_version", "repeated", "position")
    TCR_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    ENCOUNTER_ID_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    tcr: str
    subject_id: str
    encounter_id: str
    samples: _containers.RepeatedCompositeFieldContainer[_capture_pb2.SampleReport]
    model_version: str
    repeated: bool
    position: str
    def __init__(self, tcr: _Optional[str] = ..., subject_id: _Optional[str] = ..., encounter_id: _Optional[str] = ..., samples: _Optional[_Iterable[_Union[_capture_pb2.SampleReport, _Mapping]]] = ..., model_version: _Optional[str] = ..., repeated: _Optional[bool] = ..., position: _Optional[str] = ...) -> None: ...

class EnrolStreamRequest(_message.Message):
    __slots__ = ("item", "request")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    item: int
    request: EnrolRequest
    def __init__(self, item: _Optional[int] = ..., request: _Optional[_Union[EnrolRequest, _Mapping]] = ...) -> None: ...

class EnrolStreamResponse(_message.Message):
    __slots__ = ("item", "response", "status")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    item: int
    response: EnrolResponse
    status: _status_pb2.Status
    def __init__(self, item: _Optional[int] = ..., response: _Optional[_Union[EnrolResponse, _Mapping]] = ..., status: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class DeleteRequest(_message.Message):
    __slots__ = ("originator", "gallery", "subject_id", "encounter_id")
    ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    ENCOUNTER_ID_FIELD_NUMBER: _ClassVar[int]
    originator: _capture_pb2.Originator
    gallery: str
    subject_id: str
    encounter_id: str
    def __init__(self, originator: _Optional[_Union[_capture_pb2.Originator, _Mapping]] = ..., gallery: _Optional[str] = ..., subject_id: _Optional[str] = ..., encounter_id: _Optional[str] = ...) -> None: ...

class DeleteResponse(_message.Message):
    __slots__ = ("tcr", "encounter_ids", "position", "repeated")
    TCR_FIELD_NUMBER: _ClassVar[int]
    ENCOUNTER_IDS_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    tcr: str
    encounter_ids: _containers.RepeatedScalarFieldContainer[str]
    position: str
    repeated: bool
    def __init__(self, tcr: _Optional[str] = ..., encounter_ids: _Optional[_Iterable[str]] = ..., position: _Optional[str] = ..., repeated: _Optional[bool] = ...) -> None: ...

class GetRequest(_message.Message):
    __slots__ = ("originator", "gallery", "subject_id")
    ORIGINATOR_FIELD_NUMBER: _ClassVar[int]
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    originator: _capture_pb2.Originator
    gallery: str
    subject_id: str
    def __init__(self, originator: _Optional[_Union[_capture_pb2.Originator, _Mapping]] = ..., gallery: _Optional[str] = ..., subject_id: _Optional[str] = ...) -> None: ...

class GetResponse(_message.Message):
    __slots__ = ("subject_id", "encounters")
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    ENCOUNTERS_FIELD_NUMBER: _ClassVar[int]
    subject_id: str
    encounters: _containers.RepeatedCompositeFieldContainer[Encounter]
    def __init__(self, subject_id: _Optional[str] = ..., encounters: _Optional[_Iterable[_Union[Encounter, _Mapping]]] = ...) -> None: ...

class Encounter(_message.Message):
    __slots__ = ("encounter_id", "enrol_time", "fingers", "ori", "tcn", "sealed")
    ENCOUNTER_ID_FIELD_NUMBER: _ClassVar[int]
    ENROL_TIME_FIELD_NUMBER: _ClassVar[int]
    FINGERS_FIELD_NUMBER: _ClassVar[int]
    ORI_FIELD_NUMBER: _ClassVar[int]
    TCN_FIELD_NUMBER: _ClassVar[int]
    SEALED_FIELD_NUMBER: _ClassVar[int]
    encounter_id: str
    enrol_time: _timestamp_pb2.Timestamp
    fingers: _containers.RepeatedScalarFieldContainer[_capture_pb2.FingerPosition]
    ori: str
    tcn: str
    sealed: bool
    def __init__(self, encounter_id: _Optional[str] = ..., enrol_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., fingers: _Optional[_Iterable[_Union[_capture_pb2.FingerPosition, str]]] = ..., ori: _Optional[str] = ..., tcn: _Optional[str] = ..., sealed: _Optional[bool] = ...) -> None: ...
