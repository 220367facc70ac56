import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tenprint.v1 import identification_pb2 as _identification_pb2
from tenprint.v1 import submissions_pb2 as _submissions_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MessageKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MESSAGE_KIND_UNSPECIFIED: _ClassVar[MessageKind]
    MESSAGE_KIND_ANSWER: _ClassVar[MessageKind]
    MESSAGE_KIND_NOTICE: _ClassVar[MessageKind]
    MESSAGE_KIND_CORRECTION: _ClassVar[MessageKind]
    MESSAGE_KIND_LIFECYCLE: _ClassVar[MessageKind]

class MessageState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MESSAGE_STATE_UNSPECIFIED: _ClassVar[MessageState]
    MESSAGE_STATE_WAITING: _ClassVar[MessageState]
    MESSAGE_STATE_DELIVERED: _ClassVar[MessageState]
    MESSAGE_STATE_ACKNOWLEDGED: _ClassVar[MessageState]
    MESSAGE_STATE_DEAD: _ClassVar[MessageState]
    MESSAGE_STATE_FROZEN: _ClassVar[MessageState]
    MESSAGE_STATE_CANCELLED: _ClassVar[MessageState]

class Channel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHANNEL_UNSPECIFIED: _ClassVar[Channel]
    CHANNEL_STREAM: _ClassVar[Channel]
    CHANNEL_WEBHOOK: _ClassVar[Channel]
    CHANNEL_FOLDER: _ClassVar[Channel]
MESSAGE_KIND_UNSPECIFIED: MessageKind
MESSAGE_KIND_ANSWER: MessageKind
MESSAGE_KIND_NOTICE: MessageKind
MESSAGE_KIND_CORRECTION: MessageKind
MESSAGE_KIND_LIFECYCLE: MessageKind
MESSAGE_STATE_UNSPECIFIED: MessageState
MESSAGE_STATE_WAITING: MessageState
MESSAGE_STATE_DELIVERED: MessageState
MESSAGE_STATE_ACKNOWLEDGED: MessageState
MESSAGE_STATE_DEAD: MessageState
MESSAGE_STATE_FROZEN: MessageState
MESSAGE_STATE_CANCELLED: MessageState
CHANNEL_UNSPECIFIED: Channel
CHANNEL_STREAM: Channel
CHANNEL_WEBHOOK: Channel
CHANNEL_FOLDER: Channel

class ReceiveRequest(_message.Message):
    __slots__ = ("ori", "kinds")
    ORI_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    ori: str
    kinds: _containers.RepeatedScalarFieldContainer[MessageKind]
    def __init__(self, ori: _Optional[str] = ..., kinds: _Optional[_Iterable[_Union[MessageKind, str]]] = ...) -> None: ...

