"""From the prints of a manifest to vectors and features, by the server's own preparation."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tenprint.client.evaluation.manifest import Print
from tenprint.fingerprint.embedding import Embedder
from tenprint.fingerprint.features import DescriptorAxes, FingerFeatures
from tenprint.fingerprint.leader import LeaderExtractor
from tenprint.fingerprint.mindtct import MindtctExtractor
from tenprint.fingerprint.minutiae import Minutiae
from tenprint.fingerprint.positions import FingerPosition
from tenprint.server.capture import Fingers, ImageContent, Sample, TemplateContent
from tenprint.server.errors import InvalidRequestError
from tenprint.server.metrics import Metrics
from tenprint.server.preparation import Preparation
from tenprint.server.settings import Settings
from tenprint.server.thresholds import yardstick

POSITION: Final = FingerPosition.RIGHT_INDEX
"""Manifests do not say which finger an image shows. All are prepared as this one."""

_OF_THE_PRINT: Final = (".image.data", ".template.data")
"""Fields whose faults are a print's: it shows nothing that can be compared. All else is a fault of the manifest."""


class EvaluationError(Exception):
    """A print that cannot be measured with, for a reason that is not its quality; the message says which and why."""


@dataclass(frozen=True, slots=True, eq=False)
class Extracted:
    """What the pipeline made of one print.

    Attributes:
        vector: float32 [dimension], unit length.
        features: what re-ranking reads.
        minutiae: those that were described.
        record: the same as an ISO/IEC 19794-2:2005 record.
    """

    vector: NDArray[np.float32]
    features: FingerFeatures
    minutiae: Minutiae
    record: bytes


class Extraction:
    """The pipeline of a server with these settings: its extractor, model and limits.

    Args:
        settings: of the server whose accuracy is asked for.
    """

    def __init__(self, settings: Settings) -> None:
        embedder = Embedder(settings.model_path)
        extractor = LeaderExtractor() if settings.extractor == "leader" else MindtctExtractor()
        self.model_version, self.extractor, self.dimension = embedder.version, extractor.name, embedder.dimension
        self.yardstick = yardstick(embedder)
        self._window = 2 * settings.extraction_workers
        self._preparation = Preparation(
            embedder,
            DescriptorAxes(settings.model_path),
            extractor,
            Metrics(),
            workers=settings.extraction_workers,
            max_queued=settings.max_queued_captures,
            max_queued_bytes=settings.max_queued_capture_bytes,
            max_image_bytes=settings.max_image_bytes,
            max_image_pixels=settings.max_image_pixels,
        )
        self.seconds: dict[str, list[float]] = {"decode": [], "extract": [], "embed": []}

    @contextmanager
    def running(self) -> Iterator[None]:
        """The pool of threads runs inside."""
        try:
            yield
        finally:
            self._preparation.close()

    def extract(
        self,
        prints: Sequence[Print],
        contents: Sequence[Callable[[], ImageContent | TemplateContent]],
        done: Callable[[], None],
    ) -> list[Extracted | None]:
        """Prepare prints as probes are prepared.

        Args:
            prints: whose they are, for messages.
            contents: reads each, when its turn comes.
            done: called after each.

        Returns:
            One a print; None: it shows nothing that can be compared.

        Raises:
            EvaluationError: if a print is refused for anything else.
            OSError: if one cannot be read.
        """

        async def whole() -> list[Extracted | None]:
            window = asyncio.Semaphore(self._window)

            async def one(number: int) -> Extracted | None:
                async with window:
                    found = await self._one(prints[number], contents[number]())
                    done()
                    return found

            async with asyncio.TaskGroup() as tasks:
                waiting = [tasks.create_task(one(number)) for number in range(len(contents))]
            return [task.result() for task in waiting]

        try:
            return asyncio.run(whole())
        except ExceptionGroup as group:
            raise group.exceptions[0] from None

    async def _one(self, item: Print, content: ImageContent | TemplateContent) -> Extracted | None:
        capture = Fingers((Sample(POSITION, content),), ())
        try:
            prepared = await self._preparation.prepare(capture, "probe", for_enrolment=False)
        except InvalidRequestError as error:
            if all(violation.field.endswith(_OF_THE_PRINT) for violation in error.violations):
                return None
            raise EvaluationError(f"{item.name}, impression {item.impression}: {error}") from error
        for stage, seconds in self.seconds.items():
            seconds.append(float(getattr(prepared, f"{stage}_seconds")))
        slot = POSITION.slot * self.dimension
        return Extracted(
            prepared.vector[slot : slot + self.dimension],
            prepared.features[POSITION],
            prepared.views[0].minutiae,
            prepared.minutiae_record(),
        )
