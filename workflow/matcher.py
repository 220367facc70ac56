"""The matchers, as the workflow sees them: one gallery each, asked over gRPC. They know nothing of the workflow."""

from typing import Protocol

from tenprint.client import AsyncClient
from tenprint.client.channel import Target
from tenprint.client.types import Enrolment, Identification, Originator, Receipt, Search, TransactionFile
from tenprint.workflow.settings import WorkflowSettings
from tenprint.workflow.types import Gallery


class Matcher(Protocol):
    """Searches and enrols prints. Methods raise :class:`tenprint.client.TenprintError` for anything but an answer."""

    async def search(
        self, gallery: Gallery, by: Originator, file: bytes, *, priority: int, fpir: float
    ) -> Identification:
        """Search a transaction file, without demographics, in one gallery.

        Args:
            gallery: which.
            by: under which transaction.
            file: an ANSI/NIST-ITL file.
            priority: 1 to 9, whose turn it is where searches wait.
            fpir: candidates wanted: those whose score has at most this expected FPIR in the gallery as it is now.
        """
        ...

    async def enrol(self, gallery: Gallery, by: Originator, file: bytes, subject_id: str | None) -> Receipt:
        """Enrol a transaction file, without demographics; `subject_id` None: a new person. Safe to repeat."""
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...


class GrpcMatcher:
    """The matchers of the settings. Make it inside the running loop."""

    def __init__(self, settings: WorkflowSettings) -> None:
        self._clients = {
            gallery: AsyncClient(Target(settings.matcher(gallery), settings.matcher_ca), settings.matcher_seconds)
            for gallery in Gallery
        }

    async def search(
        self, gallery: Gallery, by: Originator, file: bytes, *, priority: int, fpir: float
    ) -> Identification:
        """As :meth:`Matcher.search`."""
        search = Search(by, (gallery.value,), TransactionFile(file), priority=priority, target_fpir=fpir)
        return await self._clients[gallery].identify(search)

    async def enrol(self, gallery: Gallery, by: Originator, file: bytes, subject_id: str | None) -> Receipt:
        """As :meth:`Matcher.enrol`."""
        return await self._clients[gallery].enrol(Enrolment(by, gallery.value, TransactionFile(file), subject_id))

    async def close(self) -> None:
        """Close the channels."""
        for client in self._clients.values():
            await client.close()