class ReceiveResponse(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: Message
    def __init__(self, message: _Optional[_Union[Message, _Mapping]] = ...) -> None: ...

class AcknowledgeRequest(_message.Message):
    __slots__ = ("ori", "message_ids")
    ORI_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_IDS_FIELD_NUMBER: _ClassVar[int]
    ori: str
    message_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, ori: _Optional[str] = ..., message_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class AcknowledgeResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListMessagesRequest(_message.Message):
    __slots__ = ("ori", "states", "page_size", "page_token")
    ORI_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ori: str
    states: _containers.RepeatedScalarFieldContainer[MessageState]
    page_size: int
    page_token: str
    def __init__(self, ori: _Optional[str] = ..., states: _Optional[_Iterable[_Union[MessageState, str]]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListMessagesResponse(_message.Message):
    __slots__ = ("deliveries", "next_page_token")
    DELIVERIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    deliveries: _containers.RepeatedCompositeFieldContainer[Delivery]
    next_page_token: str
    def __init__(self, deliveries: _Optional[_Iterable[_Union[Delivery, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class RedeliverRequest(_message.Message):
    __slots__ = ("ori", "message_ids", "all_dead")
    ORI_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_IDS_FIELD_NUMBER: _ClassVar[int]
    ALL_DEAD_FIELD_NUMBER: _ClassVar[int]
    ori: str
    message_ids: _containers.RepeatedScalarFieldContainer[str]
    all_dead: bool
    def __init__(self, ori: _Optional[str] = ..., message_ids: _Optional[_Iterable[str]] = ..., all_dead: _Optional[bool] = ...) -> None: ...

class RedeliverResponse(_message.Message):
    __slots__ = ("message_ids",)
    MESSAGE_IDS_FIELD_NUMBER: _ClassVar[int]
    message_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, message_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class Delivery(_message.Message):
    __slots__ = ("message", "channel", "subscription_id", "state", "attempts", "problem", "due_time", "deliver_time", "acknowledge_time", "after_message_id")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIPTION_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    DUE_TIME_FIELD_NUMBER: _ClassVar[int]
    DELIVER_TIME_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGE_TIME_FIELD_NUMBER: _ClassVar[int]
    AFTER_MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    message: Message
    channel: Channel
    subscription_id: str
    state: MessageState
    attempts: int
    problem: str
    due_time: _timestamp_pb2.Timestamp
    deliver_time: _timestamp_pb2.Timestamp
    acknowledge_time: _timestamp_pb2.Timestamp
    after_message_id: str
    def __init__(self, message: _Optional[_Union[Message, _Mapping]] = ..., channel: _Optional[_Union[Channel, str]] = ..., subscription_id: _Optional[str] = ..., state: _Optional[_Union[MessageState, str]] = ..., attempts: _Optional[int] = ..., problem: _Optional[str] = ..., due_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., deliver_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., acknowledge_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., after_message_id: _Optional[str] = ...) -> None: ...

class Message(_message.Message):
    __slots__ = ("message_id", "recipient", "create_time", "answer", "notice", "correction", "lifecycle")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    NOTICE_FIELD_NUMBER: _ClassVar[int]
    CORRECTION_FIELD_NUMBER: _ClassVar[int]
    LIFECYCLE_FIELD_NUMBER: _ClassVar[int]
    message_id: str
    recipient: str
    create_time: _timestamp_pb2.Timestamp
    answer: AnswerContent
    notice: NoticeContent
    correction: CorrectionContent
    lifecycle: LifecycleContent
    def __init__(self, message_id: _Optional[str] = ..., recipient: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., answer: _Optional[_Union[AnswerContent, _Mapping]] = ..., notice: _Optional[_Union[NoticeContent, _Mapping]] = ..., correction: _Optional[_Union[CorrectionContent, _Mapping]] = ..., lifecycle: _Optional[_Union[LifecycleContent, _Mapping]] = ...) -> None: ...

class Demographic(_message.Message):
    __slots__ = ("name", "values")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    name: str
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ...) -> None: ...

class AnswerContent(_message.Message):
    __slots__ = ("ori", "tcr", "gallery", "outcome", "coverage", "policy_version", "problem", "statement", "link_id", "confirmed", "subject_id", "expected_fpir", "score", "demographics", "source", "as_of", "complaints")
    ORI_FIELD_NUMBER: _ClassVar[int]
    TCR_FIELD_NUMBER: _ClassVar[int]
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    POLICY_VERSION_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FPIR_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    DEMOGRAPHICS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    COMPLAINTS_FIELD_NUMBER: _ClassVar[int]
    ori: str
    tcr: str
    gallery: str
    outcome: _submissions_pb2.LegState
    coverage: _identification_pb2.Coverage
    policy_version: int
    problem: str
    statement: str
    link_id: str
    confirmed: bool
    subject_id: str
    expected_fpir: float
    score: float
    demographics: _containers.RepeatedCompositeFieldContainer[Demographic]
    source: str
    as_of: _timestamp_pb2.Timestamp
    complaints: str
    def __init__(self, ori: _Optional[str] = ..., tcr: _Optional[str] = ..., gallery: _Optional[str] = ..., outcome: _Optional[_Union[_submissions_pb2.LegState, str]] = ..., coverage: _Optional[_Union[_identification_pb2.Coverage, _Mapping]] = ..., policy_version: _Optional[int] = ..., problem: _Optional[str] = ..., statement: _Optional[str] = ..., link_id: _Optional[str] = ..., confirmed: _Optional[bool] = ..., subject_id: _Optional[str] = ..., expected_fpir: _Optional[float] = ..., score: _Optional[float] = ..., demographics: _Optional[_Iterable[_Union[Demographic, _Mapping]]] = ..., source: _Optional[str] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., complaints: _Optional[str] = ...) -> None: ...

class NoticeContent(_message.Message):
    __slots__ = ("link_id", "ori", "controlling_agency", "tcr", "jurisdiction", "purpose", "attention", "custody", "offence", "level", "subject_id", "gallery", "confirmed", "caution", "expected_fpir", "demographics", "source", "as_of", "statement", "complaints")
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    ORI_FIELD_NUMBER: _ClassVar[int]
    CONTROLLING_AGENCY_FIELD_NUMBER: _ClassVar[int]
    TCR_FIELD_NUMBER: _ClassVar[int]
    JURISDICTION_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    ATTENTION_FIELD_NUMBER: _ClassVar[int]
    CUSTODY_FIELD_NUMBER: _ClassVar[int]
    OFFENCE_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    CAUTION_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FPIR_FIELD_NUMBER: _ClassVar[int]
    DEMOGRAPHICS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    COMPLAINTS_FIELD_NUMBER: _ClassVar[int]
    link_id: str
    ori: str
    controlling_agency: str
    tcr: str
    jurisdiction: str
    purpose: str
    attention: str
    custody: bool
    offence: str
    level: int
    subject_id: str
    gallery: str
    confirmed: bool
    caution: str
    expected_fpir: float
    demographics: _containers.RepeatedCompositeFieldContainer[Demographic]
    source: str
    as_of: _timestamp_pb2.Timestamp
    statement: str
    complaints: str
    def __init__(self, link_id: _Optional[str] = ..., ori: _Optional[str] = ..., controlling_agency: _Optional[str] = ..., tcr: _Optional[str] = ..., jurisdiction: _Optional[str] = ..., purpose: _Optional[str] = ..., attention: _Optional[str] = ..., custody: _Optional[bool] = ..., offence: _Optional[str] = ..., level: _Optional[int] = ..., subject_id: _Optional[str] = ..., gallery: _Optional[str] = ..., confirmed: _Optional[bool] = ..., caution: _Optional[str] = ..., expected_fpir: _Optional[float] = ..., demographics: _Optional[_Iterable[_Union[Demographic, _Mapping]]] = ..., source: _Optional[str] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., statement: _Optional[str] = ..., complaints: _Optional[str] = ...) -> None: ...

class CorrectionContent(_message.Message):
    __slots__ = ("link_id", "ori", "tcr", "gallery", "outcome", "statement", "source", "as_of", "complaints", "corrects")
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    ORI_FIELD_NUMBER: _ClassVar[int]
    TCR_FIELD_NUMBER: _ClassVar[int]
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    COMPLAINTS_FIELD_NUMBER: _ClassVar[int]
    CORRECTS_FIELD_NUMBER: _ClassVar[int]
    link_id: str
    ori: str
    tcr: str
    gallery: str
    outcome: str
    statement: str
    source: str
    as_of: _timestamp_pb2.Timestamp
    complaints: str
    corrects: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, link_id: _Optional[str] = ..., ori: _Optional[str] = ..., tcr: _Optional[str] = ..., gallery: _Optional[str] = ..., outcome: _Optional[str] = ..., statement: _Optional[str] = ..., source: _Optional[str] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., complaints: _Optional[str] = ..., corrects: _Optional[_Iterable[str]] = ...) -> None: ...

class LifecycleContent(_message.Message):
    __slots__ = ("link_id", "ori", "tcr", "gallery", "subject_id", "action", "statement", "source", "as_of", "complaints", "reference", "corrects")
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    ORI_FIELD_NUMBER: _ClassVar[int]
    TCR_FIELD_NUMBER: _ClassVar[int]
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    COMPLAINTS_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    CORRECTS_FIELD_NUMBER: _ClassVar[int]
    link_id: str
    ori: str
    tcr: str
    gallery: str
    subject_id: str
    action: str
    statement: str
    source: str
    as_of: _timestamp_pb2.Timestamp
    complaints: str
    reference: str
    corrects: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, link_id: _Optional[str] = ..., ori: _Optional[str] = ..., tcr: _Optional[str] = ..., gallery: _Optional[str] = ..., subject_id: _Optional[str] = ..., action: _Optional[str] = ..., statement: _Optional[str] = ..., source: _Optional[str] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., complaints: _Optional[str] = ..., reference: _Optional[str] = ..., corrects: _Optional[_Iterable[str]] = ...) -> None: ...
