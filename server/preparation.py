"""Decode -> extract -> embed: from what a caller handed in to a capture's vector, in a bounded pool of threads."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from tenprint.fingerprint.embedding import Embedder
from tenprint.fingerprint.errors import FingerprintError, NoPrintError, SlapError
from tenprint.fingerprint.features import DescriptorAxes, FingerFeatures
from tenprint.fingerprint.image import WORKING_PPI, GreyImage, ImageLimits, decode_image
from tenprint.fingerprint.itl import Segment, Transaction, read_transaction
from tenprint.fingerprint.itl_records import TransactionLimits
from tenprint.fingerprint.minutiae import Minutiae, MinutiaeExtractor
from tenprint.fingerprint.positions import SLOTS, FingerPosition
from tenprint.fingerprint.quality import area_mm2, nfiq2, poor_reasons
from tenprint.fingerprint.slaps import fingers_of, segment_slap
from tenprint.fingerprint.template import FingerView, read_template
from tenprint.server.capture import (
    EmbeddingContent,
    Fingers,
    ImageContent,
    PreparedCapture,
    Sample,
    SampleReport,
    SampleStatus,
    TemplateContent,
    TransactionFile,
)
from tenprint.server.errors import InvalidRequestError, ModelMismatchError, OverloadedError, RefusedError, Violation
from tenprint.server.metrics import Metrics
from tenprint.server.selection import check_positions, choose, is_finger

_T = TypeVar("_T")

_CONTENT_FIELDS: Final = frozenset({"image.data", "template.data", "minutiae"})
"""Faults of a print, not of a request: one such finger is left out and named, and the others are used."""

_IMAGES: Final = frozenset({"image", "transaction"})
"""Forms of a sample that are pictures."""

_UNIT_NORM_TOLERANCE: Final = 1e-3
"""How far from 1 the norm of a caller's vector may lie: float16 transport costs about 5e-4."""


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """One sample's vector; or none, and then `fault` names the field of the sample that is to blame.

    `described`: the minutiae that the model described, and what re-ranking reads of them.
    """

    report: SampleReport
    vector: NDArray[np.float32] | None = None
    described: tuple[Minutiae, FingerFeatures] | None = None
    fault: str = ""
    decode_seconds: float = 0.0
    extract_seconds: float = 0.0
    embed_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Source:
    """One sample to prepare. `path` is its field in the request; `load` reads its content."""

    path: str
    position: FingerPosition
    form: str
    record_type: int
    load: Callable[[], GreyImage | Minutiae | NDArray[np.float32]]
    segments: tuple[Segment, ...] = ()
    segments_ppi: int = WORKING_PPI


