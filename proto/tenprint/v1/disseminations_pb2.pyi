import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tenprint.v1 import messages_pb2 as _messages_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListDisseminationsRequest(_message.Message):
    __slots__ = ("ori", "submission_id", "link_id", "recipient", "page_size", "page_token")
    ORI_FIELD_NUMBER: _ClassVar[int]
    SUBMISSION_ID_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ori: str
    submission_id: str
    link_id: str
    recipient: str
    page_size: int
    page_token: str
    def __init__(self, ori: _Optional[str] = ..., submission_id: _Optional[str] = ..., link_id: _Optional[str] = ..., recipient: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListDisseminationsResponse(_message.Message):
    __slots__ = ("disseminations", "next_page_token")
    DISSEMINATIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    disseminations: _containers.RepeatedCompositeFieldContainer[Dissemination]
    next_page_token: str
    def __init__(self, disseminations: _Optional[_Iterable[_Union[Dissemination, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Dissemination(_message.Message):
    __slots__ = ("decide_time", "recipient", "via", "kind", "message_id", "withheld", "submission_id", "gallery", "link_id", "fields", "purpose", "policy_version", "deliver_time", "acknowledge_time")
    DECIDE_TIME_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_FIELD_NUMBER: _ClassVar[int]
    VIA_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    WITHHELD_FIELD_NUMBER: _ClassVar[int]
    SUBMISSION_ID_FIELD_NUMBER: _ClassVar[int]
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    POLICY_VERSION_FIELD_NUMBER: _ClassVar[int]
    DELIVER_TIME_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGE_TIME_FIELD_NUMBER: _ClassVar[int]
    decide_time: _timestamp_pb2.Timestamp
    recipient: str
    via: str
    kind: _messages_pb2.MessageKind
    message_id: str
    withheld: str
    submission_id: str
    gallery: str
    link_id: str
    fields: _containers.RepeatedScalarFieldContainer[str]
    purpose: str
    policy_version: int
    deliver_time: _timestamp_pb2.Timestamp
    acknowledge_time: _timestamp_pb2.Timestamp
    def __init__(self, decide_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., recipient: _Optional[str] = ..., via: _Optional[str] = ..., kind: _Optional[_Union[_messages_pb2.MessageKind, str]] = ..., message_id: _Optional[str] = ..., withheld: _Optional[str] = ..., submission_id: _Optional[str] = ..., gallery: _Optional[str] = ..., link_id: _Optional[str] = ..., fields: _Optional[_Iterable[str]] = ..., purpose: _Optional[str] = ..., policy_version: _Optional[int] = ..., deliver_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., acknowledge_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
