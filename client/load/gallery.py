"""Filling a gallery with people who do not exist."""

import queue
import threading
from collections.abc import Iterator, Sequence
from typing import Final

from tenprint.client.client import Client
from tenprint.client.errors import TenprintError
from tenprint.client.types import EmbeddingSample, Enrolment, Fingers, MissingFinger, MissingReason, Originator, Receipt
from tenprint.fingerprint.synthetic.vectors import SyntheticVectors

ORI: Final = "ZZSYNTH00"
_STREAM_SECONDS: Final = 86_400.0


def fill(
    client: Client, gallery: str, seed: int, numbers: Sequence[int], streams: int, model_version: str
) -> Iterator[Receipt]:
    """Enrol subjects of a synthetic population by several streams; receipts as they come.

    A subject's TCN is made of gallery, seed and number, so a repetition is known as one.

    Raises:
        TenprintError: the first refusal; what was enrolled before it stays.
    """
    receipts: queue.Queue[Receipt | TenprintError | None] = queue.Queue()

    def enrolments(share: Sequence[int]) -> Iterator[Enrolment]:
        population = SyntheticVectors.of_model(seed)
        for number in share:
            vectors = population.subject(number).reshape(10, -1)
            present = [bool(vector.any()) for vector in vectors]
            samples = tuple(EmbeddingSample(i + 1, vectors[i], model_version) for i in range(10) if present[i])
            missing = tuple(MissingFinger(i + 1, MissingReason.AMPUTATED) for i in range(10) if not present[i])
            by = Originator(ORI, f"SYN{seed:05d}{number:010d}{gallery.upper()}"[:40])
            yield Enrolment(by, gallery, Fingers(samples, missing), f"SYN-{seed}-{number}")

    def stream(share: Sequence[int]) -> None:
        try:
            for _, result in client.enrol_stream(enrolments(share), timeout=_STREAM_SECONDS):
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