class Preparation:
    """Makes captures' vectors with one model and one extractor. `axes`: on which descriptors are kept."""

    def __init__(
        self,
        embedder: Embedder,
        axes: DescriptorAxes,
        extractor: MinutiaeExtractor,
        metrics: Metrics,
        *,
        workers: int,
        max_queued: int,
        max_queued_bytes: int,
        max_image_bytes: int,
        max_image_pixels: int,
    ) -> None:
        self._embedder, self._axes, self._extractor, self._metrics = embedder, axes, extractor, metrics
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="extract")
        self._waiting, self._max_waiting = 0, max_queued
        self._waiting_bytes, self._max_waiting_bytes = 0, max_queued_bytes
        self._image_limits = ImageLimits(max_bytes=max_image_bytes, max_pixels=max_image_pixels)
        self._transaction_limits = TransactionLimits(max_bytes=max_image_bytes, image=self._image_limits)

    def close(self) -> None:
        """Let running extractions finish, and stop the pool."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def prepare(self, capture: Fingers | TransactionFile, path: str, *, for_enrolment: bool) -> PreparedCapture:
        """Make the vector of a capture.

        Args:
            capture: what was handed in.
            path: its field in the request, for error messages.
            for_enrolment: what is kept needs known positions, and its quality is measured; a probe may be one finger
                of unknown position (FGP 0), and is not kept waiting for NFIQ 2, which takes longer than all else.

        Raises:
            InvalidRequestError: a field breaks a rule, or no finger is usable; names each.
            ModelMismatchError: an embedding of another model.
            RefusedError: a transaction to enrol that says nothing of it may be kept.
            OverloadedError: too many captures wait.
        """
        if isinstance(capture, Fingers) and all(isinstance(item.content, EmbeddingContent) for item in capture.samples):
            return self._take_vectors(capture, path, for_enrolment=for_enrolment)
        held = capture.nbytes
        if self._waiting >= self._max_waiting or self._waiting_bytes + held > self._max_waiting_bytes:
            raise OverloadedError("captures for extraction", self._waiting, retry_after_seconds=5)
        self._waiting += 1
        self._waiting_bytes += held
        try:
            if isinstance(capture, Fingers):
                return await self._prepare_fingers(capture, path, for_enrolment=for_enrolment)
            return await self._prepare_transaction(capture, path, for_enrolment=for_enrolment)
        finally:
            self._waiting -= 1
            self._waiting_bytes -= held

    def _take_vectors(self, capture: Fingers, path: str, *, for_enrolment: bool) -> PreparedCapture:
        """Of embeddings alone: at once, for a place in the pool would cost more than the work."""
        check_positions(capture, path, unknown_position_allowed=not for_enrolment)
        sources, done = self._sources(capture, path), []
        for source in sources:
            refused = self._cut_slap(source, frozenset(), frozenset())[0][1] if source.position.is_slap else None
            done.append(refused or self._prepare_one(source, for_enrolment=for_enrolment))
        return self._assemble(sources, done, _reported_missing(capture), 0.0)

    async def _prepare_fingers(self, capture: Fingers, path: str, *, for_enrolment: bool) -> PreparedCapture:
        check_positions(capture, path, unknown_position_allowed=not for_enrolment)
        absent = frozenset(finger.position for finger in capture.missing)
        sources, prepared = await self._prepare_all(self._sources(capture, path), absent, for_enrolment=for_enrolment)
        return self._assemble(sources, prepared, _reported_missing(capture), 0.0)

    def _sources(self, capture: Fingers, path: str) -> list[_Source]:
        return [self._source(sample, f"{path}.fingers.samples[{i}]") for i, sample in enumerate(capture.samples)]

    async def _prepare_transaction(
        self, capture: TransactionFile, path: str, *, for_enrolment: bool
    ) -> PreparedCapture:
        def read() -> tuple[Transaction, float]:
            begun = time.perf_counter()
            return read_transaction(capture.data, limits=self._transaction_limits), time.perf_counter() - begun

        try:
            transaction, reading = await self._in_pool(read)
        except FingerprintError as error:
            raise InvalidRequestError([Violation(f"{path}.{error.field}", error.problem)]) from error
        if for_enrolment and not transaction.may_be_kept:
            raise RefusedError(
                f"{path}.transaction.data",
                "its retention flag (RET, field 2.005) is N: nothing of it may be kept; it can be searched",
            )
        chosen, reports = choose(transaction, capture.positions)
        sources = [
            _Source(f"{path}.transaction.data", impression.position, "transaction", impression.record_type,
                    impression.decode, impression.segments, impression.ppi)
            for impression in chosen
        ]  # fmt: skip
        absent = frozenset(finger.position for finger in transaction.missing)
        sources, prepared = await self._prepare_all(sources, absent, for_enrolment=for_enrolment)
        return self._assemble(
            sources,
            prepared,
            reports,
            reading,
            empty=f"{path}.transaction.data",
        )

    async def _in_pool(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def _prepare_all(
        self, sources: Sequence[_Source], missing: frozenset[FingerPosition], *, for_enrolment: bool
    ) -> tuple[list[_Source], list[_Prepared]]:
        """Prepare every sample, and behind each slap the fingers that were cut from it."""
        single = frozenset(source.position.finger for source in sources if is_finger(source.position))
        slaps = [source for source in sources if source.position.is_slap]
        cut = await self._all_in_pool([partial(self._cut_slap, slap, missing, single) for slap in slaps])
        fingers_from = {id(slap): found for slap, found in zip(slaps, cut, strict=True)}
        expanded: list[tuple[_Source, _Prepared | None]] = []
        for source in sources:
            expanded += fingers_from.get(id(source), [(source, None)])
        waiting = [source for source, prepared in expanded if prepared is None]
        prepare = partial(self._prepare_one, for_enrolment=for_enrolment)
        done = iter(await self._all_in_pool([partial(prepare, source) for source in waiting]))
        return [source for source, _ in expanded], [
            next(done) if prepared is None else prepared for _, prepared in expanded
        ]

    async def _all_in_pool(self, works: Sequence[Callable[[], _T]]) -> list[_T]:
        tasks = [asyncio.ensure_future(self._in_pool(work)) for work in works]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()

    def _cut_slap(
        self, source: _Source, missing: frozenset[FingerPosition], single: frozenset[FingerPosition]
    ) -> list[tuple[_Source, _Prepared | None]]:
        """Runs in the pool: what became of a slap, and its fingers, those in `single` left out.

        A finger sent on its own is preferred to the same finger of a slap.
        """
        report = SampleReport(source.position, SampleStatus.SEGMENTED, record_type=source.record_type)

        def refused(detail: str, fault: str) -> list[tuple[_Source, _Prepared | None]]:
            return [(source, _Prepared(replace(report, status=SampleStatus.NOT_USED_SLAP, detail=detail), fault=fault))]

        if source.form not in _IMAGES:
            return refused("13, 14 and 15 are slaps: images of several fingers; send one finger's", "position")
        if single.issuperset(fingers_of(source.position)):
            detail = "single impressions of all its fingers are used"
            return [(source, _Prepared(replace(report, status=SampleStatus.NOT_USED_DUPLICATE, detail=detail)))]
        begun = time.perf_counter()
        try:
            image = source.load()
            if not isinstance(image, GreyImage):
                raise TypeError(f"a slap's content is {type(image).__name__}")  # `form` says it is an image
            cut = segment_slap(
                image, source.position, missing=missing, segments=source.segments, segments_ppi=source.segments_ppi
            )
        except SlapError as error:
            return refused(error.problem, error.field)
        except FingerprintError as error:
            if error.field not in _CONTENT_FIELDS and source.form != "transaction":
                raise InvalidRequestError([Violation(f"{source.path}.{error.field}", error.problem)]) from error
            unreadable = replace(report, status=SampleStatus.UNREADABLE, detail=error.problem)
            return [(source, _Prepared(unreadable, fault=error.field))]
        found: list[tuple[_Source, _Prepared | None]] = [
            (source, _Prepared(report, decode_seconds=time.perf_counter() - begun))
        ]
        for finger in cut.fingers:
            if finger.position not in single:
                one = replace(source, position=finger.position, load=partial(_as_is, finger.image), segments=())
                found.append((one, None))
        for left in cut.refused:
            told = replace(report, position=left.position, status=SampleStatus.UNREADABLE, detail=left.reason)
            found.append((replace(source, position=left.position), _Prepared(told, fault="image.data")))
        return found

    def _source(self, sample: Sample, path: str) -> _Source:
        content = sample.content
        match content:
            case EmbeddingContent():
                return _Source(path, sample.position, "embedding", 0, lambda: self._vector(content, path))
            case TemplateContent():
                return _Source(path, sample.position, "template", 0, lambda: _only_view(content.data))
            case ImageContent():
                return _Source(path, sample.position, "image", 0, lambda: self._image(content))

    def _image(self, content: ImageContent) -> GreyImage:
        return decode_image(content.data, format=content.format, ppi=content.ppi, limits=self._image_limits)

    def _vector(self, content: EmbeddingContent, path: str) -> NDArray[np.float32]:
        dimension, served = self._embedder.dimension, self._embedder.version
        if content.model_version != served:
            raise ModelMismatchError(f"{path}.embedding.model_version", content.model_version, served)
        if len(content.vector) != 4 * dimension:
            raise FingerprintError(
                "embedding.vector",
                f"{len(content.vector)} bytes; must be {4 * dimension}: {dimension} float32 numbers, little-endian",
            )
        vector = np.frombuffer(content.vector, dtype="<f4")
        wide = vector.astype(np.float64)
        norm = math.sqrt(np.dot(wide, wide))  # finite where all float32 numbers are; with NaN or infinity it is not
        if not abs(norm - 1.0) <= _UNIT_NORM_TOLERANCE:
            if not math.isfinite(norm):
                raise FingerprintError("embedding.vector", "holds NaN or infinity; every number must be finite")
            raise FingerprintError(
                "embedding.vector", f"has norm {norm:.6g}; must be of unit length to within {_UNIT_NORM_TOLERANCE}"
            )
        return vector.astype(np.float32, copy=False)

    def _prepare_one(self, source: _Source, *, for_enrolment: bool) -> _Prepared:
        """Runs in the pool. A fault of the print becomes a report; a fault of the request is raised."""
        report = SampleReport(source.position, SampleStatus.USED, record_type=source.record_type)
        started = time.perf_counter()
        try:
            loaded = source.load()
            decoded = time.perf_counter()
            if isinstance(loaded, np.ndarray):
                return _Prepared(report, loaded, decode_seconds=decoded - started)
            quality = None
            if isinstance(loaded, GreyImage):
                quality = nfiq2(loaded) if for_enrolment else None
                loaded = self._extractor.extract(loaded)
            area = area_mm2(loaded)
            poor = poor_reasons(len(loaded), area, quality)
            report = replace(report, minutiae=len(loaded), nfiq2=quality, area_mm2=area, poor=poor)
            extracted = time.perf_counter()
            (embedding,) = self._embedder.embed([loaded])
            features = FingerFeatures.of(loaded, embedding, self._axes)
            described = (loaded.chosen(embedding.kept), features)
        except FingerprintError as error:
            if error.field not in _CONTENT_FIELDS and source.form != "transaction":
                raise InvalidRequestError([Violation(f"{source.path}.{error.field}", error.problem)]) from error
            few = isinstance(error, NoPrintError)
            return _Prepared(
                replace(
                    report,
                    status=SampleStatus.UNREADABLE,
                    detail=f"no usable print: minutiae {error.problem}" if few else error.problem,
                ),
                fault=f"{source.form}.data" if few else error.field,
                decode_seconds=time.perf_counter() - started,
            )
        return _Prepared(
            report,
            embedding.vector,
            described,
            decode_seconds=decoded - started,
            extract_seconds=extracted - decoded,
            embed_seconds=time.perf_counter() - extracted,
        )

    def _assemble(
        self,
        sources: Sequence[_Source],
        prepared: Sequence[_Prepared],
        others: Sequence[SampleReport],
        reading_seconds: float,
        empty: str | None = None,
    ) -> PreparedCapture:
        """Lay the fingers into their slots."""
        became = Counter((source.form, item.report.status) for source, item in zip(sources, prepared, strict=True))
        for (form, status), count in became.items():
            self._metrics.samples.labels(form, status.value).inc(count)
        reports = (*(item.report for item in prepared), *others)
        if not any(item.report.status is SampleStatus.USED for item in prepared):
            raise _nothing_usable(sources, prepared, others, empty)
        dimension = self._embedder.dimension
        vectors: dict[FingerPosition, NDArray[np.float32]] = {}
        for item in prepared:
            if item.vector is not None:
                known = item.report.position is not FingerPosition.UNKNOWN
                vectors[item.report.position.finger if known else FingerPosition.UNKNOWN] = item.vector
        decode_seconds = reading_seconds + sum(item.decode_seconds for item in prepared)
        extract_seconds = sum(item.extract_seconds for item in prepared)
        embed_seconds = sum(item.embed_seconds for item in prepared)
        stages = (("decode", decode_seconds), ("extract", extract_seconds), ("embed", embed_seconds))
        for stage, seconds in stages:
            self._metrics.preparation_seconds.labels(stage).observe(seconds)
        fingers = tuple(sorted(vectors))
        if fingers == (FingerPosition.UNKNOWN,):
            whole = vectors[FingerPosition.UNKNOWN]
        else:
            whole = np.zeros(SLOTS * dimension, dtype=np.float32)
            for finger, vector in vectors.items():
                whole[finger.slot * dimension : (finger.slot + 1) * dimension] = vector
        described = [
            (item.report.position.finger, item.report.nfiq2, *item.described)
            for item in prepared
            if item.described is not None and item.report.position is not FingerPosition.UNKNOWN
        ]
        return PreparedCapture(
            vector=whole,
            fingers=fingers,
            reports=reports,
            features={finger: features for finger, _, _, features in described},
            views=tuple(
                FingerView(finger, minutiae, quality, impression_type=0) for finger, quality, minutiae, _ in described
            ),
            decode_seconds=decode_seconds,
            extract_seconds=extract_seconds,
            embed_seconds=embed_seconds,
        )


def _reported_missing(capture: Fingers) -> list[SampleReport]:
    return [
        SampleReport(finger.position, SampleStatus.MISSING, finger.reason.name.lower().replace("_", " "))
        for finger in capture.missing
    ]


def _as_is(image: GreyImage) -> GreyImage:
    return image


def _only_view(data: bytes) -> Minutiae:
    views = read_template(data)
    if len(views) != 1:
        raise FingerprintError("template.data", f"holds {len(views)} finger views; must hold exactly one")
    return views[0].minutiae


def _nothing_usable(
    sources: Sequence[_Source], prepared: Sequence[_Prepared], others: Sequence[SampleReport], empty: str | None
) -> InvalidRequestError:
    """Why a capture has no usable finger, sample by sample."""
    if empty is None:
        return InvalidRequestError(
            [
                Violation(f"{source.path}.{item.fault}", item.report.detail)
                for source, item in zip(sources, prepared, strict=True)
                if item.fault
            ]
        )
    reasons = [
        f"position {int(report.position)}: {report.detail}"
        for report in (*(item.report for item in prepared), *others)
        if report.status is not SampleStatus.NOT_USED_TYPE
    ]
    told = "; ".join(reasons) or "it has no Type-4 or Type-14 record"
    return InvalidRequestError([Violation(empty, f"no usable finger: {told}")])
