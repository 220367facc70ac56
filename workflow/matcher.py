"""The matchers, as the workflow sees them: one gallery each, asked over gRPC. They know nothing of the workflow."""

from typing import Protocol

from tenprint.client import AsyncClient
from tenprint.client.channel import Target
from tenprint.client.types import Enrolment, Identification, Originator, Receipt, RecordTarget, Search, TransactionFile
from tenprint.workflow.settings import WorkflowSettings
from tenprint.workflow.types import Gallery, RecordChange


class Matcher(Protocol):
    """Searches and enrols prints. Methods raise :class:`tenprint.client.TenprintError` for anything but an answer."""

    async def search(self, gallery: Gallery, by: Originator, file: bytes, *, priority: int) -> Identification:
        """Search a transaction file, without demographics, in one gallery.

        Args:
            gallery: which.
            by: under which transaction.
            file: an ANSI/NIST-ITL file.
            priority: 1 to 9, whose turn it is where searches wait.
        """
        ...

    async def enrol(self, gallery: Gallery, by: Originator, file: bytes, subject_id: str | None) -> Receipt:
        """Enrol a transaction file, without demographics; `subject_id` None: a new person. Safe to repeat."""
        ...

    async def minutiae(self, gallery: Gallery, by: Originator, encounter_id: str) -> bytes:
        """What is kept of a capture: an ISO/IEC 19794-2:2005 record, empty where nothing is."""
        ...

    async def change(
        self, change: RecordChange, gallery: Gallery, by: Originator, target: RecordTarget, reference: str
    ) -> tuple[str, ...]:
        """Seal, unseal or expunge records; the ids of the encounters. Safe to repeat."""
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

    async def search(self, gallery: Gallery, by: Originator, file: bytes, *, priority: int) -> Identification:
        """As :meth:`Matcher.search`."""
        search = Search(by, (gallery.value,), TransactionFile(file), priority=priority)
        return await self._clients[gallery].identify(search)

    async def enrol(self, gallery: Gallery, by: Originator, file: bytes, subject_id: str | None) -> Receipt:
        """As :meth:`Matcher.enrol`."""
        return await self._clients[gallery].enrol(Enrolment(by, gallery.value, TransactionFile(file), subject_id))

    async def minutiae(self, gallery: Gallery, by: Originator, encounter_id: str) -> bytes:
        """As :meth:`Matcher.minutiae`."""
        return await self._clients[gallery].minutiae(by, gallery.value, encounter_id)

    async def change(
        self, change: RecordChange, gallery: Gallery, by: Originator, target: RecordTarget, reference: str
    ) -> tuple[str, ...]:
        """As :meth:`Matcher.change`."""
        client = self._clients[gallery]
        calls = {
            RecordChange.SEALED: client.seal,
            RecordChange.UNSEALED: client.unseal,
            RecordChange.EXPUNGED: client.expunge,
        }
        return (await calls[change](by, gallery.value, target, reference)).encounter_ids

    async def close(self) -> None:
        """Close the channels."""
        for client in self._clients.values():
            await client.close()
