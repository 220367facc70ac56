from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FingerPosition(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FINGER_POSITION_UNSPECIFIED: _ClassVar[FingerPosition]
    FINGER_POSITION_RIGHT_THUMB: _ClassVar[FingerPosition]
    FINGER_POSITION_RIGHT_INDEX: _ClassVar[FingerPosition]
    FINGER_POSITION_RIGHT_MIDDLE: _ClassVar[FingerPosition]
    FINGER_POSITION_RIGHT_RING: _ClassVar[FingerPosition]
    FINGER_POSITION_RIGHT_LITTLE: _ClassVar[FingerPosition]
    FINGER_POSITION_LEFT_THUMB: _ClassVar[FingerPosition]
    FINGER_POSITION_LEFT_INDEX: _ClassVar[FingerPosition]
    FINGER_POSITION_LEFT_MIDDLE: _ClassVar[FingerPosition]
    FINGER_POSITION_LEFT_RING: _ClassVar[FingerPosition]
    FINGER_POSITION_LEFT_LITTLE: _ClassVar[FingerPosition]
    FINGER_POSITION_PLAIN_RIGHT_THUMB: _ClassVar[FingerPosition]
    FINGER_POSITION_PLAIN_LEFT_THUMB: _ClassVar[FingerPosition]
    FINGER_POSITION_PLAIN_RIGHT_FOUR: _ClassVar[FingerPosition]
    FINGER_POSITION_PLAIN_LEFT_FOUR: _ClassVar[FingerPosition]
    FINGER_POSITION_PLAIN_THUMBS: _ClassVar[FingerPosition]

class ImageFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    IMAGE_FORMAT_UNSPECIFIED: _ClassVar[ImageFormat]
    IMAGE_FORMAT_PNG: _ClassVar[ImageFormat]
    IMAGE_FORMAT_TIFF: _ClassVar[ImageFormat]
    IMAGE_FORMAT_BMP: _ClassVar[ImageFormat]
    IMAGE_FORMAT_WSQ: _ClassVar[ImageFormat]
    IMAGE_FORMAT_JPEG2000: _ClassVar[ImageFormat]

class MissingReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MISSING_REASON_UNSPECIFIED: _ClassVar[MissingReason]
    MISSING_REASON_AMPUTATED: _ClassVar[MissingReason]
    MISSING_REASON_UNABLE_TO_PRINT: _ClassVar[MissingReason]

class SampleStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SAMPLE_STATUS_UNSPECIFIED: _ClassVar[SampleStatus]
    SAMPLE_STATUS_USED: _ClassVar[SampleStatus]
    SAMPLE_STATUS_NOT_USED_SLAP: _ClassVar[SampleStatus]
    SAMPLE_STATUS_NOT_USED_DUPLICATE: _ClassVar[SampleStatus]
    SAMPLE_STATUS_NOT_USED_POSITION: _ClassVar[SampleStatus]
    SAMPLE_STATUS_UNREADABLE: _ClassVar[SampleStatus]
    SAMPLE_STATUS_MISSING: _ClassVar[SampleStatus]
    SAMPLE_STATUS_NOT_USED_TYPE: _ClassVar[SampleStatus]
    SAMPLE_STATUS_SEGMENTED: _ClassVar[SampleStatus]

class PoorReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    POOR_REASON_UNSPECIFIED: _ClassVar[PoorReason]
    POOR_REASON_FEW_MINUTIAE: _ClassVar[PoorReason]
    POOR_REASON_SMALL_AREA: _ClassVar[PoorReason]
    POOR_REASON_LOW_NFIQ2: _ClassVar[PoorReason]
FINGER_POSITION_UNSPECIFIED: FingerPosition
FINGER_POSITION_RIGHT_THUMB: FingerPosition
FINGER_POSITION_RIGHT_INDEX: FingerPosition
FINGER_POSITION_RIGHT_MIDDLE: FingerPosition
FINGER_POSITION_RIGHT_RING: FingerPosition
FINGER_POSITION_RIGHT_LITTLE: FingerPosition
FINGER_POSITION_LEFT_THUMB: FingerPosition
FINGER_POSITION_LEFT_INDEX: FingerPosition
FINGER_POSITION_LEFT_MIDDLE: FingerPosition
FINGER_POSITION_LEFT_RING: FingerPosition
FINGER_POSITION_LEFT_LITTLE: FingerPosition
FINGER_POSITION_PLAIN_RIGHT_THUMB: FingerPosition
FINGER_POSITION_PLAIN_LEFT_THUMB: FingerPosition
FINGER_POSITION_PLAIN_RIGHT_FOUR: FingerPosition
FINGER_POSITION_PLAIN_LEFT_FOUR: FingerPosition
FINGER_POSITION_PLAIN_THUMBS: FingerPosition
IMAGE_FORMAT_UNSPECIFIED: ImageFormat
IMAGE_FORMAT_PNG: ImageFormat
IMAGE_FORMAT_TIFF: ImageFormat
IMAGE_FORMAT_BMP: ImageFormat
IMAGE_FORMAT_WSQ: ImageFormat
IMAGE_FORMAT_JPEG2000: ImageFormat
MISSING_REASON_UNSPECIFIED: MissingReason
MISSING_REASON_AMPUTATED: MissingReason
MISSING_REASON_UNABLE_TO_PRINT: MissingReason
SAMPLE_STATUS_UNSPECIFIED: SampleStatus
SAMPLE_STATUS_USED: SampleStatus
SAMPLE_STATUS_NOT_USED_SLAP: SampleStatus
SAMPLE_STATUS_NOT_USED_DUPLICATE: SampleStatus
SAMPLE_STATUS_NOT_USED_POSITION: SampleStatus
SAMPLE_STATUS_UNREADABLE: SampleStatus
SAMPLE_STATUS_MISSING: SampleStatus
SAMPLE_STATUS_NOT_USED_TYPE: SampleStatus
SAMPLE_STATUS_SEGMENTED: SampleStatus
POOR_REASON_UNSPECIFIED: PoorReason
POOR_REASON_FEW_MINUTIAE: PoorReason
POOR_REASON_SMALL_AREA: PoorReason
POOR_REASON_LOW_NFIQ2: PoorReason

class Originator(_message.Message):
    __slots__ = ("ori", "tcn")
    ORI_FIELD_NUMBER: _ClassVar[int]
    TCN_FIELD_NUMBER: _ClassVar[int]
    ori: str
    tcn: str
    def __init__(self, ori: _Optional[str] = ..., tcn: _Optional[str] = ...) -> None: ...

class Embedding(_message.Message):
    __slots__ = ("vector", "model_version")
    VECTOR_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    vector: bytes
    model_version: str
    def __init__(self, vector: _Optional[bytes] = ..., model_version: _Optional[str] = ...) -> None: ...

class MinutiaeTemplate(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class Image(_message.Message):
    __slots__ = ("format", "data", "ppi")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    PPI_FIELD_NUMBER: _ClassVar[int]
    format: ImageFormat
    data: bytes
    ppi: int
    def __init__(self, format: _Optional[_Union[ImageFormat, str]] = ..., data: _Optional[bytes] = ..., ppi: _Optional[int] = ...) -> None: ...

class FingerSample(_message.Message):
    __slots__ = ("position", "embedding", "template", "image")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    position: FingerPosition
    embedding: Embedding
    template: MinutiaeTemplate
    image: Image
    def __init__(self, position: _Optional[_Union[FingerPosition, str]] = ..., embedding: _Optional[_Union[Embedding, _Mapping]] = ..., template: _Optional[_Union[MinutiaeTemplate, _Mapping]] = ..., image: _Optional[_Union[Image, _Mapping]] = ...) -> None: ...

class MissingFinger(_message.Message):
    __slots__ = ("position", "reason")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    position: FingerPosition
    reason: MissingReason
    def __init__(self, position: _Optional[_Union[FingerPosition, str]] = ..., reason: _Optional[_Union[MissingReason, str]] = ...) -> None: ...

class FingerSamples(_message.Message):
    __slots__ = ("samples", "missing")
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    samples: _containers.RepeatedCompositeFieldContainer[FingerSample]
    missing: _containers.RepeatedCompositeFieldContainer[MissingFinger]
    def __init__(self, samples: _Optional[_Iterable[_Union[FingerSample, _Mapping]]] = ..., missing: _Optional[_Iterable[_Union[MissingFinger, _Mapping]]] = ...) -> None: ...

class Transaction(_message.Message):
    __slots__ = ("data", "positions")
    DATA_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    positions: _containers.RepeatedScalarFieldContainer[FingerPosition]
    def __init__(self, data: _Optional[bytes] = ..., positions: _Optional[_Iterable[_Union[FingerPosition, str]]] = ...) -> None: ...

class Capture(_message.Message):
    __slots__ = ("fingers", "transaction")
    FINGERS_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_FIELD_NUMBER: _ClassVar[int]
    fingers: FingerSamples
    transaction: Transaction
    def __init__(self, fingers: _Optional[_Union[FingerSamples, _Mapping]] = ..., transaction: _Optional[_Union[Transaction, _Mapping]] = ...) -> None: ...

class SampleReport(_message.Message):
    __slots__ = ("position", "status", "detail", "minutiae", "nfiq2", "record_type", "area_mm2", "poor")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    MINUTIAE_FIELD_NUMBER: _ClassVar[int]
    NFIQ2_FIELD_NUMBER: _ClassVar[int]
    RECORD_TYPE_FIELD_NUMBER: _ClassVar[int]
    AREA_MM2_FIELD_NUMBER: _ClassVar[int]
    POOR_FIELD_NUMBER: _ClassVar[int]
    position: FingerPosition
    status: SampleStatus
    detail: str
    minutiae: int
    nfiq2: int
    record_type: int
    area_mm2: float
    poor: _containers.RepeatedScalarFieldContainer[PoorReason]
    def __init__(self, position: _Optional[_Union[FingerPosition, str]] = ..., status: _Optional[_Union[SampleStatus, str]] = ..., detail: _Optional[str] = ..., minutiae: _Optional[int] = ..., nfiq2: _Optional[int] = ..., record_type: _Optional[int] = ..., area_mm2: _Optional[float] = ..., poor: _Optional[_Iterable[_Union[PoorReason, str]]] = ...) -> None: ...
