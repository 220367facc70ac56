"""What a load run sends: requests written before it begins, so that writing them takes no time from the run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from random import Random
from typing import Final, Literal

import numpy as np

from tenprint.client import codec
from tenprint.client.types import EmbeddingSample, Fingers, ImageSample, Originator, Sample, Search
from tenprint.fingerprint.synthetic import SyntheticPerson, encode_png, press
from tenprint.fingerprint.synthetic.vectors import SyntheticVectors
from tenprint.v1 import identification_pb2

PREPARED: Final = 512
"""Searches written before a run of embeddings; it sends them in turn."""

PICTURED: Final = range(1000, 1008)
"""Seeds of the people whose prints a run of images sends in turn. Their fingers take a second each to grow, once."""

_FEWEST: Final = 8
"""Calls of a size that are written, however many searches each has."""


@dataclass(frozen=True, slots=True)
class Mix:
    """What is asked.

    Attributes:
        fingers: how many fingers a probe has, and the weight of that.
        galleries: searched by each probe.
        batches: how many searches a call has, 1: Identify; 2 to 64: IdentifyBatch; and the weight of that among calls.
        form: what a probe is sent as.
        agencies: ORIs that ask in turn.
        priorities: of searches, in turn; none: unset.
        max_candidates: of each search.
        subjects: of the synthetic gallery, whose mates are asked for; 0: nobody's. It is one of vectors: 0 for images.
        seed: of that gallery.
    """

    fingers: tuple[tuple[int, float], ...]
    galleries: tuple[str, ...]
    batches: tuple[tuple[int, float], ...] = ((1, 1.0),)
    form: Literal["embedding", "image"] = "embedding"
    agencies: tuple[str, ...] = ("ZZLOAD000",)
    priorities: tuple[int, ...] = ()
    max_candidates: int = 20
    subjects: int = 0
    seed: int = 1

    @property
    def searches_of_a_call(self) -> float:
        """On average."""
        return sum(size * weight for size, weight in self.batches) / sum(weight for _, weight in self.batches)


@dataclass(frozen=True, slots=True)
class Call:
    """One call, written.

    Attributes:
        searches: how many it asks for.
        message: an IdentifyRequest where that is one, else an IdentifyBatchRequest.
    """

    searches: int
    message: bytes


def in_turn(batches: Sequence[tuple[int, float]], written: Mapping[int, Sequence[bytes]]) -> Iterator[Call]:
    """Calls without end, of sizes drawn by their weights; the same ones each time.

    Args:
        batches: sizes and their weights.
        written: of each size.
    """
    sizes, weights = zip(*batches, strict=True)
    messages = {size: cycle(written[size]) for size in sizes}
    random = Random(0)  # noqa: S311 - for load
    while True:
        size = random.choices(sizes, weights)[0]
        yield Call(size, next(messages[size]))


def requests(mix: Mix, model_version: str) -> dict[int, list[bytes]]:
    """Calls of each size, written: of as many searches as `PREPARED`, or a few calls where those are large."""
    random = Random(mix.seed)  # noqa: S311 - for load
    count = len(PICTURED) if mix.form == "image" else PREPARED
    population = SyntheticVectors.of_model(mix.seed)
    sizes, weights = zip(*mix.fingers, strict=True)
    agencies, priorities = cycle(mix.agencies), cycle(mix.priorities or (None,))
    searches = []
    for number in range(count):
        present = random.choices(sizes, weights)[0]
        nobody = 2**32 + number
        subject = random.randrange(mix.subjects) if mix.subjects else nobody
        samples = (
            _images(PICTURED[number], present)
            if mix.form == "image"
            else _embeddings(population, subject, number, present, model_version, random)
        )
        originator = Originator(next(agencies), f"LOAD{mix.seed:05d}{number:08d}")
        search = Search(originator, mix.galleries, Fingers(samples), mix.max_candidates, priority=next(priorities))
        searches.append(codec.search(search))
    endless = cycle(searches)
    return {
        size: [search.SerializeToString() for search in searches]
        if size == 1
        else [
            identification_pb2.IdentifyBatchRequest(requests=islice(endless, size)).SerializeToString()
            for _ in range(max(_FEWEST, count // size))
        ]
        for size, _ in mix.batches
    }


def _embeddings(
    population: SyntheticVectors, subject: int, impression: int, present: int, model_version: str, random: Random
) -> tuple[Sample, ...]:
    vectors = population.mate(subject, impression).reshape(10, -1)
    held = np.flatnonzero(vectors.any(axis=1)).tolist()
    chosen = sorted(random.sample(held, min(present, len(held))))
    return tuple(EmbeddingSample(slot + 1, vectors[slot], model_version) for slot in chosen)


def _images(seed: int, present: int) -> tuple[Sample, ...]:
    fingers = list(SyntheticPerson(seed).masters.items())[:present]
    return tuple(ImageSample(int(finger), encode_png(press(master, 1, rolled=False))) for finger, master in fingers)
