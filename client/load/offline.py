"""Filling a store with people who do not exist while no server runs: the store's own enrolment, many at a time.

What is written is what a server would have written for the same enrolments, receipts included: one way goes on where
the other was broken off (docs/adr/0015-offline-synthetic-galleries.md).
"""

import os
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from multiprocessing import get_context
from typing import Final

from tenprint.client import codec
from tenprint.client.load.gallery import Person, people
from tenprint.fingerprint.embedding import Embedder
from tenprint.fingerprint.positions import SLOTS, FingerPosition
from tenprint.server.capture import SampleReport, SampleStatus
from tenprint.server.codec import content_digest, report_rows
from tenprint.server.recovery import IndexFolder
from tenprint.server.settings import Settings
from tenprint.store import Encounter, GallerySpec, NewEncounter, Originator, Receipt, Store

_TOGETHER: Final = 1000
"""Enrolments in one transaction, 10 MB of vectors: then neither its begin nor its fsync is what takes the time."""


def fill_store(settings: Settings, gallery: str, seed: int, numbers: Sequence[int]) -> Iterator[list[Receipt]]:
    """Enrol subjects of a synthetic population in the store itself; receipts, as each transaction is on disk.

    The subjects are drawn by other processes, one fewer than there are cores. The index is brought up by the next start
    of a server, or by `tenprint rebuild-index`.

    Raises:
        IndexFolderError: if a server runs on this store.
        TransactionTakenError: if a subject's TCN stands for other content.
        StoreError: if the store does not take it. What was enrolled before stays.
    """
    embedder = Embedder(settings.model_path)
    folder = IndexFolder(settings.index_path)  # a running server holds it
    try:
        spec = GallerySpec(gallery, embedder.version, embedder.dimension)
        store = Store(settings.database_url.get_secret_value(), [spec])
        try:
            for block in _drawn_ahead(partial(_drawn, gallery, seed, embedder.version), numbers):
                receipts = []
                for answer in store.enrol(block):
                    if isinstance(answer, Exception):
                        raise answer
                    receipts.append(answer)
                yield receipts
        finally:
            store.close()
    finally:
        folder.close()


def _drawn_ahead(
    draw: Callable[[Sequence[int]], list[NewEncounter]], numbers: Sequence[int]
) -> Iterator[list[NewEncounter]]:
    """Blocks in order; a few are drawn while one is written."""
    workers = max(1, (os.cpu_count() or 1) - 1)
    starts = iter(range(0, len(numbers), _TOGETHER))
    ahead: deque[Future[list[NewEncounter]]] = deque()
    # Spawned: threads of this process, gRPC's and FAISS's, do not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        while True:
            for start in islice(starts, workers + 1 - len(ahead)):
                ahead.append(pool.submit(draw, numbers[start : start + _TOGETHER]))
            if not ahead:
                return
            yield ahead.popleft().result()


def _drawn(gallery: str, seed: int, model_version: str, numbers: Sequence[int]) -> list[NewEncounter]:
    """Runs in another process."""
    return [_new(person, gallery, model_version) for person in people(gallery, seed, numbers)]


def _new(person: Person, gallery: str, model_version: str) -> NewEncounter:
    """What the enrolment service makes of the same person's enrolment."""
    present = person.present
    used = [SampleReport(FingerPosition(i + 1), SampleStatus.USED) for i in range(SLOTS) if present[i]]
    missing = [
        SampleReport(FingerPosition(i + 1), SampleStatus.MISSING, "amputated") for i in range(SLOTS) if not present[i]
    ]
    encounter = Encounter(
        encounter_id=str(uuid.uuid4()),
        subject_id=person.subject_id,
        enrolled_at=datetime.now(UTC),
        fingers=tuple(i + 1 for i in range(SLOTS) if present[i]),
        originator=Originator(person.by.ori, person.by.tcn),
    )
    return NewEncounter(
        gallery=gallery,
        encounter=encounter,
        vector=person.fingers.reshape(-1),
        digest=content_digest(codec.enrolment(person.enrolment(gallery, model_version))),
        reports=report_rows([*used, *missing]),
    )
