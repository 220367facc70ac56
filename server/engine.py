"""The galleries this server holds, with their records and schedulers: what the services work on."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tenprint.fingerprint.embedding import Embedder
from tenprint.index.gallery import Gallery
from tenprint.server.errors import NotHeldError
from tenprint.server.metrics import Metrics
from tenprint.server.records import GalleryRecords
from tenprint.server.scheduler import GalleryScheduler
from tenprint.server.settings import Settings


@dataclass(frozen=True, slots=True, eq=False)
class HeldGallery:
    """One gallery: its index, who is in it, and the queue of probes for it."""

    title: str
    index: Gallery
    scheduler: GalleryScheduler
    records: GalleryRecords = field(default_factory=GalleryRecords)


class Engine:
    """All galleries of this server."""

    def __init__(self, settings: Settings, embedder: Embedder, metrics: Metrics) -> None:
        self._held: dict[str, HeldGallery] = {}
        for gallery in settings.galleries:
            index = Gallery(gallery.name, dimension=embedder.dimension, model_version=embedder.version)
            scheduler = GalleryScheduler(
                index, metrics, max_queued=settings.max_queued_probes, max_batch=settings.max_batch_probes
            )
            self._held[gallery.name] = HeldGallery(gallery.title, index, scheduler)
        metrics.watch_galleries(lambda: [held.index for held in self._held.values()])

    def __iter__(self) -> Iterator[HeldGallery]:
        return iter(self._held.values())

    def held(self, name: str) -> HeldGallery:
        """The gallery of that name.

        Raises:
            NotHeldError: if there is none; names those there are.
        """
        try:
            return self._held[name]
        except KeyError:
            raise NotHeldError("gallery", name, f"; held are {', '.join(sorted(self._held))}") from None

    def close(self) -> None:
        """Finish waiting searches and stop the search threads."""
        for held in self._held.values():
            held.scheduler.close()
