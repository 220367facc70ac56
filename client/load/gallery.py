"""Filling a gallery with people who do not exist."""

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tenprint.client.client import Client
from tenprint.client.errors import TenprintError
from tenprint.client.types import EmbeddingSample, Enrolment, Fingers, MissingFinger, MissingReason, Originator, Receipt
from tenprint.fingerprint.positions import SLOTS
from tenprint.fingerprint.synthetic.vectors import SyntheticVectors

ORI: Final = "ZZSYNTH00"
_STREAM_SECONDS: Final = 86_400.0
_BLOCK: Final = 64
"""Subjects drawn together."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Somebody who does not exist, and the transaction that enrols them.

    Attributes:
        by: the transaction: made of gallery, seed and number, so that a repetition is known as one.
        subject_id: likewise.
        fingers: float32 [10, d], zeros where a finger is missing.
    """

    by: Originator
    subject_id: str
    fingers: NDArray[np.float32]

    @property
    def present(self) -> list[bool]:
        """Of each finger, whether it is there."""
        return [bool(finger.any()) for finger in self.fingers]

    def enrolment(self, gallery: str, model_version: str) -> Enrolment:
        """What is sent to enrol them."""
        present = self.present
        samples = tuple(EmbeddingSample(i + 1, self.fingers[i], model_version) for i in range(SLOTS) if present[i])
        missing = tuple(MissingFinger(i + 1, MissingReason.AMPUTATED) for i in range(SLOTS) if not present[i])
        return Enrolment(self.by, gallery, Fingers(samples, missing), self.subject_id)


def people(gallery: str, seed: int, numbers: Sequence[int]) -> Iterator[Person]:
    """Subjects of a synthetic population, by their numbers."""
    population = SyntheticVectors.of_model(seed)
    for start in range(0, len(numbers), _BLOCK):
        block = numbers[start : start + _BLOCK]
        for number, vector in zip(block, population.subjects(block), strict=True):
            by = Originator(ORI, f"SYN{seed:05d}{number:010d}{gallery.upper()}"[:40])
            yield Person(by, f"SYN-{seed}-{number}", vector.reshape(SLOTS, -1))


def fill(
    client: Client, gallery: str, seed: int, numbers: Sequence[int], streams: int, model_version: str
) -> Iterator[Receipt]:
    """Enrol subjects of a synthetic population by several streams; receipts as they come.

    Raises:
        TenprintError: the first refusal; what was enrolled before it stays.
    """
    receipts: queue.Queue[Receipt | TenprintError | None] = queue.Queue()

    def stream(share: Sequence[int]) -> None:
        try:
            enrolments = (person.enrolment(gallery, model_version) for person in people(gallery, seed, share))
            for _, result in client.enrol_stream(enrolments, timeout=_STREAM_SECONDS):
                receipts.put(result)
        except TenprintError as error:
            receipts.put(error)
        finally:
            receipts.put(None)

    shares = [numbers[start::streams] for start in range(streams)]
    threads = [threading.Thread(target=stream, args=(share,), daemon=True) for share in shares]
    for thread in threads:
        thread.start()
    ended = 0
    while ended < streams:
        item = receipts.get()
        if item is None:
            ended += 1
        elif isinstance(item, TenprintError):
            raise item
        else:
            yield item
