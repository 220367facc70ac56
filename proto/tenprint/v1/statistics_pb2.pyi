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

class Dimension(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DIMENSION_UNSPECIFIED: _ClassVar[Dimension]
    DIMENSION_TOTAL: _ClassVar[Dimension]
    DIMENSION_JURISDICTION: _ClassVar[Dimension]
    DIMENSION_AGENCY: _ClassVar[Dimension]
    DIMENSION_LEVEL: _ClassVar[Dimension]
    DIMENSION_DAY: _ClassVar[Dimension]
    DIMENSION_WEEK: _ClassVar[Dimension]
    DIMENSION_MONTH: _ClassVar[Dimension]

class Hidden(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HIDDEN_UNSPECIFIED: _ClassVar[Hidden]
    HIDDEN_SMALL: _ClassVar[Hidden]
    HIDDEN_COMPLEMENTARY: _ClassVar[Hidden]
DIMENSION_UNSPECIFIED: Dimension
DIMENSION_TOTAL: Dimension
DIMENSION_JURISDICTION: Dimension
DIMENSION_AGENCY: Dimension
DIMENSION_LEVEL: Dimension
DIMENSION_DAY: Dimension
DIMENSION_WEEK: Dimension
DIMENSION_MONTH: Dimension
HIDDEN_UNSPECIFIED: Hidden
HIDDEN_SMALL: Hidden
HIDDEN_COMPLEMENTARY: Hidden

class ReportRequest(_message.Message):
    __slots__ = ("ori", "from_time", "until_time", "by", "public")
    ORI_FIELD_NUMBER: _ClassVar[int]
    FROM_TIME_FIELD_NUMBER: _ClassVar[int]
    UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_FIELD_NUMBER: _ClassVar[int]
    ori: str
    from_time: _timestamp_pb2.Timestamp
    until_time: _timestamp_pb2.Timestamp
    by: _containers.RepeatedScalarFieldContainer[Dimension]
    public: bool
    def __init__(self, ori: _Optional[str] = ..., from_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., by: _Optional[_Iterable[_Union[Dimension, str]]] = ..., public: _Optional[bool] = ...) -> None: ...

class ReportResponse(_message.Message):
    __slots__ = ("public", "least_count", "from_time", "until_time", "as_of_time", "definitions", "rows", "bands", "bars", "complaints")
    PUBLIC_FIELD_NUMBER: _ClassVar[int]
    LEAST_COUNT_FIELD_NUMBER: _ClassVar[int]
    FROM_TIME_FIELD_NUMBER: _ClassVar[int]
    UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    AS_OF_TIME_FIELD_NUMBER: _ClassVar[int]
    DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    BANDS_FIELD_NUMBER: _ClassVar[int]
    BARS_FIELD_NUMBER: _ClassVar[int]
    COMPLAINTS_FIELD_NUMBER: _ClassVar[int]
    public: bool
    least_count: int
    from_time: _timestamp_pb2.Timestamp
    until_time: _timestamp_pb2.Timestamp
    as_of_time: _timestamp_pb2.Timestamp
    definitions: _containers.RepeatedCompositeFieldContainer[MeasureDefinition]
    rows: _containers.RepeatedCompositeFieldContainer[ReportRow]
    bands: _containers.RepeatedCompositeFieldContainer[BandOutcome]
    bars: _containers.RepeatedCompositeFieldContainer[CalibrationBar]
    complaints: str
    def __init__(self, public: _Optional[bool] = ..., least_count: _Optional[int] = ..., from_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., as_of_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., definitions: _Optional[_Iterable[_Union[MeasureDefinition, _Mapping]]] = ..., rows: _Optional[_Iterable[_Union[ReportRow, _Mapping]]] = ..., bands: _Optional[_Iterable[_Union[BandOutcome, _Mapping]]] = ..., bars: _Optional[_Iterable[_Union[CalibrationBar, _Mapping]]] = ..., complaints: _Optional[str] = ...) -> None: ...

class MeasureDefinition(_message.Message):
    __slots__ = ("measure", "of", "definition", "seconds")
    MEASURE_FIELD_NUMBER: _ClassVar[int]
    OF_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    measure: str
    of: str
    definition: str
    seconds: bool
    def __init__(self, measure: _Optional[str] = ..., of: _Optional[str] = ..., definition: _Optional[str] = ..., seconds: _Optional[bool] = ...) -> None: ...

class ReportRow(_message.Message):
    __slots__ = ("dimension", "value", "gallery", "counts", "seconds")
    DIMENSION_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    dimension: Dimension
    value: str
    gallery: str
    counts: _containers.RepeatedCompositeFieldContainer[Count]
    seconds: _containers.RepeatedCompositeFieldContainer[Seconds]
    def __init__(self, dimension: _Optional[_Union[Dimension, str]] = ..., value: _Optional[str] = ..., gallery: _Optional[str] = ..., counts: _Optional[_Iterable[_Union[Count, _Mapping]]] = ..., seconds: _Optional[_Iterable[_Union[Seconds, _Mapping]]] = ...) -> None: ...

class Count(_message.Message):
    __slots__ = ("measure", "count", "hidden", "of", "of_count", "rate")
    MEASURE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    OF_FIELD_NUMBER: _ClassVar[int]
    OF_COUNT_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    measure: str
    count: int
    hidden: Hidden
    of: str
    of_count: int
    rate: float
    def __init__(self, measure: _Optional[str] = ..., count: _Optional[int] = ..., hidden: _Optional[_Union[Hidden, str]] = ..., of: _Optional[str] = ..., of_count: _Optional[int] = ..., rate: _Optional[float] = ...) -> None: ...

class Seconds(_message.Message):
    __slots__ = ("measure", "of", "p50", "p90", "p99")
    MEASURE_FIELD_NUMBER: _ClassVar[int]
    OF_FIELD_NUMBER: _ClassVar[int]
    P50_FIELD_NUMBER: _ClassVar[int]
    P90_FIELD_NUMBER: _ClassVar[int]
    P99_FIELD_NUMBER: _ClassVar[int]
    measure: str
    of: str
    p50: float
    p90: float
    p99: float
    def __init__(self, measure: _Optional[str] = ..., of: _Optional[str] = ..., p50: _Optional[float] = ..., p90: _Optional[float] = ..., p99: _Optional[float] = ...) -> None: ...

class BandOutcome(_message.Message):
    __slots__ = ("gallery", "band", "confirmed", "refuted", "inconclusive")
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    BAND_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    REFUTED_FIELD_NUMBER: _ClassVar[int]
    INCONCLUSIVE_FIELD_NUMBER: _ClassVar[int]
    gallery: str
    band: str
    confirmed: int
    refuted: int
    inconclusive: int
    def __init__(self, gallery: _Optional[str] = ..., band: _Optional[str] = ..., confirmed: _Optional[int] = ..., refuted: _Optional[int] = ..., inconclusive: _Optional[int] = ...) -> None: ...

class CalibrationBar(_message.Message):
    __slots__ = ("gallery", "expected_fpir", "confirmed", "refuted", "inconclusive", "searches", "observed_fpir", "low", "high")
    GALLERY_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FPIR_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    REFUTED_FIELD_NUMBER: _ClassVar[int]
    INCONCLUSIVE_FIELD_NUMBER: _ClassVar[int]
    SEARCHES_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_FPIR_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    gallery: str
    expected_fpir: float
    confirmed: int
    refuted: int
    inconclusive: int
    searches: int
    observed_fpir: float
    low: float
    high: float
    def __init__(self, gallery: _Optional[str] = ..., expected_fpir: _Optional[float] = ..., confirmed: _Optional[int] = ..., refuted: _Optional[int] = ..., inconclusive: _Optional[int] = ..., searches: _Optional[int] = ..., observed_fpir: _Optional[float] = ..., low: _Optional[float] = ..., high: _Optional[float] = ...) -> None: ...
