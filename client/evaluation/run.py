"""The whole evaluation: what is extracted, compared and searched, and which figures come of it."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from tenprint.client.evaluation import comparisons, pose
from tenprint.client.evaluation.comparisons import Pairs, all_pairs, verification
from tenprint.client.evaluation.extraction import EvaluationError, Extracted, Extraction
from tenprint.client.evaluation.manifest import Person, Print, persons, single_fingers, template_path
from tenprint.client.evaluation.measures import Curve, Floats, Integers, cumulative_match
from tenprint.client.evaluation.searches import Found, Searches, identification, search
from tenprint.fingerprint.image import GreyImage, decode_image
from tenprint.server.capture import ImageContent, TemplateContent
from tenprint.server.settings import Settings

SEED: Final = 20261126
"""Of every draw: chimeras, pairs where there are too many, poses, bootstraps."""
FINGERS: Final = (2, 4, 10)
PREFIXES: Final = (128, 64)
"""First numbers of a vector that are searched alone."""
_CMC_DEPTH: Final = 20
_PAIR_FIGURES: Final = ("eer", "fmr100", "fmr1000")

Figures = dict[str, Any]


class Progress(Protocol):
    """Shows someone how far a stage is: what is done, and how many items there are; gives what to call after each."""

    def __call__(self, what: str, total: int) -> Callable[[], None]:
        """Begin a stage."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be measured beside the figures that always are.

    Attributes:
        templates: folder of ISO templates to use in place of the images; None: the images.
        rotate: also turn every probe, by up to so many degrees either way; 0: do not.
        partial: also take half of every probe away.
        bozorth3: also compare with bozorth3 on the same minutiae.
    """

    templates: Path | None = None
    rotate: float = 0.0
    partial: bool = False
    bozorth3: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """An evaluation.

    Attributes:
        report: what goes into the JSON report: plain values by name. All but `seconds` is the same every time.
        det: error rates of all pairs, by what decides.
        cmc: share of mates within the first 1, 2, ... places, likewise.
    """

    report: Figures
    det: dict[str, Curve] = field(default_factory=dict)
    cmc: dict[str, Floats] = field(default_factory=dict)


def evaluate(prints: Sequence[Print], asked: Asked, settings: Settings, progress: Progress) -> Result:
    """Measure the pipeline of a server with these settings.

    Args:
        prints: as :func:`~tenprint.client.evaluation.manifest.read_manifest` orders them.
        asked: what to measure.
        settings: of the server.
        progress: shows how far it is.

    Raises:
        EvaluationError: if a print is refused for anything but the print, the prints allow no comparison, or the
            settings no re-ranking.
        ModelError: if the model is missing or damaged.
        OSError: if a print cannot be read.
    """
    begun = time.perf_counter()
    if not settings.rerank_pairs:
        raise EvaluationError("rerank_pairs is 0: re-ranking is off, and could not be measured")
    extraction = Extraction(settings)
    with extraction.running():
        contents = [_content(item, asked.templates) for item in prints]
        extracted = extraction.extract(prints, contents, progress("extracting", len(prints)))
        evaluation = _Evaluation(prints, extracted, extraction, settings, progress)
        result = evaluation.figures(bozorth3=asked.bozorth3)
        poses = evaluation.poses(asked)
    if poses:
        result.report["pose"] = poses
    result.report["seconds"] = evaluation.seconds(time.perf_counter() - begun)
    return result


class _Evaluation:
    """Prints as the pipeline sees them, and everything that is measured of them."""

    def __init__(
        self,
        prints: Sequence[Print],
        extracted: Sequence[Extracted | None],
        extraction: Extraction,
        settings: Settings,
        progress: Progress,
    ) -> None:
        self._prints, self._extracted, self._extraction = prints, extracted, extraction
        self._settings, self._progress = settings, progress
        self._datasets = sorted({item.dataset for item in prints})
        self._units: Integers = np.unique([item.person for item in prints], return_inverse=True)[1].astype(np.int64)
        self._pairs = all_pairs(prints, SEED)
        self._fingers = single_fingers(prints)
        if not self._pairs.mated.any() or self._pairs.mated.all():
            raise EvaluationError(
                "the manifest has no two impressions of one finger, or no two fingers of one data set"
            )
        self._seconds: dict[str, list[float]] = {"search": [], "rerank": []}

    def figures(self, *, bozorth3: bool) -> Result:
        """What is always measured, and bozorth3 where it is asked for."""
        pairs, dimension = self._pairs, self._extraction.dimension
        vectors = comparisons.vector_scores(self._extracted, pairs)
        scores = {"embedding": vectors, "reranked": comparisons.fused_scores(self._extracted, pairs, vectors)}
        found = self._searched(self._extracted, dimension, "searching")
        decided = {"embedding": found.by_vector, "reranked": found.reranked}
        report: Figures = {"input": self._input(), "failures_to_extract": self._failures()}
        for name, searches in decided.items():
            report[name] = self._of_datasets(scores[name], searches, found)
        report["embedding"]["prefixes"] = {
            str(numbers): identification(shorter.by_vector, shorter, _everything(shorter), SEED)
            for numbers in PREFIXES
            if numbers < dimension
            for shorter in [self._searched(self._extracted, numbers, f"searching by {numbers} numbers")]
        }
        for name, by_fingers in self._by_fingers(found).items():
            report[name]["fingers"] = by_fingers
        if bozorth3:
            done = self._progress("comparing by bozorth3", len(pairs.first))
            workers = self._settings.extraction_workers
            scores["bozorth3"] = comparisons.bozorth3_scores(self._extracted, pairs, workers, done)
            report["bozorth3"] = self._of_datasets(scores["bozorth3"], None, None)
        det = {name: comparisons.det(values, pairs) for name, values in scores.items()}
        depth = min(_CMC_DEPTH, found.gallery)
        return Result(report, det, {name: cumulative_match(one.ranks, depth) for name, one in decided.items()})

    def poses(self, asked: Asked) -> Figures:
        """The same probes turned and cut, against the enrolled prints as they are; empty: not asked for."""
        draw = np.random.default_rng(SEED)
        angles = draw.uniform(-asked.rotate, asked.rotate, len(self._prints))
        sides = draw.integers(0, 4, len(self._prints))

        def turn(number: int, image: GreyImage, _: Extracted) -> ImageContent:
            return pose.turned(image, float(angles[number]))

        def cut(number: int, image: GreyImage, whole: Extracted) -> ImageContent:
            return pose.half(image, whole.minutiae, int(sides[number]))

        wanted = [("rotated", turn)] * (asked.rotate > 0) + [("partial", cut)] * asked.partial
        if not wanted:
            return {}
        figures: Figures = {"upright": self._posed(self._extracted)}
        for name, make in wanted:
            figures[name] = self._posed(self._remade(make, f"extracting, {name}"))
        if "rotated" in figures:
            figures["degrees"] = asked.rotate
        return figures

    def seconds(self, wall: float) -> Figures:
        """What a print and a search took, on threads that share the processor; and the whole."""
        stages = {**self._extraction.seconds, **self._seconds}
        return {
            **{
                stage: {
                    "mean": float(np.mean(taken)),
                    "p50": float(np.median(taken)),
                    "p95": float(np.quantile(taken, 0.95)),
                }
                for stage, taken in stages.items()
                if taken
            },
            "threads": self._settings.extraction_workers,
            "wall": wall,
        }

    def _input(self) -> Figures:
        return {
            "datasets": len(self._datasets),
            "fingers": len(self._fingers),
            "prints": len(self._prints),
            "extractor": self._extraction.extractor,
            "model_version": self._extraction.model_version,
            "reranked_pairs": self._settings.rerank_pairs,
            "seed": SEED,
        }

    def _failures(self) -> Figures:
        failed = [item.dataset for item, one in zip(self._prints, self._extracted, strict=True) if one is None]
        return {**{name: failed.count(name) for name in self._datasets}, "pooled": len(failed)}

    def _of_datasets(self, scores: Floats, searches: Searches | None, found: Found | None) -> Figures:
        """By data set, pooled, and the mean over data sets of what is measured inside them."""
        of_pair = np.array(self._datasets, object)[self._pairs.dataset]

        def figures(names: Sequence[str]) -> Figures:
            chosen = np.isin(of_pair, names)
            measured: Figures = verification(scores, self._pairs, self._units, chosen, SEED) or {}
            if searches is not None and found is not None and (of := np.isin(found.dataset, names)).any():
                searched = identification(searches, found, of, SEED)
                intervals = {**measured.get("intervals", {}), **searched["intervals"]}
                measured = {**measured, **searched, "intervals": intervals}
            return measured

        by_name = {name: figures([name]) for name in self._datasets}
        held = [one for one in by_name.values() if "eer" in one]
        mean = {name: float(np.mean([one[name] for one in held])) for name in _PAIR_FIGURES}
        return {"datasets": by_name, "mean_of_datasets": mean, "pooled": figures(self._datasets)}

    def _by_fingers(self, single: Found) -> dict[str, Figures]:
        """Identification by one, two, four and ten fingers, by what decides."""
        figures: dict[str, Figures] = {"embedding": {}, "reranked": {}}
        found = [(1, "single fingers", single)]
        for count in FINGERS:
            people, real = persons(self._prints, count, SEED)
            if len(people) > 1:
                done = self._progress(f"searching by {count} fingers", sum(len(person.probes) for person in people))
                kind = "real" if real else "chimeric"
                found.append((count, kind, self._search(people, self._extracted, self._extraction.dimension, done)))
        for count, kind, one in found:
            for name, searches in (("embedding", one.by_vector), ("reranked", one.reranked)):
                figures[name][str(count)] = {"persons": kind, **identification(searches, one, _everything(one), SEED)}
        return figures

    def _searched(self, probes: Sequence[Extracted | None], dimension: int, what: str) -> Found:
        done = self._progress(what, sum(len(person.probes) for person in self._fingers))
        return self._search(self._fingers, probes, dimension, done)

    def _search(
        self, people: Sequence[Person], probes: Sequence[Extracted | None], dimension: int, done: Callable[[], None]
    ) -> Found:
        """Search; the seconds of the first time, single fingers by whole vectors, are kept."""
        seconds = {"search": [], "rerank": []} if self._seconds["search"] else self._seconds
        yardstick = self._extraction.yardstick
        return asyncio.run(
            search(
                people, self._extracted, probes, self._settings, seconds, done, dimension=dimension, yardstick=yardstick
            )
        )

    def _remade(self, make: Callable[[int, GreyImage, Extracted], ImageContent], what: str) -> list[Extracted | None]:
        """Extract the probes anew, each as `make` changes it; of the enrolled prints there is none."""
        numbers = [
            number
            for person in self._fingers
            for probe in person.probes
            for number in probe.prints
            if self._extracted[number] is not None
        ]

        def content(number: int) -> ImageContent:
            whole = self._extracted[number]
            if whole is None:
                raise EvaluationError(f"{self._prints[number].name} was not extracted")  # `numbers` has none such
            item = self._prints[number]
            return make(number, decode_image(item.path.read_bytes(), format=None, ppi=item.ppi), whole)

        def later(number: int) -> Callable[[], ImageContent]:
            return lambda: content(number)

        done = self._progress(what, len(numbers))
        taken = {stage: list(seconds) for stage, seconds in self._extraction.seconds.items()}
        found = self._extraction.extract([self._prints[n] for n in numbers], [later(n) for n in numbers], done)
        self._extraction.seconds = taken  # turned images are larger: no time of theirs is a print's
        whole: list[Extracted | None] = [None] * len(self._prints)
        for number, one in zip(numbers, found, strict=True):
            whole[number] = one
        return whole

    def _posed(self, probes: Sequence[Extracted | None]) -> Figures:
        """Verification of probes against the first impressions of their data set, and rank-1 and rank-10."""
        enrolled = np.zeros(len(self._prints), bool)
        for person in self._fingers:
            enrolled[list(person.enrolled.prints)] = True
        both = [*self._extracted, *probes]
        count, pairs = len(self._prints), self._pairs
        # A pair stands in the order of the prints: its first is the enrolled one, or its second is, or neither.
        swapped = enrolled[pairs.second] & ~enrolled[pairs.first]
        first = np.where(swapped, pairs.second, pairs.first)
        second = np.where(swapped, pairs.first, pairs.second)
        kept = enrolled[first] & ~enrolled[second]
        posed = Pairs(first[kept], second[kept] + count, pairs.mated[kept], pairs.dataset[kept])
        units = np.concatenate([self._units, self._units])
        everything = np.ones(int(kept.sum()), bool)
        vectors = comparisons.vector_scores(both, posed)
        found = self._searched(probes, self._extraction.dimension, "searching")
        figures: Figures = {"failures_to_extract": sum(both[n] is None for n in np.unique(posed.second))}
        for name, scores, searches in (
            ("embedding", vectors, found.by_vector),
            ("reranked", comparisons.fused_scores(both, posed, vectors), found.reranked),
        ):
            measured = verification(scores, posed, units, everything, SEED) or {}
            figures[name] = {**measured, **identification(searches, found, _everything(found), SEED)}
            figures[name]["intervals"] = {**measured.get("intervals", {}), **figures[name]["intervals"]}
        return figures


def _everything(found: Found) -> NDArray[np.bool_]:
    return np.ones(len(found.dataset), bool)


def _content(item: Print, templates: Path | None) -> Callable[[], ImageContent | TemplateContent]:
    if templates is not None:
        return lambda: TemplateContent(template_path(templates, item).read_bytes())
    return lambda: ImageContent(item.path.read_bytes(), None, item.ppi)
