"""A change of models: vectors of another one are made from the minutiae kept, compared, and swapped in at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tenprint.fingerprint.embedding import Embedder
from tenprint.fingerprint.errors import FingerprintError
from tenprint.fingerprint.features import DescriptorAxes, FingerFeatures, pack_capture
from tenprint.fingerprint.positions import FingerPosition
from tenprint.fingerprint.template import read_template
from tenprint.index import FINGERS, Gallery, Record
from tenprint.server.thresholds import yardstick
from tenprint.store import Epoch, EpochError, NewTemplate, Store, Unembedded, pack_vector, unpack_vector

_ROWS: Final = 100
SAMPLED: Final = 500
"""Most encounters compared as probes, of persons who have another encounter; and as many of persons who have none."""


@dataclass(frozen=True, slots=True)
class Built:
    """What building an epoch came to.

    Attributes:
        epoch: its number.
        embedded: encounters that were given a vector now.
        without_minutiae: encounters that no model can embed: enrolled as vectors, nothing else of them was kept.
        unusable: encounters of which this model can make nothing.
    """

    epoch: int
    embedded: int
    without_minutiae: int
    unusable: int


@dataclass(frozen=True, slots=True)
class Found:
    """How well one epoch does on the sample.

    Attributes:
        mates: probes whose person came first, of those who are in the gallery by another encounter.
        strangers: probes that had a candidate over the threshold, of those who are not.
    """

    mates: int
    strangers: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two epochs on the same probes.

    Attributes:
        mated: probes whose person is in the gallery.
        non_mated: probes whose person is not.
        live: the live epoch's results.
        new: the other's.
        same_first: mated probes with the same first candidate in both.
    """

    mated: int
    non_mated: int
    live: Found
    new: Found
    same_first: int


class Reembedding:
    """Changes the model of one gallery.

    Args:
        store: opened with the live model.
        gallery: the gallery's name.
        model: folder of the other model, with its descriptor axes; None: the one in the package.

    Raises:
        ModelError: if it is not a model.
    """

    def __init__(self, store: Store, gallery: str, model: Path | None) -> None:
        self._store, self._gallery = store, gallery
        self._embedder, self._axes = Embedder(model), DescriptorAxes(model)

    def missing(self) -> int:
        """Encounters that the model's epoch has no vector of."""
        epochs = self._store.epochs.of(self._gallery)
        mine = [epoch for epoch in epochs if epoch.model_version == self._embedder.version]
        return mine[0].missing if mine else epochs[0].encounters + epochs[0].missing

    def build(self, progress: Callable[[int], None]) -> Built:
        """Make what vectors the model's epoch lacks. Goes on where it was interrupted; the server may run meanwhile.

        Args:
            progress: told how many encounters were looked at, every now and then.
        """
        epochs = self._store.epochs
        epoch = epochs.begin(self._gallery, self._embedder.version, self._embedder.dimension)
        embedded = without = unusable = 0
        after = ""
        while rows := epochs.unembedded(self._gallery, epoch, _ROWS, after):
            templates = []
            for row in rows:
                if not row.minutiae:
                    without += 1
                elif (template := self._template(row)) is None:
                    unusable += 1
                else:
                    templates.append(template)
            embedded += epochs.add(epoch, templates)
            after = rows[-1].encounter_id
            progress(len(rows))
        return Built(epoch, embedded, without, unusable)

    def compare(self) -> Comparison:
        """Search a sample in both epochs: encounters of the gallery, each with itself left out.

        Raises:
            EpochError: if the model has no epoch here, or it is the live one.
        """
        new = self._epoch()
        live = next(epoch for epoch in self._store.epochs.of(self._gallery) if epoch.live)
        if new.live:
            raise EpochError(f"gallery {self._gallery!r}: the epoch of model {new.model_version!r} is live")
        both = [self._vectors(epoch.number, epoch.dimension) for epoch in (live, new)]
        mated, strangers = _sample(both[0], both[1])
        probes = [*mated, *strangers]
        firsts = [
            self._firsts(vectors, epoch.dimension, probes) for vectors, epoch in zip(both, (live, new), strict=True)
        ]
        results = [
            Found(
                mates=sum(first[probe][0] == vectors[probe][0] for probe in mated),
                strangers=sum(first[probe][1] for probe in strangers),
            )
            for first, vectors in zip(firsts, both, strict=True)
        ]
        same = sum(firsts[0][probe][0] == firsts[1][probe][0] for probe in mated)
        return Comparison(len(mated), len(strangers), results[0], results[1], same)

    def swap(self, *, even_if_worse: bool) -> Comparison:
        """Compare, and make the model's epoch the live one. Servers are to be restarted with that model.

        Raises:
            EpochError: if it is not complete; or if it finds fewer mates than the live one, unless that is accepted.
        """
        compared = self.compare()
        if compared.new.mates < compared.live.mates and not even_if_worse:
            raise EpochError(
                f"gallery {self._gallery!r}: model {self._embedder.version!r} found {compared.new.mates} of "
                f"{compared.mated} sampled mates first, the live one {compared.live.mates}; nothing was changed"
            )
        self._store.epochs.swap(self._gallery, self._epoch().number)
        return compared

    def forget(self) -> None:
        """Erase the model's epoch.

        Raises:
            EpochError: if there is none, or it is the live one.
        """
        self._store.epochs.forget(self._gallery, self._epoch().number)

    def _epoch(self) -> Epoch:
        """The model's epoch.

        Raises:
            EpochError: if there is none.
        """
        for epoch in self._store.epochs.of(self._gallery):
            if epoch.model_version == self._embedder.version:
                return epoch
        raise EpochError(f"gallery {self._gallery!r}: the epoch of model {self._embedder.version!r} has not been built")

    def _template(self, row: Unembedded) -> NewTemplate | None:
        slots = np.zeros((FINGERS, self._embedder.dimension), dtype=np.float32)
        features: dict[FingerPosition, FingerFeatures] = {}
        fingers = 0
        for view in read_template(row.minutiae):
            try:
                (embedding,) = self._embedder.embed([view.minutiae])
                features[view.position] = FingerFeatures.of(view.minutiae, embedding, self._axes)
            except FingerprintError:
                continue  # too few for this model: the finger is absent in its epoch
            slots[view.position.slot] = embedding.vector
            fingers |= 1 << view.position.slot
        if not fingers:
            return None
        packed = pack_vector(slots.reshape(-1), self._embedder.dimension)
        return NewTemplate(row.encounter_id, fingers, packed, pack_capture(features))

    def _vectors(self, epoch: int, dimension: int) -> dict[str, tuple[str, NDArray[np.float32]]]:
        """By encounter, its subject and vector."""
        return {
            row.encounter_id: (row.subject_id, unpack_vector(row.vector, row.fingers, dimension))
            for rows in self._store.epochs.templates(self._gallery, epoch)
            for row in rows
        }

    def _firsts(
        self, vectors: Mapping[str, tuple[str, NDArray[np.float32]]], dimension: int, probes: Sequence[str]
    ) -> dict[str, tuple[str, bool]]:
        """By probe, the first candidate in a gallery without the probes, and whether it is over the threshold."""
        gallery = Gallery(
            self._gallery, dimension=dimension, model_version="compared", yardstick=yardstick(self._embedder)
        )
        left_out = set(probes)
        gallery.apply(
            [Record(encounter, subject, vector) for encounter, (subject, vector) in vectors.items()
             if encounter not in left_out]
        )  # fmt: skip
        firsts = {}
        for probe in probes:
            (result,) = gallery.search(vectors[probe][1][np.newaxis], 1).results
            best = result.candidates[0] if result.candidates else None
            over = best is not None and best.score >= self._embedder.candidate_threshold(len(best.positions))
            firsts[probe] = (best.subject_id if best is not None else "", over)
        return firsts


def _sample(
    live: Mapping[str, tuple[str, NDArray[np.float32]]], new: Mapping[str, tuple[str, NDArray[np.float32]]]
) -> tuple[list[str], list[str]]:
    """Probes with a mate in the gallery and probes without: one encounter a person, evenly over the gallery."""
    of_subject: dict[str, list[str]] = {}
    for encounter, (subject, _) in live.items():
        if encounter in new:
            of_subject.setdefault(subject, []).append(encounter)
    mated = [encounters[-1] for encounters in of_subject.values() if len(encounters) > 1]
    alone = [encounters[0] for encounters in of_subject.values() if len(encounters) == 1]
    return _evenly(mated), _evenly(alone)


def _evenly(probes: Sequence[str]) -> list[str]:
    step = max(1, -(-len(probes) // SAMPLED))
    return list(probes[::step])
